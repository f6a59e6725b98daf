//! Card to card: keys and parts of the allowance.

use hex_literal::hex;

use super::{
    ceremony::{CODES, K_A, K_M, K_W, NUMBER, OTHER_K_A, OTHER_NUMBER, Pair, command, master_key, unwrap},
    exports::Order,
    reference::Algorithm,
};

pub fn copy_key(code: u8, version: u8, number: [u8; 8], challenge: [u8; 8]) -> Vec<u8> {
    command(hex!("80380100"), &[&[code, version][..], &number, &challenge].concat())
}

pub fn copy_allowance(cards: u32, sams: u32, number: [u8; 8], challenge: [u8; 8]) -> Vec<u8> {
    let data = [&cards.to_be_bytes()[..], &sams.to_be_bytes(), &number, &challenge].concat();
    command(hex!("80380200"), &data)
}

pub fn open_copy() -> Pair {
    let mut copy = Pair::numbered(OTHER_NUMBER, OTHER_K_A);
    copy.open();
    copy
}

#[test]
fn a_copy_exports_what_its_original_does() {
    let (mut original, mut copy) = (Pair::with_keys(Algorithm::Sm4), open_copy());
    for code in CODES {
        let challenge = copy.master.challenge();
        let data = original.master.ok(&copy_key(code, 0x01, OTHER_NUMBER, challenge));
        assert_eq!(data.len(), 35);
        copy.master.ok(&command(hex!("84320000"), &data));
        assert_eq!(unwrap(&K_W, &data[3..27]).unwrap(), master_key(Algorithm::Sm4, code).value);
    }
    assert_eq!(original.master.ok(&hex!("80CA00E000")), copy.master.ok(&hex!("80CA00E000")));
    let order = Order::to_card(0x09).command();
    assert_eq!(original.master.ok(&order), copy.master.ok(&order));
    // Both say so.
    let log = original.master.ok(&hex!("80CA00E100"));
    assert_eq!(log[21..42], [&[0, 0, 0, 44, 0x21][..], &OTHER_NUMBER, &hex!("82 01 04 0000000000")].concat());
    let log = copy.master.ok(&hex!("80CA00E100"));
    assert_eq!(log[21..42], [&[0, 0, 0, 22, 0x01][..], &OTHER_NUMBER, &hex!("82 01 04 0000000000")].concat());
}

#[test]
fn an_allowance_moves_and_does_not_grow() {
    let (mut original, mut copy) = (Pair::new(), open_copy());
    original.open();
    let challenge = copy.master.challenge();
    let data = original.master.ok(&copy_allowance(15, 20, OTHER_NUMBER, challenge));
    assert_eq!((original.report().cards, original.report().sams), (25, 0));
    copy.master.ok(&command(hex!("84340000"), &data));
    assert_eq!((copy.report().cards, copy.report().sams), (55, 40));
    let challenge = copy.master.challenge();
    for (cards, sams) in [(26, 0), (0, 1), (u32::MAX, 0)] {
        assert_eq!(original.master.status(&copy_allowance(cards, sams, OTHER_NUMBER, challenge)), 0x9401);
    }
    assert_eq!((original.report().cards, original.report().sams), (25, 0));
    let log = original.master.ok(&hex!("80CA00E100"));
    assert_eq!(log, [&[0, 0, 0, 1, 0x22][..], &OTHER_NUMBER, &hex!("0000000F 00000014")].concat());
}

#[test]
fn a_copy_is_for_one_card_and_once() {
    let (mut original, mut copy) = (Pair::with_keys(Algorithm::Aes), open_copy());
    let challenge = copy.master.challenge();
    let key = command(hex!("84320000"), &original.master.ok(&copy_key(0x09, 1, OTHER_NUMBER, challenge)));
    let share = command(hex!("84340000"), &original.master.ok(&copy_allowance(5, 5, OTHER_NUMBER, challenge)));
    // A third card of the enterprise, with the same transport keys.
    let mut third = Pair::numbered(hex!("3100000000000019"), K_A);
    third.open();
    for load in [&key, &share] {
        third.master.challenge();
        assert_eq!(third.master.status(load), 0x9302);
        original.master.challenge();
        assert_eq!(original.master.status(load), 0x9302, "its own answer");
    }
    copy.master.ok(&share);
    assert_eq!(copy.master.status(&share), 0x6985);
    copy.master.challenge();
    assert_eq!(copy.master.status(&share), 0x9302, "again");
    assert_eq!(copy.report().cards, 45);
    // One command does not pass for the other, nor a part of it.
    let challenge = copy.master.challenge();
    let data = original.master.ok(&copy_allowance(5, 5, OTHER_NUMBER, challenge));
    assert_eq!(copy.master.status(&command(hex!("84320000"), &data)), 0x6700);
}

