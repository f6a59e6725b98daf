//! Listed cards: refused before INITIALIZE, marked, and never a way out of a doubt.

use ed25519_dalek::SigningKey;
use onecard_wire::{ins, record::CardStatus, status::StatusWord};

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::{
    blacklist::{Blacklist, ListSigner, ListVersion},
    sam::SamError,
};

const LIST: ListVersion = ListVersion([0x20, 0x26, 0x11, 0x22, 0x08, 0x00, 0x00]);

fn list_of(enterprise: EnterpriseId, cards: &[u64]) -> Blacklist {
    let signer = ListSigner::new(enterprise, SigningKey::from_bytes(&[3; 32]));
    let bytes = signer.whole(LIST, cards.iter().map(|card| serial(*card))).unwrap();
    Blacklist::received(&bytes, enterprise, &signer.key()).unwrap()
}

fn initialized(card: &ModelCard) -> bool {
    card.seen.iter().any(|command| command[1] == 0x50)
}

#[test]
fn a_listed_card_neither_pays_nor_is_loaded_and_is_marked() {
    let (list, mut store) = (list_of(enterprise(), &[1]), InMemoryStore::new());
    for loads in [false, true] {
        let mut card = ModelCard::new(1, yuan("100"));
        let mut sam = whole_sam();
        let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
        let tap = match loads {
            true => recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")),
            false => purchase(&mut card, &mut sam, &mut store, &sale(1, "10")),
        };
        assert_eq!(cause(&tap.unwrap().outcome), Cause::Listed { version: LIST, unmarked: None });
        assert!(!initialized(&card));
        assert_eq!((card.balance, store.pending().unwrap()), (yuan("100"), vec![]));
        assert_eq!((card.parameters.status, card.parameters.blacklist_version), (CardStatus::LOST, LIST.0));
    }
    let mut other = ModelCard::new(2, yuan("100"));
    let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
    committed(&purchase(&mut other, &mut whole_sam(), &mut store, &sale(2, "10")).unwrap().outcome);
    assert_eq!(other.parameters.status, CardStatus::NORMAL);
}

#[test]
fn a_card_that_is_not_marked_is_refused_all_the_same() {
    let list = list_of(enterprise(), &[1]);
    // GET CHALLENGE or UPDATE BINARY is lost, refused, or answered by noise; then a till without the marking key.
    let faults = [
        (1, Fault::LostCommand),
        (1, Fault::Forged(vec![0x69, 0x83])),
        (1, Fault::Forged(vec![0x90, 0x00])),
        (2, Fault::LostCommand),
        (2, Fault::LostAnswer),
        (2, Fault::Forged(vec![0x69, 0x88])),
        (2, Fault::Forged(vec![0x6A, 0x82])),
    ];
    for (at, fault) in faults {
        let mut card = ModelCard::new(1, yuan("100"));
        let mut store = InMemoryStore::new();
        card.fault(at, fault.clone());
        let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
        let tap = purchase(&mut card, &mut whole_sam(), &mut store, &sale(1, "10")).unwrap();
        let Cause::Listed { version: LIST, unmarked: Some(_) } = cause(&tap.outcome) else {
            panic!("{fault:?}: {tap:?}")
        };
        assert!(!initialized(&card));
        let marked = fault == Fault::LostAnswer;
        assert_eq!(card.parameters.status == CardStatus::LOST, marked, "{fault:?}");
    }
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
    let tap = purchase(&mut card, &mut sam(&[Purpose::Purchase]), &mut store, &sale(1, "10")).unwrap();
    let unmarked = Some(MarkError::Keeper(SamError::NoSuchKey));
    assert_eq!(cause(&tap.outcome), Cause::Listed { version: LIST, unmarked });
}

/// The card's maintenance key is the SAM's older one, its newer one, or none of its.
#[test]
fn the_marking_keys_are_tried_until_the_cards_own_is_found() {
    let list = list_of(enterprise(), &[1]);
    let (own, other) = (master(Purpose::Maintenance), master(Purpose::Load));
    for (older, newer, marks, own_parts) in [
        (&own, &other, 2, true),
        (&other, &own, 1, true),
        (&other, &other, 2, true),
        // A card as bought counts wrong MACs: it is tried once.
        (&own, &other, 1, false),
    ] {
        let set = KeySet::default().with(Purpose::Maintenance, VERSION, older.clone());
        let set = set.with(Purpose::Maintenance, KeyVersion(VERSION.0 + 1), newer.clone());
        let set = set.with(Purpose::Purchase, VERSION, master(Purpose::Purchase));
        let mut sam = SoftwareSam::new(EnterpriseKeys::new(enterprise(), set), VERSION, whole_sam().state().clone());
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        if !own_parts {
            card.public_data.version = 1;
        }
        let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
        let tap = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap();
        let marked = *newer == own || *older == own && own_parts;
        let unmarked = (!marked).then_some(MarkError::Refused(StatusWord::SM_DATA_WRONG));
        assert_eq!(cause(&tap.outcome), Cause::Listed { version: LIST, unmarked });
        assert_eq!(card.parameters.status == CardStatus::LOST, marked);
        assert_eq!(card.seen.iter().filter(|command| command[1] == ins::UPDATE_BINARY).count(), marks);
    }
}

#[test]
fn what_a_listed_card_did_before_is_found_out_first() {
    let list = list_of(enterprise(), &[1]);
    for (fault, executed) in [(Fault::LostAnswer, true), (Fault::LostCommand, false)] {
        for same_order in [true, false] {
            let (mut card, mut sam) = (ModelCard::new(1, yuan("100")), whole_sam());
            let mut journal = InMemoryStore::new();
            card.fault(2, fault.clone());
            in_doubt(&purchase(&mut card, &mut sam, &mut journal, &sale(1, "10")).unwrap().outcome);
            let mut store = WithBlacklist { store: &mut journal, blacklist: Some(&list) };
            let order = sale(if same_order { 1 } else { 2 }, "10");
            let tap = purchase(&mut card, &mut sam, &mut store, &order).unwrap();
            match (same_order, executed) {
                (true, true) => drop(committed(&tap.outcome)),
                _ => assert_eq!(cause(&tap.outcome), Cause::Listed { version: LIST, unmarked: None }),
            }
            if !same_order {
                assert!(
                    matches!((&tap.earlier[..], executed), ([earlier], true) if matches!(earlier.outcome, Outcome::Committed(_)))
                        || matches!((&tap.earlier[..], executed), ([earlier], false) if matches!(earlier.outcome, Outcome::NotCommitted(_)))
                );
            }
            assert_eq!(store.pending().unwrap(), []);
            let settled = if executed { 1 } else { 0 };
            assert_eq!(journal.settlement().count(), settled);
            assert_eq!(card.balance, if executed { yuan("90") } else { yuan("100") });
        }
    }
}

#[test]
fn the_list_of_another_enterprise_lists_none_of_ours() {
    let list = list_of("2000000000000002".parse().unwrap(), &[1]);
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut store = WithBlacklist { store: &mut store, blacklist: Some(&list) };
    committed(&purchase(&mut card, &mut whole_sam(), &mut store, &sale(1, "10")).unwrap().outcome);
}
