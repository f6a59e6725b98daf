//! The host's own constructions over the `des` crate's block ciphers, written from JR/T 0025.2 and the FMCOS 2.0 manual.

mod des;
mod key;
mod mac;
pub mod padding;
mod transaction;

pub use key::{DesKey, Key, KeyTextError, LineKey};
pub use mac::{MAC_LEN, cbc_mac, macs_equal, retail_mac};
pub use transaction::{SessionKey, TransactionTerms, load_tac, purchase_tac};
