//! Undo, unload, withdrawal, purchase with PIN, compound purchase and overdraft update of the host library against the
//! simulated card and SAM: the terminal is killed at every point (before and after each command to card and SAM and each
//! write of its store, which loses each command and each answer too), and the same order then ends it, once.

use onecard_host::{
    apdu::{Command, exchange},
    card::{Selected, balance, parameters, select, update_binary, verify_pin},
    line_protection::{MaintenanceSam, challenge, with_mac},
    sam::{CardFactors, Sam},
    terminal::{
        CappOrder, CappUpdate, CashOrder, Cause, DeskKeys, InMemoryStore, Kind, OrderNumber, Outcome, OverdraftOrder,
        PurchaseOrder, RechargeOrder, Rule, StoreError, Tap, TokenStore, Transaction, UndoOrder, UnloadOrder,
        WithIssuer, capp_purchase, cash_withdraw, purchase, recharge, undo, unload, update_overdraft,
    },
    transport::Transport,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::{
    lifeline::{Lifeline, MortalStore, MortalTransport},
    world::{KEY_VERSION, World, moment, serial, terminal_number},
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::{Date, Moment},
    fid::Fid,
    ins,
    record::{CardStatus, Parameters},
    wallet::{OverdraftLimit, Purse},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

pub(crate) const ORDER: OrderNumber = OrderNumber(100);
const FEN: Amount = Amount::from_fen(777);
const CAPP_TAG: u8 = 0xAB;

/// A card, a SAM and a store; the desk keeps keys and no state.
pub(crate) struct Place {
    pub(crate) card: Chip,
    pub(crate) sam: Chip,
    pub(crate) store: InMemoryStore,
    desks: u64,
}

/// What an operation works with.
pub(crate) struct Hands<'a> {
    pub(crate) card: &'a mut dyn Transport,
    pub(crate) sam: &'a mut dyn Sam,
    pub(crate) desk: DeskKeys<ChaCha8Rng>,
    pub(crate) store: MortalStore<'a, InMemoryStore>,
}

pub(crate) type Operation = fn(&mut Hands<'_>) -> Result<Tap, StoreError>;

impl Place {
    /// A card with 100.00 in each purse, a compound record, and a last purchase of 7.77 as order 1.
    pub(crate) fn used() -> Self {
        let world = World::shared();
        let (card, sam) = (world.card(0).unwrap(), world.sam(0).unwrap());
        let mut place = Self { card, sam, store: InMemoryStore::new(), desks: 0 };
        place.with_card(|card, application, keeper| {
            let record = [&[CAPP_TAG, 5, 0][..], &[0; 4]].concat();
            let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0, 0xE4).with_bytes(&record).unwrap();
            let factors = CardFactors { enterprise: application.public_data.enterprise, serial: application.serial() };
            let random = challenge(card).unwrap();
            let append = with_mac(&append, random, &mut MaintenanceSam { sam: keeper, card: factors }).unwrap();
            exchange(card, &append).unwrap().done().unwrap();
        });
        for (number, purse) in [(2, Purse::Ed), (3, Purse::Ep)] {
            let (_, tap) = place.run(None, &|hands| loaded(hands, number, purse, moment(1)));
            committed(&tap.unwrap());
        }
        let (_, tap) = place.run(None, &|hands| sale(hands, 1, Purse::Ep));
        committed(&tap.unwrap());
        place
    }

    pub(crate) fn snapshot(&self) -> Self {
        let Self { card, sam, store, desks } = self;
        Self { card: card.snapshot(), sam: sam.snapshot(), store: store.clone(), desks: *desks }
    }

    /// One tap of a terminal that dies at point `ends_at`; whether it did, and what it would have said.
    fn run(
        &mut self,
        ends_at: Option<u64>,
        operation: &dyn Fn(&mut Hands<'_>) -> Result<Tap, StoreError>,
    ) -> (bool, Option<Tap>) {
        let world = World::shared();
        let lifeline = Lifeline::new();
        lifeline.renew(ends_at);
        self.desks += 1;
        let (mut card, mut sam) = (Reader::insert(self.card.snapshot()), Reader::insert(self.sam.snapshot()));
        let tap = {
            let mut mortal_card = MortalTransport { transport: &mut card, lifeline: lifeline.clone() };
            let slot = MortalTransport { transport: &mut sam, lifeline: lifeline.clone() };
            world.open_sam(slot).ok().and_then(|mut sam| {
                let random = ChaCha8Rng::seed_from_u64(self.desks);
                let desk = DeskKeys::new(world.enterprise_keys().clone(), KEY_VERSION, terminal_number(0), random);
                let store = MortalStore { store: &mut self.store, lifeline: lifeline.clone() };
                operation(&mut Hands { card: &mut mortal_card, sam: &mut sam, desk, store }).ok()
            })
        };
        (self.card, self.sam) = (card.remove(), sam.remove());
        (lifeline.is_over(), tap)
    }

    fn with_card(&mut self, work: impl FnOnce(&mut Reader, &Selected, &mut dyn Sam)) {
        let world = World::shared();
        let mut card = Reader::insert(self.card.snapshot());
        let application = select(&mut card, &aid::enterprise_application(world.enterprise_id())).unwrap();
        work(&mut card, &application, &mut world.software_sam(0));
        self.card = card.remove();
    }

    /// ED, EP.
    pub(crate) fn balances(&self) -> (u32, u32) {
        let mut card = Reader::insert(self.card.snapshot());
        let name = aid::enterprise_application(World::shared().enterprise_id());
        let application = select(&mut card, &name).unwrap();
        verify_pin(&mut card, &application, &World::shared().pin()).unwrap();
        let mut of = |purse| balance(&mut card, &application, purse).unwrap().fen();
        (of(Purse::Ed), of(Purse::Ep))
    }

    fn limited(&mut self, parameters: Parameters) {
        self.with_card(|card, application, sam| {
            let factors = CardFactors { enterprise: application.public_data.enterprise, serial: application.serial() };
            let content = &parameters.emit()[..28];
            let mut keeper = MaintenanceSam { sam, card: factors };
            update_binary(card, application, Fid::PARAMETERS, 0, content, &mut keeper).unwrap();
        });
    }
}

pub(crate) fn committed(tap: &Tap) -> Transaction {
    match &tap.outcome {
        Outcome::Committed(receipt) => receipt.settlement.transaction,
        other => panic!("not committed: {other:?}"),
    }
}

fn cause(tap: Option<Tap>) -> Cause {
    match tap.unwrap().outcome {
        Outcome::NotCommitted(reason) => reason.cause,
        other => panic!("not \"not committed\": {other:?}"),
    }
}

fn loaded(hands: &mut Hands<'_>, number: u64, purse: Purse, moment: Moment) -> Result<Tap, StoreError> {
    let order = RechargeOrder {
        number: OrderNumber(number),
        enterprise: World::shared().enterprise_id(),
        purse,
        key_id: 1,
        amount: Amount::from_fen(10_000),
        moment,
        pin: Some(World::shared().pin()),
    };
    recharge(hands.card, &mut *hands.sam, &mut hands.store, &order)
}

fn sale(hands: &mut Hands<'_>, number: u64, purse: Purse) -> Result<Tap, StoreError> {
    let order = PurchaseOrder {
        number: OrderNumber(number),
        enterprise: World::shared().enterprise_id(),
        purse,
        key_id: 1,
        amount: FEN,
        moment: moment(60),
        pin: (purse == Purse::Ed).then(|| World::shared().pin()),
    };
    purchase(hands.card, &mut *hands.sam, &mut hands.store, &order)
}

fn undone(hands: &mut Hands<'_>) -> Result<Tap, StoreError> {
    let (enterprise, purchase) = (World::shared().enterprise_id(), OrderNumber(1));
    let order = UndoOrder { number: ORDER, enterprise, purchase, key_id: 1, moment: moment(90) };
    undo(hands.card, &mut *hands.sam, &mut hands.store, &order)
}

fn unloaded(hands: &mut Hands<'_>, purse: Purse) -> Result<Tap, StoreError> {
    let order = UnloadOrder {
        number: ORDER,
        enterprise: World::shared().enterprise_id(),
        purse,
        key_id: if purse == Purse::Ed { 1 } else { 2 },
        amount: FEN,
        moment: moment(90),
        pin: (purse == Purse::Ed).then(|| World::shared().pin()),
    };
    unload(hands.card, &mut hands.desk, &mut hands.store, &order)
}

fn withdrawn(hands: &mut Hands<'_>) -> Result<Tap, StoreError> {
    let (enterprise, pin) = (World::shared().enterprise_id(), World::shared().pin());
    let order = CashOrder { number: ORDER, enterprise, key_id: 1, amount: FEN, moment: moment(90), pin };
    cash_withdraw(hands.card, &mut *hands.sam, &mut hands.store, &order)
}

fn compound(hands: &mut Hands<'_>, data: &[u8]) -> Result<Tap, StoreError> {
    let order = CappOrder {
        number: ORDER,
        enterprise: World::shared().enterprise_id(),
        key_id: 1,
        amount: FEN,
        moment: moment(90),
        pin: None,
        updates: vec![CappUpdate::new(CAPP_TAG, data).unwrap()],
    };
    capp_purchase(hands.card, &mut *hands.sam, &mut hands.store, &order)
}

fn overdrawn(hands: &mut Hands<'_>) -> Result<Tap, StoreError> {
    let (enterprise, pin) = (World::shared().enterprise_id(), World::shared().pin());
    let limit = OverdraftLimit::from_amount(FEN).unwrap();
    let order = OverdraftOrder { number: ORDER, enterprise, key_id: 1, limit, moment: moment(90), pin };
    let mut issuer = World::shared().issuer();
    let mut approver = WithIssuer { witness: &mut hands.desk, issuer: &mut issuer };
    update_overdraft(hands.card, &mut approver, &mut hands.store, &order)
}

/// Each operation, and ED and EP after it; before: 100.00 and 92.23.
pub(crate) const OPERATIONS: [(Kind, Operation, (u32, u32)); 7] = [
    (Kind::Undo, undone, (10_000, 10_000)),
    (Kind::UnloadEd, |hands| unloaded(hands, Purse::Ed), (9_223, 9_223)),
    (Kind::UnloadEp, |hands| unloaded(hands, Purse::Ep), (10_000, 8_446)),
    (Kind::CashWithdraw, withdrawn, (9_223, 9_223)),
    (Kind::PurchaseEd, |hands| sale(hands, ORDER.0, Purse::Ed), (9_223, 9_223)),
    (Kind::Capp, |hands| compound(hands, &[1, 2, 3, 4]), (10_000, 8_446)),
    (Kind::Overdraft, overdrawn, (10_777, 9_223)),
];

#[test]
fn killed_at_every_point_each_operation_is_done_once() {
    let place = Place::used();
    let before = place.balances();
    for (kind, operation, after) in OPERATIONS {
        let (mut kills, mut executed) = (0, 0);
        for point in 0.. {
            let mut killed = place.snapshot();
            let (dead, tap) = killed.run(Some(point), &operation);
            if !dead {
                assert_eq!(committed(&tap.unwrap()).kind, kind);
                assert_eq!(killed.balances(), after);
                break;
            }
            kills += 1;
            let now = killed.balances();
            assert!(now == before || now == after, "{kind:?} killed at {point}: {now:?}");
            executed += u32::from(now == after);
            // Nothing moved without a token in the store before.
            assert!(
                now == before
                    || killed.store.committed(ORDER).unwrap().is_some()
                    || killed.store.pending().unwrap().len() == 1
            );
            for _ in 0..2 {
                let (_, tap) = killed.run(None, &operation);
                assert_eq!(committed(&tap.unwrap()).kind, kind, "killed at {point}");
                assert_eq!(killed.balances(), after, "{kind:?} killed at {point}");
            }
            assert!(killed.store.pending().unwrap().is_empty());
            let record = killed.store.committed(ORDER).unwrap().unwrap();
            let issuer = World::shared().issuer().with_desk(terminal_number(0));
            assert_eq!(issuer.check(&record), Ok(()), "{kind:?} killed at {point}");
        }
        println!("{kind:?}: killed at {kills} points");
        assert!(kills > 8 && executed > 1, "{kind:?}: {kills}, {executed}");
    }
}

#[test]
fn what_the_card_or_the_sam_refuses_changes_nothing() {
    let place = Place::used();
    // Another terminal's purchase came after the one to be undone.
    let mut used = place.snapshot();
    let mut elsewhere = Place {
        card: used.card.snapshot(),
        sam: World::shared().sam(1).unwrap(),
        store: InMemoryStore::new(),
        desks: 0,
    };
    committed(&elsewhere.run(None, &|hands| sale(hands, 1, Purse::Ep)).1.unwrap());
    used.card = elsewhere.card;
    let before = used.balances();
    assert_eq!(cause(used.run(None, &undone).1), Cause::NotLastOnCard);
    assert_eq!(used.balances(), before);
    // Another card.
    let mut other = place.snapshot();
    other.card = World::shared().card(1).unwrap();
    let expected = Cause::AnotherCards { purchase: OrderNumber(1), serial: serial(0) };
    assert_eq!(cause(other.run(None, &undone).1), expected);
    // A record of another length, refused to UPDATE CAPP DATA CACHE.
    let mut place_capp = place.snapshot();
    assert!(matches!(cause(place_capp.run(None, &|hands| compound(hands, &[1])).1), Cause::Refused { .. }));
    assert_eq!(place_capp.balances(), (10_000, 9_223));
}

/// The rules of EF 0017 as the real card enforces them, INITIALIZE's and DEBIT's.
#[test]
fn each_rule_is_told_by_its_name() {
    let (place, day) = (Place::used(), moment(0).date);
    let plain = Parameters::UNLIMITED;
    let low = Amount::from_fen(776);
    let lost = CardStatus::LOST;
    let yesterday = [0x20, 0x26, 0x05, 0x31];
    let on = Date::from_bytes(yesterday).unwrap();
    let cases = [
        (Parameters { status: lost, ..plain }, Rule::Status(lost)),
        (Parameters { purchase_max: low, ..plain }, Rule::PurchaseMax { limit: low }),
        (Parameters { day_total_max: low, ..plain }, Rule::DayTotalMax { limit: low, spent: Amount::ZERO }),
        (
            Parameters { day_total_max: Amount::from_fen(1_000), ..plain },
            Rule::DayTotalMax { limit: Amount::from_fen(1_000), spent: FEN },
        ),
        (Parameters { balance_expiry: yesterday, ..plain }, Rule::BalanceExpired { on }),
    ];
    for (limits, rule) in cases {
        let mut limited = place.snapshot();
        limited.limited(limits);
        let (ed, ep) = limited.balances();
        for operation in
            [withdrawn as Operation, |hands| compound(hands, &[1, 2, 3, 4]), |hands| sale(hands, 9, Purse::Ep)]
        {
            assert_eq!(cause(limited.snapshot().run(None, &operation).1), Cause::Rule(rule));
        }
        assert_eq!(limited.balances(), (ed, ep));
        // Unload works in any status and after expiry; an undo but for the status.
        let (_, tap) = limited.snapshot().run(None, &|hands| unloaded(hands, Purse::Ep));
        committed(&tap.unwrap());
        let (_, tap) = limited.run(None, &undone);
        match rule {
            Rule::Status(_) => assert_eq!(cause(tap), Cause::Rule(rule)),
            _ => assert_eq!(committed(&tap.unwrap()).kind, Kind::Undo),
        }
    }
    let mut threshold = place.snapshot();
    threshold.limited(Parameters { pin_threshold: low, ..plain });
    let (_, tap) = threshold.run(None, &|hands| sale(hands, 9, Purse::Ep));
    assert_eq!(cause(tap), Cause::Rule(Rule::PinNeeded { above: low }));
    committed(&threshold.run(None, &withdrawn).1.unwrap());
    // An undo on the day is taken off what was spent that day.
    let mut counted = place;
    committed(&counted.run(None, &undone).1.unwrap());
    counted.with_card(|card, application, _| {
        let Parameters { day: of_card, spent, .. } = parameters(card, application).unwrap();
        assert_eq!((of_card, spent), (day.to_bytes(), Amount::ZERO));
    });
}

/// A recharge station a day behind: the card shows a day on which nothing is spent, and refuses all the same.
#[test]
fn what_the_card_remembers_and_does_not_show_is_told_too() {
    let mut place = Place::used();
    let limit = Amount::from_fen(1_000);
    place.limited(Parameters { day_total_max: limit, ..Parameters::UNLIMITED });
    let yesterday = Date::from_bytes([0x20, 0x26, 0x05, 0x31]).unwrap();
    let behind = Moment { date: yesterday, ..moment(30) };
    committed(&place.run(None, &|hands| loaded(hands, 4, Purse::Ep, behind)).1.unwrap());
    place.with_card(|card, application, _| {
        let Parameters { day, spent, .. } = parameters(card, application).unwrap();
        assert_eq!((day, spent), (yesterday.to_bytes(), Amount::ZERO));
    });
    let (_, tap) = place.snapshot().run(None, &|hands| sale(hands, 9, Purse::Ep));
    assert_eq!(cause(tap), Cause::Rule(Rule::DayComesAgain { limit, day: yesterday }));
    committed(&place.run(None, &|hands| loaded(hands, 5, Purse::Ep, moment(40))).1.unwrap());
    let (_, tap) = place.run(None, &|hands| sale(hands, 10, Purse::Ep));
    assert_eq!(cause(tap), Cause::Rule(Rule::DayTotalMax { limit, spent: FEN }));
}
