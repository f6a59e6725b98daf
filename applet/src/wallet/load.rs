//! Load (圈存): INITIALIZE FOR LOAD, CREDIT FOR LOAD.

use onecard_wire::{
    date::Moment,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{CreditForLoad, LoadInitialized, Proof, Purse, TransactionType},
};

use super::{
    Online, Wallet, named_order,
    transaction_mac::{dated_input, load_mac1_input, load_tac_input, tac},
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
    pub(super) fn initialize_for_load(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let transaction_type = TransactionType::load(purse);
        let load = self.begin_with_host(command, purse, KeyType::LOAD, transaction_type, answer)?;
        self.session.wallet = Wallet::Load(load);
        Ok(())
    }

    /// What INITIALIZE FOR LOAD and UNLOAD have in common: all but key and type.
    pub(super) fn begin_with_host(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        key_type: KeyType,
        transaction_type: TransactionType,
        answer: &mut Response,
    ) -> Result<Online, Failure> {
        let (key_id, order) = named_order(command, transaction_type)?;
        command.require_answer_len(LoadInitialized::LEN)?;
        let online = self.begin_online(purse, key_type, key_id, order)?;
        let Online { begun, session_key } = &online;
        let initialized = LoadInitialized {
            old_balance: begun.content.balance,
            online_sequence: begun.content.online_sequence,
            key_version: KeyVersion(begun.key.b4),
            algorithm: AlgorithmId(begun.key.b5),
            random: begun.random,
            mac1: session_key.mac(&load_mac1_input(begun.content.balance, &order)),
        };
        put(answer, &initialized.emit())?;
        Ok(online)
    }

    /// CREDIT FOR LOAD. Whatever happens, the load it belongs to is over.
    pub(crate) fn credit_for_load(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(CreditForLoad::LEN)?;
        command.require_answer_len(4)?;
        let Wallet::Load(Online { begun, session_key }) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let CreditForLoad { date, time, mac2 } = CreditForLoad::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen(&begun)?;
        let dated = dated_input(&begun.order, date, time);
        if !same(&session_key.mac(&dated), &mac2) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let new_balance = open.content.balance_after(&begun.order)?;
        let message = load_tac_input(new_balance, open.content.online_sequence, &dated);
        let proof = Proof { mac: [0; 4], tac: tac(&begun.tac_key.key(self.nvm)?, &message) };
        self.complete(&open, &begun.order, Moment { date, time }, proof, Transaction::new())?;
        Ok(put(answer, &proof.tac)?)
    }
}
