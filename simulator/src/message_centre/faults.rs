//! How bad a network is.

use std::{fmt, str::FromStr, time::Duration};

use rand::{RngExt, rngs::ChaCha8Rng};

/// How often something happens, in parts of a million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Chance(u32);

/// What a network does to messages, drawn for each by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    /// A message that was taken never arrives, either way; no receipt tells of it.
    pub lost: Chance,
    /// It arrives twice.
    pub repeated: Chance,
    /// It is not taken: too much is being sent.
    pub throttled: Chance,
    /// A phone cannot be reached; it is tried again.
    pub unreachable: Chance,
    /// Shortest way, each way.
    pub delay_min: Duration,
    /// Longest way. Each message's is drawn between the two, so that they overtake each other.
    pub delay_max: Duration,
}

/// No chance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a chance is 0% to 100% with at most four decimals, such as 5% or 0.25%: {0:?} is none")]
pub struct NoChance(String);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// Whole parts of a hundred; above 100 it always happens.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        if percent > 100 { Self::ALWAYS } else { Self(percent * 10_000) }
    }

    /// Whether it happens this time. What never happens draws nothing.
    pub(super) fn strikes(self, random: &mut ChaCha8Rng) -> bool {
        self.0 > 0 && random.random_ratio(self.0, Self::ALWAYS.0)
    }
}

impl FromStr for Chance {
    type Err = NoChance;

    fn from_str(text: &str) -> Result<Self, NoChance> {
        let read = || {
            let (whole, decimals) = text.strip_suffix('%')?.split_once('.').or(Some((text.strip_suffix('%')?, "")))?;
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            if whole.is_empty() || decimals.len() > 4 || !digits(whole) || !digits(decimals) {
                return None;
            }
            let parts: u32 = format!("{whole}{decimals:0<4}").parse().ok()?;
            (parts <= Self::ALWAYS.0).then_some(Self(parts))
        };
        read().ok_or_else(|| NoChance(text.to_owned()))
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:04}", self.0 % 10_000);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{}%", self.0 / 10_000),
            decimals => write!(f, "{}.{decimals}%", self.0 / 10_000),
        }
    }
}

impl Faults {
    /// Everything arrives, once, in order, after 100 ms.
    pub const NONE: Self = Self {
        lost: Chance::NEVER,
        repeated: Chance::NEVER,
        throttled: Chance::NEVER,
        unreachable: Chance::NEVER,
        delay_min: Duration::from_millis(100),
        delay_max: Duration::from_millis(100),
    };

    /// One way's time.
    pub(super) fn delay(&self, random: &mut ChaCha8Rng) -> Duration {
        let spread = self.delay_max.saturating_sub(self.delay_min);
        let micros = u64::try_from(spread.as_micros()).unwrap_or(u64::MAX - 1);
        if micros == 0 {
            self.delay_min
        } else {
            self.delay_min + Duration::from_micros(random.random_range(0..=micros))
        }
    }

    /// When a message's copies arrive, from now on: none, one or two.
    pub(super) fn ways(&self, random: &mut ChaCha8Rng) -> Vec<Duration> {
        if self.lost.strikes(random) {
            return Vec::new();
        }
        let copies = if self.repeated.strikes(random) { 2 } else { 1 };
        (0..copies).map(|_| self.delay(random)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_as_people_write_them() {
        for (text, parts) in [("0%", 0), ("5%", 50_000), ("0.25%", 2_500), ("100%", 1_000_000), ("0.0001%", 1)] {
            assert_eq!(text.parse(), Ok(Chance(parts)));
            assert_eq!(Chance(parts).to_string(), text);
        }
        for wrong in ["5", "101%", "-1%", "%", ".5%", "0.00001%", "five%", "99999999999%"] {
            assert!(wrong.parse::<Chance>().is_err(), "{wrong}");
        }
    }
}
