//! In which encoding and with which separator a list was saved, found by trial.

use core::fmt;

use encoding_rs::GB18030;

/// How a list's characters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// GB18030, of which GBK and GB2312 are parts: what Chinese spreadsheets save as "CSV".
    Gb18030,
}

/// The text of `content` and its encoding: UTF-8 if it is that without a fault, else GB18030 if it is that. Where nothing tells
/// which of the two it is, it is neither.
///
/// # Errors
/// What it is not, and what to do.
pub(super) fn decode(content: &[u8]) -> Result<(String, Encoding), String> {
    if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = content {
        return Err("it is UTF-16 (\"Unicode text\"): save it as \"CSV UTF-8\" or as CSV".to_owned());
    }
    if content.starts_with(b"PK\x03\x04") || content.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err("it is a spreadsheet itself (XLSX or XLS): save the sheet as \"CSV UTF-8\" or as CSV".to_owned());
    }
    match core::str::from_utf8(content) {
        Ok(text) if may_be_gb18030(text) => {
            Err("it reads as UTF-8 and as GB18030, and the names differ: save it as \"CSV UTF-8\"".to_owned())
        }
        Ok(text) => Ok((text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned(), Encoding::Utf8)),
        Err(error) => match GB18030.decode_without_bom_handling_and_without_replacement(content) {
            Some(text) => Ok((text.into_owned(), Encoding::Gb18030)),
            None => Err(format!(
                "it is neither UTF-8 (byte {} is not) nor GB18030: save it as \"CSV UTF-8\"",
                error.valid_up_to() + 1
            )),
        },
    }
}

/// Whether UTF-8 without a byte order mark may as well be Chinese names in GB18030: two bytes of it, C2 to DF and 80 to BF, are a
/// Latin, Greek or Arabic letter in one and a Chinese character in the other. A Chinese character in UTF-8 has three.
fn may_be_gb18030(text: &str) -> bool {
    const FIRST_OF_THREE_BYTES: char = '\u{800}';
    let has_two_bytes = !text.is_ascii() && text.chars().all(|character| character < FIRST_OF_THREE_BYTES);
    has_two_bytes && GB18030.decode_without_bom_handling_and_without_replacement(text.as_bytes()).is_some()
}

/// The separator that its first line with anything in it has most of.
pub(super) fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030",
        })
    }
}
