//! Key check value: the zero block (AES: 16 × 01) enciphered, 3 bytes of it (profile §4).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// A key and its check value.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCheckValue {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// 8 or 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Leftmost 3 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub value: [u8; 3],
}

impl Body for KeyCheckValue {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] =
            [Construction::KeyCheckValue, Construction::KeyCheckValueSm4, Construction::KeyCheckValueAes];
        vec![self.block_cipher.pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))
    }
}
