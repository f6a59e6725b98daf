//! AES with a key of any length, prepared once for a session.

use aes::{Aes128, Aes192, Aes256};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U16};
use cmac::{Cmac as CmacOf, Mac};

use crate::{crypto::padding::WideBlock, globalplatform::AesKey};

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

    /// CBC from `initial`, in place.
    pub(in crate::globalplatform) fn encipher_chained(&self, initial: WideBlock, blocks: &mut [WideBlock]) {
        // Which cipher it is, is asked once and not for each block.
        match self {
            Self::Of128(cipher) => encipher_chained(cipher, initial, blocks),
            Self::Of192(cipher) => encipher_chained(cipher, initial, blocks),
            Self::Of256(cipher) => encipher_chained(cipher, initial, blocks),
        }
    }

    /// The other way, in place.
    pub(super) fn decipher_chained(&self, initial: WideBlock, blocks: &mut [WideBlock]) {
        match self {
            Self::Of128(cipher) => decipher_chained(cipher, initial, blocks),
            Self::Of192(cipher) => decipher_chained(cipher, initial, blocks),
            Self::Of256(cipher) => decipher_chained(cipher, initial, blocks),
        }
    }
}

fn encipher_chained<C>(cipher: &C, initial: WideBlock, blocks: &mut [WideBlock])
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let mut chained = initial;
    for block in blocks {
        let mut next = xor(*block, chained).into();
        cipher.encrypt_block(&mut next);
        chained = next.into();
        *block = chained;
    }
}

fn decipher_chained<C>(cipher: &C, initial: WideBlock, blocks: &mut [WideBlock])
where
    C: BlockCipherDecrypt<BlockSize = U16>,
{
    let mut chained = initial;
    for block in blocks {
        let mut plain = (*block).into();
        cipher.decrypt_block(&mut plain);
        let enciphered = core::mem::replace(block, xor(plain.into(), chained));
        chained = enciphered;
    }
}

fn xor(left: WideBlock, right: WideBlock) -> WideBlock {
    (u128::from_ne_bytes(left) ^ u128::from_ne_bytes(right)).to_ne_bytes()
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
        fn mac<M: Mac + cmac::digest::FixedOutputReset<OutputSize = U16>>(mac: &mut M, parts: &[&[u8]]) -> WideBlock {
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
            let mut blocks = [expected];
            cipher.decipher_chained([0; 16], &mut blocks);
            assert_eq!(blocks, [plain]);
        }
    }

    #[test]
    fn a_chain_there_and_back() {
        let cipher = Aes::new(&AesKey::new(&[7; 24]).unwrap());
        let mut blocks = [[1; 16], [1; 16], [2; 16]];
        cipher.encipher_chained([9; 16], &mut blocks);
        assert_ne!(blocks[0], blocks[1]);
        cipher.decipher_chained([9; 16], &mut blocks);
        assert_eq!(blocks, [[1; 16], [1; 16], [2; 16]]);
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
