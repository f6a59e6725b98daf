//! The card's log as evidence: read with MAC, so that only a genuine card can show it.
//!
//! A recording of an earlier reading passes the MAC, since the challenge is the card's own. So the log is believed only in
//! what stays true: that a number belongs to this transaction, or to another one. That it is absent proves nothing.

use onecard_wire::{
    fid::Fid,
    ins,
    record::{LogRecord, PublicData},
    status::StatusWord,
    wallet::TransactionType,
};

use super::{Kind, Token, Transaction, Witness};
use crate::{
    apdu::{Command, exchange},
    card::{ReadError, Selected},
    line_protection::{AnswerError, ChallengeError, LineMac, ProtectError, challenge, verified_answer, with_mac},
    sam::{CardFactors, SamError},
    transport::Transport,
};

/// What the log says of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LogEvidence {
    /// It has its record: this try of it.
    Logged(Transaction),
    /// Its number belongs to another transaction.
    NumberUsedByAnother,
    /// Nothing.
    Silent,
}

/// Reads EF 0018 from the newest record on until it tells what became of `token`.
pub(super) fn log_evidence<C: Transport + ?Sized, W: Witness + ?Sized>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
    token: &Token,
) -> Result<LogEvidence, ReadError> {
    let transaction = &token.transaction;
    let Some(after) = transaction.sequence_after() else { return Ok(LogEvidence::Silent) };
    let before = transaction.card_sequence;
    let is_own = is_own(card, application, witness)?;
    // Plain FMCOS cards may number a record before the increment: there either number may be its own, and both must be
    // another's.
    let (mut before_is_anothers, mut after_is_anothers) = (false, false);
    for number in 1..=RECORDS_MAX {
        let Some(record) = log_record(card, application, witness, number)? else { break };
        if !shares_sequence(transaction.kind, record.transaction_type) {
            continue;
        }
        let is_its_number = record.sequence == after || record.sequence == before && !is_own;
        let mut tries = token.tries().filter(|tried| is_its_number && tried.transaction.is_logged_as(&record));
        match (tries.next(), tries.next()) {
            (Some(tried), None) => return Ok(LogEvidence::Logged(tried.transaction)),
            // Two tries of one second: their TACs tell which.
            (Some(_), Some(_)) => return Ok(LogEvidence::Silent),
            (None, _) => {}
        }
        before_is_anothers |= record.sequence == before;
        after_is_anothers |= record.sequence == after;
        if after_is_anothers && (before_is_anothers || is_own) {
            return Ok(LogEvidence::NumberUsedByAnother);
        }
    }
    Ok(LogEvidence::Silent)
}

/// Records a one-card's log keeps (profile §3.1).
const RECORDS_MAX: u8 = 20;

/// Whether a record of this type counts in the same sequence as `kind`: of the same purse, online or offline.
fn shares_sequence(kind: Kind, record: TransactionType) -> bool {
    record.purse() == Some(kind.purse()) && record.is_online() == kind.is_online()
}

fn log_record<C: Transport + ?Sized, W: Witness + ?Sized>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
    number: u8,
) -> Result<Option<LogRecord>, ReadError> {
    let (serial, file) = (application.serial(), Fid::LOG);
    // Le 00: a 6Cxx would have used up the challenge.
    let command = Command::new(ins::CLA_ISO, ins::READ_RECORD, number, LOG_BY_NUMBER).expecting(0);
    let record = match read_with_mac(card, application, witness, file, &command) {
        Ok(record) => record,
        Err(ReadError::Refused { status: StatusWord::RECORD_NOT_FOUND, .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    LogRecord::parse(&record).map(Some).ok_or(ReadError::Malformed { serial, file, length: record.len() })
}

/// Whether it is this profile's own card, which numbers its log after the increment. SELECT's answer says so without a MAC; by
/// EF 0015 read with MAC it is sure, and a recording of that tells the same for the card's whole life.
fn is_own<C: Transport + ?Sized, W: Witness + ?Sized>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
) -> Result<bool, ReadError> {
    if !application.has_own_parts() {
        return Ok(false);
    }
    let command = Command::new(ins::CLA_ISO, ins::READ_BINARY, PUBLIC_DATA, 0).expecting(0);
    match read_with_mac(card, application, witness, Fid::PUBLIC_DATA, &command) {
        Ok(content) => {
            Ok(PublicData::parse(&content).is_some_and(|content| content.version == PublicData::VERSION_OWN))
        }
        // A plain card knows no such reading.
        Err(ReadError::Refused { .. } | ReadError::WrongMac { .. } | ReadError::Malformed { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_with_mac<C: Transport + ?Sized, W: Witness + ?Sized>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
    file: Fid,
    command: &Command,
) -> Result<Vec<u8>, ReadError> {
    let serial = application.serial();
    let mut keeper =
        MaintenanceKeeper { witness, card: CardFactors { enterprise: application.public_data.enterprise, serial } };
    let no_mac = |source| ReadError::NoMac { serial, file, source };
    let challenge = challenge(card).map_err(|error| match error {
        ChallengeError::Refused(status) => ReadError::Refused { serial, file, status },
        ChallengeError::Exchange(source) => ReadError::Exchange { serial, file, source },
    })?;
    let command = with_mac(command, challenge, &mut keeper).map_err(|error| match error {
        ProtectError::TooLong(too_long) => ReadError::Malformed { serial, file, length: too_long.0 },
        ProtectError::Keeper(source) => no_mac(source),
    })?;
    let response = exchange(card, &command).map_err(|source| ReadError::Exchange { serial, file, source })?;
    let answer = response.done().map_err(|status| ReadError::Refused { serial, file, status })?;
    verified_answer(answer, challenge, &mut keeper).map_err(|error| match error {
        AnswerError::TooShort(length) => ReadError::Malformed { serial, file, length },
        AnswerError::WrongMac => ReadError::WrongMac { serial, file },
        AnswerError::Keeper(source) => no_mac(source),
    })
}

/// P2 of READ RECORD: SFI of EF 0018, record by number.
const LOG_BY_NUMBER: u8 = (Fid::LOG.0 as u8) << 3 | 0x04;
/// P1 of READ BINARY: SFI of EF 0015.
const PUBLIC_DATA: u8 = 0x80 | Fid::PUBLIC_DATA.0 as u8;

/// A witness that keeps the maintenance key of one card.
struct MaintenanceKeeper<'w, W: ?Sized> {
    witness: &'w mut W,
    card: CardFactors,
}

impl<W: Witness + ?Sized> LineMac for MaintenanceKeeper<'_, W> {
    type Error = SamError;

    fn line_mac(&mut self, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.witness.log_mac(self.card, initial, message)
    }
}
