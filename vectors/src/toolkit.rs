//! The card application toolkit (ETSI TS 102 223, 3GPP TS 31.111): what card and phone say to each other. Nothing here is
//! computed with keys, so these are evidence for no construction; each side is held to its half.

use serde::Deserialize;

use crate::{
    hex_field,
    vector::{agrees, without_keys},
};

/// A text and its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitText {
    /// How it is written.
    pub coding: TextCoding,
    /// As on the wire.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// How many characters are packed in `bytes`.
    pub characters: Option<usize>,
    /// What it says; none if it says nothing.
    pub text: Option<String>,
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextCoding {
    /// Coding scheme, then characters (TS 102 223 clause 8.15).
    TextString,
    /// TS 102 221 annex A.
    AlphaIdentifier,
    /// The default alphabet, seven bits a character, without a coding scheme.
    Packed,
}

/// A proactive command.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitCommand {
    /// What FETCH gives.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// Command number.
    pub number: u8,
    /// Command type.
    #[serde(deserialize_with = "hex_field::field")]
    pub command: u8,
    /// Command qualifier.
    #[serde(deserialize_with = "hex_field::field")]
    pub qualifier: u8,
    /// Device that it is for.
    #[serde(deserialize_with = "hex_field::field")]
    pub destination: u8,
    /// The text string.
    pub text: Option<String>,
    /// The first alpha identifier.
    pub title: Option<String>,
    /// Items: identifier and text.
    #[serde(default)]
    pub items: Vec<(u8, String)>,
    /// Fewest and most characters of a response.
    pub length: Option<[u8; 2]>,
    /// Unit and value.
    pub duration: Option<[u8; 2]>,
    /// Timer identifier.
    pub timer: Option<u8>,
    /// Timer value, HH:MM:SS.
    pub time: Option<String>,
}

/// The data field of TERMINAL RESPONSE.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitResponse {
    /// All of it.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// The proactive command that it answers, if the source has it.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub to: Option<Vec<u8>>,
    /// Command number.
    pub number: u8,
    /// Command type.
    #[serde(deserialize_with = "hex_field::field")]
    pub command: u8,
    /// Command qualifier.
    #[serde(deserialize_with = "hex_field::field")]
    pub qualifier: u8,
    /// General result.
    #[serde(deserialize_with = "hex_field::field")]
    pub result_code: u8,
    /// Additional information on the result.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub additional: Option<Vec<u8>>,
    /// The text string.
    pub text: Option<String>,
    /// Item identifier.
    pub item: Option<u8>,
    /// Data objects behind the result.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub objects: Option<Vec<u8>>,
}

/// The data field of ENVELOPE.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitEnvelope {
    /// All of it.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// The item chosen.
    pub item: Option<u8>,
    /// The event.
    pub event: Option<u8>,
    /// The short message in it, as the network delivers it: service centre with its length, SMS-DELIVER.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub message: Option<Vec<u8>>,
}

/// What the network is told of a short message for the card.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitReport {
    /// Service centre with its length, SMS-DELIVER.
    #[serde(deserialize_with = "hex_field::field")]
    pub message: Vec<u8>,
    /// What the card answers to ENVELOPE: status word.
    #[serde(deserialize_with = "hex_field::field")]
    pub status: [u8; 2],
    /// What the card answers to ENVELOPE: data.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// RP-ACK, or RP-ERROR.
    pub acknowledged: bool,
    /// SMS-DELIVER-REPORT; none if RP-ACK carries none.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub report: Option<Vec<u8>>,
}

/// A terminal profile.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolkitProfile {
    /// The data field of TERMINAL PROFILE.
    #[serde(deserialize_with = "hex_field::field")]
    pub bytes: Vec<u8>,
    /// Bits that are set: `byte.bit`, both from 1.
    pub set: Vec<String>,
    /// Bits that are not.
    pub clear: Vec<String>,
}

without_keys! {
    ToolkitText: |it: &ToolkitText| agrees("characters", it.characters.is_none() || it.coding == TextCoding::Packed);
    ToolkitCommand: |it: &ToolkitCommand| {
        let details = [0x81, 0x03, it.number, it.command, it.qualifier];
        agrees("bytes", it.bytes.windows(details.len()).any(|window| window == details))
    };
    ToolkitResponse: |it: &ToolkitResponse| {
        agrees("bytes", it.bytes.starts_with(&[0x81, 0x03, it.number, it.command, it.qualifier]))?;
        agrees("objects", it.objects.as_ref().is_none_or(|objects| it.bytes.ends_with(objects)))
    };
    ToolkitEnvelope: |it: &ToolkitEnvelope| agrees("bytes", it.bytes.first().is_some_and(|tag| *tag >= 0xD0));
    ToolkitReport: |it: &ToolkitReport| agrees("report", it.acknowledged || it.report.is_some());
    ToolkitProfile: |it: &ToolkitProfile| agrees("set", it.set.iter().all(|bit| !it.clear.contains(bit)));
}
