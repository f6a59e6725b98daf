//! Blank, personalised, open, locked.

use hex_literal::hex;

use super::{
    ceremony::{
        ENTERPRISE, K_A, NUMBER, OTHER_K_A, OTHER_NUMBER, PIN, Pair, Report, authenticate, command, personalise_master,
        personalise_mother, personalise_with_pin, verify,
    },
    slot::{Master, Mother},
};

const WRONG_PIN: [u8; 8] = *b"314159\xFF\xFF";
/// Asked of a card that is not open.
const LOG: [u8; 5] = hex!("80CA00E100");

#[test]
fn a_blank_card_says_so_and_takes_a_personalisation_alone() {
    let mut master = Master::blank();
    assert_eq!(master.ok(&hex!("80CA00C000")), [0; 27]);
    assert_eq!(
        master.ok(&hex!("00A4040006 F04F4E454303 00")),
        hex!("6F16 8406F04F4E454303 A50C 9F0C09 00 0000000000000000")
    );
    assert_eq!(master.status(&verify(&PIN)), 0x6985);
    master.challenge();
    assert_eq!(master.status(&command(hex!("00820000"), &[0; 16])), 0x6985);
    assert_eq!(master.status(&command(hex!("80380100"), &[0; 18])), 0x6982);
    assert_eq!(master.ok(&hex!("80CA00E000")), []);
    let mut mother = Mother::blank();
    assert_eq!(mother.ok(&hex!("80CA00C000")), [0; 17]);
    assert_eq!(
        mother.ok(&hex!("00A4040006 F04F4E454304 00")),
        hex!("6F16 8406F04F4E454304 A50C 9F0C09 00 0000000000000000")
    );
    assert_eq!(mother.status(&command(hex!("00880000"), &[0; 8])), 0x6985);
}

#[test]
fn a_personalised_card_has_its_enterprises_name() {
    let mut pair = Pair::new();
    let fci =
        |kind: u8| [&hex!("6F1E 840E F04F4E4543")[..], &[kind], &ENTERPRISE, &hex!("A50C 9F0C09 01"), &NUMBER].concat();
    let select = |kind: u8| command(hex!("00A40400"), &[&hex!("F04F4E4543")[..], &[kind], &ENTERPRISE].concat());
    assert_eq!(pair.master.ok(&select(0x03)), fci(0x03));
    assert_eq!(pair.mother.ok(&select(0x04)), fci(0x04));
    // Names are matched whole.
    assert_eq!(pair.master.status(&hex!("00A4040006 F04F4E454303")), 0x6A82);
    assert_eq!(pair.master.status(&select(0x04)), 0x6A82);
    let status = pair.mother.ok(&hex!("80CA00C000"));
    assert_eq!(status, [&NUMBER[..], &ENTERPRISE, &[0x01]].concat());
    let report = Report { number: NUMBER, life_cycle: 1, pin_tries: 3, mother_tries: 3, cards: 40, sams: 20 };
    assert_eq!(pair.report(), report);
    // Once is for good.
    let challenge = pair.master.challenge();
    assert_eq!(pair.master.status(&personalise_master(challenge, OTHER_NUMBER, K_A)), 0x6985);
    let challenge = pair.mother.challenge();
    assert_eq!(pair.mother.status(&personalise_mother(challenge, OTHER_NUMBER, K_A)), 0x6985);
    assert_eq!(pair.report(), report);
}

#[test]
fn a_personalisation_is_whole_or_refused() {
    let mut master = Master::blank();
    let challenge = master.challenge();
    let right = personalise_master(challenge, NUMBER, K_A);
    // The challenge is used up, by whatever command.
    master.ok(&hex!("80CA00C000"));
    assert_eq!(master.status(&right), 0x6985);
    for at in 5..right.len() {
        let challenge = master.challenge();
        let mut changed = personalise_master(challenge, NUMBER, K_A);
        changed[at] ^= 0x01;
        assert_eq!(master.status(&changed), 0x9302, "byte {at}");
    }
    assert_eq!(master.status(&right[..right.len() - 1]), 0x6700);
    assert_eq!(master.ok(&hex!("80CA00C000")), [0; 27]);
}

/// Nobody could verify another PIN, or anybody could try few enough.
#[test]
fn a_pin_has_six_to_eight_digits_and_is_filled_up() {
    const FILL: [u8; 8] = [0xFF; 8];
    let mut master = Master::blank();
    let wrong = [
        [*b"12345\xFF\xFF\xFF", FILL],
        [[0xFF; 8], FILL],
        [*b"123456\x00\x00", FILL],
        [*b"12345A\xFF\xFF", FILL],
        [*b"123456\xFF7", FILL],
        [hex!("123456FFFFFFFFFF"), FILL],
        [PIN, [0x00; 8]],
        [PIN, hex!("7FFFFFFFFFFFFFFF")],
        [PIN, hex!("FFFFFFFFFFFFFFFE")],
    ];
    for filled in wrong {
        let challenge = master.challenge();
        assert_eq!(master.status(&personalise_with_pin(challenge, NUMBER, K_A, filled)), 0x6A80, "{filled:02X?}");
        assert_eq!(master.ok(&hex!("80CA00C000")), [0; 27]);
    }
    for pin in [*b"123456\xFF\xFF", *b"1234567\xFF", *b"12345678"] {
        let mut master = Master::blank();
        let challenge = master.challenge();
        master.ok(&personalise_with_pin(challenge, NUMBER, K_A, [pin, FILL]));
        master.ok(&verify(&pin));
    }
}

