//! What GET DATA tells of a key master card.

use super::{KeyCode, LoadAllowance};
use crate::{
    key::{AlgorithmId, KeyVersion},
    layout::{Reader, Writer},
    number::{EnterpriseId, KeyMasterNumber},
};

/// Where a card stands in its life; there is no way back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum LifeCycle {
    /// As its maker delivers it (空白).
    Blank = 0x00,
    /// Personalised (使用).
    InUse = 0x01,
    /// Three failures in a row of the PIN or of the mother card (锁死): for good.
    Locked = 0x02,
}

impl LifeCycle {
    /// From its byte; `None` for another.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x00 => Some(Self::Blank),
            0x01 => Some(Self::InUse),
            0x02 => Some(Self::Locked),
            _ => None,
        }
    }
}

/// GET DATA of a key master card: `number 8 ‖ enterprise 8 ‖ life cycle 1 ‖ PIN tries 1 ‖ authentication tries 1 ‖ card
/// exports 4 ‖ SAM exports 4`; of a blank one zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The card's number.
    pub number: KeyMasterNumber,
    /// Whose master keys it holds.
    pub enterprise: EnterpriseId,
    /// Where it stands.
    pub life_cycle: LifeCycle,
    /// Tries left of the PIN.
    pub pin_tries: u8,
    /// Tries left of the mother card.
    pub authentication_tries: u8,
    /// What it may still export.
    pub allowance: LoadAllowance,
}

impl Status {
    /// Length of the answer.
    pub const LEN: usize = 27;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(answer);
        let parsed = Self {
            number: KeyMasterNumber::from_bytes(reader.array()?)?,
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
            life_cycle: LifeCycle::from_byte(reader.u8()?)?,
            pin_tries: reader.u8()?,
            authentication_tries: reader.u8()?,
            allowance: LoadAllowance::read(&mut reader)?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.number.to_bytes())
            .put(&self.enterprise.to_bytes())
            .put(&[self.life_cycle as u8, self.pin_tries, self.authentication_tries])
            .put(&self.allowance.emit())
            .finish()
    }
}

/// GET DATA of a mother authentication card: `number of its key master card 8 ‖ enterprise 8 ‖ life cycle 1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MotherStatus {
    /// The key master card that it opens.
    pub number: KeyMasterNumber,
    /// Whose that is.
    pub enterprise: EnterpriseId,
    /// Blank or in use.
    pub life_cycle: LifeCycle,
}

impl MotherStatus {
    /// Length of the answer.
    pub const LEN: usize = 17;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(answer);
        let parsed = Self {
            number: KeyMasterNumber::from_bytes(reader.array()?)?,
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
            life_cycle: LifeCycle::from_byte(reader.u8()?)?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.number.to_bytes()).put(&self.enterprise.to_bytes()).u8(self.life_cycle as u8).finish()
    }
}

/// One key of the list: `code ‖ version ‖ algorithm ‖ key check value 3`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyEntry {
    /// What it is for.
    pub code: KeyCode,
    /// Its version.
    pub version: KeyVersion,
    /// Its cipher.
    pub algorithm: AlgorithmId,
    /// Key check value of the master key (4.1.7).
    pub check_value: [u8; 3],
}

impl KeyEntry {
    /// Length of an entry.
    pub const LEN: usize = 6;
    /// Entries in one answer; a page with fewer is the last.
    pub const PAGE: usize = 36;

    /// From an entry.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Option<Self> {
        let [code, version, algorithm, a, b, c] = bytes;
        let (version, algorithm) = (KeyVersion(version), AlgorithmId(algorithm));
        Some(Self { code: KeyCode::from_byte(code)?, version, algorithm, check_value: [a, b, c] })
    }

    /// As in the list.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c] = self.check_value;
        [self.code.to_byte(), self.version.0, self.algorithm.0, a, b, c]
    }
}

/// What happened, in a [`LogEntry`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum LogEvent {
    /// LOAD MASTER KEY put a key in.
    KeyLoaded = 0x01,
    /// LOAD ALLOWANCE.
    AllowanceLoaded = 0x02,
    /// EXPORT KEY to a card or SIM at a station.
    ExportToCard = 0x11,
    /// EXPORT KEY to a SAM.
    ExportToSam = 0x12,
    /// EXPORT KEY to a card or SIM over the air.
    ExportForAir = 0x13,
    /// EXPORT COPY of a key.
    KeyCopied = 0x21,
    /// EXPORT COPY of an allowance.
    AllowanceCopied = 0x22,
}

impl LogEvent {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::KeyLoaded,
        Self::AllowanceLoaded,
        Self::ExportToCard,
        Self::ExportToSam,
        Self::ExportForAir,
        Self::KeyCopied,
        Self::AllowanceCopied,
    ];
}

/// One entry of the log: `number 4 ‖ event 1 ‖ target 8 ‖ detail 8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Counts from 1 and never repeats: a gap is seen.
    pub number: u32,
    /// What happened.
    pub event: LogEvent,
    /// For whom: the factor, or the number of the key master card; of what was loaded the card's own.
    pub target: [u8; 8],
    /// Of a key loaded or copied `code ‖ version ‖ algorithm ‖ 00 × 5`; of an export `code ‖ version ‖ place ‖ manner ‖
    /// wrapping code ‖ wrapping version ‖ 00 00`; of an allowance `card exports 4 ‖ SAM exports 4`.
    pub detail: [u8; 8],
}

impl LogEntry {
    /// Length of an entry.
    pub const LEN: usize = 21;
    /// Entries in one answer; a page with fewer is the last.
    pub const PAGE: usize = 11;

    /// From an entry.
    #[must_use]
    pub fn parse(entry: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(entry);
        let (number, event) = (reader.u32()?, reader.u8()?);
        let event = LogEvent::ALL.into_iter().find(|known| *known as u8 == event)?;
        let parsed = Self { number, event, target: reader.array()?, detail: reader.array()? };
        reader.end(parsed)
    }

    /// As in the log.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().u32(self.number).u8(self.event as u8).put(&self.target).put(&self.detail).finish()
    }
}

const _: () = assert!(KeyEntry::LEN * KeyEntry::PAGE <= crate::ins::DATA_MAX);
const _: () = assert!(LogEntry::LEN * LogEntry::PAGE <= crate::ins::DATA_MAX);
