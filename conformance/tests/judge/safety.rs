//! What may be done to a card: seen from the card's side, whatever the rules say.

use onecard_conformance::{Mode, Order, RunError, TestedCard, Verdict, report::Skipped};
use onecard_host::transport::{Transport, TransportError};
use onecard_vectors::conformance::Conformance;
use onecard_wire::key::Algorithm;
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    bench::{Simulated, blank, personalised, run},
    faulty::{Faulty, is, says, word},
};

/// Rules of a mistaken or malicious author, each in the scope of cards that are only read.
const RULES: &str = r#"
[[rule]]
id = "ID"
title = "a"
chinese = "a"
clause = "1.1"
on = "application"
steps = [STEPS]
"#;

fn tried(steps: &str, order: &Order, mode: Mode) -> Verdict {
    let (mut card, _) = personalised(Algorithm::Des);
    let mut rules = Conformance::default();
    rules.add("mistaken.toml", &RULES.replace("STEPS", steps).replace("ID", "mistaken")).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let order = Order { mode, ..order.clone() };
    let before = tries(&mut card);
    let report = order.run_rules(&rules, &mut card, &mut random, &mut |_, _| ()).unwrap();
    assert_eq!(tries(&mut card), before, "{steps}");
    report.results[0].verdict.clone()
}

/// The key list of the application: every counter.
fn tries(card: &mut Simulated) -> Vec<u8> {
    card.power_cycle().unwrap();
    let name = onecard_wire::aid::enterprise_application("1000000000000001".parse().unwrap());
    card.transmit(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E], &name[..], &[0x00]].concat()).unwrap();
    card.transmit(&[0x80, 0xCA, 0x00, 0xE0, 0x00]).unwrap()
}

#[test]
fn a_card_that_is_only_read_is_sent_nothing_that_writes_counts_or_blocks() {
    let (_, order) = personalised(Algorithm::Des);
    for steps in [
        r#"{ send = "00200000 [ 999999 ]", expect = "63C2" }"#,
        r#"{ send = "00820000 [ 1122334455667788 ]", expect = "63CX" }"#,
        r#"{ send = "04D69700 [ 0000000000 ]", expect = "6988" }"#,
        r#"{ send = "04B09600 [ 11223344 ] 00", expect = "6988" }"#,
        r#"{ send = "00D69700 [ 00 ]", expect = "6987" }"#,
        r#"{ send = "800E0000", expect = "6982" }"#,
        r#"{ send = "80E00003 [ 28 0010 F0 F0 FF FF ]", expect = "6982" }"#,
        r#"{ send = "80D40101 [ 39 F0 F0 01 33 FFFFFFFFFFFFFFFF ]", expect = "6982" }"#,
        r#"{ send = "805E0100 [ 123456 FF 654321 ]", expect = "9000" }"#,
        r#"{ send = "841E0000 [ 11223344 ]", expect = "6988" }"#,
        r#"{ send = "841E0001 [ 11223344 ]", expect = "6988" }"#,
        r#"{ send = "84160000 [ 11223344 ]", expect = "6988" }"#,
        r#"{ send = "84240000 [ 112233445566778811223344 ]", expect = "6988" }"#,
        r#"{ send = "80500102 [ 01 00000000 111111111111 ] 0F", expect = ".. 9000" }, { send = "80540100 [ 00000001 20260101 120000 11223344 ] 08", expect = "9302" }"#,
        r#"{ send = "80700100 [ 00 ]", expect = "6D00" }"#,
        r#"{ send = "80700200 [ 00 ]", expect = "6D00" }"#,
        r#"{ send = "E07A0801 [ 00 ]", expect = "6D00" }"#,
    ] {
        assert_eq!(tried(steps, &order, Mode::Read), Verdict::Skipped(Skipped::Withheld), "{steps}");
    }
}

/// The card's side: it sees no wrong PIN, no second command after INITIALIZE, nothing that writes.
#[test]
fn reading_never_sends_what_changes_a_card() {
    for with_secrets in [false, true] {
        let (mut card, mut order) = personalised(Algorithm::Des);
        if !with_secrets {
            (order.keys, order.pin) = (None, None);
        }
        let before = card.image();
        let mut card = Faulty::new(
            card,
            Box::new(|seen, command, ask| {
                let answer = ask(command);
                assert!(!matches!(
                    command,
                    [
                        _,
                        0xD0 | 0xD6 | 0xE2 | 0xE0 | 0xD4 | 0x0E | 0x16 | 0x18 | 0x1E | 0x24 | 0x5E | 0x82,
                        _,
                        _,
                        _,
                        _,
                        ..
                    ]
                ));
                assert!(!is(command, &[0x80, 0x0E]));
                let begun = is(&seen.last, &[0x80, 0x50]) && word(&seen.answer) == 0x9000;
                assert!(!(begun && matches!(command, [0x80, 0x52 | 0x54 | 0x58 | 0xDC, ..])));
                assert!(!is(command, &[0x00, 0x20]) || word(&answer) == 0x9000);
                answer
            }),
        );
        run(&mut card, &order);
        // A right PIN is counted down and up again; without one not a byte of the memory changes.
        assert!(with_secrets || card.image() == before);
    }
}

