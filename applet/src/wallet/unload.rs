//! Unload (圈提): INITIALIZE FOR UNLOAD, DEBIT FOR UNLOAD. Of the EP too (own), so that a balance can be settled: in any
//! status, and after expiry.

use onecard_wire::{
    date::Moment,
    key::KeyType,
    status::StatusWord,
    wallet::{CreditForLoad, Proof, Purse, TransactionType},
};

use super::{
    Online, Wallet,
    transaction_mac::{dated_input, load_tac_input},
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
    pub(super) fn initialize_for_unload(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let transaction_type = TransactionType::unload(purse);
        let unload = self.begin_with_host(command, purse, KeyType::UNLOAD, transaction_type, answer)?;
        self.session.wallet = Wallet::Unload(unload);
        Ok(())
    }

    /// DEBIT FOR UNLOAD. MAC3 is by the session key: it shows the host that the money is gone.
    pub(super) fn debit_for_unload(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_data_len(CreditForLoad::LEN)?;
        command.require_answer_len(4)?;
        let Wallet::Unload(Online { begun, session_key }) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let CreditForLoad { date, time, mac2 } = CreditForLoad::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen(&begun)?;
        let dated = dated_input(&begun.order, date, time);
        if !same(&session_key.mac(&dated), &mac2) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let new_balance = open.content.balance_after(&begun.order)?;
        let mac3 = session_key.mac(&load_tac_input(new_balance, open.content.online_sequence, &dated));
        let proof = Proof { mac: mac3, tac: [0; 4] };
        self.complete(&open, &begun.order, Moment { date, time }, proof, Transaction::new())?;
        Ok(put(answer, &mac3)?)
    }
}
