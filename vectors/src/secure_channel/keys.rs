//! Session keys, challenges, and sensitive data.

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// The keys of a session, as far as they are published.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SessionKeys {
    /// S-ENC.
    pub enc: Option<Vec<u8>>,
    /// S-MAC, of SCP02 the C-MAC session key.
    pub mac: Option<Vec<u8>>,
    /// S-RMAC.
    pub rmac: Option<Vec<u8>>,
    /// Session DEK of SCP02.
    pub dek: Option<Vec<u8>>,
}

/// Session keys of SCP02 (annex E.4.1).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scp02Keys {
    /// Static Key-ENC.
    #[serde(deserialize_with = "hex_field::field")]
    pub enc: [u8; 16],
    /// Static Key-MAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 16],
    /// Static Key-DEK.
    #[serde(deserialize_with = "hex_field::field")]
    pub dek: [u8; 16],
    /// The sequence counter.
    #[serde(deserialize_with = "hex_field::field")]
    pub sequence: [u8; 2],
    /// S-ENC.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_enc: Vec<u8>,
    /// The C-MAC session key.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_mac: Option<Vec<u8>>,
    /// The R-MAC session key.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_rmac: Option<Vec<u8>>,
    /// The session DEK.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_dek: Option<Vec<u8>>,
}

impl Body for Scp02Keys {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("enc", &self.enc), ("mac", &self.mac), ("dek", &self.dek)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }
}

/// Session keys of SCP03 (amendment D, 6.2.1), and the cryptograms by them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scp03Keys {
    /// Static Key-ENC.
    #[serde(deserialize_with = "hex_field::field")]
    pub enc: Vec<u8>,
    /// Static Key-MAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: Vec<u8>,
    /// Static Key-DEK.
    #[serde(deserialize_with = "hex_field::field")]
    pub dek: Vec<u8>,
    /// Host challenge ‖ card challenge.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenges: Vec<u8>,
    /// S-ENC.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_enc: Vec<u8>,
    /// S-MAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_mac: Vec<u8>,
    /// S-RMAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_rmac: Vec<u8>,
    /// The card's cryptogram.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub card_cryptogram: Option<Vec<u8>>,
    /// The host's cryptogram.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub host_cryptogram: Option<Vec<u8>>,
}

impl Body for Scp03Keys {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        Vec::new()
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("enc", &self.enc), ("mac", &self.mac), ("dek", &self.dek)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("challenges", matches!(self.challenges.len(), 16 | 32))?;
        agrees("session_enc", self.session_enc.len() == self.enc.len())
    }
}

/// A pseudo-random card challenge: i 55 of SCP02 (annex E.4.2.3), i 70 of SCP03 (amendment D, 6.2.2.1).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardChallenge {
    /// SCP03: the static Key-ENC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub enc: Option<Vec<u8>>,
    /// SCP02: the static Key-MAC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub mac: Option<[u8; 16]>,
    /// The sequence counter: 2 bytes of SCP02, 3 of SCP03.
    #[serde(deserialize_with = "hex_field::field")]
    pub sequence: Vec<u8>,
    /// AID of the security domain.
    #[serde(deserialize_with = "hex_field::field")]
    pub domain: Vec<u8>,
    /// 6 bytes of SCP02, 8 or 16 of SCP03.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenge: Vec<u8>,
}

impl Body for CardChallenge {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        self.mac.iter().map(|key| ("mac", key.as_slice())).collect()
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        self.enc.iter().map(|key| ("enc", key.as_slice())).collect()
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        match (self.sequence.len(), &self.mac, &self.enc) {
            (2, Some(_), None) => agrees("challenge", self.challenge.len() == 6),
            (3, None, Some(_)) => agrees("challenge", matches!(self.challenge.len(), 8 | 16)),
            _ => Err("sequence"),
        }
    }
}

/// Data enciphered under the DEK: of SCP02 the session's, in blocks by themselves (annex E.4.7); of SCP03 the static one,
/// chained from zeros (amendment D, 6.2.8).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitiveData {
    /// The static Key-DEK.
    #[serde(deserialize_with = "hex_field::field")]
    pub dek: Vec<u8>,
    /// SCP02: the sequence counter.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub sequence: Option<[u8; 2]>,
    /// Whole blocks.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// As many.
    #[serde(deserialize_with = "hex_field::field")]
    pub cipher: Vec<u8>,
}

impl Body for SensitiveData {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        self.sequence.iter().map(|_| ("dek", self.dek.as_slice())).collect()
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        if self.sequence.is_some() { Vec::new() } else { vec![("dek", &self.dek)] }
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("cipher", self.plain.len() == self.cipher.len() && self.plain.len().is_multiple_of(8))
    }
}

/// SCP03's data derivation (amendment D, 4.1.5): the counter mode of NIST SP 800-108 with CMAC.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// 16, 24 or 32 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// The derivation constant.
    #[serde(deserialize_with = "hex_field::field")]
    pub constant: u8,
    /// What the key is derived for.
    #[serde(deserialize_with = "hex_field::field")]
    pub context: Vec<u8>,
    /// Its length says how much is derived.
    #[serde(deserialize_with = "hex_field::field")]
    pub derived: Vec<u8>,
}

impl Body for Derivation {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        Vec::new()
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }
}
