//! What a terminal must remember from before the card is told to complete a transaction until its fate is known.

use core::iter::once;

use onecard_wire::date::Moment;
use serde::{Deserialize, Serialize};

use super::{Kind, Transaction, stored};
use crate::sam::SamOrder;

/// A transaction whose DEBIT or CREDIT is about to leave, or has left. It holds no key and no MAC: what it says is printed
/// on receipts or was sent in clear, except that whoever changes a stored token changes the till's memory.
///
/// Stored as text by serde; [`Token::VERSION`] is part of it, and a token of another version or one that contradicts
/// itself does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Token {
    /// The transaction, with the balances and the sequence the card told in INITIALIZE.
    pub transaction: Transaction,
    /// Index of the card's key.
    pub key_id: u8,
    /// The card's random in INITIALIZE: a later proof is checked with it.
    pub random: [u8; 4],
    /// Of an undo begun again at the same card sequence: its tries before, newest first. The card may have executed any one.
    before: [Option<Try>; TRIES_BEFORE],
}

/// Tries remembered beside the last one. An undo that has used them up is not begun again: the proof of a forgotten try would
/// no longer be known as this order's.
const TRIES_BEFORE: usize = 3;

/// What one DEBIT of an order has for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    terminal_sequence: u32,
    #[serde(with = "stored::moment")]
    moment: Moment,
    #[serde(with = "stored::four_bytes")]
    random: [u8; 4],
}

impl Token {
    /// Version of the stored form.
    pub const VERSION: u8 = 1;

    /// Of a transaction with the card that answered `random`.
    #[must_use]
    pub const fn new(transaction: Transaction, key_id: u8, random: [u8; 4]) -> Self {
        Self { transaction, key_id, random, before: [None; TRIES_BEFORE] }
    }

    /// This token as the next try after `last`, whose tries it remembers.
    pub(super) fn after(self, last: &Self) -> Self {
        let mut before = last.before;
        before.rotate_right(1);
        let Transaction { terminal_sequence, moment, .. } = last.transaction;
        if let (Some(newest), Some(terminal_sequence)) = (before.first_mut(), terminal_sequence) {
            *newest = Some(Try { terminal_sequence, moment, random: last.random });
        }
        Self { before, ..self }
    }

    /// Whether another try can be remembered.
    pub(super) fn has_room(&self) -> bool {
        self.before.iter().any(Option::is_none)
    }

    /// Each try as a token of its own, newest first. One only, but of an undo begun again.
    pub(super) fn tries(&self) -> impl Iterator<Item = Self> {
        let Self { transaction, key_id, random, before } = *self;
        let earlier = before.into_iter().flatten().map(move |Try { terminal_sequence, moment, random }| {
            let terminal_sequence = Some(terminal_sequence);
            Self::new(Transaction { terminal_sequence, moment, ..transaction }, key_id, random)
        });
        once(Self::new(transaction, key_id, random)).chain(earlier)
    }

    /// Whether `transaction` is this order's: an older token of an undo begun again does not know the later tries.
    pub(super) fn is_of_order(&self, transaction: &Transaction) -> bool {
        let Transaction { terminal_sequence, moment, .. } = *transaction;
        let as_it = match transaction.kind {
            Kind::Undo => Transaction { terminal_sequence, moment, ..self.transaction },
            _ => self.transaction,
        };
        as_it == *transaction
    }

    /// The transaction as a SAM is told of it.
    #[must_use]
    pub fn sam_order(&self) -> SamOrder {
        self.transaction.sam_order(self.random)
    }
}

/// A token as it stands in the store.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    transaction: Transaction,
    key_id: u8,
    #[serde(with = "stored::four_bytes")]
    random: [u8; 4],
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<Try>,
}

impl From<Token> for Stored {
    fn from(token: Token) -> Self {
        let Token { transaction, key_id, random, before } = token;
        let before = before.into_iter().flatten().collect();
        Self { version: Token::VERSION, transaction, key_id, random, before }
    }
}

impl TryFrom<Stored> for Token {
    type Error = InvalidToken;

    fn try_from(stored: Stored) -> Result<Self, InvalidToken> {
        let Stored { version, transaction, key_id, random, before } = stored;
        if version != Self::VERSION {
            return Err(InvalidToken::Version(version));
        }
        let tried_often = transaction.kind != Kind::Undo && !before.is_empty() || before.len() > TRIES_BEFORE;
        if !transaction.is_consistent() || tried_often {
            return Err(InvalidToken::Contradictory);
        }
        let mut token = Self::new(transaction, key_id, random);
        token.before.iter_mut().zip(before).for_each(|(place, earlier)| *place = Some(earlier));
        Ok(token)
    }
}

/// Why a stored token is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidToken {
    /// Written by another release.
    #[error("the token is of version {0}, this release reads version {version}: use the release that wrote it", version = Token::VERSION)]
    Version(u8),
    /// Its balances, amount, kind and sequences do not fit together.
    #[error("the token contradicts itself (balances, amount, kind, sequences): the store was changed by hand")]
    Contradictory,
}
