//! An issue over the air.

use core::convert::Infallible;
use std::collections::BTreeMap;

use onecard_host::{
    card::{SelectError, select},
    issuing::{CardOrder, issued_public_data},
    key_store::SoftwareStore,
    keys::Purpose,
    over_the_air::{
        Form, KeyInHand, Obstacle, PacketCounter, ProofWay, Script, Tar, Tries, commands,
        issue::{Decision, Issue, IssueOrder, IssuePlan, Next, install_command},
    },
    transport::Transport,
};
use onecard_simulator::{
    sample::{SIM, Sample},
    tear::{Cut, Rest, Tear},
};
use onecard_wire::{
    aid, globalplatform::life_cycle::ApplicationState, key::Algorithm, number::ApplicationSerial, ota::PARTS_MAX,
};

use super::{
    bench::{Bench, FATES, Fate, enterprise, sample, serial},
    till::{Till, write_status},
};

const TRIES: Tries = Tries { packets: 3, attempts: 3 };

/// The application that is issued, and the station that has its keys.
struct Station<'s> {
    sample: &'s Sample,
    order: CardOrder,
    /// Parts of a packet.
    parts: usize,
}

impl Station<'_> {
    fn order(&self) -> IssueOrder<'_> {
        IssueOrder { card: &self.order, serial: serial(), management: Sample::KEY_VERSION, algorithm: Algorithm::Des }
    }

    fn begin(&self, bench: &Bench) -> Next {
        let keys = bench.roots.enterprise(enterprise());
        let management = keys.card_key(serial(), Purpose::Management, Sample::KEY_VERSION).unwrap();
        let install = install_command(&bench.set, enterprise(), &management).unwrap();
        let CardOrder { enterprise, valid_from, valid_to, .. } = self.order;
        let public = issued_public_data(enterprise, serial(), [valid_from, valid_to]);
        Next::Send(Issue::begin(&public, install, TRIES).unwrap())
    }

    /// Goes on until it ends, by the fates of its packets, numbered from 0.
    fn run(&self, bench: &mut Bench, mut next: Next, fates: &BTreeMap<usize, Fate>) -> Decision {
        let first = bench.packets;
        for _ in 0..100 {
            next = match next {
                Next::Send(issue) => {
                    // As it is kept and read again.
                    let issue: Issue = serde_json::from_str(&serde_json::to_string(&issue).unwrap()).unwrap();
                    let fate = fates.get(&(bench.packets - first)).copied().unwrap_or(Fate::Good);
                    let counter = issue.counter().unwrap_or_else(|| bench.reserve());
                    match bench.exchange(&issue.script().unwrap(), counter, issue.proof_way(), fate) {
                        Some(proven) => issue.answered(&proven),
                        None => issue.timed_out(),
                    }
                }
                Next::Make(_) => self.make(bench, next),
                Next::Ended(decision) => return decision,
            };
        }
        panic!("it does not end");
    }

    /// Counters are reserved, and the store makes bodies for them.
    fn make(&self, bench: &mut Bench, next: Next) -> Next {
        let Next::Make(making) = next else { panic!("{next:?}") };
        let terms = Bench::terms(Tar::ENTERPRISE, PacketCounter::new(0).unwrap(), ProofWay::Submit);
        let plan = IssuePlan::new::<Infallible>(self.order(), &bench.keys, &terms, self.parts).unwrap();
        let counters: Vec<_> = (0..plan.counters()).map(|_| bench.reserve()).collect();
        let keys = self.sample.keys();
        let maintenance = keys.card_key(serial(), Purpose::Maintenance, Sample::KEY_VERSION).unwrap();
        let mut store = SoftwareStore::new(keys.clone());
        making.made(plan.packets(&counters, &mut store, &mut KeyInHand(maintenance)).unwrap())
    }
}

/// What the decision says is so.
fn check(bench: &mut Bench, decision: &Decision, case: &str) {
    bench.deliver_late();
    match (decision, bench.by_radio()) {
        (Decision::Issued { .. }, Ok(card)) => {
            assert_eq!(card.serial(), serial(), "{case}");
            assert_eq!(keys_on_card(bench), 18, "{case}");
        }
        (Decision::NotIssued { .. }, Err(SelectError::NoApplication)) => {}
        (decision, card) => panic!("{case}: {decision:?}, and the card: {card:?}"),
    }
}

/// How many keys the application lists (5.19).
fn keys_on_card(bench: &Bench) -> usize {
    let mut field = bench.slot.field();
    field.enter();
    select(&mut field, &aid::enterprise_application(enterprise())).unwrap();
    let list = field.transmit(&[0x80, 0xCA, 0x00, 0xE0, 0x00]).unwrap();
    field.leave();
    list.windows(2).filter(|window| *window == [0xC0, 0x05]).count()
}

