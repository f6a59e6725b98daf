//! The bare block cipher (FIPS 46-3, NIST SP 800-67).

use serde::Deserialize;

use crate::{construction::Construction, hex_field, vector::Body};

/// Whole blocks, each by itself.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ecb {
    /// 8 bytes: DES. 16 bytes: two-key triple DES, EDE.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Which way.
    pub direction: Direction,
    /// A multiple of 8 bytes.
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
        vec![match (self.key.len(), self.direction) {
            (8, Direction::Encipher) => Construction::DesEncipher,
            (8, Direction::Decipher) => Construction::DesDecipher,
            (_, Direction::Encipher) => Construction::TripleDesEncipher,
            (_, Direction::Decipher) => Construction::TripleDesDecipher,
        }]
    }
}
