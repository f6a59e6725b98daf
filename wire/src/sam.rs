//! The SAM: key usages and the data fields of its commands (PBOC PSAM; profile §4 for those marked own).

use crate::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    layout::{Reader, Writer},
    wallet::TransactionType,
};

/// Key usage: level of diversification (bits 8 to 6) and kind (bits 5 to 1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Usage(pub u8);

/// What a SAM's key is for: bits 5 to 1 of its usage.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UsageKind(pub u8);

impl UsageKind {
    /// Application master key: writes keys.
    pub const MASTER: Self = Self(0x00);
    /// Application maintenance key: writes files.
    pub const MAINTENANCE: Self = Self(0x01);
    /// Purchase.
    pub const PURCHASE: Self = Self(0x02);
    /// PIN unblock.
    pub const PIN_UNBLOCK: Self = Self(0x03);
    /// PIN reload; folded to 8 bytes on use, which serves for the TAC too.
    pub const PIN_RELOAD: Self = Self(0x04);
    /// Maintenance of the user card.
    pub const CARD_MAINTENANCE: Self = Self(0x05);
    /// MAC.
    pub const MAC: Self = Self(0x06);
    /// Encipherment.
    pub const ENCIPHER: Self = Self(0x07);
    /// MAC and encipherment.
    pub const MAC_AND_ENCIPHER: Self = Self(0x08);
    /// Load (own).
    pub const LOAD: Self = Self(0x09);
    /// Purchase cancel (own).
    pub const CANCEL: Self = Self(0x0A);
    /// Access authentication (own).
    pub const ACCESS_AUTHENTICATION: Self = Self(0x0B);
    /// Access append (own).
    pub const ACCESS_APPEND: Self = Self(0x0C);
    /// Access rights (own).
    pub const RIGHTS: Self = Self(0x0D);
    /// Marking of listed cards (own).
    pub const MARKING: Self = Self(0x0E);
    /// Attendance authentication (own).
    pub const ATTENDANCE_AUTHENTICATION: Self = Self(0x0F);
    /// Attendance append (own).
    pub const ATTENDANCE_APPEND: Self = Self(0x10);
    /// Reading (own).
    pub const READING: Self = Self(0x11);

    /// Whether PBOC or this profile gives the kind a meaning.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 <= Self::READING.0
    }

    /// Kinds that INIT_FOR_DESCRYPT refuses (own): DES CRYPT with them would make any MAC, past counter and limit.
    #[must_use]
    pub const fn refused_by_init_for_descrypt(self) -> bool {
        matches!(self, Self::PURCHASE | Self::LOAD | Self::CANCEL | Self::MARKING)
    }
}

impl Usage {
    /// `kind` diversified `levels` times, 0 to 7.
    #[must_use]
    pub const fn new(levels: u8, kind: UsageKind) -> Self {
        Self(levels << 5 | kind.0 & 0x1F)
    }

    /// How often the key is diversified before use.
    #[must_use]
    pub const fn levels(self) -> u8 {
        self.0 >> 5
    }

    /// What the key is for.
    #[must_use]
    pub const fn kind(self) -> UsageKind {
        UsageKind(self.0 & 0x1F)
    }
}

/// Most levels of diversification.
pub const LEVELS_MAX: usize = 3;

/// First 20 bytes of INIT_SAM_FOR_PURCHASE's data field; one to three 8-byte factors follow, **card serial first**, then
/// the enterprise (issuer), then the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitSam {
    /// The card's random, from its INITIALIZE.
    pub random: [u8; 4],
    /// The card's offline (load: online) sequence, from its INITIALIZE.
    pub card_sequence: u16,
    /// What is paid or loaded.
    pub amount: Amount,
    /// Type of transaction.
    pub transaction_type: TransactionType,
    /// The terminal's (load: host's) date and time.
    pub moment: Moment,
    /// Version of the card's key.
    pub key_version: KeyVersion,
    /// Algorithm of the card's key.
    pub algorithm: AlgorithmId,
}

impl InitSam {
    /// Length without factors.
    pub const LEN: usize = 20;

    /// Takes the fixed part off the front.
    #[must_use]
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            random: reader.array()?,
            card_sequence: reader.u16()?,
            amount: Amount::from_bytes(reader.array()?),
            transaction_type: TransactionType(reader.u8()?),
            moment: Moment::from_bytes(reader.array()?)?,
            key_version: KeyVersion(reader.u8()?),
            algorithm: AlgorithmId(reader.u8()?),
        })
    }

    /// As on the wire, without factors.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.random)
            .u16(self.card_sequence)
            .put(&self.amount.to_bytes())
            .u8(self.transaction_type.0)
            .put(&self.moment.to_bytes())
            .put(&[self.key_version.0, self.algorithm.0])
            .finish()
    }
}

