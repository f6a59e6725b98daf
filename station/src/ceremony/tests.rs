//! Ceremonies that go well, and people and files that are refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use onecard_host::{
    crypto::Key,
    keys::{CheckValue, Cipher, Purpose, RootKeys},
};
use onecard_wire::{
    date::{Date, Moment, Time},
    key::{Algorithm, KeyVersion},
};
use rand::{SeedableRng, rngs::ChaCha20Rng};

use super::*;

fn moment() -> Moment {
    Moment { date: Date::parse("2026-11-02").unwrap(), time: Time::parse("09:30:00").unwrap() }
}

fn record(holders: usize, need: Option<u8>, random: &mut ChaCha20Rng) -> Record {
    let names = (1..=holders).map(|number| format!("holder {number}")).collect();
    let enterprise = "1000000000000001".parse().unwrap();
    Record::new(Plan::new(enterprise, KeyVersion(1), Cipher::TripleDes, names, need, random).unwrap(), moment())
}

/// A ceremony whose components are all made.
fn made(holders: usize, need: Option<u8>, seed: u64) -> (Record, Vec<Component>) {
    let random = &mut ChaCha20Rng::seed_from_u64(seed);
    let mut record = record(holders, need, random);
    let components = match need {
        Some(_) => record.deal(random).unwrap(),
        None => (1..=holders).map(|number| record.draw(&format!("holder {number}"), random).unwrap()).collect(),
    };
    components.iter().for_each(|component| record.note(component, HowKept::SealedFile, moment()));
    (record, components)
}

fn combined(record: &Record, components: &[Component]) -> Result<RootKeys, CombineError> {
    let mut combination = Combination::new(record);
    components.iter().try_for_each(|component| combination.add(component.clone()))?;
    Ok(combination.finish()?.roots(KeyVersion(1), Algorithm::Des)?)
}

/// A record that says these components were made.
fn of_values(values: &[[u8; 32]]) -> (Record, Vec<Component>) {
    let mut record = record(values.len(), None, &mut ChaCha20Rng::seed_from_u64(9));
    let components: Vec<_> = (1..).zip(values).map(|(number, value)| Component::new(number, *value)).collect();
    components.iter().for_each(|component| record.note(component, HowKept::Paper, moment()));
    (record, components)
}

#[test]
fn all_components_give_the_roots_in_any_order_and_fewer_give_none() {
    let (record, components) = made(3, None, 1);
    let roots = combined(&record, &components).unwrap();
    let mut turned = components.clone();
    turned.reverse();
    assert_eq!(combined(&record, &turned).unwrap(), roots);
    assert_eq!(combined(&record, &components[..2]), Err(CombineError::TooFew { missing: 1 }));
    let (other, others) = made(3, None, 2);
    assert_ne!(combined(&other, &others).unwrap(), roots);
}

#[test]
fn any_three_of_five_shares_give_the_same_roots_and_two_give_none() {
    let (record, shares) = made(5, Some(3), 1);
    let mut seen = Vec::new();
    for bits in 0_u8..32 {
        let chosen: Vec<_> =
            shares.iter().zip(0..).filter(|(_, at)| bits >> at & 1 == 1).map(|(s, _)| s.clone()).collect();
        match chosen.len() {
            0..=2 => assert!(matches!(combined(&record, &chosen), Err(CombineError::TooFew { .. }))),
            _ => seen.push(combined(&record, &chosen).unwrap()),
        }
    }
    assert_eq!(seen.len(), 16);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    // Two shares leave every base value possible: the same two with another third give another.
    let values: BTreeSet<_> = shares.iter().map(|share| *share.expose()).collect();
    assert_eq!(values.len(), 5);
}

