//! The SAM's part of an undo: the number is spent when it begins and stays so, whatever is cut, so that an undo kept from
//! settlement leaves its gap; and after the next tap the customer has the money back once.

use onecard_host::terminal::{OrderNumber, TokenStore};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
};
use onecard_tests::{
    terminal::{Ending, Order, OrderKind, Report},
    world::World,
};
use onecard_wire::wallet::TransactionType;

use super::{
    sweep::{Fate, Flow, Recoveries},
    till::Till,
};

const PURCHASE: u64 = 50;
const UNDO: u64 = 100;
const PAID_FEN: u32 = 1_234;

/// A till whose last order is the purchase.
fn till_after_a_purchase() -> Till {
    Till::used(2).done(&Order::purchase(PURCHASE, PAID_FEN, 10))
}

fn undo() -> Order {
    let kind = OrderKind::Undo { purchase: OrderNumber(PURCHASE) };
    Order { kind, ..Order::purchase(UNDO, PAID_FEN, 20) }
}

/// Next terminal sequence, and what the SAM did last.
fn standing(sam: &Chip) -> (u32, TransactionType) {
    let last = World::shared().last_purchase(&mut Reader::insert(sam.snapshot())).unwrap();
    (last.next_sequence, last.transaction_type)
}

fn sweep(name: &str, till: &Till, begun_at: &Till, expected: &[Fate]) {
    let order = undo();
    let ((old, before), (first, _)) = (standing(&till.sam), standing(&begun_at.sam));
    assert_eq!(before, TransactionType::PURCHASE_EP);
    let run = |sam: Chip| {
        let (torn, report) = Till { sam, ..till.snapshot() }.tap(&order, |_, _| ());
        let aftermath = torn.snapshot();
        (torn.sam, (aftermath, report))
    };
    let judge = |sam: Chip, (torn, report): &(Till, Report)| {
        let fate = match standing(&sam) {
            (next, TransactionType::PURCHASE_EP) if next == old => Fate::NotBegun,
            (next, TransactionType::PURCHASE_EP) if next == first + 1 => Fate::Half,
            (next, TransactionType::UNDO) if next == first + 1 => Fate::Finished,
            other => panic!("{other:?}, {old} before"),
        };
        let executed = torn.balance() != begun_at.balance();
        assert!(!executed || standing(&sam).0 > first, "the card was given a MAC1 of a number that is not spent");
        assert!(!matches!(report.ending, Ending::Committed(_)) || fate == Fate::Finished);
        undone_once(Till { sam, ..torn.snapshot() }, &order, begun_at);
        fate
    };
    Flow { name, chip: &till.sam, run: &run, judge: &judge, recoveries: Recoveries::Twice }.sweep(expected);
}

/// Presents the card again until the undo has ended.
fn undone_once(torn: Till, order: &Order, before: &Till) {
    let (first, _) = standing(&before.sam);
    let (till, report) = torn.tap(order, |_, _| ());
    let Ending::Committed(record) = report.ending else { panic!("the next tap ends {report:?}") };
    World::shared().issuer().check(&record).unwrap();
    assert_eq!(till.balance(), before.balance().plus(order.amount).unwrap());
    let settled = till.store.settlement().filter(|record| record.transaction.order == order.number).count();
    assert_eq!((settled, till.store.pending().unwrap().len()), (1, 0));
    // An undo begun twice has spent two numbers; the record has the last, and there is none after it.
    let (next, last) = standing(&till.sam);
    assert!((first + 1..=first + 2).contains(&next) && last == TransactionType::UNDO, "{next}, {first} before");
    assert_eq!(record.transaction.terminal_sequence, Some(next - 1));
    let (after, report) = till.tap(order, |_, _| ());
    assert_eq!((report.ending, standing(&after.sam)), (Ending::Committed(record), (next, last)));
}

#[test]
fn the_sams_undo_is_torn_everywhere() {
    let till = till_after_a_purchase();
    sweep("undo, SAM", &till, &till, &[Fate::NotBegun, Fate::Finished, Fate::Half]);
}

/// The card has given the money back, and its answer is lost: the SAM learns of it from the proof.
#[test]
fn the_sams_check_of_a_past_undo_is_torn_everywhere() {
    let begun_at = till_after_a_purchase();
    let (till, report) = begun_at.snapshot().tap(&undo(), |card, _| card.fail_at(2, Fault::LostAnswer));
    assert_eq!((report.ending, standing(&till.sam).0), (Ending::Unknown, standing(&begun_at.sam).0 + 1));
    sweep("past undo, SAM", &till, &begun_at, &[Fate::NotBegun, Fate::Finished]);
}
