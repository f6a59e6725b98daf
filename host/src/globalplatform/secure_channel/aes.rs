//! AES with a key of any length, prepared once for a session.

use aes::{Aes128, Aes192, Aes256};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac as CmacOf, Mac};
use zeroize::Zeroizing;

use crate::{
    crypto::padding::{WIDE_BLOCK_LEN, WideBlock},
    globalplatform::AesKey,
};

/// A prepared cipher.
#[derive(Clone)]
pub(in crate::globalplatform) enum Aes {
    Of128(Aes128),
    Of192(Aes192),
    Of256(Aes256),
}

/// A prepared CMAC (NIST SP 800-38B).
#[derive(Clone)]
pub(super) enum Cmac {
    Of128(CmacOf<Aes128>),
    Of192(CmacOf<Aes192>),
    Of256(CmacOf<Aes256>),
}

impl Aes {
    pub(in crate::globalplatform) fn new(key: &AesKey) -> Self {
        let value = key.expose();
        match (value.first_chunk::<32>(), value.first_chunk::<24>(), value.first_chunk::<16>()) {
            (Some(key), ..) => Self::Of256(Aes256::new(key.into())),
            (None, Some(key), _) => Self::Of192(Aes192::new(key.into())),
            (None, None, key) => Self::Of128(Aes128::new(key.unwrap_or(&[0; 16]).into())),
        }
    }

    /// One block.
    pub(in crate::globalplatform) fn enciphered(&self, block: WideBlock) -> WideBlock {
        let mut block = block.into();
        match self {
            Self::Of128(cipher) => cipher.encrypt_block(&mut block),
            Self::Of192(cipher) => cipher.encrypt_block(&mut block),
            Self::Of256(cipher) => cipher.encrypt_block(&mut block),
        }
        block.into()
    }

    fn deciphered(&self, block: WideBlock) -> WideBlock {
        let mut block = block.into();
        match self {
            Self::Of128(cipher) => cipher.decrypt_block(&mut block),
            Self::Of192(cipher) => cipher.decrypt_block(&mut block),
            Self::Of256(cipher) => cipher.decrypt_block(&mut block),
        }
        block.into()
    }

    /// CBC from `initial`, in place.
    pub(in crate::globalplatform) fn encipher_chained(&self, initial: WideBlock, blocks: &mut [WideBlock]) {
        let mut chained = initial;
        for block in blocks {
            for (byte, before) in block.iter_mut().zip(chained) {
                *byte ^= before;
            }
            chained = self.enciphered(*block);
            *block = chained;
        }
    }

    /// The other way; `None` if it is not whole blocks.
    pub(super) fn decipher_chained(&self, initial: WideBlock, enciphered: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (blocks, []) = enciphered.as_chunks::<WIDE_BLOCK_LEN>() else { return None };
        let mut plain = Zeroizing::new(Vec::with_capacity(enciphered.len()));
        let mut chained = initial;
        for block in blocks {
            let mut deciphered = self.deciphered(*block);
            for (byte, before) in deciphered.iter_mut().zip(chained) {
                *byte ^= before;
            }
            plain.extend_from_slice(&deciphered);
            chained = *block;
        }
        Some(plain)
    }
}

impl Cmac {
    pub(super) fn new(key: &AesKey) -> Self {
        let value = key.expose();
        match (value.first_chunk::<32>(), value.first_chunk::<24>(), value.first_chunk::<16>()) {
            (Some(key), ..) => Self::Of256(KeyInit::new(key.into())),
            (None, Some(key), _) => Self::Of192(KeyInit::new(key.into())),
            (None, None, key) => Self::Of128(KeyInit::new(key.unwrap_or(&[0; 16]).into())),
        }
    }

    /// The MAC of the parts as one message.
    pub(super) fn of(&mut self, parts: &[&[u8]]) -> WideBlock {
        fn mac<M: Mac + cmac::digest::FixedOutputReset<OutputSize = cipher::consts::U16>>(
            mac: &mut M,
            parts: &[&[u8]],
        ) -> WideBlock {
            parts.iter().for_each(|part| Mac::update(mac, part));
            Mac::finalize_reset(mac).into_bytes().into()
        }
        match self {
            Self::Of128(cmac) => mac(cmac, parts),
            Self::Of192(cmac) => mac(cmac, parts),
            Self::Of256(cmac) => mac(cmac, parts),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use hex_literal::hex;

    #[test]
    fn every_length_of_the_standard() {
        // FIPS 197 appendix C.
        let key = hex!("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        let plain = hex!("00112233445566778899AABBCCDDEEFF");
        for (len, expected) in [
            (16, hex!("69C4E0D86A7B0430D8CDB78070B4C55A")),
            (24, hex!("DDA97CA4864CDFE06EAF70A0EC0D7191")),
            (32, hex!("8EA2B7CA516745BFEAFC49904B496089")),
        ] {
            let cipher = Aes::new(&AesKey::new(&key[..len]).unwrap());
            assert_eq!(cipher.enciphered(plain), expected);
            assert_eq!(cipher.deciphered(expected), plain);
        }
    }

    #[test]
    fn a_chain_there_and_back() {
        let cipher = Aes::new(&AesKey::new(&[7; 24]).unwrap());
        let mut blocks = [[1; 16], [1; 16], [2; 16]];
        cipher.encipher_chained([9; 16], &mut blocks);
        assert_ne!(blocks[0], blocks[1]);
        let plain = cipher.decipher_chained([9; 16], blocks.as_flattened()).unwrap();
        assert_eq!(plain[..], *[[1; 16], [1; 16], [2; 16]].as_flattened());
        assert_eq!(cipher.decipher_chained([9; 16], &[0; 17]), None);
    }

    #[test]
    fn cmac_with_the_longer_keys() {
        // NIST SP 800-38B, examples of AES-192 and AES-256: the empty message, and 16 bytes in two parts.
        let message = hex!("6BC1BEE22E409F96E93D7E117393172A");
        let (left, right) = message.split_at(5);
        for (key, empty, one) in [
            (
                &hex!("8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B")[..],
                hex!("D17DDF46ADAACDE531CAC483DE7A9367"),
                hex!("9E99A7BF31E710900662F65E617C5184"),
            ),
            (
                &hex!("603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4")[..],
                hex!("028962F61B7BF89EFC6B551F4667D983"),
                hex!("28A7023F452E8F82BD4BF28D8C37C35C"),
            ),
        ] {
            let mut cmac = Cmac::new(&AesKey::new(key).unwrap());
            assert_eq!(cmac.of(&[]), empty);
            assert_eq!(cmac.of(&[left, right]), one);
            assert_eq!(cmac.of(&[]), empty, "nothing is left of the last message");
        }
    }
}
