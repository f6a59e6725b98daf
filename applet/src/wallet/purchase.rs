//! Purchase (消费) and cash withdrawal (取现): INITIALIZE FOR PURCHASE and CASH WITHDRAW, DEBIT; and what a compound
//! purchase and an undo share with them.

use onecard_wire::{
    date::Moment,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{DebitForPurchase, Debited, Proof, PurchaseInitialized, Purse, TransactionType},
};

use super::{
    Begun, Wallet, named_order,
    transaction_mac::{SessionKey, dated_input, purchase_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    crypto::same,
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    pub(super) fn initialize_for_purchase(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        transaction_type: TransactionType,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let purchase = self.begin_with_terminal(command, purse, KeyType::PURCHASE, transaction_type, answer)?;
        self.session.wallet = Wallet::Purchase(purchase);
        Ok(())
    }

    /// What the INITIALIZE of every transaction with a terminal's SAM has in common: all but key and type.
    pub(super) fn begin_with_terminal(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        key_type: KeyType,
        transaction_type: TransactionType,
        answer: &mut Response,
    ) -> Result<Begun, Failure> {
        let (key_id, order) = named_order(command, transaction_type)?;
        command.require_answer_len(PurchaseInitialized::LEN)?;
        let begun = self.begin(purse, key_type, key_id, order)?;
        let initialized = PurchaseInitialized {
            old_balance: begun.content.balance,
            offline_sequence: begun.content.offline_sequence,
            overdraft: begun.content.overdraft,
            key_version: KeyVersion(begun.key.b4),
            algorithm: AlgorithmId(begun.key.b5),
            random: begun.random,
        };
        put(answer, &initialized.emit())?;
        Ok(begun)
    }

    /// DEBIT FOR PURCHASE, CASH WITHDRAW and CAPP PURCHASE: the card remembers which was begun.
    pub(super) fn debit_for_purchase(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let (begun, cached) = match wallet {
            Wallet::Purchase(begun) => (Some(begun), Transaction::new()),
            Wallet::Capp(compound) => (Some(compound.begun), compound.cached),
            _ => (None, Transaction::new()),
        };
        self.debit_with_terminal(command, begun, cached, answer)
    }

    /// The second command of a transaction with a terminal's SAM; `cached` takes effect with it. The session key is made
    /// here: it takes the terminal's sequence.
    pub(super) fn debit_with_terminal(
        &mut self,
        command: &Command<'_>,
        begun: Option<Begun>,
        cached: Transaction,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_data_len(DebitForPurchase::LEN)?;
        command.require_answer_len(Debited::LEN)?;
        let begun = begun.ok_or(StatusWord::NO_TRANSACTION)?;
        let DebitForPurchase { terminal_sequence, date, time, mac1 } =
            DebitForPurchase::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen(&begun)?;
        let Begun { order, random, key, tac_key, .. } = &begun;
        let sequence = open.content.offline_sequence;
        let session_key = SessionKey::offline(&key.key(self.nvm)?, *random, sequence, terminal_sequence);
        if !same(&session_key.mac(&dated_input(order, date, time)), &mac1) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let message = purchase_tac_input(order, terminal_sequence, date, time);
        let tac = tac(&tac_key.key(self.nvm)?, &message);
        let mac2 = session_key.mac(&order.amount.to_bytes());
        self.complete(&open, order, Moment { date, time }, Proof { mac: mac2, tac }, cached)?;
        Ok(put(answer, &Debited { tac, mac2 }.emit())?)
    }
}
