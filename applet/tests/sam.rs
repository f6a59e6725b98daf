//! The SAM alone: keys of every cipher, DES CRYPT, the undo of its last purchase, and marking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod chip;
mod reference;
mod terminal;

use hex_literal::hex;
use reference::{ALGORITHMS, Algorithm, padded};
use terminal::{CHALLENGE, OTHER_SERIAL, Order, SERIAL, Sam, UNDO, command, key};

#[test]
fn purchases_and_undos_with_keys_of_every_cipher() {
    for algorithm in ALGORITHMS {
        let mut sam = Sam::till(algorithm);
        for sequence in [7, 9] {
            let purchase = Order::purchase(algorithm, sequence);
            sam.complete(0x00, &purchase);
            sam.complete(0x01, &purchase.undo());
        }
        assert_eq!(sam.newest_record()[..4], [0, 0, 0, 4], "an undo takes a number too: {algorithm:?}");
        assert_eq!(sam.newest_record()[18], UNDO);
    }
}

#[test]
fn a_sam_is_written_under_a_control_key_of_any_cipher() {
    for algorithm in ALGORITHMS {
        let mut sam = Sam::new(algorithm);
        sam.write_key(0x22, 0x01, key(Algorithm::TripleDes, 0x02));
        sam.complete(0x00, &Order::purchase(Algorithm::TripleDes, 1));
        let newer = key(algorithm, 0xC1);
        sam.write_key(0x00, 0x02, newer);
        sam.control = newer;
        sam.write_key(0x22, 0x02, key(Algorithm::Sm4, 0x02));
        sam.complete(0x00, &Order { version: 0x02, ..Order::purchase(Algorithm::Sm4, 3) });
    }
}

/// Old and new versions of a usage side by side; each serves the cards of its version and algorithm.
#[test]
fn old_and_new_versions_stand_side_by_side() {
    let mut sam = Sam::new(Algorithm::TripleDes);
    let versions = [(0x01, Algorithm::TripleDes), (0x02, Algorithm::Aes), (0x03, Algorithm::Sm4)];
    for (version, algorithm) in versions {
        sam.write_key(0x22, version, key(algorithm, 0x02));
    }
    for (version, algorithm) in versions {
        sam.complete(0x00, &Order { version, ..Order::purchase(algorithm, 7) });
        for other in ALGORITHMS.into_iter().filter(|other| *other != algorithm) {
            let order = Order { version, ..Order::purchase(other, 7) };
            assert_eq!(sam.reader.send(&order.command(0x00)), hex!("9403"), "another cipher than the card's");
        }
    }
    // A real card echoes 01 and goes on with triple DES.
    let mut echoed = Order::purchase(Algorithm::TripleDes, 7).command(0x00);
    echoed[5 + 19] = 0x01;
    assert_eq!(sam.reader.ok(&echoed).len(), 8);
    let unknown = Order { version: 0x04, ..Order::purchase(Algorithm::Aes, 7) };
    assert_eq!(sam.reader.send(&unknown.command(0x00)), hex!("9403"));
}

/// RFC 4493 clause 4 and GB/T 32907 appendix A through DES CRYPT, with keys of level 0.
#[test]
fn des_crypt_with_long_blocks() {
    let mut sam = Sam::new(Algorithm::TripleDes);
    sam.write_key(0x08, 0x01, Algorithm::Aes.key(hex!("2B7E151628AED2A6ABF7158809CF4F3C")));
    sam.write_key(0x08, 0x02, Algorithm::Sm4.key(hex!("0123456789ABCDEFFEDCBA9876543210")));
    let message = hex!(
        "6BC1BEE22E409F96E93D7E117393172A AE2D8A571E03AC9C9EB76FAC45AF8E51 30C81C46A35CE411E5FBC1191A0A52EF"
        "F69F2445DF4F9B17AD2B417BE66C3710"
    );
    let reader = &mut sam.reader;
    reader.ok(&hex!("801A0801"));
    for (length, mac) in [(16, hex!("070A16B4")), (40, hex!("DFA66747")), (64, hex!("51F0BEBF"))] {
        assert_eq!(reader.ok(&command(hex!("80FA0100"), &message[..length])), mac);
        assert_eq!(reader.ok(&command(hex!("80FA0500"), &message[..length])), mac, "the initial block is the first");
    }
    for p1 in [0x03, 0x07] {
        assert_eq!(reader.send(&command([0x80, 0xFA, p1, 0x00], &message)), hex!("6985"), "one command only");
    }
    assert_eq!(reader.send(&command(hex!("80FA0500"), &message[..15])), hex!("6700"));
    assert_eq!(reader.send(&command(hex!("80FA0000"), &message[..24])), hex!("6700"));
    let cipher = reader.ok(&command(hex!("80FA0000"), &message));
    assert_eq!(cipher[..16], hex!("3AD77BB40D7A3660A89ECAF32466EF97"), "NIST SP 800-38A F.1.1");
    assert_eq!(reader.ok(&command(hex!("80FA8000"), &cipher)), message);

    reader.ok(&hex!("801A0802"));
    let block = hex!("0123456789ABCDEFFEDCBA9876543210");
    assert_eq!(reader.ok(&command(hex!("80FA0000"), &block)), hex!("681EDF34D206965E86B3E94F536E4246"));
    assert_eq!(reader.ok(&command(hex!("80FA0100"), &block)), hex!("681EDF34"));
    assert_eq!(reader.send(&command(hex!("80FA0100"), &block[..8])), hex!("6700"));
    assert_eq!(reader.send(&command(hex!("80FA0000"), &block[..8])), hex!("6700"));
}

