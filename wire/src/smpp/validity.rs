//! How long a message centre keeps a message that it cannot deliver: relative times (clause 7.1.1.2), `YYMMDDhhmmss000R`.

use core::{str, time::Duration};

/// Length of a time in characters.
pub const LEN: usize = 16;
/// The longest that is said here: thirty days, so that no month is, which has no length of its own.
pub const MAX: Duration = Duration::from_secs(30 * DAY);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Of years and months a reader has to say how long they are (own).
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;
/// Tenths of a second and quarters of an hour, which a relative time has not, and what says that it is one.
const END: [u8; 4] = *b"000R";

/// A relative time, from the moment at which the message centre has the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelativeTime([u8; LEN]);

impl RelativeTime {
    /// So long: whole seconds, upward, at most [`MAX`].
    #[must_use]
    pub fn of(time: Duration) -> Self {
        let time = time.min(MAX);
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let fields = [0, 0, seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE];
        let mut text = [b'0'; LEN];
        for (digits, field) in text.chunks_exact_mut(2).zip(fields) {
            // Below 100 each.
            digits.copy_from_slice(&[b'0' + (field / 10 % 10) as u8, b'0' + (field % 10) as u8]);
        }
        if let Some(end) = text.last_chunk_mut() {
            *end = END;
        }
        Self(text)
    }

    /// As validity_period has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits and an R.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How long a time of 16 characters is; `None` if it is no relative one.
    #[must_use]
    pub fn read(text: &str) -> Option<Duration> {
        const SECONDS: [u64; 6] = [YEAR, MONTH, DAY, HOUR, MINUTE, 1];
        const LARGEST: [u64; 6] = [99, 12, 31, 23, 59, 59];
        let (fields, end) = text.as_bytes().split_last_chunk::<4>()?;
        if text.len() != LEN || *end != END || !fields.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut sum = 0;
        for (digits, (seconds, largest)) in fields.chunks_exact(2).zip(SECONDS.into_iter().zip(LARGEST)) {
            let [tens, ones] = digits.try_into().ok()?;
            let field = u64::from(tens - b'0') * 10 + u64::from(ones - b'0');
            if field > largest {
                return None;
            }
            sum += field * seconds;
        }
        Some(Duration::from_secs(sum))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_as_the_standard_writes_them() {
        for (text, seconds) in [
            ("000000000100000R", 60),
            ("000000000000000R", 0),
            ("000000235959000R", DAY - 1),
            ("000001000000000R", DAY),
            ("000030000000000R", 30 * DAY),
        ] {
            assert_eq!(RelativeTime::read(text), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(RelativeTime::of(Duration::from_secs(seconds)).as_str(), text);
        }
        // The standard's own example: 2 years, 6 months, 10 days, 23 hours, 34 minutes, 29 seconds.
        let example = 2 * YEAR + 6 * MONTH + 10 * DAY + 23 * HOUR + 34 * MINUTE + 29;
        assert_eq!(RelativeTime::read("020610233429000R"), Some(Duration::from_secs(example)));
        assert_eq!(RelativeTime::of(Duration::from_millis(1_001)).as_str(), "000000000002000R");
        assert_eq!(RelativeTime::of(Duration::from_secs(40 * DAY)).as_str(), "000030000000000R");
        for wrong in [
            "",
            "000000000100000",
            "000000000100000+",
            "000000000100004R",
            "000000000160000R",
            "000000240000000R",
            "0000000001 0000R",
            "0000000000100000R",
        ] {
            assert_eq!(RelativeTime::read(wrong), None, "{wrong}");
        }
    }
}
