//! Everything that writes, cut everywhere: whole or not at all, no answer that is not counted, no try for nothing.

use hex_literal::hex;
use onecard_applet::PAGE_SIZE;

use super::{
    ceremony::{
        K_A, NUMBER, OTHER_K_A, OTHER_NUMBER, PIN, Pair, Report, authenticate, command, load_allowance, load_key,
        master_key, personalise_master, personalise_mother, verify,
    },
    chip::{Chip, Slot, tear::sweep},
    copies::{copy_allowance, copy_key},
    exports::Order,
    reference::Algorithm,
    slot::{Master, Mother},
};

const WRONG_PIN: [u8; 8] = *b"314159\xFF\xFF";

fn done(card: &mut Master, command: &[u8]) -> bool {
    card.try_send(command).is_ok_and(|answer| answer.ends_with(&[0x90, 0x00]))
}

/// A card with keys of 3DES, without power, and its mother card.
fn pair(number: [u8; 8], authentication: [u8; 16]) -> (Chip, Chip) {
    let mut pair = Pair::numbered(number, authentication);
    pair.open();
    for code in [0x01, 0x09, 0x13] {
        let challenge = pair.master.challenge();
        let key = master_key(Algorithm::TripleDes, code);
        pair.master.ok(&load_key(challenge, number, code, 0x01, key));
    }
    (pair.master.remove(), pair.mother.remove())
}

fn open(master: &mut Master, mother: &Chip) -> bool {
    done(master, &verify(&PIN)) && authenticate(master, &mut Mother::insert(mother.clone()))
}

/// What must move together: exports left, keys, the newest page of the log.
fn books(master: &mut Master, mother: &Chip) -> (u32, u32, Vec<u8>, Vec<u8>) {
    let Report { cards, sams, .. } = Report::of(master);
    let keys = master.ok(&hex!("80CA00E000"));
    assert!(open(master, mother));
    (cards, sams, keys, master.ok(&hex!("80CA00E100")))
}

#[test]
fn a_personalisation() {
    let look = |master: &mut Master| {
        let report = Report::of(master);
        let taken = report.life_cycle == 0 || master.try_send(&verify(&PIN)).unwrap() == [0x90, 0x00];
        (report, taken)
    };
    sweep(&Master::blank().remove(), look, |master: &mut Master| {
        let Some(challenge) = master.try_challenge() else { return false };
        done(master, &personalise_master(challenge, NUMBER, K_A))
    });
    let look = |mother: &mut Mother| {
        let status = mother.ok(&hex!("80CA00C000"));
        let answer = mother.send(&command(hex!("00880000"), &[7; 8]));
        (status, answer)
    };
    sweep(&Mother::blank().remove(), look, |mother: &mut Mother| {
        let Some(challenge) = mother.try_challenge() else { return false };
        let order = personalise_mother(challenge, NUMBER, K_A);
        mother.try_send(&order).is_ok_and(|answer| answer == [0x90, 0x00])
    });
}

#[test]
fn exports() {
    let (chip, mother) = pair(NUMBER, K_A);
    for order in
        [Order::to_card(0x09).command(), Order::to_sam(0x09).command(), Order::to_card(0x3A).with(0, &hex!("1234"))]
    {
        sweep(
            &chip,
            |master: &mut Master| books(master, &mother),
            |master: &mut Master| open(master, &mother) && done(master, &order),
        );
    }
}

#[test]
fn loads() {
    let (chip, mother) = pair(NUMBER, K_A);
    let key = master_key(Algorithm::Sm4, 0x0A);
    sweep(
        &chip,
        |master: &mut Master| books(master, &mother),
        |master: &mut Master| {
            if !open(master, &mother) {
                return false;
            }
            let Some(challenge) = master.try_challenge() else { return false };
            done(master, &load_key(challenge, NUMBER, 0x0A, 0x01, key))
        },
    );
    sweep(
        &chip,
        |master: &mut Master| books(master, &mother),
        |master: &mut Master| {
            if !open(master, &mother) {
                return false;
            }
            let Some(challenge) = master.try_challenge() else { return false };
            done(master, &load_allowance(challenge, NUMBER, 3, 4))
        },
    );
}

