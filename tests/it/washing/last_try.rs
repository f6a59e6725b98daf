//! Specification 11.4.7: no key is tried with its last try. [`Metered`](super::tries::Metered) panics when one is.

use onecard_host::{
    issuing::{Cause, Known, Note, Reached},
    key_store::{SoftwareStore, StoreError},
    keys::EnterpriseKeys,
};
use onecard_simulator::{chip::Chip, reader::Fault, sample::Sample};
use onecard_wire::{key::Algorithm, number::EnterpriseId};

use super::stand::{Kind, Stand};

/// The keys of another ceremony: neither control key of the cards here.
fn others_store() -> SoftwareStore {
    SoftwareStore::new(Sample::with_algorithm("another ceremony", Algorithm::Des).unwrap().keys().clone())
}

fn washed(stand: &Stand) -> Chip {
    let mut reader = stand.insert(stand.operators());
    stand.second_wash(&mut reader, Known::default()).0.unwrap();
    reader.remove()
}

/// As a station with a journal of notes finds the card after its control key was replaced and nothing else.
fn torn_after_its_control_key(stand: &Stand) -> Chip {
    let operators = stand.operators();
    (0..)
        .find_map(|at| {
            let mut reader = stand.insert(operators.snapshot());
            reader.fail_at(at, Fault::Removed);
            let (_, notes) = stand.second_wash(&mut reader, Known::default());
            (notes.reached == Some(Reached::Keys(0))).then(|| reader.remove())
        })
        .unwrap()
}

#[test]
fn a_first_wash_spends_no_try_of_a_card_that_shows_it_is_the_enterprises() {
    for kind in Kind::FOUNDED {
        let stand = Stand::new(kind, Algorithm::Des);
        let mut cards = vec![washed(&stand)];
        if kind != Kind::AsBought {
            // Only the list tells, by how often the key was replaced.
            cards.push(torn_after_its_control_key(&stand));
        }
        for chip in cards {
            let mut reader = stand.insert(chip);
            for _ in 0..3 {
                let spent = stand.tries.spent.get();
                let (refused, notes) = stand.operators_wash(&mut reader, Known::default());
                assert_eq!(refused.unwrap_err().cause, Cause::EnterprisesAlready, "{kind:?}");
                assert_eq!((stand.tries.spent.get(), notes), (spent, Known::default()), "{kind:?}");
                reader.tap();
            }
            // What is there was not harmed.
            stand.second_wash(&mut reader, Known::default()).0.unwrap();
        }
    }
}

/// Without a list a card whose control key alone was washed shows nothing, and the station remembers what it has spent.
#[test]
fn a_first_wash_without_a_list_spends_what_it_has_noted_and_stops() {
    for kind in [Kind::AsBought, Kind::Sam] {
        spends_what_it_has_noted_and_stops(kind);
    }
}

fn spends_what_it_has_noted_and_stops(kind: Kind) {
    let mut stand = Stand::new(kind, Algorithm::Des);
    let torn = torn_after_its_control_key(&stand);
    stand.lists = false;
    let mut reader = stand.insert(torn);
    let before = stand.tries.spent.get();
    let mut known = Known::default();
    for presentation in 0..20 {
        let (refused, notes) = stand.operators_wash(&mut reader, known);
        let cause = refused.unwrap_err().cause;
        assert_eq!(cause == Cause::LastTry, presentation > 5, "{kind:?} {presentation}: {cause}");
        known = notes;
        reader.tap();
    }
    assert_eq!((known.guesses, stand.tries.spent.get() - before), (13, 13));
    assert_eq!(stand.tries.left.get(), 2);
    // The second wash counts on.
    let (refused, _) = stand.second_wash_by(&mut others_store(), &mut reader, known);
    assert_eq!(refused.unwrap_err().cause, Cause::LastTry);
    assert_eq!(stand.tries.left.get(), 2);
    // By its own journal it is finished without a guess too many.
    let known = Known { reached: Some(Reached::Keys(0)), guesses: 12, ..Known::default() };
    reader.tap();
    let (done, notes) = stand.second_wash(&mut reader, known);
    done.unwrap();
    assert_eq!((notes.reached, notes.guesses), (Some(Reached::Good), 0));
}

