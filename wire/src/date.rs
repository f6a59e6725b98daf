//! Dates `YYYYMMDD` (4 BCD bytes) and times `HHMMSS` (3 BCD bytes).

use core::fmt;

/// A calendar day that exists. Ordered by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date([u8; 4]);

/// A time of day that exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time([u8; 3]);

/// A moment as terminals write it: date then time, 7 BCD bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment {
    /// The day.
    pub date: Date,
    /// The time of day.
    pub time: Time,
}

impl Date {
    /// From BCD; `None` if a digit is not decimal or there is no such day.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        let [high, low, month, day] = bytes;
        let year = u16::from(decimal(high)?) * 100 + u16::from(decimal(low)?);
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match decimal(month)? {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&decimal(day)?).then_some(Self(bytes))
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// From `YYYYMMDD` or `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 4];
        pack_digits(text, b'-', &[4, 7], &mut bytes)?;
        Self::from_bytes(bytes)
    }
}

impl Time {
    /// 00:00:00.
    pub const MIDNIGHT: Self = Self([0; 3]);

    /// From BCD; `None` if there is no such time.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        let [hour, minute, second] = bytes;
        let exists = decimal(hour)? < 24 && decimal(minute)? < 60 && decimal(second)? < 60;
        exists.then_some(Self(bytes))
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }

    /// From `HHMMSS` or `HH:MM:SS`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 3];
        pack_digits(text, b':', &[2, 5], &mut bytes)?;
        Self::from_bytes(bytes)
    }
}

impl Moment {
    /// From 7 BCD bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 7]) -> Option<Self> {
        let (date, time) = bytes.split_first_chunk::<4>()?;
        Some(Self { date: Date::from_bytes(*date)?, time: Time::from_bytes(time.try_into().ok()?)? })
    }

    /// As on the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 7] {
        crate::layout::Writer::new().put(&self.date.0).put(&self.time.0).finish()
    }
}

/// Packs decimal digits two a byte. Separators stand at all of `places` or nowhere.
fn pack_digits(text: &str, separator: u8, places: &[usize], into: &mut [u8]) -> Option<()> {
    let digits = into.len() * 2;
    let separated = text.len() == digits + places.len();
    if !separated && text.len() != digits {
        return None;
    }
    let mut count = 0;
    for (at, byte) in text.bytes().enumerate() {
        if separated && places.contains(&at) {
            if byte != separator {
                return None;
            }
            continue;
        }
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        let packed = into.get_mut(count / 2)?;
        *packed = *packed << 4 | digit;
        count += 1;
    }
    Some(())
}

/// The value of one BCD byte.
pub(crate) fn decimal(byte: u8) -> Option<u8> {
    let (high, low) = (byte >> 4, byte & 0x0F);
    (high < 10 && low < 10).then_some(high * 10 + low)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low, month, day] = self.0;
        write!(f, "{high:02X}{low:02X}-{month:02X}-{day:02X}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [hour, minute, second] = self.0;
        write!(f, "{hour:02X}:{minute:02X}:{second:02X}")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date, self.time)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist() {
        assert!(Date::parse("2024-02-29").is_some());
        assert_eq!(Date::parse("20240229"), Date::parse("2024-02-29"));
        for wrong in
            ["2023-02-29", "2100-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "2024-4-01", "2024/04/01", ""]
        {
            assert_eq!(Date::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Date::from_bytes([0x20, 0x2A, 0x01, 0x01]), None);
        assert!(Date::parse("20000229").is_some());
    }

    #[test]
    fn only_times_that_exist() {
        assert_eq!(Time::parse("23:59:59").map(Time::to_bytes), Some([0x23, 0x59, 0x59]));
        for wrong in ["24:00:00", "23:60:00", "23:59:60", "23-59-59"] {
            assert_eq!(Time::parse(wrong), None, "{wrong}");
        }
    }
}
