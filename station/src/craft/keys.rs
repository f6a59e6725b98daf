//! The keys a station issues with: the seam behind which they are.

use std::sync::{Mutex, MutexGuard, PoisonError};

use onecard_host::{
    crypto::Key,
    issuing::{MfKeys, SamSerial},
    key_store::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{CheckValue, EnterpriseKeys, MissingKey, Purpose},
};
use onecard_wire::{
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
};

use super::Keeper;
use crate::{profile::Profile, store::IssuingStore};

/// A key store, as the readers of a station share it, and the versions that a profile names.
#[derive(Debug)]
pub struct IssuingKeys {
    enterprise: EnterpriseId,
    operator_version: KeyVersion,
    version: KeyVersion,
    /// One question at a time; a card's whole making is many.
    store: Mutex<Box<dyn IssuingStore>>,
}

/// These are not the keys that the profile means.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OtherKeys {
    /// Another enterprise's.
    #[error("the keys are of enterprise {found}, and the profile is of {expected}: name the files of one enterprise")]
    Enterprise {
        /// Whose they are.
        found: EnterpriseId,
        /// Whose cards are to be made.
        expected: EnterpriseId,
    },
    /// One is not there.
    #[error(transparent)]
    Missing(#[from] MissingKey),
    /// One is another.
    #[error(
        "the {purpose:?} key has the check value {found}, and the profile expects {expected}: take the other key file, or mend the \
         profile"
    )]
    CheckValue {
        /// Which.
        purpose: Purpose,
        /// What it is.
        found: CheckValue,
        /// What the profile says.
        expected: CheckValue,
    },
    /// The store does not tell what it has.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IssuingKeys {
    /// Those that `profile` names, in `store`.
    ///
    /// # Errors
    /// [`OtherKeys`]: a key is missing, or is not the one that the profile means. None was used.
    pub fn new(mut store: Box<dyn IssuingStore>, profile: &Profile) -> Result<Self, OtherKeys> {
        let (operator_version, version) = (profile.operator_key_version, profile.key_version);
        let there = store.keys()?;
        are_meant(store.enterprise(), &there, profile)?;
        Ok(Self { enterprise: profile.enterprise, operator_version, version, store: Mutex::new(store) })
    }

    pub(crate) const fn enterprise_id(&self) -> EnterpriseId {
        self.enterprise
    }

    /// Of the enterprise's keys.
    pub(crate) const fn version(&self) -> KeyVersion {
        self.version
    }

    /// Of the operator's.
    pub(crate) const fn operator_version(&self) -> KeyVersion {
        self.operator_version
    }

    /// The operator's keys of the card whose application has this serial: a blank card tells no number of its own.
    pub(crate) fn mf(&self, serial: ApplicationSerial) -> Result<MfKeys, StoreError> {
        self.mf_of(serial.to_bytes(), Purpose::CardControl, Purpose::CardMaintenance)
    }

    pub(crate) fn mf_of_sam(&self, serial: SamSerial) -> Result<MfKeys, StoreError> {
        self.mf_of(serial.factor(), Purpose::SamCardControl, Purpose::SamCardMaintenance)
    }

    fn mf_of(&self, chip: [u8; 8], control: Purpose, maintenance: Purpose) -> Result<MfKeys, StoreError> {
        let key = |purpose| self.chip_key(NamedKey { purpose, version: self.operator_version }, chip);
        Ok(MfKeys { control: key(control)?, maintenance: key(maintenance)? })
    }

    pub(crate) fn chip_key(&self, name: NamedKey, chip: [u8; 8]) -> Result<Key, StoreError> {
        self.lock().chip_key(name, chip)
    }

    /// The operator's management key of one card's application, which the first wash leaves there.
    pub(crate) fn management(&self, serial: ApplicationSerial) -> Result<Key, StoreError> {
        let name = NamedKey { purpose: Purpose::Management, version: self.operator_version };
        self.card_key(name, serial.to_bytes())
    }

    pub(crate) fn card_key(&self, name: NamedKey, factor: [u8; 8]) -> Result<Key, StoreError> {
        self.lock().card_key(name, factor)
    }

    /// The enterprise's own keys, for SAMs.
    pub(crate) fn working_keys(&self) -> Result<EnterpriseKeys, StoreError> {
        self.lock().working_keys()
    }

    /// Whoever makes the bodies of WRITE KEY.
    pub(crate) const fn store(&self) -> Seat<'_> {
        Seat(self)
    }

    /// Who makes and checks MACs for the station as the enterprise's issuing SAM does.
    pub(crate) const fn keeper(&self) -> Keeper<'_> {
        Keeper::new(self)
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn IssuingStore>> {
        // A store keeps nothing between two questions that a thread which died could have left half done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That the keys which are there, of `found`, are those that `profile` means.
pub(super) fn are_meant(found: EnterpriseId, there: &[StoredKey], profile: &Profile) -> Result<(), OtherKeys> {
    let expected = profile.enterprise;
    if found != expected {
        return Err(OtherKeys::Enterprise { found, expected });
    }
    let stored = |purpose, version| {
        let name = NamedKey { purpose, version };
        there.iter().find(|stored| stored.name == name).ok_or_else(|| MissingKey::from(name))
    };
    stored(Purpose::Management, profile.operator_key_version)?;
    stored(Purpose::Control, profile.key_version)?;
    for (purpose, expected) in &profile.check_values {
        // The operator's key has the operator's version.
        let version = match purpose {
            Purpose::Management => profile.operator_key_version,
            _ => profile.key_version,
        };
        let found = stored(*purpose, version)?.check_value;
        if found != *expected {
            return Err(OtherKeys::CheckValue { purpose: *purpose, found, expected: *expected });
        }
    }
    Ok(())
}

/// One reader's seat at the store that all share.
#[derive(Debug)]
pub(crate) struct Seat<'k>(&'k IssuingKeys);

