//! The wallet: INITIALIZE and its second half for each transaction, GET BALANCE, GET TRANSACTION PROVE
//! (JR/T 0025.2 clause 5; FMCOS 2.0 user manual p. 89-123).

mod load;
mod proof;
mod purchase;
mod purse;
mod transaction_mac;

use onecard_wire::{
    ins::{INITIALIZE_LOAD, INITIALIZE_PURCHASE},
    key::KeyType,
    status::StatusWord,
    wallet::{Initialize, Purse},
};

pub(crate) use purse::PURSE_FILE_LEN;
pub(crate) use transaction_mac::{Order, SessionKey, dated_input, load_mac1_input};

use crate::{
    apdu::{Command, Response, put},
    card::Card,
    failure::{Failure, refuse},
    keys::KeyRecord,
    platform::Platform,
};

/// The TAC key's id.
const TAC_KEY_ID: u8 = 0x00;

/// The transaction between its two commands. It carries all it needs, and its second command consumes it; so does any
/// other command, right or wrong.
#[derive(Default)]
pub(crate) enum Wallet {
    #[default]
    Idle,
    Load(load::Load),
    Purchase(purchase::Purchase),
}

impl<P: Platform> Card<P> {
    /// INITIALIZE FOR LOAD and PURCHASE, by P1; P2 is the purse.
    pub(crate) fn initialize(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let purse = Purse::from_p2(command.p2).ok_or(StatusWord::WRONG_P1P2)?;
        let fields = Initialize::parse(command.data);
        match command.p1 {
            INITIALIZE_LOAD => {
                let order = fields.ok_or(StatusWord::WRONG_LENGTH)?;
                self.initialize_for_load(command, purse, &order, answer)
            }
            INITIALIZE_PURCHASE => {
                let order = fields.ok_or(StatusWord::WRONG_LENGTH)?;
                self.initialize_for_purchase(command, purse, &order, answer)
            }
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    /// GET BALANCE.
    pub(crate) fn balance(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let purse = Purse::from_p2(command.p2).filter(|_| command.p1 == 0).ok_or(StatusWord::WRONG_P1P2)?;
        command.require_data_len(0)?;
        command.require_answer_len(4)?;
        let content = self.open_purse(purse)?.content;
        Ok(put(answer, &content.balance.to_bytes())?)
    }

    /// A transaction's key and the TAC key.
    ///
    /// # Errors
    /// 9403 if either is missing, 6982 if the key's use right is not met.
    fn transaction_keys(&self, key_type: KeyType, id: u8) -> Result<(KeyRecord, KeyRecord), StatusWord> {
        let key = self.find_key(key_type, id)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        let tac_key = self.find_key(KeyType::TAC, TAC_KEY_ID)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        self.session.require(key.use_right)?;
        Ok((key, tac_key))
    }
}
