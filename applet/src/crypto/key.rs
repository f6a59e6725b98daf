//! A key and its cipher. The key's length decides: 8 bytes DES, 16 bytes two-key triple DES (FMCOS 2.0 user manual p. 48).

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use zeroize::ZeroizeOnDrop;

/// Block length of DES.
pub(crate) const BLOCK_LEN: usize = 8;
/// One block.
pub(crate) type Block = [u8; BLOCK_LEN];

/// A secret key, erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) enum Key {
    Des([u8; 8]),
    TripleDes([u8; 16]),
}

impl Key {
    /// From a key record's value; `None` for a length no key has.
    pub(crate) fn from_value(value: &[u8]) -> Option<Self> {
        if let Ok(key) = value.try_into() {
            return Some(Self::Des(key));
        }
        value.try_into().ok().map(Self::TripleDes)
    }

    /// Expands the key.
    pub(crate) fn cipher(&self) -> Cipher {
        match self {
            Self::Des(key) => Cipher::Des(Des::new(key.into())),
            Self::TripleDes(key) => Cipher::TripleDes(TdesEde2::new(key.into())),
        }
    }

    /// Left and right halves; an 8-byte key has no right one.
    pub(crate) fn halves(&self) -> (&[u8; 8], Option<&[u8; 8]>) {
        match self {
            Self::Des(key) => (key, None),
            Self::TripleDes(key) => match key.split_first_chunk::<8>() {
                Some((left, right)) => (left, right.first_chunk()),
                None => (&[0; 8], None),
            },
        }
    }
}

/// An expanded key.
pub(crate) enum Cipher {
    Des(Des),
    TripleDes(TdesEde2),
}

impl Cipher {
    /// Enciphers one block in place.
    pub(crate) fn encipher(&self, block: &mut Block) {
        match self {
            Self::Des(cipher) => cipher.encrypt_block(block.into()),
            Self::TripleDes(cipher) => cipher.encrypt_block(block.into()),
        }
    }

    /// Deciphers one block in place.
    pub(crate) fn decipher(&self, block: &mut Block) {
        match self {
            Self::Des(cipher) => cipher.decrypt_block(block.into()),
            Self::TripleDes(cipher) => cipher.decrypt_block(block.into()),
        }
    }

    /// Enciphers every whole block of `text` by itself (ECB).
    pub(crate) fn encipher_all(&self, text: &mut [u8]) {
        text.as_chunks_mut::<BLOCK_LEN>().0.iter_mut().for_each(|block| self.encipher(block));
    }

    /// Deciphers every whole block of `text` by itself (ECB).
    pub(crate) fn decipher_all(&self, text: &mut [u8]) {
        text.as_chunks_mut::<BLOCK_LEN>().0.iter_mut().for_each(|block| self.decipher(block));
    }
}
