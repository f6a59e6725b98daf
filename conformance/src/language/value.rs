//! What a name stands for.

use core::fmt;
use std::collections::BTreeMap;

use onecard_host::crypto::LineKey;

use super::LanguageError;

/// Bytes, or a key, which no report shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes.
    Bytes(Vec<u8>),
    /// A key; it knows its cipher.
    Key(LineKey),
}

/// Values by name.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Names(BTreeMap<String, Value>);

impl Names {
    /// Gives a name a value, in place of what it had.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Gives a name bytes.
    pub fn set_bytes(&mut self, name: &str, bytes: &[u8]) {
        self.set(name, Value::Bytes(bytes.to_vec()));
    }

    /// Whether the name has a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn value(&self, name: &str) -> Result<&Value, LanguageError> {
        self.0.get(name).ok_or_else(|| LanguageError::Unknown(name.to_owned()))
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        match self.0.get(name)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Key(_) => None,
        }
    }

    pub(crate) fn key(&self, name: &str) -> Result<&LineKey, LanguageError> {
        match self.value(name)? {
            Value::Key(key) => Ok(key),
            Value::Bytes(_) => Err(LanguageError::Kind(name.to_owned(), "a key belongs there")),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&hex::encode_upper(bytes)),
            Self::Key(_) => f.write_str("a key"),
        }
    }
}
