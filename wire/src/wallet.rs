//! The wallet's commands: transaction types, data fields and answers (JR/T 0025.2; FMCOS 2.0 user manual p. 89-123).

mod overdraft;

pub use overdraft::{InitializeUpdate, UpdateInitialized, UpdateOverdrawLimit};

use crate::{
    amount::Amount,
    date::{Date, Moment, Time},
    key::{AlgorithmId, KeyVersion},
    layout::{Reader, Writer},
    number::TerminalNumber,
};

/// Which purse: P2 of the wallet's commands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Purse {
    /// Electronic deposit (电子存折).
    Ed = 0x01,
    /// Electronic purse (电子钱包).
    Ep = 0x02,
}

impl Purse {
    /// From P2.
    #[must_use]
    pub const fn from_p2(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed),
            0x02 => Some(Self::Ep),
            _ => None,
        }
    }
}

/// Transaction type as MACs, logs and settlement records hold it (FMCOS 2.0 user manual p. 121).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TransactionType(pub u8);

impl TransactionType {
    /// Load of the ED.
    pub const LOAD_ED: Self = Self(0x01);
    /// Load of the EP.
    pub const LOAD_EP: Self = Self(0x02);
    /// Unload of the ED.
    pub const UNLOAD_ED: Self = Self(0x03);
    /// Cash withdrawal.
    pub const CASH_WITHDRAW: Self = Self(0x04);
    /// Purchase from the ED.
    pub const PURCHASE_ED: Self = Self(0x05);
    /// Purchase from the EP.
    pub const PURCHASE_EP: Self = Self(0x06);
    /// Update of the overdraft limit.
    pub const OVERDRAFT: Self = Self(0x07);
    /// Compound (CAPP) purchase.
    pub const CAPP: Self = Self(0x09);
    /// Undo of the last purchase (own).
    pub const UNDO: Self = Self(0x0A);
    /// Unload of the EP (own).
    pub const UNLOAD_EP: Self = Self(0x0B);

    /// The type of a load of `purse`.
    #[must_use]
    pub const fn load(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::LOAD_ED,
            Purse::Ep => Self::LOAD_EP,
        }
    }

    /// The type of a purchase from `purse`.
    #[must_use]
    pub const fn purchase(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::PURCHASE_ED,
            Purse::Ep => Self::PURCHASE_EP,
        }
    }

    /// The type of an unload of `purse`.
    #[must_use]
    pub const fn unload(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::UNLOAD_ED,
            Purse::Ep => Self::UNLOAD_EP,
        }
    }

    /// The purse the type belongs to; `None` for a type of no purse.
    #[must_use]
    pub const fn purse(self) -> Option<Purse> {
        match self {
            Self::LOAD_ED | Self::UNLOAD_ED | Self::CASH_WITHDRAW | Self::PURCHASE_ED | Self::OVERDRAFT => {
                Some(Purse::Ed)
            }
            Self::LOAD_EP | Self::PURCHASE_EP | Self::CAPP | Self::UNDO | Self::UNLOAD_EP => Some(Purse::Ep),
            _ => None,
        }
    }

    /// Whether the type moves the online sequence (load, unload, overdraft), not the offline one.
    #[must_use]
    pub const fn is_online(self) -> bool {
        matches!(self, Self::LOAD_ED | Self::LOAD_EP | Self::UNLOAD_ED | Self::UNLOAD_EP | Self::OVERDRAFT)
    }
}

/// Overdraft limit: fen, three bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OverdraftLimit(pub [u8; 3]);

impl OverdraftLimit {
    /// As an amount.
    #[must_use]
    pub const fn amount(self) -> Amount {
        let [high, middle, low] = self.0;
        Amount::from_bytes([0, high, middle, low])
    }

    /// From an amount; `None` above 167,772.15 yuan.
    #[must_use]
    pub const fn from_amount(amount: Amount) -> Option<Self> {
        match amount.to_bytes() {
            [0, high, middle, low] => Some(Self([high, middle, low])),
            _ => None,
        }
    }
}

/// Data field of INITIALIZE FOR LOAD, PURCHASE, …: key id ‖ amount ‖ terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Initialize {
    /// Key index.
    pub key_id: u8,
    /// What is loaded or paid.
    pub amount: Amount,
    /// The terminal.
    pub terminal: TerminalNumber,
}

impl Initialize {
    /// Length on the wire.
    pub const LEN: usize = 11;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            key_id: reader.u8()?,
            amount: Amount::from_bytes(reader.array()?),
            terminal: TerminalNumber(reader.array()?),
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().u8(self.key_id).put(&self.amount.to_bytes()).put(&self.terminal.0).finish()
    }
}