/// A card that was tried elsewhere says so in its answer, and the count follows it.
#[test]
fn what_the_card_says_of_its_tries_is_noted() {
    let stand = Stand::new(Kind::AsBought, Algorithm::Des);
    let mut reader = stand.insert(torn_after_its_control_key(&stand));
    for left in [2, 3, 4] {
        stand.tries.left.set(left);
        let (refused, notes) = stand.operators_wash(&mut reader, Known::default());
        refused.unwrap_err();
        assert!(notes.guesses >= 13, "{notes:?}");
        let after = stand.tries.left.get();
        reader.tap();
        let (refused, _) = stand.operators_wash(&mut reader, notes);
        assert_eq!(refused.unwrap_err().cause, Cause::LastTry);
        assert_eq!(stand.tries.left.get(), after);
        reader.tap();
    }
}

/// The operator's own card goes on with two tries and not with one, and its counter comes back.
#[test]
fn a_first_wash_begun_again_keeps_the_last_try_of_the_list() {
    for kind in [Kind::CpuCard, Kind::Sam] {
        let stand = Stand::new(kind, Algorithm::Des);
        let mut reader = stand.insert(stand.operators());
        stand.tries.left.set(1);
        let (refused, _) = stand.operators_wash(&mut reader, Known::default());
        assert_eq!(refused.unwrap_err().cause, Cause::LastTry, "{kind:?}");
        reader.tap();
        stand.tries.left.set(2);
        let written = stand.tries.written.get();
        stand.operators_wash(&mut reader, Known::default()).0.unwrap();
        assert_eq!(stand.tries.left.get(), 15, "{kind:?}");
        // Keys that are there are not written again, in the MF neither.
        assert_eq!(stand.tries.written.get(), written, "{kind:?}");
    }
}

/// A station that has the wrong keys, presented the same card for ever, from an even and an odd number of tries.
#[test]
fn a_second_wash_keeps_the_last_try_of_the_list() {
    for kind in [Kind::CpuCard, Kind::RfidSim, Kind::Sam] {
        for left in [15, 14] {
            let stand = Stand::new(kind, Algorithm::Des);
            let mut reader = stand.insert(stand.operators());
            stand.tries.left.set(left);
            for presentation in 0..12 {
                let (refused, _) = stand.second_wash_by(&mut others_store(), &mut reader, Known::default());
                let cause = refused.unwrap_err().cause;
                let expected =
                    if presentation < 7 - u32::from(left == 14) { Cause::NeitherKey } else { Cause::LastTry };
                assert_eq!(cause, expected, "{kind:?} {left} {presentation}");
                reader.tap();
            }
            assert_eq!(stand.tries.left.get(), 1, "{kind:?} {left}");
        }
        // The list shows whose the control key is, and not that this station has it.
        let stand = Stand::new(kind, Algorithm::Des);
        let mut reader = stand.insert(washed(&stand));
        for presentation in 0..16 {
            let (refused, _) = stand.second_wash_by(&mut others_store(), &mut reader, Known::default());
            let expected = if presentation < 14 { Cause::NeitherKey } else { Cause::LastTry };
            assert_eq!(refused.unwrap_err().cause, expected, "{kind:?} {presentation}");
            reader.tap();
        }
    }
}

/// Whatever the station believes of the card, as long as it keeps its guesses.
#[test]
fn a_second_wash_without_a_list_stops_after_13_guesses() {
    let believed =
        [None, Some(Reached::Operator), Some(Reached::ControlSent), Some(Reached::Keys(0)), Some(Reached::Keys(3))];
    for reached in believed {
        for chip in [Stand::operators, torn_after_its_control_key, washed] {
            let stand = Stand::new(Kind::AsBought, Algorithm::Des);
            let mut reader = stand.insert(chip(&stand));
            let before = stand.tries.spent.get();
            let mut guesses = 0;
            for _ in 0..20 {
                let known = Known { reached, guesses, ..Known::default() };
                let (refused, notes) = stand.second_wash_by(&mut others_store(), &mut reader, known);
                refused.unwrap_err();
                guesses = notes.guesses;
                reader.tap();
            }
            let spent = stand.tries.spent.get() - before;
            assert_eq!((spent, guesses), (13, 13), "{reached:?}");
        }
    }
}

