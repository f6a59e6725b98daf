//! The 19 digits printed on a card (2.2.4): province 2, year 2, vendor 2, version 2, card type 2, serial 8, Luhn 1.

use core::fmt;

/// What stands between the province and the serial, two digits each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Printed {
    /// Year of issue.
    pub year: u8,
    /// The card's vendor.
    pub vendor: u8,
    /// Version of the card.
    pub version: u8,
    /// Card type.
    pub card_type: u8,
}

/// A printed number with its check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrintedNumber(u64);

impl Printed {
    /// The number with `serial`, at most eight digits; `None` if a part has too many digits.
    #[must_use]
    pub fn number(self, province: u8, serial: u64) -> Option<PrintedNumber> {
        let Self { year, vendor, version, card_type } = self;
        let parts = [province, year, vendor, version, card_type];
        if parts.iter().any(|part| *part > 99) || serial > 99_999_999 {
            return None;
        }
        let front = parts.iter().fold(0_u64, |number, part| number * 100 + u64::from(*part));
        let digits = front * 100_000_000 + serial;
        Some(PrintedNumber(digits * 10 + check_digit(digits)))
    }
}

impl PrintedNumber {
    /// How many digits it has.
    pub const LEN: usize = 19;
}

/// Luhn (ISO/IEC 7812-1 annex B): what makes the sum over `digits` and itself a multiple of 10.
fn check_digit(mut digits: u64) -> u64 {
    let (mut sum, mut double) = (0, true);
    while digits > 0 {
        let digit = digits % 10;
        let doubled = digit * 2;
        sum += if double { doubled / 10 + doubled % 10 } else { digit };
        (digits, double) = (digits / 10, !double);
    }
    (10 - sum % 10) % 10
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, vendor, version, card_type } = self;
        write!(f, "{year:02}-{vendor:02}-{version:02}-{card_type:02}")
    }
}

impl fmt::Display for PrintedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.0, width = Self::LEN)
    }
}

impl fmt::Debug for PrintedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_check_digit_of_the_usual_example() {
        // 7992739871 has the check digit 3.
        assert_eq!(check_digit(7_992_739_871), 3);
        assert_eq!(check_digit(0), 0);
    }

    #[test]
    fn nineteen_digits_and_no_part_too_long() {
        let printed = Printed { year: 26, vendor: 1, version: 1, card_type: 99 };
        assert_eq!(printed.number(1, 99_999_999).unwrap().to_string().len(), PrintedNumber::LEN);
        assert_eq!(printed.number(1, 100_000_000), None);
        assert_eq!(Printed { year: 100, ..printed }.number(1, 1), None);
    }
}
