//! The SAM's own commands (specification chapter 7).

use onecard_applet::Kind;
use onecard_host::{
    crypto::{Key, SessionKey},
    keys::diversify,
};
use onecard_wire::amount::Amount;

use crate::{
    probe::{Probe, bytes},
    purse::MOMENT,
    sam_probe::SamProbe,
};

const KEY: [u8; 16] = hex_literal::hex!("5F5DDEFF3164F2A90A54B0530659A0CB");
const SERIAL: &str = "3201234567890120";

/// 8070 data without factors: random, sequence, amount, type, moment, version, algorithm.
fn order(sequence: u16, amount: u32, transaction_type: u8, version: u8) -> String {
    format!("01020304{sequence:04X}{amount:08X}{transaction_type:02X}{}{version:02X}00", hex::encode(MOMENT))
}

fn purchase(version: u8) -> String {
    format!("807000001C{}{SERIAL}", order(7, 100, 0x06, version))
}

fn till() -> SamProbe {
    let mut sam = SamProbe::new();
    sam.write_key(0x22, 0x01, &KEY);
    sam
}

#[test]
fn each_level_takes_its_factors_and_no_other() {
    for level in 1..=3u8 {
        let mut sam = SamProbe::new();
        sam.write_key(level << 5 | 0x02, 0x01, &KEY);
        for factors in 0..=4u8 {
            let command = format!(
                "80700000{:02X}{}{}",
                20 + 8 * factors,
                order(7, 100, 0x06, 0x01),
                SERIAL.repeat(usize::from(factors))
            );
            match factors {
                0 | 4 => sam.probe.refused(0x6700, &command),
                _ if factors == level => assert_eq!(sam.probe.done(&command).len(), 8),
                _ => sam.probe.refused(0x6A80, &command),
            }
        }
    }
}

#[test]
fn initialize_checks_in_order() {
    let mut sam = till();
    for p1 in ["03", "04", "FF"] {
        sam.probe.refused(0x6A86, &purchase(1).replacen("80700000", &format!("8070{p1}00"), 1));
    }
    sam.probe.refused(0x6A86, &purchase(1).replacen("80700000", "80700001", 1));
    sam.probe.refused(0x6700, &format!("807000001B{}", "00".repeat(27)));
    sam.probe.refused(0x6700, "80700000");
    sam.probe.refused(0x6A80, &purchase(1).replacen("20261123", "20261131", 1));
    sam.probe.refused(0x6C08, &format!("{}07", purchase(1)));
    for transaction_type in [0x01, 0x02, 0x03, 0x07, 0x0A, 0x0B, 0x00] {
        sam.probe.refused(0x6A80, &format!("807000001C{}{SERIAL}", order(7, 100, transaction_type, 1)));
    }
    sam.probe.refused(0x9403, &purchase(2));
    sam.probe.refused(0x6E00, &purchase(1).replacen("80", "84", 1));
    assert_eq!(sam.probe.done(&purchase(1))[..4], [0; 4]);
    sam.probe.done("00A40000023F00");
    assert!(matches!(sam.probe.ask(&purchase(1)).status, 0x6985 | 0x9403));
}

#[test]
fn the_sequence_goes_on_after_a_right_mac2_alone() {
    let mut sam = till();
    for _ in 0..5 {
        assert_eq!(sam.probe.done(&purchase(1))[..4], [0; 4]);
        sam.probe.refused(0x9302, "8072000004 00000000");
        sam.probe.refused(0x6901, "8072000004 00000000");
    }
    for command in ["00B0990004", "0084000004", "00A40000021234", "FF", "801A270108 0000000000000000"] {
        sam.probe.done(&purchase(1));
        sam.probe.ask(command);
        sam.probe.refused(0x6901, "8072000004 00000000");
    }
    sam.probe.done(&purchase(1));
    sam.probe.refused(0x6700, "8072000003 000000");
    sam.probe.refused(0x6901, "8072000004 00000000");
    sam.probe.done(&purchase(1));
    sam.probe.refused(0x6A86, "8072040004 00000000");
    sam.probe.done(&purchase(1));
    sam.probe.refused(0x6901, "8072010004 00000000");
    assert_eq!(sam.next_sequence(), 0);
}

