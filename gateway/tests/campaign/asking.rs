//! Orders whose desk is not there: a proof is kept, and nothing is under way to the card. And issues, which may wait so for long.

use std::{cell::Cell, rc::Rc};

use onecard_gateway::campaign::{
    ApplicationContent, CampaignId, Desk, Ending, Engine, EnterpriseDesk, FirstPin, Flow, IssuingOffice, KeysAtHand,
    NewTask, NotSaid, OperatorKeys, OrderError, Place, SetCipher, Settings, Store, Unavailable, UnixMillis,
};
use onecard_host::{
    keys::Purpose,
    over_the_air::{
        SetVersion,
        deletion::{self, Settlement, Suspension},
        issue::{self, Making, install_command},
        lock::{self, Lock, LockTerms, Way, Writing},
        recharge::{self, Approval, Judgement},
    },
};
use onecard_simulator::{
    reader::{Interface, Reader},
    sample::{OTA_VERSION, Sample},
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId},
    uicc,
};
use tempfile::TempDir;

use crate::{
    recharges::{NOON, World, amount, enterprise, iccid, phone, tasks},
    unknowns::{IMPATIENT, recharge},
};

pub(crate) fn serial(number: u64) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, number).unwrap()
}

pub(crate) fn lost(serial: ApplicationSerial) -> Flow {
    lock(serial, Way::Lost)
}

fn lock(serial: ApplicationSerial, way: Way) -> Flow {
    let terms = LockTerms { enterprise: enterprise(), serial, way };
    Flow::Lock(Box::new(Lock::begin(terms, IMPATIENT)))
}

/// Onto the first card.
pub(crate) fn issue(world: &World, serial: ApplicationSerial) -> Flow {
    let chip = uicc::iccid(&iccid(0)).unwrap();
    let set = world.keys().key_set(chip, SetVersion::new(OTA_VERSION).unwrap(), SetCipher::Aes).unwrap();
    let keys = world.sample.roots().enterprise(enterprise());
    let management = keys.card_key(serial, Purpose::Management, Sample::KEY_VERSION).unwrap();
    let install = install_command(&set, enterprise(), &management).unwrap();
    let card = world.sample.order();
    let content = ApplicationContent {
        valid_from: card.valid_from,
        valid_to: card.valid_to,
        holder: card.holder,
        parameters: card.parameters,
        pin: FirstPin::OfDesk,
        key_version: card.key_version,
        beside: card.beside,
        management: Sample::KEY_VERSION,
        check_values: Vec::new(),
    };
    content.issue(enterprise(), serial, install, IMPATIENT).unwrap()
}

/// A desk that makes and approves nothing as long as it is closed, and writes statuses all the same.
struct Opening {
    desk: EnterpriseDesk<'static>,
    is_open: Rc<Cell<bool>>,
    writes: Rc<Cell<bool>>,
}

impl Opening {
    fn open(&self) -> Result<(), Unavailable> {
        if self.is_open.get() { Ok(()) } else { Err(Unavailable("closed".to_owned())) }
    }
}

impl Desk for Opening {
    fn approve(
        &mut self,
        serial: ApplicationSerial,
        approval: Approval,
        moment: Moment,
    ) -> Result<recharge::Next, Unavailable> {
        self.open()?;
        self.desk.approve(serial, approval, moment)
    }

    fn judge(
        &mut self,
        serial: ApplicationSerial,
        judgement: Judgement,
        place: &mut Place<'_>,
    ) -> Result<recharge::Next, NotSaid> {
        self.desk.judge(serial, judgement, place)
    }

    fn issues(&mut self, _: EnterpriseId, _: &ApplicationContent) -> Result<(), Unavailable> {
        Ok(())
    }

    fn make(
        &mut self,
        making: Making,
        content: &ApplicationContent,
        place: &mut Place<'_>,
    ) -> Result<issue::Next, NotSaid> {
        self.open()?;
        self.desk.make(making, content, place)
    }

