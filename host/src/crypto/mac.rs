//! Message authentication codes, always with padding method 2 and the left 4 bytes kept.

use subtle::ConstantTimeEq;

use super::{
    key::{DesKey, Key, LineKey},
    padding::{Block, method_2},
};

/// Bytes kept of a MAC.
pub const MAC_LEN: usize = 4;

/// MAC of ISO/IEC 9797-1 algorithm 1 with single DES: MAC1, MAC2, MAC3, TAC and RELOAD PIN (JR/T 0025.2), with IV 0; line
/// protection under an 8-byte key.
#[must_use]
pub fn cbc_mac(key: &DesKey, initial: Block, message: &[u8]) -> [u8; MAC_LEN] {
    left(key.chain(initial, &method_2(message)))
}

/// MAC of ISO/IEC 9797-1 algorithm 3 (the retail MAC): line protection under a 16-byte key (FMCOS 2.0 user manual p. 138).
#[must_use]
pub fn retail_mac(key: &Key, initial: Block, message: &[u8]) -> [u8; MAC_LEN] {
    let blocks = method_2(message);
    // The whole chain under the left half, and the last block under both: encipher, decipher, encipher.
    let Some((last, before)) = blocks.split_last() else { return [0; MAC_LEN] };
    let mut chained = key.left().chain(initial, before);
    for (byte, next) in chained.iter_mut().zip(last) {
        *byte ^= next;
    }
    left(key.encipher(chained))
}

impl LineKey {
    /// Line-protection MAC: algorithm 3 with a 16-byte key, algorithm 1 with an 8-byte key.
    #[must_use]
    pub fn mac(&self, initial: Block, message: &[u8]) -> [u8; MAC_LEN] {
        match self {
            Self::Single(key) => cbc_mac(key, initial, message),
            Self::Triple(key) => retail_mac(key, initial, message),
        }
    }
}

/// Compares in constant time: how long it takes says nothing about where two MACs differ.
#[must_use]
pub fn macs_equal(left: [u8; MAC_LEN], right: [u8; MAC_LEN]) -> bool {
    left.ct_eq(&right).into()
}

fn left([a, b, c, d, ..]: Block) -> [u8; MAC_LEN] {
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn internal_authentication_mac_of_the_manual() {
        // FMCOS 2.0 user manual p. 55, key type 32.
        let key = DesKey::from_bytes(hex!("1122334455667788"));
        assert_eq!(cbc_mac(&key, [0; 8], &hex!("0102030405060708")), hex!("A82A8CEB"));
    }

    #[test]
    fn retail_mac_of_a_loaded_sam_key() {
        // Published PSAM key load: unequal halves, challenge 5D72B3FD.
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let message = hex!("84D400001C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD");
        assert_eq!(retail_mac(&key, hex!("5D72B3FD00000000"), &message), hex!("8A9D4ADB"));
    }

    #[test]
    fn one_wrong_bit_is_seen() {
        assert!(macs_equal([1, 2, 3, 4], [1, 2, 3, 4]));
        assert!(!macs_equal([1, 2, 3, 4], [1, 2, 3, 5]));
        assert!(!macs_equal([1, 2, 3, 4], [0x81, 2, 3, 4]));
    }
}
