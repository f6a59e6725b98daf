//! The bare block cipher (FIPS 46-3, NIST SP 800-67; GB/T 32907; FIPS 197).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// Whole blocks, each by itself.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ecb {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// DES: 8 bytes, or 16 for two-key triple DES, EDE. SM4 and AES: 16.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Which way.
    pub direction: Direction,
    /// Whole blocks.
    #[serde(deserialize_with = "hex_field::field")]
    pub input: Vec<u8>,
    /// As many bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub output: Vec<u8>,
}

/// Which way a cipher runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Clear to cipher.
    Encipher,
    /// Cipher to clear.
    Decipher,
}

impl Body for Ecb {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![match (self.block_cipher, self.key.len(), self.direction) {
            (BlockCipher::Des, 8, Direction::Encipher) => Construction::DesEncipher,
            (BlockCipher::Des, 8, Direction::Decipher) => Construction::DesDecipher,
            (BlockCipher::Des, _, Direction::Encipher) => Construction::TripleDesEncipher,
            (BlockCipher::Des, _, Direction::Decipher) => Construction::TripleDesDecipher,
            (BlockCipher::Sm4, _, Direction::Encipher) => Construction::Sm4Encipher,
            (BlockCipher::Sm4, _, Direction::Decipher) => Construction::Sm4Decipher,
            (BlockCipher::Aes, _, Direction::Encipher) => Construction::AesEncipher,
            (BlockCipher::Aes, _, Direction::Decipher) => Construction::AesDecipher,
        }]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))?;
        agrees("input", self.input.len().is_multiple_of(self.block_cipher.block_len()))?;
        agrees("output", self.output.len() == self.input.len())
    }
}
