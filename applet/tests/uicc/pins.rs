//! PINs: tries, blocking, unblocking, and the power cut at every operation of every command on them.

use onecard_applet::PAGE_SIZE;

use super::sim::{ADM1, Chip, DATA, PIN1, PIN2, PUK1, PUK2, Phone, delivered};

const VERIFY: u8 = 0x20;
const CHANGE: u8 = 0x24;
const DISABLE: u8 = 0x26;
const ENABLE: u8 = 0x28;
const UNBLOCK: u8 = 0x2C;
const WRONG: [u8; 8] = *b"0000\xFF\xFF\xFF\xFF";
const NEW: [u8; 8] = *b"975310\xFF\xFF";

fn both(first: &[u8; 8], second: &[u8; 8]) -> [u8; 16] {
    [*first, *second].concat().try_into().unwrap()
}

#[test]
fn three_wrong_codes_block_a_pin_and_ten_its_unblocking_key() {
    for (pin, right, puk) in [(0x01, PIN1, PUK1), (0x81, PIN2, PUK2)] {
        let mut sim = Phone::insert(delivered(&DATA));
        for left in [0x63C2, 0x63C1, 0x63C0, 0x6983] {
            assert_eq!(sim.pin(VERIFY, pin, &WRONG), left);
        }
        assert_eq!(sim.pin(VERIFY, pin, &right), 0x6983);
        assert_eq!(sim.pin(CHANGE, pin, &both(&right, &NEW)), 0x6983);
        assert_eq!(sim.pin(VERIFY, pin, &[]), 0x63C0);
        assert_eq!(sim.pin(UNBLOCK, pin, &[]), 0x63CA);
        assert_eq!(sim.pin(UNBLOCK, pin, &both(&WRONG, &NEW)), 0x63C9);
        assert_eq!(sim.pin(UNBLOCK, pin, &both(&puk, &NEW)), 0x9000);
        assert_eq!(sim.pin(UNBLOCK, pin, &[]), 0x63CA);
        assert_eq!(sim.pin(VERIFY, pin, &right), 0x63C2);
        assert_eq!(sim.pin(VERIFY, pin, &NEW), 0x9000);
        for left in (0x63C0..0x63CA).rev().chain([0x6983]) {
            assert_eq!(sim.pin(UNBLOCK, pin, &both(&WRONG, &NEW)), left);
        }
        assert_eq!(sim.pin(UNBLOCK, pin, &both(&puk, &NEW)), 0x6983);
    }
}

#[test]
fn adm1_has_ten_tries_and_nothing_unblocks_it() {
    let mut sim = Phone::insert(delivered(&DATA));
    assert_eq!(sim.pin(VERIFY, 0x0A, &ADM1), 0x9000);
    for left in (0x63C0..0x63CA).rev() {
        assert_eq!(sim.pin(VERIFY, 0x0A, &WRONG), left);
    }
    assert_eq!(sim.pin(VERIFY, 0x0A, &ADM1), 0x6983);
    assert_eq!(sim.pin(UNBLOCK, 0x0A, &both(&[0xFF; 8], &ADM1)), 0x6A81);
    assert_eq!(sim.pin(UNBLOCK, 0x0A, &both(&[0xFF; 8], &NEW)), 0x6A81);
}

#[test]
fn what_does_not_fit_the_pins_state_is_refused_and_costs_nothing() {
    let mut sim = Phone::insert(delivered(&DATA));
    for (ins, pin, data, status) in [
        (VERIFY, 0x02, &PIN1[..], 0x6A88),
        (VERIFY, 0x01, &PIN1[..4], 0x6700),
        (CHANGE, 0x01, &both(&PIN1, b"12345678")[..15], 0x6700),
        (CHANGE, 0x01, &both(&PIN1, b"123\xFF\xFF\xFF\xFF\xFF"), 0x6A80),
        (CHANGE, 0x01, &both(&PIN1, b"1234\xFF5\xFF\xFF"), 0x6A80),
        (ENABLE, 0x01, &PIN1, 0x6985),
        (DISABLE, 0x81, &PIN2, 0x6A81),
        (DISABLE, 0x01, &PIN1, 0x9000),
        (DISABLE, 0x01, &PIN1, 0x6984),
        (VERIFY, 0x01, &PIN1, 0x6984),
        (CHANGE, 0x01, &both(&PIN1, &NEW), 0x6984),
        (VERIFY, 0x01, &[], 0x63C3),
        (ENABLE, 0x01, &WRONG, 0x63C2),
        (ENABLE, 0x01, &PIN1, 0x9000),
        (VERIFY, 0x01, &[], 0x63C3),
    ] {
        assert_eq!(sim.pin(ins, pin, data), status, "{ins:02X} {pin:02X} {data:02X?}");
    }
}

