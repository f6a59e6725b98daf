//! What waits behind an order that has ended unknown, and what is kept of one that is known.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use onecard_gateway::{
    campaign::{
        CampaignId, Ended, Ending, Engine, EnterpriseDesk, Flow, NewTask, OperatorKeys, OrderError, Settings,
        StageCounts, Store, StoreError, UnixMillis,
    },
    carrier::Event,
};
use onecard_host::over_the_air::{
    Tries,
    deletion::{Deletion, DeletionTerms},
    recharge::{Patience, Recharge, RechargeTerms},
};
use onecard_wire::{amount::Amount, number::TerminalNumber, wallet::Purse};
use tempfile::TempDir;

use crate::recharges::{NOON, World, amount, enterprise, phone, tasks};

pub(crate) const IMPATIENT: Tries = Tries { packets: 2, attempts: 1 };

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) engine: Engine<OperatorKeys, EnterpriseDesk<'static>>,
    pub(crate) now: UnixMillis,
    path: PathBuf,
    _directory: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let world = World::of(1);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gateway.book");
        let engine = Engine::new(Store::create(&path).unwrap(), world.keys(), world.desk());
        Self { world, engine, now: NOON, path, _directory: directory }
    }

    pub(crate) fn ordered(&mut self, name: &str, flow: Flow) -> CampaignId {
        let [task] = <[NewTask; 1]>::try_from(tasks(1)).unwrap();
        self.engine.store_mut().new_campaign(name, &Settings::DEFAULT, [NewTask { flow, ..task }]).unwrap()
    }

    /// Until nothing is left to be done; of the messages only the first so many get there and are answered, the last of them perhaps not.
    pub(crate) fn run(&mut self, arriving: u32, last_is_answered: bool) {
        let mut left = arriving;
        self.world.carrier.fate = Some(Box::new(move || {
            let arrives = left > 0;
            left = left.saturating_sub(1);
            (u8::from(arrives), left > 0 || last_is_answered)
        }));
        while let Some(due) = self.engine.next_due(self.now).unwrap() {
            self.now = due.max(self.now.plus(10));
            self.engine.turn(self.now, &mut self.world.carrier).unwrap();
            self.now = self.now.plus(1);
            self.engine.turn(self.now, &mut self.world.carrier).unwrap();
        }
    }

    pub(crate) fn resume(&mut self, campaign: CampaignId) -> usize {
        let now = self.now;
        self.engine.store_mut().resume_unknown(campaign, now).unwrap()
    }

    pub(crate) fn counts(&self, campaign: CampaignId) -> StageCounts {
        self.engine.store().counts(campaign).unwrap()
    }

    pub(crate) fn end(&self, campaign: CampaignId) -> Ended {
        let mut ends = Vec::new();
        let take = |ended| -> Result<(), StoreError> {
            ends.push(ended);
            Ok(())
        };
        self.engine.store().each_ended(campaign, take).unwrap();
        ends.pop().unwrap()
    }
}

pub(crate) fn recharge() -> Flow {
    let [task] = <[NewTask; 1]>::try_from(tasks(1)).unwrap();
    let Flow::Recharge { serial, .. } = task.flow else { panic!("a recharge") };
    let terminal = TerminalNumber([0x31, 0, 0, 0, 0, 1]);
    let terms = RechargeTerms { enterprise: enterprise(), purse: Purse::Ep, key_id: 0x11, amount: amount(0), terminal };
    let recharge = Recharge::begin(terms, Patience { packets: 2, credits: 1 }).unwrap();
    Flow::Recharge { serial, recharge }
}

pub(crate) fn deletion() -> Flow {
    let Flow::Recharge { serial, .. } = recharge() else { panic!("a recharge") };
    let terms = DeletionTerms { enterprise: enterprise(), serial, deposit: Amount::ZERO };
    Flow::Deletion(Box::new(Deletion::begin(terms, IMPATIENT).unwrap()))
}

