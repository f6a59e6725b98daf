//! Whoever gives a key master card its keys: the ceremony, a token, or another key master card of the enterprise.

use onecard_wire::{
    ins,
    key::AlgorithmId,
    key_master::{self, LoadAllowance, WRAPPED_KEY_LEN},
    number::{EnterpriseId, KeyMasterNumber},
};

use super::{
    bodies::{LoadBody, Recipient},
    key_wrap::wrapped,
    names::code_of,
};
use crate::{
    crypto::Key,
    key_store::{NamedKey, StoreError, StoredKey},
    keys::{CheckValue, EnterpriseKeys, MissingKey, Purpose, diversify},
};
use onecard_wire::key::KeyVersion;

/// Where the keys of a key master card come from. No key comes out of it, only bodies that one card takes once.
pub trait MasterKeySource {
    /// Whose keys.
    fn enterprise(&self) -> EnterpriseId;

    /// The keys that a key master card may hold, without values.
    ///
    /// # Errors
    /// [`StoreError`].
    fn master_keys(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// The data field of LOAD MASTER KEY.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load_key(&mut self, name: NamedKey, to: Recipient) -> Result<LoadBody, StoreError>;

    /// The data field of LOAD ALLOWANCE. Another key master card takes the allowance off its own before it answers.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load_allowance(&mut self, allowance: LoadAllowance, to: Recipient) -> Result<LoadBody, StoreError>;
}

/// The transport keys (运输密钥) of an enterprise's key master cards, and what authentication keys come from: AES-128 all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransportKeys {
    /// K_W.
    wrap: Key,
    /// K_M.
    mac: Key,
    /// The enterprise's key that K_A comes from.
    mother: Key,
}

impl TransportKeys {
    /// Those of `keys` in `version`.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn of(keys: &EnterpriseKeys, version: KeyVersion) -> Result<Self, MissingKey> {
        let key = |purpose| keys.keys().key(purpose, version).cloned();
        Ok(Self {
            wrap: key(Purpose::MasterCardWrap)?,
            mac: key(Purpose::MasterCardMac)?,
            mother: key(Purpose::MotherAuthentication)?,
        })
    }

    /// K_A of one key master card.
    pub(super) fn authentication(&self, number: KeyMasterNumber) -> Key {
        diversify(&self.mother, number.to_bytes())
    }

    pub(super) const fn wrap(&self) -> &Key {
        &self.wrap
    }

    pub(super) const fn mac(&self) -> &Key {
        &self.mac
    }
}

/// An enterprise's master keys in memory, as a ceremony has them before its end: for development.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CeremonyKeys {
    keys: EnterpriseKeys,
    transport: TransportKeys,
}

impl CeremonyKeys {
    /// The keys, and the transport keys of `version` among them.
    ///
    /// # Errors
    /// [`MissingKey`] without transport keys.
    pub fn new(keys: EnterpriseKeys, version: KeyVersion) -> Result<Self, MissingKey> {
        let transport = TransportKeys::of(&keys, version)?;
        Ok(Self { keys, transport })
    }
}

impl MasterKeySource for CeremonyKeys {
    fn enterprise(&self) -> EnterpriseId {
        self.keys.enterprise()
    }

    fn master_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let held = self.keys.keys().names().filter(|(purpose, _)| code_of(*purpose).is_some());
        held.map(|(purpose, version)| {
            let key = self.keys.keys().key(purpose, version)?;
            let name = NamedKey { purpose, version };
            Ok(StoredKey { name, algorithm: key.algorithm(), check_value: CheckValue::of(key) })
        })
        .collect()
    }

    fn load_key(&mut self, name: NamedKey, to: Recipient) -> Result<LoadBody, StoreError> {
        let key = self.keys.keys().key(name.purpose, name.version)?;
        let code = code_of(name.purpose).ok_or(StoreError::Malformed("a key that no key master card holds"))?;
        let wrapped_key: [u8; WRAPPED_KEY_LEN] = wrapped(self.transport.wrap(), key.expose())
            .try_into()
            .map_err(|_| StoreError::Malformed("a wrapped key of another length"))?;
        let algorithm = AlgorithmId::of(key.algorithm());
        let data = key_master::LoadKey { code, version: name.version, algorithm, wrapped_key }.emit();
        Ok(LoadBody::with_mac(self.transport.mac(), to, ins::LOAD_MASTER_KEY, &data)?)
    }

    fn load_allowance(&mut self, allowance: LoadAllowance, to: Recipient) -> Result<LoadBody, StoreError> {
        Ok(LoadBody::with_mac(self.transport.mac(), to, ins::LOAD_ALLOWANCE, &allowance.emit())?)
    }
}
