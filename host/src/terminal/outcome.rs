//! How a transaction ends.

use super::{InDoubt, Reason, Receipt, StorageError, Token};

/// How a purchase or recharge ends, and nothing else (profile §5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The money has moved, and the settlement record is in the store.
    Committed(Receipt),
    /// Nothing was moved and nothing of this will be.
    NotCommitted(Reason),
    /// The card may have executed it. The token is in the store; take and hand out nothing until it is resolved.
    Unknown(InDoubt),
}

/// What one tap of a card brought.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Tap {
    /// How the order ended.
    pub outcome: Outcome,
    /// What became of this card's earlier transactions in doubt: each had its own order, and its customer or cashier may
    /// still have to be told.
    pub earlier: Vec<Earlier>,
}

/// An earlier transaction of the same card, resolved on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Earlier {
    /// What was in doubt.
    pub token: Token,
    /// What became of it.
    pub outcome: Outcome,
}

/// The terminal's store failed, so the order has no outcome. What the card did is not lost: see `stage`.
#[derive(Debug, thiserror::Error)]
#[error("{stage}: {source}")]
pub struct StoreError {
    /// When it failed, which says what has to be done.
    pub stage: Stage,
    /// The transaction, if one was begun.
    pub token: Option<Box<Token>>,
    /// The store's error.
    pub source: StorageError,
}

/// When a store failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// Before the card was asked to move anything: nothing was sent, no doubt was added.
    BeforeSending,
    /// When the transaction's fate was to be stored: its token is still pending and the next tap finds it out again.
    Concluding,
}

impl core::fmt::Display for Stage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BeforeSending => "nothing was charged or loaded, because the terminal's store failed before",
            Self::Concluding => {
                "the terminal's store failed after the card was asked; mend it, then present the same card again"
            }
        })
    }
}

impl StoreError {
    pub(super) fn before_sending(source: StorageError) -> Self {
        Self { stage: Stage::BeforeSending, token: None, source }
    }

    pub(super) fn concluding(token: &Token, source: StorageError) -> Self {
        Self { stage: Stage::Concluding, token: Some(Box::new(*token)), source }
    }
}

impl From<Outcome> for Tap {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, earlier: Vec::new() }
    }
}
