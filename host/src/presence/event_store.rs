//! The terminal's own journal of events: it counts, and the cards' logs are evidence.

use std::collections::BTreeMap;

use onecard_wire::{number::ApplicationSerial, record::EventCode};
use serde::{Deserialize, Serialize};

use super::{Event, NewEvent, Serial, Standing};
use crate::{
    blacklist::Blacklist,
    terminal::{StorageError, WithBlacklist},
};

/// Where a terminal keeps its events. An `Ok` is **durable**: neither a killed process nor a power cut takes it back. One
/// store belongs to one terminal.
pub trait EventStore {
    /// Numbers an event and remembers it.
    ///
    /// # Errors
    /// [`StorageError`]: then nobody is let in or clocked in.
    fn record(&mut self, what: NewEvent, standing: Standing) -> Result<Event, StorageError>;

    /// Says what became of an event that was begun.
    ///
    /// # Errors
    /// [`StorageError`]: it still stands as begun, and the same card's next tap finds it.
    fn conclude(&mut self, number: u64, standing: Standing) -> Result<Event, StorageError>;

    /// The number the next event gets.
    ///
    /// # Errors
    /// [`StorageError`].
    fn next_number(&self) -> Result<u64, StorageError>;

    /// The newest event of this code of this card.
    ///
    /// # Errors
    /// [`StorageError`].
    fn latest(&self, card: ApplicationSerial, code: EventCode) -> Result<Option<Event>, StorageError>;

    /// The blacklist to consult besides the deny list: [`WithBlacklist`] brings one.
    fn blacklist(&self) -> Option<&Blacklist> {
        None
    }
}

impl<S: EventStore + ?Sized> EventStore for WithBlacklist<'_, S> {
    fn record(&mut self, what: NewEvent, standing: Standing) -> Result<Event, StorageError> {
        self.store.record(what, standing)
    }

    fn conclude(&mut self, number: u64, standing: Standing) -> Result<Event, StorageError> {
        self.store.conclude(number, standing)
    }

    fn next_number(&self) -> Result<u64, StorageError> {
        self.store.next_number()
    }

    fn latest(&self, card: ApplicationSerial, code: EventCode) -> Result<Option<Event>, StorageError> {
        self.store.latest(card, code)
    }

    fn blacklist(&self) -> Option<&Blacklist> {
        self.blacklist
    }
}

/// A journal that lasts as long as its value: for tests and simulations. [`EventFile`](super::EventFile) outlives it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InMemoryEvents {
    events: EventLedger,
}

impl InMemoryEvents {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every event, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.events()
    }
}

impl EventStore for InMemoryEvents {
    fn record(&mut self, what: NewEvent, standing: Standing) -> Result<Event, StorageError> {
        let event = Event { number: self.events.next_number(), what, standing };
        self.events.apply(Entry::Happened(event.clone()))?;
        Ok(event)
    }

    fn conclude(&mut self, number: u64, standing: Standing) -> Result<Event, StorageError> {
        self.events.apply(Entry::Concluded { number, standing })?;
        self.events.event(number)
    }

    fn next_number(&self) -> Result<u64, StorageError> {
        Ok(self.events.next_number())
    }

    fn latest(&self, card: ApplicationSerial, code: EventCode) -> Result<Option<Event>, StorageError> {
        Ok(self.events.latest(card, code))
    }
}

/// One line of a journal of events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// An event and how it stood at first.
    Happened(Event),
    /// What became of one that was begun.
    Concluded { number: u64, standing: Standing },
}

/// What the lines of a journal amount to: the rules that every store keeps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct EventLedger {
    events: BTreeMap<u64, Event>,
    /// The newest of each card and code: a busy door has a year of events.
    latest: BTreeMap<(ApplicationSerial, u8), u64>,
}

impl EventLedger {
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    pub(super) fn next_number(&self) -> u64 {
        self.events.last_key_value().map_or(1, |(number, _)| number.saturating_add(1))
    }

    /// Why `entry` cannot follow; nothing is changed then.
    pub(super) fn check(&self, entry: &Entry) -> Result<(), StorageError> {
        let problem = match entry {
            Entry::Happened(event) if event.number == self.next_number() => return Ok(()),
            Entry::Happened(event) => {
                format!("event {} follows where {} was expected", event.number, self.next_number())
            }
            Entry::Concluded { number, standing } => match self.events.get(number).map(|event| &event.standing) {
                Some(Standing::Begun) if *standing != Standing::Begun => return Ok(()),
                Some(_) => format!("event {number} is concluded already"),
                None => format!("there is no event {number} to conclude"),
            },
        };
        Err(StorageError::Other(problem.into()))
    }

    pub(super) fn apply(&mut self, entry: Entry) -> Result<(), StorageError> {
        self.check(&entry)?;
        match entry {
            Entry::Happened(event) => {
                if let Some(Serial(card)) = event.what.card {
                    self.latest.insert((card, event.what.code.0), event.number);
                }
                self.events.insert(event.number, event);
            }
            Entry::Concluded { number, standing } => {
                if let Some(event) = self.events.get_mut(&number) {
                    event.standing = standing;
                }
            }
        }
        Ok(())
    }

    pub(super) fn event(&self, number: u64) -> Result<Event, StorageError> {
        let found = self.events.get(&number).cloned();
        found.ok_or_else(|| StorageError::Other(format!("there is no event {number}").into()))
    }

    pub(super) fn latest(&self, card: ApplicationSerial, code: EventCode) -> Option<Event> {
        self.latest.get(&(card, code.0)).and_then(|number| self.events.get(number)).cloned()
    }
}
