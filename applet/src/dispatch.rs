//! Which command is served, by class and instruction.

use onecard_wire::{ins::*, status::StatusWord};

use crate::{
    apdu::{Command, Response},
    cos::{Carriage, Challenge, Cos},
    failure::{Failure, refuse},
    fs::{FileIndex, Lock},
    manufacture::Kind,
    platform::Platform,
    psam::SamTransaction,
    wallet::Wallet,
};

/// P1 of `80 5E`.
const RELOAD_PIN: u8 = 0x00;
/// P1 of `80 5E`.
const CHANGE_PIN: u8 = 0x01;

impl<P: Platform> Cos<'_, P> {
    pub(crate) fn dispatch(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        wallet: Wallet,
        sam: SamTransaction,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        if !matches!(command.cla, CLA_ISO | CLA_ISO_SM | CLA_PBOC | CLA_PBOC_SM) {
            return refuse(StatusWord::CLA_NOT_SUPPORTED);
        }
        if self.kind == Kind::RfidSim {
            self.require_served_by_sim(command)?;
        }
        let blocked = self.session.directory.file.lock != Lock::Open;
        match (command.cla, command.ins) {
            (CLA_ISO, SELECT) => self.select(command, answer),
            (CLA_ISO, GET_CHALLENGE) => self.challenge(command, answer),
            (CLA_PBOC_SM, APPLICATION_UNBLOCK) => self.application_unblock(command, challenge),
            _ if blocked => refuse(StatusWord::FUNCTION_NOT_SUPPORTED),
            (CLA_ISO | CLA_ISO_SM, READ_BINARY) => self.read_binary(command, challenge, answer),
            (CLA_ISO | CLA_ISO_SM, UPDATE_BINARY | WRITE_BINARY) => self.update_binary(command, challenge),
            (CLA_ISO | CLA_ISO_SM, READ_RECORD) => self.read_record(command, challenge, answer),
            (CLA_ISO | CLA_ISO_SM, UPDATE_RECORD) => self.update_record(command, challenge),
            (CLA_ISO | CLA_ISO_SM, APPEND_RECORD) => self.append_record(command, challenge),
            (CLA_ISO, EXTERNAL_AUTHENTICATE) => self.external_authenticate(command, challenge),
            (CLA_ISO, INTERNAL_AUTHENTICATE) => self.internal_authenticate(command, answer),
            (CLA_ISO, VERIFY) => self.verify_pin(command),
            (CLA_PBOC, CHANGE_OR_RELOAD_PIN) => match command.p1 {
                RELOAD_PIN => self.reload_pin(command),
                CHANGE_PIN => self.change_pin(command),
                _ => refuse(StatusWord::WRONG_P1P2),
            },
            (CLA_PBOC_SM, PIN_UNBLOCK) => self.unblock_pin(command, challenge),
            (CLA_PBOC_SM, APPLICATION_BLOCK) => self.application_block(command, challenge),
            (CLA_PBOC_SM, CARD_BLOCK) => self.card_block(command, challenge),
            (CLA_PBOC, CREATE_FILE) => self.create_file(command),
            (CLA_PBOC, ERASE_DF) => self.erase_df(command),
            (CLA_PBOC_SM, WRITE_KEY) if self.kind == Kind::Sam && command.p1 == 0 => {
                self.write_sam_key(command, challenge)
            }
            (CLA_PBOC | CLA_PBOC_SM, WRITE_KEY) => self.write_key(command, challenge),
            (CLA_PBOC, GET_DATA) => match (self.carriage, command.p2) {
                (Carriage::OverTheAir { .. }, MAINTENANCE_CHECK_VALUE) => self.maintenance_check_value(command, answer),
                _ => self.key_list(command, answer),
            },
            _ if self.kind == Kind::Sam => self.dispatch_sam(command, sam, answer),
            _ => self.dispatch_wallet(command, wallet, answer),
        }
    }

    /// On a RFID-SIM applications come by INSTALL and go by DELETE; one that the issuer domain has locked, and where none is
    /// selected, serves nothing but SELECT.
    fn require_served_by_sim(&self, command: &Command<'_>) -> Result<(), StatusWord> {
        let directory = &self.session.directory;
        match (command.cla, command.ins) {
            (CLA_ISO, SELECT) => Ok(()),
            (CLA_PBOC, CREATE_FILE | ERASE_DF) => Err(StatusWord::INS_NOT_SUPPORTED),
            _ if directory.index == FileIndex::MF || !directory.file.is_selectable() => {
                Err(StatusWord::CONDITIONS_NOT_SATISFIED)
            }
            _ => Ok(()),
        }
    }

    fn dispatch_wallet(&mut self, command: &Command<'_>, wallet: Wallet, answer: &mut Response) -> Result<(), Failure> {
        match (command.cla, command.ins) {
            (CLA_PBOC, GET_BALANCE) => self.balance(command, answer),
            (CLA_PBOC, INITIALIZE) => self.initialize(command, answer),
            (CLA_PBOC, DEBIT) => self.debit(command, wallet, answer),
            (CLA_PBOC, UPDATE_CAPP_DATA_CACHE) => self.update_capp_data_cache(command, wallet),
            (CLA_PBOC, UPDATE_OVERDRAW_LIMIT) => self.update_overdraw_limit(command, wallet, answer),
            (CLA_PBOC, CREDIT_FOR_LOAD) => self.credit_for_load(command, wallet, answer),
            (CLA_PBOC, GET_TRANSACTION_PROVE) => self.transaction_prove(command, answer),
            (_, GET_BALANCE | INITIALIZE | DEBIT | UPDATE_OVERDRAW_LIMIT | CREDIT_FOR_LOAD | GET_TRANSACTION_PROVE) => {
                refuse(StatusWord::CLA_NOT_SUPPORTED)
            }
            (_, ins) => unknown(ins),
        }
    }

    fn dispatch_sam(
        &mut self,
        command: &Command<'_>,
        sam: SamTransaction,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        match (command.cla, command.ins) {
            (CLA_PBOC, INIT_SAM) => {
                self.session.working_key = None;
                self.init_sam(command, answer)
            }
            (CLA_PBOC, CREDIT_SAM) => self.credit_sam(command, sam),
            (CLA_PBOC, SAM_MARK) => self.mark(command, answer),
            (CLA_PBOC, INIT_FOR_DESCRYPT) => self.init_for_descrypt(command),
            (CLA_PBOC, DES_CRYPT) => self.des_crypt(command, answer),
            (_, INIT_SAM | CREDIT_SAM | SAM_MARK | INIT_FOR_DESCRYPT | DES_CRYPT) => {
                refuse(StatusWord::CLA_NOT_SUPPORTED)
            }
            (_, ins) => unknown(ins),
        }
    }
}

/// 6E00 for an instruction of another class, 6D00 for one that is not there at all.
fn unknown(ins: u8) -> Result<(), Failure> {
    match ins {
        SELECT
        | GET_CHALLENGE
        | APPLICATION_UNBLOCK
        | READ_BINARY
        | UPDATE_BINARY
        | WRITE_BINARY
        | READ_RECORD
        | UPDATE_RECORD
        | APPEND_RECORD
        | EXTERNAL_AUTHENTICATE
        | INTERNAL_AUTHENTICATE
        | VERIFY
        | CHANGE_OR_RELOAD_PIN
        | PIN_UNBLOCK
        | APPLICATION_BLOCK
        | CARD_BLOCK
        | GET_DATA
        | CREATE_FILE
        | ERASE_DF
        | WRITE_KEY => refuse(StatusWord::CLA_NOT_SUPPORTED),
        _ => refuse(StatusWord::INS_NOT_SUPPORTED),
    }
}