/// A line-protection MAC of a user card, as a service desk makes it, for every cipher; SM4 and triple DES in parts too.
#[test]
fn des_crypt_makes_the_line_protection_mac_of_a_card() {
    for algorithm in ALGORITHMS {
        let mut sam = Sam::new(Algorithm::TripleDes);
        sam.write_key(0x25, 0x01, key(algorithm, 0x05));
        sam.reader.ok(&command(hex!("801A2501"), &SERIAL));
        let update = hex!("04D6950014 101112131415161718191A1B1C1D1E1F");
        let expected = key(algorithm, 0x05).diversified(&SERIAL).line_mac(&CHALLENGE, &update);
        let mut initial = CHALLENGE.to_vec();
        initial.resize(algorithm.block_len(), 0);
        let pads_itself = algorithm == Algorithm::Aes;
        let message = if pads_itself { update.to_vec() } else { padded(&update, algorithm.block_len()) };
        let data = [&initial[..], &message].concat();
        assert_eq!(sam.reader.ok(&command(hex!("80FA0500"), &data)), expected, "{algorithm:?}");
        if !pads_itself {
            let (first, rest) = data.split_at(2 * algorithm.block_len());
            assert!(sam.reader.ok(&command(hex!("80FA0700"), first)).is_empty());
            assert_eq!(sam.reader.ok(&command(hex!("80FA0500"), rest)), expected, "{algorithm:?} in parts");
        }
    }
}

#[test]
fn the_pin_reload_key_makes_tacs() {
    for algorithm in ALGORITHMS {
        let mut sam = Sam::new(Algorithm::TripleDes);
        sam.write_key(0x24, 0x01, key(algorithm, 0x04));
        sam.reader.ok(&command(hex!("801A2401"), &SERIAL));
        let message = hex!("00000123 06 001122334455 0A0B0C0D 20261125120000");
        let expected = key(algorithm, 0x04).diversified(&SERIAL).tac(&message);
        let data = if algorithm == Algorithm::Aes { message.to_vec() } else { padded(&message, algorithm.block_len()) };
        assert_eq!(sam.reader.ok(&command(hex!("80FA0100"), &data)), expected, "{algorithm:?}");
    }
}

/// Only this SAM's own last purchase, of that card and amount, with nothing after it on the card, and once.
#[test]
fn an_undo_is_of_the_last_purchase_alone() {
    let algorithm = Algorithm::TripleDes;
    let purchase = Order::purchase(algorithm, 7);
    let undo = purchase.undo();
    let refused = |sam: &mut Sam, order: Order| {
        let before = sam.reader.send(&hex!("00B201C413"));
        assert_eq!(sam.reader.send(&order.command(0x01)), hex!("9406"));
        assert_eq!(sam.reader.send(&command(hex!("80720100"), &order.mac2(0))), hex!("6901"));
        assert_eq!(sam.reader.send(&hex!("00B201C413")), before);
    };
    let mut sam = Sam::till(algorithm);
    refused(&mut sam, undo);
    sam.initialize(0x00, &purchase);
    refused(&mut sam, undo);
    sam.complete(0x00, &purchase);
    for wrong in [
        Order { amount: 1235, ..undo },
        Order { amount: 1233, ..undo },
        Order { serial: OTHER_SERIAL, ..undo },
        Order { sequence: 7, ..undo },
        Order { sequence: 9, ..undo },
    ] {
        refused(&mut sam, wrong);
    }
    sam.complete(0x01, &undo);
    refused(&mut sam, undo);
    refused(&mut sam, Order { sequence: 9, ..undo });
    // A second purchase, and then the first is no longer the last.
    let second = Order { serial: OTHER_SERIAL, ..Order::purchase(algorithm, 3) };
    sam.complete(0x00, &purchase);
    sam.complete(0x00, &second);
    refused(&mut sam, undo);
    sam.complete(0x01, &second.undo());
}

