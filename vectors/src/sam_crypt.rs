//! The SAM's general commands: DES CRYPT (PBOC PSAM) and marking (own, profile §4).
//!
//! Factors stand here in the order they are applied; commands carry them the other way round.

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// INIT_FOR_DESCRYPT and one DES CRYPT.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesCrypt {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// The SAM's own key, above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Level and kind; kind 04 makes transaction MACs, for which triple DES folds the key.
    #[serde(deserialize_with = "hex_field::field")]
    pub usage: u8,
    /// P2 of INIT_FOR_DESCRYPT.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// As many as the usage has levels.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// P1 of DES CRYPT: 00 encipher, 80 decipher, 01 MAC, 05 MAC with the initial block in front of the data.
    #[serde(deserialize_with = "hex_field::field")]
    pub p1: u8,
    /// Data of DES CRYPT, padded by the terminal but for a MAC of AES.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The command INIT_FOR_DESCRYPT.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// The command DES CRYPT, without Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub crypt: Vec<u8>,
    /// Its answer: as long as the data, or a MAC of 4 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub answer: Vec<u8>,
}

impl Body for DesCrypt {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = match (self.usage & 0x1F, self.p1) {
            (0x04, _) => {
                [Construction::DesCryptFolded, Construction::DesCryptKind04Sm4, Construction::DesCryptKind04Aes]
            }
            (_, 0x00) => {
                [Construction::DesCryptEncipher, Construction::DesCryptEncipherSm4, Construction::DesCryptEncipherAes]
            }
            (_, 0x80) => {
                [Construction::DesCryptDecipher, Construction::DesCryptDecipherSm4, Construction::DesCryptDecipherAes]
            }
            (_, 0x01) => [Construction::DesCryptMac, Construction::DesCryptMacSm4, Construction::DesCryptMacAes],
            _ => [
                Construction::DesCryptMacWithIv,
                Construction::DesCryptMacWithIvSm4,
                Construction::DesCryptMacWithIvAes,
            ],
        };
        vec![self.block_cipher.pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("factors", usize::from(self.usage >> 5) == self.factors.len())?;
        agrees("p1", matches!(self.p1, 0x00 | 0x80 | 0x01 | 0x05))?;
        let factors: Vec<u8> = self.factors.iter().rev().flatten().copied().collect();
        let initialize = [0x80, 0x1A, self.usage, self.key_version];
        agrees("initialize", is_command(&self.initialize, &initialize, &[&factors]))?;
        agrees("crypt", is_command(&self.crypt, &[0x80, 0xFA, self.p1, 0x00], &[&self.data]))
    }
}

/// The MAC that marks a listed card (own, `80 74`).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamMark {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// The SAM's own marking key, the enterprise's maintenance key above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// One: the card's serial.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// As the card's GET CHALLENGE gave it.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenge: [u8; 4],
    /// Version of the blacklist.
    #[serde(deserialize_with = "hex_field::field")]
    pub list_version: [u8; 7],
    /// The command to the SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub mark: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command to the card: status 03 and the list version into EF 0017.
    #[serde(deserialize_with = "hex_field::field")]
    pub update: Vec<u8>,
}

impl Body for SamMark {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = [Construction::SamMark, Construction::SamMarkSm4, Construction::SamMarkAes];
        vec![self.block_cipher.pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.key.len() == 16)?;
        let [serial] = self.factors[..] else { return Err("factors") };
        let mark: [&[u8]; 3] = [&self.challenge, &self.list_version, &serial];
        agrees("mark", is_command(&self.mark, &[0x80, 0x74, 0x00, 0x00], &mark))?;
        let update: [&[u8]; 3] = [&[0x03], &self.list_version, &self.mac];
        agrees("update", is_command(&self.update, &[0x04, 0xD6, 0x97, 0x00], &update))
    }
}
