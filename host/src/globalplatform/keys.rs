//! Keys of domains: erased on drop, never printed, compared in constant time.

use core::fmt;

use onecard_wire::{
    globalplatform::{KeyKind, secure_channel::ProtocolId},
    key::Algorithm,
};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    crypto::{Aes, Key, TripleDes, TripleLengthKey},
    keys::CheckValue,
};

/// An AES key of 16, 24 or 32 bytes.
#[derive(Clone, ZeroizeOnDrop)]
pub struct AesKey {
    bytes: [u8; Self::MAX_LEN],
    #[zeroize(skip)]
    len: usize,
}

/// A key of a domain's key set, with its cipher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DomainKey {
    /// Two-key triple DES, of SCP02 and over the air.
    TripleDes(Key),
    /// Three-key triple DES, over the air alone.
    TripleDes3(TripleLengthKey),
    /// AES, of SCP03 and over the air.
    Aes(AesKey),
}

/// The three static keys of a secure channel, and the version of their set. Version 0 is whichever set the card takes by
/// itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelKeys {
    /// Version of the key set.
    pub version: u8,
    pub(super) suite: Suite,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Suite {
    Scp02(KeyTriple<Key>),
    Scp03(KeyTriple<AesKey>),
}

/// ENC, MAC and DEK, in the order of their ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyTriple<K> {
    /// Key-ENC: enciphers and authenticates.
    pub enc: K,
    /// Key-MAC.
    pub mac: K,
    /// Key-DEK: enciphers keys on their way to the card.
    pub dek: K,
}

/// Not a key set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// No AES key has this length, in bytes.
    #[error("a key of {0} bytes is none of AES: 16, 24 or 32 bytes, twice as many hexadecimal digits")]
    AesLength(usize),
    /// The three keys are of different lengths.
    #[error("the three keys of a set are of one length: make a new set")]
    Lengths,
    /// A key of another cipher than triple DES.
    #[error("the keys of SCP02 are of triple DES: use those of SCP03, or make a new set")]
    NotTripleDes,
}

impl AesKey {
    /// Longest, in bytes.
    pub const MAX_LEN: usize = 32;

    /// From 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::AesLength`].
    pub fn new(value: &[u8]) -> Result<Self, KeyError> {
        if !matches!(value.len(), 16 | 24 | 32) {
            return Err(KeyError::AesLength(value.len()));
        }
        let mut key = Self { bytes: [0; Self::MAX_LEN], len: value.len() };
        for (to, from) in key.bytes.iter_mut().zip(value) {
            *to = *from;
        }
        Ok(key)
    }

    /// From 32, 48 or 64 hex digits.
    ///
    /// # Errors
    /// [`KeyError::AesLength`], also if it is not hexadecimal: the text is not repeated, it may be most of a key.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let bytes = hex::decode(text).map(Zeroizing::new);
        bytes.map_err(|_| KeyError::AesLength(text.len() / 2)).and_then(|bytes| Self::new(&bytes))
    }

    /// Its bytes, for PUT KEY or a key file.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.split_at_checked(self.len).map_or(&[], |(key, _)| key)
    }
}

impl DomainKey {
    /// Its type in PUT KEY.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::TripleDes(_) | Self::TripleDes3(_) => KeyKind::DES,
            Self::Aes(_) => KeyKind::AES,
        }
    }

    /// Its bytes, for PUT KEY or a key file.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::TripleDes(key) => key.expose(),
            Self::TripleDes3(key) => key.expose(),
            Self::Aes(key) => key.expose(),
        }
    }

    /// What shows that the card has got it: the zero block, of AES 16 bytes 01, enciphered, 3 bytes of it (11.8.2.3,
    /// amendment D 7.2).
    #[must_use]
    pub fn check_value(&self) -> CheckValue {
        match self {
            Self::TripleDes(key) => CheckValue::of(key),
            Self::TripleDes3(key) => {
                let [a, b, c, ..] = TripleDes::of_three(key).enciphered([0; 8]);
                CheckValue([a, b, c])
            }
            Self::Aes(key) => {
                let [a, b, c, ..] = Aes::new(key).enciphered([0x01; 16]);
                CheckValue([a, b, c])
            }
        }
    }
}

