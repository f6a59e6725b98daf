//! Where the phone's card is: a simulated SIM, or a real card at a reader's contacts.

use std::fmt;

use anyhow::bail;
use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::{
    chip::Kind,
    handset::socket::Socket,
    phone_slot::{Field, PhoneSlot},
};

use crate::{
    args::ChipFile,
    reader::{Place, open_chip},
    trace::{Peer, Trace},
};

/// The phone's slot.
pub(super) enum Slot {
    /// A SIM's chip.
    Sim { slot: PhoneSlot, file: ChipFile },
    /// A PC/SC reader.
    Reader(Place),
}

impl Slot {
    pub(super) fn open(place: &Place) -> anyhow::Result<Self> {
        Ok(match place {
            Place::Sim(file) => Self::Sim { slot: PhoneSlot::new(open_chip(file, Kind::RfidSim)?), file: file.clone() },
            Place::Pcsc(_) => {
                place.look(Peer::Card)?;
                Self::Reader(place.clone())
            }
        })
    }

    /// The phone's end.
    pub(super) fn contacts(&self) -> Box<dyn Socket> {
        match self {
            Self::Sim { slot, .. } => Box::new(slot.contacts()),
            Self::Reader(place) => Box::new(RealCard { place: place.clone(), connection: None }),
        }
    }

    /// The field of a terminal beside the phone; a reader's contacts have none.
    pub(super) fn field(&self) -> Option<Field> {
        match self {
            Self::Sim { slot, .. } => Some(slot.field()),
            Self::Reader(_) => None,
        }
    }

    /// Takes the chip out.
    ///
    /// # Errors
    /// That it or its file failed.
    pub(super) fn close(self) -> anyhow::Result<()> {
        if let Self::Sim { slot, file: ChipFile(path) } = self
            && let Some(failure) = slot.take_chip().failure()
        {
            bail!("the chip of {} failed: {failure}", path.display());
        }
        Ok(())
    }
}

/// A card in a PC/SC reader: a new connection is a reset.
struct RealCard {
    place: Place,
    connection: Option<Box<dyn Transport>>,
}

impl fmt::Debug for RealCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealCard({})", self.place)
    }
}

impl Socket for RealCard {
    fn reset(&mut self) -> Result<(), TransportError> {
        // The old connection ends first: it has the card for itself.
        self.connection = None;
        let opened = self.place.connect(Peer::Card, &Trace::new(false));
        self.connection = Some(opened.map_err(|error| TransportError::Reader(format!("{error:#}")))?);
        Ok(())
    }

    fn power_off(&mut self) {
        self.connection = None;
    }
}

impl Transport for RealCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.connection.as_mut().ok_or(TransportError::CardRemoved)?.transmit(command)
    }
}
