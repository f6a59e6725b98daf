//! Load (圈存): INITIALIZE FOR LOAD, CREDIT FOR LOAD.

use onecard_wire::{
    date::Moment,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{CreditForLoad, Initialize, LoadInitialized, Proof, Purse, TransactionType},
};

use super::{
    Begun, Wallet,
    transaction_mac::{Order, SessionKey, dated_input, load_mac1_input, load_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    card::Card,
    crypto::same,
    failure::{Failure, refuse},
    platform::Platform,
};

/// A load that waits for its CREDIT.
pub(crate) struct Load {
    begun: Begun,
    session_key: SessionKey,
}

impl<P: Platform> Card<P> {
    pub(super) fn initialize_for_load(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        fields: &Initialize,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_answer_len(LoadInitialized::LEN)?;
        let order = Order::new(fields, TransactionType::load(purse));
        let begun = self.begin(purse, KeyType::LOAD, fields.key_id, order)?;
        let Begun { content, random, key, .. } = &begun;
        let session_key = SessionKey::online(&key.key(&self.nvm)?, *random, content.online_sequence);
        let initialized = LoadInitialized {
            old_balance: content.balance,
            online_sequence: content.online_sequence,
            key_version: KeyVersion(key.b4),
            algorithm: AlgorithmId(key.b5),
            random: *random,
            mac1: session_key.mac(&load_mac1_input(content.balance, &order)),
        };
        put(answer, &initialized.emit())?;
        self.session.wallet = Wallet::Load(Load { begun, session_key });
        Ok(())
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
        let Wallet::Load(Load { begun, session_key }) = wallet else {
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
        let tac = tac(&begun.tac_key.key(&self.nvm)?, &message);
        self.complete(&open, &begun.order, Moment { date, time }, Proof { mac: [0; 4], tac })?;
        Ok(put(answer, &tac)?)
    }
}
