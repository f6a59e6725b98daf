//! EXPORT KEY: every body judged by a second computation.

use super::{
    ceremony::{CODES, Pair, command, master_key},
    reference::{ALGORITHMS, Algorithm, Key},
};
use hex_literal::hex;

pub const SERIAL: [u8; 8] = hex!("3201234567890120");
pub const SAM_FACTOR: [u8; 8] = hex!("0000000000000042");
pub const CHALLENGE: [u8; 8] = hex!("A1B2C3D400000000");
pub const CONTROL: u8 = 0x01;
pub const PURCHASE: u8 = 0x09;
pub const SAM_MASTER: u8 = 0x13;
pub const MANAGEMENT: u8 = 0x81;
pub const SAM_MANAGEMENT: u8 = 0x82;
pub const ADD: u8 = 0x00;
pub const REPLACE: u8 = 0x01;

/// An order of EXPORT KEY; all keys have version 01.
#[derive(Clone, Copy)]
pub struct Order {
    pub p1: u8,
    pub p2: u8,
    pub code: u8,
    pub place: u8,
    pub manner: u8,
    pub wrapping: u8,
    pub factor: [u8; 8],
    pub freshness: [u8; 8],
}

impl Order {
    pub const fn to_card(code: u8) -> Self {
        Self {
            p1: 0x01,
            p2: 0x00,
            code,
            place: 0x00,
            manner: ADD,
            wrapping: CONTROL,
            factor: SERIAL,
            freshness: CHALLENGE,
        }
    }

    pub const fn to_sam(code: u8) -> Self {
        Self { p1: 0x02, wrapping: SAM_MASTER, factor: SAM_FACTOR, ..Self::to_card(code) }
    }

    pub fn command(&self) -> Vec<u8> {
        self.with(0x01, &[])
    }

    pub fn with(&self, version: u8, pin: &[u8]) -> Vec<u8> {
        let head = [self.code, version, self.place, self.manner, self.wrapping, 0x01];
        command([0x80, 0x36, self.p1, self.p2], &[&head[..], &self.factor, &self.freshness, pin].concat())
    }

    /// What the target must find: the body of `84 D4 P1 P2`, its initial block being `freshness`.
    pub fn expected(&self, header: [u8; 2], control: Key, record: &[u8], initial: &[u8]) -> Vec<u8> {
        let whole = control.protect(initial, &[0x84, 0xD4, header[0], header[1]], &control.encipher_body(record));
        whole[5..].to_vec()
    }
}

/// Code, P1 of a replacement, id, head of the record; 4.2.3 typed in once more. Behind three bytes come version and algorithm.
const ON_CARD: [(u8, u8, u8, &[u8]); 17] = [
    (0x01, 0x39, 0x00, &hex!("F9F0F0 0FFF")),
    (0x02, 0x39, 0x01, &hex!("F9F0F0 01FF")),
    (0x03, 0x36, 0x00, &hex!("F6F0F0 FFFF")),
    (0x04, 0x36, 0x02, &hex!("F6F0F0 FFFF")),
    (0x05, 0x36, 0x03, &hex!("F6F0F0 FFFF")),
    (0x06, 0x37, 0x00, &hex!("F7F0F0 FFFF")),
    (0x07, 0x38, 0x00, &hex!("F8F0F0 FFFF")),
    (0x08, 0x34, 0x00, &hex!("F4F0F0")),
    (0x09, 0x3E, 0x01, &hex!("FEF0F0")),
    (0x0A, 0x3F, 0x01, &hex!("FF22F0")),
    (0x0B, 0x3F, 0x11, &hex!("FFF0F0")),
    (0x0C, 0x3D, 0x01, &hex!("FD22F0")),
    (0x0D, 0x3D, 0x02, &hex!("FDF0F0")),
    (0x0E, 0x3C, 0x01, &hex!("FC22F0")),
    (0x0F, 0x33, 0x01, &hex!("F3F0F0")),
    (0x10, 0x30, 0x01, &hex!("F0F0F0")),
    (0x11, 0x30, 0x02, &hex!("F0F0F0")),
];