/// A PIN of which one try is left, or of which nobody knows, is not tried, right as it may be.
#[test]
fn a_last_try_of_a_pin_is_never_spent() {
    for (list, told) in [(Some(1), Skipped::NoPin), (Some(0), Skipped::NoPin), (None, Skipped::NoPin)] {
        let (card, order) = personalised(Algorithm::Des);
        let mut card = Faulty::new(
            card,
            Box::new(move |_, command, ask| {
                assert!(!is(command, &[0x00, 0x20]));
                let mut answer = ask(command);
                if is(command, &[0x80, 0xCA]) {
                    let Some(tries) = list else { return says(0x6D00) };
                    let pin = answer.windows(4).position(|window| window == [0xC0, 0x05, 0x3A, 0x00]);
                    if let Some(left) = pin.and_then(|at| answer.get_mut(at + 6)) {
                        *left = tries;
                    }
                }
                answer
            }),
        );
        let report = run(&mut card, &order);
        let skipped = report.results.iter().filter(|result| result.verdict == Verdict::Skipped(told));
        assert!(skipped.count() >= 3, "{list:?}");
    }
}

/// A card that refuses every right MAC, cryptogram and PIN, and counts each: a run that writes still stops before a last try.
#[test]
fn a_card_that_counts_right_ones_too_keeps_its_last_try() {
    // With the failures that leave one try: of a new application's keys in each of four settings. The transport key ends the
    // run by its first.
    for (counted, most) in
        [([0x00, 0x82], 1), ([0x00, 0x20], 4 * 4), ([0x04, 0xD6], 4 * 2), ([0x84, 0xD4], 4 * 2), ([0x84, 0x18], 4 * 2)]
    {
        let (card, order) = blank();
        let mut failures = 0;
        let mut card = Faulty::new(
            card,
            Box::new(move |_, command, ask| {
                if !is(command, &counted) || command.len() <= 5 {
                    return ask(command);
                }
                failures += 1;
                assert!(failures <= most, "{counted:02X?}");
                says(0x6988)
            }),
        );
        let mut random = ChaCha8Rng::seed_from_u64(3);
        match order.run(&mut card, &mut random, &mut |_, _| ()) {
            Ok(report) => assert!(report.failures().count() > 0, "{counted:02X?}"),
            Err(RunError::OtherKey(_)) => assert_eq!(counted, [0x00, 0x82]),
            Err(error) => panic!("{counted:02X?}: {error}"),
        }
    }
}

#[test]
fn only_a_blank_card_is_written_to() {
    let (mut card, order) = personalised(Algorithm::Des);
    let write = |name: Vec<u8>| Order { mode: Mode::Write, application: name, ..Order::default() };
    let mut random = ChaCha8Rng::seed_from_u64(3);
    // Whether its application is looked for or not: its keys tell.
    for name in [order.application.clone(), vec![0xA0; 8]] {
        let before = card.image();
        let refused = write(name).run(&mut card, &mut random, &mut |_, _| ());
        assert!(matches!(refused, Err(RunError::NotBlank(_))), "{refused:?}");
        assert!(card.image() == before);
    }
    // A card that lists no keys is written to only if the caller vouches for it.
    let hidden = |card| {
        Faulty::new(
            card,
            Box::new(|_, command, ask| if is(command, &[0x80, 0xCA]) { says(0x6D00) } else { ask(command) }),
        )
    };
    let refused = write(Vec::new()).run(&mut hidden(blank().0), &mut random, &mut |_, _| ());
    assert!(matches!(refused, Err(RunError::UnknownTries)), "{refused:?}");
    let vouched = Order { as_sold: true, ..write(vec![0xA0; 8]) };
    let report = vouched.run(&mut hidden(blank().0), &mut random, &mut |_, _| ()).unwrap();
    assert_eq!(report.failures().count(), 0, "{}", report.text());
    // A directory under the transport key is somebody's.
    let (occupied, _) = blank();
    let mut occupied = Faulty::new(
        occupied,
        Box::new(
            |_, command, ask| {
                if command == [0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x01] { says(0x9000) } else { ask(command) }
            },
        ),
    );
    let refused = write(vec![0xA0; 8]).run(&mut occupied, &mut random, &mut |_, _| ());
    assert!(matches!(refused, Err(RunError::NotBlank(_))), "{refused:?}");
}

/// Whatever the moment the reader fails, the next run takes off what was left, and the card is blank again.
#[test]
fn a_run_that_was_cut_off_is_cleared_away_by_the_next() {
    let (mut card, order) = blank();
    let mut counting = Cut { card: &mut card, left: usize::MAX };
    run(&mut counting, &order);
    let exchanges = usize::MAX - counting.left;
    let (mut cuts, mut erased) = (0, 0);
    // Every exchange of the last wiping, and some of all before.
    for at in (0..exchanges).step_by(193).chain(exchanges - 30..exchanges) {
        let (mut card, order) = blank();
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let cut = order.run(&mut Cut { card: &mut card, left: at }, &mut random, &mut |_, _| ());
        assert!(matches!(cut, Err(RunError::Transport(_))), "{at}");
        let mut again = order.run(&mut card, &mut random, &mut |_, _| ());
        // Erased, it lists no keys, as cards of other makers do.
        if matches!(again, Err(RunError::UnknownTries)) {
            erased += 1;
            let vouched = Order { as_sold: true, ..order };
            again = vouched.run(&mut card, &mut random, &mut |_, _| ());
        }
        let report = again.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(report.failures().count(), 0, "{at}: {}", report.text());
        cuts += 1;
    }
    assert!(cuts > 50 && (1..10).contains(&erased), "{cuts} {erased}");
}

/// A card whose reader fails for good after so many exchanges.
struct Cut<'c> {
    card: &'c mut Simulated,
    left: usize,
}

impl Transport for Cut<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.left = self.left.checked_sub(1).ok_or(TransportError::CardRemoved)?;
        self.card.transmit(command)
    }
}

impl TestedCard for Cut<'_> {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        if self.left == 0 { Err(TransportError::CardRemoved) } else { self.card.power_cycle() }
    }
}