/// Answer to INITIALIZE FOR LOAD (and UNLOAD).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadInitialized {
    /// Balance before the load.
    pub old_balance: Amount,
    /// Online sequence before the increment.
    pub online_sequence: u16,
    /// Version of the load key.
    pub key_version: KeyVersion,
    /// Algorithm of the load key.
    pub algorithm: AlgorithmId,
    /// The card's random.
    pub random: [u8; 4],
    /// Shows that the card holds the load key.
    pub mac1: [u8; 4],
}

impl LoadInitialized {
    /// Length on the wire.
    pub const LEN: usize = 16;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            old_balance: Amount::from_bytes(reader.array()?),
            online_sequence: reader.u16()?,
            key_version: KeyVersion(reader.u8()?),
            algorithm: AlgorithmId(reader.u8()?),
            random: reader.array()?,
            mac1: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.old_balance.to_bytes())
            .u16(self.online_sequence)
            .put(&[self.key_version.0, self.algorithm.0])
            .put(&self.random)
            .put(&self.mac1)
            .finish()
    }
}

/// Data field of CREDIT FOR LOAD, and of DEBIT FOR UNLOAD: host date ‖ time ‖ MAC2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreditForLoad {
    /// The host's date.
    pub date: Date,
    /// The host's time.
    pub time: Time,
    /// Shows that the host holds the load key.
    pub mac2: [u8; 4],
}

impl CreditForLoad {
    /// Length on the wire.
    pub const LEN: usize = 11;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let moment = Moment::from_bytes(reader.array()?)?;
        let parsed = Self { date: moment.date, time: moment.time, mac2: reader.array()? };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.date.to_bytes()).put(&self.time.to_bytes()).put(&self.mac2).finish()
    }
}

/// Answer to INITIALIZE FOR PURCHASE (and cash withdrawal, compound purchase).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PurchaseInitialized {
    /// Balance before the purchase.
    pub old_balance: Amount,
    /// Offline sequence before the increment.
    pub offline_sequence: u16,
    /// Overdraft limit.
    pub overdraft: OverdraftLimit,
    /// Version of the purchase key.
    pub key_version: KeyVersion,
    /// Algorithm of the purchase key.
    pub algorithm: AlgorithmId,
    /// The card's random.
    pub random: [u8; 4],
}

impl PurchaseInitialized {
    /// Length on the wire.
    pub const LEN: usize = 15;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            old_balance: Amount::from_bytes(reader.array()?),
            offline_sequence: reader.u16()?,
            overdraft: OverdraftLimit(reader.array()?),
            key_version: KeyVersion(reader.u8()?),
            algorithm: AlgorithmId(reader.u8()?),
            random: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.old_balance.to_bytes())
            .u16(self.offline_sequence)
            .put(&self.overdraft.0)
            .put(&[self.key_version.0, self.algorithm.0])
            .put(&self.random)
            .finish()
    }
}

/// Data field of DEBIT FOR PURCHASE: terminal sequence ‖ date ‖ time ‖ MAC1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebitForPurchase {
    /// Terminal transaction sequence.
    pub terminal_sequence: u32,
    /// The terminal's date.
    pub date: Date,
    /// The terminal's time.
    pub time: Time,
    /// Shows that the terminal's SAM holds the purchase key.
    pub mac1: [u8; 4],
}

impl DebitForPurchase {
    /// Length on the wire.
    pub const LEN: usize = 15;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let terminal_sequence = reader.u32()?;
        let moment = Moment::from_bytes(reader.array()?)?;
        let parsed = Self { terminal_sequence, date: moment.date, time: moment.time, mac1: reader.array()? };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u32(self.terminal_sequence)
            .put(&self.date.to_bytes())
            .put(&self.time.to_bytes())
            .put(&self.mac1)
            .finish()
    }
}

/// Answer to DEBIT FOR PURCHASE: **TAC ‖ MAC2**.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Debited {
    /// For the issuer.
    pub tac: [u8; 4],
    /// For the SAM.
    pub mac2: [u8; 4],
}

/// Answer to GET TRANSACTION PROVE: **MAC ‖ TAC**, the other way round than DEBIT's. Zero where the transaction has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// MAC2 of a purchase, MAC3 of an unload.
    pub mac: [u8; 4],
    /// For the issuer.
    pub tac: [u8; 4],
}

macro_rules! pair_of_macs {
    ($name:ident, $first:ident, $second:ident) => {
        impl $name {
            /// Length on the wire.
            pub const LEN: usize = 8;

            /// From an answer without its status word.
            #[must_use]
            pub fn parse(data: &[u8]) -> Option<Self> {
                let mut reader = Reader::new(data);
                let parsed = Self { $first: reader.array()?, $second: reader.array()? };
                reader.end(parsed)
            }

            /// As on the wire.
            #[must_use]
            pub fn emit(&self) -> [u8; Self::LEN] {
                Writer::new().put(&self.$first).put(&self.$second).finish()
            }
        }
    };
}
pair_of_macs!(Debited, tac, mac2);
pair_of_macs!(Proof, mac, tac);
