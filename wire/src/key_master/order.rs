//! Data fields of the key master card's own commands. A MAC of [`MAC_LEN`](super::MAC_LEN) bytes stands behind those of
//! PERSONALISE, LOAD MASTER KEY and LOAD ALLOWANCE.

use super::{CHALLENGE_LEN, KeyCode, WRAPPED_KEY_LEN, WRAPPED_TRANSPORT_KEYS_LEN};
use crate::{
    key::{AlgorithmId, KeyVersion},
    layout::{Reader, Writer},
    number::{EnterpriseId, KeyMasterNumber},
};

/// PERSONALISE of a blank key master card: `number 8 ‖ enterprise 8 ‖ card exports 4 ‖ SAM exports 4 ‖ KW(K_A ‖ K_W ‖ K_M)
/// 56 ‖ KW(PIN ‖ FF × 8) 24`, wrapped by the maker's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PersonaliseKeyMaster {
    /// The card's number from now on.
    pub number: KeyMasterNumber,
    /// Whose master keys it will hold.
    pub enterprise: EnterpriseId,
    /// What it may export.
    pub allowance: LoadAllowance,
    /// Authentication, wrap and MAC key, wrapped together.
    pub wrapped_keys: [u8; WRAPPED_TRANSPORT_KEYS_LEN],
    /// The PIN, wrapped.
    pub wrapped_pin: [u8; WRAPPED_KEY_LEN],
}

impl PersonaliseKeyMaster {
    /// Length without the MAC.
    pub const LEN: usize = 8 + 8 + LoadAllowance::LEN + WRAPPED_TRANSPORT_KEYS_LEN + WRAPPED_KEY_LEN;

    /// From a data field without its MAC.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            number: KeyMasterNumber::from_bytes(reader.array()?)?,
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
            allowance: LoadAllowance::read(&mut reader)?,
            wrapped_keys: reader.array()?,
            wrapped_pin: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire, without the MAC.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.number.to_bytes())
            .put(&self.enterprise.to_bytes())
            .put(&self.allowance.emit())
            .put(&self.wrapped_keys)
            .put(&self.wrapped_pin)
            .finish()
    }
}

/// PERSONALISE of a blank mother authentication card: `number of its key master card 8 ‖ enterprise 8 ‖ KW(K_A) 24`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PersonaliseMother {
    /// The key master card that it opens.
    pub number: KeyMasterNumber,
    /// Whose that is.
    pub enterprise: EnterpriseId,
    /// The authentication key, wrapped by the maker's key.
    pub wrapped_key: [u8; WRAPPED_KEY_LEN],
}

impl PersonaliseMother {
    /// Length without the MAC.
    pub const LEN: usize = 8 + 8 + WRAPPED_KEY_LEN;

    /// From a data field without its MAC.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            number: KeyMasterNumber::from_bytes(reader.array()?)?,
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
            wrapped_key: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire, without the MAC.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.number.to_bytes()).put(&self.enterprise.to_bytes()).put(&self.wrapped_key).finish()
    }
}

/// LOAD MASTER KEY, and the answer of EXPORT COPY of a key: `code ‖ version ‖ algorithm ‖ KW(key) 24`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadKey {
    /// What it is for.
    pub code: KeyCode,
    /// Its version.
    pub version: KeyVersion,
    /// Its cipher: 00, 04 or 06.
    pub algorithm: AlgorithmId,
    /// The key, wrapped by K_W.
    pub wrapped_key: [u8; WRAPPED_KEY_LEN],
}

impl LoadKey {
    /// Length without the MAC.
    pub const LEN: usize = 3 + WRAPPED_KEY_LEN;

    /// From a data field without its MAC.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            code: KeyCode::from_byte(reader.u8()?)?,
            version: KeyVersion(reader.u8()?),
            algorithm: canonical(AlgorithmId(reader.u8()?))?,
            wrapped_key: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire, without the MAC.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        let head = [self.code.to_byte(), self.version.0, self.algorithm.0];
        Writer::new().put(&head).put(&self.wrapped_key).finish()
    }
}

