//! Commands of enterprise applications and of the issuer domain by name, as scripts carry them (specification chapters 5, 6 and
//! 15.4).

use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    fid::Fid,
    globalplatform::{
        self, DELETE, DELETE_OBJECT, GET_STATUS, INSTALL, SET_STATUS, STORE_DATA, install::FOR_PERSONALIZATION, scope,
        status_form, store_data, tag,
    },
    ins,
    number::{EnterpriseId, TerminalNumber},
    wallet::{CreditForLoad, Initialize, LoadInitialized, Proof, Purse, TransactionType},
};

use crate::{apdu::Command, key_list};

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

/// READ BINARY of the first bytes of a file, by its short identifier.
#[must_use]
pub fn read_binary(file: Fid, length: u8) -> Command {
    Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi(file), 0x00).expecting(length)
}

/// READ RECORD by its number from 01, without the MAC that it may need.
#[must_use]
pub fn read_record(file: Fid, number: u8) -> Command {
    const BY_NUMBER: u8 = 0x04;
    Command::new(ins::CLA_ISO, ins::READ_RECORD, number, ((file.0 & 0x1F) as u8) << 3 | BY_NUMBER)
}

/// UPDATE BINARY of the first bytes of a file, by its short identifier, without the MAC that it needs.
#[must_use]
pub fn update_binary<const N: usize>(file: Fid, content: &[u8; N]) -> Command {
    Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, sfi(file), 0x00).with_data(content)
}

/// The first page of the list of keys without their values (5.19).
#[must_use]
pub fn key_list() -> Command {
    key_list::page(0)
}

/// GET DATA of the check value of the application's maintenance key, in packets alone (19.4.5).
#[must_use]
pub fn maintenance_check_value() -> Command {
    Command::new(ins::CLA_PBOC, ins::GET_DATA, 0x00, ins::MAINTENANCE_CHECK_VALUE).expecting(3)
}

/// DELETE of an enterprise's application, by the issuer domain.
#[must_use]
pub fn delete_application(enterprise: EnterpriseId) -> Command {
    domain(DELETE, 0x00, DELETE_OBJECT).with_data(&named(enterprise)).expecting(0)
}

/// GET STATUS of an enterprise's application, by the issuer domain, in the form without tags.
#[must_use]
pub fn application_status(enterprise: EnterpriseId) -> Command {
    domain(GET_STATUS, scope::APPLICATIONS, status_form::FIRST_PLAIN).with_data(&named(enterprise)).expecting(0)
}

/// SET STATUS of an enterprise's application, by the issuer domain: bit 8 of `state` locks it, 00 unlocks it.
#[must_use]
pub fn set_application_status(enterprise: EnterpriseId, state: u8) -> Command {
    domain(SET_STATUS, scope::APPLICATIONS, state).with_data(&aid::enterprise_application(enterprise))
}

/// INSTALL [for personalization] of the toolkit applet: STORE DATA behind it are the applet's (15.6.5).
#[must_use]
pub fn personalise_toolkit() -> Command {
    let [a, b, c, d, e, f] = aid::TOOLKIT_APPLET;
    domain(INSTALL, FOR_PERSONALIZATION, 0x00).with_data(&[0, 0, 6, a, b, c, d, e, f, 0, 0, 0]).expecting(0)
}

/// STORE DATA to the toolkit applet: what became of a request (15.6.7).
#[must_use]
pub fn store_outcome(code: u8) -> Command {
    const OUTCOME: [u8; 2] = [0x50, 0x06];
    let [high, low] = OUTCOME;
    domain(STORE_DATA, store_data::LAST_BLOCK, 0x00).with_data(&[high, low, 1, code])
}

fn domain(ins: u8, p1: u8, p2: u8) -> Command {
    Command::new(globalplatform::CLA, ins, p1, p2)
}

/// `4F length AID`.
fn named(enterprise: EnterpriseId) -> [u8; 16] {
    let mut object = [tag::AID as u8, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    object.iter_mut().skip(2).zip(aid::enterprise_application(enterprise)).for_each(|(to, byte)| *to = byte);
    object
}

/// P1 that names a file by its short identifier.
pub(super) const fn sfi(file: Fid) -> u8 {
    0x80 | (file.0 & 0x1F) as u8
}