/// The note comes before the command: a station that lost its answer knows that either key may be there.
#[test]
fn the_control_key_is_noted_before_it_is_sent() {
    for kind in Kind::ALL {
        let stand = Stand::new(kind, Algorithm::Des);
        let operators = stand.operators();
        // Without a list and a journal the new key is tried first.
        let before = Known { reached: (kind == Kind::AsBought).then_some(Reached::Operator), ..Known::default() };
        let mut notes = Vec::new();
        for at in 0..40 {
            let mut reader = stand.insert(operators.snapshot());
            let written = stand.tries.written.get();
            reader.fail_at(at, Fault::LostAnswer);
            let (_, known) = stand.second_wash(&mut reader, before);
            if stand.tries.written.get() == written {
                notes.push(known.reached);
            }
        }
        // The last of these lost the answer to the first WRITE KEY, which nobody has counted.
        assert_eq!(notes.last(), Some(&Some(Reached::ControlSent)), "{kind:?}");
        assert_eq!(notes.first(), Some(&before.reached), "{kind:?}");
    }
}

/// A journal of the card that this one took the place of: the operator's key is there, and so no other.
#[test]
fn a_journal_that_is_ahead_of_its_card_leaves_no_key_out() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4] {
        let stand = Stand::new(Kind::AsBought, algorithm);
        let undisturbed = washed(&stand);
        for keys in [0, 1, 5, 17] {
            let mut reader = stand.insert(stand.operators());
            let known = Known { reached: Some(Reached::Keys(keys)), ..Known::default() };
            let (done, notes) = stand.second_wash(&mut reader, known);
            done.unwrap();
            assert_eq!(notes.reached, Some(Reached::Good));
            assert_eq!(stand.portrait(&reader.remove(), false), stand.portrait(&undisturbed, false), "{keys}");
        }
    }
}

#[test]
fn the_keys_of_another_enterprise_are_not_asked_for() {
    let stand = Stand::new(Kind::CpuCard, Algorithm::Des);
    let mut reader = stand.insert(stand.operators());
    let other: EnterpriseId = "1000000000000002".parse().unwrap();
    assert_ne!(stand.keys().enterprise(), other);
    let mut store = SoftwareStore::new(EnterpriseKeys::new(other, stand.keys().keys().clone()));
    let before = reader.exchanges();
    let (refused, notes) = stand.second_wash_by(&mut store, &mut reader, Known::default());
    assert_eq!(refused.unwrap_err().cause, Cause::Store(StoreError::OtherEnterprise(other)));
    assert_eq!((reader.exchanges(), notes), (before, Known::default()), "nothing was sent");
}

/// A key that shows itself gives the tries back, and the count begins anew; what was only sent does not.
#[test]
fn what_ends_a_row_of_guesses() {
    let known = Known { guesses: 5, ..Known::default() };
    let after = |reached| known.with(Note::Reached(reached)).guesses;
    for sent in [Reached::ControlSent, Reached::ContentsSent] {
        assert_eq!(after(sent), 5);
    }
    assert_eq!(known.with(Note::Guess).guesses, 6);
    for shown in [Reached::Operator, Reached::Keys(0), Reached::Contents, Reached::Good] {
        assert_eq!(after(shown), 0, "{shown:?}");
    }
}

/// A number whose card may be whole in somebody's pocket is not washed onto another, by whatever order, and no try is spent on it.
#[test]
fn a_number_whose_card_may_be_whole_goes_to_no_other() {
    for kind in Kind::ALL {
        let stand = Stand::new(kind, Algorithm::Des);
        let operators = stand.operators();
        let mut whole = 0;
        for at in 0.. {
            let mut reader = stand.insert(operators.snapshot());
            reader.fail_at(at, Fault::LostAnswer);
            let (stopped, notes) = stand.second_wash(&mut reader, Known::default());
            if stopped.is_ok() {
                break;
            }
            // Pulled away; the next card of the stack comes to that number.
            let mut another = stand.insert(operators.snapshot());
            let of_other_order = Known { reached: None, ..notes };
            for known in [notes, of_other_order] {
                let exported = stand.tries.written.get();
                let (washed, _) = stand.second_wash(&mut another, known);
                assert_eq!(washed.is_err(), notes.may_be_whole, "{kind:?} {at}");
                if notes.may_be_whole {
                    let key_list = kind != Kind::AsBought;
                    assert!(!key_list || washed.unwrap_err().cause == Cause::AnotherCard, "{kind:?} {at}");
                    assert!(!key_list || stand.tries.written.get() == exported, "{kind:?} {at}");
                }
                another = stand.insert(operators.snapshot());
            }
            whole += u32::from(notes.may_be_whole);
            // The card itself goes on.
            reader.tap();
            stand.second_wash(&mut reader, notes).0.unwrap();
        }
        assert!(whole > 3, "{kind:?} {whole}");
    }
}
