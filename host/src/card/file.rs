//! Typed reads of an application's files (FMCOS 2.0 user manual p. 59 to 62; profile §3.1).

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    ins,
    number::ApplicationSerial,
    record::{Holder, LogRecord, Parameters},
    status::StatusWord,
    wallet::Purse,
};

use super::Selected;
use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange},
    line_protection::{
        AnswerError, ChallengeError, MaintenanceSam, ProtectError, challenge, verified_answer, with_mac,
    },
    sam::{CardFactors, Sam, SamError},
    transport::Transport,
};

/// How a file is read.
pub enum Access<'s> {
    /// In clear: a free file, or one opened by the PIN or the reading key. The answer is believed as it comes.
    Plain,
    /// With a command MAC and an answer MAC under the maintenance key (own): needs no security state, and only a genuine
    /// card can answer.
    WithMac(&'s mut dyn Sam),
}

/// GET BALANCE, fen.
///
/// # Errors
/// [`ReadError`].
pub fn balance<T: Transport + ?Sized>(transport: &mut T, card: &Selected, purse: Purse) -> Result<Amount, ReadError> {
    let command = Command::new(ins::CLA_PBOC, ins::GET_BALANCE, 0, purse as u8).expecting(4);
    let at = Place { serial: card.serial(), file: if purse == Purse::Ed { Fid::ED } else { Fid::EP } };
    let data = at.exchange(transport, &command)?;
    at.fixed(&data).map(Amount::from_bytes)
}

/// EF 0017, the one-card parameters (own).
///
/// # Errors
/// [`ReadError`].
pub fn parameters<T: Transport + ?Sized>(transport: &mut T, card: &Selected) -> Result<Parameters, ReadError> {
    const LEN: u8 = Parameters::LEN as u8;
    let content = read_binary(transport, card, Fid::PARAMETERS, LEN, Access::Plain)?;
    let at = Place { serial: card.serial(), file: Fid::PARAMETERS };
    Parameters::parse(&content).ok_or(at.malformed(content.len()))
}

/// EF 0016, the holder: with the PIN verified, or with a MAC.
///
/// # Errors
/// [`ReadError`].
pub fn holder<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    access: Access<'_>,
) -> Result<Holder, ReadError> {
    const LEN: u8 = Holder::LEN as u8;
    let content = read_binary(transport, card, Fid::HOLDER, LEN, access)?;
    let at = Place { serial: card.serial(), file: Fid::HOLDER };
    Holder::parse(&content).ok_or(at.malformed(content.len()))
}

