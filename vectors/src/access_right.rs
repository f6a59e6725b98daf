//! The static MAC of an entry of EF 0019 (own, profile §3.1).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// An entry and the issuer's MAC over it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRight {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// The enterprise's rights key, above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// One: the card's serial.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// Zone, schedule, flags, first and last day.
    #[serde(deserialize_with = "hex_field::field")]
    pub right: [u8; 12],
    /// Line-protection MAC with an initial block of zeros over serial ‖ `right`.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// As in the file.
    #[serde(deserialize_with = "hex_field::field")]
    pub entry: [u8; 16],
}

impl Body for AccessRight {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = [Construction::AccessRight, Construction::AccessRightSm4, Construction::AccessRightAes];
        vec![self.block_cipher.pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.key.len() == 16)?;
        agrees("factors", self.factors.len() == 1)?;
        agrees("entry", self.entry.as_slice() == [self.right.as_slice(), &self.mac].concat())
    }
}
