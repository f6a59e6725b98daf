//! What an engine may never do, and what it does when somebody is missing.

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use onecard_gateway::{
    campaign::{
        ApplicationContent, CampaignId, Desk, Engine, EnterpriseDesk, NotSaid, OperatorKeys, Place, Settings, Store,
        Unavailable, Window, ZoneMinutes,
    },
    carrier::Event,
};
use onecard_host::over_the_air::{
    deletion::{self, Settlement, Suspension},
    issue::{self, Making},
    lock::{self, Writing},
    recharge::{Approval, Judgement, Next},
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId},
};
use tempfile::TempDir;

use crate::recharges::{NOON, World, amount, phone, tasks};

struct Bench {
    world: World,
    engine: Engine<OperatorKeys, EnterpriseDesk<'static>>,
    campaign: CampaignId,
    path: PathBuf,
    _directory: TempDir,
}

fn bench(cards: u32, settings: &Settings) -> Bench {
    let world = World::of(cards);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.book");
    let mut store = Store::create(&path).unwrap();
    let campaign = store.new_campaign("recharge", settings, tasks(cards)).unwrap();
    let engine = Engine::new(store, world.keys(), world.desk());
    Bench { world, engine, campaign, path, _directory: directory }
}

impl Bench {
    /// Until everything has ended; the turns jump to what is due.
    fn run(&mut self) {
        let mut now = NOON;
        while let Some(due) = self.engine.next_due(now).unwrap() {
            now = due.max(now.plus(10));
            let turn = self.engine.turn(now, &mut self.world.carrier).unwrap();
            if turn.messages > 0 {
                self.engine.turn(now.plus(1), &mut self.world.carrier).unwrap();
            }
        }
    }
}

/// Whoever looks at the file as a message leaves finds its packet, and its counter spent.
#[test]
fn nothing_leaves_that_is_not_on_the_disk() {
    let mut bench = bench(3, &Settings::DEFAULT);
    let (path, seen) = (bench.path.clone(), Rc::new(RefCell::new(0)));
    let count = Rc::clone(&seen);
    let campaign = bench.campaign;
    bench.world.carrier.looks_on = Some(Box::new(move |message| {
        let store = Store::look(&path).unwrap();
        let under_way = store.under_way(campaign, 10).unwrap();
        let order = under_way.iter().find(|order| order.phone == message.phone.to_string()).unwrap();
        assert!(order.packets > 0);
        *count.borrow_mut() += 1;
    }));
    let path = bench.path.clone();
    let mut acknowledged = 0;
    bench.world.carrier.on_acknowledge = Some(Box::new(move || {
        // The first proof of each has made its CREDIT, the second has ended it.
        let counts = Store::look(&path).unwrap().counts(campaign).unwrap();
        assert_eq!((counts.packets, counts.committed), (6, if acknowledged < 3 { 0 } else { 3 }));
        acknowledged += 1;
    }));
    bench.run();
    assert_eq!(*seen.borrow(), 6);
    let counts = bench.engine.store().counts(campaign).unwrap();
    assert_eq!(counts.committed, 3);
}

/// INITIALIZE is repeated byte for byte; CREDIT leaves once, and then the card is asked.
#[test]
fn what_moves_money_goes_out_once() {
    let mut bench = bench(1, &Settings::DEFAULT);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&sent);
    bench.world.carrier.looks_on = Some(Box::new(move |message| log.borrow_mut().push(message.user_data.clone())));
    let mut number = 0;
    // The first INITIALIZE is lost, then every proof of the CREDIT and two of the question.
    bench.world.carrier.fate = Some(Box::new(move || {
        number += 1;
        [(0, false), (1, true), (1, false), (1, false), (1, false)].get(number - 1).copied().unwrap_or((1, true))
    }));
    bench.run();
    let sent = sent.borrow();
    let times = |at: usize| sent.iter().filter(|other| **other == sent[at]).count();
    // INITIALIZE, again; CREDIT; the question three times, of which the card refuses all but the first; the question anew.
    assert_eq!(sent.len(), 7);
    assert_eq!((times(0), times(2), times(3)), (2, 1, 3));
    assert_eq!(sent[0], sent[1]);
    assert_eq!(bench.world.balances(), [amount(0)]);
}

