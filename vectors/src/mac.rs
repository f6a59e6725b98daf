//! MACs of ISO/IEC 9797-1 with padding method 2 (always padded), and CMAC (NIST SP 800-38B).

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// One MAC.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mac {
    /// Algorithm.
    pub method: Method,
    /// 8 bytes for CBC with DES, 16 for all others.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Initial value: a block, or none for CMAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub iv: Vec<u8>,
    /// Message before padding.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The leftmost 4 bytes, 8, or the whole block.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: Vec<u8>,
}

/// How it is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Algorithm 1, single DES: MAC1, MAC2, TAC.
    Cbc,
    /// Algorithm 3: line protection.
    Retail,
    /// Algorithm 1 with SM4.
    Sm4Cbc,
    /// CMAC with AES-128.
    AesCmac,
}

impl Body for Mac {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![match self.method {
            Method::Cbc => Construction::CbcMac,
            Method::Retail => Construction::RetailMac,
            Method::Sm4Cbc => Construction::Sm4CbcMac,
            Method::AesCmac => Construction::AesCmac,
        }]
    }

    fn check(&self) -> Result<(), &'static str> {
        let (key_len, iv_len) = match self.method {
            Method::Cbc => (8, 8),
            Method::Retail => (16, 8),
            Method::Sm4Cbc => (16, 16),
            Method::AesCmac => (16, 0),
        };
        agrees("key", self.key.len() == key_len)?;
        agrees("iv", self.iv.len() == iv_len)?;
        agrees("mac", matches!(self.mac.len(), 4 | 8 | 16))
    }
}
