//! How a campaign treats each card.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{UnixMillis, Window, ZoneMinutes};

/// How a campaign treats each card; kept with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a proof is waited for, in milliseconds, after a packet has gone out for the first time.
    pub proof_millis: i64,
    /// Twice as long each time nothing came, up to this.
    pub proof_millis_max: i64,
    /// How often the bytes of a packet that changes nothing of value go out, 1 or more. One that does goes out once, and then the
    /// card is asked.
    pub sends: u32,
    /// When messages may go out; always if there is none.
    pub window: Option<Window>,
    /// The local time that the window and the cards' records are in.
    pub zone: ZoneMinutes,
}

impl Settings {
    /// Two minutes for a proof, up to half an hour; three sends; at any time of China's day.
    pub const DEFAULT: Self =
        Self { proof_millis: 120_000, proof_millis_max: 1_800_000, sends: 3, window: None, zone: ZoneMinutes::CHINA };

    /// The same, but with so long for a proof at first, and 15 times as long at most.
    #[must_use]
    pub fn with_proof_within(self, proof: Duration) -> Self {
        let proof_millis = i64::try_from(proof.as_millis()).unwrap_or(i64::MAX);
        Self { proof_millis, proof_millis_max: proof_millis.saturating_mul(15), ..self }
    }

    /// How long to wait after `misses` packets or sends in a row that nothing came back of.
    #[must_use]
    pub(super) fn patience(&self, misses: u32) -> i64 {
        let doubled = self.proof_millis.saturating_mul(1_i64 << misses.min(32));
        doubled.min(self.proof_millis_max.max(self.proof_millis))
    }

    /// Whether messages may go out now.
    #[must_use]
    pub fn is_open(&self, now: UnixMillis) -> bool {
        self.window.is_none_or(|window| window.is_open(now, self.zone))
    }

    /// When messages may go out, from `now` on.
    #[must_use]
    pub fn opens(&self, now: UnixMillis) -> UnixMillis {
        self.window.map_or(now, |window| window.opens(now, self.zone))
    }
}
