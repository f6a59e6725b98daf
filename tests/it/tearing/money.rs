//! Purchase and recharge: balance, sequence, log record and proof move together, and after the next tap the customer has
//! paid once.

use onecard_host::{
    apdu::{Command, exchange},
    card::{Access, balance, log_record, select},
    terminal::{Evidence, TokenStore},
};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
};
use onecard_tests::{
    terminal::{Ending, Order, OrderKind, Report},
    world::{LOAD_LIMIT, World, serial},
};
use onecard_wire::{aid, amount::Amount, ins, record::LogRecord, wallet::Purse};

use super::{
    sweep::{Fate, Flow, Recoveries},
    till::{LOADED_FEN, Till},
};

const PAID_FEN: u32 = 1_234;
const SECONDS: u32 = 5_000;

/// What a card shows of one kind of transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Shown {
    balance: Amount,
    /// Online for a recharge, offline for a purchase.
    sequence: u16,
    newest: Option<LogRecord>,
    second: Option<LogRecord>,
    /// GET TRANSACTION PROVE of the transaction that is torn.
    proof: Option<Vec<u8>>,
}

/// What the card shows after power-up, by commands that change nothing.
fn shown(chip: Chip, kind: OrderKind, sequence_after: u16) -> Shown {
    let world = World::shared();
    let mut card = Reader::insert(chip);
    let selected = select(&mut card, &aid::enterprise_application(world.enterprise_id())).unwrap();
    assert_eq!(selected.serial(), serial(0));
    let balance = balance(&mut card, &selected, Purse::Ep).unwrap();
    let mut sam = world.software_sam(0);
    let mut record =
        |card: &mut Reader, number| log_record(card, &selected, number, Access::WithMac(&mut sam)).unwrap();
    let (newest, second) = (record(&mut card, 1), record(&mut card, 2));
    let transaction_type = if kind == OrderKind::Recharge { 0x02 } else { 0x06 };
    let prove = Command::new(ins::CLA_PBOC, ins::GET_TRANSACTION_PROVE, 0, transaction_type)
        .with_data(&sequence_after.to_be_bytes())
        .expecting(8);
    let proof = exchange(&mut card, &prove).unwrap().done().ok();
    // Key 01 of a purchase, key 11 of a load: both free.
    let (p1, key_id, length) = match kind {
        OrderKind::Recharge => (ins::INITIALIZE_LOAD, 0x11, 16),
        _ => (ins::INITIALIZE_PURCHASE, 0x01, 15),
    };
    let initialize = Command::new(ins::CLA_PBOC, ins::INITIALIZE, p1, Purse::Ep as u8)
        .with_data(&[key_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        .expecting(length);
    let answer = exchange(&mut card, &initialize).unwrap().done().unwrap();
    assert_eq!(answer[..4], balance.to_bytes());
    let sequence = u16::from_be_bytes([answer[4], answer[5]]);
    Shown { balance, sequence, newest, second, proof }
}

/// Everything the card shows is as before, or everything is as after.
fn fate(chip: Chip, kind: OrderKind, sequence_after: u16, before: &Shown, after: &Shown) -> Fate {
    let now = shown(chip, kind, sequence_after);
    match () {
        () if now == *before => Fate::NotBegun,
        () if now == *after => Fate::Finished,
        () => panic!("torn apart: {now:?}, before {before:?}, after {after:?}"),
    }
}

fn sweep_card(name: &str, till: &Till, order: &Order, sequence_after: u16) {
    let before = shown(till.card.snapshot(), order.kind, sequence_after);
    let (done, _) = till.snapshot().tap(order, |_, _| ());
    let after = shown(done.card, order.kind, sequence_after);
    assert!(before.proof.is_none() && after.proof.is_some() && after.second == before.newest);
    assert_eq!((before.sequence + 1, after.sequence), (sequence_after, sequence_after));

    let run = |card: Chip| {
        let (torn, report) = Till { card, ..till.snapshot() }.tap(order, |_, _| ());
        let aftermath = torn.snapshot();
        (torn.card, (aftermath, report))
    };
    let judge = |card: Chip, (torn, report): &(Till, Report)| {
        let fate = fate(card.snapshot(), order.kind, sequence_after, &before, &after);
        match report.ending {
            Ending::Committed(_) => assert_eq!(fate, Fate::Finished),
            Ending::NotCommitted => assert_eq!(fate, Fate::NotBegun),
            Ending::Unknown => assert_eq!(torn.store.pending().unwrap().len(), 1),
        }
        Till { card, ..torn.snapshot() }.executed_once(order, till);
        fate
    };
    let count = Flow { name, chip: &till.card, run: &run, judge: &judge, recoveries: Recoveries::Twice }
        .sweep(&[Fate::NotBegun, Fate::Finished]);
    assert!(count.recovery_cuts > count.cuts && count.second_recovery_cuts > 0);
}

#[test]
fn a_purchase_is_torn_everywhere() {
    sweep_card("purchase, card", &Till::used(2), &Order::purchase(100, PAID_FEN, SECONDS), 3);
}

/// Log and purse have both gone round: old cells are overwritten.
#[test]
fn a_purchase_from_a_long_used_card_is_torn_everywhere() {
    sweep_card("purchase, card used 21 times", &Till::used(20), &Order::purchase(100, PAID_FEN, SECONDS), 21);
}

#[test]
fn a_recharge_is_torn_everywhere() {
    sweep_card("recharge, card", &Till::used(2), &Order::recharge(100, PAID_FEN, SECONDS), 2);
}

#[test]
fn the_first_recharge_of_a_card_is_torn_everywhere() {
    sweep_card("first recharge, card", &Till::new(), &Order::recharge(100, PAID_FEN, SECONDS), 1);
}

fn sweep_sam(name: &str, till: &Till, order: &Order, tap_before: bool, expected: &[Fate]) {
    // The card has executed, and its answer is lost: the SAM learns of it from the proof.
    let till_before = till.snapshot();
    let till = match tap_before {
        true => till.snapshot().tap(order, |card, _| card.fail_at(2, Fault::LostAnswer)).0,
        false => till.snapshot(),
    };
    let old = till.sam_state();
    let run = |sam: Chip| {
        let (torn, report) = Till { sam, ..till.snapshot() }.tap(order, |_, _| ());
        let aftermath = torn.snapshot();
        (torn.sam, (aftermath, report))
    };
    let judge = |sam: Chip, (torn, report): &(Till, Report)| {
        let now = Till { sam, ..torn.snapshot() };
        let state = now.sam_state();
        let moved = match order.kind {
            OrderKind::Recharge => (old.0, old.1.minus(order.amount).unwrap()),
            _ => (old.0 + 1, old.1),
        };
        assert!([old, moved].contains(&state), "{state:?}");
        // A SAM whose power goes says nothing, so nothing is committed by its word.
        assert!(!matches!(report.ending, Ending::Committed(_)) || state == moved);
        now.executed_once(order, &till_before);
        if state == old { Fate::NotBegun } else { Fate::Finished }
    };
    Flow { name, chip: &till.sam, run: &run, judge: &judge, recoveries: Recoveries::Twice }.sweep(expected);
}

#[test]
fn the_sams_credit_of_a_purchase_is_torn_everywhere() {
    let order = Order::purchase(100, PAID_FEN, SECONDS);
    sweep_sam("CREDIT_SAM_FOR_PURCHASE", &Till::used(2), &order, false, &[Fate::NotBegun, Fate::Finished]);
}

#[test]
fn the_sams_check_of_a_past_purchase_is_torn_everywhere() {
    let order = Order::purchase(100, PAID_FEN, SECONDS);
    sweep_sam("past purchase, SAM", &Till::used(2), &order, true, &[Fate::NotBegun, Fate::Finished]);
}

#[test]
fn the_sams_load_is_torn_everywhere() {
    let order = Order::recharge(100, PAID_FEN, SECONDS);
    let till = Till::used(2);
    assert_eq!(till.sam_state().1, LOAD_LIMIT.minus(Amount::from_fen(LOADED_FEN)).unwrap());
    sweep_sam("load, SAM", &till, &order, false, &[Fate::NotBegun, Fate::Finished]);
}

/// What the till knows of a torn purchase comes from the proof, not from an answer it never got.
#[test]
fn a_lost_answer_is_made_good_by_the_proof() {
    let (till, order) = (Till::used(2), Order::purchase(100, PAID_FEN, SECONDS));
    let (torn, report) = till.snapshot().tap(&order, |card, _| card.fail_at(2, Fault::LostAnswer));
    assert_eq!(report.ending, Ending::Unknown);
    let (_, report) = torn.tap(&order, |_, _| ());
    let Ending::Committed(record) = report.ending else { panic!("{report:?}") };
    assert_eq!(record.evidence, Evidence::Mac2);
}
