//! A station's reader with a stack of simulated cards, which can be pulled, and whose power can go.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::{
    chip::{Chip, Kind},
    reader::{Fault, Interface, Reader},
};
use onecard_station::batch::{Call, Fed, Feeder, NoTap, Tray};
use onecard_wire::ins;

/// Cards of one station: the stack they are taken from, and the trays they go to. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack(Arc<Mutex<Piles>>);

/// Where the cards are.
#[derive(Debug, Default)]
pub(crate) struct Piles {
    /// Not looked at, or not needed. The first is the next.
    pub(crate) stock: VecDeque<Chip>,
    /// Good ones by serial, as the station named it.
    pub(crate) good: BTreeMap<String, Chip>,
    /// Spoilt ones.
    pub(crate) bad: Vec<Chip>,
    /// Those the station left alone.
    pub(crate) not_ours: Vec<Chip>,
    /// Good cards that came a second time under one serial: there must be none.
    pub(crate) doubled: Vec<String>,
}

/// A reader that takes its cards from a [`Stack`].
#[derive(Debug)]
pub(crate) struct StackFeeder {
    name: String,
    stack: Stack,
    chip: Option<Chip>,
    /// Taken from the stock once and not needed: no more are.
    full: bool,
    /// Somebody takes cards from the stock when they are asked for one; else whatever looks into the reader finds the next.
    by_hand: bool,
    /// What goes wrong at which exchange of the next taps.
    faults: VecDeque<(u64, Fault)>,
    /// What the card in the reader, or the next, never answers.
    deaf: Option<u8>,
    /// The machine dies when a card is to be put away.
    dies: Option<Dies>,
}

/// When it dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dies {
    /// The card is still in the reader.
    BeforePutAway,
    /// It is in its tray.
    AfterPutAway,
}

/// A card that answers everything but one instruction.
struct Deaf<'d>(&'d mut Reader, u8);

impl Transport for Deaf<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match command {
            [_, ins, ..] if *ins == self.1 => Err(TransportError::NoAnswer),
            _ => self.0.transmit(command),
        }
    }
}

/// Into a reader of cards, or at the contacts of one of SIMs.
pub(crate) fn insert(chip: Chip) -> Reader {
    let interface = if chip.kind() == Kind::RfidSim { Interface::Contact } else { Interface::Radio };
    Reader::insert_at(chip, interface)
}

impl Stack {
    /// With these cards.
    pub(crate) fn of(chips: impl IntoIterator<Item = Chip>) -> Self {
        Self(Arc::new(Mutex::new(Piles { stock: chips.into_iter().collect(), ..Piles::default() })))
    }

    /// The piles.
    pub(crate) fn piles(&self) -> MutexGuard<'_, Piles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader of it.
    pub(crate) fn feeder(&self, name: &str) -> StackFeeder {
        StackFeeder {
            name: name.to_owned(),
            stack: self.clone(),
            chip: None,
            full: false,
            by_hand: false,
            faults: VecDeque::new(),
            deaf: None,
            dies: None,
        }
    }
}

impl StackFeeder {
    /// The next card never answers UPDATE BINARY.
    pub(crate) fn next_is_deaf(&mut self) {
        self.next_is_deaf_to(ins::UPDATE_BINARY);
    }

    /// The next card never answers that instruction.
    pub(crate) fn next_is_deaf_to(&mut self, ins: u8) {
        self.deaf = Some(ins);
    }

    /// Somebody puts the cards in, and none who is not asked.
    pub(crate) fn by_hand(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// The machine dies at the next card that is put away.
    pub(crate) fn dies(&mut self, dies: Dies) {
        self.dies = Some(dies);
    }

    /// Lets an exchange of the next tap go wrong; the next such order is for the tap after it.
    pub(crate) fn fail_next(&mut self, exchange: u64, fault: Fault) {
        self.faults.push_back((exchange, fault));
    }
}

impl StackFeeder {
    /// The card stays where whoever comes next finds it first.
    pub(crate) fn leave(&mut self) {
        if let Some(chip) = self.chip.take() {
            self.stack.piles().stock.push_front(chip);
        }
    }

    /// A tap by a reader of the test's own.
    pub(crate) fn tap_reader(&mut self, work: impl FnOnce(Reader) -> Chip) -> Result<(), NoTap> {
        let chip = self.chip.take().ok_or_else(|| NoTap::Reader("no card is in the reader".to_owned()))?;
        self.chip = Some(work(insert(chip)));
        Ok(())
    }
}

impl Feeder for StackFeeder {
    fn name(&self) -> &str {
        &self.name
    }

    fn feed(&mut self, call: &Call, _: &dyn Fn() -> bool) -> Result<Fed, String> {
        let somebody_asked = !self.by_hand || *call != Call::LookOnly;
        if self.chip.is_none() && !self.full && somebody_asked {
            self.chip = self.stack.piles().stock.pop_front();
        }
        Ok(if self.chip.is_some() { Fed::Card } else { Fed::Empty })
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        let chip = self.chip.take().ok_or_else(|| NoTap::Reader("no card is in the reader".to_owned()))?;
        let mut reader = insert(chip);
        if let Some((exchange, fault)) = self.faults.pop_front() {
            reader.fail_at(exchange, fault);
        }
        match self.deaf {
            Some(ins) => work(&mut Deaf(&mut reader, ins)),
            None => work(&mut reader),
        }
        self.chip = Some(reader.remove());
        Ok(())
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        if self.dies == Some(Dies::BeforePutAway) {
            return Err("the machine has died".to_owned());
        }
        let chip = self.chip.take().ok_or("no card is in the reader")?;
        let mut piles = self.stack.piles();
        match tray {
            Tray::Good { serial } => {
                if piles.good.insert(serial.clone(), chip).is_some() {
                    piles.doubled.push(serial);
                }
            }
            Tray::Bad => {
                self.deaf = None;
                piles.bad.push(chip);
            }
            Tray::NotOurs => piles.not_ours.push(chip),
            Tray::Stock => {
                self.full = true;
                piles.stock.push_back(chip);
            }
        }
        if self.dies.is_some() { Err("the machine has died".to_owned()) } else { Ok(()) }
    }
}
