//! The card pulled out of its reader at every command of a sale, before and after its execution: whatever was left open is
//! decided at the next tap, and the books balance.

use std::time::Duration;

use onecard_host::{
    card::{balance, select},
    terminal::{InMemoryStore, OrderNumber, settlement},
    transport::pcsc::{Connection, Service, Sharing},
};
use onecard_simulator::{
    reader::Reader,
    vpcd::{End, Moment, Protocol, SimulatedCard},
};
use onecard_tests::{
    lifeline::Lifeline,
    terminal::{Devices, Ending, Keeper, LibraryTerminal, Order, Report, TerminalUnderTest},
    world::World,
};
use onecard_wire::{aid, amount::Amount, wallet::Purse};

use crate::stage::{Inserted, Stage};

const LIMIT: Duration = Duration::from_secs(600);
const CARD: usize = 0;
const SAM: usize = 1;
const LOADED_FEN: u32 = 100_000;
/// Each order is of another amount, so that none passes for another.
const LEAST_FEN: u32 = 100;
/// SELECT, INITIALIZE, DEBIT; a load verifies the PIN behind SELECT.
const COMMANDS_OF_PURCHASE: u64 = 3;
const COMMANDS_OF_LOAD: u64 = 4;

/// At which command yet to come, and on which side of it.
type Pull = (u64, Moment);

const MOMENTS: [Moment; 2] = [Moment::BeforeExecution, Moment::AfterExecution];

/// A till with its SAM in one reader, and a card for the other.
struct Till<'s> {
    stage: &'s Stage,
    service: Service,
    terminal: LibraryTerminal,
    sam: Connection,
    sam_inserted: Inserted<SimulatedCard>,
    /// Outside its reader between two taps.
    card: Option<SimulatedCard>,
    orders: u64,
}

impl<'s> Till<'s> {
    /// With a card that holds 1000 yuan.
    fn open(stage: &'s Stage) -> Self {
        let world = World::shared();
        let sam_inserted = stage.insert(SAM, SimulatedCard::new(world.sam(0).unwrap(), Protocol::T0));
        let service = Service::connect().unwrap();
        let sam = connect(stage, &service, SAM);
        let terminal = LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot);
        let card = Some(SimulatedCard::new(world.card(0).unwrap(), Protocol::T1));
        let mut till = Self { stage, service, terminal, sam, sam_inserted, card, orders: 0 };
        let load = till.order(|number| Order::recharge(number, LOADED_FEN, 0));
        assert!(matches!(till.tap(&load, None).0.ending, Ending::Committed(_)));
        till
    }

    fn order(&mut self, order: impl FnOnce(u64) -> Order) -> Order {
        self.orders += 1;
        order(self.orders)
    }

    fn purchase(&mut self) -> Order {
        self.order(|number| Order::purchase(number, LEAST_FEN + number as u32, number as u32))
    }

    fn recharge(&mut self) -> Order {
        self.order(|number| Order::recharge(number, LEAST_FEN + number as u32, number as u32))
    }

    /// Presents the card once, and pulls it as ordered; whether it was pulled before the tap was over.
    fn tap(&mut self, order: &Order, pull: Option<Pull>) -> (Report, bool) {
        let inserted = self.stage.insert(CARD, self.card.take().unwrap());
        let mut connection = connect(self.stage, &self.service, CARD);
        if let Some((command, moment)) = pull {
            inserted.puller().pull_at(command, moment);
        }
        let (sam, terminal) = (&mut self.sam, &mut self.terminal);
        let tap = connection.tap(|card| terminal.run(Devices { card, sam, lifeline: Lifeline::new() }, order));
        drop(connection);
        // Not whether it is still served: that ends a moment after the till has seen it gone.
        let pulled = inserted.puller().is_pulled();
        inserted.puller().pull();
        let (card, end) = inserted.left(self.stage);
        assert!(matches!(end, End::Pulled), "{end:?}");
        self.card = Some(card);
        (tap.unwrap(), pulled)
    }

    fn balance(&mut self) -> Amount {
        let chip = self.card.take().unwrap().into_chip();
        let mut reader = Reader::insert(chip.snapshot());
        let selected = select(&mut reader, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
        self.card = Some(SimulatedCard::new(chip, Protocol::T1));
        balance(&mut reader, &selected, Purse::Ep).unwrap()
    }

    /// The next tap, undisturbed, ends the order, and its money has moved once since `before`.
    fn ends(&mut self, order: &Order, before: Amount, moved: impl Fn(Amount) -> Option<Amount>) {
        let (report, pulled) = self.tap(order, None);
        assert!(!pulled && matches!(report.ending, Ending::Committed(_)) && report.earlier.is_empty(), "{report:?}");
        assert_eq!(Some(self.balance()), moved(before), "order {:?}", order.number);
        assert_eq!(self.settled(order.number), 1);
    }

    fn settled(&self, order: OrderNumber) -> usize {
        self.terminal.store().settlement().filter(|record| record.transaction.order == order).count()
    }

    /// Every record is genuine, none is missing, and the card has what they say.
    fn books_balance(mut self) {
        let records: Vec<_> = self.terminal.store().settlement().copied().collect();
        let audit = settlement::audit(&records, &World::shared().issuer());
        assert!(audit.verdicts.iter().all(Result::is_ok), "{:?}", audit.verdicts);
        assert!(audit.gaps.is_empty(), "{:?}", audit.gaps);
        assert_eq!(records.len() as u64, self.orders);
        let newest = records.iter().map(|record| record.transaction.new_balance).next_back();
        assert_eq!(Some(self.balance()), newest);
        drop(self.sam);
        self.sam_inserted.pull(self.stage);
    }
}

