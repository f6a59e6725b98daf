//! PUT KEY (GlobalPlatform Card Specification 2.3.1, 11.8).

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A key set on its way to the card: ids 01, 02, 03 are ENC, MAC, DEK.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutKey {
    /// The static Key-DEK of the session's key set.
    #[serde(deserialize_with = "hex_field::field")]
    pub dek: Vec<u8>,
    /// SCP02: the session's sequence counter.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub sequence: Option<[u8; 2]>,
    /// Version of the new key set.
    #[serde(deserialize_with = "hex_field::field")]
    pub new_version: u8,
    /// How a key stands in its data field.
    pub form: KeyForm,
    /// The new keys.
    #[serde(deserialize_with = "hex_field::list")]
    pub keys: Vec<Vec<u8>>,
    /// The command before it is wrapped.
    #[serde(deserialize_with = "hex_field::field")]
    pub put_key: Vec<u8>,
}

/// How a key stands in its data field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// The enciphered key alone (table 11-71).
    Plain,
    /// The length of the key in front of it, padded to whole blocks (table 11-70, amendment D 7.2).
    WithLength,
}

impl Body for PutKey {
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
        agrees("keys", self.keys.len() == 3)?;
        let lc = self.put_key.get(4).copied().map_or(0, usize::from);
        let data = self.put_key.get(5..5 + lc).unwrap_or_default();
        agrees("put_key", is_command(&self.put_key, &[0x80, 0xD8, 0x00, 0x81], &[data]))?;
        agrees("new_version", data.first() == Some(&self.new_version))
    }
}
