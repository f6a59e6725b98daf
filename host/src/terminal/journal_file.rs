//! A [`TokenStore`] in one file of its own, a line for each token begun or concluded, every line durable before anybody is
//! told of it.
//!
//! The first line is `onecard-terminal-journal;1`; `line_file` has the rest of the format. The file only grows: begin a new
//! one, say each day, once nothing is pending.

use std::{fs::File, path::Path};

use super::{
    Conclusion, Counter, OrderNumber, SettlementRecord, StorageError, Token, TokenStore,
    token_store::{Event, Ledger},
};
use crate::{
    disk::{Disk, DiskFile, SystemDisk},
    line_file::{LineFile, Replayed},
    sam::CardFactors,
};

/// An open journal file.
#[derive(Debug)]
pub struct JournalFile<F = File> {
    lines: LineFile<Ledger, F>,
}

impl Replayed for Ledger {
    const KIND: &'static str = "onecard-terminal-journal";
    const FORMAT: u8 = 1;
    type Entry = Event;

    fn check(&self, event: &Event) -> Result<(), StorageError> {
        Self::check(self, event)
    }

    fn apply(&mut self, event: Event) -> Result<(), StorageError> {
        Self::apply(self, event)
    }
}

impl JournalFile {
    /// Opens the file at `path`, or creates it.
    ///
    /// # Errors
    /// [`StorageError::InUse`] if another terminal has it open, [`StorageError::Damaged`] with the line that does not fit,
    /// [`StorageError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::open_on(&SystemDisk, path)
    }
}

impl<F: DiskFile> JournalFile<F> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`JournalFile::open`].
    pub fn open_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, StorageError> {
        LineFile::open_on(disk, path).map(|lines| Self { lines })
    }

    /// Every settlement record, by order number.
    pub fn settlement(&self) -> impl Iterator<Item = &SettlementRecord> {
        self.lines.replayed().settlement()
    }
}

impl<F: DiskFile> TokenStore for JournalFile<F> {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        self.lines.record(Event::Begin(*token))
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        self.lines.record(Event::Conclude { token: *token, conclusion: conclusion.clone() })
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        Ok(self.lines.replayed().pending())
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.lines.replayed().committed(order))
    }

    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.lines.replayed().last_of_counter(card, counter))
    }
}
