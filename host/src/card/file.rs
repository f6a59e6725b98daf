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
    read_binary_from(transport, card, file, 0, length, access)
}

/// READ BINARY of `length` bytes of `file` from `offset` on: a SAM makes no MAC over as much as one answer carries.
///
/// # Errors
/// [`ReadError`].
pub fn read_binary_from<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    offset: u8,
    length: u8,
    access: Access<'_>,
) -> Result<Vec<u8>, ReadError> {
    let sfi = 0x80 | sfi_of(file);
    let command = Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi, offset).expecting(length);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        card::select::sample,
        crypto::Key,
        keys::{CardKeys, KeySet, Purpose},
        sam::{SoftwareSam, SoftwareSamState},
        transport::Scripted,
    };
    use hex_literal::hex;
    use onecard_wire::{key::KeyVersion, number::TerminalNumber};

    const RECORD: [u8; 23] = hex!("0001 000000 00000010 02 666666666666 20240411 212121");
    const VERSION: KeyVersion = KeyVersion(1);

    fn maintenance() -> Key {
        Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"))
    }

    fn sam() -> SoftwareSam {
        let keys = KeySet::default().with(Purpose::Maintenance, VERSION, maintenance());
        let state = SoftwareSamState {
            terminal: TerminalNumber([0; 6]),
            next_sequence: 0,
            load_limit_fen: 0,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        SoftwareSam::for_one_card(CardKeys::new(sample().serial(), keys), VERSION, state)
    }

    /// A log read with MAC whose answer is `record ‖ mac(record) XOR change`.
    fn log_with_mac(record: &[u8], change: u8) -> Result<Option<LogRecord>, ReadError> {
        let initial = hex!("0102030400000000");
        let [a, b, c, d] = maintenance().line_mac(initial, &hex!("04B201C404"));
        let asked = [&hex!("04B201C404")[..], &[a, b, c, d, 0x17]].concat();
        let mut mac = maintenance().line_mac(initial, record);
        mac.iter_mut().for_each(|byte| *byte ^= change);
        let answer = [record, &mac, &[0x90, 0x00]].concat();
        let mut card = Scripted::new(&[(&hex!("0084000004"), &hex!("01020304 9000")), (&asked, &answer)]);
        log_record(&mut card, &sample(), 1, Access::WithMac(&mut sam()))
    }

    #[test]
    fn a_log_record_with_mac_is_believed_only_with_the_right_one() {
        // The record of the published load by "robur".
        assert_eq!(log_with_mac(&RECORD, 0).unwrap().unwrap().emit(), RECORD);
        let (serial, file) = (sample().serial(), Fid::LOG);
        assert_eq!(log_with_mac(&RECORD, 0x01), Err(ReadError::WrongMac { serial, file }));
        assert_eq!(log_with_mac(&[0xAA; 23], 0), Err(ReadError::Malformed { serial, file, length: 23 }));
    }

    #[test]
    fn the_log_ends_where_the_card_says() {
        let whole = [&RECORD[..], &[0x90, 0x00]].concat();
        let mut card = Scripted::new(&[(&hex!("00B201C417"), &whole), (&hex!("00B202C417"), &hex!("6A83"))]);
        assert_eq!(log(&mut card, &sample()).unwrap().len(), 1);
        card.finish();
        let mut card = Scripted::new(&[(&hex!("00B201C417"), &hex!("6982"))]);
        let message = log(&mut card, &sample()).unwrap_err().to_string();
        assert_eq!(
            message,
            "card 3100100000000423: file 0018 was not read, the card answered 6982 (reading needs the PIN or a MAC)"
        );
    }

    #[test]
    fn a_balance_has_four_bytes() {
        let ask = hex!("805C000204");
        let balance = |answer: &[u8]| balance(&mut Scripted::new(&[(&ask, answer)]), &sample(), Purse::Ep);
        assert_eq!(balance(&hex!("00000100 9000")), Ok(Amount::from_fen(256)));
        let (serial, file) = (sample().serial(), Fid::EP);
        assert_eq!(balance(&hex!("000100 9000")), Err(ReadError::Malformed { serial, file, length: 3 }));
    }

    #[test]
    fn parameters_and_holder_have_their_lengths() {
        let content = [&Parameters::UNLIMITED.emit()[..], &[0x90, 0x00]].concat();
        let mut card = Scripted::new(&[(&hex!("00B0970024"), &content), (&hex!("00B0960037"), &hex!("0100 9000"))]);
        assert_eq!(parameters(&mut card, &sample()), Ok(Parameters::UNLIMITED));
        let (serial, file) = (sample().serial(), Fid::HOLDER);
        let short = holder(&mut card, &sample(), Access::Plain);
        assert_eq!(short, Err(ReadError::Malformed { serial, file, length: 2 }));
        card.finish();
    }
}
