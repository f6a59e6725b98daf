//! Messages that the message centre did not take: they leave later, just so.

use std::collections::VecDeque;

use super::{engine::Flight, time::UnixMillis};

/// How long the first waits, in milliseconds; twice as long for each further one in a row, up to the longest.
const FIRST_MILLIS: i64 = 500;
const LONGEST_MILLIS: i64 = 30_000;

/// What waits, and how long the message centre is left alone.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    waiting: VecDeque<Flight>,
    not_before: UnixMillis,
    pause_millis: i64,
}

impl Throttle {
    /// The message centre was too busy for it.
    pub(super) fn throttled(&mut self, flight: Flight, now: UnixMillis) {
        // Those that were under way together count once.
        if !self.is_closed(now) {
            self.pause_millis = (self.pause_millis * 2).clamp(FIRST_MILLIS, LONGEST_MILLIS);
            self.not_before = now.plus(self.pause_millis);
        }
        self.waiting.push_back(flight);
    }

    /// There was no room for it after all.
    pub(super) fn hold(&mut self, flight: Flight, now: UnixMillis) {
        self.not_before = self.opens(now).max(now.plus(1));
        self.waiting.push_back(flight);
    }

    /// The message centre took one.
    pub(super) const fn accepted(&mut self) {
        self.pause_millis = 0;
    }

    /// Whether nothing may leave now. What is further off than ever, the clock was set back from.
    pub(super) fn is_closed(&self, now: UnixMillis) -> bool {
        now < self.not_before && self.not_before <= now.plus(LONGEST_MILLIS)
    }

    /// From `now` on, when something may leave.
    pub(super) fn opens(&self, now: UnixMillis) -> UnixMillis {
        if self.is_closed(now) { self.not_before } else { now }
    }

    /// The one that has waited longest.
    pub(super) fn next(&mut self) -> Option<Flight> {
        self.waiting.pop_front()
    }

    /// When one may leave.
    pub(super) fn next_due(&self, now: UnixMillis) -> Option<UnixMillis> {
        (!self.waiting.is_empty()).then(|| self.opens(now))
    }
}
