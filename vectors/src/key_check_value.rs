//! Key check value: the zero block enciphered, 3 bytes of it (profile §4).

use serde::Deserialize;

use crate::{construction::Construction, hex_field, vector::Body};

/// A key and its check value.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCheckValue {
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
        vec![Construction::KeyCheckValue]
    }
}
