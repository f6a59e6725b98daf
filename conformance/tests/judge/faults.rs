//! One rule broken at a time: the judge finds each, and names its clause.

use std::collections::BTreeSet;

use onecard_conformance::{Mode, Order, RunError};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    bench::{blank, run},
    faulty::{Break, Faulty, is, other_byte, other_word, says, word},
};

/// A fault, and the clause that must be named.
struct Fault {
    name: &'static str,
    clause: &'static str,
    fault: fn() -> Break,
}

const fn fault(name: &'static str, clause: &'static str, fault: fn() -> Break) -> Fault {
    Fault { name, clause, fault }
}

#[test]
fn each_seeded_fault_is_found_and_its_clause_named() {
    let (mut missed, mut most) = (Vec::new(), 0);
    for Fault { name, clause, fault } in FAULTS {
        let (card, order) = blank();
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut card = Faulty::new(card, fault());
        let report = match order.run(&mut card, &mut random, &mut |_, _| ()) {
            Ok(report) => report,
            // No card with such a fault can be written to: reading must find it.
            Err(RunError::OtherKey(_)) => run(&mut card, &Order { mode: Mode::Read, ..order }),
            Err(error) => {
                missed.push(format!("{name}: no report: {error}"));
                continue;
            }
        };
        let named: BTreeSet<&str> = report.failures().map(|result| result.rule.clause.as_str()).collect();
        println!("{name}: {named:?}");
        most = most.max(named.len());
        if !named.contains(clause) {
            missed.push(format!("{name}: {clause} not among {named:?}"));
        }
    }
    println!("at most {most} clauses named for one fault");
    // What rests on a broken command is not tried, and not blamed.
    assert!(most <= 11, "{most}");
    assert!(FAULTS.len() >= 30);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_wrapper_that_changes_nothing_is_not_blamed() {
    let (card, order) = blank();
    let report = run(&mut Faulty::new(card, Box::new(|_, command, ask| ask(command))), &order);
    assert_eq!(report.failures().count(), 0, "{}", report.text());
}

const INITIALIZE_LOAD: &[u8] = &[0x80, 0x50, 0x00, 0x02];
const INITIALIZE_PURCHASE: &[u8] = &[0x80, 0x50, 0x01, 0x02];
const CREDIT: &[u8] = &[0x80, 0x52];
const DEBIT: &[u8] = &[0x80, 0x54, 0x01];
const BALANCE: &[u8] = &[0x80, 0x5C, 0x00, 0x02];
const PROVE: &[u8] = &[0x80, 0x5A];
const CHALLENGE: &[u8] = &[0x00, 0x84];
const SELECT_NAME: &[u8] = &[0x00, 0xA4, 0x04];
const NEWEST_LOG: &[u8] = &[0x00, 0xB2, 0x01, 0xC4];

const FAULTS: &[Fault] = &[
    fault("an unknown instruction is 6E00", "5.1.2", || other_word(&[&[]], 0x6D00, 0x6E00)),
    fault("an unknown class is 6D00", "5.1.2", || other_word(&[&[0x90], &[0xF0]], 0x6E00, 0x6D00)),
    fault("an unknown application is 6A81", "5.2.2", || {
        other_word(&[&[0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0]], 0x6A82, 0x6A81)
    }),
    fault("a part of a name selects", "2.3.1", part_of_a_name),
    fault("the FCI ends without EF 0015", "3.3.4", short_fci),
    fault("SELECT takes any P2", "5.2.2", || other_word(&[&[0x00, 0xA4]], 0x6A86, 0x9000)),
    fault("a wrong Le is answered", "5.1.3", wrong_le),
    fault("reading beyond the end gives data", "5.4.2", beyond_the_end),
    fault("an offset outside is 6A86", "5.4.2", || other_word(&[&[0x00, 0xB0]], 0x6B00, 0x6A86)),
    fault("the holder is read free", "3.3.2", free_holder),
    fault("no record is 6A82", "5.5.3", || other_word(&[&[0x00, 0xB2]], 0x6A83, 0x6A82)),
    fault("the challenge is constant", "4.7.2", constant_challenge),
    fault("the challenge begins anew at power-up", "4.7.2", challenge_by_number),
    fault("a challenge is good for two commands", "4.7.1", lasting_challenge),
    fault("GET CHALLENGE takes any length", "5.6.1", any_challenge),
    fault("a wrong PIN costs nothing", "4.3.3", free_guesses),
    fault("a wrong PIN is 6300", "4.3.3", || other_word(&[&[0x00, 0x20]], 0x63C4, 0x6300)),
    fault("a right PIN leaves no state", "5.9.1", stateless_pin),
    fault("the state outlives SELECT", "4.4.3", lasting_state),
    fault("the cryptogram has a wrong byte", "5.8.1", || other_byte(&[0x00, 0x88], 0)),
    fault("a wrong MAC on a file is 9302", "4.6.8", || other_word(&[&[0x04, 0xD6]], 0x6988, 0x9302)),
    fault("a write without its MAC is taken", "4.6.9", write_in_clear),
    fault("a missing challenge is 6984", "4.6.2", || other_word(&[&[0x04]], 0x6985, 0x6984)),
    fault("the MAC of a MACed read is wrong", "4.6.6", || other_byte(&[0x04, 0xB0], -1)),
    fault("the balance INITIALIZE answers is off by one", "6.5.1", || other_byte(INITIALIZE_PURCHASE, 3)),
    fault("MAC1 of a load is wrong", "6.3.2", || other_byte(INITIALIZE_LOAD, 15)),
    fault("the TAC of a load is wrong", "6.4.2", || other_byte(CREDIT, 0)),
    fault("a wrong MAC2 is taken", "6.2.4", wrong_mac2),
    fault("a wrong MAC1 is 6988", "6.6.1", || other_word(&[DEBIT], 0x9302, 0x6988)),
    fault("the TAC of a purchase is wrong", "6.6.2", || other_byte(DEBIT, 3)),
    fault("MAC2 of a purchase is wrong", "6.6.2", || other_byte(DEBIT, 7)),
    fault("TAC and MAC2 change places", "6.6.2", swapped_halves),
    fault("MAC and TAC of a proof change places", "6.8.1", swapped_proof),
    fault("the offline sequence stands still", "6.6.2", standing_sequence),
    fault("the log is not written", "3.7", unwritten_log),
    fault("the log stores the sequence before the increment", "3.7", || other_sequence_in_log()),
    fault("the log's oldest comes first", "3.7.1", oldest_first),
    fault("a proof is gone after power-off", "6.1.4", forgotten_proof),
    fault("no such proof is 6A83", "6.8.1", || other_word(&[PROVE], 0x9406, 0x6A83)),
    fault("a balance too low is 9301", "6.5.1", || other_word(&[&[0x80, 0x50]], 0x9401, 0x9301)),
    fault("no such key is 6A88", "6.5.1", || other_word(&[&[0x80, 0x50]], 0x9403, 0x6A88)),
    fault("a transaction outlives another command", "6.2.1", lasting_transaction),
    fault("a second command when idle is 6985", "6.2.1", || other_word(&[&[0x80, 0x54], CREDIT], 0x6901, 0x6985)),
    fault("the deposit is free", "6.7.1", free_deposit),
    fault("a load needs no PIN", "6.3.1", || other_word(&[INITIALIZE_LOAD], 0x6982, 0x9000)),
    fault("a blocked application answers SELECT 6283", "5.13.2", || other_word(&[SELECT_NAME], 0x6A81, 0x6283)),
    fault("a blocked application serves", "5.13.2", || other_word(&[&[0x80, 0x5C]], 0x6A81, 0x6985)),
    fault("a protected key is replaced in clear", "5.17.1", || other_word(&[&[0x80, 0xD4]], 0x6982, 0x9000)),
    fault("a file is created twice", "5.16.1", || other_word(&[&[0x80, 0xE0, 0x00, 0x15]], 0x6A86, 0x9000)),
    fault("a status that is not 00 refuses nothing", "3.6.2", || other_word(&[&[0x80, 0x50]], 0x6985, 0x6400)),
    fault("an undo is undone", "6.9.3", || other_word(&[&[0x80, 0x50, 0x06]], 0x9406, 0x9000)),
    fault("the key list does not count down", "5.19.1", full_key_list),
];

fn part_of_a_name() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        let whole = [0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x01, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99];
        let part = is(command, SELECT_NAME) && command.get(5..10) == Some(&whole[..5]) && word(&answer) == 0x6A82;
        // It is there only while the test application is.
        if part { ask(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E], &whole[..], &[0x00]].concat()) } else { answer }
    })
}

