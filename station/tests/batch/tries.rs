//! Bought cards: a control key of 15 tries, and no list of keys. This project's applet allows 65,535, and lists.

use onecard_host::{
    crypto::{DesKey, LineKey},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
};
use onecard_station::{
    batch::{Craft, Found, Job, Setback, Unfinished},
    craft::CpuCardCraft,
    numbers::Number,
};
use onecard_wire::ins;

use crate::school::{School, blanks};

const ALL: u8 = 15;

/// The card behind its counter, which loses its last two tries to nobody.
struct AsBought<'c> {
    reader: &'c mut Reader,
    left: u8,
}

impl Transport for AsBought<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match command {
            [_, ins::GET_DATA, ..] => return Ok(vec![0x6D, 0x00]),
            [_, ins::EXTERNAL_AUTHENTICATE, ..] => {}
            _ => return self.reader.transmit(command),
        }
        let answer = self.reader.transmit(command)?;
        if answer != [0x63, 0xCF] {
            return Ok(answer);
        }
        assert!(self.left > 2, "the last two tries are the owner's");
        self.left -= 1;
        Ok(vec![0x63, 0xC0 | self.left])
    }
}

/// A card of that number, pulled at one exchange of its making; `None` if its making was over before.
fn torn(craft: &CpuCardCraft<'_>, job: &Job, at: u64) -> Option<Chip> {
    let mut reader = Reader::insert(blanks(1).next().unwrap());
    reader.fail_at(at, Fault::LostCommand);
    craft.make(&mut reader, job, DesKey::TRANSPORT.into()).err()?;
    Some(reader.remove())
}

fn looked_at(craft: &CpuCardCraft<'_>, chip: &Chip, begun: &[Number]) -> (Result<Found<LineKey>, Setback>, u8) {
    let mut reader = Reader::insert(chip.snapshot());
    let mut card = AsBought { reader: &mut reader, left: ALL };
    (craft.look(&mut card, &Unfinished::new(begun.to_vec(), Vec::new())), card.left)
}

#[test]
fn every_begun_card_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(12, folder.path());
    let (orders, series) = (school.orders(), &school.profile.series);
    let craft = CpuCardCraft { keys: &school.keys, orders: &orders, series };
    let job = |number| {
        let number = Number(number);
        Job { row: school.list.rows[0].0, number, serial: series.serial(number).unwrap() }
    };
    // The last begun is tried first: number 1 comes after all the others.
    let [twelve, eleven, six] = [12, 11, 6].map(|count| (1..=count).rev().map(Number).collect::<Vec<_>>());
    let whole = torn(&craft, &job(1), 40).unwrap();
    let (Ok(Found::Begun(Number(1), control)), left) = looked_at(&craft, &whole, &twelve) else { panic!("not found") };
    assert_eq!(left, 3);
    assert!(matches!(
        looked_at(&craft, &torn(&craft, &job(12), 40).unwrap(), &twelve).0,
        Ok(Found::Begun(Number(12), _))
    ));

    let (mut blank, mut by_first_key, mut by_control_key) = (0, 0, 0);
    for at in 0.. {
        let Some(chip) = torn(&craft, &job(1), at) else { break };
        // Both keys of six numbers are tried; of eleven the real ones.
        let opening = match looked_at(&craft, &chip, &six).0 {
            Ok(Found::Begun(Number(1), opening)) => opening,
            Ok(Found::Blank(_)) => {
                blank += 1;
                continue;
            }
            // It tells its number.
            Ok(Found::Whole(Number(1), Some(_))) => continue,
            other => panic!("{at}: {other:?}"),
        };
        match looked_at(&craft, &chip, &eleven).0 {
            Ok(Found::Begun(Number(1), found)) => {
                by_control_key += 1;
                assert!(found == opening && found == control, "{at}");
            }
            Err(Setback::NotOurs(text)) => {
                by_first_key += 1;
                assert!(opening != control && text.contains("of 11 begun numbers 12 keys were tried"), "{at}: {text}");
            }
            other => panic!("{at}: {other:?}"),
        }
    }
    println!("{blank} blank, {by_first_key} under the first key, {by_control_key} under the real one");
    // The challenge for the command that washes the first key, and that command.
    assert!(blank > 3 && by_first_key == 2 && by_control_key > 30, "{blank} {by_first_key} {by_control_key}");
}

/// The card that was in the reader when the station died, wherever it was torn: its number is the last begun.
#[test]
fn the_last_begun_card_is_found_by_either_key_however_many_are_begun() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(12, folder.path());
    let (orders, series) = (school.orders(), &school.profile.series);
    let craft = CpuCardCraft { keys: &school.keys, orders: &orders, series };
    for count in [12, 40] {
        let begun: Vec<_> = (1..=count).rev().map(Number).collect();
        let last = Number(count);
        let job = Job { row: school.list.rows[0].0, number: last, serial: series.serial(last).unwrap() };
        let (mut openings, mut found) = (Vec::new(), 0);
        for at in 0.. {
            let Some(chip) = torn(&craft, &job, at) else { break };
            match looked_at(&craft, &chip, &begun).0 {
                Ok(Found::Begun(number, opening)) if number == last => {
                    found += 1;
                    openings.extend((!openings.contains(&opening)).then_some(opening));
                }
                Ok(Found::Blank(_)) => {}
                Ok(Found::Whole(number, Some(_))) if number == last => {}
                other => panic!("{count} {at}: {other:?}"),
            }
        }
        assert!(found > 30 && openings.len() == 2, "{count}: {found} {openings:?}");
    }
}

/// By whatever number, and in whatever state, it keeps two tries.
#[test]
fn a_card_of_none_of_the_begun_numbers_keeps_two_tries() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    let (orders, series) = (school.orders(), &school.profile.series);
    let craft = CpuCardCraft { keys: &school.keys, orders: &orders, series };
    let number = Number(99);
    let job = Job { row: school.list.rows[0].0, number, serial: series.serial(number).unwrap() };
    let chip = torn(&craft, &job, 40).unwrap();
    for (begun, keys) in [(3, 3), (12, 12), (40, 12)] {
        let begun: Vec<_> = (1..=begun).map(Number).collect();
        let (refused, left) = looked_at(&craft, &chip, &begun);
        let Err(Setback::NotOurs(text)) = refused else { panic!("{refused:?}") };
        assert_eq!(left, ALL - 1 - keys, "{text}");
        assert_eq!(text.contains("2 tries are left"), left == 2, "{text}");
    }
}
