//! A RFID-SIM in a phone's slot: the phone at its contacts, terminals in their fields, at once.
//!
//! The chip has power as long as the phone or a field feeds it. Losing the field while the phone feeds it ends the radio
//! session alone; losing both is a power cut.
//!
//! ```
//! use onecard_host::transport::Transport;
//! use onecard_simulator::{chip::{Blank, Chip}, phone_slot::PhoneSlot, sample::SIM};
//!
//! let slot = PhoneSlot::new(Chip::blank(Blank::RfidSim(&SIM), 1)?);
//! let (mut contacts, mut field) = (slot.contacts(), slot.field());
//! contacts.reset();
//! field.enter();
//! assert_eq!(field.transmit(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00])?, [0x6A, 0x82]);
//! field.leave();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onecard_applet::{Dead, Interface, Kind, Platform, Response, RfidSim};
use onecard_host::transport::{Transport, TransportError};

use crate::chip::{Chip, PoweredChip};

/// A phone's slot with a RFID-SIM in it. Copies are of the handle: the chip is one, and commands run one after another.
#[derive(Clone, Debug)]
pub struct PhoneSlot(Arc<Mutex<State>>);

/// The phone's end: the contacts.
#[derive(Debug)]
pub struct Contacts(PhoneSlot);

/// A terminal's end: its field, in which the phone is or is not.
#[derive(Debug)]
pub struct Field(PhoneSlot);

struct State {
    chip: Power,
    contact: bool,
    field: bool,
    /// Drawn each time the phone enters a field (ISO/IEC 14443-3 clause 6.5.4).
    identifier: [u8; 4],
}

/// The first byte of a random identifier; the rest is drawn.
const RANDOM_IDENTIFIER: [u8; 4] = [0x08, 0, 0, 0];

enum Power {
    Off(Box<Chip>),
    On(Box<RfidSim<PoweredChip>>),
}

impl PhoneSlot {
    /// With that chip in it, and the phone switched off.
    ///
    /// A chip of another kind never comes up.
    #[must_use]
    pub fn new(chip: Chip) -> Self {
        let state =
            State { chip: Power::Off(chip.into()), contact: false, field: false, identifier: RANDOM_IDENTIFIER };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The phone's end.
    #[must_use]
    pub fn contacts(&self) -> Contacts {
        Contacts(self.clone())
    }

    /// A terminal's end.
    #[must_use]
    pub fn field(&self) -> Field {
        Field(self.clone())
    }

    /// Takes the power away and hands out the chip; the slot is left with none.
    #[must_use]
    pub fn take_chip(&self) -> Chip {
        let mut state = self.lock();
        (state.contact, state.field) = (false, false);
        state.chip.take()
    }

    /// A look at the chip, or orders to it: a cut, random numbers, while it runs or not.
    pub fn with_chip<R>(&self, orders: impl FnOnce(&mut Chip) -> R) -> R {
        let mut state = self.lock();
        match &mut state.chip {
            Power::Off(chip) => orders(chip),
            Power::On(sim) => orders(sim.platform_mut().chip_mut()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nobody panics while they hold it, and if so, what they hold is still a chip.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contacts {
    /// Power on, or the reset contact: the phone's session begins anew, the radio's goes on.
    pub fn reset(&mut self) {
        self.0.lock().feed(Interface::Contact);
    }

    /// The phone is switched off.
    pub fn power_off(&mut self) {
        self.0.lock().starve(Interface::Contact);
    }
}

impl Field {
    /// The phone comes into the field.
    pub fn enter(&mut self) {
        self.0.lock().feed(Interface::Radio);
    }

    /// The phone leaves the field.
    pub fn leave(&mut self) {
        self.0.lock().starve(Interface::Radio);
    }

    /// What the chip answers to anticollision: another one each time it enters a field, so that nobody is followed by it.
    #[must_use]
    pub fn identifier(&self) -> [u8; 4] {
        self.0.lock().identifier
    }
}

impl Transport for Contacts {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.lock().transmit(Interface::Contact, command)
    }
}

impl Transport for Field {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.lock().transmit(Interface::Radio, command)
    }
}

impl State {
    fn feed(&mut self, interface: Interface) {
        match &mut self.chip {
            Power::On(sim) => sim.end_session(interface),
            Power::Off(_) => self.chip = power_up(self.chip.take()),
        }
        let Power::On(sim) = &mut self.chip else { return };
        if interface == Interface::Radio {
            let [_, rest @ ..] = &mut self.identifier;
            sim.platform_mut().random(rest);
        }
        *self.fed(interface) = true;
    }

    fn starve(&mut self, interface: Interface) {
        *self.fed(interface) = false;
        if self.contact || self.field {
            if let Power::On(sim) = &mut self.chip {
                sim.end_session(interface);
            }
        } else {
            self.chip = Power::Off(self.chip.take().into());
        }
    }

    fn fed(&mut self, interface: Interface) -> &mut bool {
        match interface {
            Interface::Contact => &mut self.contact,
            Interface::Radio => &mut self.field,
        }
    }

    fn transmit(&mut self, interface: Interface, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if !*self.fed(interface) {
            return Err(TransportError::CardRemoved);
        }
        let Power::On(sim) = &mut self.chip else { return Err(TransportError::NoAnswer) };
        let mut answer = Response::new();
        if sim.process(interface, command, &mut answer).is_ok() {
            return Ok(answer.to_vec());
        }
        // The power is gone, whoever fed it.
        let chip = self.chip.take();
        let error = match chip.failure() {
            Some(failure) => TransportError::Reader(failure.to_string()),
            None => TransportError::NoAnswer,
        };
        (self.contact, self.field) = (false, false);
        self.chip = Power::Off(chip.into());
        Err(error)
    }
}

fn power_up(chip: Chip) -> Power {
    if chip.kind() != Kind::RfidSim {
        return Power::Off(chip.into());
    }
    match RfidSim::power_up(chip.power_on()) {
        Ok(sim) => Power::On(sim.into()),
        Err(Dead { platform, .. }) => Power::Off(platform.power_off().into()),
    }
}

impl Power {
    /// The chip without power; leaves none behind.
    fn take(&mut self) -> Chip {
        match std::mem::replace(self, Self::Off(Chip::none().into())) {
            Self::Off(chip) => *chip,
            Self::On(sim) => sim.power_down().power_off(),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chip = match self.chip {
            Power::Off(_) => "off",
            Power::On(_) => "on",
        };
        f.debug_struct("PhoneSlot")
            .field("chip", &chip)
            .field("contact", &self.contact)
            .field("field", &self.field)
            .finish()
    }
}
