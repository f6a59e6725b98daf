//! The UICC's files, those of the USIM, PINs, authentication (TS 102 221, TS 31.102, profile §7).
//!
//! | module | what |
//! |---|---|
//! | `files`, `place`, `content` | the table of files; where their bodies lie; what the maker puts in |
//! | `access`, `fcp` | what opens a file, and EF ARR that says so; file control parameters |
//! | `select`, `binary`, `record`, `search` | the commands on files |
//! | `pin`, `pin_commands` | PINs, their counters, the commands on them |
//! | `authenticate`, `milenage` | AUTHENTICATE: the network, its sequence numbers, the keys |
//! | `second_generation` | the same files in class A0 |

mod access;
mod authenticate;
mod binary;
mod content;
mod fcp;
mod files;
mod milenage;
mod pin;
mod pin_commands;
mod place;
mod record;
mod search;
mod second_generation;
mod select;

use onecard_wire::{
    ins::*,
    status::StatusWord,
    uicc::{AUTHENTICATE, CHANGE_PIN, CLA_2G, DISABLE_PIN, ENABLE_PIN, SEARCH_RECORD, UNBLOCK_PIN},
};

use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
    rfid_sim::SimData,
};
pub(crate) use pin::PinSession;
pub(crate) use select::Selection;

/// The UICC's files in the session of one logical channel.
pub(crate) struct Uicc<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) selection: &'a mut Selection,
    pub(crate) pins: &'a mut PinSession,
}

impl<P: Platform> Uicc<'_, P> {
    /// A command whose class has no channel in it.
    pub(crate) fn process(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        match (command.cla, command.ins) {
            (CLA_ISO, READ_BINARY) => self.read_binary(command, answer),
            (CLA_ISO, SELECT) => self.select(command, answer),
            (CLA_ISO, READ_RECORD) => self.read_record(command, answer),
            (CLA_ISO, UPDATE_BINARY) => self.update_binary(command),
            (CLA_ISO, UPDATE_RECORD) => self.update_record(command),
            (CLA_ISO, SEARCH_RECORD) => self.search_record(command, answer),
            (CLA_ISO, VERIFY | CHANGE_PIN | DISABLE_PIN | ENABLE_PIN | UNBLOCK_PIN) => self.pin_command(command),
            (CLA_ISO, AUTHENTICATE) => self.authenticate(command, answer),
            (CLA_PBOC, STATUS) => self.status(command, answer),
            (CLA_PBOC, TERMINAL_CAPABILITY) => terminal_capability(command),
            (CLA_ISO | CLA_PBOC, ins) => {
                refuse(if is_known(ins) { StatusWord::CLA_NOT_SUPPORTED } else { StatusWord::INS_NOT_SUPPORTED })
            }
            (CLA_ISO_SM | CLA_PBOC_SM, _) => refuse(StatusWord::SM_NOT_SUPPORTED),
            _ => refuse(StatusWord::CLA_NOT_SUPPORTED),
        }
    }
}

impl<P: Platform> Uicc<'_, P> {
    /// A command of a packet: those on files, in class A0 only where the TAR has it.
    pub(crate) fn process_in_packet(
        &mut self,
        command: &Command<'_>,
        second_generation: bool,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let on_files =
            matches!(command.ins, SELECT | STATUS | READ_BINARY | READ_RECORD | UPDATE_BINARY | UPDATE_RECORD);
        match (command.cla, command.ins) {
            (CLA_2G, _) if !second_generation => refuse(StatusWord::CLA_NOT_SUPPORTED),
            (CLA_2G, _) if on_files => self.process_2g(command, answer),
            (CLA_2G, _) => refuse(StatusWord::INS_NOT_SUPPORTED),
            (CLA_ISO, SELECT) if command.p1 == SELECT_BY_AID => self.select_application(command, answer),
            (_, SEARCH_RECORD) => self.process(command, answer),
            _ if on_files => self.process(command, answer),
            _ => refuse(StatusWord::INS_NOT_SUPPORTED),
        }
    }
}

/// The first language of EF_LI, ISO 639-1, FFFF for none (TS 31.102 clause 4.2.1).
pub(crate) fn first_language<M: Memory>(nvm: &Journal<M>) -> [u8; 2] {
    nvm.array(place::LI.address)
}

/// Stages that a language comes first in EF_LI, and the one that did so far behind it.
pub(crate) fn stage_first_language<M: Memory>(
    nvm: &Journal<M>,
    letters: [u8; 2],
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    let (first, second) = (first_language(nvm), nvm.array::<2>(place::LI.address + 2));
    let other = if first == letters { second } else { first };
    transaction.write(place::LI.address, [letters, other].as_flattened())
}

/// Manufacture: every file as the maker delivers it, the SIM's own data in their places.
pub(crate) fn personalise<P: Platform>(nvm: &mut Journal<P>, data: &SimData<'_>) -> Result<(), Failure> {
    content::personalise(nvm, data)
}

/// TERMINAL CAPABILITY (TS 102 221 clause 11.1.19): `A9` with what the terminal can do, none of which changes an answer here.
fn terminal_capability(command: &Command<'_>) -> Result<StatusWord, Failure> {
    const TEMPLATE: u8 = 0xA9;
    command.require_p1p2(0, 0)?;
    command.require_no_answer()?;
    match command.data {
        [TEMPLATE, length, objects @ ..] if usize::from(*length) == objects.len() => Ok(StatusWord::OK),
        [] => refuse(StatusWord::WRONG_LENGTH),
        _ => refuse(StatusWord::WRONG_DATA),
    }
}

/// Whether the instruction is one of this application's, in its right class.
const fn is_known(ins: u8) -> bool {
    matches!(
        ins,
        READ_BINARY
            | SELECT
            | READ_RECORD
            | UPDATE_BINARY
            | UPDATE_RECORD
            | SEARCH_RECORD
            | AUTHENTICATE
            | VERIFY
            | CHANGE_PIN
            | DISABLE_PIN
            | ENABLE_PIN
            | UNBLOCK_PIN
            | STATUS
            | TERMINAL_CAPABILITY
    )
}
