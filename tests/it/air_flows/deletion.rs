//! A deletion over the air: what was loaded is what was spent and what is refunded.

use std::collections::BTreeMap;

use onecard_host::{
    card::SelectError,
    over_the_air::{
        Obstacle, ProofWay, Tries,
        deletion::{Decision, Deletion, DeletionTerms, Next},
    },
};
use onecard_simulator::{
    chip::Chip,
    sample::{SIM, Sample},
    tear::{Cut, Rest, Tear},
};
use onecard_wire::{amount::Amount, number::ApplicationSerial};

use super::{
    bench::{Bench, FATES, Fate, enterprise, serial, with_next_keys},
    till::{LOADED, Till},
};

const TRIES: Tries = Tries { packets: 3, attempts: 3 };
const TERMS: fn() -> DeletionTerms =
    || DeletionTerms { enterprise: enterprise(), serial: serial(), deposit: Amount::ZERO };

/// The enterprise's books and its till.
pub(crate) struct Office {
    till: Till,
    /// Refunds of this serial.
    refunds: Vec<Amount>,
    /// The till sells before the packet of that number.
    sells_before: Option<usize>,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self { till: Till::new(), refunds: Vec::new(), sells_before: None }
    }

    pub(crate) fn run(&mut self, bench: &mut Bench, mut next: Next, fates: &BTreeMap<usize, Fate>) -> Decision {
        let first = bench.packets;
        for _ in 0..100 {
            next = match next {
                Next::Send(deletion) => {
                    // As it is kept and read again.
                    let deletion: Deletion = serde_json::from_str(&serde_json::to_string(&deletion).unwrap()).unwrap();
                    let packet = bench.packets - first;
                    if self.sells_before == Some(packet) {
                        self.till.sell(&bench.slot);
                    }
                    let fate = fates.get(&packet).copied().unwrap_or(Fate::Good);
                    let counter = deletion.counter().unwrap_or_else(|| bench.reserve());
                    match bench.exchange(&deletion.script().unwrap(), counter, ProofWay::Report, fate) {
                        Some(proven) => deletion.answered(&proven),
                        None => deletion.timed_out(),
                    }
                }
                Next::Suspend(suspension) => {
                    let counter = bench.reserve();
                    suspension.placed(counter, &mut bench.keeper(suspension.maintenance_key())).unwrap()
                }
                Next::Settle(settlement) => {
                    self.refunds.push(settlement.balance());
                    settlement.settled()
                }
                Next::Ended(decision) => return decision,
            };
        }
        panic!("it does not end");
    }

    pub(crate) fn refunds(&self) -> &[Amount] {
        &self.refunds
    }

    /// Where the money is.
    pub(crate) fn check(&mut self, bench: &mut Bench, decision: &Decision, case: &str) {
        bench.deliver_late();
        let spent = self.till.sold;
        match (decision, bench.by_radio()) {
            (Decision::Deleted { refund }, Err(SelectError::NoApplication)) => {
                assert_eq!(self.refunds, [*refund], "{case}");
                assert_eq!(spent.fen() + refund.fen(), LOADED.fen(), "{case}");
            }
            (Decision::NotDeleted { .. }, Ok(_)) => {
                assert_eq!(self.refunds, [], "{case}");
                assert_eq!(spent.fen() + bench.balance_by_radio().fen(), LOADED.fen(), "{case}");
            }
            (decision, card) => panic!("{case}: {decision:?}, and the card: {card:?}"),
        }
    }
}

pub(crate) fn begun() -> Next {
    Next::Send(Deletion::begin(TERMS(), TRIES).unwrap())
}

/// A SIM with an application that is loaded.
pub(crate) fn loaded() -> (Sample, Chip) {
    let mut sample = with_next_keys();
    let chip = sample.sim(SIM.iccid).unwrap();
    let chip = sample.install(chip, enterprise(), serial()).unwrap();
    let bench = Bench::new(&sample, chip);
    Till::new().load(&bench.slot);
    let chip = bench.slot.take_chip();
    (sample, chip)
}

