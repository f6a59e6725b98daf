//! A card and a till, and what must be true once an order has ended.

use onecard_host::{
    card::{balance, select},
    terminal::{InMemoryStore, TokenStore},
    transport::Transport,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::{
    lifeline::{Lifeline, MortalTransport},
    terminal::{Devices, Ending, Keeper, LibraryTerminal, Order, OrderKind, Report, TerminalUnderTest},
    world::World,
};
use onecard_wire::{aid, amount::Amount, wallet::Purse};

pub(crate) const LOADED_FEN: u32 = 10_000;

/// A card and a till with some history.
pub(crate) struct Till {
    pub(crate) card: Chip,
    pub(crate) sam: Chip,
    pub(crate) store: InMemoryStore,
}

impl Till {
    /// A new card, and the first till.
    pub(crate) fn new() -> Self {
        let world = World::shared();
        Self { card: world.card(0).unwrap(), sam: world.sam(0).unwrap(), store: InMemoryStore::new() }
    }

    /// After a recharge and `purchases` of 1 fen each.
    pub(crate) fn used(purchases: u32) -> Self {
        let mut till = Self::new().done(&Order::recharge(1, LOADED_FEN, 0));
        for number in 0..purchases {
            till = till.done(&Order::purchase(2 + u64::from(number), 1, number));
        }
        till
    }

    pub(crate) fn snapshot(&self) -> Self {
        Self { card: self.card.snapshot(), sam: self.sam.snapshot(), store: self.store.clone() }
    }

    /// Presents the card once; `faults` are ordered before.
    pub(crate) fn tap(self, order: &Order, faults: impl FnOnce(&mut Reader, &mut Reader)) -> (Self, Report) {
        let (mut card, mut sam) = (Reader::insert(self.card), Reader::insert(self.sam));
        faults(&mut card, &mut sam);
        let mut terminal = LibraryTerminal::new(self.store, Keeper::Slot);
        let devices = Devices { card: &mut card, sam: &mut sam, lifeline: Lifeline::new() };
        let report = terminal.run(devices, order);
        (Self { card: card.remove(), sam: sam.remove(), store: terminal.into_store() }, report)
    }

    /// Presents the card through something that stands between it and the reader.
    pub(crate) fn tap_through(
        self,
        order: &Order,
        between: impl for<'r> FnOnce(&'r mut dyn Transport) -> Box<dyn Transport + 'r>,
    ) -> (Self, Report) {
        let (mut card, mut sam) = (Reader::insert(self.card), Reader::insert(self.sam));
        let mut terminal = LibraryTerminal::new(self.store, Keeper::Slot);
        let report = {
            let mut between = between(&mut card);
            terminal.run(Devices { card: &mut *between, sam: &mut sam, lifeline: Lifeline::new() }, order)
        };
        (Self { card: card.remove(), sam: sam.remove(), store: terminal.into_store() }, report)
    }

    /// The same, and the terminal is killed at this point of its life; `None` for its report if it was.
    pub(crate) fn killed_at(self, order: &Order, point: u64) -> (Self, Option<Report>) {
        let (mut card, mut sam) = (Reader::insert(self.card), Reader::insert(self.sam));
        let mut terminal = LibraryTerminal::new(self.store, Keeper::Slot);
        let lifeline = Lifeline::new();
        lifeline.renew(Some(point));
        let report = {
            let mut card = MortalTransport { transport: &mut card, lifeline: lifeline.clone() };
            let mut sam = MortalTransport { transport: &mut sam, lifeline: lifeline.clone() };
            terminal.run(Devices { card: &mut card, sam: &mut sam, lifeline: lifeline.clone() }, order)
        };
        let till = Self { card: card.remove(), sam: sam.remove(), store: terminal.into_store() };
        (till, (!lifeline.is_over()).then_some(report))
    }

    pub(crate) fn done(self, order: &Order) -> Self {
        let (till, report) = self.tap(order, |_, _| ());
        assert!(matches!(report.ending, Ending::Committed(_)), "{report:?}");
        till
    }

    /// Presents the card again until the order has ended, and checks that it was executed once.
    pub(crate) fn executed_once(self, order: &Order, before: &Self) {
        let (till, report) = self.tap(order, |_, _| ());
        let Ending::Committed(record) = report.ending else { panic!("the next tap ends {report:?}") };
        assert!(report.earlier.is_empty() && record.tac.is_some());
        World::shared().issuer().check(&record).unwrap();
        assert!(till.store.pending().unwrap().is_empty());
        let settled = till.store.settlement().filter(|record| record.transaction.order == order.number).count();
        assert_eq!(settled, 1);
        let (old, new) = (before.balance(), till.balance());
        let amount = order.amount;
        let expected = match order.kind {
            OrderKind::Purchase => old.minus(amount),
            OrderKind::Recharge | OrderKind::Undo { .. } => old.plus(amount),
            other => panic!("{other:?} is no order of this till"),
        };
        assert_eq!(Some(new), expected, "charged once");
        till.sam_counted_once(order, before);
        // Presented once more, it is the same sale.
        let (after, report) = till.tap(order, |_, _| ());
        assert_eq!((report.ending, after.balance()), (Ending::Committed(record), new));
    }

    fn sam_counted_once(&self, order: &Order, before: &Self) {
        let (old, new) = (before.sam_state(), self.sam_state());
        let expected = match order.kind {
            OrderKind::Recharge => (old.0, old.1.minus(order.amount).unwrap()),
            _ => (old.0 + 1, old.1),
        };
        assert_eq!(new, expected, "the SAM's next sequence and limit");
    }

    /// Next terminal sequence, and what may still be loaded.
    pub(crate) fn sam_state(&self) -> (u32, Amount) {
        let (world, mut sam) = (World::shared(), Reader::insert(self.sam.snapshot()));
        let sequence = world.last_purchase(&mut sam).map_or(0, |last| last.next_sequence);
        (sequence, world.load_limit(&mut sam).unwrap().spendable)
    }

    pub(crate) fn balance(&self) -> Amount {
        let mut card = Reader::insert(self.card.snapshot());
        let name = aid::enterprise_application(World::shared().enterprise_id());
        let selected = select(&mut card, &name).unwrap();
        balance(&mut card, &selected, Purse::Ep).unwrap()
    }
}
