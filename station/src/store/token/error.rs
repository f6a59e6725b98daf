//! What a token refuses, with slot and label, and what to do.

use std::{fmt, path::PathBuf};

use cryptoki::error::{Error, RvError};
use onecard_host::{
    key_store::StoreError,
    keys::{MissingKey, Purpose},
};

/// Which token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub(super) slot: u64,
    pub(super) label: String,
}

/// What went wrong with a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The library.
    #[error("PKCS#11 library {}: {error}: install the token's software, or name its library", path.display())]
    Library {
        /// Which.
        path: PathBuf,
        /// Its word.
        error: Error,
    },
    /// No such token.
    #[error("no token labelled {label:?} is there; there are: {found}. Plug it in, initialise it, or name another")]
    NoToken {
        /// Which was asked for.
        label: String,
        /// Which are there.
        found: String,
    },
    /// The PIN.
    #[error("{place}: the PIN is wrong: each wrong one costs a try, and the token locks itself")]
    WrongPin {
        /// Which token.
        place: Place,
    },
    /// No try is left.
    #[error("{place}: the PIN is locked: its security officer sets a new one")]
    LockedPin {
        /// Which token.
        place: Place,
    },
    /// SM4 is no cipher of PKCS#11.
    #[error(
        "{place}: the {purpose} key is of SM4, which PKCS#11 has not: keep SM4 keys in a key master card, or plan another cipher"
    )]
    Sm4 {
        /// Which token.
        place: Place,
        /// Which key.
        purpose: Purpose,
    },
    /// Another key stands there.
    #[error(
        "{place}: {object:?} is there already and is another key: give the keys another version, or take another token"
    )]
    OtherKey {
        /// Which token.
        place: Place,
        /// Which object.
        object: String,
    },
    /// One label, several objects.
    #[error(
        "{place}: {count} objects are labelled {object:?}, and nothing tells which one the ceremony put in: delete them all and \
         import the keys again, or take another token"
    )]
    Several {
        /// Which token.
        place: Place,
        /// Their label.
        object: String,
        /// How many.
        count: usize,
    },
    /// An object that no ceremony put in so.
    #[error(
        "{place}: {object:?} has not {needed}, as a ceremony gives it: another program put it in. Delete it and import the \
         keys again, or take another token"
    )]
    Without {
        /// Which token.
        place: Place,
        /// Which object.
        object: String,
        /// The attribute, and its value.
        needed: &'static str,
    },
    /// It does not keep what it is given.
    #[error("{place}: {object:?} has another check value in the token than outside: use another token")]
    Changed {
        /// Which token.
        place: Place,
        /// Which object.
        object: String,
    },
    /// An enterprise's key in the host's memory.
    #[error(
        "{place}: a SAM's working keys are the enterprise's own, which no token gives out: load a key master card from it, which makes them"
    )]
    WorkingKey {
        /// Which token.
        place: Place,
    },
    /// No such key.
    #[error(transparent)]
    Missing(#[from] MissingKey),
    /// An answer of another length.
    #[error("{place}: its answer has another length than asked for: use another token")]
    Length {
        /// Which token.
        place: Place,
    },
    /// Anything else.
    #[error("{place}, {doing}: {error}; look at its log, or plug it in again")]
    Function {
        /// Which token.
        place: Place,
        /// What it was to do.
        doing: &'static str,
        /// Its word.
        error: Error,
    },
}

impl Place {
    pub(super) fn failed(&self, doing: &'static str, error: Error) -> TokenError {
        TokenError::Function { place: self.clone(), doing, error }
    }

    pub(super) fn refused_pin(&self, error: Error) -> TokenError {
        let place = self.clone();
        match error {
            Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
                TokenError::WrongPin { place }
            }
            Error::Pkcs11(RvError::PinLocked, _) => TokenError::LockedPin { place },
            other => self.failed("logged in", other),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {:?} in slot {}", self.label, self.slot)
    }
}

impl From<TokenError> for StoreError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing(missing) => Self::MissingKey(missing),
            other => Self::Failed(other.to_string()),
        }
    }
}
