//! Texts as a phone reads and writes them (TS 102 223 clauses 8.2 and 8.15, TS 102 221 annex A, TS 23.038). It is the
//! phone's own reading: the card writes by another.

use onecard_wire::toolkit::{ALPHA_UCS2, ALPHA_UCS2_BASE, ALPHA_UCS2_PAGE, DCS_8_BIT, DCS_PACKED, DCS_UCS2};

use super::{alphabet, error::Defect};

/// How characters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// Default alphabet, seven bits a character.
    Packed,
    /// Default alphabet, a byte a character.
    EightBit,
    /// UCS2.
    Ucs2,
}

impl Coding {
    /// The byte in front of a text string.
    #[must_use]
    pub const fn scheme(self) -> u8 {
        match self {
            Self::Packed => DCS_PACKED,
            Self::EightBit => DCS_8_BIT,
            Self::Ucs2 => DCS_UCS2,
        }
    }

    /// From the data coding scheme in front of a text string. Of the general group only the alphabet is looked at, of
    /// the group Fx the alphabet too (TS 23.038 clause 4); `None` if the text is compressed or of a group without text.
    #[must_use]
    pub const fn of(scheme: u8) -> Option<Self> {
        match (scheme >> 4, scheme & 0x0C) {
            (0 | 1, DCS_PACKED) => Some(Self::Packed),
            (0 | 1, DCS_8_BIT) => Some(Self::EightBit),
            (0 | 1, DCS_UCS2) => Some(Self::Ucs2),
            (0x0F, 0x00) => Some(Self::Packed),
            (0x0F, 0x04) => Some(Self::EightBit),
            _ => None,
        }
    }
}

/// Reads a text string: coding scheme and characters. Nothing at all is the empty text.
///
/// # Errors
/// [`Defect`] with `value`.
pub fn text_string(value: &[u8]) -> Result<String, Defect> {
    let Some((scheme, characters)) = value.split_first() else {
        return Ok(String::new());
    };
    match Coding::of(*scheme) {
        Some(Coding::Packed) => Ok(packed(characters)),
        Some(Coding::EightBit) => Ok(alphabet::decode(characters.iter().copied())),
        Some(Coding::Ucs2) => ucs2(characters),
        None => Err(Defect::new("a text string in the default alphabet or UCS2", value)),
    }
}

/// Reads an alpha identifier or an item's text: default alphabet, or one of the three forms of UCS2. FF fills up.
///
/// # Errors
/// [`Defect`] with `value`.
pub fn alpha_identifier(value: &[u8]) -> Result<String, Defect> {
    match value {
        [ALPHA_UCS2, characters @ ..] => ucs2(without_fill(characters)),
        [ALPHA_UCS2_PAGE, length, page, characters @ ..] => based(value, *length, u32::from(*page) << 7, characters),
        [ALPHA_UCS2_BASE, length, high, low, characters @ ..] => {
            based(value, *length, u32::from(u16::from_be_bytes([*high, *low])), characters)
        }
        [ALPHA_UCS2_PAGE | ALPHA_UCS2_BASE, ..] => Err(Defect::new("length, base and characters of UCS2", value)),
        _ => Ok(alphabet::decode(value.iter().copied().take_while(|byte| *byte != FILL))),
    }
}

/// Writes a text string, its coding scheme in front.
///
/// # Errors
/// The first character that the coding lacks.
pub fn encode(text: &str, coding: Coding) -> Result<Vec<u8>, char> {
    let characters = match coding {
        Coding::Packed => alphabet::pack(&alphabet::encode(text)?),
        Coding::EightBit => alphabet::encode(text)?,
        Coding::Ucs2 => match text.chars().find(|character| u32::from(*character) > 0xFFFF) {
            Some(character) => return Err(character),
            None => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        },
    };
    Ok([&[coding.scheme()], characters.as_slice()].concat())
}

const FILL: u8 = 0xFF;

/// When seven bits are left over, the last character may be fill: `@` has the code 0, and CR fills too.
fn packed(characters: &[u8]) -> String {
    let mut codes = alphabet::unpack(characters);
    if codes.len().is_multiple_of(8) && matches!(codes.last(), Some(0x00 | 0x0D)) {
        codes.pop();
    }
    alphabet::decode(codes)
}

fn ucs2(characters: &[u8]) -> Result<String, Defect> {
    let units: Vec<u16> = characters.chunks_exact(2).map(|pair| pair.iter().fold(0, join)).collect();
    if !characters.len().is_multiple_of(2) {
        return Err(Defect::new("UCS2, two bytes a character", characters));
    }
    String::from_utf16(&units).map_err(|_| Defect::new("UCS2 without halves of a surrogate pair", characters))
}

const fn join(unit: u16, byte: &u8) -> u16 {
    unit << 8 | *byte as u16
}

/// Characters below 80 are of the default alphabet, the others offsets from `base`.
fn based(value: &[u8], length: u8, base: u32, characters: &[u8]) -> Result<String, Defect> {
    let Some(characters) = characters.get(..usize::from(length)) else {
        return Err(Defect::new("as many characters of UCS2 as the length says", value));
    };
    let mut text = String::new();
    let mut basic = Vec::new();
    for byte in characters {
        if byte & 0x80 == 0 {
            basic.push(*byte);
            continue;
        }
        text.push_str(&alphabet::decode(std::mem::take(&mut basic)));
        let character = char::from_u32(base + u32::from(byte & 0x7F));
        text.push(character.ok_or_else(|| Defect::new("characters of UCS2 outside the surrogates", value))?);
    }
    text.push_str(&alphabet::decode(basic));
    Ok(text)
}

/// Without the pairs of FF behind the text, and an odd FF.
fn without_fill(characters: &[u8]) -> &[u8] {
    let pairs = characters.chunks(2).take_while(|pair| !pair.iter().all(|byte| *byte == FILL)).count();
    characters.get(..pairs * 2).unwrap_or(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for (text, coding) in [("Hello", Coding::Packed), ("[a|b]", Coding::EightBit), ("一卡通", Coding::Ucs2)] {
            let written = encode(text, coding).unwrap_or_default();
            assert_eq!(text_string(&written).as_deref(), Ok(text));
        }
        assert_eq!(encode("一", Coding::EightBit), Err('一'));
        assert_eq!(encode("🚌", Coding::Ucs2), Err('🚌'));
        assert_eq!(text_string(&[]).as_deref(), Ok(""));
    }

    /// Of seven characters and of eight that end in `@` the packed bytes are the same.
    #[test]
    fn fill_is_no_at_sign() {
        let seven = encode("1234567", Coding::Packed).unwrap_or_default();
        assert_eq!(text_string(&seven).as_deref(), Ok("1234567"));
        let eight = encode("12345678", Coding::Packed).unwrap_or_default();
        assert_eq!(text_string(&eight).as_deref(), Ok("12345678"));
    }

    #[test]
    fn what_is_no_text_says_so() {
        for wrong in [&[0x08, 0x4E][..], &[0x08, 0xD8, 0x00], &[0x20, 0x41], &[0xC0]] {
            assert!(text_string(wrong).is_err(), "{wrong:02X?}");
        }
        for wrong in [&[0x81, 0x05, 0x13][..], &[0x82, 0x01], &[0x80, 0x4E]] {
            assert!(alpha_identifier(wrong).is_err(), "{wrong:02X?}");
        }
    }
}
