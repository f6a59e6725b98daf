//! The terminal's clock.

use anyhow::Context;
use onecard_wire::date::{Date, Moment, Time};

/// The local date and time.
pub(crate) fn now() -> anyhow::Result<Moment> {
    let now = jiff::Zoned::now();
    moment(&now.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .with_context(|| format!("the clock shows {now}, which no card can hold: set it"))
}

/// From `YYYY-MM-DD HH:MM:SS`; the seconds may be missing.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let time = Time::parse(time).or_else(|| Time::parse(&format!("{time}:00")))?;
    Some(Moment { date: Date::parse(date)?, time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_be_missing() {
        assert_eq!(moment("2026-11-02 12:30"), moment("2026-11-02T12:30:00"));
        assert!(moment("2026-11-02 12:30").is_some());
        for wrong in ["2026-11-02", "2026-11-31 12:00", "12:00 2026-11-02", "2026-11-02 1230", ""] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
