//! A card that is held to the specification: its power is the program's to take.

use onecard_conformance::TestedCard;
use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::{chip::Chip, image_file::Durability, reader::Reader};

use super::{Place, pcsc};
use crate::args::ChipFile;

/// A card or SAM in a reader.
pub(crate) struct Tested(Slot);

enum Slot {
    /// A chip in a file.
    Sim(Box<Reader>),
    /// In a PC/SC reader.
    Pcsc(Box<pcsc::Connection>),
}

impl Place {
    /// Connects to whatever card is there.
    pub(crate) fn tested(&self) -> anyhow::Result<Tested> {
        Ok(Tested(match self {
            Self::Sim(ChipFile(path)) => {
                Slot::Sim(Box::new(Reader::insert(Chip::open(path, Durability::ProcessKill)?)))
            }
            Self::Pcsc(name) => Slot::Pcsc(Box::new(pcsc::open(name)?)),
        }))
    }
}

impl Tested {
    /// Takes the card out. Of a chip in a file: what failed, if anything did.
    pub(crate) fn remove(self) -> Option<String> {
        match self.0 {
            Slot::Sim(reader) => reader.remove().failure().map(ToString::to_string),
            Slot::Pcsc(_) => None,
        }
    }
}

impl Transport for Tested {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match &mut self.0 {
            Slot::Sim(reader) => reader.transmit(command),
            Slot::Pcsc(connection) => connection.transmit(command),
        }
    }
}

impl TestedCard for Tested {
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
