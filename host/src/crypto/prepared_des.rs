//! Triple DES with two or three keys, prepared once for many messages.

use ::des::{TdesEde2, TdesEde3};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U8};

use super::{
    key::{Key, TripleLengthKey},
    padding::Block,
};

/// A prepared cipher.
#[derive(Clone)]
pub(crate) enum TripleDes {
    Two(TdesEde2),
    Three(TdesEde3),
}

impl TripleDes {
    pub(crate) fn of_two(key: &Key) -> Self {
        Self::Two(key.triple_des())
    }

    pub(crate) fn of_three(key: &TripleLengthKey) -> Self {
        Self::Three(TdesEde3::new(key.expose().into()))
    }

    /// One block.
    pub(crate) fn enciphered(&self, block: Block) -> Block {
        let mut blocks = [block];
        self.encipher_chained(&mut blocks);
        let [block] = blocks;
        block
    }

    /// CBC from zeros, in place.
    pub(crate) fn encipher_chained(&self, blocks: &mut [Block]) {
        match self {
            Self::Two(cipher) => encipher_chained(cipher, blocks),
            Self::Three(cipher) => encipher_chained(cipher, blocks),
        }
    }

    /// The other way, in place.
    pub(crate) fn decipher_chained(&self, blocks: &mut [Block]) {
        match self {
            Self::Two(cipher) => decipher_chained(cipher, blocks),
            Self::Three(cipher) => decipher_chained(cipher, blocks),
        }
    }

    /// The last block of a CBC from zeros over the parts as one message, filled up with zeros (ETSI TS 102 225 clause 5.1.3).
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Block {
        match self {
            Self::Two(cipher) => mac(cipher, parts),
            Self::Three(cipher) => mac(cipher, parts),
        }
    }
}

fn encipher_chained<C: BlockCipherEncrypt<BlockSize = U8>>(cipher: &C, blocks: &mut [Block]) {
    let mut chained = [0; 8];
    for block in blocks {
        chained = enciphered(cipher, xor(*block, chained));
        *block = chained;
    }
}

fn decipher_chained<C: BlockCipherDecrypt<BlockSize = U8>>(cipher: &C, blocks: &mut [Block]) {
    let mut chained = [0; 8];
    for block in blocks {
        let mut plain = (*block).into();
        cipher.decrypt_block(&mut plain);
        chained = core::mem::replace(block, xor(plain.into(), chained));
    }
}

fn mac<C: BlockCipherEncrypt<BlockSize = U8>>(cipher: &C, parts: &[&[u8]]) -> Block {
    let (mut state, mut filled) = ([0; 8], 0);
    for byte in parts.iter().flat_map(|part| part.iter()) {
        if filled == state.len() {
            state = enciphered(cipher, state);
            filled = 0;
        }
        if let Some(place) = state.get_mut(filled) {
            *place ^= byte;
        }
        filled += 1;
    }
    enciphered(cipher, state)
}

fn enciphered<C: BlockCipherEncrypt<BlockSize = U8>>(cipher: &C, block: Block) -> Block {
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

fn xor(left: Block, right: Block) -> Block {
    (u64::from_ne_bytes(left) ^ u64::from_ne_bytes(right)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn three_keys_of_the_standard() {
        // NIST SP 800-67 (TECB of FIPS 46-3 examples): three different keys, three blocks by themselves.
        let key = TripleLengthKey::from_bytes(hex!("0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123"));
        let cipher = TripleDes::of_three(&key);
        for (plain, expected) in [
            (hex!("5468652071756663"), hex!("A826FD8CE53B855F")),
            (hex!("6B2062726F776E20"), hex!("CCE21C8112256FE6")),
            (hex!("666F78206A756D70"), hex!("68D5C05DD9B6B900")),
        ] {
            assert_eq!(cipher.enciphered(plain), expected);
            let mut blocks = [expected];
            cipher.decipher_chained(&mut blocks);
            assert_eq!(blocks, [plain]);
        }
    }

    #[test]
    fn a_mac_is_the_last_block_of_the_chain_however_the_message_is_divided() {
        let cipher = TripleDes::of_two(&Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF")));
        let message = [7_u8; 21];
        let mut blocks = [[7; 8], [7; 8], [7, 7, 7, 7, 7, 0, 0, 0]];
        cipher.encipher_chained(&mut blocks);
        for at in 0..=message.len() {
            let (left, right) = message.split_at(at);
            assert_eq!(cipher.mac(&[left, right]), blocks[2], "{at}");
        }
        cipher.decipher_chained(&mut blocks);
        assert_eq!(blocks.as_flattened().get(..21), Some(&message[..]));
    }
}
