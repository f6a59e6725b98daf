//! Block ciphers: DES and two-key triple DES (FIPS 46-3; JR/T 0025.2: encipher with left, decipher with right, encipher
//! with left), SM4 (GB/T 32907) and AES-128 (FIPS 197). Several blocks go in ECB.

use ::des::{Des, TdesEde2};
use aes::Aes128;
use cipher::{Block as CipherBlock, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use onecard_wire::key::Algorithm;
use sm4::Sm4;
use zeroize::Zeroizing;

use super::{
    cryptogram::Cryptogram,
    key::{DesKey, Key, LineKey},
    padding::{Block, PADDING, WIDE_BLOCK_LEN, WideBlock, joined, method_2_if_needed},
};

impl Key {
    /// Enciphers each block by itself, padded by method 2 only if it is not whole blocks of the key's cipher.
    #[must_use]
    pub fn encipher(&self, plain: &[u8]) -> Vec<u8> {
        match self.algorithm() {
            Algorithm::Des => encipher(&self.triple_des(), plain),
            Algorithm::Sm4 => encipher(&self.sm4(), plain),
            Algorithm::Aes => encipher(&self.aes(), plain),
        }
    }

    /// Deciphers each block by itself; `None` if it is not whole blocks of the key's cipher.
    #[must_use]
    pub fn decipher(&self, cipher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self.algorithm() {
            Algorithm::Des => decipher(&self.triple_des(), cipher),
            Algorithm::Sm4 => decipher(&self.sm4(), cipher),
            Algorithm::Aes => decipher(&self.aes(), cipher),
        }
    }

    /// EXTERNAL AUTHENTICATE: the challenge enciphered, of SM4 and AES (own) with zeros behind it.
    #[must_use]
    pub fn external_cryptogram(&self, challenge: Block) -> Cryptogram {
        self.cryptogram(challenge, [0; 8])
    }

    /// INTERNAL AUTHENTICATE, encipher: the random enciphered, of SM4 and AES (own) padded by method 2.
    #[must_use]
    pub fn internal_cryptogram(&self, random: Block) -> Cryptogram {
        self.cryptogram(random, PADDING)
    }

    fn cryptogram(&self, block: Block, behind: Block) -> Cryptogram {
        match self.algorithm() {
            Algorithm::Des => Cryptogram::Eight(one(&self.triple_des(), block)),
            Algorithm::Sm4 => Cryptogram::Sixteen(one(&self.sm4(), joined(block, behind))),
            Algorithm::Aes => Cryptogram::Sixteen(one(&self.aes(), joined(block, behind))),
        }
    }

    /// Two blocks of triple DES, one of SM4 or AES: as many bytes as a key has.
    pub(crate) fn encipher_key_length(&self, mut bytes: WideBlock) -> WideBlock {
        match self.algorithm() {
            Algorithm::Des => {
                let cipher = self.triple_des();
                for block in bytes.as_chunks_mut().0 {
                    *block = one(&cipher, *block);
                }
                bytes
            }
            Algorithm::Sm4 => one(&self.sm4(), bytes),
            Algorithm::Aes => one(&self.aes(), bytes),
        }
    }

    pub(super) fn triple_des(&self) -> TdesEde2 {
        TdesEde2::new(self.expose().into())
    }

    pub(super) fn sm4(&self) -> Sm4 {
        Sm4::new(self.expose().into())
    }

    fn aes(&self) -> Aes128 {
        Aes128::new(self.expose().into())
    }
}

impl DesKey {
    /// Enciphers each block by itself, padded by method 2 only if it is not whole blocks.
    #[must_use]
    pub fn encipher(&self, plain: &[u8]) -> Vec<u8> {
        encipher(&self.des(), plain)
    }

    /// Deciphers each block by itself; `None` if it is not whole blocks.
    #[must_use]
    pub fn decipher(&self, cipher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        decipher(&self.des(), cipher)
    }

    pub(super) fn des(&self) -> Des {
        Des::new(self.expose().into())
    }
}

impl LineKey {
    /// Enciphers each block by itself, padded by method 2 only if it is not whole blocks of the key's cipher.
    #[must_use]
    pub fn encipher(&self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Single(key) => key.encipher(plain),
            Self::Whole(key) => key.encipher(plain),
        }
    }

    /// Deciphers each block by itself; `None` if it is not whole blocks of the key's cipher.
    #[must_use]
    pub fn decipher(&self, cipher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Single(key) => key.decipher(cipher),
            Self::Whole(key) => key.decipher(cipher),
        }
    }

    /// EXTERNAL AUTHENTICATE: the challenge enciphered, of SM4 and AES (own) with zeros behind it.
    #[must_use]
    pub fn external_cryptogram(&self, challenge: Block) -> Cryptogram {
        match self {
            Self::Single(key) => Cryptogram::Eight(one(&key.des(), challenge)),
            Self::Whole(key) => key.external_cryptogram(challenge),
        }
    }

    /// INTERNAL AUTHENTICATE, encipher: the random enciphered, of SM4 and AES (own) padded by method 2.
    #[must_use]
    pub fn internal_cryptogram(&self, random: Block) -> Cryptogram {
        match self {
            Self::Single(key) => Cryptogram::Eight(one(&key.des(), random)),
            Self::Whole(key) => key.internal_cryptogram(random),
        }
    }

    /// Length of a block of the key's cipher in bytes.
    #[must_use]
    pub const fn block_len(&self) -> usize {
        match self {
            Self::Single(_) => Algorithm::Des.block_len(),
            Self::Whole(key) => key.algorithm().block_len(),
        }
    }
}