/// The application with the money would be gone, and with it whatever tells whether the money was loaded.
#[test]
fn nothing_is_deleted_while_a_recharge_is_unknown() {
    let mut bench = Bench::new();
    let (recharges, deletions) = (bench.ordered("recharge", recharge()), bench.ordered("deletion", deletion()));
    // INITIALIZE, CREDIT; its proof is lost, and nobody answers any more.
    bench.run(2, false);
    assert_eq!((bench.counts(recharges).unknown, bench.counts(deletions).waiting), (1, 1));
    bench.run(u32::MAX, true);
    let behind = bench.counts(deletions);
    assert_eq!((bench.counts(recharges).unknown, behind.waiting, behind.behind_unknown), (1, 1, 1));
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    assert_eq!(bench.end(recharges).ending, Ending::Committed);
    assert_eq!(bench.counts(deletions).behind_unknown, 0);
    let deleted = bench.end(deletions);
    assert_eq!((deleted.ending, deleted.amount_fen), (Ending::Committed, Some(amount(0).fen())));
}

/// DELETE is lost behind the refund: a second order would find the application suspended, and refund it again.
#[test]
fn a_second_deletion_refunds_nothing_again() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.run(u32::MAX, true);
    assert_eq!(bench.counts(recharges).committed, 1);
    let first = bench.ordered("first", deletion());
    bench.run(2, true);
    let refund = Some(amount(0).fen());
    assert_eq!((bench.end(first).ending, bench.end(first).amount_fen), (Ending::Unknown, refund));
    let second = bench.ordered("second", deletion());
    bench.run(u32::MAX, true);
    assert_eq!(bench.counts(second).waiting, 1);
    assert_eq!(bench.resume(first), 1);
    bench.run(u32::MAX, true);
    assert_eq!((bench.end(first).ending, bench.end(first).amount_fen), (Ending::Committed, refund));
    assert_eq!((bench.end(second).ending, bench.end(second).amount_fen), (Ending::NotCommitted, None));
}

/// What no card can tell the issuer's books do, and the card's other orders go on; one that was ordered before is not in the way.
#[test]
fn the_books_decide_what_stays_unknown() {
    let mut bench = Bench::new();
    let (recharges, deletions) = (bench.ordered("recharge", recharge()), bench.ordered("deletion", deletion()));
    bench.run(2, false);
    let store = bench.engine.store_mut();
    let mut decide = |campaign, order, done| store.decide_unknown(campaign, order, done, NOON).unwrap();
    assert!(!decide(deletions, "R0", true) && !decide(recharges, "R1", true));
    assert!(decide(recharges, "R0", true));
    assert!(!decide(recharges, "R0", false));
    assert_eq!(bench.resume(recharges), 0);
    bench.run(u32::MAX, true);
    assert_eq!((bench.end(recharges).ending, bench.end(deletions).ending), (Ending::Committed, Ending::Committed));
    assert_eq!(bench.end(recharges).amount_fen, bench.end(deletions).amount_fen);
}

/// An order that came before and was paused does not keep the unknown one from being asked about.
#[test]
fn an_unknown_order_is_asked_about_before_those_that_wait_for_it() {
    let mut bench = Bench::new();
    let (deletions, recharges) = (bench.ordered("deletion", deletion()), bench.ordered("recharge", recharge()));
    bench.engine.store().set_paused(deletions, true).unwrap();
    bench.run(2, false);
    bench.engine.store().set_paused(deletions, false).unwrap();
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    assert_eq!((bench.end(recharges).ending, bench.end(deletions).ending), (Ending::Committed, Ending::Committed));
}

