//! The names of ciphers in files of keys.

use core::fmt;

use onecard_wire::key::Algorithm;
use serde::{Deserialize, Serialize};

/// A cipher by its name in a file: `3des`, `sm4`, `aes`. A key that names none is of triple DES.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Cipher {
    /// Two-key triple DES.
    #[default]
    #[serde(rename = "3des")]
    TripleDes,
    /// SM4 (own).
    #[serde(rename = "sm4")]
    Sm4,
    /// AES-128 (own).
    #[serde(rename = "aes")]
    Aes,
}

/// By its name in a file.
impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl From<Cipher> for Algorithm {
    fn from(cipher: Cipher) -> Self {
        match cipher {
            Cipher::TripleDes => Self::Des,
            Cipher::Sm4 => Self::Sm4,
            Cipher::Aes => Self::Aes,
        }
    }
}

impl From<Algorithm> for Cipher {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Des => Self::TripleDes,
            Algorithm::Sm4 => Self::Sm4,
            Algorithm::Aes => Self::Aes,
        }
    }
}
