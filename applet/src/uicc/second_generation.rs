//! Class A0 (TS 51.011): the same files for phones and tools that know no USIM, with that class's answers and status words.

use onecard_wire::{
    fid::Fid,
    ins::*,
    status::StatusWord,
    uicc::{AUTHENTICATE, CHANGE_PIN, DISABLE_PIN, ENABLE_PIN, PinReference, UNBLOCK_PIN, status_2g},
};

use super::{
    Uicc,
    access::Right,
    files::{Directory, File, MF, Structure},
    pin::{Pin, PinState},
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    platform::Platform,
};

/// What a directory's answer is about.
const TYPE_MF: u8 = 0x01;
const TYPE_DF: u8 = 0x02;
const TYPE_EF: u8 = 0x04;

impl<P: Platform> Uicc<'_, P> {
    /// A command of class A0.
    pub(crate) fn process_2g(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        self.selection.leave_adf();
        let served = match command.ins {
            SELECT => self.select_2g(command, answer),
            STATUS => self.status_2g(command, answer),
            // There are no short file identifiers in this class.
            READ_BINARY if command.p1 < 0x80 => self.read_binary(command, answer),
            UPDATE_BINARY if command.p1 < 0x80 => self.update_binary(command),
            READ_RECORD if command.p2 < 0x08 => self.read_record(command, answer),
            UPDATE_RECORD if command.p2 < 0x08 => self.update_record(command),
            READ_BINARY | UPDATE_BINARY | READ_RECORD | UPDATE_RECORD => refuse(StatusWord::WRONG_P1P2),
            VERIFY | CHANGE_PIN | DISABLE_PIN | ENABLE_PIN | UNBLOCK_PIN => self.chv_command(command),
            AUTHENTICATE => self.run_gsm_algorithm(command, answer),
            _ => refuse(StatusWord::INS_NOT_SUPPORTED),
        };
        served.map_err(|failure| match failure {
            Failure::Refused(status) => Failure::Refused(of_2g(command.ins, status)),
            Failure::PowerLost => Failure::PowerLost,
        })
    }

    fn select_2g(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_p1p2(0, 0)?;
        let fid: [u8; 2] = command.data.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
        self.selection.go_to(Fid(u16::from_be_bytes(fid)))?;
        match self.selection.file {
            Some(file) => put(answer, &of_file(file))?,
            None => self.put_directory_2g(answer)?,
        }
        Ok(StatusWord::OK)
    }

    /// STATUS: the current directory, as SELECT answers it, or its beginning.
    fn status_2g(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_p1p2(0, 0)?;
        command.require_data_len(0)?;
        self.put_directory_2g(answer)?;
        match command.le {
            None | Some(0) => {}
            Some(le) if usize::from(le) <= answer.len() => answer.truncate(usize::from(le)),
            Some(_) => return refuse(StatusWord::right_length(answer.len() as u8)),
        }
        Ok(StatusWord::OK)
    }

    /// The five commands on CHV1, CHV2 and ADM1, under their other numbers.
    fn chv_command(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        let PinReference(reference) = match (command.ins, command.p2) {
            (UNBLOCK_PIN, 0x00) => PinReference::PIN1,
            (UNBLOCK_PIN, 0x01) => return refuse(StatusWord::WRONG_P1P2),
            (_, 0x01) => PinReference::PIN1,
            (_, 0x02) => PinReference::PIN2,
            (VERIFY, 0x0A) => PinReference::ADM1,
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        if command.data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        self.pin_command(&Command { p2: reference, ..*command })
    }

    /// What SELECT answers for the current directory (TS 51.011 clause 9.2.1): what it is, what is in it, and the CHVs.
    fn put_directory_2g(&mut self, answer: &mut Response) -> Result<(), StatusWord> {
        /// Length of what follows.
        const GSM_DATA: u8 = 0x09;
        /// Clock stop allowed; the highest bit: CHV1 is disabled.
        const CHARACTERISTICS: u8 = 0x01;
        /// CHV1, CHV2, and what unblocks them.
        const CODES: u8 = 4;
        let Directory { fid, directories, files, .. } = self.selection.directory;
        let [f0, f1] = fid.0.to_be_bytes();
        let kind = if *fid == MF.fid { TYPE_MF } else { TYPE_DF };
        let (chv1, chv2) = (PinState::read(self.nvm, Pin::Pin1), PinState::read(self.nvm, Pin::Pin2));
        let characteristics = if chv1.enabled { CHARACTERISTICS } else { CHARACTERISTICS | 0x80 };
        let inner = directories.iter().filter(|inner| inner.aid.is_none()).count() as u8;
        let initialised = |tries: u8| 0x80 | tries;
        put(
            answer,
            &[0, 0, 0, 0, f0, f1, kind, 0, 0, 0, 0, 0, GSM_DATA, characteristics, inner, files.len() as u8, CODES, 0],
        )?;
        put(answer, &[initialised(chv1.tries), initialised(chv1.unblocking_tries)])?;
        put(answer, &[initialised(chv2.tries), initialised(chv2.unblocking_tries)])
    }
}

