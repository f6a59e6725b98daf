//! Purchase (消费): INITIALIZE FOR PURCHASE, DEBIT FOR PURCHASE.

use onecard_wire::{
    date::Moment,
    ins::DEBIT_PURCHASE,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{DebitForPurchase, Debited, Initialize, Proof, PurchaseInitialized, Purse, TransactionType},
};

use super::{
    Begun, Wallet,
    transaction_mac::{Order, SessionKey, dated_input, purchase_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    card::Card,
    crypto::same,
    failure::{Failure, refuse},
    platform::Platform,
};

impl<P: Platform> Card<P> {
    pub(super) fn initialize_for_purchase(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        fields: &Initialize,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_answer_len(PurchaseInitialized::LEN)?;
        let order = Order::new(fields, TransactionType::purchase(purse));
        let begun = self.begin(purse, KeyType::PURCHASE, fields.key_id, order)?;
        let initialized = PurchaseInitialized {
            old_balance: begun.content.balance,
            offline_sequence: begun.content.offline_sequence,
            overdraft: begun.content.overdraft,
            key_version: KeyVersion(begun.key.b4),
            algorithm: AlgorithmId(begun.key.b5),
            random: begun.random,
        };
        put(answer, &initialized.emit())?;
        self.session.wallet = Wallet::Purchase(begun);
        Ok(())
    }

    /// DEBIT FOR PURCHASE. Whatever happens, the purchase it belongs to is over. The session key is made here: it takes
    /// the terminal's sequence.
    pub(crate) fn debit_for_purchase(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_p1p2(DEBIT_PURCHASE, 0x00)?;
        command.require_data_len(DebitForPurchase::LEN)?;
        command.require_answer_len(Debited::LEN)?;
        let Wallet::Purchase(begun) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let DebitForPurchase { terminal_sequence, date, time, mac1 } =
            DebitForPurchase::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen(&begun)?;
        let Begun { order, random, key, tac_key, .. } = &begun;
        let sequence = open.content.offline_sequence;
        let session_key = SessionKey::offline(&key.key(&self.nvm)?, *random, sequence, terminal_sequence);
        if !same(&session_key.mac(&dated_input(order, date, time)), &mac1) {
            return refuse(StatusWord::MAC_WRONG);
        }
        open.content.balance_after(order)?;
        let message = purchase_tac_input(order, terminal_sequence, date, time);
        let tac = tac(&tac_key.key(&self.nvm)?, &message);
        let mac2 = session_key.mac(&order.amount.to_bytes());
        self.complete(&open, order, Moment { date, time }, Proof { mac: mac2, tac })?;
        Ok(put(answer, &Debited { tac, mac2 }.emit())?)
    }
}
