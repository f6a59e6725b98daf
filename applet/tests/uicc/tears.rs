//! The power cut in UPDATE BINARY, UPDATE RECORD and AUTHENTICATE: a file is old or new, and no challenge is fresh twice.

use hex_literal::hex;
use onecard_applet::PAGE_SIZE;

use super::{
    authentication::{KEYS, SQN_64, challenge},
    sim::{Chip, DATA, PIN1, Phone, delivered},
};

fn unlocked(chip: &Chip) -> Phone {
    let mut sim = Phone::insert(chip.clone());
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    sim
}

/// Cuts a command at every operation and byte, then the recovery at every operation. `prepare` stands in front of it; every
/// memory that is left is looked at, and is that of before or that of after.
fn sweep<S: PartialEq + std::fmt::Debug>(
    chip: &Chip,
    prepare: impl Fn(&Chip) -> Phone,
    command: &[u8],
    look: impl Fn(&Chip) -> S,
) {
    let before = look(chip);
    let mut whole = prepare(chip);
    let first = whole.chip.0.borrow().operations;
    whole.ok(command);
    let done = whole.remove();
    let (after, operations) = (look(&done), done.operations - first);
    assert_ne!(before, after);
    let mut ends = [0; 2];
    for operation in 0..operations {
        for landing in 0..=PAGE_SIZE {
            let mut sim = prepare(chip);
            {
                let mut chip = sim.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            assert!(sim.try_send(command).is_err(), "an answer after the power went");
            let torn = sim.remove();
            let seen = look(&torn);
            let end = [&before, &after].iter().position(|end| **end == seen);
            ends[end.unwrap_or_else(|| panic!("operation {operation}, {landing} bytes: {seen:02X?}"))] += 1;
            for recovery in 0.. {
                let again = Chip { operations_left: recovery, landing: landing % 7, ..torn.clone() };
                match Phone::try_insert(again) {
                    Ok(_) => break,
                    Err(chip) => assert_eq!(look(&Chip { operations_left: usize::MAX, ..chip }), seen),
                }
            }
        }
    }
    assert!(ends.iter().all(|end| *end > 0), "{ends:?}");
}

fn with_file(directory: u16, fid: u16) -> impl Fn(&Chip) -> Phone {
    move |chip| {
        let mut sim = unlocked(chip);
        if directory == 0x7FFF {
            drop(sim.select_usim())
        } else {
            drop(sim.select(directory))
        }
        sim.select(fid);
        sim
    }
}

/// What every record says, or the whole body.
fn content(directory: u16, fid: u16, records: u8) -> impl Fn(&Chip) -> Vec<Vec<u8>> {
    move |chip| {
        let mut sim = with_file(directory, fid)(chip);
        if records == 0 {
            return vec![sim.ok(&hex!("00B0000000"))];
        }
        (1..=records).map(|number| sim.ok(&[0x00, 0xB2, number, 0x04, 0x00])).collect()
    }
}

#[test]
fn update_binary() {
    let chip = delivered(&DATA);
    let update = [&hex!("00D6000021")[..], &(1..=33).collect::<Vec<u8>>()].concat();
    sweep(&chip, with_file(0x7FFF, 0x6F08), &update, content(0x7FFF, 0x6F08, 0));
}

#[test]
fn update_record() {
    let chip = delivered(&DATA);
    let update = [&hex!("00DC0304B0")[..], &[0x5A; 176]].concat();
    sweep(&chip, with_file(0x7F10, 0x6F3C), &update, content(0x7F10, 0x6F3C, 10));
}

/// The record and which of them is the newest, in one.
#[test]
fn update_record_of_a_cyclic_file() {
    let mut sim = with_file(0x7F10, 0x6F44)(&delivered(&DATA));
    for number in 1..=6_u8 {
        sim.ok(&[&hex!("00DC00031C")[..], &[number; 28]].concat());
    }
    let update = [&hex!("00DC00031C")[..], &[7; 28]].concat();
    sweep(&sim.remove(), with_file(0x7F10, 0x6F44), &update, content(0x7F10, 0x6F44, 5));
}

/// Keys that left the card never leave it again for the same challenge; one that got no answer may be tried again.
#[test]
fn a_sequence_number_is_accepted_once_whatever_is_cut() {
    let in_usim = |chip: &Chip| {
        let mut sim = unlocked(chip);
        sim.select_usim();
        sim
    };
    let accepts = |chip: &Chip| {
        let mut sim = in_usim(chip);
        let answer = sim.ok(&challenge(&SQN_64));
        assert!(answer == KEYS || answer[..2] == hex!("DC0E"));
        let accepted = answer == KEYS;
        // Accepted or not, it is so no more, and not after the next power-off.
        assert_eq!(sim.ok(&challenge(&SQN_64))[..2], hex!("DC0E"));
        assert_eq!(in_usim(&sim.remove()).ok(&challenge(&SQN_64))[..2], hex!("DC0E"));
        accepted
    };
    sweep(&delivered(&DATA), in_usim, &challenge(&SQN_64), accepts);
}
