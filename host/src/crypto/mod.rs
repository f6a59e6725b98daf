//! The host's own constructions over published block ciphers, written from JR/T 0025.2, the FMCOS 2.0 manual and, for SM4
//! and AES, profile §3.2.

mod cipher;
mod cryptogram;
mod key;
mod mac;
pub mod padding;
mod prepared_aes;
mod prepared_des;
mod transaction;

pub(crate) use cipher::{aes_block, encipher_chained};
pub use cryptogram::Cryptogram;
pub use key::{DesKey, Key, KeyTextError, LineKey, TripleLengthKey};
pub use mac::{MAC_LEN, cbc_mac, macs_equal};
pub(crate) use mac::{cmac_left, retail_mac, triple_des_mac};
pub(crate) use prepared_aes::{Aes, Cmac};
pub(crate) use prepared_des::TripleDes;
pub use transaction::{SessionKey, TransactionTerms, load_tac, purchase_tac, update_tac};
