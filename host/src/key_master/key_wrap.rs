//! AES key wrap (RFC 3394 clause 2.2.1; NIST SP 800-38F, KW). The host wraps and never unwraps: what a key master card gives
//! away it gives to another one.

use zeroize::Zeroizing;

use crate::crypto::{Key, aes_block};

/// A64 of clause 2.2.3.1.
const INITIAL: u64 = 0xA6A6_A6A6_A6A6_A6A6;

/// `data`, whole blocks of 8 bytes, wrapped by an AES key: 8 bytes more.
pub(super) fn wrapped(key: &Key, data: &[u8]) -> Vec<u8> {
    let mut registers = Zeroizing::new(data.as_chunks::<8>().0.to_vec());
    let mut integrity = INITIAL;
    let mut count = 0_u64;
    for _ in 0..6 {
        for register in registers.iter_mut() {
            count += 1;
            let joined = u128::from(integrity) << 64 | u128::from(u64::from_be_bytes(*register));
            let block = u128::from_be_bytes(aes_block(key, joined.to_be_bytes()));
            let [a, b, c, d, e, f, g, h, right @ ..] = block.to_be_bytes();
            integrity = u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ count;
            *register = right;
        }
    }
    [&integrity.to_be_bytes(), registers.as_flattened()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use onecard_wire::key::Algorithm;

    #[test]
    fn vectors_of_the_standard() {
        // RFC 3394 clause 4.1.
        let key = Key::new(Algorithm::Aes, hex!("000102030405060708090A0B0C0D0E0F"));
        let expected = hex!("1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5");
        assert_eq!(wrapped(&key, &hex!("00112233445566778899AABBCCDDEEFF")), expected);
    }
}