impl ChannelKeys {
    /// The keys of SCP02.
    ///
    /// # Errors
    /// [`KeyError::NotTripleDes`].
    pub fn scp02(version: u8, keys: KeyTriple<Key>) -> Result<Self, KeyError> {
        let des = [&keys.enc, &keys.mac, &keys.dek].into_iter().all(|key| key.algorithm() == Algorithm::Des);
        if des { Ok(Self { version, suite: Suite::Scp02(keys) }) } else { Err(KeyError::NotTripleDes) }
    }

    /// The keys of SCP03.
    ///
    /// # Errors
    /// [`KeyError::Lengths`]: a set's keys are of one length (amendment D, 6.2.1).
    pub fn scp03(version: u8, keys: KeyTriple<AesKey>) -> Result<Self, KeyError> {
        let same = keys.enc.len == keys.mac.len && keys.enc.len == keys.dek.len;
        if same { Ok(Self { version, suite: Suite::Scp03(keys) }) } else { Err(KeyError::Lengths) }
    }

    /// The same keys, as the set of another version.
    #[must_use]
    pub fn with_version(self, version: u8) -> Self {
        Self { version, ..self }
    }

    /// The protocol they are for.
    #[must_use]
    pub const fn protocol(&self) -> ProtocolId {
        match self.suite {
            Suite::Scp02(_) => ProtocolId::SCP02,
            Suite::Scp03(_) => ProtocolId::SCP03,
        }
    }

    /// The three keys, ENC, MAC and DEK, as PUT KEY sends them.
    #[must_use]
    pub fn to_domain_keys(&self) -> [DomainKey; 3] {
        match &self.suite {
            Suite::Scp02(keys) => [&keys.enc, &keys.mac, &keys.dek].map(|key| DomainKey::TripleDes(key.clone())),
            Suite::Scp03(keys) => [&keys.enc, &keys.mac, &keys.dek].map(|key| DomainKey::Aes(key.clone())),
        }
    }
}

impl PartialEq for AesKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for AesKey {}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AesKey({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_neither_printed_nor_repeated_in_an_error() {
        let text = "000102030405060708090a0b0c0d0e0f0001020304050607";
        let key = AesKey::from_hex(text).unwrap();
        assert_eq!(format!("{key:?} {:?}", DomainKey::Aes(key.clone())), "AesKey(24 bytes) Aes(AesKey(24 bytes))");
        assert_eq!(hex::encode(key.expose()), text);
        assert_eq!(AesKey::from_hex(&text[2..]), Err(KeyError::AesLength(23)));
        assert_eq!(AesKey::from_hex(&text.replace('a', "x")), Err(KeyError::AesLength(24)));
        assert_ne!(key, AesKey::from_hex(&text.replace("0f", "0e")).unwrap());
        assert_ne!(key, AesKey::from_hex(&text[..32]).unwrap());
    }

    #[test]
    fn a_set_is_of_one_cipher_and_length() {
        let [short, long] = [16, 32].map(|len| AesKey::new(&vec![7; len]).unwrap());
        let triple = |dek: &AesKey| KeyTriple { enc: short.clone(), mac: short.clone(), dek: dek.clone() };
        assert_eq!(ChannelKeys::scp03(0x30, triple(&long)), Err(KeyError::Lengths));
        assert_eq!(ChannelKeys::scp03(0x30, triple(&short)).unwrap().protocol(), ProtocolId::SCP03);
        let aes = Key::new(Algorithm::Aes, [7; 16]);
        let keys = KeyTriple { enc: Key::from_bytes([7; 16]), mac: Key::from_bytes([7; 16]), dek: aes };
        assert_eq!(ChannelKeys::scp02(0x20, keys), Err(KeyError::NotTripleDes));
    }
}
