//! A reader with one card in it.

use std::{collections::BTreeMap, error::Error, mem};

use crate::seam::{Card, Cause, Dead, Response};
use onecard_host::transport::{Transport, TransportError};

use crate::{
    chip::{Chip, PoweredChip},
    tear::Cut,
};

/// A reader, and the card in it, which is powered up while it is there.
///
/// Exchanges and programming operations count from 0 at each power-up; faults and cuts ordered for a power-up end with
/// it.
#[derive(Debug)]
pub struct Reader {
    slot: Slot,
    /// Commands sent since the power-up.
    exchanges: u64,
    faults: BTreeMap<u64, Fault>,
}

/// What goes wrong with one exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The card never sees the command; it stays powered and takes the next.
    LostCommand,
    /// The card executes the command and its answer is lost; it stays powered and takes the next.
    LostAnswer,
    /// The card leaves the field before the command and is silent until the next tap.
    Removed,
}

/// Why a card in the reader answers nothing until it is tapped again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Silence {
    /// It left the field.
    Removed,
    /// The power went during a command.
    PowerCut,
    /// It did not come up: the power went again, or the chip holds no card.
    NotUp(Cause),
    /// The chip failed, for good: [`Chip::failure`] says why.
    Failed,
}

#[derive(Debug)]
enum Slot {
    Running(Box<Card<PoweredChip>>),
    Silent { chip: Box<Chip>, silence: Silence },
}

impl Reader {
    /// Puts a chip in and powers it up. A cut ordered before applies to the power-up too; then the card is silent.
    #[must_use]
    pub fn insert(chip: Chip) -> Self {
        let powered = chip.power_on();
        let slot = if powered.chip().failure().is_some() {
            Slot::silent(powered.power_off(), Silence::Failed)
        } else {
            match Card::power_up(powered) {
                Ok(card) => Slot::Running(Box::new(card)),
                Err(Dead { platform, cause }) => Slot::silent(platform.power_off(), Silence::NotUp(cause)),
            }
        };
        Self { slot, exchanges: 0, faults: BTreeMap::new() }
    }

    /// Takes the card out: the chip without power.
    #[must_use]
    pub fn remove(self) -> Chip {
        self.slot.into_chip()
    }

    /// Takes the card out and presents it again.
    pub fn tap(&mut self) {
        *self = Self::insert(self.slot.take_chip());
    }

    /// The chip as it stands.
    #[must_use]
    pub fn chip(&self) -> &Chip {
        match &self.slot {
            Slot::Running(card) => card.platform().chip(),
            Slot::Silent { chip, .. } => chip,
        }
    }

    /// Cuts the power at that operation of this power-up, or of the next if the card is silent.
    pub fn cut_power_at(&mut self, cut: Cut) {
        self.chip_mut().cut_power_at(cut);
    }

    /// The card's next random numbers.
    pub fn inject_random(&mut self, bytes: &[u8]) {
        self.chip_mut().inject_random(bytes);
    }

    /// Lets the exchange with that number, counted from 0 at the power-up, go wrong.
    pub fn fail_at(&mut self, exchange: u64, fault: Fault) {
        self.faults.insert(exchange, fault);
    }

    /// Commands sent since the power-up, whatever became of them.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// Why the card answers nothing until the next tap; `None` if it does answer.
    #[must_use]
    pub fn silence(&self) -> Option<Silence> {
        match &self.slot {
            Slot::Running(_) => None,
            Slot::Silent { silence, .. } => Some(*silence),
        }
    }

    fn chip_mut(&mut self) -> &mut Chip {
        match &mut self.slot {
            Slot::Running(card) => card.platform_mut().chip_mut(),
            Slot::Silent { chip, .. } => chip,
        }
    }

    fn fall_silent(&mut self, silence: Silence) {
        self.slot = Slot::silent(self.slot.take_chip(), silence);
    }
}

impl Slot {
    fn silent(chip: Chip, silence: Silence) -> Self {
        let silence = if chip.failure().is_some() { Silence::Failed } else { silence };
        Self::Silent { chip: Box::new(chip), silence }
    }

    fn into_chip(self) -> Chip {
        match self {
            Self::Running(card) => card.power_down().power_off(),
            Self::Silent { chip, .. } => *chip,
        }
    }

    /// Leaves a slot without a chip, for whoever fills it next.
    fn take_chip(&mut self) -> Chip {
        mem::replace(self, Self::silent(Chip::none(), Silence::Removed)).into_chip()
    }
}

impl Transport for Reader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let fault = if self.faults.is_empty() { None } else { self.faults.remove(&self.exchanges) };
        self.exchanges += 1;
        if fault == Some(Fault::Removed) {
            self.fall_silent(Silence::Removed);
        }
        let card = match &mut self.slot {
            Slot::Running(card) => card,
            Slot::Silent { chip, silence } => return Err(no_answer(chip, *silence)),
        };
        if fault == Some(Fault::LostCommand) {
            return Err(TransportError::NoAnswer);
        }
        let mut answer = Response::new();
        match card.process(command, &mut answer) {
            Ok(()) if fault == Some(Fault::LostAnswer) => Err(TransportError::NoAnswer),
            Ok(()) => Ok(answer.to_vec()),
            Err(_power_lost) => {
                self.fall_silent(Silence::PowerCut);
                Err(no_answer(self.chip(), Silence::PowerCut))
            }
        }
    }
}

fn no_answer(chip: &Chip, silence: Silence) -> TransportError {
    match (chip.failure(), silence) {
        (Some(failure), _) => TransportError::Reader(with_sources(failure)),
        (None, Silence::Removed) => TransportError::CardRemoved,
        (None, Silence::PowerCut | Silence::NotUp(_) | Silence::Failed) => TransportError::NoAnswer,
    }
}

fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
