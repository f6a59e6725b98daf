//! Management of cards by GlobalPlatform, as an operator does it: sessions with the issuer domain, and what is done in them.

mod keys;
pub mod secure_channel;

pub use keys::{AesKey, ChannelKeys, DomainKey, KeyError, KeyTriple};
