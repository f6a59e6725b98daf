//! Sets of keys by purpose and version, one type for each stage of diversification.

use core::fmt;
use std::collections::BTreeMap;

use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, EnterpriseId},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::{diversify, entry::Entry, purpose::Purpose};
use crate::crypto::Key;

/// Keys by purpose and version; several versions of a purpose stand side by side, each with its cipher. As data it is a
/// list of `purpose`, `version`, `algorithm` (`3des` where a file does not say it, `sm4`, `aes`) and `key` in 32 hex
/// digits.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct KeySet(BTreeMap<(Purpose, u8), Key>);

/// The operator's root keys. Development only: in the field a root never leaves its key store (profile §4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RootKeys(KeySet);

/// One enterprise's keys: roots diversified by enterprise id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnterpriseKeys {
    #[serde(with = "crate::as_text")]
    enterprise: EnterpriseId,
    keys: KeySet,
}

/// One card's keys: enterprise keys diversified by application serial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardKeys {
    serial: ApplicationSerial,
    keys: KeySet,
}

/// Control and maintenance key of one SAM's application: enterprise keys diversified by the SAM's serial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SamKeys(KeySet);

/// The operator's control and maintenance key of one chip's MF: roots diversified by the chip's number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperatorKeys(KeySet);

/// A key that is not in the set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no {purpose:?} key of version {:02X}: add it to the key file, or use another version", .version.0)]
pub struct MissingKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Its version.
    pub version: KeyVersion,
}

/// A key file names a key twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the {purpose:?} key of version {version} is there twice")]
pub struct DuplicateKey {
    purpose: Purpose,
    version: u8,
}

impl KeySet {
    /// Puts a key in, in place of one of the same purpose and version.
    #[must_use]
    pub fn with(mut self, purpose: Purpose, version: KeyVersion, key: Key) -> Self {
        self.0.insert((purpose, version.0), key);
        self
    }

    /// The key of a purpose and version.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn key(&self, purpose: Purpose, version: KeyVersion) -> Result<&Key, MissingKey> {
        self.0.get(&(purpose, version.0)).ok_or(MissingKey { purpose, version })
    }

    /// The same set and `other`'s keys.
    ///
    /// # Errors
    /// [`DuplicateKey`] if both have one of a purpose and version.
    pub fn joined(mut self, other: Self) -> Result<Self, DuplicateKey> {
        for ((purpose, version), key) in other.0 {
            if self.0.insert((purpose, version), key).is_some() {
                return Err(DuplicateKey { purpose, version });
            }
        }
        Ok(self)
    }

    /// What is in the set, without values.
    pub fn names(&self) -> impl Iterator<Item = (Purpose, KeyVersion)> {
        self.0.keys().map(|(purpose, version)| (*purpose, KeyVersion(*version)))
    }

    /// The versions there are of a purpose, the newest first.
    #[must_use]
    pub fn versions(&self, purpose: Purpose) -> Vec<KeyVersion> {
        let mut versions: Vec<_> = self.names().filter(|(of, _)| *of == purpose).map(|(_, version)| version).collect();
        versions.reverse();
        versions
    }

    /// One of the keys, always the same.
    pub(crate) fn first(&self) -> Option<&Key> {
        self.0.values().next()
    }

    fn diversified(&self, factor: [u8; 8], belongs: impl Fn(Purpose) -> bool) -> Self {
        let keys = self.0.iter().filter(|((purpose, _), _)| belongs(*purpose));
        Self(keys.map(|(name, key)| (*name, diversify(key, factor))).collect())
    }
}

impl RootKeys {
    /// A triple DES root of each purpose in version `version`, from `random`.
    #[must_use]
    pub fn generate(version: KeyVersion, random: &mut impl CryptoRng) -> Self {
        Self::generate_with(version, |_| Algorithm::Des, random)
    }

    /// A root of each purpose in version `version`, from `random`, for the cipher that `algorithm` names. The keys 36 to 39
    /// of an application have one cipher among them ([`Purpose::follows_key_file`]); keys of a SIM's issuer domain have that
    /// of their protocol, and the management key that of the control key.
    #[must_use]
    pub fn generate_with(
        version: KeyVersion,
        algorithm: impl Fn(Purpose) -> Algorithm,
        random: &mut impl CryptoRng,
    ) -> Self {
        Self::of_each(version, algorithm, |_, algorithm| {
            let mut bytes = zeroize::Zeroizing::new([0; Key::LEN]);
            random.fill_bytes(&mut *bytes);
            Key::new(algorithm, *bytes)
        })
    }