/// The message centre turns messages away: throttled ones leave later, just so, and refused ones wait for their time.
#[test]
fn what_the_centre_does_not_take_leaves_later() {
    let mut bench = bench(1, &Settings::DEFAULT);
    let throttled = |ticket| Event::Throttled { ticket };
    let refused = |ticket| Event::Refused { ticket, status: 0x0B };
    bench.world.carrier.says_instead.extend([throttled as fn(_) -> _, refused, |ticket| Event::Unanswered { ticket }]);
    bench.run();
    let counts = bench.engine.store().counts(bench.campaign).unwrap();
    assert_eq!((counts.committed, counts.packets), (1, 2), "{counts:?}");
    assert_eq!(bench.world.carrier.sent, 5);
    assert_eq!(bench.world.balances(), [amount(0)]);
}

#[test]
fn a_pause_and_a_window_hold_what_would_leave() {
    let settings = Settings {
        window: Some(Window { from_minute: 13 * 60, until_minute: 14 * 60 }),
        zone: ZoneMinutes::CHINA,
        ..Settings::DEFAULT
    };
    // 12:00 in China.
    let mut bench = bench(1, &settings);
    let opens = bench.engine.next_due(NOON).unwrap().unwrap();
    assert_eq!(opens, NOON.plus(3_600_000));
    bench.engine.turn(opens.plus(-1), &mut bench.world.carrier).unwrap();
    assert_eq!(bench.world.carrier.sent, 0);
    let beside = Store::look(&bench.path).unwrap();
    beside.set_paused(bench.campaign, true).unwrap();
    assert_eq!(bench.engine.next_due(opens).unwrap(), None);
    bench.engine.turn(opens, &mut bench.world.carrier).unwrap();
    assert_eq!(bench.world.carrier.sent, 0);
    beside.set_paused(bench.campaign, false).unwrap();
    bench.engine.turn(opens, &mut bench.world.carrier).unwrap();
    assert_eq!(bench.world.carrier.sent, 1);
    // What comes back is taken, paused or not.
    beside.set_paused(bench.campaign, true).unwrap();
    let turn = bench.engine.turn(opens, &mut bench.world.carrier).unwrap();
    assert_eq!((turn.proofs, turn.messages), (1, 0));
    beside.set_paused(bench.campaign, false).unwrap();
    bench.engine.turn(opens, &mut bench.world.carrier).unwrap();
    bench.engine.turn(opens, &mut bench.world.carrier).unwrap();
    assert_eq!(bench.world.balances(), [amount(0)]);
}

/// What strangers send in a phone's name moves nothing.
#[test]
fn forged_proofs_move_nothing() {
    let mut bench = bench(1, &Settings::DEFAULT);
    bench.engine.turn(NOON, &mut bench.world.carrier).unwrap();
    let genuine = bench.world.carrier.sent;
    let phone = phone(0);
    for wrong in [
        &[][..],
        &[0x02, 0x71, 0x00],
        // In clear, status 00, by anybody.
        &[0x02, 0x71, 0x00, 0x00, 0x0B, 0x0A, 0x4F, 0x4E, 0x45, 0, 0, 0, 0, 1, 0, 0x00],
        // A first part of many.
        &[0x08, 0x08, 0x04, 0x00, 0x01, 0x03, 0x01, 0x71, 0x00, 0xFF],
        &[0xFF; 140],
    ] {
        bench.world.carrier.forge(&phone, wrong.to_vec());
        bench.world.carrier.forge("+8613900000000", wrong.to_vec());
    }
    let turn = bench.engine.turn(NOON, &mut bench.world.carrier).unwrap();
    // The genuine one was before them.
    assert_eq!((genuine, turn.proofs, turn.strays), (1, 1, 10));
    bench.run();
    assert_eq!(bench.world.balances(), [amount(0)]);
}

/// A desk that is away at first.
struct Away {
    desk: EnterpriseDesk<'static>,
    calls_until_back: u32,
}

