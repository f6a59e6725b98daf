//! AES with a key of any length, prepared once for many messages.

use aes::{Aes128, Aes192, Aes256};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U16};
use zeroize::Zeroizing;

use super::padding::{WIDE_BLOCK_LEN, WideBlock};
use crate::globalplatform::AesKey;

/// A prepared cipher.
#[derive(Clone)]
pub(crate) enum Aes {
    Of128(Aes128),
    Of192(Aes192),
    Of256(Aes256),
}

/// A prepared CMAC (NIST SP 800-38B). Its blocks go straight to the cipher: the streaming one of the `cmac` crate, which keeps back
/// a block and erases its buffer for each message, costs a quarter of an exchange.
#[derive(Clone)]
pub(crate) struct Cmac {
    cipher: Aes,
    /// K1, for a message of whole blocks, and K2, for any other (clause 6.1).
    subkeys: [Zeroizing<WideBlock>; 2],
}

impl Aes {
    pub(crate) fn new(key: &AesKey) -> Self {
        let value = key.expose();
        match (value.first_chunk::<32>(), value.first_chunk::<24>(), value.first_chunk::<16>()) {
            (Some(key), ..) => Self::Of256(Aes256::new(key.into())),
            (None, Some(key), _) => Self::Of192(Aes192::new(key.into())),
            (None, None, key) => Self::Of128(Aes128::new(key.unwrap_or(&[0; 16]).into())),
        }
    }

    /// One block.
    pub(crate) fn enciphered(&self, block: WideBlock) -> WideBlock {
        match self {
            Self::Of128(cipher) => enciphered(cipher, block),
            Self::Of192(cipher) => enciphered(cipher, block),
            Self::Of256(cipher) => enciphered(cipher, block),
        }
    }

    /// CBC from `initial`, in place.
    pub(crate) fn encipher_chained(&self, initial: WideBlock, blocks: &mut [WideBlock]) {
        // Which cipher it is, is asked once and not for each block.
        match self {
            Self::Of128(cipher) => encipher_chained(cipher, initial, blocks),
            Self::Of192(cipher) => encipher_chained(cipher, initial, blocks),
            Self::Of256(cipher) => encipher_chained(cipher, initial, blocks),
        }
    }

    /// The other way, in place.
    pub(crate) fn decipher_chained(&self, initial: WideBlock, blocks: &mut [WideBlock]) {
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
        chained = enciphered(cipher, xor(*block, chained));
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
    pub(crate) fn new(key: &AesKey) -> Self {
        let cipher = Aes::new(key);
        let first = doubled(&Zeroizing::new(cipher.enciphered([0; WIDE_BLOCK_LEN])));
        let second = doubled(&first);
        Self { cipher, subkeys: [first, second] }
    }

    /// The MAC of the parts as one message.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> WideBlock {
        match &self.cipher {
            Aes::Of128(cipher) => cmac(cipher, &self.subkeys, parts),
            Aes::Of192(cipher) => cmac(cipher, &self.subkeys, parts),
            Aes::Of256(cipher) => cmac(cipher, &self.subkeys, parts),
        }
    }
}

/// Clause 6.2. The last block, whole or not, is the one that the subkey goes into.
fn cmac<C>(cipher: &C, [whole, padded]: &[Zeroizing<WideBlock>; 2], parts: &[&[u8]]) -> WideBlock
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let (mut state, mut filled) = ([0; WIDE_BLOCK_LEN], 0);
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            if filled == WIDE_BLOCK_LEN {
                state = enciphered(cipher, state);
                filled = 0;
            }
            let (block, taken) = match rest.first_chunk() {
                Some(block) if filled == 0 => (*block, WIDE_BLOCK_LEN),
                _ => placed(rest, filled),
            };
            state = xor(state, block);
            filled += taken;
            rest = rest.get(taken..).unwrap_or_default();
        }
    }
    if filled == WIDE_BLOCK_LEN {
        return enciphered(cipher, xor(state, **whole));
    }
    let (end, _) = placed(&[0x80], filled);
    enciphered(cipher, xor(xor(state, end), **padded))
}

/// As much of `bytes` as fits behind `filled` bytes, in its place among zeros, and how much that is.
fn placed(bytes: &[u8], filled: usize) -> (WideBlock, usize) {
    let free = WIDE_BLOCK_LEN - filled.min(WIDE_BLOCK_LEN);
    let taken = bytes.len().min(free);
    // In a register: bytes stored one by one are slow to load as a block.
    let value = bytes.iter().take(taken).fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    let behind = u32::try_from(8 * (free - taken)).unwrap_or(u128::BITS);
    (value.checked_shl(behind).unwrap_or(0).to_be_bytes(), taken)
}

/// Times x in GF(2^128), in the time of any other block.
fn doubled(block: &WideBlock) -> Zeroizing<WideBlock> {
    let value = u128::from_be_bytes(*block);
    let carry = (value >> 127).wrapping_neg() & 0x87;
    Zeroizing::new((value << 1 ^ carry).to_be_bytes())
}

fn enciphered<C>(cipher: &C, block: WideBlock) -> WideBlock
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    block.into()
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
            let cmac = Cmac::new(&AesKey::new(key).unwrap());
            assert_eq!(cmac.of(&[]), empty);
            assert_eq!(cmac.of(&[left, right]), one);
            assert_eq!(cmac.of(&[]), empty, "nothing is left of the last message");
        }
    }

    #[test]
    fn cmac_of_a_message_however_it_is_divided() {
        // NIST SP 800-38B, examples of AES-128: 16, 40 and 64 bytes.
        let message = hex!(
            "6BC1BEE22E409F96E93D7E117393172A AE2D8A571E03AC9C9EB76FAC45AF8E51"
            "30C81C46A35CE411E5FBC1191A0A52EF F69F2445DF4F9B17AD2B417BE66C3710"
        );
        let cmac = Cmac::new(&AesKey::new(&hex!("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap());
        for (len, expected) in [
            (16, hex!("070A16B46B4D4144F79BDD9DD04A287C")),
            (40, hex!("DFA66747DE9AE63030CA32611497C827")),
            (64, hex!("51F0BEBF7E3B9D92FC49741779363CFE")),
        ] {
            for first in 0..=len {
                for second in first..=len {
                    let parts = [&message[..first], &message[first..second], &message[second..len]];
                    assert_eq!(cmac.of(&parts), expected, "{len} bytes divided at {first} and {second}");
                }
            }
        }
    }
}
