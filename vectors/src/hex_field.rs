//! Byte fields: hexadecimal, with blanks wherever they help the reader.

use serde::{Deserialize, Deserializer, de::Error};

/// What a hexadecimal field becomes.
pub(crate) trait FromBytes: Sized {
    /// From the decoded bytes; the error says which length was wanted.
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String>;
}

impl FromBytes for Vec<u8> {
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        Ok(bytes)
    }
}

impl<const N: usize> FromBytes for [u8; N] {
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let len = bytes.len();
        bytes.try_into().map_err(|_| format!("{len} bytes where {N} belong"))
    }
}

impl FromBytes for u8 {
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        <[Self; 1]>::from_bytes(bytes).map(|[byte]| byte)
    }
}

/// For `deserialize_with` on a field that must be there.
pub(crate) fn field<'de, D: Deserializer<'de>, T: FromBytes>(deserializer: D) -> Result<T, D::Error> {
    decode(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For `default, deserialize_with` on a field that may be missing.
pub(crate) fn optional<'de, D: Deserializer<'de>, T: FromBytes>(deserializer: D) -> Result<Option<T>, D::Error> {
    field(deserializer).map(Some)
}

/// For `deserialize_with` on a list of one to three diversification factors.
pub(crate) fn factors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 8]>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if !(1..=3).contains(&texts.len()) {
        return Err(D::Error::custom(format!("{} factors where 1 to 3 belong", texts.len())));
    }
    texts.iter().map(|text| decode(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

/// For `deserialize_with` on a list.
pub(crate) fn list<'de, D: Deserializer<'de>, T: FromBytes>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| decode(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

fn decode<T: FromBytes>(text: &str) -> Result<T, String> {
    let digits: String = text.split_whitespace().collect();
    let bytes = hex::decode(&digits).map_err(|error| format!("{text:?} is not hexadecimal: {error}"))?;
    T::from_bytes(bytes)
}
