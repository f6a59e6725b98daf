//! Subsidies: each card of the list once, whatever happens on the way.

use std::collections::BTreeMap;

use super::model_card::{Fault, ModelCard};
use super::*;

fn subsidy(number: u16) -> Subsidy {
    Subsidy {
        number: SubsidyNumber::new(number).unwrap(),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        cards: BTreeMap::from([(serial(1), yuan("50")), (serial(2), yuan("30"))]),
    }
}

fn present<S: TokenStore>(card: &mut ModelCard, sam: &mut SoftwareSam, store: &mut S, number: u16) -> Outcome {
    let pin = Some(Pin::from_digits("123456").unwrap());
    subsidise(card, sam, store, &subsidy(number), moment(7), pin).unwrap().outcome
}

#[test]
fn each_card_gets_its_share_once_at_every_terminal_of_the_store() {
    let (mut one, mut two) = (ModelCard::new(1, yuan("1")), ModelCard::new(2, yuan("1")));
    let mut store = InMemoryStore::new();
    for limit_left in [92_000, 100_000, 100_000] {
        // Another terminal: another SAM and the same store.
        let mut sam = whole_sam();
        for (card, balance) in [(&mut one, "51"), (&mut two, "31")] {
            committed(&present(card, &mut sam, &mut store, 3));
            assert_eq!(card.balance, yuan(balance));
        }
        assert_eq!(sam.state().load_limit_fen, limit_left);
    }
    committed(&present(&mut one, &mut whole_sam(), &mut store, 4));
    assert_eq!((one.balance, store.settlement().count()), (yuan("101"), 3));
}

#[test]
fn a_torn_subsidy_is_found_out_and_given_once() {
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("1")), whole_sam(), InMemoryStore::new());
        // SELECT, SELECT, VERIFY, INITIALIZE, CREDIT.
        card.fault(4, fault);
        in_doubt(&present(&mut card, &mut sam, &mut store, 3));
        for _ in 0..2 {
            committed(&present(&mut card, &mut sam, &mut store, 3));
            assert_eq!((card.balance, store.pending().unwrap()), (yuan("51"), vec![]));
        }
    }
}

#[test]
fn who_is_not_on_the_list_or_has_another_share_gets_nothing() {
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let mut stranger = ModelCard::new(3, yuan("1"));
    assert_eq!(cause(&present(&mut stranger, &mut sam, &mut store, 3)), Cause::NoSubsidy);
    let mut card = ModelCard::new(1, yuan("1"));
    committed(&present(&mut card, &mut sam, &mut store, 3));
    let mut changed = subsidy(3);
    changed.cards.insert(serial(1), yuan("60"));
    let tap = subsidise(&mut card, &mut sam, &mut store, &changed, moment(8), None).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::OrderNumberTaken { amount, .. } if amount == yuan("50")));
    assert_eq!(card.balance, yuan("51"));
}

#[test]
fn no_two_subsidies_of_two_cards_share_an_order() {
    let last = ApplicationSerial::from_parts(99, 999, 9_999_999_999).unwrap();
    let mut orders = std::collections::BTreeSet::new();
    for number in [0, 1, SubsidyNumber::MAX] {
        for card in [serial(0), serial(1), last] {
            let order = SubsidyNumber::new(number).unwrap().order(card);
            assert!(order.0 >= OrderNumber::SUBSIDIES && orders.insert(order));
        }
    }
    assert_eq!(SubsidyNumber::new(SubsidyNumber::MAX + 1), None);
}
