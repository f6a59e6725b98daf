//! One key of a key file.

use onecard_wire::key::Algorithm;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Purpose;
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

/// A cipher's name in a key file. A file that names none is of triple DES.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
enum Cipher {
    #[default]
    #[serde(rename = "3des")]
    TripleDes,
    #[serde(rename = "sm4")]
    Sm4,
    #[serde(rename = "aes")]
    Aes,
}

/// A value in 32 hex digits. Only a key file named as such may hold them.
struct Digits(Key);

impl Entry {
    pub(super) fn new(purpose: Purpose, version: u8, key: Key) -> Self {
        let algorithm = match key.algorithm() {
            Algorithm::Des => Cipher::TripleDes,
            Algorithm::Sm4 => Cipher::Sm4,
            Algorithm::Aes => Cipher::Aes,
        };
        Self { purpose, version, algorithm, key: Digits(key) }
    }

    pub(super) fn into_parts(self) -> (Purpose, u8, Key) {
        let algorithm = match self.algorithm {
            Cipher::TripleDes => Algorithm::Des,
            Cipher::Sm4 => Algorithm::Sm4,
            Cipher::Aes => Algorithm::Aes,
        };
        (self.purpose, self.version, Key::new(algorithm, *self.key.0.expose()))
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
