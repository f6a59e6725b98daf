//! RELOAD PIN and PIN UNBLOCK (FMCOS 2.0 user manual p. 83-86).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// RELOAD PIN: the PIN in clear, and a MAC over it alone: single DES by the folded key, IV 0; SM4 and AES by the whole key.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadPin {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// PIN reload key (type 38), 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// The new PIN.
    #[serde(deserialize_with = "hex_field::field")]
    pub pin: Vec<u8>,
    /// Its MAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
}

impl Body for ReloadPin {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![self.block_cipher.pick(Construction::ReloadPin, Construction::ReloadPinSm4, Construction::ReloadPinAes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("apdu", is_command(&self.apdu, &[0x80, 0x5E, 0x00, self.key_id], &[&self.pin, &self.mac]))
    }
}

/// PIN UNBLOCK: the new PIN enciphered and MACed by line protection.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinUnblock {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// PIN unblock key (type 37), 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// As GET CHALLENGE gave it.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenge: [u8; 4],
    /// CLA INS P1 P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub header: [u8; 4],
    /// The new PIN.
    #[serde(deserialize_with = "hex_field::field")]
    pub pin: Vec<u8>,
    /// Length byte, PIN and padding, enciphered.
    #[serde(deserialize_with = "hex_field::field")]
    pub cipher: Vec<u8>,
    /// MAC over header, Lc and cipher.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
}

impl Body for PinUnblock {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![self.block_cipher.pick(Construction::PinUnblock, Construction::PinUnblockSm4, Construction::PinUnblockAes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("apdu", is_command(&self.apdu, &self.header, &[&self.cipher, &self.mac]))
    }
}
