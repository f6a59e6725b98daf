//! Time as it comes in: the gateway has no clock.

use std::time::Duration;

use jiff::{Timestamp, tz::Offset};
use onecard_wire::date::{Date, Moment, Time};
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct UnixMillis(pub i64);

/// Minutes east of UTC: China has 480.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ZoneMinutes(pub i16);

/// When messages may go out, by the local clock: from one minute of the day to another, over midnight if the end is not later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First minute of the day, from 0.
    pub from_minute: u16,
    /// The first that is no more in it.
    pub until_minute: u16,
}

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

impl ZoneMinutes {
    /// UTC + 8 hours.
    pub const CHINA: Self = Self(480);
}

impl UnixMillis {
    /// Later by so many milliseconds.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// How much later than `earlier`; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default())
    }

    /// The local date and time to the second; `None` in a year that no card can hold.
    #[must_use]
    pub fn moment(self, zone: ZoneMinutes) -> Option<Moment> {
        let offset = Offset::from_seconds(i32::from(zone.0) * 60).ok()?;
        let local = offset.to_datetime(Timestamp::from_millisecond(self.0).ok()?);
        let date = format!("{:04}{:02}{:02}", local.year(), local.month(), local.day());
        let time = format!("{:02}{:02}{:02}", local.hour(), local.minute(), local.second());
        Some(Moment { date: Date::parse(&date)?, time: Time::parse(&time)? })
    }

    fn minute_of_day(self, zone: ZoneMinutes) -> i64 {
        (self.0.div_euclid(MINUTE_MILLIS) + i64::from(zone.0)).rem_euclid(DAY_MINUTES)
    }
}

impl Window {
    /// Whether `now` is in it.
    #[must_use]
    pub fn is_open(self, now: UnixMillis, zone: ZoneMinutes) -> bool {
        let minute = now.minute_of_day(zone);
        let (from, until) = (i64::from(self.from_minute), i64::from(self.until_minute));
        if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }

    /// The next moment at which it is open: `now` itself if it is.
    #[must_use]
    pub fn opens(self, now: UnixMillis, zone: ZoneMinutes) -> UnixMillis {
        if self.is_open(now, zone) {
            return now;
        }
        let wait = (i64::from(self.from_minute) - now.minute_of_day(zone)).rem_euclid(DAY_MINUTES);
        UnixMillis((now.0.div_euclid(MINUTE_MILLIS) + wait) * MINUTE_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// 2026-11-29 20:00:30 in China.
    const EVENING: UnixMillis = UnixMillis(1_795_953_630_000);

    #[test]
    fn a_moment_is_local() {
        let moment = EVENING.moment(ZoneMinutes::CHINA).unwrap();
        assert_eq!(moment.to_bytes(), [0x20, 0x26, 0x11, 0x29, 0x20, 0x00, 0x30]);
        assert_eq!(EVENING.moment(ZoneMinutes(0)).unwrap().time.to_bytes(), [0x12, 0x00, 0x30]);
    }

    #[test]
    fn a_window_opens_and_closes_by_the_minute() {
        let day = Window { from_minute: 8 * 60, until_minute: 20 * 60 };
        assert!(day.is_open(EVENING.plus(-31_000), ZoneMinutes::CHINA));
        assert!(!day.is_open(EVENING, ZoneMinutes::CHINA));
        let opens = day.opens(EVENING, ZoneMinutes::CHINA);
        assert_eq!(opens.0 - EVENING.0, 12 * 3_600_000 - 30_000);
        assert!(day.is_open(opens, ZoneMinutes::CHINA) && !day.is_open(opens.plus(-1), ZoneMinutes::CHINA));
        let night = Window { from_minute: 20 * 60, until_minute: 6 * 60 };
        assert!(night.is_open(EVENING, ZoneMinutes::CHINA) && !night.is_open(opens, ZoneMinutes::CHINA));
        let always = Window { from_minute: 60, until_minute: 60 };
        assert!(always.is_open(EVENING, ZoneMinutes::CHINA));
    }
}
