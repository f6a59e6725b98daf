//! A key and its cipher. DES goes by the key's length: 8 bytes DES, 16 bytes two-key triple DES (FMCOS 2.0 user manual
//! p. 48). SM4 (GB/T 32907) and AES-128 (FIPS 197) are this profile's own and have 16-byte keys and blocks.

use aes::Aes128;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use onecard_wire::key::Algorithm;
use sm4::Sm4;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Block length of SM4 and AES; that of DES is half of it.
pub(crate) const BLOCK_LEN_MAX: usize = 16;

/// A secret key, erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) enum Key {
    Des([u8; 8]),
    TripleDes([u8; 16]),
    Sm4([u8; 16]),
    Aes([u8; 16]),
}

impl Key {
    /// From a key record's value; `None` for a length that no key of `algorithm` has.
    pub(crate) fn from_value(algorithm: Algorithm, value: &[u8]) -> Option<Self> {
        let key = match algorithm {
            Algorithm::Des => value.try_into().map(Self::Des).or_else(|_| value.try_into().map(Self::TripleDes)),
            Algorithm::Sm4 => value.try_into().map(Self::Sm4),
            Algorithm::Aes => value.try_into().map(Self::Aes),
        };
        key.ok()
    }

    /// Its value.
    pub(crate) const fn value(&self) -> &[u8] {
        match self {
            Self::Des(key) => key,
            Self::TripleDes(key) | Self::Sm4(key) | Self::Aes(key) => key,
        }
    }

    /// Whether keys of `algorithm` have this length in bytes.
    pub(crate) const fn has_len(algorithm: Algorithm, length: usize) -> bool {
        match algorithm {
            Algorithm::Des => matches!(length, 8 | 16),
            Algorithm::Sm4 | Algorithm::Aes => length == 16,
        }
    }

    /// The card's key of this master key: the factor and its complement enciphered, `3DES(K, F) ‖ 3DES(K, ¬F)`; for SM4 and
    /// AES they are one block.
    pub(crate) fn diversified(&self, factor: &[u8; 8]) -> Self {
        let mut derived = Zeroizing::new([0; 16]);
        for (to, from) in derived.iter_mut().zip(factor.iter().copied().chain(factor.map(|byte| !byte))) {
            *to = from;
        }
        self.cipher().encipher_all(&mut *derived);
        match self {
            Self::Des(_) | Self::TripleDes(_) => Self::TripleDes(*derived),
            Self::Sm4(_) => Self::Sm4(*derived),
            Self::Aes(_) => Self::Aes(*derived),
        }
    }

    /// Key check value (profile §4): a block of zeros, for AES of 01, enciphered, the first 3 bytes.
    pub(crate) fn check_value(&self) -> [u8; 3] {
        let filling = if matches!(self, Self::Aes(_)) { 0x01 } else { 0x00 };
        let mut block = [filling; BLOCK_LEN_MAX];
        self.cipher().encipher_all(block.get_mut(..self.block_len()).unwrap_or_default());
        let [a, b, c, ..] = block;
        [a, b, c]
    }

    /// Block length in bytes.
    pub(crate) const fn block_len(&self) -> usize {
        match self {
            Self::Des(_) | Self::TripleDes(_) => Algorithm::Des.block_len(),
            Self::Sm4(_) | Self::Aes(_) => BLOCK_LEN_MAX,
        }
    }

    /// Expands the key.
    pub(crate) fn cipher(&self) -> Cipher {
        match self {
            Self::Des(key) => Cipher::Des(Des::new(key.into())),
            Self::TripleDes(key) => Cipher::TripleDes(TdesEde2::new(key.into())),
            Self::Sm4(key) => Cipher::Sm4(Sm4::new(key.into())),
            Self::Aes(key) => Cipher::Aes(Aes128::new(key.into())),
        }
    }
}

/// Left and right halves of a two-key triple DES key.
pub(super) const fn halves(key: [u8; 16]) -> ([u8; 8], [u8; 8]) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = key;
    ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p])
}

/// What DES takes of a long block.
pub(super) const fn first_half(block: [u8; 16]) -> [u8; 8] {
    halves(block).0
}

/// An expanded key.
#[allow(clippy::large_enum_variant, reason = "no heap; it lives for one command")]
pub(crate) enum Cipher {
    Des(Des),
    TripleDes(TdesEde2),
    Sm4(Sm4),
    Aes(Aes128),
}

impl Cipher {
    /// Enciphers every whole block of `text` by itself (ECB).
    pub(crate) fn encipher_all(&self, text: &mut [u8]) {
        match self {
            Self::Des(cipher) => each_block::<8>(text, |block| cipher.encrypt_block(block.into())),
            Self::TripleDes(cipher) => each_block::<8>(text, |block| cipher.encrypt_block(block.into())),
            Self::Sm4(cipher) => each_block::<16>(text, |block| cipher.encrypt_block(block.into())),
            Self::Aes(cipher) => each_block::<16>(text, |block| cipher.encrypt_block(block.into())),
        }
    }

    /// Deciphers every whole block of `text` by itself (ECB).
    pub(crate) fn decipher_all(&self, text: &mut [u8]) {
        match self {
            Self::Des(cipher) => each_block::<8>(text, |block| cipher.decrypt_block(block.into())),
            Self::TripleDes(cipher) => each_block::<8>(text, |block| cipher.decrypt_block(block.into())),
            Self::Sm4(cipher) => each_block::<16>(text, |block| cipher.decrypt_block(block.into())),
            Self::Aes(cipher) => each_block::<16>(text, |block| cipher.decrypt_block(block.into())),
        }
    }
}

fn each_block<const N: usize>(text: &mut [u8], of: impl FnMut(&mut [u8; N])) {
    text.as_chunks_mut::<N>().0.iter_mut().for_each(of);
}
