//! Whatever is lost, and however often: charged once, loaded once.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::apdu::CommandName;

/// What can go wrong with any command: not sent, lost on either way, or answered by a word that says nothing.
fn faults() -> Vec<Fault> {
    let mut faults = vec![Fault::LostCommand, Fault::LostAnswer, Fault::Unsent];
    for word in ["", "90", "9000", "6F00", "6581", "6901", "6108", "FFFF", "00000000000000009000"] {
        let answer = hex::decode(word).unwrap();
        faults.extend([Fault::ChangedAnswer(answer.clone()), Fault::Forged(answer)]);
    }
    faults
}

/// The outcomes seen in a sweep: committed, not committed, unknown.
#[derive(Default, Debug)]
struct Seen([u32; 3]);

impl Seen {
    fn note(&mut self, outcome: &Outcome) {
        let at = match outcome {
            Outcome::Committed(_) => 0,
            Outcome::NotCommitted(_) => 1,
            Outcome::Unknown(_) => 2,
        };
        self.0[at] += 1;
    }
}

/// A later tap, undisturbed, must end the order; what the card says must agree with every outcome on the way.
fn sweep(run: impl Fn(&mut ModelCard, &mut SoftwareSam, &mut InMemoryStore) -> Outcome, moved: fn(&ModelCard) -> u32) {
    let (mut seen, mut tried) = (Seen::default(), 0);
    let faults = faults();
    for first in 0..6 {
        for first_fault in &faults {
            for second in 0..8 {
                for second_fault in &faults {
                    let mut card = ModelCard::new(42, yuan("100"));
                    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
                    card.fault(first, first_fault.clone());
                    let one = run(&mut card, &mut sam, &mut store);
                    check(&one, moved(&card), &store);
                    card.faults.clear();
                    card.fault(second, second_fault.clone());
                    // The terminal was killed: all it has is its store and its SAM.
                    let mut store = store.clone();
                    let two = run(&mut card, &mut sam, &mut store);
                    check(&two, moved(&card), &store);
                    card.faults.clear();
                    let three = run(&mut card, &mut sam, &mut store);
                    committed(&three);
                    check(&three, moved(&card), &store);
                    [&one, &two, &three].into_iter().for_each(|outcome| seen.note(outcome));
                    tried += 1;
                }
            }
        }
    }
    assert!(seen.0.iter().all(|count| *count > 0), "{seen:?} in {tried}");
}

fn check(outcome: &Outcome, moved: u32, store: &InMemoryStore) {
    let pending = store.pending().unwrap();
    match outcome {
        Outcome::Committed(receipt) => {
            assert_eq!((moved, pending.len()), (1, 0), "{receipt:?}");
            assert_eq!(store.committed(OrderNumber(5)).unwrap(), Some(receipt.settlement));
            assert_eq!(store.settlement().count(), 1);
        }
        Outcome::NotCommitted(reason) => assert_eq!((moved, pending.len()), (0, 0), "{reason:?}"),
        Outcome::Unknown(in_doubt) => {
            assert!(moved <= 1);
            assert_eq!(pending, [in_doubt.token], "{in_doubt:?}");
        }
    }
}

#[test]
fn a_purchase_is_charged_once() {
    let run = |card: &mut ModelCard, sam: &mut SoftwareSam, store: &mut InMemoryStore| {
        purchase(card, sam, store, &sale(5, "12.34")).unwrap().outcome
    };
    sweep(run, |card| (10_000 - card.balance.fen()) / 1_234);
}

#[test]
fn a_recharge_is_loaded_once() {
    let run = |card: &mut ModelCard, sam: &mut SoftwareSam, store: &mut InMemoryStore| {
        recharge(card, sam, store, &top_up(5, "50")).unwrap().outcome
    };
    sweep(run, |card| (card.balance.fen() - 10_000) / 5_000);
}

#[test]
fn three_commands_and_no_more() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "1")).unwrap().outcome);
    assert_eq!(card.seen.len(), 3);
    committed(&recharge(&mut card, &mut sam, &mut store, &top_up(2, "1")).unwrap().outcome);
    assert_eq!(card.seen.len(), 3 + 4);
    // The same orders again: the card is not even asked.
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "1")).unwrap().outcome);
    committed(&recharge(&mut card, &mut sam, &mut store, &top_up(2, "1")).unwrap().outcome);
    assert_eq!(card.seen.len(), 3 + 4);
}

#[test]
fn what_was_not_sent_was_not_done() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::Unsent);
    let outcome = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome;
    assert!(matches!(cause(&outcome), Cause::NoAnswer { command: CommandName::DebitForPurchase, .. }), "{outcome:?}");
    assert_eq!((store.pending().unwrap().len(), card.balance), (0, yuan("100")));
    // The same order, on a better reader.
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    assert_eq!(card.balance, yuan("90"));
}

#[test]
fn an_earlier_order_is_resolved_on_the_way() {
    for (fault, expected) in [(Fault::LostAnswer, "93.00"), (Fault::LostCommand, "103.00")] {
        let mut card = ModelCard::new(1, yuan("100"));
        let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
        card.fault(2, fault.clone());
        let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
        let tap = recharge(&mut card, &mut sam, &mut store, &top_up(2, "3")).unwrap();
        committed(&tap.outcome);
        let [Earlier { token: resolved, outcome }] = &tap.earlier[..] else { panic!("{:?}", tap.earlier) };
        assert_eq!(*resolved, token);
        assert_eq!(fault == Fault::LostAnswer, matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
        assert_eq!(card.balance, yuan(expected));
    }
}

#[test]
fn a_token_is_resolved_once() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    let money = card.money();
    let first = committed(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
    let commands = card.seen.len();
    assert_eq!(committed(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap()), first);
    assert_eq!((card.money(), card.seen.len()), (money, commands));
    assert_eq!(store.settlement().count(), 1);
    // The SAM has counted it, though it never saw the answer.
    assert_eq!(sam.state().next_sequence, 8);

    card.fault(2, Fault::LostCommand);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap().outcome).token;
    let outcome = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap();
    assert_eq!(cause(&outcome), Cause::NeverCompleted);
    let again = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap_err();
    assert!(matches!(again.source, StorageError::NotPending(OrderNumber(2))));
    // Nor is the order's second try, which succeeded, the first one's receipt.
    committed(
        &purchase(&mut card, &mut sam, &mut store, &PurchaseOrder { moment: moment(33), ..sale(2, "10") })
            .unwrap()
            .outcome,
    );
    let again = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap_err();
    assert!(matches!(again.source, StorageError::NotPending(OrderNumber(2))));
}

#[test]
fn an_answer_in_two_parts_is_never_taken_for_a_refusal() {
    // 61xx says that DEBIT is done; the word after it is GET RESPONSE's.
    for word in ["6700", "9302", "6A86", "6985", "9000"] {
        let mut card = ModelCard::new(1, yuan("100"));
        card.fault(2, Fault::ChangedAnswer(vec![0x61, 0x08]));
        card.fault(3, Fault::Forged(hex::decode(word).unwrap()));
        let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
        in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(5, "12.34")).unwrap().outcome);
        let outcome = purchase(&mut card, &mut sam, &mut store, &sale(5, "12.34")).unwrap().outcome;
        assert_eq!(committed(&outcome).settlement.evidence, Evidence::Mac2);
    }
}
