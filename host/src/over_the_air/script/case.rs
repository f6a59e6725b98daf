//! Which instructions carry data: what P3 is in the compact format (specification 19.5.1).

use onecard_wire::{
    globalplatform::{DELETE, GET_STATUS, INSTALL, PUT_KEY, SET_STATUS, STORE_DATA},
    ins, uicc,
};

use crate::over_the_air::Tar;

/// Whether the receiver of `tar` takes P3 of an instruction as Lc; `None` if it knows no such instruction.
pub(super) fn carries_data(tar: Tar, cla: u8, ins: u8) -> Option<bool> {
    match tar {
        Tar::ISSUER_DOMAIN => of_domain(ins),
        Tar::ENTERPRISE => of_enterprise(cla, ins),
        Tar([0xB0, 0x00, _]) => of_files(ins),
        _ => None,
    }
}

const fn of_domain(ins: u8) -> Option<bool> {
    match ins {
        GET_STATUS | SET_STATUS | INSTALL | DELETE | PUT_KEY | STORE_DATA => Some(true),
        ins::GET_DATA | ins::GET_RESPONSE => Some(false),
        _ => None,
    }
}

const fn of_files(ins: u8) -> Option<bool> {
    match ins {
        ins::SELECT | ins::UPDATE_BINARY | ins::UPDATE_RECORD | uicc::SEARCH_RECORD => Some(true),
        ins::STATUS | ins::READ_BINARY | ins::READ_RECORD | ins::GET_RESPONSE => Some(false),
        _ => None,
    }
}

/// A MAC is data: under line protection every instruction carries some.
const fn of_enterprise(cla: u8, ins: u8) -> Option<bool> {
    if cla & ins::CLA_SM_BIT != 0 {
        return Some(true);
    }
    match ins {
        ins::SELECT
        | ins::VERIFY
        | ins::EXTERNAL_AUTHENTICATE
        | ins::INTERNAL_AUTHENTICATE
        | ins::INITIALIZE
        | ins::CREDIT_FOR_LOAD
        | ins::DEBIT
        | ins::UPDATE_OVERDRAW_LIMIT
        | ins::GET_TRANSACTION_PROVE
        | ins::CHANGE_OR_RELOAD_PIN
        | ins::WRITE_KEY
        | ins::CREATE_FILE
        | ins::UPDATE_BINARY
        | ins::UPDATE_RECORD
        | ins::APPEND_RECORD => Some(true),
        ins::READ_BINARY
        | ins::READ_RECORD
        | ins::GET_BALANCE
        | ins::GET_CHALLENGE
        | ins::GET_DATA
        | ins::GET_RESPONSE
        | ins::ERASE_DF => Some(false),
        _ => None,
    }
}