fn issued(parts: usize, fates: &[(usize, Fate)]) -> (Bench, Decision) {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let station = Station { order: sample.order(), sample: &sample, parts };
    let begun = station.begin(&bench);
    let mut decision = station.run(&mut bench, begun, &fates.iter().copied().collect());
    if let Decision::Unknown { token, .. } = decision {
        decision = station.run(&mut bench, Next::Send(*token), &BTreeMap::new());
    }
    check(&mut bench, &decision, &format!("{parts} parts, {fates:?}"));
    (bench, decision)
}

#[test]
fn a_card_issued_over_the_air_loads_and_pays() {
    for (parts, packets) in [(PARTS_MAX, 2), (3, 4), (2, 6)] {
        let (bench, decision) = issued(parts, &[]);
        assert_eq!((decision, bench.packets), (Decision::Issued { sets: 1 }, packets));
        // By radio, with the PIN that the issue wrote.
        let mut till = Till::new();
        till.load(&bench.slot);
        assert!(till.sell(&bench.slot));
    }
}

/// One packet fares badly, then every pair of them.
#[test]
fn whatever_becomes_of_its_messages_a_card_is_issued_or_has_nothing() {
    let mut ended = BTreeMap::new();
    for first in FATES {
        for second in FATES {
            for (one, other) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4)] {
                for parts in [PARTS_MAX, 4] {
                    let (_, decision) = issued(parts, &[(one, first), (other, second)]);
                    *ended.entry(format!("{decision:?}")).or_insert(0) += 1;
                }
            }
        }
    }
    println!("{ended:?}");
    assert!(ended.keys().all(|decision| decision.starts_with("Issued")), "{ended:?}");
}

/// A network that loses everything from some packet on: the card has nothing, or what it has is known later.
#[test]
fn a_network_that_goes_leaves_a_token() {
    for gone in 0..6 {
        let fates: Vec<_> = (gone..100).map(|packet| (packet, Fate::Lost)).collect();
        let (_, decision) = issued(PARTS_MAX, &fates);
        println!("{gone}: {decision:?}");
        assert!(matches!(decision, Decision::Issued { .. } | Decision::NotIssued { .. }));
    }
}

/// Power goes at every programming operation of the issue.
#[test]
fn power_cut_at_every_write_of_an_issue() {
    let sample = sample();
    let blank = sample.sim(SIM.iccid).unwrap();
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let mut dry = Bench::new(&sample, blank.snapshot());
    let before = dry.operations();
    let begun = station.begin(&dry);
    station.run(&mut dry, begun, &BTreeMap::new());
    let operations = dry.operations() - before;
    assert!(operations > 100, "{operations}");
    let mut sets = BTreeMap::new();
    for operation in 0..operations {
        let rest = [Rest::Old, Rest::Erased(0xFF), Rest::Random { seed: operation }][operation as usize % 3];
        let mut bench = Bench::new(&sample, blank.snapshot());
        bench.cut_power_at(Cut { operation, tear: Tear { landed: operation & 0xFF, rest } });
        let begun = station.begin(&bench);
        let decision = station.run(&mut bench, begun, &BTreeMap::new());
        let Decision::Issued { sets: made } = decision else { panic!("operation {operation}: {decision:?}") };
        check(&mut bench, &decision, &format!("operation {operation}"));
        *sets.entry((made, bench.packets)).or_insert(0) += 1;
    }
    println!("{operations} operations; sets of bodies and packets: {sets:?}");
}

/// What INSTALL has made goes when nobody makes the packets.
#[test]
fn a_store_that_refuses_leaves_the_card_as_it_was() {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let Next::Send(issue) = station.begin(&bench) else { panic!("it begins by a packet") };
    let counter = bench.reserve();
    let proven = bench.exchange(&issue.script().unwrap(), counter, issue.proof_way(), Fate::Good).unwrap();
    let Next::Make(making) = issue.answered(&proven) else { panic!("it is installed") };
    assert_eq!((making.enterprise(), making.serial()), (enterprise(), serial()));
    assert_eq!(bench.by_radio(), Err(SelectError::NotIssued));
    let decision = station.run(&mut bench, making.refused(), &BTreeMap::new());
    assert_eq!(decision, Decision::NotIssued { obstacle: Obstacle::NotMade, sets: 0, serial_spent: false });
    assert_eq!(bench.by_radio(), Err(SelectError::NoApplication));
}

