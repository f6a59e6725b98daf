//! One key of a key file.

use onecard_wire::key::Algorithm;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Cipher, Purpose};
use crate::crypto::Key;

/// One key as data.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    purpose: Purpose,
    version: u8,
    #[serde(default)]
    algorithm: Cipher,
    key: Digits,
}

/// A value in 32 hex digits. Only a key file named as such may hold them.
struct Digits(Key);

impl Entry {
    pub(super) fn new(purpose: Purpose, version: u8, key: Key) -> Self {
        Self { purpose, version, algorithm: key.algorithm().into(), key: Digits(key) }
    }

    pub(super) fn into_parts(self) -> (Purpose, u8, Key) {
        (self.purpose, self.version, Key::new(self.algorithm.into(), *self.key.0.expose()))
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.expose_hex())
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        Key::from_hex(Algorithm::Des, &text).map(Self).map_err(D::Error::custom)
    }
}