#[test]
fn both_open_it_in_any_order_and_one_does_not() {
    let mut pair = Pair::new();
    assert_eq!(pair.master.status(&LOG), 0x6982);
    pair.master.ok(&verify(&PIN));
    assert_eq!(pair.master.status(&LOG), 0x6982);
    assert!(authenticate(&mut pair.master, &mut pair.mother));
    pair.master.ok(&LOG);
    let mut pair = pair.power_cycled();
    assert!(authenticate(&mut pair.master, &mut pair.mother));
    assert_eq!(pair.master.status(&LOG), 0x6982);
    pair.master.ok(&verify(&PIN));
    pair.master.ok(&LOG);
}

#[test]
fn power_off_select_and_a_failure_close_it() {
    let mut pair = Pair::new();
    pair.open();
    let mut pair = pair.power_cycled();
    assert_eq!(pair.master.status(&LOG), 0x6982);
    for select in [&hex!("00A4040006 F04F4E454303")[..], &hex!("00A40000023F00"), &hex!("00A4FFFF")] {
        pair.open();
        pair.master.ok(&LOG);
        assert_ne!(pair.master.status(select), 0x9000);
        assert_eq!(pair.master.status(&LOG), 0x6982);
    }
    pair.open();
    assert_eq!(pair.master.status(&verify(&WRONG_PIN)), 0x63C2);
    assert_eq!(pair.master.status(&LOG), 0x6982);
    pair.open();
    pair.master.challenge();
    assert_eq!(pair.master.status(&command(hex!("00820000"), &[0; 16])), 0x63C2);
    assert_eq!(pair.master.status(&LOG), 0x6982);
}

#[test]
fn three_failures_of_either_lock_it_for_good() {
    let wrong_pin = |pair: &mut Pair| pair.master.status(&verify(&WRONG_PIN));
    let wrong_mother = |pair: &mut Pair| {
        let challenge = pair.master.challenge();
        let mut stranger = Pair::numbered(NUMBER, OTHER_K_A);
        let cryptogram = stranger.mother.ok(&command(hex!("00880000"), &challenge));
        pair.master.status(&command(hex!("00820000"), &cryptogram))
    };
    let ways: [&dyn Fn(&mut Pair) -> u16; 2] = [&wrong_pin, &wrong_mother];
    for wrong in ways {
        let mut pair = Pair::new();
        assert_eq!((wrong(&mut pair), wrong(&mut pair)), (0x63C2, 0x63C1));
        // A success gives all tries back.
        pair.open();
        assert_eq!((wrong(&mut pair), wrong(&mut pair), wrong(&mut pair)), (0x63C2, 0x63C1, 0x63C0));
        let mut pair = pair.power_cycled();
        assert_eq!(pair.report().life_cycle, 2);
        assert_eq!(pair.master.status(&verify(&PIN)), 0x6983);
        assert!(!authenticate(&mut pair.master, &mut pair.mother));
        assert_eq!((wrong_pin(&mut pair), wrong_mother(&mut pair)), (0x6983, 0x6983));
        assert_eq!(pair.master.status(&LOG), 0x6982);
        let challenge = pair.master.challenge();
        assert_eq!(pair.master.status(&personalise_master(challenge, NUMBER, K_A)), 0x6985);
    }
}

/// What is locked stays closed, whatever was shown before: the lock is read from memory at every command.
#[test]
fn a_lock_in_memory_closes_an_open_card() {
    let mut locked = Pair::new();
    for left in [0x63C2, 0x63C1, 0x63C0] {
        assert_eq!(locked.master.status(&verify(&WRONG_PIN)), left);
    }
    let locked = locked.master.chip.0.borrow().bytes.clone();
    let mut pair = Pair::new();
    pair.open();
    pair.master.ok(&LOG);
    pair.master.chip.0.borrow_mut().bytes = locked;
    assert_eq!(pair.report().life_cycle, 2);
    assert_eq!(pair.master.status(&LOG), 0x6982);
}

#[test]
fn a_cryptogram_opens_one_card_and_once() {
    let mut pair = Pair::new();
    pair.master.ok(&verify(&PIN));
    let challenge = pair.master.challenge();
    let cryptogram = pair.mother.ok(&command(hex!("00880000"), &challenge));
    let authenticate = command(hex!("00820000"), &cryptogram);
    pair.master.ok(&authenticate);
    // Without a challenge nothing is tried.
    assert_eq!(pair.master.status(&authenticate), 0x6985);
    assert_eq!(pair.report().mother_tries, 3);
    pair.master.challenge();
    assert_eq!(pair.master.status(&authenticate), 0x63C2);
    // The same key in the mother card of another number.
    let mut other = Pair::numbered(OTHER_NUMBER, K_A);
    let challenge = pair.master.challenge();
    let cryptogram = other.mother.ok(&command(hex!("00880000"), &challenge));
    assert_eq!(pair.master.status(&command(hex!("00820000"), &cryptogram)), 0x63C1);
}
