//! An enterprise's master keys in memory: for development, and inside stores that unseal them.

use onecard_wire::number::EnterpriseId;

use super::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder};
use crate::{
    crypto::Key,
    keys::{CheckValue, EnterpriseKeys, diversify},
};

/// Master keys in memory. It refuses what a key master card refuses, and counts nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoftwareStore(EnterpriseKeys);

impl SoftwareStore {
    /// The keys of one enterprise; the operator's management keys for it are among them.
    #[must_use]
    pub const fn new(keys: EnterpriseKeys) -> Self {
        Self(keys)
    }

    fn key(&self, NamedKey { purpose, version }: NamedKey) -> Result<&Key, StoreError> {
        Ok(self.0.keys().key(purpose, version)?)
    }
}

impl KeyStore for SoftwareStore {
    fn enterprise(&self) -> EnterpriseId {
        self.0.enterprise()
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let names = self.0.keys().names().map(|(purpose, version)| NamedKey { purpose, version });
        names
            .map(|name| {
                let key = self.key(name)?;
                Ok(StoredKey { name, algorithm: key.algorithm(), check_value: CheckValue::of(key) })
            })
            .collect()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        order.check()?;
        let control = diversify(self.key(order.wrapper_key())?, order.factor());
        let value = order.payload_key().map(|name| self.key(name)).transpose()?;
        match value {
            Some(master) if order.payload_is_diversified() => {
                order.seal(&control, Some(&diversify(master, order.factor())))
            }
            value => order.seal(&control, value),
        }
    }
}
