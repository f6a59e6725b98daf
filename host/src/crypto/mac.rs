//! Message authentication codes, the left 4 bytes kept: with DES and SM4 behind padding method 2, with AES by CMAC, which
//! pads itself.

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use onecard_wire::key::Algorithm;
use subtle::ConstantTimeEq;

use super::{
    cipher::{chain, one},
    cryptogram::Cryptogram,
    key::{DesKey, Key, LineKey},
    padding::{Block, WIDE_BLOCK_LEN, method_2, widened},
};

/// Bytes kept of a MAC.
pub const MAC_LEN: usize = 4;

/// MAC of ISO/IEC 9797-1 algorithm 1 with single DES: MAC1, MAC2, MAC3, TAC and RELOAD PIN (JR/T 0025.2), with IV 0; line
/// protection under an 8-byte key.
#[must_use]
pub fn cbc_mac(key: &DesKey, initial: Block, message: &[u8]) -> [u8; MAC_LEN] {
    left(&chain(&key.des(), initial, &method_2(message)))
}

impl Key {
    /// Line-protection MAC. Triple DES: ISO/IEC 9797-1 algorithm 3, the retail MAC, with the challenge as IV (FMCOS 2.0
    /// user manual p. 138). SM4 (own): algorithm 1, zeros behind the challenge. AES (own): CMAC, the same block in front
    /// of the message.
    #[must_use]
    pub fn line_mac(&self, challenge: Block, message: &[u8]) -> [u8; MAC_LEN] {
        match self.algorithm() {
            Algorithm::Des => left(&retail_mac(self, challenge, message)),
            Algorithm::Sm4 => left(&chain(&self.sm4(), widened(challenge), &method_2(message))),
            Algorithm::Aes => cmac(self, &[&widened(challenge), message]),
        }
    }

    /// Line-protection MAC of a command in a secured packet (profile §8): it starts from `place`, packet counter ‖ number of the
    /// command, enciphered by the key itself, zeros behind it for SM4 and AES.
    #[must_use]
    pub fn line_mac_over_the_air(&self, place: Block, message: &[u8]) -> [u8; MAC_LEN] {
        match (self.external_cryptogram(place), self.algorithm()) {
            (Cryptogram::Eight(initial), _) => left(&retail_mac(self, initial, message)),
            (Cryptogram::Sixteen(initial), Algorithm::Aes) => cmac(self, &[&initial, message]),
            (Cryptogram::Sixteen(initial), _) => left(&chain(&self.sm4(), initial, &method_2(message))),
        }
    }

    /// MAC of a TAC and of RELOAD PIN. Triple DES: algorithm 1 under the folded key (JR/T 0025.2). SM4 and AES (own): under
    /// the whole key, SM4 with IV 0.
    #[must_use]
    pub fn folded_mac(&self, message: &[u8]) -> [u8; MAC_LEN] {
        match self.algorithm() {
            Algorithm::Des => cbc_mac(&self.fold(), [0; 8], message),
            Algorithm::Sm4 => left(&chain(&self.sm4(), [0; WIDE_BLOCK_LEN], &method_2(message))),
            Algorithm::Aes => cmac(self, &[message]),
        }
    }
}

impl LineKey {
    /// Line-protection MAC: algorithm 1 with an 8-byte key, [`Key::line_mac`] with a longer one.
    #[must_use]
    pub fn mac(&self, challenge: Block, message: &[u8]) -> [u8; MAC_LEN] {
        match self {
            Self::Single(key) => cbc_mac(key, challenge, message),
            Self::Whole(key) => key.line_mac(challenge, message),
        }
    }
}

/// Compares in constant time: how long it takes says nothing about where two MACs differ.
#[must_use]
pub fn macs_equal(left: [u8; MAC_LEN], right: [u8; MAC_LEN]) -> bool {
    left.ct_eq(&right).into()
}

