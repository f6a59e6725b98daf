//! What identifies a transaction and what it moves.

use core::fmt;

use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::LogRecord,
    sam::InitSam,
    wallet::{Purse, TransactionType},
};
use serde::{Deserialize, Serialize};

use super::stored;
use crate::sam::{CardFactors, SamOrder};

/// The till's own number of a sale or recharge. The same number presented again is the same sale: it is never charged
/// twice, whatever happened in between.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(pub u64);

/// A purchase or a recharge. Amounts in fen; the sequence is the card's **before** the transaction (JR/T 0025.2; the card
/// counts on when it completes).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// The till's order.
    pub order: OrderNumber,
    /// The enterprise whose application this is.
    #[serde(with = "crate::as_text")]
    pub enterprise: EnterpriseId,
    /// The card.
    #[serde(with = "crate::as_text")]
    pub serial: ApplicationSerial,
    /// What kind, of which purse.
    pub kind: Kind,
    /// What is paid or loaded.
    #[serde(with = "stored::amount")]
    pub amount: Amount,
    /// Balance before, as INITIALIZE told it.
    #[serde(with = "stored::amount")]
    pub old_balance: Amount,
    /// Balance after.
    #[serde(with = "stored::amount")]
    pub new_balance: Amount,
    /// Offline (load: online) sequence before.
    pub card_sequence: u16,
    /// The terminal.
    #[serde(with = "crate::as_text")]
    pub terminal: TerminalNumber,
    /// The SAM's transaction sequence; a load has none.
    pub terminal_sequence: Option<u32>,
    /// The terminal's (load: host's) date and time.
    #[serde(with = "stored::moment")]
    pub moment: Moment,
    /// Version of the card's key.
    pub key_version: u8,
    /// Algorithm byte of the card's key.
    pub algorithm: u8,
}

/// What a transaction does to which purse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Purchase from the ED.
    PurchaseEd,
    /// Purchase from the EP.
    PurchaseEp,
    /// Load of the ED.
    LoadEd,
    /// Load of the EP.
    LoadEp,
}

impl Kind {
    /// A purchase from `purse`.
    #[must_use]
    pub const fn purchase(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::PurchaseEd,
            Purse::Ep => Self::PurchaseEp,
        }
    }

    /// A load of `purse`.
    #[must_use]
    pub const fn load(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::LoadEd,
            Purse::Ep => Self::LoadEp,
        }
    }

    /// The purse.
    #[must_use]
    pub const fn purse(self) -> Purse {
        match self {
            Self::PurchaseEd | Self::LoadEd => Purse::Ed,
            Self::PurchaseEp | Self::LoadEp => Purse::Ep,
        }
    }

    /// Whether money goes onto the card.
    #[must_use]
    pub const fn is_load(self) -> bool {
        matches!(self, Self::LoadEd | Self::LoadEp)
    }

    /// As MACs, logs and settlement records hold it.
    #[must_use]
    pub const fn transaction_type(self) -> TransactionType {
        match self {
            Self::PurchaseEd | Self::PurchaseEp => TransactionType::purchase(self.purse()),
            Self::LoadEd | Self::LoadEp => TransactionType::load(self.purse()),
        }
    }

    /// From the type byte; `None` for types that no terminal of this library makes.
    #[must_use]
    pub fn from_transaction_type(byte: TransactionType) -> Option<Self> {
        [Self::PurchaseEd, Self::PurchaseEp, Self::LoadEd, Self::LoadEp]
            .into_iter()
            .find(|kind| kind.transaction_type() == byte)
    }

    /// The balance after `amount` has moved; `None` if it is not enough or too much for a purse.
    #[must_use]
    pub fn balance_after(self, old: Amount, amount: Amount) -> Option<Amount> {
        if self.is_load() { old.plus(amount) } else { old.minus(amount) }
    }
}

impl Transaction {
    /// What the card's keys are diversified by.
    #[must_use]
    pub const fn card(&self) -> CardFactors {
        CardFactors { enterprise: self.enterprise, serial: self.serial }
    }

    /// The number GET TRANSACTION PROVE and the log know the transaction by: the sequence **after** it. `None` at FFFF,
    /// where no card begins one (9402).
    #[must_use]
    pub const fn sequence_after(&self) -> Option<u16> {
        self.card_sequence.checked_add(1)
    }

    /// What the transaction is called on a SAM, given the random the card made for it.
    #[must_use]
    pub fn sam_order(&self, random: [u8; 4]) -> SamOrder {
        let init = InitSam {
            random,
            card_sequence: self.card_sequence,
            amount: self.amount,
            transaction_type: self.kind.transaction_type(),
            moment: self.moment,
            key_version: KeyVersion(self.key_version),
            algorithm: AlgorithmId(self.algorithm),
        };
        SamOrder { card: self.card(), init }
    }

    /// Whether `record` of EF 0018 is this transaction's in all but its sequence, which cards number differently
    /// (profile §3.3).
    #[must_use]
    pub fn is_logged_as(&self, record: &LogRecord) -> bool {
        record.amount == self.amount
            && record.transaction_type == self.kind.transaction_type()
            && record.terminal == self.terminal
            && (Moment { date: record.date, time: record.time }) == self.moment
    }

    /// Whether the balances agree with amount and kind, and a terminal sequence stands where one belongs: checked
    /// wherever a stored transaction is read.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.kind.balance_after(self.old_balance, self.amount) == Some(self.new_balance)
            && self.kind.is_load() == self.terminal_sequence.is_none()
            && self.card_sequence != u16::MAX
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
