//! The moment at which an engine says that it has something to do is that at which it does something, and not before.

use std::time::Duration;

use onecard_gateway::{
    campaign::{Engine, EnterpriseDesk, Flow, NewTask, OperatorKeys, Settings, Store, Turn, UnixMillis, Window},
    carrier::Event,
};
use onecard_host::over_the_air::{
    Tries,
    lock::{Lock, LockTerms, Way},
};
use proptest::prelude::*;

use crate::{
    direct::Direct,
    recharges::{NOON, World, enterprise, tasks},
};

const MINUTE: i64 = 60_000;

/// A campaign's hours, if it has some, and whether it is paused.
type Hours = (Option<(u16, u16)>, bool);

/// Of which campaign, to which card, a loss or a recharge, minutes from noon.
type Ordered = (usize, u32, bool, i64);

fn hours() -> impl Strategy<Value = Hours> {
    let window = prop::option::of((0_u16..24, 0_u16..24));
    (window, prop::bool::weighted(0.2))
}

fn ordered() -> impl Strategy<Value = Ordered> {
    (0_usize..3, 0_u32..2, any::<bool>(), -30_i64..300)
}

fn task((number, (_, card, is_loss, minutes)): (usize, &Ordered)) -> NewTask {
    let task = tasks(2).swap_remove(*card as usize);
    let Flow::Recharge { serial, .. } = task.flow else { panic!("a recharge") };
    let terms = LockTerms { enterprise: enterprise(), serial, way: Way::Lost };
    let loss = Flow::Lock(Box::new(Lock::begin(terms, Tries { packets: 2, attempts: 1 })));
    NewTask {
        order_number: number.to_string(),
        flow: if *is_loss { loss } else { task.flow },
        not_before: NOON.plus(minutes * MINUTE),
        ..task
    }
}

fn store(directory: &std::path::Path, campaigns: &[Hours], orders: &[Ordered]) -> Store {
    let mut store = Store::create(&directory.join("gateway.book")).unwrap();
    for (at, (window, paused)) in campaigns.iter().enumerate() {
        let window = window.map(|(from, until)| Window { from_minute: from * 60, until_minute: until * 60 });
        let settings = Settings { window, ..Settings::DEFAULT };
        let orders = orders.iter().enumerate().filter(|(_, (campaign, ..))| *campaign == at).map(task);
        let campaign = store.new_campaign(&at.to_string(), &settings, orders).unwrap();
        store.set_paused(campaign, *paused).unwrap();
    }
    store
}

struct Bench {
    engine: Engine<OperatorKeys, EnterpriseDesk<'static>>,
    carrier: Direct,
}

impl Bench {
    fn turn(&mut self, now: UnixMillis) -> Turn {
        self.engine.turn(now, &mut self.carrier).unwrap()
    }

    fn next_due(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        self.engine.next_due(now).unwrap()
    }
}

/// An earlier order of the card waits for its window: the later one is due, and yet nothing can be done for it.
#[test]
fn an_order_behind_one_that_waits_for_its_window_is_not_polled() {
    let world = World::of(1);
    let directory = tempfile::tempdir().unwrap();
    let orders = [(0, 0, false, 0), (1, 0, false, 0)];
    let store = store(directory.path(), &[(Some((13, 14)), false), (None, false)], &orders);
    let engine = Engine::new(store, world.keys(), world.desk());
    let mut bench = Bench { engine, carrier: world.carrier };
    assert_eq!(bench.turn(NOON), Turn::default());
    assert_eq!(bench.next_due(NOON), Some(NOON.plus(60 * MINUTE)));
    assert_eq!(bench.turn(NOON.plus(60 * MINUTE)).packets, 1);
}

/// The centre is left alone for a while: whatever is due meanwhile is due behind it.
#[test]
fn nothing_is_due_while_the_centre_is_left_alone() {
    let world = World::of(2);
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), &[(None, false)], &[(0, 0, false, 0), (0, 1, false, 0)]);
    let engine = Engine::new(store, world.keys(), world.desk());
    let mut bench = Bench { engine, carrier: world.carrier };
    bench.carrier.room = 1;
    bench.carrier.says_instead.push_back(|ticket| Event::Throttled { ticket });
    assert_eq!((bench.turn(NOON).messages, bench.turn(NOON).turned_away), (1, 1));
    assert_eq!(bench.next_due(NOON), Some(NOON.plus(500)));
    assert_eq!((bench.turn(NOON.plus(499)), bench.turn(NOON.plus(500)).messages), (Turn::default(), 1));
    // The other card's, for which there was no room.
    assert_eq!(bench.next_due(NOON.plus(500)), Some(NOON.plus(500)));
}

/// Twice as long for each copy of a packet; one that is thrown back has less left when it leaves.
#[test]
fn a_message_is_of_use_as_long_as_its_proof_is_waited_for() {
    let world = World::of(1);
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), &[(None, false)], &[(0, 0, false, 0)]);
    let engine = Engine::new(store, world.keys(), world.desk());
    let mut bench = Bench { engine, carrier: world.carrier };
    bench.carrier.phones.clear();
    bench.carrier.says_instead.push_back(|ticket| Event::Throttled { ticket });
    bench.turn(NOON);
    bench.turn(NOON.plus(10_000));
    bench.turn(NOON.plus(30_000));
    let mut now = NOON.plus(30_000);
    while bench.carrier.validities.len() < 4 {
        now = bench.next_due(now).unwrap();
        bench.turn(now);
    }
    assert_eq!(bench.carrier.validities, [120, 90, 240, 480].map(Duration::from_secs));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// No phone answers; some messages are throttled.
    #[test]
    fn something_is_done_at_the_moment_and_nothing_before(
        campaigns in prop::collection::vec(hours(), 3),
        orders in prop::collection::vec(ordered(), 1..8),
        throttled in 0_usize..6,
    ) {
        let world = World::of(2);
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::new(store(directory.path(), &campaigns, &orders), world.keys(), world.desk());
        let mut carrier = world.carrier;
        carrier.phones.clear();
        carrier.says_instead.extend((0..throttled).map(|_| (|ticket| Event::Throttled { ticket }) as fn(_) -> _));
        let mut bench = Bench { engine, carrier };
        let mut now = NOON;
        for _ in 0..16 {
            bench.turn(now);
            // What came of the messages.
            let is_throttled = bench.turn(now).turned_away > 0;
            let Some(due) = bench.next_due(now) else { break };
            prop_assert!(due > now, "{due:?} at {now:?}, again and again");
            for before in [now.plus(1), UnixMillis(now.0.midpoint(due.0)), due.plus(-1)] {
                if before < due {
                    prop_assert_eq!(bench.turn(before), Turn::default());
                }
            }
            // What was throttled may be given up.
            prop_assert!(bench.turn(due) != Turn::default() || is_throttled, "nothing at {:?}", due);
            now = due;
        }
        if bench.next_due(now).is_none() {
            for hour in 0..30 {
                prop_assert_eq!(bench.turn(now.plus(hour * 60 * MINUTE)), Turn::default());
            }
        }
    }
}