fn short_fci() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, SELECT_NAME) && answer.len() == 55 { [&answer[..18], &[0x90, 0x00]].concat() } else { answer }
    })
}

fn wrong_le() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if command.len() == 5 && word(&answer) >> 8 == 0x6C { ask(&[&command[..4], &[0x00]].concat()) } else { answer }
    })
}

fn beyond_the_end() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, &[0x00, 0xB0]) && word(&answer) == 0x6B00 { vec![0x00, 0x90, 0x00] } else { answer }
    })
}

fn free_holder() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        let refused = is(command, &[0x00, 0xB0, 0x96]) && word(&answer) == 0x6982;
        if refused { [&[0x20; 55][..], &[0x90, 0x00]].concat() } else { answer }
    })
}

/// The challenge that the card has given is another, so nothing that rests on it goes well either.
fn constant_challenge() -> Break {
    Box::new(|_, command, ask| {
        let mut answer = ask(command);
        let data = answer.len() - 2;
        if is(command, CHALLENGE) {
            answer[..data].fill(0x11);
        }
        answer
    })
}

fn challenge_by_number() -> Break {
    Box::new(|seen, command, ask| {
        let mut answer = ask(command);
        // Challenges of 8 bytes alone: the others are used.
        if is(command, CHALLENGE) && answer.len() == 10 && seen.count < 40 {
            answer[..8].copy_from_slice(&(seen.count as u64).to_be_bytes());
        }
        answer
    })
}