/// The counter moves on only if it still stands there: never back, and never to a number not yet given.
#[test]
fn a_past_purchase_moves_the_counter_where_it_stands() {
    let mut sam = till();
    let card_key = diversify(&Key::from_bytes(KEY), bytes(SERIAL).try_into().unwrap());
    let mac2 = |sequence| {
        let session = SessionKey::of_purchase(&card_key, [1, 2, 3, 4], 7, sequence);
        hex::encode(session.purchase_mac2(Amount::from_fen(100)))
    };
    let past = |sequence: u32, mac2: &str| format!("8072030024{sequence:08X}{}{SERIAL}{mac2}", order(7, 100, 0x06, 1));
    for sequence in 0..3 {
        sam.probe.done(&purchase(1));
        sam.probe.done(&format!("8072000004{}", mac2(sequence)));
    }
    for (sequence, next) in [(0, 3), (1, 3), (2, 3), (9, 3), (3, 4), (3, 4)] {
        sam.probe.refused(0x9302, &past(sequence, &mac2(sequence + 1)));
        let operations = sam.probe.operations();
        let before = sam.next_sequence();
        sam.probe.done(&past(sequence, &mac2(sequence)));
        assert_eq!(sam.next_sequence(), next, "{sequence}");
        assert_eq!(sam.probe.operations() == operations, before == next, "{sequence}: it writes only if it moves");
    }
    sam.probe.refused(0x6700, &past(0, "").replacen("24", "20", 1));
    sam.probe.refused(0x6A86, &past(0, &mac2(0)).replacen("80720300", "80720301", 1));
    sam.probe.refused(0x9403, &format!("8072030024{:08X}{}{SERIAL}00000000", 0, order(7, 100, 0x06, 2)));
    sam.probe.refused(0x6A80, &format!("8072030024{:08X}{}{SERIAL}00000000", 0, order(7, 100, 0x02, 1)));
}

#[test]
fn the_last_terminal_sequence() {
    let mut sam = SamProbe::of_terminal(crate::purse::TERMINAL, u32::MAX);
    sam.write_key(0x22, 0x01, &KEY);
    sam.probe.refused(0x9402, &purchase(1));
    let mut sam = SamProbe::of_terminal(crate::purse::TERMINAL, u32::MAX - 1);
    sam.write_key(0x22, 0x01, &KEY);
    assert_eq!(sam.probe.done(&purchase(1))[..4], (u32::MAX - 1).to_be_bytes());
}

/// DES CRYPT with one of these would make any MAC: past counter and limit, or the SAM's own keys.
#[test]
fn refused_usages() {
    let mut sam = SamProbe::new();
    for kind in 0x02..=0x11 {
        sam.write_key(0x20 | kind, 0x01, &KEY);
    }
    for kind in 0..0x20u8 {
        let command = format!("801A{:02X}0108{SERIAL}", 0x20 | kind);
        match kind {
            0x02 | 0x09 | 0x0A | 0x0E => sam.probe.refused(0x6985, &command),
            0x00 | 0x01 | 0x12.. => sam.probe.refused(0x9403, &command),
            _ => {
                sam.probe.done(&command);
                continue;
            }
        }
        sam.probe.refused(0x6985, "80FA010008 8000000000000000");
    }
}

#[test]
fn each_kind_does_what_it_is_for() {
    let (macs, enciphers) = ([0x04, 0x06, 0x0C, 0x0D, 0x10], [0x07, 0x0B, 0x0F, 0x11]);
    for kind in [0x03, 0x05, 0x08].into_iter().chain(macs).chain(enciphers) {
        let mut sam = SamProbe::new();
        sam.write_key(0x20 | kind, 0x01, &KEY);
        sam.probe.done(&format!("801A{:02X}0108{SERIAL}", 0x20 | kind));
        for (p1, allowed) in
            [("00", !macs.contains(&kind)), ("80", !macs.contains(&kind)), ("01", !enciphers.contains(&kind))]
        {
            let expected = if allowed { 0x9000 } else { 0x6985 };
            assert_eq!(sam.probe.ask(&format!("80FA{p1}0008 8000000000000000")).status, expected, "{kind:02X} {p1}");
        }
    }
}