/// A cipher has one byte here: the others that stand for triple DES on the market are refused.
fn canonical(algorithm: AlgorithmId) -> Option<AlgorithmId> {
    (AlgorithmId::of(algorithm.algorithm()) == algorithm).then_some(algorithm)
}

/// LOAD ALLOWANCE, and the answer of EXPORT COPY of an allowance: `card exports 4 ‖ SAM exports 4`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LoadAllowance {
    /// Bodies for cards and SIMs.
    pub card_exports: u32,
    /// Bodies for SAMs.
    pub sam_exports: u32,
}

impl LoadAllowance {
    /// Length without the MAC.
    pub const LEN: usize = 8;

    /// From a data field without its MAC.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self::read(&mut reader)?;
        reader.end(parsed)
    }

    /// As on the wire, without the MAC.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().u32(self.card_exports).u32(self.sam_exports).finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { card_exports: reader.u32()?, sam_exports: reader.u32()? })
    }
}

/// P1 of EXPORT KEY: what the body is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum TargetKind {
    /// The enterprise's application on a CPU card or a RFID-SIM: card-level keys.
    Card = 0x01,
    /// The enterprise's application on a SAM: enterprise-level keys, and the SAM's own two.
    Sam = 0x02,
}

impl TargetKind {
    /// From P1; `None` for another.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Card),
            0x02 => Some(Self::Sam),
            _ => None,
        }
    }
}

/// What makes a body good in one place alone; its kind is P2 of EXPORT KEY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    /// The target's challenge: 8 bytes, or 4 and zeros (4.6.3).
    Challenge([u8; CHALLENGE_LEN]),
    /// The place in a secured packet (profile §8).
    OverTheAir {
        /// The packet's counter.
        counter: [u8; 5],
        /// The number of the command in the packet, from 01.
        command: u8,
    },
}

impl Freshness {
    /// P2: at a station.
    pub const AT_STATION: u8 = 0x00;
    /// P2: over the air.
    pub const FOR_AIR: u8 = 0x01;

    /// P2 of EXPORT KEY.
    #[must_use]
    pub const fn p2(self) -> u8 {
        match self {
            Self::Challenge(_) => Self::AT_STATION,
            Self::OverTheAir { .. } => Self::FOR_AIR,
        }
    }

    /// From P2 and the 8 bytes of the data field; `None` for another P2, for a command 00 and for bytes behind the command.
    #[must_use]
    pub const fn from_bytes(p2: u8, bytes: [u8; 8]) -> Option<Self> {
        match (p2, bytes) {
            (Self::AT_STATION, challenge) => Some(Self::Challenge(challenge)),
            (Self::FOR_AIR, [a, b, c, d, e, command, 0, 0]) if command != 0 => {
                Some(Self::OverTheAir { counter: [a, b, c, d, e], command })
            }
            _ => None,
        }
    }

    /// As in the data field: of a place in a packet `counter 5 ‖ command 1 ‖ 00 00`.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        match self {
            Self::Challenge(challenge) => challenge,
            Self::OverTheAir { counter: [a, b, c, d, e], command } => [a, b, c, d, e, command, 0, 0],
        }
    }
}

/// What a body carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Exported {
    /// A key had from a master key.
    Key {
        /// What it is for.
        code: KeyCode,
        /// Its version.
        version: KeyVersion,
        /// Where it goes: 00 its own place, else the id on a card (4.2.4), the kind in a SAM (7.3.1).
        place: u8,
    },
    /// The holder's PIN, which stands behind the order.
    HolderPin,
}

impl Exported {
    /// Where the code of a key stands: the PIN's type.
    const HOLDER_PIN: u8 = 0x3A;

    /// `code ‖ version ‖ place`; of a PIN `3A 00 00`.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        match self {
            Self::Key { code, version, place } => [code.to_byte(), version.0, place],
            Self::HolderPin => [Self::HOLDER_PIN, 0x00, 0x00],
        }
    }

    /// The inverse.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        match bytes {
            [Self::HOLDER_PIN, 0x00, 0x00] => Some(Self::HolderPin),
            [code, version, place] => {
                Some(Self::Key { code: KeyCode::from_byte(code)?, version: KeyVersion(version), place })
            }
        }
    }
}