impl KeyStore for Seat<'_> {
    fn enterprise(&self) -> EnterpriseId {
        self.0.enterprise
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        self.0.lock().keys()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        self.0.lock().write_key(order)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_wire::key::Algorithm;

    use super::*;

    /// The profile's check value of the management key is that of the operator's version, not of the enterprise's.
    #[test]
    fn a_check_value_is_of_its_keys_version() {
        let profile = |management: &str| {
            let text = format!(
                "format = \"onecard-issuing-profile;1\"\nkind = \"cpu-card\"\nenterprise = \"1000000000000001\"\n[validity]\n\
                 from = 2026-09-01\nto = 2030-08-31\n[holder]\ncard_type = 1\npin = \"id-number\"\n[keys]\nversion = 2\n\
                 operator_version = 1\n[keys.check_values]\nmanagement = \"{management}\"\n[numbers]\nprovince = 31\n\
                 attribute = 1\nfirst = 1\nlast = 9\nledger = \"numbers\"\n[numbers.printed]\nyear = 26\nvendor = 1\nversion = 1\ncard_type = 1\n"
            );
            Profile::parse("school.toml", &text).unwrap()
        };
        let stored = |purpose, version, check_value| StoredKey {
            name: NamedKey { purpose, version: KeyVersion(version) },
            algorithm: Algorithm::Des,
            check_value: CheckValue(check_value),
        };
        let there = [
            stored(Purpose::Management, 1, [0xA1, 0xB2, 0xC3]),
            stored(Purpose::Management, 2, [0x11, 0x22, 0x33]),
            stored(Purpose::Control, 2, [0; 3]),
        ];
        let meant = |management: &str| {
            let profile = profile(management);
            are_meant(profile.enterprise, &there, &profile)
        };
        meant("A1B2C3").unwrap();
        assert!(matches!(meant("112233"), Err(OtherKeys::CheckValue { purpose: Purpose::Management, .. })));
    }
}
