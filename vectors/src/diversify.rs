//! Diversification: `3DES(K, F) ‖ 3DES(K, ¬F)` for each factor; SM4 and AES: one block over `F ‖ ¬F` (profile §4).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// A key and what becomes of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diversify {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// The upper key, 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// One to three, in the order they are applied: enterprise first, serial last.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// The key below the last factor.
    #[serde(deserialize_with = "hex_field::field")]
    pub derived: [u8; 16],
}

impl Body for Diversify {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![match (self.block_cipher, self.factors.len()) {
            (BlockCipher::Sm4, _) => Construction::DiversifySm4,
            (BlockCipher::Aes, _) => Construction::DiversifyAes,
            (BlockCipher::Des, 1) => Construction::DiversifyOneLevel,
            (BlockCipher::Des, 2) => Construction::DiversifyTwoLevels,
            (BlockCipher::Des, _) => Construction::DiversifyThreeLevels,
        }]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))
    }
}