    /// A root of each purpose in version `version`, as `root` makes it for a purpose and its cipher; `algorithm` as in
    /// [`Self::generate_with`].
    #[must_use]
    pub fn of_each(
        version: KeyVersion,
        algorithm: impl Fn(Purpose) -> Algorithm,
        mut root: impl FnMut(Purpose, Algorithm) -> Key,
    ) -> Self {
        let keys = Purpose::ALL.iter().fold(KeySet::default(), |keys, purpose| {
            keys.with(*purpose, version, root(*purpose, purpose.algorithm(&algorithm)))
        });
        Self(keys)
    }

    /// These roots and `other`'s: the next version beside the one in use.
    ///
    /// # Errors
    /// [`DuplicateKey`] if both have one of a purpose and version.
    pub fn joined(self, other: Self) -> Result<Self, DuplicateKey> {
        self.0.joined(other.0).map(Self)
    }

    /// The keys of one enterprise. The operator's own keys are not among them.
    #[must_use]
    pub fn enterprise(&self, enterprise: EnterpriseId) -> EnterpriseKeys {
        let keys = self.0.diversified(enterprise.to_bytes(), |purpose| !purpose.is_operators());
        EnterpriseKeys { enterprise, keys }
    }

    /// The operator's keys of one chip, by its 8-byte number.
    #[must_use]
    pub fn chip(&self, number: [u8; 8]) -> OperatorKeys {
        OperatorKeys(self.0.diversified(number, Purpose::is_operators))
    }

    /// The roots.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.0
    }
}

impl EnterpriseKeys {
    /// From keys that are diversified by `enterprise` already.
    #[must_use]
    pub fn new(enterprise: EnterpriseId, keys: KeySet) -> Self {
        Self { enterprise, keys }
    }

    /// Whose they are.
    #[must_use]
    pub fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    /// The keys of one card.
    #[must_use]
    pub fn card(&self, serial: ApplicationSerial) -> CardKeys {
        CardKeys { serial, keys: self.keys.diversified(serial.to_bytes(), |purpose| purpose.place().is_some()) }
    }

    /// One key of one card: cheaper than [`Self::card`] in a terminal.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn card_key(
        &self,
        serial: ApplicationSerial,
        purpose: Purpose,
        version: KeyVersion,
    ) -> Result<Key, MissingKey> {
        Ok(diversify(self.keys.key(purpose, version)?, serial.to_bytes()))
    }

    /// Control and maintenance key of one SAM's application, by the SAM's 8-byte number.
    #[must_use]
    pub fn sam(&self, number: [u8; 8]) -> SamKeys {
        SamKeys(
            self.keys.diversified(number, |purpose| matches!(purpose, Purpose::SamMaster | Purpose::SamMaintenance)),
        )
    }

    /// The enterprise-level keys, as SAMs hold them.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }
}

impl CardKeys {
    /// From keys that are `serial`'s own already.
    #[must_use]
    pub fn new(serial: ApplicationSerial, keys: KeySet) -> Self {
        Self { serial, keys }
    }

    /// Whose they are.
    #[must_use]
    pub fn serial(&self) -> ApplicationSerial {
        self.serial
    }

    /// The card's keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }
}

impl SamKeys {
    /// The SAM's keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.0
    }
}

impl OperatorKeys {
    /// The chip's keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.0
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} keys)", self.0.len())
    }
}

impl From<KeySet> for Vec<Entry> {
    fn from(set: KeySet) -> Self {
        set.0.into_iter().map(|((purpose, version), key)| Entry::new(purpose, version, key)).collect()
    }
}

impl TryFrom<Vec<Entry>> for KeySet {
    type Error = DuplicateKey;

