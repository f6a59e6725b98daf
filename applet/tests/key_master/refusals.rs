//! Every way that was thought of to get a key out, an export that is not counted, or a body that somebody can read.

use std::collections::BTreeSet;

use hex_literal::hex;

use super::{
    ceremony::{CODES, K_M, NUMBER, PIN, Pair, master_key, proved, verify, wrap},
    exports::{
        ADD, CHALLENGE, CONTROL, MANAGEMENT, Order, PURCHASE, REPLACE, SAM_FACTOR, SAM_MANAGEMENT, SAM_MASTER, SERIAL,
    },
    reference::{ALGORITHMS, Algorithm, Key},
};

/// Target, wrapping key, key: what 16.6.3 and 16.6.4 allow, typed in once more.
fn allowed() -> BTreeSet<(u8, u8, u8)> {
    let to_cards = (0x01..=0x11).map(|code| (0x01, CONTROL, code));
    let to_sams = [0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14];
    let to_sams = to_sams.map(|code| (0x02, SAM_MASTER, code));
    let first = [(0x01, MANAGEMENT, CONTROL), (0x02, SAM_MANAGEMENT, SAM_MASTER)];
    to_cards.chain(to_sams).chain(first).collect()
}

/// All pairs of a key and a wrapping key, in both manners and for both targets: a body only for what is allowed, and what is
/// refused is neither counted nor written.
#[test]
fn nothing_else_is_wrapped_by_anything_else() {
    let mut pair = Pair::with_keys(Algorithm::Aes);
    assert_eq!(pair.load_allowance(1000, 1000), 0x9000);
    let mut served = BTreeSet::new();
    for target in [0x01, 0x02] {
        for wrapping in CODES {
            for code in CODES {
                for manner in [ADD, REPLACE] {
                    let factor = if target == 0x01 { SERIAL } else { SAM_FACTOR };
                    let order = Order { p1: target, wrapping, manner, factor, ..Order::to_card(code) };
                    let (before, operations) = (pair.report(), pair.master.operations());
                    match pair.master.status(&order.command()) {
                        0x9000 => served.insert((target, wrapping, code)),
                        refusal => {
                            assert_eq!(refusal, 0x6A80, "{target:02X} {wrapping:02X} {code:02X}");
                            assert_eq!((pair.report(), pair.master.operations()), (before, operations));
                            false
                        }
                    };
                }
            }
        }
    }
    assert_eq!(served, allowed());
}

/// A SAM, or card, with a maker's default control key would take a body under it, and whoever heard it could read it: the
/// order has no place for a key, and no body deciphers by a key that is published.
#[test]
fn attack_05_no_body_is_readable_by_a_makers_default() {
    let defaults = [
        [0xFF; 16],
        [0x00; 16],
        *b"ONECARD-KW-BLANK",
        *b"ONECARD-MAC-BLNK",
        [0x30; 16],
        hex!("00112233445566778899AABBCCDDEEFF"),
    ];
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        assert_eq!(pair.load_allowance(100, 100), 0x9000);
        let mut bodies = Vec::new();
        for (target, wrapping, code) in allowed() {
            let manner = if (target, code) == (0x01, CONTROL) { REPLACE } else { ADD };
            let factor = if target == 0x01 { SERIAL } else { SAM_FACTOR };
            let order = Order { p1: target, wrapping, manner, factor, ..Order::to_card(code) };
            bodies.push((order, pair.master.ok(&order.command())));
            // A key cannot be given with the order.
            assert_eq!(pair.master.status(&order.with(0x01, &[0xFF; 16])), 0x6700);
        }
        for (order, body) in bodies {
            let cipher = &body[..body.len() - 4];
            let own = master_key(algorithm, order.wrapping).diversified(&order.factor);
            assert!(reads(own, cipher), "the judge reads nothing");
            for value in defaults {
                for default in ALGORITHMS.map(|algorithm| algorithm.key(value)) {
                    assert!(!reads(default, cipher));
                    assert!(!reads(default.diversified(&order.factor), cipher));
                }
            }
            // Nor by the master key itself, nor by that of another card.
            assert!(!reads(master_key(algorithm, order.wrapping), cipher));
            assert!(!reads(master_key(algorithm, order.wrapping).diversified(&hex!("3201234567890138")), cipher));
        }
    }
}

/// Whether the text begins with a length that its padding bears out.
fn reads(key: Key, cipher: &[u8]) -> bool {
    if !cipher.len().is_multiple_of(key.algorithm.block_len()) {
        return false;
    }
    // A record has 21 bytes and a SAM's body 19; what was enciphered by this key is enciphered by it again.
    let plain = key.decipher(cipher);
    let length = usize::from(plain[0]);
    matches!(length, 19 | 21) && plain.get(1 + length) == Some(&0x80) && plain[2 + length..].iter().all(|b| *b == 0)
}

/// Who cannot make K_M's MAC puts in no wrapping key whose value he knows.
#[test]
fn no_known_key_is_put_in_to_wrap_with() {
    let mut pair = Pair::new();
    pair.open();
    let known = [0x11; 16];
    for mac_key in [*b"ONECARD-MAC-BLNK", [0xFF; 16], known, master_key(Algorithm::Aes, CONTROL).value] {
        let challenge = pair.master.challenge();
        let data = [&[MANAGEMENT, 0x01, 0x00][..], &wrap(b"ONECARD-KW-BLANK", &known)].concat();
        assert_eq!(pair.master.status(&proved(&mac_key, NUMBER, challenge, hex!("84320000"), &data)), 0x9302);
        // The class without a MAC is not there.
        assert_eq!(pair.master.status(&[&hex!("803200001B")[..], &data].concat()), 0x6E00);
    }
    assert_eq!(pair.master.ok(&hex!("80CA00E000")), []);
    // And a right MAC over a key that K_W does not wrap.
    let challenge = pair.master.challenge();
    let data = [&[MANAGEMENT, 0x01, 0x00][..], &wrap(b"ONECARD-KW-BLANK", &known)].concat();
    assert_eq!(pair.master.status(&proved(&K_M, NUMBER, challenge, hex!("84320000"), &data)), 0x6A80);
}

