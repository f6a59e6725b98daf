//! LOAD MASTER KEY, LOAD ALLOWANCE, the list of keys, the log.

use hex_literal::hex;

use super::{
    ceremony::{CODES, K_M, K_W, NUMBER, OTHER_NUMBER, Pair, load_allowance, load_key, master_key, proved, wrap},
    reference::{ALGORITHMS, Algorithm},
};

const PURCHASE: u8 = 0x09;

#[test]
fn keys_are_listed_with_their_check_values() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let filling = if algorithm == Algorithm::Aes { 0x01 } else { 0x00 };
        let expected: Vec<u8> = CODES
            .iter()
            .flat_map(|code| {
                let check_value = master_key(algorithm, *code).encipher(&vec![filling; algorithm.block_len()]);
                [&[*code, 0x01, algorithm.id()][..], &check_value[..3]].concat()
            })
            .collect();
        assert_eq!(pair.master.ok(&hex!("80CA00E000")), expected);
        assert_eq!(pair.master.ok(&hex!("80CA01E000")), []);
    }
}

#[test]
fn the_same_key_again_changes_nothing_and_another_is_refused() {
    let mut pair = Pair::new();
    pair.open();
    let key = master_key(Algorithm::TripleDes, PURCHASE);
    pair.load(PURCHASE, 1, key);
    let operations = pair.master.operations();
    pair.load(PURCHASE, 1, key);
    assert_eq!(pair.master.operations(), operations, "it wrote");
    let mut other = key;
    other.value[15] ^= 0x01;
    assert_eq!(pair.load_status(PURCHASE, 1, other), 0x6A89);
    assert_eq!(pair.load_status(PURCHASE, 1, Algorithm::Aes.key(key.value)), 0x6A89);
    pair.load(PURCHASE, 2, other);
    assert_eq!(pair.master.ok(&hex!("80CA00E000")).len(), 2 * 6);
}

#[test]
fn what_is_loaded_is_for_this_card_and_this_once() {
    let mut pair = Pair::new();
    let key = master_key(Algorithm::Sm4, PURCHASE);
    let challenge = pair.master.challenge();
    assert_eq!(pair.master.status(&load_key(challenge, NUMBER, PURCHASE, 1, key)), 0x6982, "not open");
    pair.open();
    let challenge = pair.master.challenge();
    let right = load_key(challenge, NUMBER, PURCHASE, 1, key);
    for at in 5..right.len() {
        let challenge = pair.master.challenge();
        let mut changed = load_key(challenge, NUMBER, PURCHASE, 1, key);
        changed[at] ^= 0x80;
        assert_eq!(pair.master.status(&changed), 0x9302, "byte {at}");
    }
    let challenge = pair.master.challenge();
    assert_eq!(pair.master.status(&load_key(challenge, OTHER_NUMBER, PURCHASE, 1, key)), 0x9302);
    assert_eq!(pair.master.status(&right), 0x6985, "its challenge is gone");
    let challenge = pair.master.challenge();
    let allowance = load_allowance(challenge, NUMBER, 1, 1);
    pair.master.ok(&allowance);
    assert_eq!(pair.master.status(&allowance), 0x6985);
    pair.master.challenge();
    assert_eq!(pair.master.status(&allowance), 0x9302);
    assert_eq!(pair.master.ok(&hex!("80CA00E000")), []);
}

#[test]
fn a_right_mac_over_wrong_data() {
    let mut pair = Pair::new();
    pair.open();
    let wrapped = wrap(&K_W, &[7; 16]);
    let mut bad = wrapped.clone();
    bad[3] ^= 1;
    for (head, wrapped) in [
        // No such code, an algorithm byte that is not the one for its cipher, a key that K_W does not wrap.
        ([0x15, 1, 0], &wrapped),
        ([0x00, 1, 0], &wrapped),
        ([0x80, 1, 0], &wrapped),
        ([PURCHASE, 1, 1], &wrapped),
        ([PURCHASE, 1, 5], &wrapped),
        ([PURCHASE, 1, 0], &bad),
        ([PURCHASE, 1, 0], &wrap(&K_M, &[7; 16])),
    ] {
        let challenge = pair.master.challenge();
        let data = [&head[..], wrapped].concat();
        assert_eq!(pair.master.status(&proved(&K_M, NUMBER, challenge, hex!("84320000"), &data)), 0x6A80, "{head:?}");
    }
    assert_eq!(pair.master.ok(&hex!("80CA00E000")), []);
}

#[test]
fn the_allowance_adds_up_and_does_not_run_over() {
    let mut pair = Pair::new();
    pair.open();
    assert_eq!(pair.load_allowance(5, 7), 0x9000);
    assert_eq!((pair.report().cards, pair.report().sams), (45, 27));
    assert_eq!(pair.load_allowance(u32::MAX - 44, 0), 0x9402);
    assert_eq!(pair.load_allowance(0, u32::MAX), 0x9402);
    assert_eq!(pair.load_allowance(u32::MAX - 45, 0), 0x9000);
    assert_eq!((pair.report().cards, pair.report().sams), (u32::MAX, 27));
}

#[test]
fn there_is_room_for_96_keys_in_pages_of_36() {
    let mut pair = Pair::new();
    pair.open();
    for version in 0..96 {
        pair.load(PURCHASE, version, master_key(Algorithm::Aes, version));
    }
    assert_eq!(pair.load_status(PURCHASE, 96, master_key(Algorithm::Aes, 96)), 0x6A84);
    let lengths: Vec<usize> = (0..4).map(|page| pair.master.ok(&[0x80, 0xCA, page, 0xE0, 0x00]).len() / 6).collect();
    assert_eq!(lengths, [36, 36, 24, 0]);
    // The newest is first in the log; a page has eleven.
    let page = |pair: &mut Pair, page| pair.master.ok(&[0x80, 0xCA, page, 0xE1, 0x00]);
    let newest = page(&mut pair, 0);
    assert_eq!(newest.len(), 11 * 21);
    assert_eq!(newest[..21], [&hex!("00000060 01")[..], &NUMBER, &hex!("09 5F 06 0000000000")].concat());
    assert_eq!(page(&mut pair, 8).len(), 8 * 21);
    assert_eq!(page(&mut pair, 9), []);
}
