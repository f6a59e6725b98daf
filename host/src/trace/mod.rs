//! A trace of APDUs that people can read and that shows no secret.
//!
//! [`Traced`] stands between a terminal and its [`Transport`] and hands each [`Exchange`] to a sink. PINs, key bodies and
//! the holder's personal data are left out **when the exchange is recorded**, so no later printing can show them. The
//! `Display` of an [`Exchange`] tells every field by name; [`Exchange::decode`] gives the same as data.
//!
//! [`TraceFile`] is a trace as a file. [`Follower`] tells what card and SAM must have in their memory after each entry, and
//! which answers contradict that. [`Checker`] makes every MAC and cryptogram anew by known keys, and points at the first
//! wrong byte and the clause of the specification that fixes it.
//!
//! ```
//! use onecard_host::trace::Exchange;
//!
//! let verify = Exchange::record(&[0x00, 0x20, 0x00, 0x00, 0x03, 0x12, 0x34, 0x56], Ok(&[0x90, 0x00]));
//! let story = verify.to_string();
//! assert!(story.starts_with("VERIFY PIN"));
//! assert!(!story.contains("123456"));
//! ```

mod answer;
mod check;
mod command;
mod discretion;
mod entry;
mod exchange;
mod field;
mod file;
mod follow;
mod replay;
mod transaction;
mod whole;

pub use check::{Checker, Finding, Fit, GivenKey, Place, Report, Side, TraceKeys, Unchecked, Verdict, Wrong};
pub use discretion::Discretion;
pub use entry::{Entry, Peer, What};
pub use exchange::{Answer, Exchange, Payload, Sent};
pub use field::{Decoded, Field};
pub use file::{About, DamagedTrace, SCHEMA, TraceFault, TraceFile, TraceWriter};
pub use follow::{CardState, Contradiction, Follower, PurseState, SamState, Selected, Shown};
pub use replay::{Replay, ReplayOrder, ReplayOutcome, ReplayStep, ReplayTarget, Stopped};
pub use transaction::{Begun, Second, TransactionKind};

use crate::transport::{Transport, TransportError};

/// A [`Transport`] that hands every exchange to a sink.
#[derive(Debug)]
pub struct Traced<T, F> {
    inner: T,
    sink: F,
    discretion: Discretion,
}

impl<T: Transport, F: FnMut(&Exchange)> Traced<T, F> {
    /// Traces what goes through `inner`, which was just powered up.
    #[must_use]
    pub const fn new(inner: T, sink: F) -> Self {
        Self { inner, sink, discretion: Discretion::NEW }
    }

    /// What was traced.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: Transport, F: FnMut(&Exchange)> Transport for Traced<T, F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.inner.transmit(command);
        (self.sink)(&self.discretion.record(command, answer.as_deref()));
        answer
    }
}

#[cfg(test)]
mod tests;
