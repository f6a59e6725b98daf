//! The phone's date and time.

use std::time::Duration;

use onecard_wire::date::{Date, Moment, Time};

/// `start` and `elapsed` later; `None` beyond the calendar's end.
pub(crate) fn moment_after(start: Moment, elapsed: Duration) -> Option<Moment> {
    /// Seconds of a day.
    const DAY: u64 = 24 * 3600;
    let [hour, minute, second] = start.time.to_bytes().map(decimal);
    let seconds = hour * 3600 + minute * 60 + second + elapsed.as_secs();
    let date = (0..seconds / DAY).try_fold(start.date, |date, _| day_after(date))?;
    let of_day = seconds % DAY;
    let time = Time::from_bytes([of_day / 3600, of_day / 60 % 60, of_day % 60].map(bcd))?;
    Some(Moment { date, time })
}

fn day_after(date: Date) -> Option<Date> {
    let [century, year, month, day] = date.to_bytes();
    let (month, day) = (decimal(month), decimal(day));
    let next_day = Date::from_bytes([century, year, bcd(month), bcd(day + 1)]);
    let next_month = || Date::from_bytes([century, year, bcd(month + 1), 0x01]);
    next_day.or_else(next_month).or_else(|| {
        let year = decimal(century) * 100 + decimal(year) + 1;
        Date::from_bytes([bcd(year / 100), bcd(year % 100), 0x01, 0x01])
    })
}

fn decimal(bcd: u8) -> u64 {
    u64::from(bcd >> 4) * 10 + u64::from(bcd & 0x0F)
}

/// Two digits; FF, which is no digits, for what has more.
fn bcd(number: u64) -> u8 {
    if number > 99 { 0xFF } else { u8::try_from(number / 10 * 16 + number % 10).unwrap_or(0xFF) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_and_years_pass() {
        let start = Moment::from_bytes([0x20, 0x27, 0x12, 0x31, 0x23, 0x59, 0x30]).unwrap();
        let after = |seconds| moment_after(start, Duration::from_secs(seconds)).unwrap().to_bytes();
        assert_eq!(after(29), [0x20, 0x27, 0x12, 0x31, 0x23, 0x59, 0x59]);
        assert_eq!(after(30), [0x20, 0x28, 0x01, 0x01, 0x00, 0x00, 0x00]);
        assert_eq!(after(30 + 59 * 24 * 3600), [0x20, 0x28, 0x02, 0x29, 0x00, 0x00, 0x00]);
    }
}