#[test]
fn a_wrong_component_is_refused_and_its_holder_named() {
    let (record, components) = made(3, None, 1);
    let mut value = *components[1].expose();
    value[31] ^= 0x01;
    let wrong = Component::new(2, value);
    let mut combination = Combination::new(&record);
    combination.add(components[0].clone()).unwrap();
    let error = combination.add(wrong.clone()).unwrap_err();
    let recorded = components[1].check_value(record.plan());
    assert_eq!(
        error,
        CombineError::WrongComponent {
            holder: "holder 2".to_owned(),
            found: wrong.check_value(record.plan()),
            recorded
        }
    );
    // What was accepted stays accepted.
    assert_eq!(combination.missing(), 2);
    let again = combination.add(components[0].clone()).unwrap_err();
    assert_eq!(again, CombineError::Twice { holder: "holder 1".to_owned() });
    // The right bytes under another's number are another component.
    assert!(matches!(
        combination.add(Component::new(3, *components[1].expose())),
        Err(CombineError::WrongComponent { .. })
    ));
    assert_eq!(combination.add(Component::new(4, value)), Err(CombineError::NotMade { number: 4 }));
}

#[test]
fn identical_weak_and_cancelling_components_are_refused() {
    let other: [u8; 32] = core::array::from_fn(|at| u8::try_from(at).unwrap());
    let (record, components) = of_values(&[other, other]);
    let identical = CombineError::Identical { holder: "holder 2".to_owned(), other: "holder 1".to_owned() };
    assert_eq!(combined(&record, &components), Err(identical));
    for weak in [[0x00; 32], [0xFF; 32], [0x5A; 32]] {
        let (record, components) = of_values(&[other, weak]);
        assert_eq!(combined(&record, &components), Err(CombineError::Weak { holder: "holder 2".to_owned() }));
    }
    // The second, third and fourth cancel out: the first would know every key.
    let second: [u8; 32] = other.map(|byte: u8| byte.wrapping_mul(7));
    let third: [u8; 32] = other.map(|byte: u8| byte.wrapping_add(99));
    let fourth: [u8; 32] = core::array::from_fn(|at| second[at] ^ third[at]);
    let (record, components) = of_values(&[other, second, third, fourth]);
    assert_eq!(combined(&record, &components), Err(CombineError::KnownToOne { holder: "holder 1".to_owned() }));
    // Two that differ by one byte repeated.
    let (record, components) = of_values(&[other, other.map(|byte: u8| byte ^ 0x77)]);
    assert_eq!(combined(&record, &components), Err(CombineError::WeakResult(WeakBaseValue::Repeated)));
}

fn tac(roots: &RootKeys) -> &Key {
    roots.keys().key(Purpose::Tac, KeyVersion(1)).unwrap()
}

#[test]
fn a_second_combination_must_give_the_same_base_value() {
    let (mut record, components) = made(2, None, 1);
    let mut combination = Combination::new(&record);
    components.iter().for_each(|component| combination.add(component.clone()).unwrap());
    let base = combination.finish().unwrap();
    let roots = base.roots(KeyVersion(1), Algorithm::Des).unwrap();
    let store = || ("sealed file a".to_owned(), vec!["holder 1".to_owned()]);
    record.note_stored(&base, &roots, store(), moment()).unwrap();
    assert_eq!(combined(&record, &components).unwrap(), roots);
    assert_eq!(record.roots().len(), Purpose::ALL.len());
    // Under another cipher they are other roots, whatever the record's plan says by then.
    let others = base.roots(KeyVersion(1), Algorithm::Sm4).unwrap();
    let (noted, error) = (record.clone(), record.note_stored(&base, &others, store(), moment()).unwrap_err());
    assert_eq!((error.recorded, record == noted), (None, true));
    let changed = record.to_text().unwrap().replace(&CheckValue::of(tac(&roots)).to_string(), "000000");
    let error = Record::from_text(&changed).unwrap().agrees_with(&roots).unwrap_err();
    assert_eq!((error.purpose, error.recorded), (Purpose::Tac, Some(CheckValue([0; 3]))));
    // As if a component had been made anew behind the record's back.
    let other = Component::new(2, core::array::from_fn(|at| u8::try_from(at).unwrap()));
    record.note(&other, HowKept::SealedFile, moment());
    let result = combined(&record, &[components[0].clone(), other]);
    assert!(matches!(result, Err(CombineError::AnotherResult { .. })), "{result:?}");
}

