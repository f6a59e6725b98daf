//! Key sets over the air, and their ciphers.

use onecard_wire::{
    key::{Algorithm, KeyVersion},
    ota::{CHECKSUM_LEN, algorithm},
};

use super::security::SetVersion;
use crate::{
    crypto::{Aes, Cmac, Key, TripleDes, padding::WIDE_BLOCK_LEN},
    globalplatform::{AesKey, DomainKey},
    keys::{MissingKey, Purpose, RootKeys},
};

/// A key set of an issuer domain over the air: keys 01, 02 and 03 of a version from 01 to 0F.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtaKeySet {
    version: SetVersion,
    kic: DomainKey,
    kid: DomainKey,
    kik: DomainKey,
}

/// A key set's ciphers, made ready once for many packets. They are erased on drop.
#[derive(Clone)]
pub struct PacketKeys {
    pub(super) version: SetVersion,
    pub(super) kic: PacketCipher,
    pub(super) kid: ChecksumCipher,
}

/// KIc, ready.
#[derive(Clone)]
pub(super) enum PacketCipher {
    TripleDes(TripleDes),
    Aes(Aes),
}

/// KID, ready.
#[derive(Clone)]
pub(super) enum ChecksumCipher {
    TripleDes(TripleDes),
    Aes(Cmac),
}

/// A key that is none over the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("keys over the air are of AES or triple DES: make a new set")]
pub struct NotOverTheAir;

impl OtaKeySet {
    /// The set of `version` with KIc, KID and KIK.
    ///
    /// # Errors
    /// [`NotOverTheAir`].
    pub fn new(version: SetVersion, [kic, kid, kik]: [DomainKey; 3]) -> Result<Self, NotOverTheAir> {
        let fits = |key: &DomainKey| match key {
            DomainKey::TripleDes(key) => key.algorithm() == Algorithm::Des,
            DomainKey::TripleDes3(_) | DomainKey::Aes(_) => true,
        };
        if [&kic, &kid, &kik].into_iter().all(fits) { Ok(Self { version, kic, kid, kik }) } else { Err(NotOverTheAir) }
    }

    /// One chip's set out of an operator's roots, by the chip's number: AES if `aes`, else triple DES of two keys.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn of_chip(
        roots: &RootKeys,
        root_version: KeyVersion,
        (chip, version): ([u8; 8], SetVersion),
        aes: bool,
    ) -> Result<Self, MissingKey> {
        let chip = roots.chip(chip);
        let key = |purpose| -> Result<DomainKey, MissingKey> {
            let key = chip.keys().key(purpose, root_version)?;
            let missing = |_| MissingKey { purpose, version: root_version };
            Ok(if aes {
                DomainKey::Aes(AesKey::new(key.expose()).map_err(missing)?)
            } else {
                DomainKey::TripleDes(Key::from_bytes(*key.expose()))
            })
        };
        let [kic, kid, kik] = [key(Purpose::OtaKic)?, key(Purpose::OtaKid)?, key(Purpose::OtaKik)?];
        Ok(Self { version, kic, kid, kik })
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> SetVersion {
        self.version
    }

    /// KIK, which keys travel under.
    #[must_use]
    pub const fn kik(&self) -> &DomainKey {
        &self.kik
    }
}

impl PacketKeys {
    /// Makes the ciphers of KIc and KID ready.
    #[must_use]
    pub fn new(keys: &OtaKeySet) -> Self {
        Self { version: keys.version, kic: PacketCipher::new(&keys.kic), kid: ChecksumCipher::new(&keys.kid) }
    }

    /// Version of the set.
    #[must_use]
    pub const fn version(&self) -> SetVersion {
        self.version
    }

    /// Length in bytes of the blocks that a packet is enciphered in.
    #[must_use]
    pub const fn block_len(&self) -> usize {
        self.kic.block_len()
    }
}

impl core::fmt::Debug for PacketKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PacketKeys(set {:02X})", self.version.0)
    }
}

impl PacketCipher {
    fn new(key: &DomainKey) -> Self {
        match key {
            DomainKey::TripleDes(key) => Self::TripleDes(TripleDes::of_two(key)),
            DomainKey::TripleDes3(key) => Self::TripleDes(TripleDes::of_three(key)),
            DomainKey::Aes(key) => Self::Aes(Aes::new(key)),
        }
    }

    /// The low half of KIc.
    pub(super) const fn algorithm(&self) -> u8 {
        match self {
            Self::TripleDes(cipher) => algorithm_of(cipher),
            Self::Aes(_) => algorithm::AES,
        }
    }

    pub(super) const fn block_len(&self) -> usize {
        match self {
            Self::TripleDes(_) => 8,
            Self::Aes(_) => WIDE_BLOCK_LEN,
        }
    }

    /// CBC from zeros over whole blocks, in place; bytes behind the last whole block stay as they are.
    pub(super) fn encipher(&self, bytes: &mut [u8]) {
        match self {
            Self::TripleDes(cipher) => cipher.encipher_chained(bytes.as_chunks_mut().0),
            Self::Aes(cipher) => cipher.encipher_chained([0; WIDE_BLOCK_LEN], bytes.as_chunks_mut().0),
        }
    }

    /// The other way.
    pub(super) fn decipher(&self, bytes: &mut [u8]) {
        match self {
            Self::TripleDes(cipher) => cipher.decipher_chained(bytes.as_chunks_mut().0),
            Self::Aes(cipher) => cipher.decipher_chained([0; WIDE_BLOCK_LEN], bytes.as_chunks_mut().0),
        }
    }
}

impl ChecksumCipher {
    fn new(key: &DomainKey) -> Self {
        match key {
            DomainKey::TripleDes(key) => Self::TripleDes(TripleDes::of_two(key)),
            DomainKey::TripleDes3(key) => Self::TripleDes(TripleDes::of_three(key)),
            DomainKey::Aes(key) => Self::Aes(Cmac::new(key)),
        }
    }

    /// The low half of KID.
    pub(super) const fn algorithm(&self) -> u8 {
        match self {
            Self::TripleDes(cipher) => algorithm_of(cipher),
            Self::Aes(_) => algorithm::AES,
        }
    }

    /// The checksum of the parts as one message.
    pub(super) fn checksum(&self, parts: &[&[u8]]) -> [u8; CHECKSUM_LEN] {
        match self {
            Self::TripleDes(cipher) => cipher.mac(parts),
            Self::Aes(cmac) => {
                let [a, b, c, d, e, f, g, h, ..] = cmac.of(parts);
                [a, b, c, d, e, f, g, h]
            }
        }
    }
}

const fn algorithm_of(cipher: &TripleDes) -> u8 {
    match cipher {
        TripleDes::Two(_) => algorithm::TRIPLE_DES_2,
        TripleDes::Three(_) => algorithm::TRIPLE_DES_3,
    }
}
