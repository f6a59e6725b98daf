//! Traces: what is recorded of this project's terminals, cards and SAMs, and of published ones, is followed, checked and
//! told where it is wrong.

mod changed;
mod published;
mod recorded;
mod replayed;

use onecard_host::trace::{Checker, Entry, Exchange, Peer, Report, TraceKeys, What};

/// What the keys say of a whole trace.
fn check(entries: &[Entry], keys: &TraceKeys) -> Report {
    let mut checker = Checker::new(keys.clone());
    entries.iter().for_each(|entry| checker.push(entry));
    checker.finish()
}

/// An exchange as a trace has it.
fn entry(with: Peer, command: &[u8], answer: &[u8]) -> Entry {
    Entry { ms: 0, with, what: What::Exchange(Exchange::record(command, Ok(answer))) }
}

/// The same, done.
fn done(with: Peer, command: &[u8], data: &[u8]) -> Entry {
    entry(with, command, &[data, &[0x90, 0x00]].concat())
}
