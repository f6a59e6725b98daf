//! Keys and the MACs of the card's side. Every construction names its source; the host's are written apart from these.

mod domain_key;
mod key;
mod key_wrap;
mod mac;

pub(crate) use domain_key::{CHECK_VALUE_LEN, DOMAIN_KEY_LEN_MAX, DomainKey};
pub(crate) use key::{BLOCK_LEN_MAX, Key};
pub(crate) use key_wrap::{unwrap, wrap};
pub(crate) use mac::{
    InitialBlock, TransactionKey, ZERO_BLOCK, chain, close_line_mac, cmac, line_mac, pad, retail_mac, whole_cmac,
};

use subtle::ConstantTimeEq;

/// Compares in constant time.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
