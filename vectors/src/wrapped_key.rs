//! WRITE KEY in protected form (FMCOS 2.0 special manual, WRITE KEY; PBOC PSAM).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A key on its way to a card or SAM.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedKey {
    /// The control key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// Who gets it.
    pub target: Target,
    /// Enciphers and MACs: a card's control key, a SAM's application master key. 8 or 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub control_key: Vec<u8>,
    /// As GET CHALLENGE gave it.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenge: [u8; 4],
    /// CLA INS P1 P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub header: [u8; 4],
    /// Card: type, use right, change right, two bytes, key. SAM: usage, version, algorithm, key.
    #[serde(deserialize_with = "hex_field::field")]
    pub record: Vec<u8>,
    /// Length byte, record and padding, enciphered.
    #[serde(deserialize_with = "hex_field::field")]
    pub cipher: Vec<u8>,
    /// MAC over header, Lc and cipher.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
}

/// Who gets a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// An application on a card.
    Card,
    /// A SAM.
    Sam,
}

impl Body for WrappedKey {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("control_key", &self.control_key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = match (self.target, self.control_key.len()) {
            (Target::Sam, _) => [Construction::SamWriteKey, Construction::SamWriteKeySm4, Construction::SamWriteKeyAes],
            (Target::Card, 8) => [Construction::WriteKeyDes; 3],
            (Target::Card, _) => {
                [Construction::WriteKeyTripleDes, Construction::WriteKeySm4, Construction::WriteKeyAes]
            }
        };
        vec![self.block_cipher.pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("control_key", self.block_cipher.takes(&self.control_key))?;
        agrees("apdu", is_command(&self.apdu, &self.header, &[&self.cipher, &self.mac]))
    }
}