/// One block by an AES key.
pub(crate) fn aes_block(key: &Key, block: WideBlock) -> WideBlock {
    one(&key.aes(), block)
}

/// One block.
pub(super) fn one<C: BlockCipherEncrypt, const N: usize>(cipher: &C, block: [u8; N]) -> [u8; N]
where
    CipherBlock<C>: From<[u8; N]> + Into<[u8; N]>,
{
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

/// CBC over `blocks` from `initial`: the last cipher block (ISO/IEC 9797-1, the iteration of algorithms 1 and 3).
pub(super) fn chain<C: BlockCipherEncrypt, const N: usize>(cipher: &C, initial: [u8; N], blocks: &[[u8; N]]) -> [u8; N]
where
    CipherBlock<C>: From<[u8; N]> + Into<[u8; N]>,
{
    let mut chained = initial;
    for block in blocks {
        for (byte, next) in chained.iter_mut().zip(block) {
            *byte ^= next;
        }
        chained = one(cipher, chained);
    }
    chained
}

/// Triple DES of whole blocks, chained from a block of zeros (CBC).
pub(crate) fn encipher_chained(key: &Key, blocks: &[Block]) -> Zeroizing<Vec<u8>> {
    let cipher = key.triple_des();
    let mut chained = [0; 8];
    // Reserved at once: a growing buffer would leave copies of a secret behind.
    let mut enciphered = Zeroizing::new(Vec::with_capacity(blocks.len() * chained.len()));
    for block in blocks {
        chained = chain(&cipher, chained, &[*block]);
        enciphered.extend_from_slice(&chained);
    }
    enciphered
}

fn encipher<C: BlockCipherEncrypt, const N: usize>(cipher: &C, plain: &[u8]) -> Vec<u8>
where
    CipherBlock<C>: From<[u8; N]> + Into<[u8; N]>,
{
    method_2_if_needed(plain).iter().flat_map(|block| one(cipher, *block)).collect()
}

fn decipher<C: BlockCipherDecrypt, const N: usize>(cipher: &C, enciphered: &[u8]) -> Option<Zeroizing<Vec<u8>>>
where
    CipherBlock<C>: From<[u8; N]> + Into<[u8; N]>,
{
    let (blocks, rest) = enciphered.as_chunks();
    let plain = blocks.iter().flat_map(|block| {
        let mut block = (*block).into();
        cipher.decrypt_block(&mut block);
        block.into()
    });
    rest.is_empty().then(|| Zeroizing::new(plain.collect()))
}

// A key of this profile is a block of SM4 and of AES, and two of triple DES.
const _: () = assert!(Key::LEN == WIDE_BLOCK_LEN);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use hex_literal::hex;

    #[test]
    fn external_authentication_of_the_manual() {
        // FMCOS 2.0 user manual p. 52.
        let key = DesKey::from_bytes(hex!("0102030405060708"));
        assert_eq!(key.encipher(&hex!("BB83BFF300000000")), hex!("74B0047DD681D96C"));
        assert_eq!(key.decipher(&hex!("74B0047DD681D96C")).unwrap()[..], hex!("BB83BFF300000000"));
    }

    #[test]
    fn decipher_undoes_encipher_with_unequal_halves() {
        let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
        let cipher = key.encipher(&hex!("4E06654800008000"));
        // Session key of the published load by "robur".
        assert_eq!(cipher, hex!("3B75C79CFA8C2327"));
        assert_eq!(key.decipher(&cipher).unwrap()[..], hex!("4E06654800008000"));
    }

    #[test]
    fn aes_of_the_standard() {
        // FIPS 197, appendix C.1.
        let key = Key::new(Algorithm::Aes, hex!("000102030405060708090A0B0C0D0E0F"));
        let (plain, cipher) = (hex!("00112233445566778899AABBCCDDEEFF"), hex!("69C4E0D86A7B0430D8CDB78070B4C55A"));
        assert_eq!(key.encipher(&plain), cipher);
        assert_eq!(key.encipher_key_length(plain), cipher);
        assert_eq!(key.decipher(&cipher).unwrap()[..], plain);
    }

    #[test]
    fn sm4_of_the_standard() {
        // GB/T 32907-2016, example 1.
        let key = Key::new(Algorithm::Sm4, hex!("0123456789ABCDEFFEDCBA9876543210"));
        let (plain, cipher) = (hex!("0123456789ABCDEFFEDCBA9876543210"), hex!("681EDF34D206965E86B3E94F536E4246"));
        assert_eq!(key.encipher(&plain), cipher);
        assert_eq!(key.encipher_key_length(plain), cipher);
        assert_eq!(key.decipher(&cipher).unwrap()[..], plain);
    }

    #[test]
    fn a_challenge_fills_one_block() {
        let challenge = hex!("A3BBCFC8 00000000");
        for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
            let key = Key::new(algorithm, hex!("3F3F3F3F3F3F3F3F1122334455667788"));
            let length = algorithm.block_len();
            let behind = |padding: [u8; 8]| key.encipher(&[challenge, padding].concat()[..length]);
            assert_eq!(key.external_cryptogram(challenge).as_bytes(), behind([0; 8]));
            // INTERNAL AUTHENTICATE pads otherwise, so that its answer to 8 bytes is no cryptogram of these.
            assert_eq!(key.internal_cryptogram(challenge).as_bytes(), behind(hex!("8000000000000000")));
            assert_eq!(key.internal_cryptogram(challenge).as_bytes(), key.encipher(&challenge));
            assert_eq!(key.decipher(&[0; 15]), None);
        }
    }
}