fn resolved(office: &mut Office, bench: &mut Bench, decision: Decision) -> Decision {
    match decision {
        Decision::Unknown { token, .. } => office.run(bench, Next::Send(*token), &BTreeMap::new()),
        decided => decided,
    }
}

#[test]
fn a_balance_is_refunded_and_the_application_gone() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let mut office = Office::new();
    let decision = office.run(&mut bench, begun(), &BTreeMap::new());
    assert_eq!(decision, Decision::Deleted { refund: LOADED });
    office.check(&mut bench, &decision, "good");
    // Asks, suspends, deletes.
    assert_eq!(bench.packets, 3);
}

/// Two packets fare badly, and the till tries to sell before any of them.
#[test]
fn whatever_becomes_of_its_messages_the_money_adds_up() {
    let (sample, chip) = loaded();
    let mut ended = BTreeMap::new();
    for first in FATES {
        for second in FATES {
            for (one, other) in [(0, 1), (1, 2), (2, 3), (1, 3), (2, 4), (3, 4)] {
                for sells_before in [None, Some(0), Some(1), Some(2), Some(3), Some(4)] {
                    let mut bench = Bench::new(&sample, chip.snapshot());
                    let mut office = Office::new();
                    office.sells_before = sells_before;
                    let fates = BTreeMap::from([(one, first), (other, second)]);
                    let decision = office.run(&mut bench, begun(), &fates);
                    let decision = resolved(&mut office, &mut bench, decision);
                    let case = format!("{fates:?}, the till before {sells_before:?}");
                    office.check(&mut bench, &decision, &case);
                    *ended.entry(format!("{decision:?}, sold {}", office.till.sold)).or_insert(0) += 1;
                }
            }
        }
    }
    println!("{ended:?}");
    assert!(ended.keys().any(|ended| ended.contains("sold 12.50")), "{ended:?}");
}

#[test]
fn power_cut_at_every_write_of_a_deletion() {
    let (sample, chip) = loaded();
    let mut dry = Bench::new(&sample, chip.snapshot());
    let before = dry.operations();
    Office::new().run(&mut dry, begun(), &BTreeMap::new());
    let operations = dry.operations() - before;
    assert!(operations > 10, "{operations}");
    let mut packets = BTreeMap::new();
    for operation in 0..operations {
        for rest in [Rest::Old, Rest::Erased(0xFF), Rest::Random { seed: operation }] {
            for landed in [0, 0x0F, u64::MAX] {
                let mut bench = Bench::new(&sample, chip.snapshot());
                bench.cut_power_at(Cut { operation, tear: Tear { landed, rest } });
                let mut office = Office::new();
                let decision = office.run(&mut bench, begun(), &BTreeMap::new());
                assert_eq!(decision, Decision::Deleted { refund: LOADED }, "operation {operation}");
                office.check(&mut bench, &decision, &format!("operation {operation}"));
                *packets.entry(bench.packets).or_insert(0) += 1;
            }
        }
    }
    println!("{operations} operations, cuts by packets it took: {packets:?}");
}

/// A network that loses everything from some packet on: a token, and nothing refunded twice when it comes back.
#[test]
fn a_network_that_goes_refunds_once_when_it_comes_back() {
    let (sample, chip) = loaded();
    for gone in 0..8 {
        let mut bench = Bench::new(&sample, chip.snapshot());
        let mut office = Office::new();
        let fates = (gone..100).map(|packet| (packet, Fate::Lost)).collect();
        let decision = office.run(&mut bench, begun(), &fates);
        println!("{gone}: {decision:?}");
        assert_eq!(matches!(decision, Decision::NotDeleted { .. }), gone == 0);
        let decision = resolved(&mut office, &mut bench, decision);
        office.check(&mut bench, &decision, &format!("gone from {gone}"));
    }
}

