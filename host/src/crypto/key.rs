//! Keys: erased on drop, never printed, compared in constant time.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A two-key triple DES key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 16]);

/// A single DES key: a blank card's transport key, a session key, a folded TAC key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DesKey([u8; 8]);

/// A key that protects commands: its length decides between DES and triple DES (FMCOS 2.0 user manual p. 48).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineKey {
    /// 8 bytes.
    Single(DesKey),
    /// 16 bytes.
    Triple(Key),
}

impl Key {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// From its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for a WRITE KEY body or a key file.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Left half XOR right half: the key of a TAC and of RELOAD PIN (JR/T 0025.2).
    #[must_use]
    pub fn fold(&self) -> DesKey {
        let (left, right) = self.0.split_at(8);
        let mut folded = DesKey([0; 8]);
        for ((to, left), right) in folded.0.iter_mut().zip(left).zip(right) {
            *to = left ^ right;
        }
        folded
    }

    /// The first 8 bytes as a DES key: the inner cipher of the retail MAC.
    pub(super) fn left(&self) -> DesKey {
        let mut half = DesKey([0; 8]);
        half.0.copy_from_slice(self.0.split_at(8).0);
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

impl From<Key> for LineKey {
    fn from(key: Key) -> Self {
        Self::Triple(key)
    }
}

impl From<DesKey> for LineKey {
    fn from(key: DesKey) -> Self {
        Self::Single(key)
    }
}

macro_rules! secret {
    ($($name:ident),*) => {$(
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }
        impl Eq for $name {}
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
secret!(Key, DesKey);

/// Not a key in hex digits. The text is not repeated: it may be most of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key is 32 hexadecimal digits")]
pub struct KeyTextError;

impl FromStr for Key {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let mut key = Self([0; Self::LEN]);
        hex::decode_to_slice(text, &mut key.0).map_err(|_| KeyTextError)?;
        Ok(key)
    }
}

impl Serialize for Key {
    /// 32 hex digits. Only a key file named as such may hold them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = zeroize::Zeroizing::new([0; Self::LEN * 2]);
        let digits = hex::encode_to_slice(self.0, &mut *text).ok().and_then(|()| core::str::from_utf8(&*text).ok());
        serializer.serialize_str(digits.unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_neither_printed_nor_repeated_in_an_error() {
        let key: Key = "00112233445566778899aabbccddeeff".parse().unwrap();
        assert_eq!(format!("{key:?} {:?}", LineKey::from(DesKey::TRANSPORT)), "Key(..) Single(DesKey(..))");
        assert_eq!(key.fold().expose(), &[0x88; 8]);
        assert_eq!("00112233445566778899aabbccddee".parse::<Key>(), Err(KeyTextError));
        assert_ne!(key, "00112233445566778899aabbccddeefe".parse().unwrap());
    }
}
