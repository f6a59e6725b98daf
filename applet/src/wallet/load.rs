//! Load (圈存): INITIALIZE FOR LOAD, CREDIT FOR LOAD.

use onecard_wire::{
    date::Moment,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{CreditForLoad, LoadInitialized, Proof, Purse, TransactionType},
};

use super::{
    Online, Order, SessionKey, Wallet, named_order,
    purse::OpenPurse,
    transaction_mac::{dated_input, load_mac1_input, load_tac_input, tac},
};
use crate::{
    apdu::{Command, Response, put},
    cos::{Carriage, Cos},
    crypto::same,
    failure::{Failure, refuse},
    keys::KeyRecord,
    nvm::Transaction,
    platform::Platform,
};

/// A load whose CREDIT has come.
pub(super) struct CreditedLoad {
    pub(super) open: OpenPurse,
    pub(super) order: Order,
    pub(super) session_key: SessionKey,
    pub(super) tac_key: KeyRecord,
    /// What ends it, in the commit that credits it.
    pub(super) ends: Transaction,
}

/// Where CREDIT finds its load.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum InLoad {
    /// In the session whose INITIALIZE it was.
    Here(Online),
    /// In the memory, whichever packet began it.
    Pending(CreditedLoad),
}

impl<P: Platform> Cos<'_, P> {
    pub(super) fn initialize_for_load(
        &mut self,
        command: &Command<'_>,
        purse: Purse,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let transaction_type = TransactionType::load(purse);
        let load = self.begin_with_host(command, purse, KeyType::LOAD, transaction_type, answer)?;
        match self.carriage {
            Carriage::Direct => self.session.wallet = Wallet::Load(load),
            Carriage::OverTheAir { .. } => self.keep_pending(&load)?,
        }
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
        let begun = match (self.carriage, wallet) {
            (Carriage::OverTheAir { .. }, _) => InLoad::Pending(self.pending_load()?),
            (Carriage::Direct, Wallet::Load(load)) => InLoad::Here(load),
            (Carriage::Direct, _) => return refuse(StatusWord::NO_TRANSACTION),
        };
        let CreditForLoad { date, time, mac2 } = CreditForLoad::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let CreditedLoad { open, order, session_key, tac_key, ends } = match begun {
            InLoad::Pending(load) => load,
            InLoad::Here(Online { begun, session_key }) => {
                let open = self.reopen(&begun)?;
                CreditedLoad { open, order: begun.order, session_key, tac_key: begun.tac_key, ends: Transaction::new() }
            }
        };
        let dated = dated_input(&order, date, time);
        if !same(&session_key.mac(&dated), &mac2) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let new_balance = open.content.balance_after(&order)?;
        let message = load_tac_input(new_balance, open.content.online_sequence, &dated);
        let proof = Proof { mac: [0; 4], tac: tac(&tac_key.key(self.nvm)?, &message) };
        self.complete(&open, &order, Moment { date, time }, proof, ends)?;
        Ok(put(answer, &proof.tac)?)
    }
}
