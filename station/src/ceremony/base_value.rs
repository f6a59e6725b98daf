//! What the components give together, and the roots that come from it.

use core::fmt;

use aes::Aes256;
use cmac::{Cmac, KeyInit, Mac};
use onecard_host::{
    crypto::Key,
    keys::{CheckValue, Purpose, RootKeys},
};
use onecard_wire::key::{Algorithm, AlgorithmId, KeyVersion};
use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::component::{Component, all_equal, check_value_of};

/// The base value (基值) of a ceremony, 32 bytes, never shown and never stored. Roots come from it one-way: no root tells
/// another, nor the base value (spec 17.2).
#[derive(ZeroizeOnDrop)]
pub struct BaseValue([u8; Component::LEN]);

/// Components that give no base value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WeakBaseValue {
    /// All bytes are one and the same.
    #[error("together the components give one byte repeated: make new ones, each by its holder alone")]
    Repeated,
    /// A triple DES root with equal halves would be single DES.
    #[error("the triple DES root for {0:?} would have equal halves: make new components")]
    SingleDes(Purpose),
}

/// Label of the derivation.
const LABEL: &[u8] = b"onecard root";
/// Length of a root in bits.
const ROOT_BITS: u32 = 128;

impl BaseValue {
    /// A new one from `random`, to be dealt out.
    #[must_use]
    pub fn draw(random: &mut impl CryptoRng) -> Self {
        let mut value = Self([0; Component::LEN]);
        random.fill_bytes(&mut value.0);
        value
    }

    pub(super) const fn new(value: [u8; Component::LEN]) -> Self {
        Self(value)
    }

    pub(super) const fn expose(&self) -> &[u8; Component::LEN] {
        &self.0
    }

    /// First three bytes of AES-256 under the base value of 16 bytes 01.
    #[must_use]
    pub fn check_value(&self) -> CheckValue {
        check_value_of(&self.0, [0x01; 16])
    }

    /// The root of a purpose and version: SP 800-108 in counter mode, one block of CMAC under AES-256 (spec 17.2.2).
    #[must_use]
    pub fn root(&self, purpose: Purpose, version: KeyVersion, algorithm: Algorithm) -> Key {
        let name = purpose.to_string();
        let mut mac = <Cmac<Aes256> as KeyInit>::new((&self.0).into());
        for part in [
            &1_u32.to_be_bytes(),
            LABEL,
            &[0x00],
            name.as_bytes(),
            &[0x00, version.0, AlgorithmId::of(algorithm).0],
            &ROOT_BITS.to_be_bytes(),
        ] {
            mac.update(part);
        }
        let root = Zeroizing::new(<[u8; Key::LEN]>::from(mac.finalize().into_bytes()));
        Key::new(algorithm, *root)
    }

    /// The root of every purpose, for the cipher that is chosen, or that of its protocol.
    ///
    /// # Errors
    /// [`WeakBaseValue`].
    pub fn roots(&self, version: KeyVersion, chosen: Algorithm) -> Result<RootKeys, WeakBaseValue> {
        if all_equal(&self.0) {
            return Err(WeakBaseValue::Repeated);
        }
        let roots = RootKeys::of_each(version, |_| chosen, |purpose, algorithm| self.root(purpose, version, algorithm));
        let single = roots.keys().names().find(|(purpose, version)| {
            roots.keys().key(*purpose, *version).is_ok_and(|key| {
                let (left, right) = key.expose().split_at(8);
                key.algorithm() == Algorithm::Des && bool::from(subtle::ConstantTimeEq::ct_eq(left, right))
            })
        });
        single.map_or(Ok(roots), |(purpose, _)| Err(WeakBaseValue::SingleDes(purpose)))
    }
}

impl fmt::Debug for BaseValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseValue(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;

    const BASE: BaseValue = BaseValue(hex!("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"));

    #[test]
    fn roots_as_another_implementation_derives_them() {
        // OpenSSL 3.0: openssl kdf -keylen 16 -kdfopt mac:CMAC -kdfopt cipher:AES-256-CBC -kdfopt mode:counter
        // -kdfopt hexkey:00…1F -kdfopt salt:"onecard root" -kdfopt hexinfo:(name 00 version algorithm) KBKDF
        let control = BASE.root(Purpose::Control, KeyVersion(1), Algorithm::Des);
        assert_eq!(control, Key::from_bytes(hex!("8E36DDAF1041EB143BEA7D6C80EA0091")));
        let load = BASE.root(Purpose::LoadForAir, KeyVersion(2), Algorithm::Aes);
        assert_eq!(load, Key::new(Algorithm::Aes, hex!("5E833CCD9C7407F3A3F08CB2AED1EB01")));
    }

    #[test]
    fn every_root_is_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for (version, algorithm) in [(1, Algorithm::Des), (2, Algorithm::Des), (1, Algorithm::Sm4), (1, Algorithm::Aes)]
        {
            for purpose in Purpose::ALL {
                assert!(seen.insert(*BASE.root(purpose, KeyVersion(version), algorithm).expose()));
            }
        }
        let roots = BASE.roots(KeyVersion(1), Algorithm::Sm4).unwrap();
        assert_eq!(roots.keys().names().count(), Purpose::ALL.len());
        // A protocol's keys keep its cipher.
        assert_eq!(roots.keys().key(Purpose::Scp02Mac, KeyVersion(1)).unwrap().algorithm(), Algorithm::Des);
    }

    #[test]
    fn a_weak_base_value_is_refused() {
        for byte in [0x00, 0xFF] {
            let weak = BaseValue([byte; 32]).roots(KeyVersion(1), Algorithm::Des);
            assert_eq!(weak.unwrap_err(), WeakBaseValue::Repeated);
        }
        assert_eq!(format!("{BASE:?}"), "BaseValue(..)");
    }
}