fn lasting_challenge() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, &[0x00, 0x82]) && word(&answer) == 0x6985 { says(0x9000) } else { answer }
    })
}

fn any_challenge() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, CHALLENGE) && word(&answer) == 0x6700 { ask(&[0x00, 0x84, 0x00, 0x00, 0x08]) } else { answer }
    })
}

fn free_guesses() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, &[0x00, 0x20]) && word(&answer) == 0x63C3 { says(0x63C4) } else { answer }
    })
}

fn stateless_pin() -> Break {
    Box::new(|_, command, ask| {
        if is(command, &[0x00, 0x20]) && is(&command[4..], &[0x03, 0x12, 0x34, 0x56]) {
            says(0x9000)
        } else {
            ask(command)
        }
    })
}

fn lasting_state() -> Break {
    Box::new(|seen, command, ask| {
        let answer = ask(command);
        if is(command, &[0x00, 0x20]) && word(&answer) == 0x9000 {
            seen.kept = vec![1];
        }
        if seen.count == 0 {
            seen.kept.clear();
        }
        let refused = is(command, &[0x80, 0x5C, 0x00, 0x01]) && word(&answer) == 0x6982;
        if refused && !seen.kept.is_empty() { vec![0x00, 0x00, 0x00, 0x00, 0x90, 0x00] } else { answer }
    })
}

fn write_in_clear() -> Break {
    other_word(&[&[0x00, 0xD6, 0x95]], 0x6987, 0x9000)
}

fn wrong_mac2() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        let wrong = is(command, CREDIT) && word(&answer) == 0x9302;
        if wrong { vec![0x01, 0x02, 0x03, 0x04, 0x90, 0x00] } else { answer }
    })
}

fn swapped_halves() -> Break {
    Box::new(|_, command, ask| swapped(ask(command), is(command, DEBIT)))
}

fn swapped_proof() -> Break {
    Box::new(|_, command, ask| swapped(ask(command), is(command, PROVE)))
}

fn swapped(answer: Vec<u8>, hit: bool) -> Vec<u8> {
    if hit && answer.len() == 10 { [&answer[4..8], &answer[..4], &answer[8..]].concat() } else { answer }
}

/// What INITIALIZE answers is the first number ever told.
fn standing_sequence() -> Break {
    Box::new(|_, command, ask| {
        let mut answer = ask(command);
        if is(command, INITIALIZE_PURCHASE) && answer.len() == 17 {
            answer[4..6].fill(0x00);
        }
        answer
    })
}

fn unwritten_log() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        if is(command, NEWEST_LOG) && word(&answer) == 0x9000 { ask(&[0x00, 0xB2, 0x02, 0xC4, 0x17]) } else { answer }
    })
}

fn other_sequence_in_log() -> Break {
    Box::new(|_, command, ask| {
        let mut answer = ask(command);
        if is(command, &[0x00, 0xB2]) && answer.len() == 25 {
            let before = u16::from_be_bytes([answer[0], answer[1]]).wrapping_sub(1);
            answer[..2].copy_from_slice(&before.to_be_bytes());
        }
        answer
    })
}

/// Record 02 is told for 01 and 01 for 02.
fn oldest_first() -> Break {
    Box::new(|_, command, ask| match command {
        [0x00, 0xB2, number @ (1 | 2), 0xC4, le] => ask(&[0x00, 0xB2, 3 - number, 0xC4, *le]),
        _ => ask(command),
    })
}

fn forgotten_proof() -> Break {
    Box::new(|seen, command, ask| {
        let answer = ask(command);
        let completed = is(command, DEBIT) || is(command, CREDIT);
        if completed && word(&answer) == 0x9000 {
            seen.kept = vec![seen.count as u8];
        }
        // Fewer exchanges since power-up than there were when it completed: the power was off.
        let off = seen.kept.first().is_some_and(|count| seen.count < usize::from(*count));
        if is(command, PROVE) && off && word(&answer) == 0x9000 { says(0x9406) } else { answer }
    })
}

/// A read in between does not reach the card.
fn lasting_transaction() -> Break {
    Box::new(|seen, command, ask| {
        let begun = is(&seen.last, &[0x80, 0x50]) && word(&seen.answer) == 0x9000;
        if begun && is(command, BALANCE) { [&seen.answer[..4], &[0x90, 0x00]].concat() } else { ask(command) }
    })
}

fn free_deposit() -> Break {
    Box::new(|_, command, ask| {
        let answer = ask(command);
        let refused = is(command, &[0x80, 0x5C, 0x00, 0x01]) && word(&answer) == 0x6982;
        if refused { vec![0x00, 0x00, 0x00, 0x00, 0x90, 0x00] } else { answer }
    })
}

/// The PIN's entry always says five tries.
fn full_key_list() -> Break {
    Box::new(|_, command, ask| {
        let mut answer = ask(command);
        if is(command, &[0x80, 0xCA]) {
            let pin = answer.windows(4).position(|window| window == [0xC0, 0x05, 0x3A, 0x00]);
            if let Some(tries) = pin.and_then(|at| answer.get_mut(at + 6)) {
                *tries = 5;
            }
        }
        answer
    })
}
