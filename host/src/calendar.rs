//! Days of the week and spans of time, which BCD digits do not tell.

use jiff::civil;
use onecard_wire::date::{Date, Moment};

/// The same day for a calendar, which knows the day of the week and the day before. A [`Date`] exists, so there is one.
pub(crate) fn day(date: Date) -> Option<civil::Date> {
    let [high, low, month, day] = date.to_bytes().map(decimal);
    civil::Date::new(i16::from(high) * 100 + i16::from(low), month, day).ok()
}

/// Seconds since midnight.
pub(crate) fn second_of_day(at: Moment) -> u32 {
    let [hour, minute, second] = at.time.to_bytes().map(|byte| u32::from(decimal(byte).unsigned_abs()));
    (hour * 60 + minute) * 60 + second
}

/// Seconds from one moment to another, whichever is later: a clock set back between them makes neither far.
pub(crate) fn seconds_between(one: Moment, other: Moment) -> u64 {
    let seconds = |at: Moment| day(at.date).map(|day| day.to_datetime(civil::Time::midnight())).map(|day| (day, at));
    let (Some((one, one_at)), Some((other, other_at))) = (seconds(one), seconds(other)) else { return u64::MAX };
    let days = one.duration_until(other).as_secs();
    (days + i64::from(second_of_day(other_at)) - i64::from(second_of_day(one_at))).unsigned_abs()
}

/// The value of one BCD byte, 0 to 99.
fn decimal(byte: u8) -> i8 {
    let value = (byte >> 4) * 10 + (byte & 0x0F);
    value.cast_signed()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::civil::Weekday;
    use onecard_wire::date::Time;

    fn moment(date: &str, time: &str) -> Moment {
        Moment { date: Date::parse(date).unwrap(), time: Time::parse(time).unwrap() }
    }

    #[test]
    fn days_of_the_week_of_real_dates() {
        for (date, weekday) in [
            ("1949-10-01", Weekday::Saturday),
            ("2000-02-29", Weekday::Tuesday),
            ("2024-02-29", Weekday::Thursday),
            ("2026-10-01", Weekday::Thursday),
            ("2100-03-01", Weekday::Monday),
        ] {
            assert_eq!(day(Date::parse(date).unwrap()).unwrap().weekday(), weekday, "{date}");
        }
    }

    #[test]
    fn spans_cross_midnight_and_leap_days_and_have_no_direction() {
        let (before, after) = (moment("2024-02-28", "23:59:50"), moment("2024-03-01", "00:00:10"));
        assert_eq!(seconds_between(before, after), 86_400 + 20);
        assert_eq!(seconds_between(after, before), 86_400 + 20);
        assert_eq!(seconds_between(after, after), 0);
        assert_eq!(seconds_between(moment("2023-02-28", "23:59:59"), moment("2023-03-01", "00:00:00")), 1);
    }
}
