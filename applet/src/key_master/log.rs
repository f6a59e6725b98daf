//! The log: one entry for each thing that came in or went out, written in the commit of what it tells of.

use onecard_wire::{
    key_master::{LOG_ENTRIES, LogEntry, LogEvent},
    status::StatusWord,
};

use super::region::Books;
use crate::nvm::{Journal, Memory, Transaction, map::KEY_MASTER_LOG};

/// What is to be logged.
pub(super) struct Record {
    pub(super) event: LogEvent,
    pub(super) target: [u8; 8],
    pub(super) detail: [u8; 8],
}

/// Stages the entry, and with it `books`, which count it.
///
/// # Errors
/// 9402 if no number is left.
pub(super) fn stage<M: Memory>(
    nvm: &Journal<M>,
    record: &Record,
    mut books: Books,
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    books.logged = books.logged.checked_add(1).ok_or(StatusWord::COUNTER_AT_MAXIMUM)?;
    let Record { event, target, detail } = *record;
    let entry = LogEntry { number: books.logged, event, target, detail };
    transaction.write(address(entry.number), &entry.emit())?;
    books.stage(nvm, transaction)
}

/// The entries there are, the newest first.
pub(super) fn entries<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = [u8; LogEntry::LEN]> {
    let newest = Books::read(nvm).logged;
    let oldest = newest.saturating_sub(LOG_ENTRIES) + 1;
    (oldest..=newest).rev().map(|number| nvm.array(address(number)))
}

/// How many of the entries that are kept tell of a key that was copied.
pub(super) fn copies_of_keys<M: Memory>(nvm: &Journal<M>) -> usize {
    entries(nvm).filter_map(|entry| LogEntry::parse(&entry)).filter(|entry| entry.event == LogEvent::KeyCopied).count()
}

const fn address(number: u32) -> usize {
    KEY_MASTER_LOG + (number % LOG_ENTRIES) as usize * LogEntry::LEN
}
