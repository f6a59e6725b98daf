//! What identifies a transaction and what it moves.

use core::fmt;

use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::LogRecord,
    sam::InitSam,
    wallet::{OverdraftLimit, Purse, TransactionType},
};
use serde::{Deserialize, Serialize};

use super::{Language, stored};
use crate::sam::{CardFactors, SamOrder};

/// The till's own number of a sale, recharge, undo or unload. The same number presented again is the same sale: it is never charged
/// twice, whatever happened in between.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(pub u64);

/// One transaction of a purse. Amounts in fen; the sequence is the card's **before** the transaction (JR/T 0025.2; the card
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
    /// What is moved; of an overdraft update, the new limit.
    #[serde(with = "stored::amount")]
    pub amount: Amount,
    /// Balance before, as INITIALIZE told it.
    #[serde(with = "stored::amount")]
    pub old_balance: Amount,
    /// Balance after.
    #[serde(with = "stored::amount")]
    pub new_balance: Amount,
    /// Offline ([online](Kind::is_online): online) sequence before.
    pub card_sequence: u16,
    /// The terminal.
    #[serde(with = "crate::as_text")]
    pub terminal: TerminalNumber,
    /// The SAM's transaction sequence; an online transaction has none.
    pub terminal_sequence: Option<u32>,
    /// The terminal's (online: host's) date and time.
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
    /// Undo of the EP's last purchase (own).
    Undo,
    /// Unload of the ED.
    UnloadEd,
    /// Unload of the EP (own).
    UnloadEp,
    /// Cash withdrawal from the ED.
    CashWithdraw,
    /// Compound (CAPP) purchase from the EP.
    Capp,
    /// Update of the ED's overdraft limit: its amount is the new limit.
    Overdraft,
}

/// One of a card's counters of transactions: each number is used once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Counter {
    /// Of the ED; else the EP's.
    pub ed: bool,
    /// Of loads, unloads and overdraft updates; else that of purchases, withdrawals and undos.
    pub online: bool,
}

