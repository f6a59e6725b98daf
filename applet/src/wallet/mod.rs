//! The wallet: INITIALIZE and its second half for each transaction, GET BALANCE, GET TRANSACTION PROVE
//! (JR/T 0025.2 clause 5; FMCOS 2.0 user manual p. 89-123; undo, unload of the EP and limits: profile §3).

mod account;
mod capp;
mod limits;
mod load;
mod overdraft;
mod pending;
mod proof;
mod purchase;
mod purse;
mod shown;
mod transaction_mac;
mod undo;
mod unload;

use onecard_wire::{
    ins::{
        DEBIT_PURCHASE, DEBIT_UNDO, DEBIT_UNLOAD, INITIALIZE_CAPP, INITIALIZE_CASH_WITHDRAW, INITIALIZE_LOAD,
        INITIALIZE_PURCHASE, INITIALIZE_UNDO, INITIALIZE_UNLOAD, INITIALIZE_UPDATE,
    },
    key::KeyType,
    status::StatusWord,
    wallet::{Initialize, Purse, TransactionType},
};

pub(crate) use account::PARAMETERS_FILE_LEN;
pub(crate) use purse::PURSE_FILE_LEN;
use purse::{Content, OpenPurse};
pub(crate) use shown::{Shown, log_record, shown};
pub(crate) use transaction_mac::{Order, SessionKey, dated_input, load_mac1_input};

use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    failure::{Failure, refuse},
    keys::KeyRecord,
    platform::Platform,
};

/// The TAC key's id.
const TAC_KEY_ID: u8 = 0x00;

/// The transaction between its two commands. It carries all it needs, and its second command consumes it; so does any
/// other command, right or wrong, but for UPDATE CAPP DATA CACHE in a compound purchase.
#[derive(Default)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
pub(crate) enum Wallet {
    #[default]
    Idle,
    Load(Online),
    Unload(Online),
    /// An overdraft update.
    Update(Online),
    /// A purchase or cash withdrawal.
    Purchase(Begun),
    Capp(capp::Compound),
    Undo(Begun),
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

/// A transaction with the host, whose session key INITIALIZE made.
pub(crate) struct Online {
    begun: Begun,
    session_key: SessionKey,
}

impl<P: Platform> Cos<'_, P> {
    /// INITIALIZE of every transaction, by P1; P2 is the purse.
    pub(crate) fn initialize(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let purse = Purse::from_p2(command.p2).ok_or(StatusWord::WRONG_P1P2)?;
        match (command.p1, purse) {
            (INITIALIZE_LOAD, _) => self.initialize_for_load(command, purse, answer),
            (INITIALIZE_PURCHASE, _) => {
                self.initialize_for_purchase(command, purse, TransactionType::purchase(purse), answer)
            }
            (INITIALIZE_CASH_WITHDRAW, Purse::Ed) => {
                self.initialize_for_purchase(command, purse, TransactionType::CASH_WITHDRAW, answer)
            }
            (INITIALIZE_CAPP, Purse::Ep) => self.initialize_for_capp_purchase(command, answer),
            (INITIALIZE_UPDATE, Purse::Ed) => self.initialize_for_update(command, answer),
            (INITIALIZE_UNLOAD, _) => self.initialize_for_unload(command, purse, answer),
            (INITIALIZE_UNDO, Purse::Ep) => self.initialize_for_undo(command, answer),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    /// DEBIT of every transaction, by P1. Whatever happens, the transaction it belongs to is over.
    pub(crate) fn debit(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        match (command.p1, command.p2) {
            (DEBIT_PURCHASE, 0x00) => self.debit_for_purchase(command, wallet, answer),
            (DEBIT_UNLOAD, 0x00) => self.debit_for_unload(command, wallet, answer),
            (DEBIT_UNDO, 0x00) => self.debit_for_undo(command, wallet, answer),
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

    /// What every INITIALIZE does first, in this order: not yet issued 6985, purse 6A82 and 6982, keys 9403, the key's right 6982, sequence
    /// 9402, limits 6985, last purchase 9406, balance 9401 or 6985.
    fn begin(&mut self, purse: Purse, key_type: KeyType, key_id: u8, order: Order) -> Result<Begun, Failure> {
        self.require_issued()?;
        let open = self.open_purse(purse)?;
        let key = self.find_key(key_type, key_id)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        let tac_key = self.find_key(KeyType::TAC, TAC_KEY_ID)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        self.session.require(key.use_right)?;
        open.content.next_sequence(order.transaction_type)?;
        if let Some(limits) = self.limits() {
            limits.permit(&order, open.content.balance, self.session.pin_verified())?;
        }
        self.require_possible(&open, &order)?;
        let mut random = [0; 4];
        self.nvm.chip().random(&mut random);
        Ok(Begun { purse, generation: open.generation(), content: open.content, order, random, key, tac_key })
    }

    /// [`Self::begin`], and the session key of a transaction with the host.
    fn begin_online(&mut self, purse: Purse, key_type: KeyType, key_id: u8, order: Order) -> Result<Online, Failure> {
        let begun = self.begin(purse, key_type, key_id, order)?;
        let key = begun.key.key(self.nvm)?;
        let session_key = SessionKey::online(&key, begun.random, begun.content.online_sequence);
        Ok(Online { begun, session_key })
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

/// Key id and order of an INITIALIZE that names an amount.
///
/// # Errors
/// 6700.
fn named_order(command: &Command<'_>, transaction_type: TransactionType) -> Result<(u8, Order), StatusWord> {
    let fields = Initialize::parse(command.data).ok_or(StatusWord::WRONG_LENGTH)?;
    Ok((fields.key_id, Order::new(&fields, transaction_type)))
}
