//! Where an enterprise's master keys are (密钥库): a key master card, a token, a sealed file (profile §4, specification 11.6).
//!
//! No key ever comes out of a [`KeyStore`], only ready data fields of WRITE KEY for one named card or SAM. What a station
//! needs besides, MACs of contents and cryptograms to compare with, it asks of an issuing SAM ([`Sam`](crate::Sam)).

mod order;
mod software;
#[cfg(test)]
mod tests;

use onecard_wire::{key::Algorithm, number::EnterpriseId};

use crate::{
    apdu::DataTooLong,
    keys::{CheckValue, MissingKey, Purpose},
    transport::TransportError,
};

pub(crate) use order::check_pin;
pub use order::{Freshness, KeyTarget, Manner, NamedKey, Payload, WrapperKey, WriteKeyBody, WriteKeyOrder};
pub use software::SoftwareStore;

/// Where an enterprise's master keys are: key master card, PKCS#11 token, sealed file. No key ever comes out, only ready
/// bodies of WRITE KEY.
pub trait KeyStore {
    /// Whose keys.
    fn enterprise(&self) -> EnterpriseId;

    /// What is there, without values; in no particular order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// The data field of one WRITE KEY, enciphered and MACed under a control key that the store derives for this target.
    ///
    /// # Errors
    /// [`StoreError`]; a key master card may have counted the export all the same.
    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError>;
}

/// A key that a store holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredKey {
    /// What it is for and its version.
    pub name: NamedKey,
    /// Its cipher.
    pub algorithm: Algorithm,
    /// Of the enterprise's master key, so that it can be compared with the minutes of the ceremony.
    pub check_value: CheckValue,
}

/// Why a store made no body.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// It holds no such key.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// The order is another enterprise's.
    #[error("the key store has the keys of enterprise {0}: open that of the order's")]
    OtherEnterprise(EnterpriseId),
    /// The key is none that the target may have.
    #[error("a {purpose:?} key does not go onto {target}: take it out of the order")]
    NotForTarget {
        /// What was asked for.
        purpose: Purpose,
        /// For whom.
        target: KeyTarget,
    },
    /// Another key stands at that id.
    #[error("the {0:?} key cannot stand at id {1:02X}: keys of that purpose have other ids")]
    NoSuchPlace(Purpose, u8),
    /// The management key is the operator's too: only the key that ends its rule goes under it.
    #[error("only a control key goes under the management key, which the operator knows: wash the control key first")]
    UnderManagement,
    /// A control key is replaced and never added: there is always one to wrap it under.
    #[error("a control key replaces the one that is there: it cannot be added")]
    ControlKeyAdded,
    /// The body of a longer PIN has a block that could open the card (specification 16.6.8).
    #[error("a key store writes no PIN of more than 6 digits: give the holder one of 4 to 6, to change as he likes")]
    PinTooLong,
    /// A key file has one cipher for its keys 36 to 39, and the control key is one of them.
    #[error(
        "the {purpose:?} key is of {payload:?} and the control key of {control:?}: a key file has one cipher for both"
    )]
    MixedAlgorithms {
        /// The key that was asked for.
        purpose: Purpose,
        /// Its cipher.
        payload: Algorithm,
        /// The control key's.
        control: Algorithm,
    },
    /// The store's allowance of exports is used up.
    #[error("the key master card may export nothing more of this kind: load a new allowance")]
    NoExportsLeft,
    /// The store is closed, or was reset.
    #[error("the key store is closed: open it again with its mother authentication card and its PIN")]
    Closed,
    /// The answer is not what the command returns.
    #[error("the key store's answer is not what it should be: {0}")]
    Malformed(&'static str),
    /// What no command can carry.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No answer from the store that is a card.
    #[error("key master card: {0}")]
    Transport(#[from] TransportError),
    /// The store itself failed, in its own words; these say what to do.
    #[error("key store: {0}")]
    Failed(String),
}

impl From<NamedKey> for MissingKey {
    fn from(NamedKey { purpose, version }: NamedKey) -> Self {
        Self { purpose, version }
    }
}
