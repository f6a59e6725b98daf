//! Commands of enterprise applications by name, as scripts carry them (specification chapters 5 and 6).

use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    ins,
    number::{EnterpriseId, TerminalNumber},
    wallet::{CreditForLoad, Initialize, LoadInitialized, Proof, Purse, TransactionType},
};

use crate::apdu::Command;

/// SELECT of an enterprise's application by its name.
#[must_use]
pub fn select_application(enterprise: EnterpriseId) -> Command {
    let name = aid::enterprise_application(enterprise);
    Command::new(ins::CLA_ISO, ins::SELECT, ins::SELECT_BY_AID, 0x00).with_data(&name)
}

/// INITIALIZE FOR LOAD. Over the air the load key's id is 11 or more (19.6.1); an amount of zero ends a pending load.
#[must_use]
pub fn initialize_for_load(purse: Purse, key_id: u8, amount: Amount, terminal: TerminalNumber) -> Command {
    let data = Initialize { key_id, amount, terminal }.emit();
    Command::new(ins::CLA_PBOC, ins::INITIALIZE, ins::INITIALIZE_LOAD, purse as u8)
        .with_data(&data)
        .expecting(LoadInitialized::LEN as u8)
}

/// CREDIT FOR LOAD with the host's moment and its MAC2.
#[must_use]
pub fn credit_for_load(moment: Moment, mac2: [u8; 4]) -> Command {
    let data = CreditForLoad { date: moment.date, time: moment.time, mac2 }.emit();
    Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0x00, 0x00).with_data(&data).expecting(4)
}

/// GET TRANSACTION PROVE; the sequence is the one behind the transaction.
#[must_use]
pub fn transaction_prove(transaction: TransactionType, sequence: u16) -> Command {
    Command::new(ins::CLA_PBOC, ins::GET_TRANSACTION_PROVE, 0x00, transaction.0)
        .with_data(&sequence.to_be_bytes())
        .expecting(Proof::LEN as u8)
}

/// GET BALANCE.
#[must_use]
pub fn balance(purse: Purse) -> Command {
    Command::new(ins::CLA_PBOC, ins::GET_BALANCE, 0x00, purse as u8).expecting(4)
}
