//! A transaction of a purse as its commands and answers tell it.

use core::fmt;

use onecard_wire::{
    amount::Amount,
    date::Moment,
    ins,
    key::{AlgorithmId, KeyType, KeyVersion},
    number::TerminalNumber,
    wallet::{
        CreditForLoad, DebitForPurchase, Initialize, InitializeUpdate, LoadInitialized, OverdraftLimit,
        PurchaseInitialized, Purse, TransactionType, UpdateInitialized, UpdateOverdrawLimit,
    },
};

use super::command::yuan;
use crate::crypto::TransactionTerms;

/// What INITIALIZE and its answer say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// Which of the seven.
    pub kind: TransactionKind,
    /// Of which purse.
    pub purse: Purse,
    /// Index of the transaction's key.
    pub key_id: u8,
    /// What is to be moved; zero in an overdraft update.
    pub amount: Amount,
    /// Where.
    pub terminal: TerminalNumber,
    /// Balance before.
    pub old_balance: Amount,
    /// Online or offline sequence before the increment.
    pub sequence: u16,
    /// Overdraft limit, where the answer has it.
    pub limit: OverdraftLimit,
    /// Version of the key.
    pub key_version: KeyVersion,
    /// Algorithm of the key.
    pub algorithm: AlgorithmId,
    /// The card's random.
    pub random: [u8; 4],
    /// By the card, where the answer has it.
    pub mac1: Option<[u8; 4]>,
}

/// What the second command says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Second {
    /// The SAM's sequence; none online.
    pub terminal_sequence: Option<u32>,
    /// The terminal's or host's.
    pub moment: Moment,
    /// Of an overdraft update.
    pub new_limit: Option<OverdraftLimit>,
    /// MAC1 of a purchase, withdrawal or undo, MAC2 of the others.
    pub mac: [u8; 4],
}

/// P1 of INITIALIZE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionKind {
    /// 00.
    Load,
    /// 01.
    Purchase,
    /// 02.
    CashWithdrawal,
    /// 03.
    CompoundPurchase,
    /// 04.
    OverdraftUpdate,
    /// 05.
    Unload,
    /// 06.
    Undo,
}

impl Begun {
    /// From a command and its data, and the answer's data.
    pub(super) fn parse([_, ins, p1, p2]: [u8; 4], data: &[u8], answer: &[u8]) -> Option<Self> {
        if ins != ins::INITIALIZE {
            return None;
        }
        let kind = TransactionKind::of_p1(p1)?;
        let purse = Purse::from_p2(p2)?;
        let (key_id, amount, terminal) = match kind {
            TransactionKind::OverdraftUpdate => {
                let InitializeUpdate { key_id, terminal } = InitializeUpdate::parse(data)?;
                (key_id, Amount::ZERO, terminal)
            }
            _ => {
                let Initialize { key_id, amount, terminal } = Initialize::parse(data)?;
                (key_id, amount, terminal)
            }
        };
        let told = match kind {
            TransactionKind::Load | TransactionKind::Unload => Told::of_load(LoadInitialized::parse(answer)?),
            TransactionKind::OverdraftUpdate => Told::of_update(UpdateInitialized::parse(answer)?),
            _ => Told::of_purchase(PurchaseInitialized::parse(answer)?),
        };
        let Told { old_balance, sequence, limit, key_version, algorithm, random, mac1 } = told;
        Some(Self {
            kind,
            purse,
            key_id,
            amount,
            terminal,
            old_balance,
            sequence,
            limit,
            key_version,
            algorithm,
            random,
            mac1,
        })
    }

    /// As MACs and logs hold it.
    #[must_use]
    pub const fn transaction_type(&self) -> TransactionType {
        match self.kind {
            TransactionKind::Load => TransactionType::load(self.purse),
            TransactionKind::Purchase => TransactionType::purchase(self.purse),
            TransactionKind::CashWithdrawal => TransactionType::CASH_WITHDRAW,
            TransactionKind::CompoundPurchase => TransactionType::CAPP,
            TransactionKind::OverdraftUpdate => TransactionType::OVERDRAFT,
            TransactionKind::Unload => TransactionType::unload(self.purse),
            TransactionKind::Undo => TransactionType::UNDO,
        }
    }

    /// The balance once `second` is done; `None` if there can be none.
    #[must_use]
    pub fn new_balance(&self, second: &Second) -> Option<Amount> {
        match self.kind {
            TransactionKind::Load | TransactionKind::Undo => self.old_balance.plus(self.amount),
            TransactionKind::OverdraftUpdate => {
                let new_limit = second.new_limit?.amount();
                self.old_balance.minus(self.limit.amount()).and_then(|money| money.plus(new_limit))
            }
            _ => self.old_balance.minus(self.amount),
        }
    }

    /// What MACs cover.
    pub(super) const fn terms(&self, moment: Moment) -> TransactionTerms {
        let (amount, terminal) = (self.amount, self.terminal);
        TransactionTerms { amount, transaction_type: self.transaction_type(), terminal, moment }
    }
}