/// Compound purchases, withdrawals and purchases from the deposit are not undone; nothing comes after the last sequence.
#[test]
fn an_undo_is_of_a_plain_purchase_from_the_purse() {
    for transaction_type in [0x04, 0x05, 0x09] {
        let mut sam = Sam::till(Algorithm::Aes);
        let purchase = Order { transaction_type, ..Order::purchase(Algorithm::Aes, 7) };
        sam.complete(0x00, &purchase);
        assert_eq!(sam.newest_record()[18], transaction_type);
        assert_eq!(sam.reader.send(&purchase.undo().command(0x01)), hex!("9406"));
    }
    let mut sam = Sam::till(Algorithm::Aes);
    let last = Order::purchase(Algorithm::Aes, 0xFFFF);
    sam.complete(0x00, &last);
    let round = Order { sequence: 0, transaction_type: UNDO, master: key(Algorithm::Aes, 0x0A), ..last };
    assert_eq!(sam.reader.send(&round.command(0x01)), hex!("9406"));
}

#[test]
fn an_undo_checks_in_order() {
    let mut sam = Sam::till(Algorithm::TripleDes);
    let purchase = Order::purchase(Algorithm::TripleDes, 7);
    sam.complete(0x00, &purchase);
    let undo = purchase.undo();
    let data = undo.data();
    assert_eq!(sam.reader.send(&command(hex!("80700101"), &data)), hex!("6A86"));
    assert_eq!(sam.reader.send(&command(hex!("80700100"), &data[..27])), hex!("6700"));
    assert_eq!(sam.reader.send(&[&undo.command(0x01)[..], &[7]].concat()), hex!("6C08"));
    for transaction_type in [0x02, 0x04, 0x05, 0x06, 0x09, 0x0B] {
        let other = Order { transaction_type, ..undo };
        assert_eq!(sam.reader.send(&other.command(0x01)), hex!("6A80"));
        let undo_as_purchase = undo.command(0x00);
        assert_eq!(sam.reader.send(&undo_as_purchase), hex!("6A80"));
    }
    assert_eq!(sam.reader.send(&Order { version: 2, ..undo }.command(0x01)), hex!("9403"));
    let other_cipher = Order { master: key(Algorithm::Aes, 0x0A), ..undo };
    assert_eq!(sam.reader.send(&other_cipher.command(0x01)), hex!("9403"));
    // Each second half belongs to its own first half.
    let (sequence, _) = sam.initialize(0x01, &undo);
    assert_eq!(sam.reader.send(&command(hex!("80720000"), &undo.mac2(sequence))), hex!("6901"));
    let next = Order::purchase(Algorithm::TripleDes, 9);
    let (sequence, _) = sam.initialize(0x00, &next);
    assert_eq!(sam.reader.send(&command(hex!("80720100"), &next.mac2(sequence))), hex!("6901"));
    // A wrong MAC2 ends it and locks nothing, however often.
    for _ in 0..40 {
        sam.initialize(0x01, &undo);
        assert_eq!(sam.reader.send(&hex!("8072010004 00000000")), hex!("9302"));
        assert_eq!(sam.reader.send(&hex!("8072010004 00000000")), hex!("6901"));
    }
    sam.complete(0x01, &undo);
}