    fn write_status(&mut self, writing: Writing, place: &mut Place<'_>) -> Result<lock::Next, NotSaid> {
        if !self.writes.get() {
            return Err(Unavailable("no maintenance key".to_owned()).into());
        }
        self.desk.write_status(writing, place)
    }

    fn suspend(&mut self, suspension: Suspension, place: &mut Place<'_>) -> Result<deletion::Next, NotSaid> {
        self.desk.suspend(suspension, place)
    }

    fn deposit(&mut self, _: EnterpriseId, _: ApplicationSerial) -> Result<Option<Amount>, Unavailable> {
        Ok(None)
    }

    fn settle(&mut self, settlement: Settlement) -> Result<deletion::Next, Unavailable> {
        self.desk.settle(settlement)
    }
}

/// One card, and a desk that is closed.
struct Bench {
    world: World,
    engine: Engine<OperatorKeys, Opening>,
    is_open: Rc<Cell<bool>>,
    writes: Rc<Cell<bool>>,
    now: UnixMillis,
    directory: TempDir,
}

impl Bench {
    fn new(world: World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(&directory.path().join("gateway.book")).unwrap();
        let keys = world.sample.roots().enterprise(enterprise());
        let office = IssuingOffice::open(Box::new(KeysAtHand::new(keys.clone()))).unwrap();
        let office = office.with_pin(Some(world.sample.order().pin));
        let (is_open, writes) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(true)));
        let desk = EnterpriseDesk::new(vec![keys]).issuing(office);
        let desk = Opening { desk, is_open: Rc::clone(&is_open), writes: Rc::clone(&writes) };
        let engine = Engine::new(store, world.keys(), desk);
        Self { world, engine, is_open, writes, now: NOON, directory }
    }

    fn ordered(&mut self, name: &str, flow: Flow) -> CampaignId {
        let task = NewTask { flow, ..tasks(1).remove(0) };
        self.engine.store_mut().new_campaign(name, &Settings::DEFAULT, [task]).unwrap()
    }

    /// So many minutes, a turn each second; at no moment is more than one packet under way.
    fn minutes(&mut self, minutes: u32) {
        let book = rusqlite::Connection::open(self.directory.path().join("gateway.book")).unwrap();
        for _ in 0..minutes * 60 {
            self.engine.turn(self.now, &mut self.world.carrier).unwrap();
            let out = "SELECT count(*) FROM task WHERE stage = 1 OR stage = 0 AND begun = 1";
            assert!(book.query_row(out, [], |row| row.get::<_, u32>(0)).unwrap() <= 1);
            self.now = self.now.plus(1_000);
        }
    }

    /// How it ended, if it did, how much of money, and after how many packets.
    fn end(&self, campaign: CampaignId) -> (Option<Ending>, u64) {
        let counts = self.engine.store().counts(campaign).unwrap();
        let ends = [
            (counts.committed, Ending::Committed),
            (counts.not_committed, Ending::NotCommitted),
            (counts.unknown, Ending::Unknown),
        ];
        (ends.into_iter().find_map(|(count, ending)| (count == 1).then_some(ending)), counts.packets)
    }
}

/// A SIM as its maker delivers it.
fn without_application() -> World {
    let mut world = World::of(1);
    let chip = world.sample.sim(uicc::iccid(&iccid(0)).unwrap()).unwrap();
    world.carrier.phones.insert(phone(0), Reader::insert_at(chip, Interface::Contact));
    world
}

/// An issue of which so many messages arrive, and nothing is known at the end.
fn unknown_issue(mut arriving: u32) -> (Bench, CampaignId) {
    let mut world = without_application();
    let flow = issue(&world, serial(9));
    world.carrier.fate = Some(Box::new(move || {
        let arrives = arriving > 0;
        arriving = arriving.saturating_sub(1);
        (u8::from(arrives), true)
    }));
    let mut bench = Bench::new(world);
    bench.is_open.set(true);
    let issues = bench.ordered("issue", flow);
    while let Some(due) = bench.engine.next_due(bench.now).unwrap() {
        bench.now = due.max(bench.now.plus(10));
        bench.engine.turn(bench.now, &mut bench.world.carrier).unwrap();
    }
    assert_eq!(bench.end(issues).0, Some(Ending::Unknown));
    (bench, issues)
}