#[test]
fn nothing_leaves_a_card_that_is_not_open() {
    let orders = [
        Order::to_card(PURCHASE).command(),
        Order::to_sam(PURCHASE).command(),
        Order::to_card(0x3A).with(0x00, &hex!("123456")),
        [&hex!("803801001209 01 3100000000000018")[..], &CHALLENGE].concat(),
        [&hex!("8038020018 00000001 00000001 3100000000000018")[..], &CHALLENGE].concat(),
        hex!("80CA00E100").to_vec(),
    ];
    let refuses_all = |pair: &mut Pair| {
        let before = (pair.report(), pair.master.operations());
        for order in &orders {
            assert_eq!(pair.master.status(order), 0x6982, "{order:02X?}");
        }
        assert_eq!((pair.report(), pair.master.operations()), before);
    };
    let mut pair = Pair::with_keys(Algorithm::Sm4).power_cycled();
    refuses_all(&mut pair);
    pair.master.ok(&verify(&PIN));
    refuses_all(&mut pair);
    let mut pair = pair.power_cycled();
    assert!(super::ceremony::authenticate(&mut pair.master, &mut pair.mother));
    refuses_all(&mut pair);
    // Open, then locked by whoever stands there.
    pair.open();
    for _ in 0..3 {
        pair.master.status(&verify(&[0x30; 8]));
    }
    assert_eq!(pair.report().life_cycle, 2);
    refuses_all(&mut pair);
}

#[test]
fn an_order_is_looked_at_whole() {
    let mut pair = Pair::with_keys(Algorithm::TripleDes);
    pair.load(PURCHASE, 0x02, Algorithm::Aes.key([7; 16]));
    pair.load(0x03, 0x02, Algorithm::Aes.key([8; 16]));
    pair.load(0x14, 0x02, Algorithm::Aes.key([9; 16]));
    let right = Order::to_card(PURCHASE);
    let before = (pair.report(), pair.master.operations());
    let mut refused = |order: Order, expected: u16| {
        assert_eq!(pair.master.status(&order.command()), expected);
    };
    refused(Order { p1: 0x00, ..right }, 0x6A86);
    refused(Order { p1: 0x03, ..right }, 0x6A86);
    refused(Order { p2: 0x02, ..right }, 0x6A86);
    // A SAM is not reached over the air.
    refused(Order { p2: 0x01, freshness: hex!("0000000001 01 0000"), ..Order::to_sam(PURCHASE) }, 0x6A86);
    // The place in a packet has a number and nothing behind it: else a challenge would pass for one.
    refused(Order { p2: 0x01, freshness: hex!("0000000001 00 0000"), ..right }, 0x6A80);
    refused(Order { p2: 0x01, freshness: hex!("0000000001 01 0001"), ..right }, 0x6A80);
    refused(Order { p2: 0x01, ..right }, 0x6A80);
    refused(Order { code: 0x15, ..right }, 0x6A80);
    refused(Order { manner: 0x02, ..right }, 0x6A80);
    // No serial: its check digit is wrong.
    refused(Order { factor: hex!("3201234567890121"), ..right }, 0x6A80);
    refused(Order { factor: [0xFF; 8], ..right }, 0x6A80);
    // Places of other keys.
    refused(Order { place: 0xFF, ..right }, 0x6A80);
    refused(Order { place: 0x11, ..Order::to_card(0x0A) }, 0x6A80);
    refused(Order { place: 0x10, ..Order::to_card(0x0B) }, 0x6A80);
    refused(Order { place: 0x01, ..Order::to_card(CONTROL) }, 0x6A80);
    refused(Order { place: 0x02, ..Order::to_card(0x03) }, 0x6A80);
    refused(Order { place: 0x09, ..Order::to_sam(PURCHASE) }, 0x6A80);
    refused(Order { place: 0x0E, ..Order::to_sam(PURCHASE) }, 0x6A80);
    refused(Order { manner: REPLACE, ..Order::to_sam(PURCHASE) }, 0x6A80);
    let mut refused = |command: &[u8], expected: u16| {
        assert_eq!(pair.master.status(command), expected, "{command:02X?}");
    };
    refused(&right.with(0x03, &[]), 0x6A88);
    refused(&right.with(0x01, &[0x00]), 0x6700);
    refused(&right.command()[..26], 0x6700);
    // Maintenance keys of another cipher than the key file's.
    refused(&Order::to_card(0x03).with(0x02, &[]), 0x6981);
    refused(&Order::to_sam(0x14).with(0x02, &[]), 0x6981);
    refused(&Order { manner: REPLACE, ..Order::to_card(0x3A) }.with(0x00, &hex!("123456")), 0x6A80);
    refused(&Order { wrapping: MANAGEMENT, ..Order::to_card(0x3A) }.with(0x00, &hex!("123456")), 0x6A80);
    refused(&Order::to_sam(0x3A).with(0x00, &hex!("123456")), 0x6A80);
    refused(&Order::to_card(0x3A).with(0x01, &hex!("123456")), 0x6A80);
    // A wrong Le is told the right one before anything is counted.
    refused(&[&right.command()[..], &[0x10]].concat(), 0x6C1C);
    assert_eq!((pair.report(), pair.master.operations()), before);
    pair.master.ok(&[&right.command()[..], &[0x1C]].concat());
}
