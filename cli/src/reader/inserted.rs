//! A card that stays in its reader as long as the program wants, beside others: its power is the program's to take.

use anyhow::bail;
use onecard_conformance::TestedCard;
use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::{
    chip::{Chip, Kind},
    image_file::Durability,
    reader::Reader,
};

use super::{Place, open_chip, pcsc};
use crate::args::ChipFile;

/// A card or SAM in a reader.
pub(crate) struct Inserted(Slot);

enum Slot {
    /// A chip in a file.
    Sim(Box<Reader>),
    /// In a PC/SC reader.
    Pcsc(Box<pcsc::Connection>),
}

impl Place {
    /// Connects to the card that is there; a chip in a file must be of `kind`, if one is asked for.
    pub(crate) fn inserted(&self, kind: Option<Kind>) -> anyhow::Result<Inserted> {
        Ok(Inserted(match (self, kind) {
            (Self::Sim(file), Some(kind)) => Slot::Sim(Box::new(Reader::insert(open_chip(file, kind)?))),
            (Self::Sim(ChipFile(path)), None) => {
                Slot::Sim(Box::new(Reader::insert(Chip::open(path, Durability::ProcessKill)?)))
            }
            (Self::Pcsc(name), _) => Slot::Pcsc(Box::new(pcsc::open(name)?)),
        }))
    }
}

impl Inserted {
    /// Takes the card out of the reader at `place`.
    ///
    /// # Errors
    /// If it was a chip in a file, and failed: then nothing that it said counts.
    pub(crate) fn taken_out_of(self, place: &Place) -> anyhow::Result<()> {
        match self.remove() {
            Some(failure) => bail!("the chip of {place} failed: {failure}"),
            None => Ok(()),
        }
    }

    /// Takes the card out. Of a chip in a file: what failed, if anything did.
    pub(crate) fn remove(self) -> Option<String> {
        match self.0 {
            Slot::Sim(reader) => reader.remove().failure().map(ToString::to_string),
            Slot::Pcsc(_) => None,
        }
    }
}

impl Transport for Inserted {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match &mut self.0 {
            Slot::Sim(reader) => reader.transmit(command),
            Slot::Pcsc(connection) => connection.transmit(command),
        }
    }
}

impl TestedCard for Inserted {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        match &mut self.0 {
            Slot::Sim(reader) => {
                reader.tap();
                Ok(())
            }
            Slot::Pcsc(connection) => connection.reconnect(),
        }
    }

    fn carries_le(&self) -> bool {
        match &self.0 {
            Slot::Sim(_) => true,
            Slot::Pcsc(connection) => pcsc::carries_le(connection),
        }
    }

    fn answer_to_reset(&self) -> Option<Vec<u8>> {
        match &self.0 {
            Slot::Sim(_) => None,
            Slot::Pcsc(connection) => Some(pcsc::atr(connection)),
        }
    }
}
