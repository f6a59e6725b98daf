//! Keys: erased on drop, never printed, compared in constant time.

use core::fmt;

use onecard_wire::key::Algorithm;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A key of 16 bytes and the cipher it is for. It is never used with another: what derives from it has its cipher too.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Key {
    #[zeroize(skip)]
    algorithm: Algorithm,
    bytes: [u8; 16],
}

/// A single DES key: a blank card's transport key, a session key, a folded TAC key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DesKey([u8; 8]);

/// A triple DES key of three different parts, 24 bytes: over the air alone (ETSI TS 102 225 clause 5.1.2).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TripleLengthKey([u8; 24]);

/// A key that protects commands: 8 bytes are DES (FMCOS 2.0 user manual p. 48), 16 bytes know their cipher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineKey {
    /// 8 bytes.
    Single(DesKey),
    /// 16 bytes.
    Whole(Key),
}

impl Key {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// A two-key triple DES key from its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self::new(Algorithm::Des, bytes)
    }

    /// A key of `algorithm` from its 16 bytes.
    #[must_use]
    pub const fn new(algorithm: Algorithm, bytes: [u8; Self::LEN]) -> Self {
        Self { algorithm, bytes }
    }

    /// A key of `algorithm` from 32 hex digits.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Result<Self, KeyTextError> {
        let mut key = Self::new(algorithm, [0; Self::LEN]);
        hex::decode_to_slice(text, &mut key.bytes).map_err(|_| KeyTextError)?;
        Ok(key)
    }

    /// The cipher it is for; of 16 bytes, DES is triple DES.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The 16 bytes, for a WRITE KEY body or a key file.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.bytes
    }

    /// The 16 bytes in hex digits, for a key file.
    #[must_use]
    pub fn expose_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.bytes))
    }

    /// Left half XOR right half: the key of a triple DES TAC and RELOAD PIN (JR/T 0025.2).
    pub(super) fn fold(&self) -> DesKey {
        let (left, right) = self.bytes.split_at(8);
        let mut folded = DesKey([0; 8]);
        for ((to, left), right) in folded.0.iter_mut().zip(left).zip(right) {
            *to = left ^ right;
        }
        folded
    }

    /// The first 8 bytes as a DES key: the inner cipher of the retail MAC.
    pub(crate) fn left_half(&self) -> DesKey {
        let mut half = DesKey([0; 8]);
        half.0.copy_from_slice(self.bytes.split_at(8).0);
        half
    }
}

impl DesKey {
    /// Length in bytes.
    pub const LEN: usize = 8;
    /// 39 id 00 in the MF of a card as sold (FM1208: eight FF).
    pub const TRANSPORT: Self = Self([0xFF; Self::LEN]);

    /// From its 8 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl TripleLengthKey {
    /// Length in bytes.
    pub const LEN: usize = 24;

    /// From its 24 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// From 48 hex digits.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn from_hex(text: &str) -> Result<Self, KeyTextError> {
        let mut key = Self([0; Self::LEN]);
        hex::decode_to_slice(text, &mut key.0).map_err(|_| KeyTextError)?;
        Ok(key)
    }

    /// The 24 bytes, for PUT KEY.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl From<Key> for LineKey {
    fn from(key: Key) -> Self {
        Self::Whole(key)
    }
}

impl From<DesKey> for LineKey {
    fn from(key: DesKey) -> Self {
        Self::Single(key)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.bytes.ct_eq(&other.bytes).into()
    }
}

impl PartialEq for DesKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl PartialEq for TripleLengthKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

macro_rules! secret {
    ($($name:ident),*) => {$(
        impl Eq for $name {}
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
secret!(Key, DesKey, TripleLengthKey);

/// Not a key in hex digits. The text is not repeated: it may be most of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key is 32 hexadecimal digits, one of three-key triple DES 48")]
pub struct KeyTextError;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_neither_printed_nor_repeated_in_an_error() {
        let of_hex = |text| Key::from_hex(Algorithm::Des, text);
        let key = of_hex("00112233445566778899aabbccddeeff").unwrap();
        assert_eq!(format!("{key:?} {:?}", LineKey::from(DesKey::TRANSPORT)), "Key(..) Single(DesKey(..))");
        assert_eq!(key.fold().expose(), &[0x88; 8]);
        assert_eq!(key.expose_hex().as_str(), "00112233445566778899aabbccddeeff");
        assert_eq!(of_hex("00112233445566778899aabbccddee"), Err(KeyTextError));
        assert_ne!(key, of_hex("00112233445566778899aabbccddeefe").unwrap());
        assert_ne!(key, Key::new(Algorithm::Aes, *key.expose()));
    }
}
