//! The numbers that cards and SAMs get, each once, across batches, runs and crashes (specification 18.4).

mod ledger;
mod printed;

use onecard_host::issuing::SamSerial;
use onecard_wire::number::ApplicationSerial;

pub use ledger::{Block, Claim, Ledger, LedgerEntry, LedgerState, NumberError, reserve};
pub use printed::{Printed, PrintedNumber};

/// A running number of a series.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Number(pub u64);

/// A range of numbers, and what is made of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Series {
    /// What is made of them.
    pub serials: Serials,
    /// The first of the range.
    pub first: u64,
    /// The last of the range.
    pub last: u64,
}

/// What is made of a running number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Serials {
    /// Application serials (2.2.2) and the numbers printed on the cards (2.2.4).
    Application {
        /// Province, 2 digits.
        province: u8,
        /// Attribute, 3 digits.
        attribute: u16,
        /// What stands in front of the printed number's serial.
        printed: Printed,
    },
    /// A SAM's own number: ten digits in front of the running number's ten.
    Sam {
        /// The ten digits.
        prefix: String,
    },
}

/// What one running number becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serial {
    /// A member's card.
    Application {
        /// Its application serial.
        serial: ApplicationSerial,
        /// The number printed on it.
        printed: PrintedNumber,
    },
    /// A SAM.
    Sam(SamSerial),
}

impl Series {
    /// The greatest running number: ten digits.
    pub const LAST: u64 = 9_999_999_999;

    /// Whether a range ends behind its beginning and does not print a number twice: a printed number has the last eight digits.
    #[must_use]
    pub const fn is_range(first: u64, last: u64) -> bool {
        first <= last && last <= Self::LAST && first / PRINTED_SERIALS == last / PRINTED_SERIALS
    }

    /// What `number` becomes; `None` outside the range.
    #[must_use]
    pub fn serial(&self, Number(number): Number) -> Option<Serial> {
        if !(self.first..=self.last).contains(&number) {
            return None;
        }
        Some(match &self.serials {
            Serials::Application { province, attribute, printed } => Serial::Application {
                serial: ApplicationSerial::from_parts(*province, *attribute, number)?,
                printed: printed.number(*province, number % PRINTED_SERIALS)?,
            },
            Serials::Sam { prefix } => Serial::Sam(format!("{prefix}{number:010}").parse().ok()?),
        })
    }

    /// The running number of an application serial of this series.
    #[must_use]
    pub fn number_of(&self, serial: ApplicationSerial) -> Option<Number> {
        let digits: String = serial.to_string().chars().skip(5).take(10).collect();
        let number = Number(digits.parse().ok()?);
        matches!(self.serial(number)?, Serial::Application { serial: own, .. } if own == serial).then_some(number)
    }

    /// The running number of a SAM's number of this series.
    #[must_use]
    pub fn sam_number_of(&self, serial: SamSerial) -> Option<Number> {
        let number = Number(serial.to_string().get(10..)?.parse().ok()?);
        (self.serial(number)? == Serial::Sam(serial)).then_some(number)
    }

    /// What all numbers of the series have in common: two profiles with one ledger must agree in it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.serials {
            Serials::Application { province, attribute, .. } => format!("application {province:02}-{attribute:03}"),
            Serials::Sam { prefix } => format!("sam {prefix}"),
        }
    }

    /// What is printed in front of a number's last eight digits.
    fn printed(&self) -> Option<String> {
        match &self.serials {
            Serials::Application { province, printed, .. } => Some(format!("{province:02}-{printed}")),
            Serials::Sam { .. } => None,
        }
    }
}

/// A printed number's serial has eight digits.
const PRINTED_SERIALS: u64 = 100_000_000;

impl core::fmt::Display for Serial {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Application { serial, .. } => serial.fmt(f),
            Self::Sam(serial) => serial.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::unreachable)]
    use super::*;

    fn series() -> Series {
        let printed = Printed { year: 26, vendor: 1, version: 2, card_type: 3 };
        Series { serials: Serials::Application { province: 31, attribute: 1, printed }, first: 7, last: 99 }
    }

    #[test]
    fn a_number_becomes_a_serial_and_a_printed_number_and_comes_back() {
        let Serial::Application { serial, printed } = series().serial(Number(7)).unwrap() else { unreachable!() };
        assert_eq!(serial.to_string(), "3100100000000076");
        assert_eq!(printed.to_string(), "3126010203000000073");
        assert_eq!(series().number_of(serial), Some(Number(7)));
        assert_eq!((series().serial(Number(6)), series().serial(Number(100))), (None, None));
        let other = ApplicationSerial::from_parts(31, 2, 7).unwrap();
        assert_eq!(series().number_of(other), None);
    }

    #[test]
    fn a_range_prints_no_number_twice() {
        for (first, last, fits) in
            [(1, 99_999_999, true), (1, 100_000_000, false), (100_000_000, 199_999_999, true), (2, 1, false)]
        {
            assert_eq!(Series::is_range(first, last), fits, "{first} {last}");
        }
    }

    #[test]
    fn a_sam_has_twenty_digits() {
        let series = Series { serials: Serials::Sam { prefix: "8600000000".to_owned() }, first: 1, last: 9 };
        let Some(Serial::Sam(serial)) = series.serial(Number(3)) else { unreachable!() };
        assert_eq!(
            (serial.to_string().as_str(), series.sam_number_of(serial)),
            ("86000000000000000003", Some(Number(3)))
        );
    }
}
