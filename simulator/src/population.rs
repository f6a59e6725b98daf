//! Many cards in one process.

use std::collections::BTreeMap;

use onecard_wire::number::ApplicationSerial;

use crate::{chip::Chip, reader::Reader};

/// Chips by serial; any of them can be tapped.
#[derive(Debug, Default)]
pub struct Population {
    chips: BTreeMap<ApplicationSerial, Chip>,
}

impl Population {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a chip; returns the one that had this serial before.
    pub fn insert(&mut self, serial: ApplicationSerial, chip: Chip) -> Option<Chip> {
        self.chips.insert(serial, chip)
    }

    /// Takes a chip out.
    pub fn remove(&mut self, serial: ApplicationSerial) -> Option<Chip> {
        self.chips.remove(&serial)
    }

    /// Presents a card to a reader for as long as `terminal` runs; `None` if no card has this serial.
    pub fn tap<R>(&mut self, serial: ApplicationSerial, terminal: impl FnOnce(&mut Reader) -> R) -> Option<R> {
        let mut reader = Reader::insert(self.chips.remove(&serial)?);
        let result = terminal(&mut reader);
        self.chips.insert(serial, reader.remove());
        Some(result)
    }

    /// Serials and chips, in the order of the serials.
    pub fn iter(&self) -> impl Iterator<Item = (ApplicationSerial, &Chip)> {
        self.chips.iter().map(|(serial, chip)| (*serial, chip))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chips.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chips.is_empty()
    }
}