/// Whether WRITE KEY adds a key to a card or replaces one. A SAM finds out by itself: to it always [`Self::Add`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Manner {
    /// No key stands there.
    Add = 0x00,
    /// One does.
    Replace = 0x01,
}

impl Manner {
    /// From its byte; `None` for another.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x00 => Some(Self::Add),
            0x01 => Some(Self::Replace),
            _ => None,
        }
    }
}

/// EXPORT KEY: `code ‖ version ‖ place ‖ manner ‖ wrapping code ‖ wrapping version ‖ factor 8 ‖ freshness 8`; behind it, with
/// a PIN, its [`Self::PIN_LEN`]. Answer: the data field of `84 D4 P1 P2 Lc`, enciphered and MACed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportKey {
    /// What goes to the target.
    pub what: Exported,
    /// Added or replaced.
    pub manner: Manner,
    /// The master key of the target's present control key.
    pub wrapping: KeyCode,
    /// Its version.
    pub wrapping_version: KeyVersion,
    /// What diversifies it: application serial, or the last 8 bytes of the SAM's (7.3.5).
    pub factor: [u8; 8],
    /// What the body is good for.
    pub freshness: Freshness,
}

impl ExportKey {
    /// Length without a PIN.
    pub const LEN: usize = 22;

    /// Of a PIN of 4 to 6 digits. A longer one would fill the body's second block with what a card's challenge can be.
    pub const PIN_LEN: core::ops::RangeInclusive<usize> = 2..=3;

    /// Takes the order off the front of a data field whose command has that P2; a PIN may follow.
    #[must_use]
    pub fn read(p2: u8, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            what: Exported::from_bytes(reader.array()?)?,
            manner: Manner::from_byte(reader.u8()?)?,
            wrapping: KeyCode::from_byte(reader.u8()?)?,
            wrapping_version: KeyVersion(reader.u8()?),
            factor: reader.array()?,
            freshness: Freshness::from_bytes(p2, reader.array()?)?,
        })
    }

    /// As on the wire, without a PIN.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.what.to_bytes())
            .put(&[self.manner as u8, self.wrapping.to_byte(), self.wrapping_version.0])
            .put(&self.factor)
            .put(&self.freshness.to_bytes())
            .finish()
    }
}

/// EXPORT COPY of a key: `code ‖ version ‖ number 8 ‖ challenge 8` of the card that gets it. Answer: the whole data field of
/// LOAD MASTER KEY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyKey {
    /// Which key.
    pub code: KeyCode,
    /// Its version.
    pub version: KeyVersion,
    /// The card that gets it.
    pub target: KeyMasterNumber,
    /// That card's challenge.
    pub challenge: [u8; CHALLENGE_LEN],
}

impl CopyKey {
    /// Length on the wire.
    pub const LEN: usize = 18;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            code: KeyCode::from_byte(reader.u8()?)?,
            version: KeyVersion(reader.u8()?),
            target: KeyMasterNumber::from_bytes(reader.array()?)?,
            challenge: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        let name = [self.code.to_byte(), self.version.0];
        Writer::new().put(&name).put(&self.target.to_bytes()).put(&self.challenge).finish()
    }
}

/// EXPORT COPY of a part of the allowance: `card exports 4 ‖ SAM exports 4 ‖ number 8 ‖ challenge 8` of the card that gets
/// it. Answer: the whole data field of LOAD ALLOWANCE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyAllowance {
    /// What moves.
    pub allowance: LoadAllowance,
    /// The card that gets it.
    pub target: KeyMasterNumber,
    /// That card's challenge.
    pub challenge: [u8; CHALLENGE_LEN],
}

impl CopyAllowance {
    /// Length on the wire.
    pub const LEN: usize = 24;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            allowance: LoadAllowance::read(&mut reader)?,
            target: KeyMasterNumber::from_bytes(reader.array()?)?,
            challenge: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.allowance.emit()).put(&self.target.to_bytes()).put(&self.challenge).finish()
    }
}

#[cfg(test)]
mod tests;
