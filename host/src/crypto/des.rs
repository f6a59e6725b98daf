//! DES and two-key triple DES in ECB (FIPS 46-3; JR/T 0025.2: encipher with left, decipher with right, encipher with left).

use ::des::{Des, TdesEde2};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::{
    key::{DesKey, Key, LineKey},
    padding::Block,
};

impl Key {
    /// Enciphers one block.
    #[must_use]
    pub fn encipher(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(self.expose().into()).encrypt_block(&mut block);
        block.into()
    }

    /// Deciphers one block.
    #[must_use]
    pub fn decipher(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(self.expose().into()).decrypt_block(&mut block);
        block.into()
    }
}

impl DesKey {
    /// Enciphers one block.
    #[must_use]
    pub fn encipher(&self, block: Block) -> Block {
        let mut block = block.into();
        Des::new(self.expose().into()).encrypt_block(&mut block);
        block.into()
    }

    /// Deciphers one block.
    #[must_use]
    pub fn decipher(&self, block: Block) -> Block {
        let mut block = block.into();
        Des::new(self.expose().into()).decrypt_block(&mut block);
        block.into()
    }

    /// CBC over `blocks` from `initial`: the last cipher block (ISO/IEC 9797-1, the iteration of algorithms 1 and 3).
    pub(super) fn chain(&self, initial: Block, blocks: &[Block]) -> Block {
        let cipher = Des::new(self.expose().into());
        let mut chained = initial;
        for block in blocks {
            for (byte, next) in chained.iter_mut().zip(block) {
                *byte ^= next;
            }
            let mut output = chained.into();
            cipher.encrypt_block(&mut output);
            chained = output.into();
        }
        chained
    }
}

impl LineKey {
    /// Enciphers one block.
    #[must_use]
    pub fn encipher(&self, block: Block) -> Block {
        match self {
            Self::Single(key) => key.encipher(block),
            Self::Triple(key) => key.encipher(block),
        }
    }

    /// Deciphers one block.
    #[must_use]
    pub fn decipher(&self, block: Block) -> Block {
        match self {
            Self::Single(key) => key.decipher(block),
            Self::Triple(key) => key.decipher(block),
        }
    }

    /// Enciphers each block by itself (ECB).
    #[must_use]
    pub fn encipher_blocks(&self, blocks: &[Block]) -> Vec<u8> {
        blocks.iter().flat_map(|block| self.encipher(*block)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn external_authentication_of_the_manual() {
        // FMCOS 2.0 user manual p. 52.
        let key = DesKey::from_bytes(hex!("0102030405060708"));
        assert_eq!(key.encipher(hex!("BB83BFF300000000")), hex!("74B0047DD681D96C"));
        assert_eq!(key.decipher(hex!("74B0047DD681D96C")), hex!("BB83BFF300000000"));
    }

    #[test]
    fn decipher_undoes_encipher_with_unequal_halves() {
        let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
        let cipher = key.encipher(hex!("4E06654800008000"));
        // Session key of the published load by "robur".
        assert_eq!(cipher, hex!("3B75C79CFA8C2327"));
        assert_eq!(key.decipher(cipher), hex!("4E06654800008000"));
    }
}