/// A purchase whose MAC2 came late is the last one too, and an undo whose MAC2 came late is done.
#[test]
fn a_past_mac2_completes_purchases_and_undos() {
    let purchase = Order::purchase(Algorithm::Sm4, 7);
    let undo = purchase.undo();
    let mut sam = Sam::till(Algorithm::Sm4);
    let (sequence, _) = sam.initialize(0x00, &purchase);
    sam.reader.ok(&purchase.past(sequence));
    assert_eq!(sam.newest_record()[18], 0x06);
    let (undo_sequence, _) = sam.initialize(0x01, &undo);
    assert_eq!(undo_sequence, sequence + 1);
    // A fake card's noise, and the purchase's own MAC2 under the undo's name.
    let mut noise = undo.past(undo_sequence);
    *noise.last_mut().unwrap() ^= 1;
    assert_eq!(sam.reader.send(&noise), hex!("9302"));
    assert_eq!(sam.newest_record()[18], 0x06);
    sam.reader.ok(&undo.past(undo_sequence));
    assert_eq!(sam.newest_record()[..4], [0, 0, 0, 2]);
    assert_eq!(sam.newest_record()[18], UNDO);
    assert_eq!(sam.reader.send(&undo.command(0x01)), hex!("9406"), "done, and once");
    // Where the counter has moved on it stays, and so does the last purchase.
    let next = Order::purchase(Algorithm::Sm4, 9);
    sam.complete(0x00, &next);
    let record = sam.newest_record();
    sam.reader.ok(&purchase.past(sequence));
    sam.reader.ok(&undo.past(undo_sequence));
    assert_eq!(sam.newest_record(), record);
    assert_eq!(sam.reader.send(&command(hex!("80720300"), &[0; 36])), hex!("6A80"), "no such date");
    let load = Order { transaction_type: 0x02, ..next };
    assert_eq!(sam.reader.send(&load.past(3)), hex!("6A80"));
}

/// Attack 13: the merchant keeps an undo from settlement. Its number is missing between its neighbours'.
#[test]
fn attack_13_a_hidden_undo_leaves_a_gap() {
    let mut sam = Sam::till(Algorithm::TripleDes);
    let purchase = Order::purchase(Algorithm::TripleDes, 7);
    let first = sam.complete(0x00, &purchase);
    let undo = sam.complete(0x01, &purchase.undo());
    let third = sam.complete(0x00, &Order::purchase(Algorithm::TripleDes, 9));
    assert_eq!([first, undo, third], [0, 1, 2]);
    // Nor does another purchase get the undo's number.
    assert_eq!(sam.initialize(0x00, &Order::purchase(Algorithm::TripleDes, 10)).0, 3);
}

/// The card has given the money back, and its MAC2 is kept from the SAM.
#[test]
fn attack_13_an_undo_whose_mac2_is_withheld_leaves_a_gap() {
    let mut sam = Sam::till(Algorithm::TripleDes);
    let purchase = Order::purchase(Algorithm::TripleDes, 7);
    let first = sam.complete(0x00, &purchase);
    let (undo, _) = sam.initialize(0x01, &purchase.undo());
    // One that failed on the card is tried again, under another number.
    let (again, mac1) = sam.initialize(0x01, &purchase.undo());
    assert_eq!(mac1, purchase.undo().mac1(again));
    let next = sam.complete(0x00, &Order::purchase(Algorithm::TripleDes, 9));
    assert_eq!([first, undo, again, next], [0, 1, 2, 3]);
}

fn mark(serial: [u8; 8], list_version: [u8; 7], key_version: u8) -> Vec<u8> {
    command([0x80, 0x74, 0x00, key_version], &[&CHALLENGE[..], &list_version, &serial].concat())
}

const LIST_VERSION: [u8; 7] = hex!("20261125000042");

/// The marking MAC is the maintenance key's over the one command that marks.
#[test]
fn the_mark_of_every_cipher() {
    let marking = [&hex!("04D697000C 03")[..], &LIST_VERSION].concat();
    for algorithm in ALGORITHMS {
        let mut sam = Sam::till(algorithm);
        let card_key = key(algorithm, 0x0E).diversified(&SERIAL);
        let expected = card_key.line_mac(&CHALLENGE, &marking);
        assert_eq!(sam.reader.ok(&mark(SERIAL, LIST_VERSION, 0x00)), expected, "{algorithm:?}");
        assert_eq!(sam.reader.ok(&[&mark(SERIAL, LIST_VERSION, 0x01)[..], &[4]].concat()), expected);
    }
}

/// The highest version by itself, any by its number.
#[test]
fn marking_keys_of_several_versions() {
    let mut sam = Sam::till(Algorithm::TripleDes);
    sam.write_key(0x2E, 0x09, key(Algorithm::Aes, 0x19));
    sam.write_key(0x2E, 0x05, key(Algorithm::Sm4, 0x15));
    let marking = [&hex!("04D697000C 03")[..], &LIST_VERSION].concat();
    let keys =
        [(0x00, key(Algorithm::Aes, 0x19)), (0x01, key(Algorithm::TripleDes, 0x0E)), (0x05, key(Algorithm::Sm4, 0x15))];
    for (version, key) in keys {
        let mac = key.diversified(&SERIAL).line_mac(&CHALLENGE, &marking);
        assert_eq!(sam.reader.ok(&mark(SERIAL, LIST_VERSION, version)), mac);
    }
    assert_eq!(sam.reader.send(&mark(SERIAL, LIST_VERSION, 0x02)), hex!("9403"));
}