/// Another flow's packet between the packets of the plan makes these worthless: they are made again.
#[test]
fn a_packet_of_another_flow_in_between() {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let station = Station { order: sample.order(), sample: &sample, parts: 3 };
    let mut next = station.begin(&bench);
    for _ in 0..2 {
        next = match next {
            Next::Send(issue) => {
                let counter = issue.counter().unwrap_or_else(|| bench.reserve());
                let proven = bench.exchange(&issue.script().unwrap(), counter, issue.proof_way(), Fate::Good).unwrap();
                issue.answered(&proven)
            }
            other => other,
        };
        if matches!(next, Next::Make(_)) {
            next = station.make(&mut bench, next);
        }
    }
    let counter = bench.reserve();
    let read = Script::new(Tar::ENTERPRISE, Form::EXPANDED, vec![commands::select_application(enterprise())]).unwrap();
    bench.exchange(&read, counter, ProofWay::Report, Fate::Good).unwrap();
    let decision = station.run(&mut bench, next, &BTreeMap::new());
    assert_eq!(decision, Decision::Issued { sets: 2 });
    check(&mut bench, &decision, "in between");
}

/// An application that an issue of another serial has left behind without one: its first key is another's, so it goes.
#[test]
fn what_another_issue_left_unfinished_goes() {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let other = ApplicationSerial::from_parts(31, 1, 8).unwrap();
    let keys = bench.roots.enterprise(enterprise());
    let management = keys.card_key(other, Purpose::Management, Sample::KEY_VERSION).unwrap();
    let install = install_command(&bench.set, enterprise(), &management).unwrap();
    let left = Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, vec![install]).unwrap();
    let counter = bench.reserve();
    bench.exchange(&left, counter, ProofWay::Report, Fate::Good).unwrap();
    assert_eq!(bench.by_radio(), Err(SelectError::NotIssued));
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let begun = station.begin(&bench);
    let decision = station.run(&mut bench, begun, &BTreeMap::new());
    assert_eq!(decision, Decision::Issued { sets: 1 });
    check(&mut bench, &decision, "left behind");
}

/// A lock hides the application from SELECT: nothing is said of it but that, and nothing is deleted.
#[test]
fn a_locked_application_is_not_taken_for_none() {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let begun = station.begin(&bench);
    let (lock, unlock) = (set_lock(ApplicationState::LOCKED), set_lock(0x00));
    let Next::Send(issue) = begun else { panic!("it begins by a packet") };
    let counter = bench.reserve();
    let proven = bench.exchange(&issue.script().unwrap(), counter, issue.proof_way(), Fate::Good).unwrap();
    let Next::Send(writing) = station.make(&mut bench, issue.answered(&proven)) else { panic!("packets are due") };
    let counter = writing.counter().unwrap();
    bench.exchange(&writing.script().unwrap(), counter, writing.proof_way(), Fate::ProofLost);
    let counter = bench.reserve();
    bench.exchange(&lock, counter, ProofWay::Report, Fate::Good).unwrap();
    let decision = station.run(&mut bench, writing.timed_out(), &BTreeMap::new());
    let Decision::Unknown { token, obstacle: Obstacle::Locked } = decision else { panic!("{decision:?}") };
    let counter = bench.reserve();
    bench.exchange(&unlock, counter, ProofWay::Report, Fate::Good).unwrap();
    let decision = station.run(&mut bench, Next::Send(*token), &BTreeMap::new());
    assert_eq!(decision, Decision::Issued { sets: 1 });
    check(&mut bench, &decision, "unlocked");
}

fn set_lock(state: u8) -> Script {
    let command = commands::set_application_status(enterprise(), state);
    Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, vec![command]).unwrap()
}

#[test]
fn what_is_there_already_is_left_alone() {
    let mut sample = sample();
    let chip = sample.sim(SIM.iccid).unwrap();
    let other = ApplicationSerial::from_parts(31, 1, 8).unwrap();
    let chip = sample.install(chip, enterprise(), other).unwrap();
    let mut bench = Bench::new(&sample, chip);
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let begun = station.begin(&bench);
    let decision = station.run(&mut bench, begun, &BTreeMap::new());
    assert_eq!(decision, Decision::NotIssued { obstacle: Obstacle::Other(other), sets: 0, serial_spent: false });
    assert_eq!(bench.by_radio().unwrap().serial(), other);
}