#[test]
fn des_crypt_checks_in_order() {
    let mut sam = SamProbe::new();
    sam.write_key(0x28, 0x01, &KEY);
    let prepare = format!("801A280108{SERIAL}");
    sam.probe.refused(0x6985, "80FA000008 0000000000000000");
    sam.probe.refused(0x6700, "801A2801");
    sam.probe.refused(0x6700, &format!("801A280110{SERIAL}{SERIAL}"));
    sam.probe.refused(0x9403, &format!("801A280208{SERIAL}"));
    sam.probe.done(&prepare);
    sam.probe.refused(0x6A86, "80FA000108 0000000000000000");
    sam.probe.refused(0x6700, "80FA000007 00000000000000");
    sam.probe.refused(0x6700, "80FA0000");
    for p1 in ["04", "06", "08", "09", "81", "FF"] {
        sam.probe.refused(0x6A86, &format!("80FA{p1}0008 0000000000000000"));
    }
    sam.probe.refused(0x6C08, "80FA000008 0000000000000000 07");
    sam.probe.refused(0x6C04, "80FA010008 0000000000000000 08");
    let cipher = sam.probe.done("80FA000008 0123456789ABCDEF 08");
    let clear = sam.probe.done(&format!("80FA800008 {}", hex::encode(cipher)));
    assert_eq!(clear, bytes("0123456789ABCDEF"));
}

/// A MAC in parts is the MAC of the whole.
#[test]
fn a_long_mac_comes_in_parts() {
    let mut sam = SamProbe::new();
    sam.write_key(0x26, 0x01, &KEY);
    sam.probe.done(&format!("801A260108{SERIAL}"));
    let whole = sam.probe.done("80FA050020 1111111111111111 2222222222222222 3333333333333333 8000000000000000");
    assert_eq!(sam.probe.done("80FA070010 1111111111111111 2222222222222222"), Vec::<u8>::new());
    assert_eq!(sam.probe.done("80FA030008 3333333333333333"), Vec::<u8>::new());
    assert_eq!(sam.probe.done("80FA010008 8000000000000000"), whole);
    assert_ne!(sam.probe.done("80FA010008 8000000000000000"), whole, "the chain is used up");
}

#[test]
fn the_working_key_goes_with_the_selection() {
    let mut sam = till();
    sam.write_key(0x27, 0x01, &KEY);
    let encipher = "80FA000008 0000000000000000";
    for lost in ["00A4000002DF01".to_owned(), purchase(1), format!("801A220108{SERIAL}"), "801A2701".to_owned()] {
        sam.probe.done(&format!("801A270108{SERIAL}"));
        sam.probe.done(encipher);
        sam.probe.ask("00B0990004");
        sam.probe.done(encipher);
        sam.probe.ask(&lost);
        sam.probe.refused(0x6985, encipher);
    }
    sam.probe.done(&format!("801A270108{SERIAL}"));
    sam.probe.power_cycle();
    SamProbe::select(&mut sam.probe);
    sam.probe.refused(0x6985, encipher);
}

#[test]
fn write_key_replaces_by_kind_and_version() {
    let mut sam = till();
    let first = sam.probe.done(&purchase(1));
    sam.write_key(0x22, 0x02, &[0x21; 16]);
    assert_eq!(sam.probe.done(&purchase(1)), first);
    sam.write_key(0x42, 0x01, &KEY);
    sam.probe.refused(0x6A80, &purchase(1));
    sam.write_key(0x22, 0x01, &[0x33; 16]);
    assert_ne!(sam.probe.done(&purchase(1)), first);
    sam.probe.refused(0x6985, &format!("84D400001C{}", "00".repeat(28)));
    sam.probe.refused(0x6E00, &format!("04D400001C{}", "00".repeat(28)));
}

#[test]
fn a_card_is_no_sam_and_a_sam_no_card() {
    let mut card = Probe::application(Kind::CpuCard);
    for command in ["80700000", "80720000", "801A0000", "80FA0000"] {
        card.refused(0x6D00, command);
    }
    let mut sam = SamProbe::new();
    for command in ["80500002", "80520000", "80540100", "805A0002", "805C0002"] {
        sam.probe.refused(0x6D00, command);
    }
}