impl Desk for Away {
    fn approve(&mut self, serial: ApplicationSerial, approval: Approval, moment: Moment) -> Result<Next, Unavailable> {
        if let Some(left) = self.calls_until_back.checked_sub(1) {
            self.calls_until_back = left;
            return Err(Unavailable("the load server does not answer".to_owned()));
        }
        self.desk.approve(serial, approval, moment)
    }

    fn judge(
        &mut self,
        serial: ApplicationSerial,
        judgement: Judgement,
        place: &mut Place<'_>,
    ) -> Result<Next, NotSaid> {
        self.desk.judge(serial, judgement, place)
    }

    fn issues(&mut self, enterprise: EnterpriseId, content: &ApplicationContent) -> Result<(), Unavailable> {
        self.desk.issues(enterprise, content)
    }

    fn make(
        &mut self,
        making: Making,
        content: &ApplicationContent,
        place: &mut Place<'_>,
    ) -> Result<issue::Next, NotSaid> {
        self.desk.make(making, content, place)
    }

    fn write_status(&mut self, writing: Writing, place: &mut Place<'_>) -> Result<lock::Next, NotSaid> {
        self.desk.write_status(writing, place)
    }

    fn suspend(&mut self, suspension: Suspension, place: &mut Place<'_>) -> Result<deletion::Next, NotSaid> {
        self.desk.suspend(suspension, place)
    }

    fn deposit(&mut self, enterprise: EnterpriseId, serial: ApplicationSerial) -> Result<Option<Amount>, Unavailable> {
        self.desk.deposit(enterprise, serial)
    }

    fn settle(&mut self, settlement: Settlement) -> Result<deletion::Next, Unavailable> {
        self.desk.settle(settlement)
    }
}

/// The card's answer is kept until the desk is back: it is not asked for anew.
#[test]
fn a_proof_waits_for_the_desk() {
    let bench = bench(1, &Settings::DEFAULT);
    let desk = Away { desk: bench.world.desk(), calls_until_back: 3 };
    let Bench { mut world, engine, campaign, path, _directory } = bench;
    drop(engine);
    let mut engine = Engine::new(Store::open(&path).unwrap(), world.keys(), desk);
    let (mut now, mut unavailable) = (NOON, 0);
    while let Some(due) = engine.next_due(now).unwrap() {
        now = due.max(now.plus(10));
        unavailable += engine.turn(now, &mut world.carrier).unwrap().unavailable;
        unavailable += engine.turn(now, &mut world.carrier).unwrap().unavailable;
    }
    let counts = engine.store().counts(campaign).unwrap();
    assert_eq!((counts.committed, counts.packets, unavailable), (1, 2, 3), "{counts:?}");
    assert_eq!(world.balances(), [amount(0)]);
}

/// Nobody answers: the order ends, and nothing is on the card.
#[test]
fn a_phone_that_is_off_for_good() {
    let mut bench = bench(1, &Settings::DEFAULT);
    bench.world.carrier.fate = Some(Box::new(|| (0, false)));
    bench.run();
    let counts = bench.engine.store().counts(bench.campaign).unwrap();
    assert_eq!((counts.not_committed, counts.packets), (1, 8), "{counts:?}");
    assert_eq!(counts.not_committed_fen, u64::from(amount(0).fen()));
    assert_eq!(bench.world.carrier.sent, 8 * 3);
    assert_eq!(bench.world.balances(), [Amount::ZERO]);
}

/// One card whose counter is at its end stops nobody else.
#[test]
fn a_counter_at_its_end_is_told_and_stops_no_other() {
    let mut world = World::of(2);
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(&directory.path().join("gateway.book")).unwrap();
    let mut list = tasks(2);
    list[0].card.counter = 0xFF_FFFF_FFFE;
    let campaign = store.new_campaign("recharge", &Settings::DEFAULT, list).unwrap();
    let mut engine = Engine::new(store, world.keys(), world.desk());
    for turn in 0..6 {
        engine.turn(NOON.plus(turn), &mut world.carrier).unwrap();
    }
    let counts = engine.store().counts(campaign).unwrap();
    assert_eq!((counts.committed, counts.waiting, counts.under_way), (1, 1, 0), "{counts:?}");
    assert_eq!(world.balances(), [Amount::ZERO, amount(1)]);
}
