//! Keys and the MACs of the card's side. Every construction names its source; the host's are written apart from these.

mod key;
mod mac;

pub(crate) use key::{BLOCK_LEN, Block, Key};
pub(crate) use mac::{CbcMac, close_line_mac, fold, line_mac, pad, transaction_mac};

use subtle::ConstantTimeEq;

/// Compares in constant time.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
