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
use purse::{Content, OpenPurse};
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
    Purchase(Begun),
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

    /// What every INITIALIZE does first, in this order: purse 6A82 and 6982, keys 9403, the key's right 6982, sequence
    /// 9402, balance 9401 or 6985.
    fn begin(&mut self, purse: Purse, key_type: KeyType, key_id: u8, order: Order) -> Result<Begun, Failure> {
        let open = self.open_purse(purse)?;
        let key = self.find_key(key_type, key_id)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        let tac_key = self.find_key(KeyType::TAC, TAC_KEY_ID)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        self.session.require(key.use_right)?;
        open.content.next_sequence(order.transaction_type)?;
        open.content.balance_after(&order)?;
        let mut random = [0; 4];
        self.nvm.chip().random(&mut random);
        Ok(Begun { purse, generation: open.generation(), content: open.content, order, random, key, tac_key })
    }

    /// The purse at the second command: the first transaction to complete wins.
    ///
    /// # Errors
    /// 6901 if one completed since the INITIALIZE.
    fn reopen(&self, begun: &Begun) -> Result<OpenPurse, StatusWord> {
        let open = self.open_purse(begun.purse)?;
        if open.generation() == begun.generation { Ok(open) } else { Err(StatusWord::NO_TRANSACTION) }
    }
}

/// A transaction between its INITIALIZE and its second command.
pub(crate) struct Begun {
    purse: Purse,
    generation: u32,
    content: Content,
    order: Order,
    random: [u8; 4],
    key: KeyRecord,
    tac_key: KeyRecord,
}