/// Nobody approves the load, and the card is stolen: it is locked at once, and the load goes on behind.
#[test]
fn a_loss_does_not_wait_for_a_load_that_is_asking() {
    let mut bench = Bench::new(World::of(1));
    let recharges = bench.ordered("recharge", recharge());
    bench.minutes(1);
    assert_eq!(bench.end(recharges), (None, 1));
    let (others, lost) = (bench.ordered("behind", recharge()), bench.ordered("lost", lost(serial(5))));
    bench.minutes(1);
    // It finds another application than the one that is lost, and only the one packet of the load has been made.
    assert_eq!((bench.end(lost), bench.end(recharges)), ((Some(Ending::NotCommitted), 1), (None, 1)));
    assert_eq!(bench.end(others), (None, 0), "it waits for the load, which goes on before");
    bench.is_open.set(true);
    bench.minutes(3);
    assert_eq!((bench.end(recharges).0, bench.end(others).0), (Some(Ending::Committed), Some(Ending::Committed)));
    assert_eq!(bench.world.balances(), [Amount::from_fen(2 * amount(0).fen())]);
}

/// The application that the load is for: locked first, it takes nothing more, and nobody pays anything back before that is known.
#[test]
fn a_lost_card_is_not_loaded_by_what_was_asking() {
    let mut bench = Bench::new(World::of(1));
    let recharges = bench.ordered("recharge", recharge());
    bench.minutes(1);
    let lost = bench.ordered("lost", lost(serial(0)));
    bench.minutes(1);
    assert_eq!((bench.end(lost).0, bench.end(recharges)), (Some(Ending::Committed), (None, 1)));
    bench.is_open.set(true);
    bench.minutes(30);
    let ending = bench.end(recharges).0;
    assert!(ending.is_some() && ending != Some(Ending::Committed), "{ending:?}");
    assert_eq!(bench.world.balances(), [Amount::ZERO]);
}

/// The desk is back in the turn in which both are due.
#[test]
fn a_loss_goes_before_what_was_asking_when_both_are_due() {
    let mut bench = Bench::new(World::of(1));
    let recharges = bench.ordered("recharge", recharge());
    bench.minutes(1);
    let lost = bench.ordered("lost", lost(serial(0)));
    bench.is_open.set(true);
    bench.engine.turn(bench.now.plus(60_000), &mut bench.world.carrier).unwrap();
    assert_eq!((bench.end(lost), bench.end(recharges)), ((None, 1), (None, 1)));
}

/// It was found, the desk was not there to write it, and it is lost again: what was asking would open it.
#[test]
fn what_found_a_card_and_was_asking_does_not_open_it_when_it_is_lost_again() {
    let mut bench = Bench::new(World::of(1));
    let first = bench.ordered("first", lost(serial(0)));
    bench.minutes(1);
    bench.writes.set(false);
    let found = bench.ordered("found", lock(serial(0), Way::Found));
    bench.minutes(1);
    assert_eq!((bench.end(first).0, bench.end(found)), (Some(Ending::Committed), (None, 1)));
    let again = bench.ordered("again", lost(serial(0)));
    bench.writes.set(true);
    bench.minutes(2);
    assert_eq!((bench.end(found), bench.end(again)), ((Some(Ending::NotCommitted), 1), (Some(Ending::Committed), 1)));
}

