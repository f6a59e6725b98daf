//! Lost and found over the air.

use std::collections::BTreeMap;

use onecard_host::{
    keys::Purpose,
    over_the_air::{
        KeyInHand, MaintenanceKey, Obstacle, ProofWay, Tries,
        lock::{Decision, Lock, LockTerms, Next, Way},
    },
};
use onecard_simulator::{
    chip::Chip,
    sample::{SIM, Sample},
    tear::{Cut, Rest, Tear},
};
use onecard_wire::status::StatusWord;

use super::{
    bench::{Bench, FATES, Fate, enterprise, serial, with_next_keys},
    till::{Till, write_status},
};

const TRIES: Tries = Tries { packets: 3, attempts: 3 };

fn begun(way: Way) -> Next {
    Next::Send(Lock::begin(LockTerms { enterprise: enterprise(), serial: serial(), way }, TRIES))
}

fn run(bench: &mut Bench, mut next: Next, fates: &BTreeMap<usize, Fate>) -> Decision {
    let first = bench.packets;
    for _ in 0..100 {
        next = match next {
            Next::Send(lock) => {
                // As it is kept and read again.
                let lock: Lock = serde_json::from_str(&serde_json::to_string(&lock).unwrap()).unwrap();
                let fate = fates.get(&(bench.packets - first)).copied().unwrap_or(Fate::Good);
                let counter = lock.counter().unwrap_or_else(|| bench.reserve());
                match bench.exchange(&lock.script().unwrap(), counter, ProofWay::Report, fate) {
                    Some(proven) => lock.answered(&proven),
                    None => lock.timed_out(),
                }
            }
            Next::Write(writing) => {
                let counter = bench.reserve();
                writing.placed(counter, &mut bench.keeper(writing.maintenance_key())).unwrap()
            }
            Next::Ended(decision) => return decision,
        };
    }
    panic!("it does not end");
}

fn loaded() -> (Sample, Chip) {
    let mut sample = with_next_keys();
    let chip = sample.sim(SIM.iccid).unwrap();
    let chip = sample.install(chip, enterprise(), serial()).unwrap();
    let bench = Bench::new(&sample, chip);
    Till::new().load(&bench.slot);
    let chip = bench.slot.take_chip();
    (sample, chip)
}

fn sells(bench: &Bench) -> bool {
    Till::new().sell(&bench.slot)
}

#[test]
fn a_lost_card_pays_no_more_and_a_found_one_again() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    assert_eq!(run(&mut bench, begun(Way::Lost), &BTreeMap::new()), Decision::Done);
    assert_eq!(bench.packets, 2);
    assert!(!sells(&bench));
    // Once more changes nothing.
    assert_eq!(run(&mut bench, begun(Way::Lost), &BTreeMap::new()), Decision::Done);
    assert_eq!(bench.packets, 3);
    assert_eq!(run(&mut bench, begun(Way::Found), &BTreeMap::new()), Decision::Done);
    assert!(sells(&bench));
}

#[test]
fn whatever_becomes_of_its_messages() {
    let (sample, chip) = loaded();
    for way in [Way::Lost, Way::Found] {
        for first in FATES {
            for second in FATES {
                for (one, other) in [(0, 1), (1, 2), (2, 3), (1, 3)] {
                    let mut bench = Bench::new(&sample, chip.snapshot());
                    if way == Way::Found {
                        write_status(&bench.slot, &sample, 0x03);
                    }
                    let fates = BTreeMap::from([(one, first), (other, second)]);
                    let mut decision = run(&mut bench, begun(way), &fates);
                    if let Decision::Unknown { token, .. } = decision {
                        decision = run(&mut bench, Next::Send(*token), &BTreeMap::new());
                    }
                    bench.deliver_late();
                    assert_eq!(decision, Decision::Done, "{way:?}, {fates:?}");
                    assert_eq!(sells(&bench), way == Way::Found, "{way:?}, {fates:?}");
                }
            }
        }
    }
}

#[test]
fn power_cut_at_every_write_of_a_lock() {
    let (sample, chip) = loaded();
    let mut dry = Bench::new(&sample, chip.snapshot());
    let before = dry.operations();
    run(&mut dry, begun(Way::Lost), &BTreeMap::new());
    let operations = dry.operations() - before;
    assert!(operations > 2, "{operations}");
    for operation in 0..operations {
        for rest in [Rest::Old, Rest::Erased(0xFF), Rest::Random { seed: operation }] {
            for landed in [0, 0x0F, u64::MAX] {
                let mut bench = Bench::new(&sample, chip.snapshot());
                bench.cut_power_at(Cut { operation, tear: Tear { landed, rest } });
                assert_eq!(run(&mut bench, begun(Way::Lost), &BTreeMap::new()), Decision::Done, "{operation}");
                assert!(!sells(&bench));
            }
        }
    }
}

/// A network that goes: the card is as it was, or nobody knows until it comes back.
#[test]
fn a_network_that_goes() {
    let (sample, chip) = loaded();
    for gone in 0..4 {
        let mut bench = Bench::new(&sample, chip.snapshot());
        let fates = (gone..100).map(|packet| (packet, Fate::Lost)).collect();
        match run(&mut bench, begun(Way::Lost), &fates) {
            Decision::NotDone(Obstacle::NoProof) => assert_eq!(gone, 0),
            Decision::Unknown { token, .. } => {
                assert_eq!(run(&mut bench, Next::Send(*token), &BTreeMap::new()), Decision::Done);
            }
            Decision::Done => assert!(gone >= 2),
            other => panic!("{other:?}"),
        }
    }
}

/// A suspension is the desk's, or a deletion's: neither way takes it off.
#[test]
fn a_suspended_card_stays_suspended() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    write_status(&bench.slot, &sample, 0x01);
    for way in [Way::Lost, Way::Found] {
        let decision = run(&mut bench, begun(way), &BTreeMap::new());
        assert_eq!(decision, Decision::NotDone(Obstacle::Status(0x01)), "{way:?}");
    }
    assert!(!sells(&bench));
}

/// Whoever forged the card's word has another key taken: its MAC is refused, no other is tried, and the card is as it was.
#[test]
fn a_mac_by_another_key_is_refused_and_that_is_all() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let Next::Send(lock) = begun(Way::Lost) else { panic!("it begins by a packet") };
    let counter = bench.reserve();
    let proven = bench.exchange(&lock.script().unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    let Next::Write(writing) = lock.answered(&proven) else { panic!("it is written") };
    let keys = bench.roots.enterprise(enterprise());
    let newest = keys.card_key(serial(), Purpose::Maintenance, Sample::NEXT_KEY_VERSION).unwrap();
    assert!(!writing.maintenance_key().may_be(&newest) && MaintenanceKey::NotShown.may_be(&newest));
    let counter = bench.reserve();
    let Next::Send(lock) = writing.placed(counter, &mut KeyInHand(newest)).unwrap() else { panic!("a packet") };
    let proven = bench.exchange(&lock.script().unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    let refused = Obstacle::Refused { command: 2, status: StatusWord::SM_DATA_WRONG };
    assert_eq!(lock.answered(&proven), Next::Ended(Decision::NotDone(refused)));
    assert!(sells(&bench));
    assert_eq!(run(&mut bench, begun(Way::Lost), &BTreeMap::new()), Decision::Done);
}
