//! The block ciphers of keys (profile §3.2).

use serde::Deserialize;

/// A block cipher. A vector with no algorithm byte that names none is DES's.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockCipher {
    /// DES with an 8-byte key, two-key triple DES with 16 bytes.
    #[default]
    Des,
    /// SM4 (GB/T 32907).
    Sm4,
    /// AES-128 (FIPS 197).
    Aes,
}

impl BlockCipher {
    /// What the algorithm byte of a key stands for: all but the two own ones are DES or triple DES.
    #[must_use]
    pub const fn of_byte(algorithm: u8) -> Self {
        match algorithm {
            0x04 => Self::Sm4,
            0x06 => Self::Aes,
            _ => Self::Des,
        }
    }

    /// The algorithm byte of a key with it.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Des => 0x00,
            Self::Sm4 => 0x04,
            Self::Aes => 0x06,
        }
    }

    /// Length of a block in bytes; of a session key, too.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Des => 8,
            Self::Sm4 | Self::Aes => 16,
        }
    }

    /// One of three, by cipher.
    pub(crate) fn pick<T>(self, des: T, sm4: T, aes: T) -> T {
        match self {
            Self::Des => des,
            Self::Sm4 => sm4,
            Self::Aes => aes,
        }
    }

    /// Whether a key's length is the cipher's: DES has two.
    pub(crate) fn takes(self, key: &[u8]) -> bool {
        key.len() == 16 || key.len() == 8 && self == Self::Des
    }
}