/// Whoever was not there may have come with a gateway that is begun anew: he is asked at once.
#[test]
fn a_gateway_that_is_begun_asks_at_once() {
    let mut bench = Bench::new(World::of(1));
    let recharges = bench.ordered("recharge", recharge());
    bench.engine.turn(NOON, &mut bench.world.carrier).unwrap();
    bench.engine.turn(NOON.plus(1), &mut bench.world.carrier).unwrap();
    bench.is_open.set(true);
    let soon = NOON.plus(2);
    bench.engine.turn(soon, &mut bench.world.carrier).unwrap();
    assert_eq!(bench.end(recharges), (None, 1));
    let Bench { mut world, engine, directory, .. } = bench;
    drop(engine);
    let store = Store::open(&directory.path().join("gateway.book")).unwrap();
    let mut engine = Engine::new(store, world.keys(), world.desk());
    assert_eq!(engine.turn(soon, &mut world.carrier).unwrap().packets, 1, "CREDIT");
}

/// Several losses that wait for the same desk, and a load: each gets its turn, and none is held by another that is only asking.
#[test]
fn losses_that_are_asking_hold_no_loss() {
    let mut bench = Bench::new(World::of(1));
    bench.writes.set(false);
    let recharges = bench.ordered("recharge", recharge());
    bench.minutes(1);
    let losses = ["first", "second", "third"].map(|name| bench.ordered(name, lost(serial(0))));
    let elsewhere = bench.ordered("elsewhere", lost(serial(5)));
    bench.minutes(3);
    assert_eq!(losses.map(|loss| bench.end(loss)), [(None, 1); 3]);
    assert_eq!((bench.end(elsewhere), bench.end(recharges)), ((Some(Ending::NotCommitted), 1), (None, 1)));
    bench.is_open.set(true);
    bench.writes.set(true);
    bench.minutes(30);
    assert_eq!(losses.map(|loss| bench.end(loss).0), [Some(Ending::Committed); 3]);
    assert!(bench.end(recharges).0.is_some());
}

/// INSTALL is done and the key store is gone: a loss of another application is reported to the card, one of this application waits
/// for it, as there is nothing yet to lock.
#[test]
fn an_issue_that_is_asking_holds_its_own_loss_alone() {
    let world = without_application();
    let flow = issue(&world, serial(9));
    let mut bench = Bench::new(world);
    let issues = bench.ordered("issue", flow);
    bench.minutes(1);
    assert_eq!(bench.end(issues), (None, 1));
    let (own, other) = (bench.ordered("own", lost(serial(9))), bench.ordered("other", lost(serial(5))));
    bench.minutes(2);
    assert_eq!((bench.end(own), bench.end(issues)), ((None, 0), (None, 1)));
    assert_eq!(bench.end(other), (Some(Ending::NotCommitted), 1));
    // The key store does not come back, and somebody gives it up: it was not done, and what waited goes on.
    let (now, store) = (bench.now, bench.engine.store_mut());
    let mut decide = |campaign, is_committed| store.decide_unknown(campaign, "R0", is_committed, now).unwrap();
    assert_eq!([(issues, true), (own, false)].map(|(campaign, it)| decide(campaign, it)), [false; 2]);
    assert!(decide(issues, false) && !decide(issues, false));
    bench.minutes(2);
    assert_eq!((bench.end(issues), bench.end(own)), ((Some(Ending::NotCommitted), 1), (Some(Ending::NotCommitted), 1)));
}

/// Nobody knows whether it was issued when it is reported lost: the loss is tried at once, and does not say how the issue ended.
#[test]
fn an_unknown_issue_does_not_end_with_its_loss() {
    let (mut bench, issues) = unknown_issue(1);
    bench.world.carrier.fate = None;
    let lost = bench.ordered("lost", lost(serial(9)));
    bench.minutes(2);
    assert_eq!((bench.end(lost).0, bench.end(issues).0), (Some(Ending::NotCommitted), Some(Ending::Unknown)));
}