/// A wrong code takes back what the right one opened.
#[test]
fn a_wrong_code_closes_what_was_open() {
    let mut sim = Phone::insert(delivered(&DATA));
    sim.select_usim();
    sim.select(0x6F07);
    assert_eq!(sim.pin(VERIFY, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.status(&[0x00, 0xB0, 0x00, 0x00, 0x09]), 0x9000);
    assert_eq!(sim.pin(VERIFY, 0x01, &WRONG), 0x63C2);
    assert_eq!(sim.status(&[0x00, 0xB0, 0x00, 0x00, 0x09]), 0x6982);
}

/// All that can be seen of PIN1: its code, tries of both, and whether it is asked for. Looking spends tries of a copy.
#[derive(PartialEq, Eq, Clone, Debug)]
struct Seen {
    tries: u16,
    unblocking_tries: u16,
    enabled: bool,
    code: &'static str,
}

fn look(chip: &Chip) -> Seen {
    let mut sim = Phone::insert(chip.clone());
    let (tries, unblocking_tries) = (sim.pin(VERIFY, 0x01, &[]) & 0x0F, sim.pin(UNBLOCK, 0x01, &[]) & 0x0F);
    let enabled = sim.select(0x3F00)[30] & 0x80 != 0;
    let opens = |code: &[u8; 8]| {
        let mut sim = Phone::insert(chip.clone());
        let ins = if enabled { VERIFY } else { ENABLE };
        sim.pin(ins, 0x01, code) == 0x9000
    };
    let code = match (opens(&PIN1), opens(&NEW)) {
        (true, false) => "old",
        (false, true) => "new",
        (false, false) => "blocked",
        (true, true) => "both",
    };
    Seen { tries, unblocking_tries, enabled, code }
}

/// Cuts a command at every operation and byte. Its only ends: nothing happened, a try is spent and nothing else, all of it is
/// done; and where it was the wrong code, the try is never whole again.
fn sweep(chip: &Chip, ins: u8, data: &[u8], right: bool) {
    let before = look(chip);
    let mut whole = Phone::insert(chip.clone());
    let operations_before = whole.chip.0.borrow().operations;
    assert_eq!(whole.pin(ins, 0x01, data) == 0x9000, right);
    let done = whole.remove();
    let operations = done.operations - operations_before;
    let after = look(&done);
    let spent = match ins {
        UNBLOCK => Seen { unblocking_tries: before.unblocking_tries - 1, ..before.clone() },
        _ => Seen {
            tries: before.tries - 1,
            code: if before.tries == 1 { "blocked" } else { before.code },
            ..before.clone()
        },
    };
    assert!(operations > 0);
    let mut ends = [0; 3];
    for operation in 0..operations {
        for landing in 0..=PAGE_SIZE {
            let mut sim = Phone::insert(chip.clone());
            {
                let mut chip = sim.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            let command = [&[0x00, ins, 0x00, 0x01, data.len() as u8][..], data].concat();
            assert!(sim.try_send(&command).is_err(), "an answer after the power went");
            let seen = look(&sim.remove());
            let end = [&after, &spent, &before].iter().position(|end| **end == seen);
            ends[end.unwrap_or_else(|| panic!("{ins:02X}, operation {operation}, {landing} bytes: {seen:?}"))] += 1;
        }
    }
    // Of a wrong code, spent is all there is; of a right one both ends were seen.
    assert!(ends[0] > 0 && ends[2] > 0 && (ends[1] > 0) == (after != spent && right), "{ins:02X}: {ends:?}");
}

#[test]
fn no_cut_gives_a_try_or_loses_a_pin() {
    let chip = delivered(&DATA);
    let mut tried = Phone::insert(chip.clone());
    assert_eq!(tried.pin(VERIFY, 0x01, &WRONG), 0x63C2);
    assert_eq!(tried.pin(VERIFY, 0x01, &WRONG), 0x63C1);
    let last_try = tried.remove();
    let mut blocked = Phone::insert(last_try.clone());
    assert_eq!(blocked.pin(VERIFY, 0x01, &WRONG), 0x63C0);
    let blocked = blocked.remove();
    let mut disabled = Phone::insert(chip.clone());
    assert_eq!(disabled.pin(DISABLE, 0x01, &PIN1), 0x9000);
    let disabled = disabled.remove();

    sweep(&chip, VERIFY, &WRONG, false);
    sweep(&last_try, VERIFY, &WRONG, false);
    sweep(&last_try, VERIFY, &PIN1, true);
    sweep(&last_try, CHANGE, &both(&PIN1, &NEW), true);
    sweep(&last_try, CHANGE, &both(&WRONG, &NEW), false);
    sweep(&chip, DISABLE, &PIN1, true);
    sweep(&disabled, ENABLE, &PIN1, true);
    sweep(&blocked, UNBLOCK, &both(&PUK1, &NEW), true);
    sweep(&blocked, UNBLOCK, &both(&WRONG, &NEW), false);
}
