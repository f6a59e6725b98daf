//! GlobalPlatform card management without protection (Card Specification 2.3): what cards answer, and what hosts send. Nothing
//! here is computed with keys, so these are evidence for no construction; card and host are held to them separately.

use serde::Deserialize;

use crate::{
    hex_field,
    vector::{agrees, without_keys},
};

/// Card production life cycle data (GET DATA 9F7F).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductionData {
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// Its eighteen fields in their order; none if it is no such object.
    #[serde(default, deserialize_with = "hex_field::list")]
    pub fields: Vec<Vec<u8>>,
}

/// Card recognition data (GET DATA 66, annex H.2).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognitionData {
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// Version of the specification.
    pub version: Option<String>,
    /// Secure channel protocols: the protocol, then its parameter i.
    #[serde(default, deserialize_with = "hex_field::list")]
    pub channels: Vec<Vec<u8>>,
}

/// Key information (GET DATA E0).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyInformation {
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// Each key: id, version, then type and length of each component.
    #[serde(deserialize_with = "hex_field::list")]
    pub keys: Vec<Vec<u8>>,
}

/// Entries of the registry (GET STATUS).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// What it lists.
    pub entries: Vec<RegistryLine>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryLine {
    /// Its name.
    #[serde(deserialize_with = "hex_field::field")]
    pub aid: Vec<u8>,
    /// Its life cycle state.
    #[serde(deserialize_with = "hex_field::field")]
    pub life_cycle: u8,
    /// Its privileges, one byte or three; none if they are not told.
    #[serde(deserialize_with = "hex_field::field")]
    pub privileges: Vec<u8>,
}

/// A command: GET STATUS, SET STATUS, INSTALL or DELETE.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementCommand {
    /// All of it, with or without Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
    /// The name it is about.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub aid: Option<Vec<u8>>,
    /// DELETE: version of the key set.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub key_version: Option<u8>,
    /// DELETE: a token.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub token: Option<Vec<u8>>,
    /// INSTALL: load file, module, application, privileges, parameters, token; for load: load file, domain, hash, parameters,
    /// token.
    #[serde(default, deserialize_with = "hex_field::list")]
    pub fields: Vec<Vec<u8>>,
}

impl ManagementCommand {
    /// CLA INS P1 P2.
    #[must_use]
    pub fn header(&self) -> [u8; 4] {
        self.apdu.first_chunk().copied().unwrap_or_default()
    }

    /// The data field.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let length = self.apdu.get(4).copied().unwrap_or_default();
        self.apdu.get(5..5 + usize::from(length)).unwrap_or_default()
    }
}

without_keys! {
    ProductionData: |it: &ProductionData| {
        agrees("fields", it.fields.is_empty() || it.bytes.ends_with(&it.fields.concat()))
    };
    RecognitionData: |it: &RecognitionData| agrees("channels", it.version.is_some() != it.channels.is_empty());
    KeyInformation: |it: &KeyInformation| {
        agrees("keys", it.keys.iter().all(|key| it.bytes.windows(key.len()).any(|window| window == key)))
    };
    Registry: |it: &Registry| {
        agrees("entries", it.entries.iter().all(|entry| it.bytes.windows(entry.aid.len()).any(|window| window == entry.aid)))
    };
    ManagementCommand: |it: &ManagementCommand| {
        let behind = it.apdu.len().checked_sub(5 + it.data().len());
        agrees("apdu", !it.data().is_empty() && behind.is_some_and(|le| le <= 1))?;
        // A field of 128 bytes and more has its length behind 81.
        let long = |field: &Vec<u8>| if field.len() > 0x7F { vec![0x81] } else { Vec::new() };
        let fields = it.fields.iter().flat_map(|field| [&long(field)[..], &[field.len() as u8], field].concat());
        let fields: Vec<u8> = fields.collect();
        agrees("fields", it.fields.is_empty() || it.data() == fields)?;
        agrees("aid", it.aid.as_ref().is_none_or(|aid| it.data().windows(aid.len().max(1)).any(|window| window.starts_with(aid))))?;
        agrees("token", it.token.as_ref().is_none_or(|token| it.data().ends_with(token)))
    };
}
