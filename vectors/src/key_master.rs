//! What a key master card wraps: keys for other key master cards, and the bodies of WRITE KEY that it exports
//! (specification 16.3.2, 16.6).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
    wrapped_key::Target,
};

/// AES key wrap (RFC 3394).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyWrap {
    /// The key-encryption key.
    #[serde(deserialize_with = "hex_field::field")]
    pub kek: [u8; 16],
    /// What is wrapped, in blocks of 8 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// 8 bytes more.
    #[serde(deserialize_with = "hex_field::field")]
    pub wrapped: Vec<u8>,
}

/// The data field of a WRITE KEY that a key master card makes.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedKey {
    /// Of both master keys.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// Who gets it.
    pub target: Target,
    /// Whether the MAC's initial block is the place in a packet, enciphered; else it is the challenge.
    pub over_the_air: bool,
    /// The wrapping master key.
    #[serde(deserialize_with = "hex_field::field")]
    pub wrapping_key: [u8; 16],
    /// The master key of what goes out.
    #[serde(deserialize_with = "hex_field::field")]
    pub master_key: [u8; 16],
    /// Whether what goes out is the master key itself, as SAMs hold it; else it is diversified by the factor.
    pub enterprise_level: bool,
    /// Diversifies: the application serial, or the last 8 bytes of the SAM's.
    #[serde(deserialize_with = "hex_field::field")]
    pub factor: [u8; 8],
    /// Challenge, or counter and number of the command.
    #[serde(deserialize_with = "hex_field::field")]
    pub freshness: [u8; 8],
    /// CLA INS P1 P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub header: [u8; 4],
    /// Record or usage, version and algorithm: what stands in front of the key.
    #[serde(deserialize_with = "hex_field::field")]
    pub head: Vec<u8>,
    /// The target's control key.
    #[serde(deserialize_with = "hex_field::field")]
    pub control_key: [u8; 16],
    /// Length byte, head, key and padding, enciphered.
    #[serde(deserialize_with = "hex_field::field")]
    pub cipher: Vec<u8>,
    /// MAC over header, Lc and cipher.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
}

impl Body for KeyWrap {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("kek", &self.kek)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("plain", self.plain.len() >= 16 && self.plain.len().is_multiple_of(8))?;
        agrees("wrapped", self.wrapped.len() == self.plain.len() + 8)
    }
}

impl Body for ExportedKey {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("wrapping_key", &self.wrapping_key), ("master_key", &self.master_key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("head", matches!((self.target, self.head.len()), (Target::Card, 5) | (Target::Sam, 3)))?;
        agrees("apdu", is_command(&self.apdu, &self.header, &[&self.cipher, &self.mac]))
    }
}
