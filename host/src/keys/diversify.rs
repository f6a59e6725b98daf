//! Diversification (JR/T 0025.2 annex; profile §4).

use crate::crypto::Key;

/// One level: `3DES(K, F) ‖ 3DES(K, ¬F)` for an 8-byte factor F; of SM4 and AES (own) one block over `F ‖ ¬F`. The derived
/// key has the key's cipher.
#[must_use]
pub fn diversify(key: &Key, factor: [u8; 8]) -> Key {
    let [a, b, c, d, e, f, g, h] = factor;
    let input = [a, b, c, d, e, f, g, h, !a, !b, !c, !d, !e, !f, !g, !h];
    Key::new(key.algorithm(), key.encipher_key_length(input))
}

/// One to three levels, in order: region or enterprise first, **card serial last**. (A SAM's commands carry the same
/// factors the other way round, serial first.)
#[must_use]
pub fn diversify_levels(key: &Key, factors: &[[u8; 8]]) -> Key {
    factors.iter().fold(key.clone(), |key, factor| diversify(&key, *factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn one_level_as_published() {
        // Published PSAM key derivation (CSDN, 2016).
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let derived = Key::from_bytes(hex!("496BD7A3513644533100B54E71196528"));
        assert_eq!(diversify(&key, hex!("1122334455667788")), derived);
        assert_eq!(diversify_levels(&key, &[hex!("1122334455667788")]), derived);
    }

    #[test]
    fn the_order_of_levels_matters() {
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let (first, second) = ([1; 8], [2; 8]);
        assert_eq!(diversify_levels(&key, &[first, second]), diversify(&diversify(&key, first), second));
        assert_ne!(diversify_levels(&key, &[first, second]), diversify_levels(&key, &[second, first]));
    }
}
