//! What the files of published UICCs say of themselves (ETSI TS 102 221). Nothing here is computed with keys, so these are
//! evidence for no construction; who reads such cards is held to them.

use serde::Deserialize;

use crate::{
    hex_field,
    vector::{agrees, without_keys},
};

/// File control parameters: what SELECT answers (clause 11.1.1.3).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UiccParameters {
    /// The whole template.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// FID.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub fid: Option<[u8; 2]>,
    /// Short file identifier.
    pub sfi: Option<u8>,
    /// Size of the body in bytes.
    pub size: Option<usize>,
    /// Length of a record in bytes.
    pub record_length: Option<u8>,
    /// Number of records.
    pub record_count: Option<u8>,
    /// Whether the card wants TERMINAL CAPABILITY, where it says so or the contrary.
    pub terminal_capability: Option<bool>,
    /// Key references of PINs, in hexadecimal, and whether each is enabled.
    #[serde(default)]
    pub pins: Vec<(String, bool)>,
}

impl UiccParameters {
    /// Whether PIN 01 is enabled, if the parameters tell.
    #[must_use]
    pub fn pin1_enabled(&self) -> Option<bool> {
        self.pins.iter().find_map(|(reference, enabled)| (reference == "01").then_some(*enabled))
    }
}

without_keys! {
    UiccParameters: |it: &UiccParameters| {
        agrees("bytes", it.bytes.first() == Some(&0x62))?;
        let named = it.fid.is_none_or(|[high, low]| it.bytes.windows(4).any(|object| object == [0x83, 0x02, high, low]));
        agrees("fid", named)?;
        let records = it.record_length.zip(it.record_count);
        let whole = records.zip(it.size).is_none_or(|((length, count), size)| {
            usize::from(length) * usize::from(count) == size
        });
        agrees("size", whole)
    };
}