fn connect(stage: &Stage, service: &Service, slot: usize) -> Connection {
    Connection::open(service, &stage.reader(slot).to_string_lossy(), Sharing::Exclusive).unwrap()
}

#[test]
fn a_purchase_pulled_at_every_command_is_charged_once() {
    let stage = Stage::begin(LIMIT);
    let mut till = Till::open(&stage);
    for moment in MOMENTS {
        for command in 0..COMMANDS_OF_PURCHASE {
            let (order, before) = (till.purchase(), till.balance());
            let (report, pulled) = till.tap(&order, Some((command, moment)));
            let expected = if command + 1 == COMMANDS_OF_PURCHASE { Ending::Unknown } else { Ending::NotCommitted };
            assert_eq!((report.ending, pulled), (expected, true), "pulled at {command}, {moment:?}");
            till.ends(&order, before, |old| old.minus(order.amount));
        }
        // Beyond its last command there is nothing to pull at.
        let order = till.purchase();
        let (report, pulled) = till.tap(&order, Some((COMMANDS_OF_PURCHASE, moment)));
        assert!(!pulled && matches!(report.ending, Ending::Committed(_)), "{report:?}");
    }
    till.books_balance();
}

#[test]
fn a_recharge_pulled_at_every_command_is_loaded_once() {
    let stage = Stage::begin(LIMIT);
    let mut till = Till::open(&stage);
    for moment in MOMENTS {
        for command in 0..COMMANDS_OF_LOAD {
            let (order, before) = (till.recharge(), till.balance());
            let (report, pulled) = till.tap(&order, Some((command, moment)));
            let expected = if command + 1 == COMMANDS_OF_LOAD { Ending::Unknown } else { Ending::NotCommitted };
            assert_eq!((report.ending, pulled), (expected, true), "pulled at {command}, {moment:?}");
            till.ends(&order, before, |old| old.plus(order.amount));
        }
    }
    till.books_balance();
}

#[test]
fn a_purchase_whose_recovery_is_pulled_too_is_charged_once() {
    let stage = Stage::begin(LIMIT);
    let mut till = Till::open(&stage);
    for first in MOMENTS {
        for second in MOMENTS {
            let mut pulls = 0;
            loop {
                let (order, before) = (till.purchase(), till.balance());
                let (report, _) = till.tap(&order, Some((COMMANDS_OF_PURCHASE - 1, first)));
                assert_eq!(report.ending, Ending::Unknown);
                let (report, pulled) = till.tap(&order, Some((pulls, second)));
                if !pulled {
                    assert!(matches!(report.ending, Ending::Committed(_)), "{report:?}");
                    break;
                }
                if report.ending == Ending::NotCommitted {
                    assert_eq!(till.balance(), before, "a recovery pulled at {pulls}, {second:?}");
                }
                till.ends(&order, before, |old| old.minus(order.amount));
                pulls += 1;
            }
            // SELECT, and at least a proof or another INITIALIZE and DEBIT.
            assert!(pulls >= 2, "the recovery had {pulls} commands");
        }
    }
    till.books_balance();
}
