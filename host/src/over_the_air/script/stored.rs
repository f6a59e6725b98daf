//! A script as data: TAR and secured data.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::Script;
use crate::{over_the_air::Tar, terminal::stored::bytes};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(with = "bytes")]
    tar: [u8; 3],
    #[serde(with = "bytes")]
    data: Vec<u8>,
}

/// What it holds of keys is enciphered for the card; contents of files are in clear.
impl Serialize for Script {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Stored { tar: self.tar.0, data: self.to_bytes().to_vec() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Stored { tar, data } = Stored::deserialize(from)?;
        Self::parse(Tar(tar), &data).map_err(D::Error::custom)
    }
}
