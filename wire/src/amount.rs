//! Money.

use core::fmt;

/// Fen (分), unsigned 32 bits, big-endian on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u32);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From fen.
    #[must_use]
    pub const fn from_fen(fen: u32) -> Self {
        Self(fen)
    }

    /// In fen.
    #[must_use]
    pub const fn fen(self) -> u32 {
        self.0
    }

    /// From the wire.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The sum, or `None` if it does not fit a purse.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if `other` is more.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// From yuan as people write it: `12`, `12.5`, `12.50`. `None` for anything else, more than two decimals included.
    #[must_use]
    pub fn parse_yuan(text: &str) -> Option<Self> {
        let (yuan, decimals) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(yuan) || !digits(decimals) || decimals.len() > 2 {
            return None;
        }
        let fen: u32 = decimals.parse().ok()?;
        let fen = if decimals.len() == 1 { fen * 10 } else { fen };
        yuan.parse::<u32>().ok()?.checked_mul(100)?.checked_add(fen).map(Self)
    }
}

impl fmt::Display for Amount {
    /// Yuan with two decimals: `12.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} yuan")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_as_people_write_them() {
        let fen = |text| Amount::parse_yuan(text).map(Amount::fen);
        assert_eq!(fen("12"), Some(1_200));
        assert_eq!(fen("12.5"), Some(1_250));
        assert_eq!(fen("0.05"), Some(5));
        assert_eq!(fen("42949672.95"), Some(u32::MAX));
        for wrong in ["", ".", "1.", ".5", "1.234", "-1", "+1", "1,5", "42949672.96", "1e3", "１"] {
            assert_eq!(fen(wrong), None, "{wrong}");
        }
    }
}
