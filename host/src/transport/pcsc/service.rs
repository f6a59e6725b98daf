//! The system's PC/SC service and its readers.

use core::fmt;

use pcsc::{Context, ReaderState, Scope, State};

use super::error::transport_error;
use crate::transport::TransportError;

/// A connection to the PC/SC service.
pub struct Service {
    context: Context,
}

/// A reader, and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReaderStatus {
    /// As the service names it.
    pub name: String,
    /// What is in it.
    pub slot: Slot,
}

/// What is in a reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Nothing.
    Empty,
    /// A card.
    Card {
        /// Its answer to reset, 2 to 33 bytes.
        atr: Vec<u8>,
        /// Who is connected to it.
        used: Used,
    },
    /// A card that does not answer its reset: inserted the wrong way round, or broken.
    Mute,
}

/// Who is connected to a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Used {
    /// Nobody.
    ByNobody,
    /// Programs that share it.
    Shared,
    /// One program, alone.
    Exclusively,
}

/// No reader, or no single one, is meant by a part of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoSuchReader {
    /// None has it in its name; these are there.
    None {
        /// What was asked for.
        part: String,
        /// The readers.
        readers: Vec<String>,
    },
    /// Several have it in theirs.
    Several {
        /// What was asked for.
        part: String,
        /// They.
        readers: Vec<String>,
    },
}

impl Service {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`TransportError::NoService`]: it does not run.
    pub fn connect() -> Result<Self, TransportError> {
        Ok(Self { context: Context::establish(Scope::User).map_err(transport_error)? })
    }

    /// The readers there are, and what is in them; empty if there is none.
    ///
    /// # Errors
    /// [`TransportError`].
    pub fn readers(&self) -> Result<Vec<ReaderStatus>, TransportError> {
        let mut states = unaware(&self.context)?;
        match self.context.get_status_change(None, &mut states) {
            // Nothing to look at is no change, for which the call would wait.
            _ if states.is_empty() => Ok(Vec::new()),
            Ok(()) => Ok(states.iter().filter_map(ReaderStatus::of).collect()),
            Err(error) => Err(transport_error(error)),
        }
    }

    pub(super) const fn context(&self) -> &Context {
        &self.context
    }
}

/// Every reader, of which nothing is known yet.
pub(super) fn unaware(context: &Context) -> Result<Vec<ReaderState>, TransportError> {
    match context.list_readers_owned() {
        Ok(names) => Ok(names.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect()),
        Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
        Err(error) => Err(transport_error(error)),
    }
}

impl ReaderStatus {
    /// `None` if the reader went away between two calls.
    pub(super) fn of(state: &ReaderState) -> Option<Self> {
        let event = state.event_state();
        if event.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
            return None;
        }
        let used = if event.contains(State::EXCLUSIVE) {
            Used::Exclusively
        } else if event.contains(State::INUSE) {
            Used::Shared
        } else {
            Used::ByNobody
        };
        let slot = match (event.contains(State::PRESENT), event.contains(State::MUTE)) {
            (false, _) => Slot::Empty,
            (true, true) => Slot::Mute,
            (true, false) => Slot::Card { atr: state.atr().to_vec(), used },
        };
        Some(Self { name: state.name().to_string_lossy().into_owned(), slot })
    }

    /// Whether something is in it that may be a card.
    #[must_use]
    pub const fn is_occupied(&self) -> bool {
        !matches!(self.slot, Slot::Empty)
    }
}

/// The reader of which `part` is the name, or a part of it that no other reader's has; upper and lower case are the same.
///
/// # Errors
/// [`NoSuchReader`].
pub fn reader_by_part<'r>(readers: &'r [ReaderStatus], part: &str) -> Result<&'r ReaderStatus, NoSuchReader> {
    if let Some(exact) = readers.iter().find(|reader| reader.name == part) {
        return Ok(exact);
    }
    let wanted = part.to_lowercase();
    let found: Vec<_> = readers.iter().filter(|reader| reader.name.to_lowercase().contains(&wanted)).collect();
    let part = part.to_owned();
    match found.as_slice() {
        [reader] => Ok(reader),
        [] => Err(NoSuchReader::None { part, readers: readers.iter().map(|reader| reader.name.clone()).collect() }),
        several => {
            Err(NoSuchReader::Several { part, readers: several.iter().map(|reader| reader.name.clone()).collect() })
        }
    }
}

impl fmt::Display for NoSuchReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { part, readers } if readers.is_empty() => {
                write!(f, "no reader is connected, so none has \"{part}\" in its name: connect it")
            }
            Self::None { part, readers } => {
                write!(f, "no reader has \"{part}\" in its name; there are: {}", readers.join(", "))
            }
            Self::Several { part, readers } => {
                write!(f, "\"{part}\" is in the names of several readers, name one of them: {}", readers.join(", "))
            }
        }
    }
}

impl std::error::Error for NoSuchReader {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn readers(names: &[&str]) -> Vec<ReaderStatus> {
        names.iter().map(|name| ReaderStatus { name: (*name).to_owned(), slot: Slot::Empty }).collect()
    }

    #[test]
    fn a_part_of_one_name_is_enough() {
        let all = readers(&["ACS ACR122U PICC Interface 00 00", "Virtual PCD 00 00", "Virtual PCD 00 01"]);
        assert_eq!(reader_by_part(&all, "acr122").unwrap().name, "ACS ACR122U PICC Interface 00 00");
        assert_eq!(reader_by_part(&all, "Virtual PCD 00 01").unwrap().name, "Virtual PCD 00 01");
        assert_eq!(reader_by_part(&all, "00 01").unwrap().name, "Virtual PCD 00 01");
        let several = reader_by_part(&all, "virtual").unwrap_err();
        assert_eq!(
            several.to_string(),
            "\"virtual\" is in the names of several readers, name one of them: Virtual PCD 00 00, Virtual PCD 00 01"
        );
        let none = reader_by_part(&all, "Omnikey").unwrap_err().to_string();
        assert!(none.contains("Omnikey") && none.contains("ACR122U"), "{none}");
        assert!(reader_by_part(&[], "x").unwrap_err().to_string().contains("connect it"));
        // The whole name of one reader is no other's, even if it is a part of another's.
        let nested = readers(&["Reader 1", "Reader 10"]);
        assert_eq!(reader_by_part(&nested, "Reader 1").unwrap().name, "Reader 1");
    }
}
