//! What a station issues from: a key store that has one card's own key for the moment it is used in.

use core::fmt::Debug;

use onecard_host::{
    crypto::Key,
    key_store::{KeyStore, NamedKey, SoftwareStore, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{EnterpriseKeys, MissingKey, RootKeys, diversify},
};
use onecard_wire::number::EnterpriseId;

/// A [`KeyStore`] of a station that makes whole cards: besides bodies of WRITE KEY it has keys of one card alone. Neither the
/// enterprise's keys nor the operator's roots come out, but where [`Self::working_keys`] says otherwise.
pub trait IssuingStore: KeyStore + Debug + Send {
    /// The operator's key of one chip: the root diversified by the chip's 8-byte number.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::MissingKey`] of a key that is not the operator's, too.
    fn chip_key(&mut self, name: NamedKey, chip: [u8; 8]) -> Result<Key, StoreError>;

    /// The enterprise's key of one card: diversified by its factor of 8 bytes, the serial.
    ///
    /// # Errors
    /// [`StoreError`].
    fn card_key(&mut self, name: NamedKey, factor: [u8; 8]) -> Result<Key, StoreError>;

    /// The enterprise's keys themselves, which SAMs hold.
    ///
    /// # Errors
    /// [`StoreError`] from a store that gives no such key out.
    fn working_keys(&mut self) -> Result<EnterpriseKeys, StoreError>;
}

/// Roots in memory, as an unsealed or a development file has them.
#[derive(Debug)]
pub struct RootStore {
    roots: RootKeys,
    keys: EnterpriseKeys,
    bodies: SoftwareStore,
}

impl RootStore {
    /// For one enterprise's cards.
    #[must_use]
    pub fn new(roots: RootKeys, enterprise: EnterpriseId) -> Self {
        let keys = roots.enterprise(enterprise);
        Self { roots, bodies: SoftwareStore::new(keys.clone()), keys }
    }
}

impl KeyStore for RootStore {
    fn enterprise(&self) -> EnterpriseId {
        self.bodies.enterprise()
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        self.bodies.keys()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        self.bodies.write_key(order)
    }
}

impl IssuingStore for RootStore {
    fn chip_key(&mut self, name: NamedKey, chip: [u8; 8]) -> Result<Key, StoreError> {
        if !name.purpose.is_operators() {
            return Err(MissingKey::from(name).into());
        }
        Ok(diversify(self.roots.keys().key(name.purpose, name.version)?, chip))
    }

    fn card_key(&mut self, name: NamedKey, factor: [u8; 8]) -> Result<Key, StoreError> {
        Ok(diversify(self.keys.keys().key(name.purpose, name.version)?, factor))
    }

    fn working_keys(&mut self) -> Result<EnterpriseKeys, StoreError> {
        Ok(self.keys.clone())
    }
}