/// Code and usage; 7.3.1 typed in once more.
const ON_SAM: [(u8, u8); 14] = [
    (0x13, 0x00),
    (0x14, 0x01),
    (0x09, 0x22),
    (0x06, 0x23),
    (0x07, 0x24),
    (0x03, 0x25),
    (0x0A, 0x29),
    (0x0F, 0x2A),
    (0x10, 0x2B),
    (0x05, 0x2C),
    (0x12, 0x2D),
    (0x11, 0x2F),
    (0x04, 0x30),
    (0x02, 0x31),
];

#[test]
fn every_key_of_a_card() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let control = master_key(algorithm, CONTROL).diversified(&SERIAL);
        for (code, key_type, id, head) in ON_CARD {
            let value = master_key(algorithm, code).diversified(&SERIAL).value;
            let version_and_algorithm = [0x01, algorithm.id()];
            let attributes = if head.len() == 3 { &version_and_algorithm[..] } else { &[] };
            let record = [head, attributes, &value].concat();
            for (manner, p1) in [(ADD, 0x01), (REPLACE, key_type)] {
                let order = Order { manner, ..Order::to_card(code) };
                if (code, manner) == (CONTROL, ADD) {
                    assert_eq!(pair.master.status(&order.command()), 0x6A80);
                    continue;
                }
                let expected = order.expected([p1, id], control, &record, &CHALLENGE);
                assert_eq!(pair.master.ok(&order.command()), expected, "{algorithm:?} {code:02X} {manner}");
            }
        }
        assert_eq!(pair.report().cards, 40 - 2 * 17 + 1);
    }
}

#[test]
fn every_key_of_a_sam() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let control = master_key(algorithm, SAM_MASTER).diversified(&SAM_FACTOR);
        for (code, usage) in ON_SAM {
            let master = master_key(algorithm, code);
            let value = if usage < 0x20 { master.diversified(&SAM_FACTOR).value } else { master.value };
            let body = [&[usage, 0x01, algorithm.id()][..], &value].concat();
            let order = Order::to_sam(code);
            let expected = order.expected([0x00, 0x00], control, &body, &CHALLENGE);
            assert_eq!(pair.master.ok(&order.command()), expected, "{algorithm:?} {code:02X}");
        }
        // The maintenance key twice: as what it is, and as what marks.
        let body = [&[0x2E, 0x01, algorithm.id()][..], &master_key(algorithm, 0x03).value].concat();
        let order = Order { place: 0x0E, ..Order::to_sam(0x03) };
        assert_eq!(pair.master.ok(&order.command()), order.expected([0, 0], control, &body, &CHALLENGE));
        assert_eq!(pair.report().sams, 20 - 15);
    }
}

#[test]
fn the_operators_key_carries_the_first_control_key() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let management = master_key(algorithm, MANAGEMENT).diversified(&SERIAL);
        let value = master_key(algorithm, CONTROL).diversified(&SERIAL).value;
        let order = Order { wrapping: MANAGEMENT, manner: REPLACE, ..Order::to_card(CONTROL) };
        let record = [&hex!("F9F0F00FFF")[..], &value].concat();
        assert_eq!(pair.master.ok(&order.command()), order.expected([0x39, 0x00], management, &record, &CHALLENGE));
        let management = master_key(algorithm, SAM_MANAGEMENT).diversified(&SAM_FACTOR);
        let value = master_key(algorithm, SAM_MASTER).diversified(&SAM_FACTOR).value;
        let order = Order { wrapping: SAM_MANAGEMENT, ..Order::to_sam(SAM_MASTER) };
        let body = [&[0x00, 0x01, algorithm.id()][..], &value].concat();
        assert_eq!(pair.master.ok(&order.command()), order.expected([0x00, 0x00], management, &body, &CHALLENGE));
    }
}

#[test]
fn keys_side_by_side_and_an_eight_byte_challenge() {
    let mut pair = Pair::with_keys(Algorithm::TripleDes);
    pair.load(PURCHASE, 0x02, Algorithm::Sm4.key([0x77; 16]));
    let control = master_key(Algorithm::TripleDes, CONTROL).diversified(&SERIAL);
    let value = Algorithm::Sm4.key([0x77; 16]).diversified(&SERIAL).value;
    let order = Order { place: 0x02, freshness: hex!("0102030405060708"), ..Order::to_card(PURCHASE) };
    let record = [&hex!("FEF0F0 02 04")[..], &value].concat();
    assert_eq!(
        pair.master.ok(&order.with(0x02, &[])),
        order.expected([0x01, 0x02], control, &record, &order.freshness)
    );
}

