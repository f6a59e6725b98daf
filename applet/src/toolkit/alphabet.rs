//! Texts in bytes: the default alphabet (3GPP TS 23.038 clause 6.2.1), a byte a character, or UCS2.

use heapless::Vec;
use onecard_wire::{
    status::StatusWord,
    toolkit::{ALPHA_UCS2, DCS_8_BIT, DCS_UCS2},
};

/// How a text is coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Default,
    Ucs2,
}

/// The default alphabet in its order; 1B leads to the extension.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1B}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                        ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const ESCAPE: char = '\u{1B}';
/// Behind the escape (3GPP TS 23.038 clause 6.2.1.1).
const EXTENSION: [(char, u8); 10] = [
    ('\u{0C}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

/// The default alphabet, if it has every character.
pub(super) fn coding(text: &str) -> Coding {
    if text.chars().all(|character| code(character).is_some()) { Coding::Default } else { Coding::Ucs2 }
}

/// The value of a text string: coding scheme, text (TS 102 223 clause 8.15).
///
/// # Errors
/// 6F00 if it does not fit.
pub(super) fn text_string<const N: usize>(text: &str) -> Result<Vec<u8, N>, StatusWord> {
    match coding(text) {
        Coding::Default => encode(&[DCS_8_BIT], text),
        Coding::Ucs2 => encode(&[DCS_UCS2], text),
    }
}

/// The value of an alpha identifier, or of the text of an item (TS 102 223 clause 8.2; TS 102 221 annex A).
///
/// # Errors
/// 6F00 if it does not fit.
pub(super) fn alpha_identifier<const N: usize>(text: &str) -> Result<Vec<u8, N>, StatusWord> {
    match coding(text) {
        Coding::Default => encode(&[], text),
        Coding::Ucs2 => encode(&[ALPHA_UCS2], text),
    }
}

fn encode<const N: usize>(head: &[u8], text: &str) -> Result<Vec<u8, N>, StatusWord> {
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| bytes.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR);
    put(head)?;
    match coding(text) {
        Coding::Default => {
            for (escape, code) in text.chars().filter_map(code) {
                put(escape)?;
                put(&[code])?;
            }
        }
        Coding::Ucs2 => text.encode_utf16().try_for_each(|unit| put(&unit.to_be_bytes()))?,
    }
    Ok(bytes)
}

/// What goes before a character of the default alphabet, and its code.
fn code(character: char) -> Option<(&'static [u8], u8)> {
    if character == ESCAPE {
        return None;
    }
    let basic = ALPHABET.chars().position(|of_alphabet| of_alphabet == character);
    let extended = || EXTENSION.iter().find(|(of_extension, _)| *of_extension == character);
    match basic {
        Some(code) => Some((&[], code as u8)),
        None => extended().map(|(_, code)| (&[0x1B][..], *code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_their_codes() {
        assert_eq!(ALPHABET.chars().count(), 128);
        let text: Vec<u8, 40> = text_string("@$_ A¿zà\n{€").unwrap_or_default();
        assert_eq!(text, [DCS_8_BIT, 0x00, 0x02, 0x11, 0x20, 0x41, 0x60, 0x7A, 0x7F, 0x0A, 0x1B, 0x28, 0x1B, 0x65]);
        let chinese: Vec<u8, 40> = alpha_identifier("一卡1").unwrap_or_default();
        assert_eq!(chinese, [ALPHA_UCS2, 0x4E, 0x00, 0x53, 0x61, 0x00, 0x31]);
        assert_eq!(text_string::<4>("12345"), Err(StatusWord::INTERNAL_ERROR));
    }
}
