//! Purchase (消费): INITIALIZE FOR PURCHASE, DEBIT FOR PURCHASE.

use onecard_wire::{
    date::Moment,
    ins::DEBIT_PURCHASE,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{DebitForPurchase, Debited, Initialize, Proof, PurchaseInitialized, Purse, TransactionType},
};

use super::{
    Wallet,
    purse::{Completed, require_not_at_maximum},
    transaction_mac::{Order, SessionKey, dated_input, purchase_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    card::Card,
    crypto::same,
    failure::{Failure, refuse},
    keys::KeyRecord,
    platform::Platform,
};

/// A purchase that waits for its DEBIT. Its session key is made there: it takes the terminal's sequence.
pub(crate) struct Purchase {
    purse: Purse,
    generation: u32,
    order: Order,
    random: [u8; 4],
    key: KeyRecord,
    tac_key: KeyRecord,
}

impl<P: Platform> Card<P> {
    pub(super) fn initialize_for_purchase(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        order: &Initialize,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_answer_len(PurchaseInitialized::LEN)?;
        let open = self.open_purse(purse)?;
        let (key, tac_key) = self.transaction_keys(KeyType::PURCHASE, order.key_id)?;
        let content = open.content;
        require_not_at_maximum(content.offline_sequence)?;
        if content.balance < order.amount {
            return refuse(StatusWord::BALANCE_TOO_LOW);
        }
        let mut random = [0; 4];
        self.nvm.chip().random(&mut random);
        let initialized = PurchaseInitialized {
            old_balance: content.balance,
            offline_sequence: content.offline_sequence,
            overdraft: content.overdraft,
            key_version: KeyVersion(key.b4),
            algorithm: AlgorithmId(key.b5),
            random,
        };
        put(answer, &initialized.emit())?;
        let transaction_type = TransactionType::purchase(purse);
        let order = Order { amount: order.amount, transaction_type, terminal: order.terminal };
        self.session.wallet =
            Wallet::Purchase(Purchase { purse, generation: open.generation(), order, random, key, tac_key });
        Ok(())
    }

    /// DEBIT FOR PURCHASE. Whatever happens, the purchase it belongs to is over.
    pub(crate) fn debit_for_purchase(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_p1p2(DEBIT_PURCHASE, 0x00)?;
        command.require_data_len(DebitForPurchase::LEN)?;
        command.require_answer_len(Debited::LEN)?;
        let Wallet::Purchase(purchase) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let fields = DebitForPurchase::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen_purse(purchase.purse, purchase.generation)?;
        let Purchase { order, random, .. } = purchase;
        let key = purchase.key.key(&self.nvm)?;
        let session_key = SessionKey::offline(&key, random, open.content.offline_sequence, fields.terminal_sequence);
        if !same(&session_key.mac(&dated_input(&order, fields.date, fields.time)), &fields.mac1) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let new_balance = open.content.balance.minus(order.amount).ok_or(StatusWord::BALANCE_TOO_LOW)?;
        let message = purchase_tac_input(&order, fields.terminal_sequence, fields.date, fields.time);
        let debited = Debited {
            tac: tac(&purchase.tac_key.key(&self.nvm)?, &message),
            mac2: session_key.mac(&order.amount.to_bytes()),
        };
        self.complete(
            &open,
            &Completed {
                transaction_type: order.transaction_type,
                amount: order.amount,
                terminal: order.terminal,
                moment: Moment { date: fields.date, time: fields.time },
                new_balance,
                proof: Proof { mac: debited.mac2, tac: debited.tac },
            },
        )?;
        Ok(put(answer, &debited.emit())?)
    }
}
