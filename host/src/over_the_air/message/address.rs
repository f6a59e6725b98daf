//! Telephone numbers in TPDUs (3GPP TS 23.040 clause 9.1.2.5).

use core::{fmt, str::FromStr};

use onecard_wire::layout::Reader;

/// Digits of an address, in the order of their codes; F fills up.
const DIGITS: &[u8; 15] = b"0123456789*#abc";
/// Type of number and numbering plan: international, telephone.
const INTERNATIONAL: u8 = 0x91;
/// Unknown, telephone.
const UNKNOWN: u8 = 0x81;
/// Type of number: letters of the default alphabet.
const ALPHANUMERIC: u8 = 0xD0;
/// Most bytes of swapped digits.
const MAX_LEN: usize = 10;

/// A telephone number: up to 20 digits, `+` in front of an international one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    type_and_plan: u8,
    digits: u8,
    swapped: [u8; MAX_LEN],
}

/// No telephone number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a telephone number has 1 to 20 digits, with + in front if it is international")]
pub struct AddressError;

impl Address {
    /// Of its parts, as other protocols have them: type of number and numbering plan by the codes of TS 23.040, of three and four
    /// bits, and the digits without `+`.
    ///
    /// # Errors
    /// [`AddressError`]: letters too, which are no digits.
    pub fn from_parts(type_of_number: u8, numbering_plan: u8, digits: &str) -> Result<Self, AddressError> {
        if type_of_number > 0x07 || numbering_plan > 0x0F || type_of_number == ALPHANUMERIC >> 4 & 0x07 {
            return Err(AddressError);
        }
        let number: Self = digits.parse()?;
        if digits.starts_with('+') {
            return Err(AddressError);
        }
        Ok(Self { type_and_plan: 0x80 | type_of_number << 4 | numbering_plan, ..number })
    }

    /// Type of number, three bits: 1 is international.
    #[must_use]
    pub const fn type_of_number(&self) -> u8 {
        self.type_and_plan >> 4 & 0x07
    }

    /// Numbering plan, four bits: 1 is telephone.
    #[must_use]
    pub const fn numbering_plan(&self) -> u8 {
        self.type_and_plan & 0x0F
    }

    /// The digits without `+`; `None` if they are letters.
    #[must_use]
    pub fn digits(&self) -> Option<String> {
        if self.type_of_number() == ALPHANUMERIC >> 4 & 0x07 {
            return None;
        }
        let text = self.to_string();
        Some(text.strip_prefix('+').map(str::to_owned).unwrap_or(text))
    }

    /// `number of digits 1 ‖ type and plan 1 ‖ swapped digits`, as a TPDU has it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + MAX_LEN);
        self.put(&mut bytes);
        bytes
    }

    /// Takes `number of digits 1 ‖ type and plan 1 ‖ swapped digits`.
    pub(super) fn take(reader: &mut Reader<'_>) -> Option<Self> {
        let [digits, type_and_plan] = reader.array()?;
        let length = usize::from(digits).div_ceil(2);
        let bytes = reader.slice(length)?;
        let mut swapped = [0xFF; MAX_LEN];
        // Zipped they would be cut: 11 bytes are none.
        let place = swapped.get_mut(..length)?;
        place.copy_from_slice(bytes);
        Some(Self { type_and_plan, digits, swapped })
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&[self.digits, self.type_and_plan]);
        bytes.extend(self.swapped.iter().take(usize::from(self.digits).div_ceil(2)));
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (type_and_plan, number) = match text.strip_prefix('+') {
            Some(number) => (INTERNATIONAL, number),
            None => (UNKNOWN, text),
        };
        let digits = u8::try_from(number.len()).ok().filter(|digits| (1..=20).contains(digits)).ok_or(AddressError)?;
        let mut swapped = [0xFF; MAX_LEN];
        for (at, character) in number.bytes().enumerate() {
            let code = DIGITS.iter().position(|digit| *digit == character).ok_or(AddressError)? as u8;
            let byte = swapped.get_mut(at / 2).ok_or(AddressError)?;
            *byte = if at % 2 == 0 { 0xF0 | code } else { code << 4 | *byte & 0x0F };
        }
        Ok(Self { type_and_plan, digits, swapped })
    }
}

/// As it is dialled; letters in hexadecimal digits.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.type_and_plan & 0x70 == ALPHANUMERIC & 0x70 {
            let bytes = self.swapped.iter().take(usize::from(self.digits).div_ceil(2));
            return bytes.into_iter().try_for_each(|byte| write!(f, "{byte:02X}"));
        }
        if self.type_and_plan & 0x70 == INTERNATIONAL & 0x70 {
            f.write_str("+")?;
        }
        let codes = self.swapped.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]);
        codes.take(usize::from(self.digits)).try_for_each(|code| {
            let digit = DIGITS.get(usize::from(code)).copied().unwrap_or(b'?');
            write!(f, "{}", char::from(digit))
        })
    }
}

impl fmt::Debug for Address {
    /// Whose number it is stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} digits)", self.digits)
    }
}