/// Which way a transaction moves the balance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Onto the card: load and undo.
    Onto,
    /// Off the card: purchases, cash withdrawal and unload.
    Off,
    /// As the limit moves: overdraft update.
    WithLimit,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::PurchaseEd,
        Self::PurchaseEp,
        Self::LoadEd,
        Self::LoadEp,
        Self::Undo,
        Self::UnloadEd,
        Self::UnloadEp,
        Self::CashWithdraw,
        Self::Capp,
        Self::Overdraft,
    ];

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

    /// An unload of `purse`.
    #[must_use]
    pub const fn unload(purse: Purse) -> Self {
        match purse {
            Purse::Ed => Self::UnloadEd,
            Purse::Ep => Self::UnloadEp,
        }
    }

    /// The purse.
    #[must_use]
    pub const fn purse(self) -> Purse {
        match self {
            Self::PurchaseEd | Self::LoadEd | Self::UnloadEd | Self::CashWithdraw | Self::Overdraft => Purse::Ed,
            Self::PurchaseEp | Self::LoadEp | Self::Undo | Self::UnloadEp | Self::Capp => Purse::Ep,
        }
    }

    /// Whether it is a load.
    #[must_use]
    pub const fn is_load(self) -> bool {
        matches!(self, Self::LoadEd | Self::LoadEp)
    }

    /// Whether it is an unload.
    #[must_use]
    pub const fn is_unload(self) -> bool {
        matches!(self, Self::UnloadEd | Self::UnloadEp)
    }

    /// Whether it moves the card's online sequence (load, unload, overdraft update); else it moves the offline one, and the
    /// SAM's.
    #[must_use]
    pub const fn is_online(self) -> bool {
        self.transaction_type().is_online()
    }

    /// The counter it takes its number from.
    #[must_use]
    pub fn counter(self) -> Counter {
        Counter { ed: self.purse() == Purse::Ed, online: self.is_online() }
    }

    /// Which way the balance moves.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::LoadEd | Self::LoadEp | Self::Undo => Direction::Onto,
            Self::PurchaseEd | Self::PurchaseEp | Self::UnloadEd | Self::UnloadEp | Self::CashWithdraw | Self::Capp => {
                Direction::Off
            }
            Self::Overdraft => Direction::WithLimit,
        }
    }

    /// As MACs, logs and settlement records hold it.
    #[must_use]
    pub const fn transaction_type(self) -> TransactionType {
        match self {
            Self::PurchaseEd | Self::PurchaseEp => TransactionType::purchase(self.purse()),
            Self::LoadEd | Self::LoadEp => TransactionType::load(self.purse()),
            Self::UnloadEd | Self::UnloadEp => TransactionType::unload(self.purse()),
            Self::Undo => TransactionType::UNDO,
            Self::CashWithdraw => TransactionType::CASH_WITHDRAW,
            Self::Capp => TransactionType::CAPP,
            Self::Overdraft => TransactionType::OVERDRAFT,
        }
    }

    /// From the type byte; `None` for types that no terminal of this library makes.
    #[must_use]
    pub fn from_transaction_type(byte: TransactionType) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.transaction_type() == byte)
    }

    /// The balance after `amount` has moved; `None` if it is not enough or too much for a purse. An overdraft update's needs
    /// the old limit too: `None`.
    #[must_use]
    pub fn balance_after(self, old: Amount, amount: Amount) -> Option<Amount> {
        match self.direction() {
            Direction::Onto => old.plus(amount),
            Direction::Off => old.minus(amount),
            Direction::WithLimit => None,
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::PurchaseEd | Self::PurchaseEp, Language::English) => "Purchase",
            (Self::PurchaseEd | Self::PurchaseEp, Language::Chinese) => "消费",
            (Self::LoadEd | Self::LoadEp, Language::English) => "Recharge",
            (Self::LoadEd | Self::LoadEp, Language::Chinese) => "充值",
            (Self::Undo, Language::English) => "Undo of a purchase",
            (Self::Undo, Language::Chinese) => "消费撤销",
            (Self::UnloadEd | Self::UnloadEp, Language::English) => "Unload",
            (Self::UnloadEd | Self::UnloadEp, Language::Chinese) => "圈提",
            (Self::CashWithdraw, Language::English) => "Cash withdrawal",
            (Self::CashWithdraw, Language::Chinese) => "取现",
            (Self::Capp, Language::English) => "Compound purchase",
            (Self::Capp, Language::Chinese) => "复合消费",
            (Self::Overdraft, Language::English) => "Overdraft limit now",
            (Self::Overdraft, Language::Chinese) => "透支限额改为",
        }
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

    /// The overdraft limit before an overdraft update: new balance = old balance − old limit + new limit. `None` for any other
    /// kind, or where the balances fit no limit.
    #[must_use]
    pub fn old_limit(&self) -> Option<OverdraftLimit> {
        if self.kind != Kind::Overdraft {
            return None;
        }
        let moved = i64::from(self.new_balance.fen()) - i64::from(self.old_balance.fen());
        let old_limit = u32::try_from(i64::from(self.amount.fen()) - moved).ok()?;
        OverdraftLimit::from_amount(Amount::from_fen(old_limit))
    }

    /// Whether it undoes `purchase`: the same card's very next transaction, of the same amount at the same terminal.
    #[must_use]
    pub fn undoes(&self, purchase: &Self) -> bool {
        let of = |t: &Self| (t.enterprise, t.serial, t.amount, t.terminal);
        (self.kind, purchase.kind) == (Kind::Undo, Kind::PurchaseEp)
            && of(self) == of(purchase)
            && purchase.sequence_after() == Some(self.card_sequence)
    }

    /// Whether the balances agree with amount and kind, and a terminal sequence stands where one belongs: checked
    /// wherever a stored transaction is read.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let balances = match self.kind.direction() {
            Direction::WithLimit => self.old_limit().is_some() && OverdraftLimit::from_amount(self.amount).is_some(),
            Direction::Onto | Direction::Off => {
                self.kind.balance_after(self.old_balance, self.amount) == Some(self.new_balance)
            }
        };
        balances && self.kind.is_online() == self.terminal_sequence.is_none() && self.card_sequence != u16::MAX
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
