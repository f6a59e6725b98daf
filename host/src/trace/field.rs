//! Names and values.

use core::fmt::Display;

use onecard_wire::layout::Reader;

/// A field of a command or an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in the standard.
    pub name: &'static str,
    /// Its value as people read it: yuan, dates, digits; hexadecimal for the rest.
    pub value: String,
}

/// An exchange by names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The command's name.
    pub name: String,
    /// The command's parameters and data.
    pub command: Vec<Field>,
    /// The answer's data.
    pub answer: Vec<Field>,
    /// The status word and what it means to this command, or that there was no answer.
    pub status: String,
}

impl Field {
    pub(super) fn new(name: &'static str, value: impl Display) -> Self {
        Self { name, value: value.to_string() }
    }

    pub(super) fn hex(name: &'static str, bytes: &[u8]) -> Self {
        Self { name, value: hex::encode_upper(bytes) }
    }
}

/// Takes 8-byte factors off the front, up to the last `tail` bytes.
pub(super) fn factors(reader: &mut Reader<'_>, tail: usize) -> Vec<Field> {
    const NAMES: [&str; 3] = ["factor: card serial", "factor: enterprise", "factor: region"];
    let count = reader.rest().len().saturating_sub(tail) / 8;
    NAMES.iter().take(count).map_while(|name| reader.array::<8>().map(|factor| Field::hex(name, &factor))).collect()
}