/// Both cards of a copy, each cut everywhere: what both may export together never grows, and what left is in the log.
#[test]
fn copies() {
    let (original, mother) = pair(NUMBER, K_A);
    let (copy, copys_mother) = pair(OTHER_NUMBER, OTHER_K_A);
    for order in [copy_key(0x09, 1, OTHER_NUMBER, [9; 8]), copy_allowance(7, 8, OTHER_NUMBER, [9; 8])] {
        sweep(
            &original,
            |master: &mut Master| books(master, &mother),
            |master: &mut Master| open(master, &mother) && done(master, &order),
        );
    }
    let look = |master: &mut Master| books(master, &copys_mother);
    sweep(&copy, look, |master: &mut Master| {
        let mut source = Master::insert(original.clone());
        if !open(&mut source, &mother) || !open(master, &copys_mother) {
            return false;
        }
        let Some(challenge) = master.try_challenge() else { return false };
        let before = Report::of(&mut source);
        let share = source.ok(&copy_allowance(7, 8, OTHER_NUMBER, challenge));
        let after = Report::of(&mut source);
        assert_eq!((after.cards, after.sams), (before.cards - 7, before.sams - 8));
        done(master, &command(hex!("84340000"), &share))
    });
}

/// One way to fail, one to succeed, and where the tries are told.
struct Trying {
    wrong: fn(&mut Master, &Chip) -> bool,
    right: fn(&mut Master, &Chip) -> bool,
    tries: fn(&Report) -> u8,
}

const PIN_TRYING: Trying = Trying {
    wrong: |master, _| done(master, &verify(&WRONG_PIN)),
    right: |master, _| done(master, &verify(&PIN)),
    tries: |report| report.pin_tries,
};

const MOTHER_TRYING: Trying = Trying {
    wrong: |master, _| master.try_challenge().is_some() && done(master, &command(hex!("00820000"), &[0; 16])),
    right: |master, mother| authenticate(master, &mut Mother::insert(mother.clone())),
    tries: |report| report.mother_tries,
};

/// The try is spent before the comparison: whoever cuts the power when he has seen anything of it has one less, a right one
/// too, until the whole command has given them back.
#[test]
fn no_cut_gives_a_free_try() {
    for Trying { wrong, right, tries } in [PIN_TRYING, MOTHER_TRYING] {
        let (chip, mother) = pair(NUMBER, K_A);
        let run = |attempt: fn(&mut Master, &Chip) -> bool, chip: &Chip, operations_left, landing| {
            let mut master = Master::insert(chip.clone());
            let before = master.operations();
            (master.chip.0.borrow_mut().operations_left, master.chip.0.borrow_mut().landing) =
                (operations_left, landing);
            let answered = attempt(&mut master, &mother);
            let operations = master.operations() - before;
            let mut after = Master::insert(master.remove());
            (answered, operations, tries(&Report::of(&mut after)), after)
        };
        let (answered, spending, left, after) = run(wrong, &chip, usize::MAX, 0);
        assert_eq!((answered, left), (false, 2));
        let one_wrong = after.remove();
        let mut seen = [0; 4];
        for landing in 0..=PAGE_SIZE {
            for operation in 0..spending {
                let (_, _, left, _) = run(wrong, &chip, operation, landing);
                assert!(matches!(left, 2 | 3));
            }
            let (_, whole, _, _) = run(right, &one_wrong, usize::MAX, 0);
            for operation in 0..whole {
                let (answered, _, left, _) = run(right, &one_wrong, operation, landing);
                assert!(!answered, "an answer after the power went");
                let expected = if operation < spending { [1, 2] } else { [1, 3] };
                assert!(expected.contains(&left), "operation {operation}, {landing} bytes: {left} tries");
                seen[usize::from(left)] += 1;
            }
        }
        println!("tries left after {seen:?} cuts");
        assert!(seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
    }
}

/// Guessing with the power cut after each: three guesses are all there are.
#[test]
fn a_guesser_with_a_switch_has_three_guesses() {
    for Trying { wrong, right, .. } in [PIN_TRYING, MOTHER_TRYING] {
        let (mut chip, mother) = pair(NUMBER, K_A);
        let mut compared = 0;
        loop {
            let mut master = Master::insert(chip);
            // The first operation after the comparison, if it was right, does not land.
            master.chip.0.borrow_mut().operations_left = 2;
            wrong(&mut master, &mother);
            chip = master.remove();
            compared += 1;
            if Report::of(&mut Master::insert(chip.clone())).life_cycle == 2 {
                break;
            }
        }
        assert_eq!(compared, 3);
        assert!(!right(&mut Master::insert(chip), &mother));
    }
}