#[test]
fn the_record_comes_back_from_its_file_and_holds_no_secret() {
    let (record, components) = made(3, None, 1);
    let text = record.to_text().unwrap();
    assert_eq!(Record::from_text(&text).unwrap(), record);
    let page = minutes_page(&record);
    for component in &components {
        let digits = hex::encode(component.expose());
        assert!(!text.to_lowercase().contains(&digits[..8]) && !page.to_lowercase().contains(&digits[..8]));
        assert!(page.contains(&component.check_value(record.plan()).to_string()));
    }
    for (from, to) in [
        (";2", ";1"),
        ("\"number\": 2", "\"number\": 3"),
        ("\"need\": 3", "\"need\": 1"),
        ("holder 3", "holder 1"),
        ("\"number\": 2", "\"number\": 4"),
        ("\"begun\"", "\"begin\""),
    ] {
        assert!(Record::from_text(&text.replacen(from, to, 1)).is_err(), "{from} to {to}");
    }
}

#[test]
fn who_may_make_a_component_and_when() {
    let random = &mut ChaCha20Rng::seed_from_u64(1);
    let (all, _) = made(2, None, 1);
    assert!(matches!(all.draw("holder 1", random), Err(NewComponentError::Made { .. })));
    let fresh = record(2, None, random);
    assert!(matches!(fresh.draw("somebody", random), Err(NewComponentError::NoHolder { .. })));
    assert_eq!(fresh.deal(random).unwrap_err(), NewComponentError::NotDealt);
    assert_eq!(fresh.still_to_make().collect::<Vec<_>>(), ["holder 1", "holder 2"]);
    let (dealt, _) = made(3, Some(2), 1);
    assert!(matches!(dealt.draw("holder 1", random), Err(NewComponentError::Dealt { need: 2, holders: 3 })));
    assert!(matches!(dealt.deal(random), Err(NewComponentError::Made { .. })));
}

#[test]
fn the_page_shows_names_as_they_are_typed() {
    let random = &mut ChaCha20Rng::seed_from_u64(1);
    let names = vec!["<b>张三</b> & \"co\"".to_owned(), "李四".to_owned()];
    let enterprise = "1000000000000001".parse().unwrap();
    let plan = Plan::new(enterprise, KeyVersion(1), Cipher::Sm4, names, None, random).unwrap();
    let page = minutes_page(&Record::new(plan, moment()));
    assert!(page.contains("&lt;b&gt;张三&lt;/b&gt; &amp; &quot;co&quot;") && !page.contains("<b>"));
    assert!(page.contains("not yet 尚未"));
}

#[test]
fn a_plan_that_was_changed_after_the_components_were_made_is_refused() {
    let (record, components) = made(3, None, 1);
    let text = record.to_text().unwrap();
    for (from, to) in [
        ("\"need\": 3", "\"need\": 2"),
        ("\"enterprise\": \"1000000000000001\"", "\"enterprise\": \"2000000000000002\""),
        ("\"version\": 1", "\"version\": 2"),
        ("\"3des\"", "\"sm4\""),
        ("holder 3", "holder three"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let changed = Record::from_text(&changed).unwrap();
        // Two of three, if two are enough now: as shares they would be interpolated, and the third would know nothing of it.
        let brought = &components[..usize::from(changed.plan().need())];
        assert!(matches!(combined(&changed, brought), Err(CombineError::WrongComponent { .. })), "{to}");
        let sealed = SealedComponent::new(record.plan(), "holder 1", &components[0]);
        assert!(sealed.is_of(record.plan()) && !sealed.is_of(changed.plan()), "{to}");
    }
}