/// ISO/IEC 9797-1 algorithm 3 with padding method 2, whole.
pub(crate) fn retail_mac(key: &Key, initial: Block, message: &[u8]) -> Block {
    let blocks = method_2(message);
    // The whole chain under the left half, and the last block under both: encipher, decipher, encipher.
    let Some((last, before)) = blocks.split_last() else { return initial };
    let mut chained = chain(&key.left_half().des(), initial, before);
    for (byte, next) in chained.iter_mut().zip(last) {
        *byte ^= next;
    }
    one(&key.triple_des(), chained)
}

/// ISO/IEC 9797-1 algorithm 1 with triple DES and padding method 2, whole, from an initial block of zeros.
pub(crate) fn triple_des_mac(key: &Key, message: &[u8]) -> Block {
    chain(&key.triple_des(), [0; 8], &method_2(message))
}

/// CMAC of NIST SP 800-38B by an AES key over the parts as one message: its left bytes, at most 16.
pub(crate) fn cmac_left<const N: usize>(key: &Key, parts: &[&[u8]]) -> [u8; N] {
    let mut mac = Cmac::<Aes128>::new(key.expose().into());
    parts.iter().for_each(|part| mac.update(part));
    left(&mac.finalize().into_bytes())
}

fn cmac(key: &Key, parts: &[&[u8]]) -> [u8; MAC_LEN] {
    cmac_left(key, parts)
}

fn left<const N: usize>(block: &[u8]) -> [u8; N] {
    block.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
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
        assert_eq!(key.line_mac(hex!("5D72B3FD00000000"), &message), hex!("8A9D4ADB"));
    }

    #[test]
    fn cmac_of_the_rfc() {
        // RFC 4493 clause 4, examples 1 to 4, the left 4 bytes.
        let key = Key::new(Algorithm::Aes, hex!("2B7E151628AED2A6ABF7158809CF4F3C"));
        let message = hex!(
            "6BC1BEE22E409F96E93D7E117393172A AE2D8A571E03AC9C9EB76FAC45AF8E51
             30C81C46A35CE411E5FBC1191A0A52EF F69F2445DF4F9B17AD2B417BE66C3710"
        );
        let expected = [(0, hex!("BB1D6929")), (16, hex!("070A16B4")), (40, hex!("DFA66747")), (64, hex!("51F0BEBF"))];
        for (length, mac) in expected {
            assert_eq!(key.folded_mac(&message[..length]), mac, "{length}");
        }
        // With a challenge, its block is the first of the message.
        let behind_a_challenge = [&hex!("D0FE4FB9 00000000 0000000000000000")[..], &message].concat();
        assert_eq!(key.line_mac(hex!("D0FE4FB9 00000000"), &message), key.folded_mac(&behind_a_challenge));
    }

    #[test]
    fn an_sm4_mac_is_the_last_block_of_a_chain() {
        // GB/T 32907-2016, example 1: under this key this block enciphers to 681EDF34D206965E86B3E94F536E4246.
        let key = Key::new(Algorithm::Sm4, hex!("0123456789ABCDEFFEDCBA9876543210"));
        let block = hex!("0123456789ABCDEFFEDCBA9876543210");
        let mut last = hex!("681EDF34D206965E86B3E94F536E4246");
        last[0] ^= 0x80;
        assert_eq!(key.folded_mac(&block), key.encipher(&last)[..4]);
        // With a challenge, the chain starts from its block.
        let mut challenged = block;
        for (byte, challenge) in challenged.iter_mut().zip(hex!("D0FE4FB9 01020304")) {
            *byte ^= challenge;
        }
        assert_eq!(key.line_mac(hex!("D0FE4FB9 01020304"), &challenged), key.folded_mac(&block));
    }

    #[test]
    fn one_wrong_bit_is_seen() {
        assert!(macs_equal([1, 2, 3, 4], [1, 2, 3, 4]));
        assert!(!macs_equal([1, 2, 3, 4], [1, 2, 3, 5]));
        assert!(!macs_equal([1, 2, 3, 4], [0x81, 2, 3, 4]));
    }
}
