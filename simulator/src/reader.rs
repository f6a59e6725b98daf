//! A reader with one card in it.

use std::{collections::BTreeMap, error::Error, fmt, mem};

pub use onecard_applet::Interface;
use onecard_applet::{Card, Cause, Dead, KeyMasterCard, Kind, MotherAuthenticationCard, PowerLost, Response, RfidSim};
use onecard_host::{
    trace::ReplayTarget,
    transport::{Transport, TransportError},
};

use crate::chip::{Chip, PoweredChip};

/// A reader, and the card in it, which is powered up while it is there.
///
/// Exchanges and programming operations count from 0 at each power-up; faults and cuts ordered for a power-up end with
/// it.
#[derive(Debug)]
pub struct Reader {
    slot: Slot,
    /// Of a RFID-SIM.
    interface: Interface,
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

enum Slot {
    Running(Powered),
    Silent { chip: Box<Chip>, silence: Silence },
}

/// A chip's software under power.
enum Powered {
    Card(Box<Card<PoweredChip>>),
    /// On that interface alone; the other has no power. With both it is in a [`crate::phone_slot::PhoneSlot`].
    RfidSim(Box<RfidSim<PoweredChip>>, Interface),
    KeyMaster(Box<KeyMasterCard<PoweredChip>>),
    MotherAuthentication(Box<MotherAuthenticationCard<PoweredChip>>),
}

impl Reader {
    /// Puts a chip in and powers it up, a RFID-SIM by the reader's field. A cut ordered before applies to the power-up too;
    /// then the card is silent.
    #[must_use]
    pub fn insert(chip: Chip) -> Self {
        Self::insert_at(chip, Interface::Radio)
    }

    /// The same of a RFID-SIM, at the contacts of a reader for SIMs or in the field of one for cards; other chips have one
    /// interface.
    #[must_use]
    pub fn insert_at(chip: Chip, interface: Interface) -> Self {
        let powered = chip.power_on();
        let slot = if powered.chip().failure().is_some() {
            Slot::silent(powered.power_off(), Silence::Failed)
        } else {
            match Powered::up(powered, interface) {
                Ok(powered) => Slot::Running(powered),
                Err((chip, cause)) => Slot::silent(*chip, Silence::NotUp(cause)),
            }
        };
        Self { slot, interface, exchanges: 0, faults: BTreeMap::new() }
    }

    /// Takes the card out: the chip without power.
    #[must_use]
    pub fn remove(self) -> Chip {
        self.slot.into_chip()
    }

    /// Takes the card out and presents it again.
    pub fn tap(&mut self) {
        self.tap_with(|_chip| ());
    }

    /// The same, with a look at the chip while it is out, or orders to it: a cut, random numbers.
    pub fn tap_with<R>(&mut self, outside: impl FnOnce(&mut Chip) -> R) -> R {
        let mut chip = self.slot.take_chip();
        let result = outside(&mut chip);
        *self = Self::insert_at(chip, self.interface);
        result
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

    fn fall_silent(&mut self, silence: Silence) -> TransportError {
        let chip = self.slot.take_chip();
        let error = no_answer(&chip, silence);
        self.slot = Slot::silent(chip, silence);
        error
    }
}

impl Powered {
    fn up(chip: PoweredChip, interface: Interface) -> Result<Self, (Box<Chip>, Cause)> {
        let up = match chip.chip().kind() {
            Kind::CpuCard | Kind::Sam => Card::power_up(chip).map(|card| Self::Card(Box::new(card))),
            Kind::RfidSim => RfidSim::power_up(chip).map(|sim| Self::RfidSim(Box::new(sim), interface)),
            Kind::KeyMaster => KeyMasterCard::power_up(chip).map(|card| Self::KeyMaster(Box::new(card))),
            Kind::MotherAuthentication => {
                MotherAuthenticationCard::power_up(chip).map(|card| Self::MotherAuthentication(Box::new(card)))
            }
        };
        up.map_err(|Dead { platform, cause }| (Box::new(platform.power_off()), cause))
    }

    fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        match self {
            Self::Card(card) => card.process(command, answer),
            Self::RfidSim(sim, interface) => sim.process(*interface, command, answer),
            Self::KeyMaster(card) => card.process(command, answer),
            Self::MotherAuthentication(card) => card.process(command, answer),
        }
    }

    fn down(self) -> PoweredChip {
        match self {
            Self::Card(card) => card.power_down(),
            Self::RfidSim(sim, _) => sim.power_down(),
            Self::KeyMaster(card) => card.power_down(),
            Self::MotherAuthentication(card) => card.power_down(),
        }
    }
}

impl Slot {
    fn silent(chip: Chip, silence: Silence) -> Self {
        let silence = if chip.failure().is_some() { Silence::Failed } else { silence };
        Self::Silent { chip: Box::new(chip), silence }
    }

    fn into_chip(self) -> Chip {
        match self {
            Self::Running(powered) => powered.down().power_off(),
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
        let card = match &mut self.slot {
            Slot::Running(card) => card,
            Slot::Silent { chip, silence } => return Err(no_answer(chip, *silence)),
        };
        match fault {
            Some(Fault::Removed) => return Err(self.fall_silent(Silence::Removed)),
            Some(Fault::LostCommand) => return Err(TransportError::NoAnswer),
            Some(Fault::LostAnswer) | None => {}
        }
        let mut answer = Response::new();
        match card.process(command, &mut answer) {
            Ok(()) if fault == Some(Fault::LostAnswer) => Err(TransportError::NoAnswer),
            Ok(()) => Ok(answer.to_vec()),
            Err(_power_lost) => Err(self.fall_silent(Silence::PowerCut)),
        }
    }
}

impl ReplayTarget for Reader {
    fn power_up(&mut self, randoms: &[u8]) -> Result<(), TransportError> {
        self.tap_with(|chip| chip.inject_random(randoms));
        match &self.slot {
            Slot::Running(_) => Ok(()),
            Slot::Silent { chip, silence } => Err(no_answer(chip, *silence)),
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(_) => f.write_str("Running(..)"),
            Self::Silent { silence, .. } => f.debug_tuple("Silent").field(silence).finish(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use std::collections::HashSet;

    use onecard_applet::Blank;

    use super::*;
    use crate::{
        image_file::Durability,
        tear::{Cut, Tear, cuts_of},
    };

    const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x08];
    /// A blank chip's transport key has three tries.
    const WRONG_AUTHENTICATION: [u8; 13] = [0x00, 0x82, 0x00, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8];

    fn blank() -> Chip {
        Chip::blank(Blank::CpuCard, 1).unwrap()
    }

    /// Tries that remain after a wrong authentication.
    fn tries_after_failure(reader: &mut Reader) -> Result<u8, TransportError> {
        reader.transmit(&GET_CHALLENGE)?;
        match reader.transmit(&WRONG_AUTHENTICATION)?[..] {
            [0x63, tries] => Ok(tries & 0x0F),
            ref answer => panic!("{answer:02X?}"),
        }
    }

    #[test]
    fn a_blank_chip_answers_and_its_random_numbers_do_not_repeat() {
        let mut reader = Reader::insert(blank());
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let answer = reader.transmit(&GET_CHALLENGE).unwrap();
            assert_eq!((answer.len(), &answer[8..]), (10, &[0x90, 0x00][..]));
            assert!(seen.insert(answer));
            reader.tap();
        }
    }

    #[test]
    fn injected_random_numbers_are_the_cards() {
        let mut reader = Reader::insert(blank());
        reader.tap_with(|chip| chip.inject_random(&[1, 2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(reader.transmit(&GET_CHALLENGE).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00]);
        assert_ne!(reader.transmit(&GET_CHALLENGE).unwrap()[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn every_cut_leaves_a_silent_card_and_one_of_two_states() {
        let blank = blank();
        let mut dry_run = Reader::insert(blank.snapshot());
        dry_run.tap_with(Chip::record_operations);
        assert_eq!(tries_after_failure(&mut dry_run), Ok(2));
        let lengths: Vec<usize> = dry_run.remove().recorded().iter().map(|operation| operation.length).collect();
        assert!(!lengths.is_empty());

        let (mut before, mut after) = (0, 0);
        for cut in cuts_of(&lengths) {
            let mut chip = blank.snapshot();
            chip.cut_power_at(cut);
            let mut reader = Reader::insert(chip);
            assert_eq!(tries_after_failure(&mut reader), Err(TransportError::NoAnswer));
            assert_eq!(reader.silence(), Some(Silence::PowerCut));
            assert_eq!(reader.transmit(&GET_CHALLENGE), Err(TransportError::NoAnswer));
            reader.tap();
            match tries_after_failure(&mut reader).unwrap() {
                2 => before += 1,
                1 => after += 1,
                tries => panic!("{tries} tries left after {cut:?}"),
            }
        }
        assert!(before > 0 && after > 0);
    }

    #[test]
    fn the_power_can_go_again_while_the_card_recovers() {
        let mut dry_run = Reader::insert(blank());
        tries_after_failure(&mut dry_run).unwrap();
        let last = dry_run.remove().operations() - 1;

        // The commit's last operation does not land: the next power-up makes up for it.
        let mut chip = blank();
        chip.cut_power_at(Cut { operation: last, tear: Tear::BEFORE });
        let mut reader = Reader::insert(chip);
        assert_eq!(tries_after_failure(&mut reader), Err(TransportError::NoAnswer));
        for _ in 0..2 {
            reader.tap_with(|chip| chip.cut_power_at(Cut { operation: 0, tear: Tear::BEFORE }));
            assert_eq!(reader.silence(), Some(Silence::NotUp(Cause::PowerLost)));
            assert_eq!(reader.transmit(&GET_CHALLENGE), Err(TransportError::NoAnswer));
        }
        reader.tap();
        assert_eq!(tries_after_failure(&mut reader), Ok(1));
    }

    #[test]
    fn a_lost_command_is_not_executed_and_a_lost_answer_is() {
        for (fault, tries) in [(Fault::LostCommand, 2), (Fault::LostAnswer, 1)] {
            let mut reader = Reader::insert(blank());
            reader.fail_at(1, fault);
            assert_eq!(tries_after_failure(&mut reader), Err(TransportError::NoAnswer));
            assert_eq!((reader.exchanges(), reader.silence()), (2, None));
            assert_eq!(tries_after_failure(&mut reader), Ok(tries));
        }
    }

    #[test]
    fn a_removed_card_is_silent_until_it_is_tapped_again() {
        let mut reader = Reader::insert(blank());
        reader.fail_at(1, Fault::Removed);
        assert_eq!(tries_after_failure(&mut reader), Err(TransportError::CardRemoved));
        assert_eq!(reader.transmit(&GET_CHALLENGE), Err(TransportError::CardRemoved));
        reader.tap();
        assert_eq!(tries_after_failure(&mut reader), Ok(2));
    }

    #[test]
    fn faults_of_one_power_up_do_not_reach_the_next() {
        let mut reader = Reader::insert(blank());
        reader.fail_at(0, Fault::LostCommand);
        reader.tap();
        assert_eq!(tries_after_failure(&mut reader), Ok(2));
    }

    #[test]
    fn a_card_in_a_file_remembers_when_its_process_forgets_to_power_it_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.nvm");
        let mut chip = blank();
        chip.store(&path, Durability::ProcessKill).unwrap();
        let mut reader = Reader::insert(chip);
        assert_eq!(tries_after_failure(&mut reader), Ok(2));
        drop(reader);
        let mut reader = Reader::insert(Chip::open(&path, Durability::HostPowerLoss).unwrap());
        assert_eq!(tries_after_failure(&mut reader), Ok(1));
    }
}
