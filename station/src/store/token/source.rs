//! A key master card loaded straight from the token: no enterprise key is in the host's memory (spec 17.4.3).

use onecard_host::{
    key_master::{LoadAllowance, LoadBody, MasterKeySource, Recipient, code_of},
    key_store::{KeyStore, NamedKey, StoreError, StoredKey},
};
use onecard_wire::{
    ins,
    key::{AlgorithmId, KeyVersion},
    key_master::LoadKey,
    number::EnterpriseId,
};

use super::Token;

/// A token, and the version of its transport keys that the cards to be loaded were personalised with.
#[derive(Debug)]
pub struct TokenSource {
    token: Token,
    transport: KeyVersion,
}

impl TokenSource {
    /// Of an open token.
    #[must_use]
    pub const fn new(token: Token, transport: KeyVersion) -> Self {
        Self { token, transport }
    }

    fn body(&mut self, to: Recipient, ins: u8, data: &[u8]) -> Result<LoadBody, StoreError> {
        let mac = self.token.transport_mac(&LoadBody::message(to, ins, data)?, self.transport)?;
        Ok(LoadBody::new([data, &mac].concat()))
    }
}

impl MasterKeySource for TokenSource {
    fn enterprise(&self) -> EnterpriseId {
        KeyStore::enterprise(&self.token)
    }

    fn master_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let mut keys = self.token.keys()?;
        keys.retain(|key| code_of(key.name.purpose).is_some());
        // A token tells its objects in no order; a card lists its keys in the order they came.
        keys.sort_by_key(|key| (key.name.purpose, key.name.version.0));
        Ok(keys)
    }

    fn load_key(&mut self, name: NamedKey, to: Recipient) -> Result<LoadBody, StoreError> {
        let code = code_of(name.purpose).ok_or(StoreError::Malformed("a key that no key master card holds"))?;
        let algorithm = AlgorithmId::of(self.token.algorithm(name)?);
        let wrapped_key = self.token.wrapped(name, self.transport)?;
        let data = LoadKey { code, version: name.version, algorithm, wrapped_key }.emit();
        self.body(to, ins::LOAD_MASTER_KEY, &data)
    }

    fn load_allowance(&mut self, allowance: LoadAllowance, to: Recipient) -> Result<LoadBody, StoreError> {
        self.body(to, ins::LOAD_ALLOWANCE, &allowance.emit())
    }
}
