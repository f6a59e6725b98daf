//! Commands wrapped one after another under given session keys.

use serde::Deserialize;

use super::session::Exchange;
use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// A chain of commands from the first of a session: the initial chaining value is zero and not enciphered, the counter of
/// SCP03 is 1.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// S-ENC.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_enc: [u8; 16],
    /// S-MAC, of SCP02 the C-MAC session key.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_mac: [u8; 16],
    /// 01 or 03.
    #[serde(deserialize_with = "hex_field::field")]
    pub level: u8,
    /// In order; there are no answers.
    pub exchange: Vec<Exchange>,
}

impl Body for Chain {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("session_enc", &self.session_enc), ("session_mac", &self.session_mac)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("level", matches!(self.level, 0x01 | 0x03))?;
        agrees("exchange", !self.exchange.is_empty())?;
        self.exchange.iter().try_for_each(Exchange::check)
    }
}
