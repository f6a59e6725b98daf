//! How many messages a second, and how long to wait after a failure. Time comes in as an argument: since some beginning, the same for
//! every call.

use std::time::Duration;

use rand::{RngExt, rngs::ChaCha8Rng};

/// A token bucket: so many a second, up to a tenth of a second's worth at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Between two messages; zero: no limit.
    interval: Duration,
    /// How far the next message's time may lie ahead.
    ahead: Duration,
    /// When the bucket is full again.
    full_at: Duration,
}

/// How long to wait before another try: doubled each time, up to a limit, and half of it by chance, so that not everybody comes back
/// at once.
#[derive(Clone, Debug)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Rate {
    /// So many messages a second; 0: no limit.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second).unwrap_or_default();
        Self { interval, ahead: interval.max(Duration::from_millis(100)), full_at: Duration::ZERO }
    }

    /// How many may go now, but no more than `most`.
    #[must_use]
    pub fn allows(&self, now: Duration, most: usize) -> usize {
        if self.interval.is_zero() {
            return most;
        }
        let room = (now + self.ahead).saturating_sub(self.full_at.max(now));
        let count = room.as_nanos() / self.interval.as_nanos().max(1);
        usize::try_from(count).unwrap_or(usize::MAX).min(most)
    }

    /// One has gone.
    pub fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + self.interval;
    }
}

impl BackOff {
    /// From the first wait to the longest.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// Another failure: how long to wait now.
    pub fn failed(&mut self, random: &mut ChaCha8Rng) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(self.longest);
        wait / 2 + (wait / 2).mul_f64(random.random::<f64>())
    }

    /// It worked: the next failure is the first.
    pub const fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn no_second_has_more_than_the_rate_and_a_burst() {
        for per_second in [1, 7, 100, 3_000] {
            let mut rate = Rate::new(per_second);
            let mut sent = Vec::new();
            for millis in 0..10_000 {
                let now = Duration::from_millis(millis);
                while rate.allows(now, 1) > 0 {
                    rate.take(now);
                    sent.push(millis);
                }
            }
            let burst = u64::from(per_second / 10).max(1);
            let total = sent.len() as u64;
            assert!((u64::from(per_second) * 10..=u64::from(per_second) * 10 + burst).contains(&total), "{total}");
            for from in (0..9_000).step_by(100) {
                let in_second = sent.iter().filter(|at| (from..from + 1_000).contains(*at)).count() as u64;
                assert!(in_second <= u64::from(per_second) + burst, "{in_second} from {from} ms at {per_second}");
            }
        }
        assert_eq!(Rate::new(0).allows(Duration::ZERO, 77), 77);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut back_off = BackOff::new(Duration::from_secs(1), Duration::from_secs(60));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = back_off.failed(&mut random);
            let longest = Duration::from_secs(seconds);
            assert!(longest / 2 <= wait && wait <= longest, "{wait:?}");
        }
        assert_ne!(back_off.failed(&mut random), back_off.failed(&mut random));
        back_off.worked();
        assert!(back_off.failed(&mut random) <= Duration::from_secs(1));
    }
}