/// Its DELETE was made when nothing was issued, and leaves when somebody has issued and loaded (15.4.5.7.1).
#[test]
fn a_delete_that_comes_late_takes_nothing_away() {
    let mut sample = sample();
    let chip = sample.sim(SIM.iccid).unwrap();
    let other = ApplicationSerial::from_parts(31, 1, 8).unwrap();
    let chip = sample.install(chip, enterprise(), other).unwrap();
    let mut bench = Bench::new(&sample, chip);
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let Next::Send(issue) = station.begin(&bench) else { panic!("it begins by a packet") };
    let mut kept = serde_json::to_value(&issue).unwrap();
    kept["step"] = "Delete".into();
    let late: Issue = serde_json::from_value(kept).unwrap();
    assert!(late.changes_value());
    let decision = station.run(&mut bench, Next::Send(late), &BTreeMap::new());
    assert_eq!(decision, Decision::NotIssued { obstacle: Obstacle::Other(other), sets: 0, serial_spent: false });
    assert_eq!(bench.by_radio().unwrap().serial(), other);
}

/// INSTALL and the whole plan are on the card, and the proof of the last packet is lost; the issue then waits for its answer.
fn written_without_proof<'s>(sample: &'s Sample, bench: &mut Bench) -> (Station<'s>, Issue) {
    let station = Station { order: sample.order(), sample, parts: PARTS_MAX };
    let Next::Send(install) = station.begin(bench) else { panic!("it begins by a packet") };
    let counter = bench.reserve();
    let proven = bench.exchange(&install.script().unwrap(), counter, install.proof_way(), Fate::Good).unwrap();
    let Next::Send(writing) = station.make(bench, install.answered(&proven)) else { panic!("packets are due") };
    let counter = writing.counter().unwrap();
    bench.exchange(&writing.script().unwrap(), counter, writing.proof_way(), Fate::ProofLost);
    assert_eq!(bench.by_radio().unwrap().serial(), serial());
    (station, writing)
}

/// Suspended first, or no packet takes it away.
fn deleted_by_somebody(sample: &Sample, bench: &mut Bench) {
    write_status(&bench.slot, sample, 0x01);
    let delete = Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, vec![commands::delete_application(enterprise())]);
    let counter = bench.reserve();
    bench.exchange(&delete.unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    assert_eq!(bench.by_radio(), Err(SelectError::NoApplication));
}

/// Its holder has it deleted while nobody knows whether it is there: it does not come back, whether it was told as unknown or not.
#[test]
fn what_somebody_has_deleted_is_not_installed_again() {
    let sample = sample();
    for gives_up in [true, false] {
        let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
        let (station, writing) = written_without_proof(&sample, &mut bench);
        let mut next = writing.timed_out();
        if gives_up {
            let fates = (0..100).map(|packet| (packet, Fate::Lost)).collect();
            let Decision::Unknown { token, .. } = station.run(&mut bench, next, &fates) else { panic!("nobody says") };
            next = Next::Send(*token);
        }
        deleted_by_somebody(&sample, &mut bench);
        let decision = station.run(&mut bench, next, &BTreeMap::new());
        let gone = Decision::NotIssued { obstacle: Obstacle::Gone, sets: 1, serial_spent: true };
        assert_eq!(decision, gone, "{gives_up}");
        assert_eq!(bench.by_radio(), Err(SelectError::NoApplication));
    }
}

/// Deleted, and issued anew with another serial, while nobody knew of the first: that one was on a card, and is nobody else's.
#[test]
fn a_serial_that_may_have_been_on_the_card_is_spent_whatever_is_there_now() {
    let mut sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let other = ApplicationSerial::from_parts(31, 1, 8).unwrap();
    let replaced = sample.sim(SIM.iccid).unwrap();
    let replaced = sample.install(replaced, enterprise(), other).unwrap();
    let (station, writing) = written_without_proof(&sample, &mut bench);
    // The card as it is behind a visit at the desk.
    let mut bench = Bench::new(&sample, replaced);
    let decision = station.run(&mut bench, writing.timed_out(), &BTreeMap::new());
    assert_eq!(decision, Decision::NotIssued { obstacle: Obstacle::Other(other), sets: 1, serial_spent: true });
}

/// One of which nobody knew whether it was installed is looked for, and not installed anew.
#[test]
fn an_unknown_issue_that_is_resumed_installs_nothing() {
    let sample = sample();
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let station = Station { order: sample.order(), sample: &sample, parts: PARTS_MAX };
    let begun = station.begin(&bench);
    let fates = (0..100).map(|packet| (packet, Fate::Lost)).collect();
    let Decision::Unknown { token, .. } = station.run(&mut bench, begun, &fates) else { panic!("nobody says") };
    let decision = station.run(&mut bench, Next::Send(*token), &BTreeMap::new());
    assert_eq!(decision, Decision::NotIssued { obstacle: Obstacle::NoProof, sets: 0, serial_spent: false });
    assert_eq!(bench.by_radio(), Err(SelectError::NoApplication));
}
