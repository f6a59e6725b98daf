//! MACs of ISO/IEC 9797-1 with padding method 2 (always padded).

use serde::Deserialize;

use crate::{construction::Construction, hex_field, vector::Body};

/// One MAC.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mac {
    /// Algorithm.
    pub method: Method,
    /// 8 bytes for CBC, 16 for retail.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Initial value.
    #[serde(deserialize_with = "hex_field::field")]
    pub iv: [u8; 8],
    /// Message before padding.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The leftmost 4 bytes, or all 8.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: Vec<u8>,
}

/// Algorithm of ISO/IEC 9797-1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Algorithm 1, single DES: MAC1, MAC2, TAC.
    Cbc,
    /// Algorithm 3: line protection.
    Retail,
}

impl Body for Mac {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![match self.method {
            Method::Cbc => Construction::CbcMac,
            Method::Retail => Construction::RetailMac,
        }]
    }
}