/// Record `number` of EF 0018, 1 the newest; `None` if the log is shorter.
///
/// # Errors
/// [`ReadError`].
pub fn log_record<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    number: u8,
    access: Access<'_>,
) -> Result<Option<LogRecord>, ReadError> {
    const LEN: u8 = LogRecord::LEN as u8;
    match read_record(transport, card, Fid::LOG, number, LEN, access) {
        Ok(record) => {
            let at = Place { serial: card.serial(), file: Fid::LOG };
            LogRecord::parse(&record).map(Some).ok_or(at.malformed(record.len()))
        }
        Err(ReadError::Refused { status: StatusWord::RECORD_NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// EF 0018 whole, newest first, in clear: the PIN must have been verified.
///
/// # Errors
/// [`ReadError`].
pub fn log<T: Transport + ?Sized>(transport: &mut T, card: &Selected) -> Result<Vec<LogRecord>, ReadError> {
    (1..=LOG_RECORDS_MAX).map_while(|number| log_record(transport, card, number, Access::Plain).transpose()).collect()
}

/// READ BINARY of the first `length` bytes of `file`.
///
/// # Errors
/// [`ReadError`].
pub fn read_binary<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    length: u8,
    access: Access<'_>,
) -> Result<Vec<u8>, ReadError> {
    let sfi = 0x80 | sfi_of(file);
    let command = Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi, 0).expecting(length);
    read(transport, card, file, &command, access)
}

/// READ RECORD by number; in a cyclic file 1 is the newest.
///
/// # Errors
/// [`ReadError`].
pub fn read_record<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    number: u8,
    length: u8,
    access: Access<'_>,
) -> Result<Vec<u8>, ReadError> {
    let by_number = sfi_of(file) << 3 | 0x04;
    let command = Command::new(ins::CLA_ISO, ins::READ_RECORD, number, by_number).expecting(length);
    read(transport, card, file, &command, access)
}

/// Why a read gave nothing to believe.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// The card refused.
    #[error("card {serial}: file {:04X} was not read, the card answered {}", .file.0,
        Refusal { command: CommandName::Read, status: *.status })]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// Its answer.
        status: StatusWord,
    },
    /// The answer has another shape than the file.
    #[error("card {serial}: file {:04X} gave {length} bytes that are not its content: present the card again", .file.0)]
    Malformed {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// How many bytes came.
        length: usize,
    },
    /// The answer's MAC is wrong.
    #[error("card {serial}: the MAC of file {:04X} is wrong: not a genuine card, or its answer was changed", .file.0)]
    WrongMac {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
    },
    /// The SAM made no MAC.
    #[error("card {serial}: file {:04X} needs a MAC that the SAM did not make", .file.0)]
    NoMac {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// The SAM's reason.
        source: SamError,
    },
    /// No answer.
    #[error("card {serial}: no answer when reading file {:04X}", .file.0)]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// What happened.
        source: ExchangeError,
    },
}

/// Records a one-card's log keeps (profile §3.1); an FM1208 may keep fewer.
const LOG_RECORDS_MAX: u8 = 20;

/// What is read, for errors.
#[derive(Clone, Copy)]
struct Place {
    serial: ApplicationSerial,
    file: Fid,
}

impl Place {
    fn exchange<T: Transport + ?Sized>(self, transport: &mut T, command: &Command) -> Result<Vec<u8>, ReadError> {
        let Self { serial, file } = self;
        exchange(transport, command)
            .map_err(|source| ReadError::Exchange { serial, file, source })?
            .done()
            .map_err(|status| ReadError::Refused { serial, file, status })
    }

    fn fixed<const N: usize>(self, data: &[u8]) -> Result<[u8; N], ReadError> {
        data.try_into().map_err(|_| self.malformed(data.len()))
    }

    fn malformed(self, length: usize) -> ReadError {
        ReadError::Malformed { serial: self.serial, file: self.file, length }
    }

    fn no_mac(self, source: SamError) -> ReadError {
        ReadError::NoMac { serial: self.serial, file: self.file, source }
    }
}

fn read<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    command: &Command,
    access: Access<'_>,
) -> Result<Vec<u8>, ReadError> {
    let at = Place { serial: card.serial(), file };
    let Access::WithMac(sam) = access else { return at.exchange(transport, command) };
    let factors = CardFactors { enterprise: card.public_data.enterprise, serial: card.serial() };
    let mut keeper = MaintenanceSam { sam, card: factors };
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => ReadError::Refused { serial: at.serial, file, status },
        ChallengeError::Exchange(source) => ReadError::Exchange { serial: at.serial, file, source },
    })?;
    let sent = with_mac(command, challenge, &mut keeper).map_err(|error| match error {
        ProtectError::TooLong(too_long) => at.malformed(too_long.0),
        ProtectError::Keeper(source) => at.no_mac(source),
    })?;
    let answer = at.exchange(transport, &sent)?;
    verified_answer(answer, challenge, &mut keeper).map_err(|error| match error {
        AnswerError::TooShort(length) => at.malformed(length),
        AnswerError::WrongMac => ReadError::WrongMac { serial: at.serial, file },
        AnswerError::Keeper(source) => at.no_mac(source),
    })
}

/// Every file that is read here has an SFI.
const fn sfi_of(file: Fid) -> u8 {
    (file.0 & 0x1F) as u8
}
