//! Management of cards by GlobalPlatform, as an operator does it: sessions with the issuer domain, and what is done in them.
//!
//! [`select_domain`], then [`secure_channel::open`], then any function of [`management`] in that session. What GET DATA
//! tells needs no session: [`InClear`].

mod aid;
mod card_data;
mod domain;
mod key_source;
mod keys;
pub mod management;
pub mod secure_channel;
mod template;
#[cfg(test)]
mod tests;

pub use aid::{Aid, AidError, Named};
pub use card_data::{CardRecognition, KeyInformation, ProductionData};
pub use domain::{InClear, Link, SelectDomainError, SelectedDomain, select_domain};
pub use key_source::{KeySource, OperatorsKeys};
pub use keys::{AesKey, ChannelKeys, DomainKey, KeyError, KeyTriple};