/// The place in the packet, enciphered by the key of the MAC, is the IV.
#[test]
fn over_the_air() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let control = master_key(algorithm, CONTROL).diversified(&SERIAL);
        let freshness = hex!("0000001234 02 0000");
        let order = Order { p2: 0x01, freshness, ..Order::to_card(PURCHASE) };
        let mut block = freshness.to_vec();
        block.resize(algorithm.block_len(), 0);
        let initial = control.encipher(&block);
        let value = master_key(algorithm, PURCHASE).diversified(&SERIAL).value;
        let record = [&hex!("FEF0F001")[..], &[algorithm.id()], &value].concat();
        assert_eq!(pair.master.ok(&order.command()), order.expected([0x01, 0x01], control, &record, &initial));
    }
}

#[test]
fn a_holders_pin() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let control = master_key(algorithm, CONTROL).diversified(&SERIAL);
        for pin in [&hex!("1234")[..], &hex!("12345F"), &hex!("123456")] {
            let order = Order::to_card(0x3A);
            let record = [&hex!("3AF0EF0233")[..], pin].concat();
            let expected = order.expected([0x01, 0x00], control, &record, &CHALLENGE);
            assert_eq!(pair.master.ok(&order.with(0x00, pin)), expected);
        }
        // Longer ones too: `washing` has what one of 5 bytes would be good for.
        for pin in [&hex!("12")[..], &hex!("12345678"), &hex!("1234567890"), &hex!("123456789012"), &[]] {
            assert_eq!(pair.master.status(&Order::to_card(0x3A).with(0x00, pin)), 0x6700);
        }
        for pin in [hex!("12A4"), hex!("1F34"), hex!("12FF"), hex!("A234"), hex!("123A"), hex!("12F4")] {
            assert_eq!(pair.master.status(&Order::to_card(0x3A).with(0x00, &pin)), 0x6A80, "{pin:02X?}");
        }
        assert_eq!(pair.report().cards, 40 - 3);
    }
}

/// Each export is one entry of the log and one off its own counter.
#[test]
fn each_export_is_counted_and_logged() {
    let mut pair = Pair::with_keys(Algorithm::TripleDes);
    pair.master.ok(&Order { place: 0x02, ..Order::to_card(PURCHASE) }.command());
    assert_eq!((pair.report().cards, pair.report().sams), (39, 20));
    pair.master.ok(&Order::to_sam(PURCHASE).command());
    assert_eq!((pair.report().cards, pair.report().sams), (39, 19));
    pair.master.ok(&Order { p2: 0x01, freshness: hex!("0000001234 02 0000"), ..Order::to_card(PURCHASE) }.command());
    let log = pair.master.ok(&hex!("80CA00E100"));
    let first = CODES.len() as u8 + 1;
    let entry = |number: u8, event: u8, target: [u8; 8], detail: [u8; 8]| {
        [&[0, 0, 0, first + number, event][..], &target, &detail].concat()
    };
    assert_eq!(log[..21], entry(2, 0x13, SERIAL, hex!("09 01 00 00 01 01 0000")));
    assert_eq!(log[21..42], entry(1, 0x12, SAM_FACTOR, hex!("09 01 00 00 13 01 0000")));
    assert_eq!(log[42..63], entry(0, 0x11, SERIAL, hex!("09 01 02 00 01 01 0000")));
}

#[test]
fn nothing_leaves_when_the_allowance_is_spent() {
    let mut pair = Pair::with_keys(Algorithm::Aes);
    for left in (0..20).rev() {
        pair.master.ok(&Order::to_sam(PURCHASE).command());
        assert_eq!(pair.report().sams, left);
    }
    let operations = pair.master.operations();
    assert_eq!(pair.master.status(&Order::to_sam(PURCHASE).command()), 0x9401);
    assert_eq!(pair.master.operations(), operations, "it wrote");
    // The cards' counter is another.
    pair.master.ok(&Order::to_card(PURCHASE).command());
    assert_eq!(pair.load_allowance(0, 1), 0x9000);
    pair.master.ok(&Order::to_sam(PURCHASE).command());
    assert_eq!(pair.master.status(&Order::to_sam(PURCHASE).command()), 0x9401);
}
