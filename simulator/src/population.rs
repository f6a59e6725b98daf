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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_applet::Blank;
    use onecard_host::transport::Transport;

    use super::*;

    fn serial(number: u64) -> ApplicationSerial {
        ApplicationSerial::from_parts(11, 1, number).unwrap()
    }

    #[test]
    fn each_card_is_itself() {
        let mut population = Population::new();
        for number in 0..20 {
            population.insert(serial(number), Chip::blank(Blank::CpuCard, number).unwrap());
        }
        let challenge = |reader: &mut Reader| reader.transmit(&[0x00, 0x84, 0x00, 0x00, 0x08]).unwrap();
        let other = population.tap(serial(4), challenge).unwrap();
        let first = population.tap(serial(3), challenge).unwrap();
        assert!(first != other);
        assert!(first != population.tap(serial(3), challenge).unwrap());
        assert_eq!(population.tap(serial(20), challenge), None);
        assert_eq!(population.len(), 20);
        let mut alone = Reader::insert(Chip::blank(Blank::CpuCard, 3).unwrap());
        assert_eq!(first, challenge(&mut alone));
    }
}
