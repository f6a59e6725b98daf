//! The enterprise's list key: Ed25519 (RFC 8032), checked strictly.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use roaring::RoaringTreemap;

use super::{Blacklist, BlacklistError, ListVersion, layout};

/// The public key that a terminal checks lists with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListKey(VerifyingKey);

/// These bytes are no key that lists can be trusted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("these 32 bytes are no Ed25519 public key, or one that every signature fits: fetch the list key again")]
pub struct NoListKey;

impl ListKey {
    /// From 32 bytes.
    ///
    /// # Errors
    /// [`NoListKey`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NoListKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NoListKey)?;
        if key.is_weak() { Err(NoListKey) } else { Ok(Self(key)) }
    }

    /// The 32 bytes, to hand to terminals.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; layout::SIGNATURE_LEN]) -> Result<(), BlacklistError> {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| BlacklistError::WrongSignature)
    }
}

/// The enterprise's side: makes lists. The private key erases itself and is not printed.
#[derive(Debug)]
pub struct ListSigner {
    enterprise: EnterpriseId,
    key: SigningKey,
}

impl ListSigner {
    /// A signer for the lists of `enterprise`.
    #[must_use]
    pub fn new(enterprise: EnterpriseId, key: SigningKey) -> Self {
        Self { enterprise, key }
    }

    /// What terminals check with.
    #[must_use]
    pub fn key(&self) -> ListKey {
        ListKey(self.key.verifying_key())
    }

    /// A whole list: `cards` and no others.
    ///
    /// # Errors
    /// [`BlacklistError::Contradictory`] if it is too long for its format.
    pub fn whole(
        &self,
        version: ListVersion,
        cards: impl IntoIterator<Item = ApplicationSerial>,
    ) -> Result<Vec<u8>, BlacklistError> {
        let mut numbers: RoaringTreemap = cards.into_iter().map(layout::number).collect();
        // A run of neighbours takes four bytes, however long it is.
        numbers.optimize();
        Ok(self.signed(layout::emit_whole(self.enterprise, version, &numbers)?))
    }

    /// The changes that make `new` of `old`.
    ///
    /// # Errors
    /// [`BlacklistError`] if the lists are not this enterprise's, or `new` is not the newer one.
    pub fn changes(&self, old: &Blacklist, new: &Blacklist) -> Result<Vec<u8>, BlacklistError> {
        for list in [old, new] {
            if list.enterprise != self.enterprise {
                return Err(BlacklistError::OtherEnterprise { found: list.enterprise, expected: self.enterprise });
            }
        }
        if new.version <= old.version {
            return Err(BlacklistError::NotNewer { offered: new.version, have: old.version });
        }
        let (additions, removals) = (&new.numbers - &old.numbers, &old.numbers - &new.numbers);
        let versions = [new.version, old.version];
        let bytes = layout::emit_changes(self.enterprise, versions, new.len(), [&additions, &removals])?;
        Ok(self.signed(bytes))
    }

    fn signed(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let signature = self.key.sign(&bytes);
        bytes.extend(signature.to_bytes());
        bytes
    }
}
