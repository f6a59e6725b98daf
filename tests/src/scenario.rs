//! Carries steps out: cards in readers, terminals with their SAMs, and an auditor who hears what they say.

use std::collections::BTreeMap;

use onecard_host::{
    apdu::{Command, exchange},
    card::{Selected, balance, select, verify_pin},
    keys::Purpose,
    line_protection::{challenge, enciphered},
    terminal::OrderNumber,
    transport::Transport,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_wire::{aid, amount::Amount, ins, wallet::Purse};

use crate::{
    auditor::{Auditor, Tally, Violation},
    lifeline::{Lifeline, MortalTransport},
    relay::Relay,
    strategies::{Fault, Step},
    terminal::{Devices, Ending, Order, OrderKind, Report, TerminalUnderTest},
    world::{CARDS, World, moment, serial, terminal_number},
};

/// Cards and terminals of [`World::shared`], with everything that has happened to them.
pub struct Scenario<T> {
    cards: Vec<Reader>,
    stations: Vec<Station<T>>,
    auditor: Auditor,
    orders: u64,
}

/// A terminal and its SAM's slot.
struct Station<T> {
    terminal: T,
    sam: Reader,
    lifeline: Lifeline,
    /// Orders whose end it does not know, each with its card.
    open: Vec<(Order, usize)>,
    /// Its last purchase with each card, done or not.
    purchases: BTreeMap<usize, Order>,
}

/// What is left at the end.
pub struct Closed<T> {
    /// How often what happened.
    pub tally: Tally,
    /// The terminals, each with its SAM.
    pub terminals: Vec<(T, Chip)>,
    /// The auditor, who has closed the books.
    pub auditor: Auditor,
}

/// Orders between two ticks of the terminals' clock: some share their moment.
const ORDERS_PER_SECOND: u64 = 3;

impl<T: TerminalUnderTest> Scenario<T> {
    /// Empty cards and these terminals, at most [`TERMINALS`](crate::world::TERMINALS), with full SAMs.
    #[must_use]
    pub fn new(terminals: impl IntoIterator<Item = T>) -> Self {
        let world = World::shared();
        let station = |(number, terminal)| {
            let sam = Reader::insert(world.sam(number)?);
            Some(Station { terminal, sam, lifeline: Lifeline::new(), open: Vec::new(), purchases: BTreeMap::new() })
        };
        Self {
            cards: (0..CARDS).filter_map(|card| world.card(card)).map(Reader::insert).collect(),
            stations: terminals.into_iter().enumerate().map_while(station).collect(),
            auditor: Auditor::new(world.issuer()),
            orders: 0,
        }
    }

    /// Carries out one step. Terminals and cards that are not there are the last ones that are.
    ///
    /// # Errors
    /// [`Violation`]: something was told that cannot be true.
    pub fn step(&mut self, step: &Step) -> Result<(), Violation> {
        match step {
            Step::New { terminal, card, kind, amount_fen, pin, faults } => {
                self.orders += 1;
                let order = Order {
                    number: OrderNumber(self.orders),
                    kind: *kind,
                    amount: Amount::from_fen(*amount_fen),
                    moment: moment((self.orders / ORDERS_PER_SECOND) as u32),
                    pin: pin.then(|| World::shared().pin()),
                };
                if let Some(station) = self.stations.get_mut(*terminal)
                    && *kind == OrderKind::Purchase
                {
                    station.purchases.insert(*card, order.clone());
                }
                self.tap(*terminal, *card, order, faults)
            }
            Step::Undo { terminal, card, faults } => {
                let purchases = self.stations.get(*terminal).map(|station| &station.purchases);
                let Some(purchase) = purchases.and_then(|purchases| purchases.get(card)).cloned() else {
                    return self.read_balance(*card);
                };
                self.orders += 1;
                let order = Order {
                    number: OrderNumber(self.orders),
                    kind: OrderKind::Undo { purchase: purchase.number },
                    moment: moment((self.orders / ORDERS_PER_SECOND) as u32),
                    pin: None,
                    ..purchase
                };
                self.tap(*terminal, *card, order, faults)
            }
            Step::Again { terminal, nth, other_card, pin, faults } => {
                let Some(station) = self.stations.get(*terminal).filter(|station| !station.open.is_empty()) else {
                    return self.read_balance(*nth);
                };
                let Some((order, card)) = station.open.get(nth % station.open.len()).cloned() else { return Ok(()) };
                let order = Order { pin: pin.then(|| World::shared().pin()), ..order };
                self.tap(*terminal, (card + other_card.unwrap_or(0)) % CARDS, order, faults)
            }
            Step::Balance { card } => self.read_balance(*card),
            Step::PowerCycle { card, cut } => {
                if let Some(reader) = self.cards.get_mut(*card) {
                    reader.tap_with(|chip| cut.map(|cut| chip.cut_power_at(cut)));
                }
                Ok(())
            }
            Step::Restart { terminal } => {
                if let Some(station) = self.stations.get_mut(*terminal) {
                    station.restart();
                }
                Ok(())
            }
            Step::UnblockPin { card } => {
                self.unblock_pin(*card);
                Ok(())
            }
        }
    }

    /// Without any faults, presents every card again for every open order, and closes the books.
    ///
    /// # Errors
    /// [`Violation`], also if an order stays open that the card's log must still tell of.
    pub fn close(mut self) -> Result<Closed<T>, Violation> {
        (0..CARDS).for_each(|card| self.unblock_pin(card));
        for terminal in 0..self.stations.len() {
            let Some(station) = self.stations.get(terminal) else { continue };
            let (open, within) = (station.open.clone(), station.terminal.decides_within());
            for (order, card) in open {
                let order = Order { pin: Some(World::shared().pin()), ..order };
                // It may have been settled on the way to another one.
                if self.auditor.open_orders().any(|number| number == order.number) {
                    self.tap(terminal, card, order.clone(), &[])?;
                }
                let is_open = self.auditor.open_orders().any(|number| number == order.number);
                if is_open && matches!(order.kind, OrderKind::Undo { .. }) {
                    // What cannot be undone any more is decided by the next sale, if the card can pay it.
                    self.orders += 1;
                    let (number, amount) = (OrderNumber(self.orders), Amount::from_fen(1));
                    let sale = Order { number, kind: OrderKind::Purchase, amount, ..order.clone() };
                    self.tap(terminal, card, sale, &[])?;
                }
                if self.auditor.is_open_needlessly(order.number, within) {
                    let what = format!("order {} can be decided and is not", order.number);
                    return Err(Violation { card: serial(card), what });
                }
            }
        }
        (0..CARDS).try_for_each(|card| self.read_balance(card).and_then(|()| self.read_deposit(card)))?;
        self.auditor.close()?;
        let stations = self.stations.into_iter();
        let terminals = stations.map(|station| (station.terminal, station.sam.remove())).collect();
        Ok(Closed { tally: self.auditor.tally(), terminals, auditor: self.auditor })
    }

    /// The auditor.
    #[must_use]
    pub fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    fn tap(&mut self, terminal: usize, card: usize, order: Order, faults: &[Fault]) -> Result<(), Violation> {
        let terminal = terminal.min(self.stations.len().saturating_sub(1));
        let card = card.min(self.cards.len().saturating_sub(1));
        let (Some(station), Some(reader)) = (self.stations.get_mut(terminal), self.cards.get_mut(card)) else {
            return Ok(());
        };
        let heard = station.present(reader, &order, faults);
        let number = terminal_number(terminal);
        let auditor = &mut self.auditor;
        match heard {
            Some(report) => {
                auditor.heard(number, serial(card), &order, &report)?;
                if report.ending == Ending::Unknown && station.open.iter().all(|(open, _)| open.number != order.number)
                {
                    station.open.push((order, card));
                }
            }
            None => {
                let terminal = &station.terminal;
                for (open, _) in station.open.iter().filter(|(open, _)| open.number != order.number) {
                    auditor.recalled(open.number, terminal.recall(open.number))?;
                }
                auditor.killed(number, serial(card), &order, terminal.recall(order.number))?;
                if station.open.iter().all(|(open, _)| open.number != order.number) {
                    station.open.push((order, card));
                }
            }
        }
        station.open.retain(|(open, _)| auditor.open_orders().any(|number| number == open.number));
        Ok(())
    }

    fn read_balance(&mut self, card: usize) -> Result<(), Violation> {
        let Some(reader) = self.cards.get_mut(card) else { return Ok(()) };
        reader.tap();
        match application(reader).and_then(|selected| balance(reader, &selected, Purse::Ep).ok()) {
            Some(balance) => self.auditor.balance(serial(card), Purse::Ep, balance),
            None => Err(Violation { card: serial(card), what: "it does not show its balance any more".to_owned() }),
        }
    }

    /// The PIN has all its tries.
    fn read_deposit(&mut self, card: usize) -> Result<(), Violation> {
        let Some(reader) = self.cards.get_mut(card) else { return Ok(()) };
        let shown = application(reader).and_then(|selected| {
            verify_pin(reader, &selected, &World::shared().pin()).ok()?;
            balance(reader, &selected, Purse::Ed).ok()
        });
        match shown {
            Some(balance) => self.auditor.balance(serial(card), Purse::Ed, balance),
            None => Err(Violation { card: serial(card), what: "it does not show its deposit any more".to_owned() }),
        }
    }

    fn unblock_pin(&mut self, card: usize) {
        let (world, Some(reader)) = (World::shared(), self.cards.get_mut(card)) else { return };
        reader.tap();
        let Ok(key) = world.card_key(card, Purpose::PinUnblock) else { return };
        let unblock = Command::new(ins::CLA_PBOC, ins::PIN_UNBLOCK, 0, 0).with_bytes(world.pin().expose());
        let (Some(_), Ok(challenge), Ok(unblock)) = (application(reader), challenge(reader), unblock) else { return };
        if let Ok(command) = enciphered(&unblock, challenge, &key.into()) {
            // Whether it worked shows at the next VERIFY.
            let _ = exchange(reader, &command);
        }
    }
}

impl<T: TerminalUnderTest> Station<T> {
    /// What the terminal says of `order`; `None` if it was killed.
    fn present(&mut self, card: &mut Reader, order: &Order, faults: &[Fault]) -> Option<Report> {
        let cut = |faults: &[Fault], card: bool| {
            faults.iter().find_map(|fault| match fault {
                Fault::CardCut(cut) if card => Some(*cut),
                Fault::SamCut(cut) if !card => Some(*cut),
                _ => None,
            })
        };
        card.tap_with(|chip| cut(faults, true).map(|cut| chip.cut_power_at(cut)));
        self.sam.tap_with(|chip| cut(faults, false).map(|cut| chip.cut_power_at(cut)));
        let (mut killed_at, mut refusal) = (None, None);
        for fault in faults {
            match fault {
                Fault::Card { exchange, loss } => card.fail_at(*exchange, *loss),
                Fault::Sam { exchange, loss } => self.sam.fail_at(*exchange, *loss),
                Fault::Refusal { word } => refusal = Some(*word),
                Fault::Kill { point } => killed_at = Some(*point),
                Fault::CardCut(_) | Fault::SamCut(_) => {}
            }
        }
        self.lifeline.renew(killed_at);
        let mut card = Relay { transport: card, refusal };
        let mut card = MortalTransport { transport: &mut card, lifeline: self.lifeline.clone() };
        let mut sam = MortalTransport { transport: &mut self.sam, lifeline: self.lifeline.clone() };
        let devices = Devices { card: &mut card, sam: &mut sam, lifeline: self.lifeline.clone() };
        let report = self.terminal.run(devices, order);
        if self.lifeline.is_over() {
            self.restart();
            return None;
        }
        Some(report)
    }

    fn restart(&mut self) {
        self.terminal.restart();
        self.lifeline.renew(None);
    }
}

fn application<C: Transport>(card: &mut C) -> Option<Selected> {
    select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()
}
