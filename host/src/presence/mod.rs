//! What doors and attendance terminals share: a card that shows itself genuine, the record it keeps, the terminal's own
//! journal of events.
//!
//! Nobody is let in or clocked in on a 9000 alone, which any emulator can say: each tap begins with 8 fresh random bytes
//! that only the card's key can answer.

mod append;
mod deny_list;
mod event;
mod event_file;
mod event_store;
mod genuine;
mod unfit;

pub use append::{AppendError, EventLog, append};
pub(crate) use append::{Prepared, prepare};
pub use deny_list::{DenyList, InvalidDenyList};
pub use event::{Event, NewEvent, OnCard, Serial, Standing};
pub use event_file::EventFile;
pub use event_store::{EventStore, InMemoryEvents};
pub use genuine::{Genuine, Site, Tap, genuine};
pub use unfit::Unfit;

#[cfg(test)]
pub(crate) mod tests;