/// Answer to INIT_SAM_FOR_PURCHASE: terminal transaction sequence ‖ MAC1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitSamAnswer {
    /// Terminal transaction sequence, before the increment.
    pub terminal_sequence: u32,
    /// For the card's DEBIT.
    pub mac1: [u8; 4],
}

impl InitSamAnswer {
    /// Length on the wire.
    pub const LEN: usize = 8;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let answer = Self { terminal_sequence: reader.u32()?, mac1: reader.array()? };
        reader.end(answer)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().u32(self.terminal_sequence).put(&self.mac1).finish()
    }
}

/// A record of EF 0018 of a SAM's application (own): cyclic, written by the card alone, number 1 the newest. Before the
/// first purchase there is none, and the next sequence is 0. An undo is a record like a purchase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SequenceRecord {
    /// Terminal transaction sequence the next purchase or undo gets.
    pub next_sequence: u32,
    /// Serial of the card of the last completed transaction.
    pub card_serial: [u8; 8],
    /// That card's offline sequence, before the increment.
    pub card_sequence: u16,
    /// What it paid, or got back.
    pub amount: Amount,
    /// Its type: an undo is made of a purchase alone, and so once.
    pub transaction_type: TransactionType,
}

impl SequenceRecord {
    /// Length of a record.
    pub const LEN: usize = 19;

    /// From a record.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let parsed = Self {
            next_sequence: reader.u32()?,
            card_serial: reader.array()?,
            card_sequence: reader.u16()?,
            amount: Amount::from_bytes(reader.array()?),
            transaction_type: TransactionType(reader.u8()?),
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u32(self.next_sequence)
            .put(&self.card_serial)
            .u16(self.card_sequence)
            .put(&self.amount.to_bytes())
            .u8(self.transaction_type.0)
            .finish()
    }
}

/// EF 0019 of a SAM's application (own): what it may still load, and the last load it was asked for. The station writes
/// the first four bytes with a MAC; the rest is the card's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadLimit {
    /// What may still be loaded.
    pub spendable: Amount,
    /// Serial of the card of the last load.
    pub card_serial: [u8; 8],
    /// That card's online sequence, before the increment.
    pub card_sequence: u16,
    /// Its amount.
    pub amount: Amount,
    /// Its type: a load of the other purse is another load.
    pub transaction_type: TransactionType,
}

impl LoadLimit {
    /// Length of the file.
    pub const LEN: usize = 19;

    /// From the file's content.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let parsed = Self {
            spendable: Amount::from_bytes(reader.array()?),
            card_serial: reader.array()?,
            card_sequence: reader.u16()?,
            amount: Amount::from_bytes(reader.array()?),
            transaction_type: TransactionType(reader.u8()?),
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.spendable.to_bytes())
            .put(&self.card_serial)
            .u16(self.card_sequence)
            .put(&self.amount.to_bytes())
            .u8(self.transaction_type.0)
            .finish()
    }
}

/// Data field of `80 74 00 version` (own; version 00: the highest there is): challenge 4 ‖ list version 7 ‖ serial 8. The
/// answer is the MAC of [`mark_command`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The card's challenge.
    pub challenge: [u8; 4],
    /// Version of the blacklist.
    pub list_version: [u8; 7],
    /// The listed card.
    pub serial: [u8; 8],
}

impl Mark {
    /// Length on the wire.
    pub const LEN: usize = 19;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self { challenge: reader.array()?, list_version: reader.array()?, serial: reader.array()? };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.challenge).put(&self.list_version).put(&self.serial).finish()
    }
}

/// UPDATE BINARY of EF 0017 that marks a listed card, without its MAC: `04 D6 97 00 0C ‖ 03 ‖ list version 7`. Lc counts
/// the MAC.
#[must_use]
pub fn mark_command(list_version: [u8; 7]) -> [u8; 13] {
    Writer::new().put(&[0x04, 0xD6, 0x97, 0x00, 0x0C, 0x03]).put(&list_version).finish()
}

/// WRITE KEY body of a SAM: `usage ‖ version ‖ algorithm ‖ key16`.
pub const KEY_BODY_LEN: usize = 19;
/// Length of EF 0017 of a SAM's application: key index 1, issuer id 8, receiver id 8, start 4, end 4.
pub const PUBLIC_INFO_LEN: usize = 25;
/// Length of EF 0015 of a SAM's MF: serial 10, version 1, key card type 1, issuer FCI 2.
pub const CARD_INFO_LEN: usize = 14;
