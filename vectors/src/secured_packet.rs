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

    fn named_keys(&self) -> Vec<NamedKey<'_>> {
        named_keys((self.kic, &self.ciphering_key), (self.kid, &self.checksum_key))
    }
}

/// A response packet, RPL to padding.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponsePacket {
    /// SPI of the command.
    #[serde(deserialize_with = "hex_field::field")]
    pub spi: [u8; 2],
    /// KIc of the command.
    #[serde(deserialize_with = "hex_field::field")]
    pub kic: u8,
    /// KID of the command.
    #[serde(deserialize_with = "hex_field::field")]
    pub kid: u8,
    /// The key of KIc; empty if the response is not enciphered.
    #[serde(default, deserialize_with = "hex_field::field")]
    pub ciphering_key: Vec<u8>,
    /// The key of KID; empty if the response has no cryptographic checksum.
    #[serde(default, deserialize_with = "hex_field::field")]
    pub checksum_key: Vec<u8>,
    /// TAR.
    #[serde(deserialize_with = "hex_field::field")]
    pub tar: [u8; 3],
    /// CNTR.
    #[serde(deserialize_with = "hex_field::field")]
    pub counter: [u8; 5],
    /// Response status code.
    #[serde(deserialize_with = "hex_field::field")]
    pub status: u8,
    /// Data, without padding.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The packet.
    #[serde(deserialize_with = "hex_field::field")]
    pub packet: Vec<u8>,
}

impl ResponsePacket {
    /// Whether there is a cryptographic checksum.
    #[must_use]
    pub const fn has_checksum(&self) -> bool {
        self.spi[1] & 0x0C == 0x08
    }

    /// Whether it is enciphered.
    #[must_use]
    pub const fn is_enciphered(&self) -> bool {
        self.spi[1] & 0x10 != 0
    }

    fn named_keys(&self) -> Vec<NamedKey<'_>> {
        named_keys((self.kic, &self.ciphering_key), (self.kid, &self.checksum_key))
    }
}

type NamedKey<'v> = (&'static str, u8, &'v [u8]);

fn named_keys<'v>((kic, ciphering): (u8, &'v [u8]), (kid, checksum): (u8, &'v [u8])) -> Vec<NamedKey<'v>> {
    let keys = [("ciphering_key", kic, ciphering), ("checksum_key", kid, checksum)];
    keys.into_iter().filter(|(_, _, key)| !key.is_empty()).collect()
}

/// Of three DES keys the first two.
fn des_keys(named: Vec<NamedKey<'_>>) -> Vec<(&'static str, &[u8])> {
    let des = named.into_iter().filter(|(_, algorithm, _)| !is_aes(*algorithm));
    des.map(|(name, _, key)| (name, key.get(..16).unwrap_or(key))).collect()
}

fn aes_keys(named: Vec<NamedKey<'_>>) -> Vec<(&'static str, &[u8])> {
    let aes = named.into_iter().filter(|(_, algorithm, _)| is_aes(*algorithm));
    aes.map(|(name, _, key)| (name, key)).collect()
}

const fn is_aes(algorithm: u8) -> bool {
    algorithm & 0x0F == 0x02
}

fn is_counted(packet: &[u8]) -> bool {
    let counted = packet.split_first_chunk::<2>().map(|(counted, rest)| (u16::from_be_bytes(*counted), rest.len()));
    counted.is_some_and(|(counted, length)| usize::from(counted) == length)
}

impl Body for CommandPacket {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        des_keys(self.named_keys())
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        aes_keys(self.named_keys())
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("packet", is_counted(&self.packet))?;
        let header = [&self.spi[..], &[self.kic, self.kid], &self.tar].concat();
        agrees("packet", self.packet.get(3..10) == Some(&header[..]))?;
        agrees("ciphering_key", self.is_enciphered() != self.ciphering_key.is_empty())?;
        agrees("checksum_key", self.has_checksum() != self.checksum_key.is_empty())
    }
}

impl Body for ResponsePacket {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        des_keys(self.named_keys())
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        aes_keys(self.named_keys())
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("packet", is_counted(&self.packet) && self.packet.get(3..6) == Some(&self.tar[..]))?;
        agrees("ciphering_key", self.is_enciphered() != self.ciphering_key.is_empty())?;
        agrees("checksum_key", self.has_checksum() != self.checksum_key.is_empty())
    }
}