/// What SELECT answers for an EF: size, rights, structure.
fn of_file(file: &File) -> [u8; 15] {
    let ([s0, s1], [f0, f1]) = ((file.size() as u16).to_be_bytes(), file.fid.0.to_be_bytes());
    let rights = level(file.rule.read) << 4 | level(file.rule.update);
    let (structure, record_len) = match file.structure {
        Structure::Transparent => (0x00, 0x00),
        Structure::LinearFixed { record_len } => (0x01, record_len),
        Structure::Cyclic { record_len } => (0x03, record_len),
    };
    // Never increased, rehabilitated or invalidated; and it is not.
    [0, 0, s0, s1, f0, f1, TYPE_EF, 0, rights, 0xFF, 0xFF, 0x01, 0x02, structure, record_len]
}

/// An access condition's digit.
const fn level(right: Right) -> u8 {
    match right {
        Right::Always => 0x0,
        Right::Pin1 => 0x1,
        Right::Pin2 => 0x2,
        Right::Adm1 => 0x4,
        Right::Never => 0xF,
    }
}

/// The status word of class A0 that says the same.
fn of_2g(ins: u8, status: StatusWord) -> StatusWord {
    let on_a_file = matches!(ins, READ_BINARY | UPDATE_BINARY | READ_RECORD | UPDATE_RECORD);
    match status {
        StatusWord::FILE_NOT_FOUND => status_2g::FILE_NOT_FOUND,
        StatusWord::WRONG_OFFSET if on_a_file => status_2g::OUT_OF_RANGE,
        StatusWord::RECORD_NOT_FOUND => status_2g::OUT_OF_RANGE,
        StatusWord::NO_CURRENT_FILE => status_2g::NO_EF_SELECTED,
        StatusWord::WRONG_FILE_KIND => status_2g::WRONG_FILE_KIND,
        StatusWord::SECURITY_NOT_SATISFIED => status_2g::ACCESS_DENIED,
        StatusWord::AUTHENTICATION_BLOCKED => status_2g::CHV_BLOCKED,
        StatusWord::PIN_DISABLED | StatusWord::CONDITIONS_NOT_SATISFIED | StatusWord::FUNCTION_NOT_SUPPORTED => {
            status_2g::CHV_STATUS
        }
        StatusWord::WRONG_P1P2 => StatusWord::WRONG_OFFSET,
        // The right length is in the second byte there too.
        StatusWord(word @ 0x6C00..=0x6CFF) => StatusWord(0x6700 | (word & 0x00FF)),
        _ => match status.tries() {
            Some(0) => status_2g::CHV_BLOCKED,
            Some(_) => status_2g::ACCESS_DENIED,
            None => status,
        },
    }
}
