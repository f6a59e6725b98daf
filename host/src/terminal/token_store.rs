//! The caller's durable memory: which transactions are pending, which are concluded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use onecard_wire::number::{ApplicationSerial, EnterpriseId};

use super::{Counter, OrderNumber, SettlementRecord, Token};
use crate::{blacklist::Blacklist, sam::CardFactors};

/// Where a terminal keeps its tokens. One store belongs to one terminal; the terminals of this module need of it just
/// that an `Ok` is **durable**: neither a killed process nor a power cut takes it back.
///
/// An order has at most one pending token and, once committed, stays committed for good.
pub trait TokenStore {
    /// Remembers `token` before its DEBIT or CREDIT leaves; a pending token of the same order is replaced.
    ///
    /// # Errors
    /// [`StorageError`]: then nothing is sent to the card.
    fn begin(&mut self, token: &Token) -> Result<(), StorageError>;

    /// Replaces `token` by what became of it, in one step: after any cut there is either the token or the conclusion.
    ///
    /// # Errors
    /// [`StorageError`]: the token is still pending. [`StorageError::NotPending`] if there is no such token.
    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError>;

    /// Every token that is begun and not concluded.
    ///
    /// # Errors
    /// [`StorageError`].
    fn pending(&self) -> Result<Vec<Token>, StorageError>;

    /// The settlement record of `order`, if it was concluded as committed.
    ///
    /// # Errors
    /// [`StorageError`].
    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError>;

    /// This terminal's last committed transaction by that counter of `card`. No load's: its answer may be unproven.
    ///
    /// # Errors
    /// [`StorageError`].
    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError>;

    /// The blacklist to consult before anything new is begun: [`WithBlacklist`](super::WithBlacklist) brings one.
    fn blacklist(&self) -> Option<&Blacklist> {
        None
    }
}

/// What became of a token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The money has moved; this is to be settled.
    Committed(SettlementRecord),
    /// It has not and will not; why, in English.
    NotCommitted(String),
}

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done to which file.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The stored text is not what this store writes.
    #[error("{place}: {problem}: restore the file from its backup, never delete it while a token is pending")]
    Damaged {
        /// File and line.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// Another terminal uses it.
    #[error("{0} is in use by another terminal: each terminal has its own")]
    InUse(String),
    /// An earlier write failed, so what is on the disk is not known.
    #[error("an earlier write to the store failed: open it again before the next transaction")]
    Unusable,
    /// This order is committed; it cannot begin again.
    #[error("order {0} is already committed: give the next sale a new order number")]
    AlreadyCommitted(OrderNumber),
    /// No such token is pending.
    #[error("order {0} has no such pending token")]
    NotPending(OrderNumber),
    /// A store of the caller's own making failed.
    #[error("the terminal's store failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A store that lasts as long as its value: for tests and simulations, where it outlives the terminal that is killed.
#[derive(Clone, Debug, Default)]
pub struct InMemoryStore {
    ledger: Ledger,
}

impl InMemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every settlement record, by order number.
    pub fn settlement(&self) -> impl Iterator<Item = &SettlementRecord> {
        self.ledger.settlement()
    }
}

impl TokenStore for InMemoryStore {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        self.ledger.apply(Event::Begin(*token))
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        self.ledger.apply(Event::Conclude { token: *token, conclusion: conclusion.clone() })
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        Ok(self.ledger.pending())
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.ledger.committed(order))
    }

    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.ledger.last_of_counter(card, counter))
    }
}

/// One step of a store's life, as the journal file holds it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// A token was begun.
    Begin(Token),
    /// A token was concluded.
    Conclude {
        /// The token.
        token: Token,
        /// What became of it.
        conclusion: Conclusion,
    },
}

/// The rules of a store, without the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pending: BTreeMap<OrderNumber, Token>,
    committed: BTreeMap<OrderNumber, SettlementRecord>,
    last_of_counter: BTreeMap<(EnterpriseId, ApplicationSerial, Counter), SettlementRecord>,
}

impl Ledger {
    /// Whether `event` may happen now.
    pub(super) fn check(&self, event: &Event) -> Result<(), StorageError> {
        match event {
            Event::Begin(token) => {
                let order = token.transaction.order;
                if self.committed.contains_key(&order) { Err(StorageError::AlreadyCommitted(order)) } else { Ok(()) }
            }
            Event::Conclude { token, .. } => {
                let order = token.transaction.order;
                if self.pending.get(&order) == Some(token) { Ok(()) } else { Err(StorageError::NotPending(order)) }
            }
        }
    }

    /// Lets `event` happen.
    pub(super) fn apply(&mut self, event: Event) -> Result<(), StorageError> {
        self.check(&event)?;
        match event {
            Event::Begin(token) => {
                self.pending.insert(token.transaction.order, token);
            }
            Event::Conclude { token, conclusion } => {
                let order = token.transaction.order;
                self.pending.remove(&order);
                if let Conclusion::Committed(record) = conclusion {
                    self.committed.insert(order, record);
                    self.remember_last(record);
                }
            }
        }
        Ok(())
    }

    pub(super) fn pending(&self) -> Vec<Token> {
        self.pending.values().copied().collect()
    }

    pub(super) fn committed(&self, order: OrderNumber) -> Option<SettlementRecord> {
        self.committed.get(&order).copied()
    }

    pub(super) fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Option<SettlementRecord> {
        self.last_of_counter.get(&(card.enterprise, card.serial, counter)).copied()
    }

    /// An old transaction may be found done after a later one.
    fn remember_last(&mut self, record: SettlementRecord) {
        let transaction = &record.transaction;
        if transaction.kind.is_load() {
            return;
        }
        let place = (transaction.enterprise, transaction.serial, transaction.kind.counter());
        let last = self.last_of_counter.entry(place).or_insert(record);
        if last.transaction.card_sequence < transaction.card_sequence {
            *last = record;
        }
    }

    pub(super) fn settlement(&self) -> impl Iterator<Item = &SettlementRecord> {
        self.committed.values()
    }
}
