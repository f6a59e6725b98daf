//! Milenage (3GPP TS 35.206), the authentication algorithms of a USIM.

use serde::Deserialize;

use crate::{construction::Construction, hex_field, vector::Body};

/// A test set: every function for one subscriber and one challenge.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milenage {
    /// K.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: [u8; 16],
    /// OP, the operator's.
    #[serde(deserialize_with = "hex_field::field")]
    pub op: [u8; 16],
    /// OPc, made of OP and K.
    #[serde(deserialize_with = "hex_field::field")]
    pub opc: [u8; 16],
    /// The challenge.
    #[serde(deserialize_with = "hex_field::field")]
    pub rand: [u8; 16],
    /// The sequence number.
    #[serde(deserialize_with = "hex_field::field")]
    pub sqn: [u8; 6],
    /// Authentication management field.
    #[serde(deserialize_with = "hex_field::field")]
    pub amf: [u8; 2],
    /// MAC-A.
    #[serde(deserialize_with = "hex_field::field")]
    pub f1: [u8; 8],
    /// MAC-S.
    #[serde(deserialize_with = "hex_field::field")]
    pub f1_star: [u8; 8],
    /// RES.
    #[serde(deserialize_with = "hex_field::field")]
    pub f2: [u8; 8],
    /// CK.
    #[serde(deserialize_with = "hex_field::field")]
    pub f3: [u8; 16],
    /// IK.
    #[serde(deserialize_with = "hex_field::field")]
    pub f4: [u8; 16],
    /// AK.
    #[serde(deserialize_with = "hex_field::field")]
    pub f5: [u8; 6],
    /// AK of a resynchronisation.
    #[serde(deserialize_with = "hex_field::field")]
    pub f5_star: [u8; 6],
}

impl Body for Milenage {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }
}
