//! Secured packets over the air (ETSI TS 102 225; over SMS 3GPP TS 31.115).

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees},
};

/// A command packet, CPL to padding.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandPacket {
    /// SPI.
    #[serde(deserialize_with = "hex_field::field")]
    pub spi: [u8; 2],
    /// KIc: key set, algorithm.
    #[serde(deserialize_with = "hex_field::field")]
    pub kic: u8,
    /// KID: key set, algorithm.
    #[serde(deserialize_with = "hex_field::field")]
    pub kid: u8,
    /// The key of KIc; empty if nothing is enciphered.
    #[serde(default, deserialize_with = "hex_field::field")]
    pub ciphering_key: Vec<u8>,
    /// The key of KID; empty if there is no cryptographic checksum.
    #[serde(default, deserialize_with = "hex_field::field")]
    pub checksum_key: Vec<u8>,
    /// TAR.
    #[serde(deserialize_with = "hex_field::field")]
    pub tar: [u8; 3],
    /// CNTR.
    #[serde(deserialize_with = "hex_field::field")]
    pub counter: [u8; 5],
    /// Secured data, without padding.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The packet.
    #[serde(deserialize_with = "hex_field::field")]
    pub packet: Vec<u8>,
}

impl CommandPacket {
    /// Whether there is a cryptographic checksum.
    #[must_use]
    pub const fn has_checksum(&self) -> bool {
        self.spi[0] & 0x03 == 0x02
    }

    /// Whether it is enciphered.
    #[must_use]
    pub const fn is_enciphered(&self) -> bool {
        self.spi[0] & 0x04 != 0
    }

    /// Length of the RC/CC/DS field in bytes, by CHL.
    #[must_use]
    pub fn checksum_len(&self) -> usize {
        self.packet.get(2).map_or(0, |chl| usize::from(*chl).saturating_sub(13))
    }

    fn named_keys(&self) -> Vec<(&'static str, u8, &[u8])> {
        let keys: [(_, _, &[u8]); 2] =
            [("ciphering_key", self.kic, &self.ciphering_key), ("checksum_key", self.kid, &self.checksum_key)];
        keys.into_iter().filter(|(_, _, key)| !key.is_empty()).collect()
    }

    fn is_aes(algorithm: u8) -> bool {
        algorithm & 0x0F == 0x02
    }
}

impl Body for CommandPacket {
    /// Of three DES keys the first two.
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        let des = self.named_keys().into_iter().filter(|(_, algorithm, _)| !Self::is_aes(*algorithm));
        des.map(|(name, _, key)| (name, key.get(..16).unwrap_or(key))).collect()
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        let aes = self.named_keys().into_iter().filter(|(_, algorithm, _)| Self::is_aes(*algorithm));
        aes.map(|(name, _, key)| (name, key)).collect()
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        let counted = self.packet.split_first_chunk::<2>().map(|(cpl, rest)| (u16::from_be_bytes(*cpl), rest.len()));
        agrees("packet", counted.is_some_and(|(cpl, length)| usize::from(cpl) == length))?;
        let header = [&self.spi[..], &[self.kic, self.kid], &self.tar].concat();
        agrees("packet", self.packet.get(3..10) == Some(&header[..]))?;
        agrees("ciphering_key", self.is_enciphered() != self.ciphering_key.is_empty())?;
        agrees("checksum_key", self.has_checksum() != self.checksum_key.is_empty())
    }
}
