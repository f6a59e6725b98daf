//! An [`EventStore`] in one file of its own, a line for each event that happened or was concluded, every line durable before
//! anybody is told of it.
//!
//! The first line is `onecard-terminal-events;1`; `line_file` has the rest of the format. The file only grows, and a new one
//! numbers its events from 1 again: begin it, say each month, at an hour when nobody taps and nothing stands as begun.

use std::{fs::File, path::Path};

use onecard_wire::{number::ApplicationSerial, record::EventCode};

use super::{
    Event, EventStore, NewEvent, Standing,
    event_store::{Entry, EventLedger},
};
use crate::{
    disk::{Disk, DiskFile, SystemDisk},
    line_file::{LineFile, Replayed},
    terminal::StorageError,
};

/// An open file of events.
#[derive(Debug)]
pub struct EventFile<F = File> {
    lines: LineFile<EventLedger, F>,
}

impl Replayed for EventLedger {
    const KIND: &'static str = "onecard-terminal-events";
    const FORMAT: u8 = 1;
    type Entry = Entry;

    fn check(&self, entry: &Entry) -> Result<(), StorageError> {
        Self::check(self, entry)
    }

    fn apply(&mut self, entry: Entry) -> Result<(), StorageError> {
        Self::apply(self, entry)
    }
}

impl EventFile {
    /// Opens the file at `path`, or creates it.
    ///
    /// # Errors
    /// [`StorageError::InUse`] if another terminal has it open, [`StorageError::Damaged`] with the line that does not fit,
    /// [`StorageError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::open_on(&SystemDisk, path)
    }
}

impl<F: DiskFile> EventFile<F> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`EventFile::open`].
    pub fn open_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, StorageError> {
        LineFile::open_on(disk, path).map(|lines| Self { lines })
    }

    /// Every event, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.lines.replayed().events()
    }
}

impl<F: DiskFile> EventStore for EventFile<F> {
    fn record(&mut self, what: NewEvent, standing: Standing) -> Result<Event, StorageError> {
        let event = Event { number: self.lines.replayed().next_number(), what, standing };
        self.lines.record(Entry::Happened(event.clone()))?;
        Ok(event)
    }

    fn conclude(&mut self, number: u64, standing: Standing) -> Result<Event, StorageError> {
        self.lines.record(Entry::Concluded { number, standing })?;
        self.lines.replayed().event(number)
    }

    fn next_number(&self) -> Result<u64, StorageError> {
        Ok(self.lines.replayed().next_number())
    }

    fn latest(&self, card: ApplicationSerial, code: EventCode) -> Result<Option<Event>, StorageError> {
        Ok(self.lines.replayed().latest(card, code))
    }
}
