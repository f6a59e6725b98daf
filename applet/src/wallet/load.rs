//! Load (圈存): INITIALIZE FOR LOAD, CREDIT FOR LOAD.

use onecard_wire::{
    date::Moment,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{CreditForLoad, Initialize, LoadInitialized, Proof, Purse, TransactionType},
};

use super::{
    Wallet,
    purse::{Completed, require_not_at_maximum},
    transaction_mac::{Order, SessionKey, dated_input, load_mac1_input, load_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    card::Card,
    crypto::same,
    failure::{Failure, refuse},
    keys::KeyRecord,
    platform::Platform,
};

/// A load that waits for its CREDIT.
pub(crate) struct Load {
    purse: Purse,
    generation: u32,
    order: Order,
    session_key: SessionKey,
    tac_key: KeyRecord,
}

impl<P: Platform> Card<P> {
    pub(super) fn initialize_for_load(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        order: &Initialize,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_answer_len(LoadInitialized::LEN)?;
        let open = self.open_purse(purse)?;
        let (key, tac_key) = self.transaction_keys(KeyType::LOAD, order.key_id)?;
        let content = open.content;
        require_not_at_maximum(content.online_sequence)?;
        if content.balance.plus(order.amount).is_none() {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let mut random = [0; 4];
        self.nvm.chip().random(&mut random);
        let session_key = SessionKey::online(&key.key(&self.nvm)?, random, content.online_sequence);
        let order =
            Order { amount: order.amount, transaction_type: TransactionType::load(purse), terminal: order.terminal };
        let initialized = LoadInitialized {
            old_balance: content.balance,
            online_sequence: content.online_sequence,
            key_version: KeyVersion(key.b4),
            algorithm: AlgorithmId(key.b5),
            random,
            mac1: session_key.mac(&load_mac1_input(content.balance, &order)),
        };
        put(answer, &initialized.emit())?;
        self.session.wallet = Wallet::Load(Load { purse, generation: open.generation(), order, session_key, tac_key });
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
        let Wallet::Load(load) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let fields = CreditForLoad::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen_purse(load.purse, load.generation)?;
        let dated = dated_input(&load.order, fields.date, fields.time);
        if !same(&load.session_key.mac(&dated), &fields.mac2) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let new_balance = open.content.balance.plus(load.order.amount).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let message = load_tac_input(new_balance, open.content.online_sequence, &dated);
        let tac = tac(&load.tac_key.key(&self.nvm)?, &message);
        self.complete(
            &open,
            &Completed {
                transaction_type: load.order.transaction_type,
                amount: load.order.amount,
                terminal: load.order.terminal,
                moment: Moment { date: fields.date, time: fields.time },
                new_balance,
                proof: Proof { mac: [0; 4], tac },
            },
        )?;
        Ok(put(answer, &tac)?)
    }
}
