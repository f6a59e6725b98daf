//! EXTERNAL and INTERNAL AUTHENTICATE (FMCOS 2.0 user manual p. 51-55).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// One authentication.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// Which one.
    pub command: Command,
    /// 8 or 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// External: the card's challenge, 4 or 8 bytes. Internal: what the terminal sends.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// External: what the terminal sends. Internal: the card's answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub cryptogram: Vec<u8>,
    /// The command, without Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
}

/// Command and, for INTERNAL AUTHENTICATE, the key's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// EXTERNAL AUTHENTICATE: the challenge, zero-padded to a block, enciphered.
    External,
    /// INTERNAL AUTHENTICATE, P1 00, key type 30: enciphered, `80 00…` only if not whole blocks.
    InternalEncipher,
    /// INTERNAL AUTHENTICATE, P1 01, key type 31.
    InternalDecipher,
    /// INTERNAL AUTHENTICATE, P1 02, key type 32: the line-protection MAC with an initial block of zeros, 4 bytes.
    InternalMac,
}

impl Body for Authentication {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [single, triple, sm4, aes] = match self.command {
            Command::External => [
                Construction::ExternalAuthenticateDes,
                Construction::ExternalAuthenticateTripleDes,
                Construction::ExternalAuthenticateSm4,
                Construction::ExternalAuthenticateAes,
            ],
            Command::InternalEncipher => [
                Construction::InternalEncipherDes,
                Construction::InternalEncipherTripleDes,
                Construction::InternalEncipherSm4,
                Construction::InternalEncipherAes,
            ],
            Command::InternalDecipher => [
                Construction::InternalDecipherDes,
                Construction::InternalDecipherTripleDes,
                Construction::InternalDecipherSm4,
                Construction::InternalDecipherAes,
            ],
            Command::InternalMac => [
                Construction::InternalMac,
                Construction::InternalMacTripleDes,
                Construction::InternalMacSm4,
                Construction::InternalMacAes,
            ],
        };
        vec![self.block_cipher.pick(if self.key.len() == 8 { single } else { triple }, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))?;
        let (ins, p1, data) = match self.command {
            Command::External => (0x82, 0x00, &self.cryptogram),
            Command::InternalEncipher => (0x88, 0x00, &self.data),
            Command::InternalDecipher => (0x88, 0x01, &self.data),
            Command::InternalMac => (0x88, 0x02, &self.data),
        };
        agrees("apdu", is_command(&self.apdu, &[0x00, ins, p1, self.key_id], &[data]))
    }
}