#[test]
fn who_is_not_there_or_not_this_one_is_not_deleted() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let mut office = Office::new();
    let other = ApplicationSerial::from_parts(31, 1, 8).unwrap();
    let begun = Deletion::begin(DeletionTerms { serial: other, ..TERMS() }, TRIES).unwrap();
    let decision = office.run(&mut bench, Next::Send(begun), &BTreeMap::new());
    assert_eq!(decision, Decision::NotDeleted { obstacle: Obstacle::Other(serial()), suspended: false });
    office.check(&mut bench, &decision, "another serial");
    let mut bench = Bench::new(&sample, sample.sim(SIM.iccid).unwrap());
    let begun = Deletion::begin(TERMS(), TRIES).unwrap();
    let decision = office.run(&mut bench, Next::Send(begun), &BTreeMap::new());
    assert_eq!(decision, Decision::NotDeleted { obstacle: Obstacle::Absent, suspended: false });
    let deposit = Deletion::begin(DeletionTerms { deposit: Amount::from_fen(1), ..TERMS() }, TRIES);
    assert!(deposit.unwrap_err().to_string().contains("0.01"));
}

/// A status that the desk has written stands, and the balance behind it is final.
#[test]
fn a_card_that_is_lost_already_keeps_its_mark() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let mut office = Office::new();
    super::till::write_status(&bench.slot, &sample, 0x03);
    let decision = office.run(&mut bench, begun(), &BTreeMap::new());
    assert_eq!((&decision, bench.packets), (&Decision::Deleted { refund: LOADED }, 2));
    office.check(&mut bench, &decision, "lost");
}

/// The mark is taken off, and money spent, between refund and DELETE that was lost: it is not deleted as if nothing had happened.
#[test]
fn a_balance_that_moved_behind_the_refund_is_for_the_books() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let mut office = Office::new();
    let fates = (2..100).map(|packet| (packet, Fate::Lost)).collect();
    let Decision::Unknown { token, .. } = office.run(&mut bench, begun(), &fates) else { panic!("nobody knows") };
    assert_eq!(token.refund(), Some(LOADED));
    super::till::write_status(&bench.slot, &sample, 0x00);
    office.till.sell(&bench.slot);
    let decision = office.run(&mut bench, Next::Send(*token), &BTreeMap::new());
    let Decision::Unknown { obstacle: Obstacle::Moved, .. } = decision else { panic!("{decision:?}") };
    assert_eq!(office.refunds, [LOADED]);
    assert!(bench.by_radio().is_ok());
}

/// Nobody refunds: it stays, suspended. Nobody makes the MAC: it is as it was.
#[test]
fn a_deletion_that_is_refused_changes_nothing_of_the_money() {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    let mut office = Office::new();
    let Next::Send(deletion) = begun() else { panic!("it begins by a packet") };
    let counter = bench.reserve();
    let proven = bench.exchange(&deletion.script().unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    let Next::Suspend(suspension) = deletion.answered(&proven) else { panic!("it is asked first") };
    let refused = Next::Ended(Decision::NotDeleted { obstacle: Obstacle::NotMade, suspended: false });
    assert_eq!(suspension.clone().refused(), refused);
    let counter = bench.reserve();
    let mut keeper = bench.keeper(suspension.maintenance_key());
    let Next::Send(deletion) = suspension.placed(counter, &mut keeper).unwrap() else { panic!("a packet") };
    let proven = bench.exchange(&deletion.script().unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    let Next::Settle(settlement) = deletion.answered(&proven) else { panic!("the balance is final") };
    let Next::Ended(decision) = settlement.refused() else { panic!("it ends") };
    assert_eq!(decision, Decision::NotDeleted { obstacle: Obstacle::NotSettled, suspended: true });
    office.till.sell(&bench.slot);
    assert_eq!(office.till.sold, Amount::ZERO);
    office.check(&mut bench, &decision, "refused");
}
