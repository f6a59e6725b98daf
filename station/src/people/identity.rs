//! A person as EF 0016 holds one: names that fit it, identity documents and their check characters.

use core::fmt;

use encoding_rs::GB18030;
use onecard_wire::{date::Date, record::Holder};

/// A name that fits EF 0016.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HolderName(String);

/// A Chinese resident's id number (身份证号): 17 digits and a check character.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdNumber(String);

/// Number of an identity document.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Document {
    /// 居民身份证, whose check character was checked.
    ResidentId(IdNumber),
    /// Any other: its kind as EF 0016 has it, 01 to 05, and a number of at most 32 bytes.
    Other {
        /// 01 officer, 02 passport, 03 entry permit, 04 temporary id, 05 other.
        kind: u8,
        /// Printable ASCII.
        number: String,
    },
}

impl HolderName {
    /// Bytes of EF 0016 for it.
    pub const LEN: usize = 20;

    /// `None` if it is empty or does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (encoded, _, unmappable) = GB18030.encode(text);
        let fits = !unmappable && (1..=Self::LEN).contains(&encoded.len()) && !text.contains(is_unprintable);
        fits.then(|| Self(text.to_owned()))
    }
}

/// What nobody can read on a card or in a report: control characters, marks that turn the direction of writing or have no width,
/// and what a program puts where it could not read a character itself.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFFD}')
}

impl IdNumber {
    /// `None` if length, birthday or check character is wrong (GB 11643, ISO 7064 MOD 11-2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        const CHECK: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
        let digits: Vec<u32> = text.chars().map_while(|character| character.to_digit(10)).take(17).collect();
        let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        let check = usize::try_from(sum % 11).ok().and_then(|at| CHECK.get(at).copied());
        let birthday = text.get(6..14).and_then(Date::parse);
        let whole = text.len() == 18 && digits.len() == 17;
        (whole && birthday.is_some() && text.chars().last() == check).then(|| Self(text.to_owned()))
    }

    /// The last six digits, a check character X as 0: a PIN that its holder knows.
    #[must_use]
    pub fn last_six(&self) -> String {
        let digits = self.0.get(12..).unwrap_or_default();
        digits.replace('X', "0")
    }
}

impl Document {
    /// Number and kind for EF 0016.
    fn parts(&self) -> (&str, u8) {
        match self {
            Self::ResidentId(number) => (&number.0, NATIONAL_ID),
            Self::Other { kind, number } => (number, *kind),
        }
    }
}

const NATIONAL_ID: u8 = 0x00;

/// EF 0016. `staff` is 01 for the issuer's own staff.
#[must_use]
pub fn holder(card_type: u8, staff: bool, name: &HolderName, document: Option<&Document>) -> Holder {
    let (number, id_type) = document.map_or(("", NATIONAL_ID), Document::parts);
    let mut holder =
        Holder { card_type, staff: u8::from(staff), name: [0; HolderName::LEN], id_number: [0; 32], id_type };
    let (encoded, ..) = GB18030.encode(&name.0);
    holder.name.iter_mut().zip(encoded.iter()).for_each(|(to, from)| *to = *from);
    holder.id_number.iter_mut().zip(number.bytes()).for_each(|(to, from)| *to = from);
    holder
}

/// The text in a zero-padded field of EF 0016.
#[must_use]
pub fn holder_text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    GB18030.decode_without_bom_handling(field.get(..end).unwrap_or_default()).0.into_owned()
}

impl fmt::Display for HolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Personal data stays out of logs.
macro_rules! personal {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
personal!(HolderName, IdNumber, Document);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_published_check_character() {
        // The example of GB 11643-1999.
        assert!(IdNumber::parse("11010519491231002X").is_some());
        for wrong in ["110105194912310021", "11010519491331002X", "1101051949123100", "11010519491231002x"] {
            assert!(IdNumber::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(IdNumber::parse("11010519491231002X").unwrap().last_six(), "310020");
    }

    #[test]
    fn a_name_comes_back_from_the_card_and_none_is_too_long() {
        // 㐀 has four bytes in GB18030, the others two: twenty, all there are.
        let name = HolderName::parse("欧阳王小明赵钱孙㐀").unwrap();
        let document = Document::Other { kind: 2, number: "E12345678".to_owned() };
        let holder = holder(1, true, &name, Some(&document));
        assert_eq!(holder_text(&holder.name), name.to_string());
        assert_eq!((holder_text(&holder.id_number).as_str(), holder.id_type, holder.staff), ("E12345678", 2, 1));
        assert!(!holder.name.contains(&0));
        for wrong in [
            "欧阳王小明赵钱孙㐀a",
            "王小明王小明王小明王小",
            "",
            "王\n明",
            "王\u{7F}明",
            "王\u{FFFD}明",
            "王\u{202E}明",
        ] {
            assert!(HolderName::parse(wrong).is_none(), "{wrong:?}");
        }
        assert_eq!(format!("{name:?} {document:?}"), "HolderName(..) Document(..)");
    }
}
