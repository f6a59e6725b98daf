//! What a terminal must remember from before the card is told to complete a transaction until its fate is known.

use serde::{Deserialize, Serialize};

use super::{Transaction, stored};
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
}

impl Token {
    /// Version of the stored form.
    pub const VERSION: u8 = 1;

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
}

impl From<Token> for Stored {
    fn from(token: Token) -> Self {
        let Token { transaction, key_id, random } = token;
        Self { version: Token::VERSION, transaction, key_id, random }
    }
}

impl TryFrom<Stored> for Token {
    type Error = InvalidToken;

    fn try_from(stored: Stored) -> Result<Self, InvalidToken> {
        let Stored { version, transaction, key_id, random } = stored;
        if version != Self::VERSION {
            return Err(InvalidToken::Version(version));
        }
        if !transaction.is_consistent() {
            return Err(InvalidToken::Contradictory);
        }
        Ok(Self { transaction, key_id, random })
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
