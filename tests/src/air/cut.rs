//! What a power cut leaves of a SQLite file with its write-ahead log.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use onecard_gateway::carrier::{Carrier, Delivery, Event, NoRoom, ShortMessage, Ticket};
use rand::{RngExt, rngs::ChaCha8Rng};

use super::judge::Violation;
use crate::simulated_carrier::SimulatedCarrier;

/// A disk writes whole sectors, in any order.
const SECTOR_LEN: usize = 512;

/// The two files.
pub(super) struct Disk {
    book: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    /// As they are now, between two turns: everything in them is synced.
    pub(super) fn of(path: &Path) -> Result<Self, Violation> {
        let log = log_of(path);
        let log = if log.exists() { fs::read(log)? } else { Vec::new() };
        Ok(Self { book: fs::read(path)?, log })
    }

    /// Writes to `new` what the disk has if the power went during the turn that changed the files at `old` since: of what was written
    /// and not synced, any sectors. Whether some of it is missing.
    pub(super) fn after_a_cut(&self, old: &Path, new: &Path, random: &mut ChaCha8Rng) -> Result<bool, Violation> {
        let after = Self::of(old)?;
        // The log is copied into the book only when it is synced itself: nothing of the turn is missing then.
        let checkpointed = after.book != self.book;
        let (log, torn) = if checkpointed || random.random_bool(0.2) {
            (after.log, false)
        } else {
            torn(&self.log, &after.log, random)
        };
        fs::write(new, after.book)?;
        fs::write(log_of(new), log)?;
        Ok(torn)
    }
}

/// Of each sector that differs, the old one or the new one; the file as long as the last one that was written.
fn torn(before: &[u8], after: &[u8], random: &mut ChaCha8Rng) -> (Vec<u8>, bool) {
    let mut left = before.to_vec();
    let mut missing = false;
    for (number, sector) in after.chunks(SECTOR_LEN).enumerate() {
        let from = number * SECTOR_LEN;
        let until = from + sector.len();
        let same = before.get(from..until) == Some(sector);
        if same {
            continue;
        }
        if random.random_bool(0.5) {
            missing = true;
            continue;
        }
        if left.len() < until {
            left.resize(until, 0);
        }
        if let Some(place) = left.get_mut(from..until) {
            place.copy_from_slice(sector);
        }
    }
    (left, missing)
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    name.into()
}

/// A carrier whose gateway has no power any more: what is handed over goes nowhere.
pub(super) struct Unpowered<'c>(pub(super) &'c mut SimulatedCarrier);

impl Carrier for Unpowered<'_> {
    fn room(&mut self) -> usize {
        self.0.room()
    }

    fn submit(&mut self, _: Ticket, _: &ShortMessage, _: Duration) -> Result<(), NoRoom> {
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        self.0.events()
    }

    fn acknowledge(&mut self, _: Delivery) {}
}
