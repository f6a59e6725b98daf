//! Who is who: enterprise, application serial, key master card, terminal.

use core::fmt;

use crate::date::decimal;

/// Enterprise id: 16 BCD digits. The issuer id of EF 0015 and the enterprise's diversification factor (profile §2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EnterpriseId([u8; 8]);

/// Application serial: 16 BCD digits, the last a Luhn check digit; the card's diversification factor (profile §2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationSerial([u8; 8]);

/// Number of a key master card: 16 BCD digits (own, 16.1.3); zeros while it is blank.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyMasterNumber([u8; 8]);

/// Terminal number, as the SAM's EF 0016 holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TerminalNumber(pub [u8; 6]);

impl EnterpriseId {
    /// From 16 BCD digits; `None` if one is not decimal.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        bytes.iter().all(|byte| decimal(*byte).is_some()).then_some(Self(bytes))
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }
}

impl KeyMasterNumber {
    /// From 16 BCD digits; `None` if one is not decimal.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        EnterpriseId::from_bytes(bytes).map(|EnterpriseId(digits)| Self(digits))
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }
}

impl ApplicationSerial {
    /// From 16 BCD digits; `None` if one is not decimal or the check digit is wrong.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        EnterpriseId::from_bytes(bytes)?;
        luhn_valid(&bytes).then_some(Self(bytes))
    }

    /// From its parts, each in decimal: province (2 digits), attribute (3), serial (10); the check digit is computed.
    /// `None` if a part has too many digits.
    #[must_use]
    pub fn from_parts(province: u8, attribute: u16, serial: u64) -> Option<Self> {
        if province > 99 || attribute > 999 || serial > 9_999_999_999 {
            return None;
        }
        let digits = (u64::from(province) * 1_000 + u64::from(attribute)) * 10_000_000_000 + serial;
        let bytes = pack(digits * 10);
        (0..10u8).find_map(|check| {
            let mut candidate = bytes;
            let [.., last] = &mut candidate;
            *last |= check;
            Self::from_bytes(candidate)
        })
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }
}

/// A 16-digit decimal as BCD.
fn pack(mut number: u64) -> [u8; 8] {
    let mut bytes = [0; 8];
    for byte in bytes.iter_mut().rev() {
        let pair = (number % 100) as u8;
        *byte = ((pair / 10) << 4) | (pair % 10);
        number /= 100;
    }
    bytes
}

/// Luhn (ISO/IEC 7812-1 annex B) over all digits, the check digit last.
fn luhn_valid(bcd: &[u8]) -> bool {
    let sum: u32 = bcd
        .iter()
        .map(|byte| {
            let (doubled, plain) = (u32::from(byte >> 4) * 2, u32::from(byte & 0x0F));
            doubled / 10 + doubled % 10 + plain
        })
        .sum();
    sum.is_multiple_of(10)
}

macro_rules! shown_as_digits {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl core::str::FromStr for $name {
            type Err = NotANumber;
            fn from_str(text: &str) -> Result<Self, NotANumber> {
                Self::from_digits(text).ok_or(NotANumber)
            }
        }
    )*};
}
shown_as_digits!(EnterpriseId, ApplicationSerial, KeyMasterNumber, TerminalNumber);

/// The text is not a number of this kind: wrong length, a character that is no digit, or a wrong check digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number of this kind: wrong length, a character that is no digit, or a wrong check digit")
    }
}

impl core::error::Error for NotANumber {}

impl EnterpriseId {
    fn from_digits(text: &str) -> Option<Self> {
        Self::from_bytes(hex(text)?)
    }
}
impl ApplicationSerial {
    fn from_digits(text: &str) -> Option<Self> {
        Self::from_bytes(hex(text)?)
    }
}
impl KeyMasterNumber {
    fn from_digits(text: &str) -> Option<Self> {
        Self::from_bytes(hex(text)?)
    }
}
impl TerminalNumber {
    fn from_digits(text: &str) -> Option<Self> {
        hex(text).map(Self)
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (at, character) in text.chars().enumerate() {
        let byte = bytes.get_mut(at / 2)?;
        *byte = *byte << 4 | u8::try_from(character.to_digit(16)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_a_check_digit() {
        // 7992739871 has the check digit 3: the usual example of ISO/IEC 7812-1's formula.
        let example = [0x00, 0x00, 0x07, 0x99, 0x27, 0x39, 0x87, 0x13];
        assert_eq!(ApplicationSerial::from_parts(0, 0, 7_992_739_871).map(ApplicationSerial::to_bytes), Some(example));
        assert!(ApplicationSerial::from_bytes(example).is_some());
        assert_eq!(ApplicationSerial::from_parts(100, 0, 0), None);
        let mut wrong = example;
        wrong[0] ^= 0x10;
        assert_eq!(ApplicationSerial::from_bytes(wrong), None);
    }
}