#[test]
fn marking_checks_in_order() {
    let mut sam = Sam::new(Algorithm::TripleDes);
    assert_eq!(sam.reader.send(&mark(SERIAL, LIST_VERSION, 0x00)), hex!("9403"));
    sam.write_key(0x4E, 0x01, key(Algorithm::TripleDes, 0x0E));
    assert_eq!(sam.reader.send(&mark(SERIAL, LIST_VERSION, 0x00)), hex!("6A80"), "a key of two levels");
    let mut sam = Sam::till(Algorithm::TripleDes);
    let mut other_p1 = mark(SERIAL, LIST_VERSION, 0x00);
    other_p1[2] = 0x01;
    assert_eq!(sam.reader.send(&other_p1), hex!("6A86"));
    assert_eq!(sam.reader.send(&command(hex!("80740000"), &[0; 18])), hex!("6700"));
    assert_eq!(sam.reader.send(&command(hex!("80740000"), &[0; 20])), hex!("6700"));
    assert_eq!(sam.reader.send(&[&mark(SERIAL, LIST_VERSION, 0x00)[..], &[8]].concat()), hex!("6C04"));
    assert_eq!(sam.reader.send(&command(hex!("84740000"), &[0; 19])), hex!("6E00"));
}

/// Attack 6: a stolen SAM lends none of the keys that move money or mark cards to DES CRYPT, whatever their cipher.
#[test]
fn attack_06_no_key_of_money_or_marking_is_lent_to_des_crypt() {
    for algorithm in ALGORITHMS {
        let mut sam = Sam::till(algorithm);
        sam.write_key(0x29, 0x01, key(algorithm, 0x09));
        for kind in [0x02, 0x09, 0x0A, 0x0E] {
            assert_eq!(sam.reader.send(&command([0x80, 0x1A, 0x20 | kind, 0x01], &SERIAL)), hex!("6985"));
            assert_eq!(sam.reader.send(&command(hex!("80FA0100"), &[0; 16])), hex!("6985"));
        }
        for usage in [0x20, 0x21] {
            assert_eq!(sam.reader.send(&command([0x80, 0x1A, usage, 0x01], &SERIAL)), hex!("9403"));
        }
    }
}

/// Attack 7: a stolen till reopens a lost card or lifts its limits. Of all it can be asked for, no MAC is that of another
/// write to EF 0017: the status is always 03, the length always that of the mark, and no list version bends it.
#[test]
fn attack_07_a_till_marks_and_does_nothing_else() {
    let mut sam = Sam::till(Algorithm::TripleDes);
    let card_key = key(Algorithm::TripleDes, 0x0E).diversified(&SERIAL);
    let wanted = [
        hex!("04D6970005 00").to_vec(),
        [&hex!("04D697000C 00")[..], &LIST_VERSION].concat(),
        hex!("04D6970C08 FFFFFFFF").to_vec(),
        [&hex!("04D697000C 03")[..], &LIST_VERSION[..6], &[0x43]].concat(),
        hex!("0418000004").to_vec(),
        hex!("8418000004").to_vec(),
    ];
    let made = sam.reader.ok(&mark(SERIAL, LIST_VERSION, 0x00));
    for message in &wanted {
        assert_ne!(made, card_key.line_mac(&CHALLENGE, message), "{message:02X?}");
    }
    // Other forms of the command are not there.
    for (p1, p2, length) in [(0x01, 0x00, 19), (0xFF, 0x00, 19), (0x00, 0x00, 1), (0x00, 0x00, 32), (0x00, 0x00, 60)] {
        let answer = sam.reader.send(&command([0x80, 0x74, p1, p2], &vec![0x5A; length]));
        assert!(answer == hex!("6A86") || answer == hex!("6700"), "{answer:02X?}");
    }
    // And the marking key is for marking: it makes no MAC1, MAC2 or DES CRYPT.
    assert_eq!(sam.reader.send(&command(hex!("801A2E01"), &SERIAL)), hex!("6985"));
}