/// Nothing of it ever reached the card: somebody else gets the number.
#[test]
fn a_serial_that_was_on_no_card_is_free_again() {
    let (mut bench, issues) = unknown_issue(0);
    let again = issue(&bench.world, serial(9));
    bench.world.carrier.fate = None;
    let now = bench.now;
    assert_eq!(bench.engine.store_mut().resume_unknown(issues, now).unwrap(), 1);
    bench.minutes(1);
    assert_eq!(bench.end(issues).0, Some(Ending::NotCommitted));
    let again = bench.ordered("again", again);
    assert_eq!(bench.end(again), (None, 0));
}

/// It waits for approval, and has a load on the card that is not ended: whoever says that it was not done may be wrong.
#[test]
fn nothing_but_an_issue_is_given_up() {
    let mut bench = Bench::new(World::of(1));
    let recharges = bench.ordered("recharge", recharge());
    bench.minutes(1);
    let now = bench.now;
    assert!(!bench.engine.store_mut().decide_unknown(recharges, "R0", false, now).unwrap());
    assert_eq!(bench.end(recharges), (None, 1));
}

/// Some of them may be on the card.
#[test]
fn an_issue_of_which_bodies_were_made_is_not_given_up() {
    let world = without_application();
    let flow = issue(&world, serial(9));
    let mut bench = Bench::new(world);
    let issues = bench.ordered("issue", flow);
    bench.minutes(1);
    let book = rusqlite::Connection::open(bench.directory.path().join("gateway.book")).unwrap();
    let made = "UPDATE task SET flow = replace(flow, '\"sets\":0', '\"sets\":1') WHERE stage = 2 RETURNING instr(flow, '\"sets\":1') > 0";
    assert!(book.query_row(made, [], |row| row.get::<_, bool>(0)).unwrap());
    let now = bench.now;
    assert!(!bench.engine.store_mut().decide_unknown(issues, "R0", false, now).unwrap());
    assert_eq!(bench.end(issues), (None, 1));
}

/// Its INSTALL may be on the way to the card.
#[test]
fn an_issue_whose_packet_is_out_is_not_given_up() {
    let world = without_application();
    let flow = issue(&world, serial(9));
    let mut bench = Bench::new(world);
    let issues = bench.ordered("issue", flow);
    bench.engine.turn(NOON, &mut bench.world.carrier).unwrap();
    assert!(!bench.engine.store_mut().decide_unknown(issues, "R0", false, NOON).unwrap());
    assert_eq!(bench.end(issues), (None, 1));
}

/// A card has the application of that serial: the next list does not give it to another.
#[test]
fn a_serial_that_the_card_has_already_stays_spent() {
    let world = World::of(1);
    let [flow, again] = [(); 2].map(|()| issue(&world, serial(0)));
    let mut bench = Bench::new(world);
    let issues = bench.ordered("issue", flow);
    bench.minutes(1);
    assert_eq!(bench.end(issues).0, Some(Ending::NotCommitted));
    let again = NewTask { flow: again, ..tasks(1).remove(0) };
    let taken = bench.engine.store_mut().new_campaign("again", &Settings::DEFAULT, [again]);
    assert!(matches!(taken, Err(OrderError::SerialTaken { .. })), "{taken:?}");
}

/// Nobody knew whether it was there when the desk put another on the card: it may have been used, and is nobody else's.
#[test]
fn a_serial_that_may_have_been_on_the_card_stays_spent() {
    let (mut bench, issues) = unknown_issue(1);
    let again = issue(&bench.world, serial(9));
    let world = World::of(1);
    bench.world.carrier.phones = world.carrier.phones;
    bench.world.carrier.fate = None;
    let now = bench.now;
    assert_eq!(bench.engine.store_mut().resume_unknown(issues, now).unwrap(), 1);
    bench.minutes(1);
    assert_eq!(bench.end(issues).0, Some(Ending::NotCommitted));
    let again = NewTask { flow: again, ..tasks(1).remove(0) };
    let taken = bench.engine.store_mut().new_campaign("again", &Settings::DEFAULT, [again]);
    assert!(matches!(taken, Err(OrderError::SerialTaken { .. })), "{taken:?}");
}