/// A MAC2 is kept as long as its load is under way, or unknown.
#[test]
fn what_is_known_keeps_no_mac2() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.run(2, false);
    let kept = |path: &PathBuf| {
        let book = rusqlite::Connection::open(path).unwrap();
        book.query_row("SELECT flow FROM task", [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert!(kept(&bench.path).contains("mac2"));
    bench.resume(recharges);
    bench.run(u32::MAX, true);
    assert_eq!(bench.end(recharges).ending, Ending::Committed);
    assert_eq!(kept(&bench.path), "");
}

/// A page that a packet or a MAC2 was on can be read by whoever gets the disk.
#[test]
fn of_what_is_known_no_page_keeps_anything() {
    let world = World::of(60);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.book");
    let mut store = Store::create(&path).unwrap();
    store.new_campaign("recharge", &Settings::DEFAULT, tasks(60)).unwrap();
    let (keys, desk, mut carrier) = (world.keys(), world.desk(), world.carrier);
    let mut engine = Engine::new(store, keys, desk);
    let mut secrets = HashSet::new();
    let mut now = NOON;
    while let Some(due) = engine.next_due(now).unwrap() {
        now = due.max(now.plus(10));
        for _ in 0..2 {
            engine.turn(now, &mut carrier).unwrap();
            let worked_with = worked_with(&path);
            assert!(worked_with.is_empty() || still_there(&path, &worked_with) > 0);
            secrets.extend(worked_with);
        }
    }
    assert!(secrets.len() >= 60 * 6, "{}", secrets.len());
    // The gateway goes on: nothing is closed.
    assert_eq!(still_there(&path, &secrets), 0);
}

/// The last order has ended: at once. Another is under way: within a minute.
#[test]
fn what_is_known_leaves_the_disk_soon() {
    for others in [0, 1] {
        let mut world = World::of(1 + others);
        for number in 1..=others {
            world.carrier.phones.remove(&phone(number));
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gateway.book");
        let mut store = Store::create(&path).unwrap();
        let campaign = store.new_campaign("recharge", &Settings::DEFAULT, tasks(1 + others)).unwrap();
        let mut engine = Engine::new(store, world.keys(), world.desk());
        let mut secrets = HashSet::new();
        for turn in 0..4 {
            engine.turn(NOON.plus(turn), &mut world.carrier).unwrap();
            secrets.extend(worked_with(&path));
        }
        assert_eq!(engine.store().counts(campaign).unwrap().committed, 1);
        let under_way = worked_with(&path);
        secrets.retain(|piece| !under_way.contains(piece));
        assert!(secrets.len() > 6, "{}", secrets.len());
        assert_eq!(still_there(&path, &secrets) > 0, others > 0);
        engine.turn(NOON.plus(60_000), &mut world.carrier).unwrap();
        assert_eq!(still_there(&path, &secrets), 0, "{others}");
    }
}

/// Pieces of the packets that are out, and of the MAC2s behind them.
fn worked_with(path: &Path) -> HashSet<[u8; 16]> {
    let book = rusqlite::Connection::open(path).unwrap();
    let mut rows = book.prepare("SELECT packet, flow FROM task WHERE packet NOT NULL").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))).unwrap();
    let mut pieces = HashSet::new();
    for (packet, flow) in rows.map(Result::unwrap) {
        // Behind the header, which many have in common.
        pieces.extend(packet[16..].as_chunks().0.iter().copied());
        // With its value: `mac2":"01234567"`.
        pieces.extend(flow.find("mac2").and_then(|at| flow.as_bytes()[at..].first_chunk()).copied());
    }
    pieces
}

/// How many of these pieces the book's files have.
fn still_there(path: &Path, pieces: &HashSet<[u8; 16]>) -> usize {
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let files = [path, log.as_path()].map(|file| fs::read(file).unwrap_or_default());
    files.iter().flat_map(|file| file.windows(16)).filter(|window| pieces.contains(*window)).count()
}

#[test]
fn what_the_centre_throttled_does_not_leave_in_a_pause() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.world.carrier.says_instead.push_back(|ticket| Event::Throttled { ticket });
    let carrier = &mut bench.world.carrier;
    bench.engine.turn(NOON, carrier).unwrap();
    bench.engine.turn(NOON.plus(1), carrier).unwrap();
    bench.engine.store().set_paused(recharges, true).unwrap();
    bench.engine.turn(NOON.plus(60_000), carrier).unwrap();
    assert_eq!(carrier.sent, 1);
    bench.engine.store().set_paused(recharges, false).unwrap();
    bench.run(u32::MAX, true);
    assert_eq!(bench.end(recharges).ending, Ending::Committed);
}

#[test]
fn one_gateway_by_whatever_name_the_book_has() {
    let bench = Bench::new();
    let link = bench.path.with_file_name("link.book");
    std::os::unix::fs::symlink(&bench.path, &link).unwrap();
    assert!(matches!(Store::open(&link), Err(StoreError::InUse(_))));
}

#[test]
fn a_counter_of_more_than_five_bytes_is_not_taken() {
    let mut bench = Bench::new();
    for (counter, taken) in [(u64::MAX, false), (1 << 40, false), ((1 << 40) - 1, true)] {
        let mut list = tasks(1);
        list[0].card.counter = counter;
        let made = bench.engine.store_mut().new_campaign("list", &Settings::DEFAULT, list);
        match made {
            Ok(_) => assert!(taken, "{counter:X}"),
            Err(error) => assert!(!taken && matches!(error, OrderError::Counter { .. }), "{counter:X}: {error}"),
        }
    }
}