impl Second {
    /// From the second command of a transaction of `kind`; `None` if it is another command or not laid out as it.
    pub(super) fn parse(kind: TransactionKind, header: [u8; 4], data: &[u8]) -> Option<Self> {
        if !kind.is_second(header) {
            return None;
        }
        Some(match kind {
            TransactionKind::Load | TransactionKind::Unload => {
                let CreditForLoad { date, time, mac2 } = CreditForLoad::parse(data)?;
                Self { terminal_sequence: None, moment: Moment { date, time }, new_limit: None, mac: mac2 }
            }
            TransactionKind::OverdraftUpdate => {
                let UpdateOverdrawLimit { new_limit, moment, mac2 } = UpdateOverdrawLimit::parse(data)?;
                Self { terminal_sequence: None, moment, new_limit: Some(new_limit), mac: mac2 }
            }
            _ => {
                let DebitForPurchase { terminal_sequence, date, time, mac1 } = DebitForPurchase::parse(data)?;
                let moment = Moment { date, time };
                Self { terminal_sequence: Some(terminal_sequence), moment, new_limit: None, mac: mac1 }
            }
        })
    }
}

impl TransactionKind {
    pub(super) const fn of_p1(p1: u8) -> Option<Self> {
        Some(match p1 {
            ins::INITIALIZE_LOAD => Self::Load,
            ins::INITIALIZE_PURCHASE => Self::Purchase,
            ins::INITIALIZE_CASH_WITHDRAW => Self::CashWithdrawal,
            ins::INITIALIZE_CAPP => Self::CompoundPurchase,
            ins::INITIALIZE_UPDATE => Self::OverdraftUpdate,
            ins::INITIALIZE_UNLOAD => Self::Unload,
            ins::INITIALIZE_UNDO => Self::Undo,
            _ => return None,
        })
    }

    /// Whether the command is the one that completes it.
    pub(super) const fn is_second(self, [_, ins, p1, _]: [u8; 4]) -> bool {
        match self {
            Self::Load => ins == ins::CREDIT_FOR_LOAD,
            Self::OverdraftUpdate => ins == ins::UPDATE_OVERDRAW_LIMIT,
            Self::Unload => ins == ins::DEBIT && p1 == ins::DEBIT_UNLOAD,
            Self::Undo => ins == ins::DEBIT && p1 == ins::DEBIT_UNDO,
            _ => ins == ins::DEBIT && p1 == ins::DEBIT_PURCHASE,
        }
    }

    /// Whether it moves the online sequence.
    #[must_use]
    pub const fn is_online(self) -> bool {
        matches!(self, Self::Load | Self::OverdraftUpdate | Self::Unload)
    }

    /// Type of its key.
    pub(super) const fn key_type(self) -> KeyType {
        match self {
            Self::Load => KeyType::LOAD,
            Self::OverdraftUpdate => KeyType::OVERDRAFT,
            Self::Unload => KeyType::UNLOAD,
            Self::Undo => KeyType::CANCEL,
            _ => KeyType::PURCHASE,
        }
    }
}

/// What INITIALIZE answers, whatever it begins.
struct Told {
    old_balance: Amount,
    sequence: u16,
    limit: OverdraftLimit,
    key_version: KeyVersion,
    algorithm: AlgorithmId,
    random: [u8; 4],
    mac1: Option<[u8; 4]>,
}

impl Told {
    fn of_load(answer: LoadInitialized) -> Self {
        let LoadInitialized { old_balance, online_sequence, key_version, algorithm, random, mac1 } = answer;
        let (sequence, limit, mac1) = (online_sequence, OverdraftLimit::default(), Some(mac1));
        Self { old_balance, sequence, limit, key_version, algorithm, random, mac1 }
    }

    fn of_update(answer: UpdateInitialized) -> Self {
        let UpdateInitialized { old_balance, online_sequence, old_limit, key_version, algorithm, random, mac1 } =
            answer;
        let (sequence, limit, mac1) = (online_sequence, old_limit, Some(mac1));
        Self { old_balance, sequence, limit, key_version, algorithm, random, mac1 }
    }

    const fn of_purchase(answer: PurchaseInitialized) -> Self {
        let PurchaseInitialized { old_balance, offline_sequence, overdraft, key_version, algorithm, random } = answer;
        let (sequence, limit, mac1) = (offline_sequence, overdraft, None);
        Self { old_balance, sequence, limit, key_version, algorithm, random, mac1 }
    }
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Purchase => "purchase",
            Self::CashWithdrawal => "cash withdrawal",
            Self::CompoundPurchase => "compound purchase",
            Self::OverdraftUpdate => "overdraft update",
            Self::Unload => "unload",
            Self::Undo => "undo",
        })
    }
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, sequence, terminal, .. } = self;
        match kind {
            TransactionKind::OverdraftUpdate => write!(f, "{kind}")?,
            _ => write!(f, "{kind} of {}", yuan(self.amount))?,
        }
        let which = if kind.is_online() { "online" } else { "offline" };
        write!(f, ", {which} sequence {sequence}, terminal {terminal}")
    }
}