/// The copy's challenge lives for one command, and its LOAD is for an open card: so its mother card and PIN were there.
#[test]
fn without_the_copys_own_mother_card_nothing_goes_in() {
    let mut original = Pair::with_keys(Algorithm::Aes);
    let mut copy = Pair::numbered(OTHER_NUMBER, OTHER_K_A);
    let challenge = copy.master.challenge();
    let data = original.master.ok(&copy_key(0x09, 1, OTHER_NUMBER, challenge));
    assert_eq!(copy.master.status(&command(hex!("84320000"), &data)), 0x6982);
    // Opened now, the challenge is gone.
    copy.open();
    assert_eq!(copy.master.status(&command(hex!("84320000"), &data)), 0x6985);
    // The original's mother card does not open the copy.
    let mut copy = copy.power_cycled();
    assert!(!super::ceremony::authenticate(&mut copy.master, &mut original.mother));
}

#[test]
fn refusals() {
    let mut original = Pair::with_keys(Algorithm::TripleDes);
    let before = (original.report(), original.master.operations());
    let challenge = [9; 8];
    for (wrong, expected) in [
        (command(hex!("80380000"), &[0; 18]), 0x6A86),
        (command(hex!("80380101"), &[0; 18]), 0x6A86),
        (command(hex!("80380100"), &[0; 17]), 0x6700),
        (command(hex!("80380200"), &[0; 18]), 0x6700),
        // To itself, to nobody's number, of no such key.
        (copy_key(0x09, 1, NUMBER, challenge), 0x6A80),
        (copy_allowance(1, 1, NUMBER, challenge), 0x6A80),
        (copy_key(0x09, 1, [0xAA; 8], challenge), 0x6A80),
        (copy_key(0x15, 1, OTHER_NUMBER, challenge), 0x6A80),
        (copy_key(0x09, 2, OTHER_NUMBER, challenge), 0x6A88),
        ([&copy_key(0x09, 1, OTHER_NUMBER, challenge)[..], &[0x10]].concat(), 0x6C23),
        ([&copy_allowance(1, 1, OTHER_NUMBER, challenge)[..], &[0x20]].concat(), 0x6C10),
    ] {
        assert_eq!(original.master.status(&wrong), expected, "{wrong:02X?}");
    }
    assert_eq!((original.report(), original.master.operations()), before);
    let answer = original.master.ok(&copy_key(0x09, 1, OTHER_NUMBER, challenge));
    assert!(unwrap(&K_M, &answer[3..27]).is_none(), "wrapped by K_M");
}

/// Copies of keys cost no allowance, and their numbers need be no card's. They never take the entry of an export away.
#[test]
fn what_costs_nothing_does_not_wash_the_log_away() {
    let mut original = Pair::with_keys(Algorithm::TripleDes);
    original.master.ok(&Order::to_card(0x09).command());
    let (before, operations) = (original.report(), original.master.operations());
    assert_eq!(original.master.status(&copy_allowance(0, 0, OTHER_NUMBER, [0; 8])), 0x6A80);
    assert_eq!((original.report(), original.master.operations()), (before, operations));
    let copy = copy_key(0x09, 1, OTHER_NUMBER, [0; 8]);
    for number in 0..1_024 {
        let expected = if number < 512 { 0x9000 } else { 0x6A84 };
        assert_eq!(original.master.status(&copy), expected, "copy {number}");
    }
    let exports = |original: &mut Pair| {
        let pages = (0_u8..94).map(|page| original.master.ok(&[0x80, 0xCA, page, 0xE1, 0x00])).collect::<Vec<_>>();
        pages.iter().flat_map(|page| page.chunks(21)).filter(|entry| entry.get(4) == Some(&0x11)).count()
    };
    assert_eq!(exports(&mut original), 1);
    // What has a price still goes, and while the copies are in the log none is added to them.
    assert_eq!(original.load_allowance(600, 0), 0x9000);
    let paid = 1_024 - 512 - CODES.len() - 2;
    for _ in 0..paid {
        original.master.ok(&Order::to_card(0x09).command());
        assert_eq!(original.master.status(&copy), 0x6A84);
    }
    assert_eq!(exports(&mut original), 1 + paid);
    // Now the keys that came first fall out, then the export, and only then the first copy, which makes room for one.
    for _ in 0..CODES.len() + 1 {
        original.master.ok(&Order::to_card(0x09).command());
        assert_eq!(original.master.status(&copy), 0x6A84);
    }
    original.master.ok(&Order::to_card(0x09).command());
    original.master.ok(&copy);
}
