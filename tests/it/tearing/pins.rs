//! The commands that set a new PIN: it is the old one or the new one, and no cut gives a guesser a try back.

use onecard_host::{
    card::{Pin, change_pin, reload_pin, select, unblock_pin, verify_pin},
    crypto::LineKey,
    keys::Purpose,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::world::World;
use onecard_wire::aid;

use super::sweep::{Fate, Flow, Recoveries};

fn new_pin() -> Pin {
    Pin::from_digits("8642").unwrap()
}

fn wrong_pin() -> Pin {
    Pin::from_digits("9999").unwrap()
}

/// The PIN is entered once on a copy of the chip, after `wrong` wrong ones.
fn is_right(chip: &Chip, pin: &Pin, wrong: usize) -> bool {
    let mut card = Reader::insert(chip.snapshot());
    let selected = select(&mut card, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
    for _ in 0..wrong {
        assert!(verify_pin(&mut card, &selected, &wrong_pin()).is_err());
    }
    verify_pin(&mut card, &selected, pin).is_ok()
}

/// Wrong PINs after which the right one is still taken, and one more.
fn tries(chip: &Chip, pin: &Pin) -> Option<usize> {
    (0..=3).take_while(|wrong| is_right(chip, pin, *wrong)).last().map(|wrong| wrong + 1)
}

/// The old PIN's tries, and the new one's, of whichever is right.
fn standing(chip: &Chip) -> (Option<usize>, Option<usize>) {
    (tries(chip, &World::shared().pin()), tries(chip, &new_pin()))
}

/// A card with one wrong PIN behind it.
fn card() -> Chip {
    let chip = World::shared().card(0).unwrap();
    let mut card = Reader::insert(chip);
    let selected = select(&mut card, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
    assert!(verify_pin(&mut card, &selected, &wrong_pin()).is_err());
    card.remove()
}

/// `judge` is given [`standing`], and how many programming operations were completed.
fn sweep(
    name: &str,
    replace: &dyn Fn(&mut Reader) -> Option<()>,
    judge: &dyn Fn((Option<usize>, Option<usize>), u64) -> Option<Fate>,
    expected: &[Fate],
) {
    let chip = card();
    assert_eq!(standing(&chip), (Some(2), None));
    let run = |chip: Chip| {
        let mut card = Reader::insert(chip);
        let answered = replace(&mut card).is_some();
        let chip = card.remove();
        let operations = chip.operations();
        (chip, (answered, operations))
    };
    let judge = |chip: Chip, (answered, operations): &(bool, u64)| {
        let now = standing(&chip);
        let fate = judge(now, *operations).unwrap_or_else(|| panic!("{name}: {now:?} after {operations} operations"));
        assert!(!answered || fate == Fate::Finished, "{name}: an answer was heard");
        fate
    };
    Flow { name, chip: &chip, run: &run, judge: &judge, recoveries: Recoveries::Twice }.sweep(expected);
}

fn old_or_new(standing: (Option<usize>, Option<usize>), _: u64) -> Option<Fate> {
    match standing {
        (Some(2), None) => Some(Fate::NotBegun),
        (None, Some(3)) => Some(Fate::Finished),
        _ => None,
    }
}

/// Programming operations that spend a try.
const SPENDING: u64 = 2;

/// The old PIN is compared as by VERIFY: spent before, given back after. Only then is the new one written.
#[test]
fn a_change_of_the_pin_is_torn_everywhere() {
    let judge = |standing, operations| match standing {
        (Some(2), None) if operations < SPENDING => Some(Fate::NotBegun),
        // The try is spent, or given back with the others: the old PIN was right.
        (Some(1 | 3), None) => Some(Fate::Half),
        (None, Some(3)) => Some(Fate::Finished),
        _ => None,
    };
    let change = |card: &mut Reader| {
        let selected = select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()?;
        change_pin(card, &selected, &World::shared().pin(), &new_pin()).ok()
    };
    sweep("CHANGE PIN", &change, &judge, &[Fate::NotBegun, Fate::Finished, Fate::Half]);
}

/// A wrong old PIN costs a try and changes nothing, however it is torn.
#[test]
fn a_change_by_a_wrong_pin_costs_a_try_however_it_is_torn() {
    let judge = |standing, _| match standing {
        (Some(2), None) => Some(Fate::NotBegun),
        (Some(1), None) => Some(Fate::Finished),
        _ => None,
    };
    let change = |card: &mut Reader| {
        let selected = select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()?;
        assert!(change_pin(card, &selected, &wrong_pin(), &new_pin()).is_err());
        None
    };
    sweep("CHANGE PIN, wrong PIN", &change, &judge, &[Fate::NotBegun, Fate::Finished]);
}

#[test]
fn a_reload_of_the_pin_is_torn_everywhere() {
    let key = World::shared().card_key(0, Purpose::PinReload).unwrap();
    let reload = |card: &mut Reader| {
        let selected = select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()?;
        reload_pin(card, &selected, &new_pin(), &key).ok()
    };
    sweep("RELOAD PIN", &reload, &old_or_new, &[Fate::NotBegun, Fate::Finished]);
}

#[test]
fn an_unblock_of_the_pin_is_torn_everywhere() {
    let key = LineKey::from(World::shared().card_key(0, Purpose::PinUnblock).unwrap());
    let unblock = |card: &mut Reader| {
        let selected = select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()?;
        unblock_pin(card, &selected, &new_pin(), &key).ok()
    };
    sweep("PIN UNBLOCK", &unblock, &old_or_new, &[Fate::NotBegun, Fate::Finished]);
}