    fn try_from(entries: Vec<Entry>) -> Result<Self, DuplicateKey> {
        entries.into_iter().map(Entry::into_parts).try_fold(Self::default(), |set, (purpose, version, key)| {
            set.joined(Self(BTreeMap::from([((purpose, version), key)])))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::diversify_levels;
    use rand::SeedableRng;

    const VERSION: KeyVersion = KeyVersion(1);

    fn roots() -> RootKeys {
        let keys = Purpose::ALL.iter().zip(1..).fold(KeySet::default(), |keys, (purpose, byte)| {
            let key: [u8; 16] = core::array::from_fn(|at| byte * 6 + u8::try_from(at).unwrap());
            keys.with(*purpose, VERSION, Key::from_bytes(key))
        });
        RootKeys(keys)
    }

    #[test]
    fn a_card_key_comes_from_its_own_root_by_enterprise_then_serial() {
        let enterprise: EnterpriseId = "1000000000000001".parse().unwrap();
        let serial = ApplicationSerial::from_parts(31, 1, 42).unwrap();
        let roots = roots();
        let card = roots.enterprise(enterprise).card(serial);
        for (purpose, version) in card.keys().names() {
            let root = roots.keys().key(purpose, version).unwrap();
            let expected = diversify_levels(root, &[enterprise.to_bytes(), serial.to_bytes()]);
            assert_eq!(card.keys().key(purpose, version).unwrap(), &expected);
            assert_eq!(roots.enterprise(enterprise).card_key(serial, purpose, version).unwrap(), expected);
        }
        assert_eq!(card.keys().names().count(), 17);
        let missing = card.keys().key(Purpose::Rights, VERSION).unwrap_err();
        assert_eq!(missing, MissingKey { purpose: Purpose::Rights, version: VERSION });
    }

    #[test]
    fn every_root_is_its_own() {
        let mut random = rand::rngs::StdRng::seed_from_u64(1);
        let generated = RootKeys::generate(VERSION, &mut random);
        let keys: std::collections::BTreeSet<_> = generated.keys().0.values().map(|key| *key.expose()).collect();
        assert_eq!(keys.len(), Purpose::ALL.len());
        assert_ne!(generated, RootKeys::generate(VERSION, &mut random));
    }

    #[test]
    fn a_purpose_is_told_by_its_name_in_a_file() {
        for purpose in Purpose::ALL {
            assert_eq!(serde_json::to_string(&purpose).unwrap(), format!("\"{purpose}\""));
        }
        assert_eq!(Purpose::LoadForAir.to_string(), "load-for-air");
    }

    #[test]
    fn an_enterprise_gets_no_key_of_the_operator() {
        let keys = roots().enterprise("1000000000000001".parse().unwrap());
        assert!(keys.keys().names().all(|(purpose, _)| !purpose.is_operators()));
    }

    #[test]
    fn a_key_file_says_each_key_once_and_debug_says_none() {
        let roots = roots();
        let text = serde_json::to_string(&roots).unwrap();
        assert_eq!(serde_json::from_str::<RootKeys>(&text).unwrap(), roots);
        assert_eq!(format!("{roots:?}"), "RootKeys(KeySet(38 keys))");
        let entry = r#"{"purpose":"load-for-air","version":1,"key":"00112233445566778899aabbccddeeff"}"#;
        assert!(serde_json::from_str::<RootKeys>(&format!("[{entry}]")).is_ok());
        assert!(serde_json::from_str::<RootKeys>(&format!("[{entry},{entry}]")).is_err());
        assert!(serde_json::from_str::<RootKeys>(&entry.replace("version", "vintage")).is_err());
    }

    #[test]
    fn a_key_keeps_its_cipher_in_a_file_and_through_diversification() {
        let mut random = rand::rngs::StdRng::seed_from_u64(2);
        let cipher = |purpose| match purpose {
            Purpose::Load => Algorithm::Sm4,
            Purpose::Purchase => Algorithm::Aes,
            _ => Algorithm::Des,
        };
        let later = RootKeys::generate_with(KeyVersion(2), cipher, &mut random);
        let both = roots().joined(later.clone()).unwrap();
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<RootKeys>(&text).unwrap(), both);
        // Purchase; of the SIM's domain SCP03 and over the air; of key master cards.
        assert_eq!(text.matches(r#""algorithm":"aes""#).count(), 1 + 3 + 3 + 3);
        assert_eq!(text.matches(r#""algorithm":"sm4""#).count(), 1);
        let serial = ApplicationSerial::from_parts(31, 1, 42).unwrap();
        let card = both.enterprise("1000000000000001".parse().unwrap()).card(serial);
        for (purpose, version) in card.keys().names() {
            let expected = if version == KeyVersion(2) { cipher(purpose) } else { Algorithm::Des };
            assert_eq!(card.keys().key(purpose, version).unwrap().algorithm(), expected);
        }
        assert_eq!(card.keys().names().count(), 34);
        assert!(both.joined(later).is_err());
    }

    #[test]
    fn a_file_written_before_there_were_ciphers_is_triple_des() {
        let entry = r#"[{"purpose":"load","version":1,"key":"00112233445566778899aabbccddeeff"}]"#;
        let set: KeySet = serde_json::from_str(entry).unwrap();
        assert_eq!(set.key(Purpose::Load, VERSION).unwrap().algorithm(), Algorithm::Des);
        let other = r#""version":1,"algorithm":"rot13""#;
        assert!(serde_json::from_str::<KeySet>(&entry.replace(r#""version":1"#, other)).is_err());
        assert!(serde_json::from_str::<KeySet>(&entry.replace("ff", "f")).is_err());
    }
}
