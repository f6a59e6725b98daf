//! The phone's timers (TS 102 223 clause 6.4.21), on a clock that somebody else moves.

use std::{collections::BTreeMap, time::Duration};

use onecard_wire::toolkit::code::TimerAction;

use super::proactive::TimerOrder;

/// Timers 1 to 8: those that run.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Timers(BTreeMap<u8, Running>);

/// Since when, and until when; both counted from when the phone was first switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Running {
    since: Duration,
    until: Duration,
}

/// A timer that has run out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Expired {
    pub(super) id: u8,
    pub(super) since: Duration,
}

/// What TIMER MANAGEMENT gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimerAnswer {
    /// It runs.
    Started,
    /// It stood, or stands now, at that.
    Value(Duration),
    /// It does not run.
    Contradiction,
}

impl Timers {
    pub(super) fn manage(&mut self, order: TimerOrder, now: Duration) -> TimerAnswer {
        let left = |running: Running| TimerAnswer::Value(running.until.saturating_sub(now));
        match (order.action, order.value) {
            (TimerAction::START, Some(value)) => {
                self.0.insert(order.id, Running { since: now, until: now + value });
                TimerAnswer::Started
            }
            (TimerAction::DEACTIVATE, _) => self.0.remove(&order.id).map_or(TimerAnswer::Contradiction, left),
            _ => self.0.get(&order.id).copied().map_or(TimerAnswer::Contradiction, left),
        }
    }

    /// When the next one ends.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.values().map(|running| running.until).min()
    }

    /// Takes away those that have ended by `now`, the earliest first.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Expired> {
        let ended = self.0.iter().filter(|(_, running)| running.until <= now);
        let mut ended: Vec<_> = ended.map(|(id, running)| (running.until, *id, running.since)).collect();
        ended.sort_unstable();
        self.0.retain(|_, running| running.until > now);
        ended.into_iter().map(|(_, id, since)| Expired { id, since }).collect()
    }

    /// Those that run: identifier, and what is left.
    pub(super) fn running(&self, now: Duration) -> impl Iterator<Item = (u8, Duration)> {
        self.0.iter().map(move |(id, running)| (*id, running.until.saturating_sub(now)))
    }
}

/// From a timer value: hours, minutes and seconds, digits swapped (clause 8.38).
pub(super) fn read_value(value: &[u8]) -> Option<Duration> {
    let [hours, minutes, seconds] = *value else {
        return None;
    };
    let (hours, minutes, seconds) = (digits(hours)?, digits(minutes)?, digits(seconds)?);
    (hours < 24 && minutes < 60 && seconds < 60).then(|| Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
}

/// As a timer value; a whole second more if one has begun.
pub(super) fn value(time: Duration) -> [u8; 3] {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    [seconds / 3600, seconds / 60 % 60, seconds % 60].map(swapped)
}

/// Two digits, the tens in the low half.
pub(super) fn swapped(number: u64) -> u8 {
    u8::try_from(number % 10 * 16 + number / 10 % 10).unwrap_or_default()
}

fn digits(byte: u8) -> Option<u64> {
    let (tens, ones) = (byte & 0x0F, byte >> 4);
    (tens < 10 && ones < 10).then(|| u64::from(tens) * 10 + u64::from(ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_digits_swapped() {
        assert_eq!(read_value(&[0x00, 0x10, 0x01]), Some(Duration::from_secs(70)));
        assert_eq!(value(Duration::from_secs(23 * 3600 + 59 * 60 + 58)), [0x32, 0x95, 0x85]);
        for wrong in [&[0x00, 0x06, 0x00][..], &[0x0A, 0, 0], &[0, 0], &[0x42, 0, 0]] {
            assert_eq!(read_value(wrong), None, "{wrong:02X?}");
        }
    }

    #[test]
    fn a_timer_that_does_not_run_contradicts() {
        let mut timers = Timers::default();
        let start =
            |id, seconds| TimerOrder { id, action: TimerAction::START, value: Some(Duration::from_secs(seconds)) };
        let ask = TimerOrder { id: 2, action: TimerAction::CURRENT_VALUE, value: None };
        assert_eq!(timers.manage(ask, Duration::ZERO), TimerAnswer::Contradiction);
        assert_eq!(timers.manage(start(2, 60), Duration::ZERO), TimerAnswer::Started);
        assert_eq!(timers.manage(start(1, 60), Duration::ZERO), TimerAnswer::Started);
        assert_eq!(timers.manage(ask, Duration::from_secs(20)), TimerAnswer::Value(Duration::from_secs(40)));
        assert_eq!(timers.next(), Some(Duration::from_secs(60)));
        let stop = TimerOrder { action: TimerAction::DEACTIVATE, ..ask };
        assert_eq!(timers.manage(stop, Duration::from_secs(59)), TimerAnswer::Value(Duration::from_secs(1)));
        assert_eq!(timers.manage(stop, Duration::from_secs(59)), TimerAnswer::Contradiction);
        assert_eq!(timers.expire(Duration::from_secs(59)), []);
        assert_eq!(timers.expire(Duration::from_secs(60)), [Expired { id: 1, since: Duration::ZERO }]);
        assert_eq!(timers.next(), None);
    }
}
