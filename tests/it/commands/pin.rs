//! VERIFY, CHANGE PIN, RELOAD PIN, PIN UNBLOCK (specification 5.9 to 5.12).

use onecard_host::{
    card::{Pin, reload_command, unblock_command},
    crypto::Key,
    line_protection::Challenge,
};

use super::{PIN, RELOAD, UNBLOCK, specimen};
use crate::probe::{Probe, bytes, line_key};
use onecard_applet::Kind;

#[test]
fn three_failures_in_a_row_block_it() {
    let mut probe = specimen();
    assert_eq!(probe.ask("0020000003 111111").status, 0x63C2);
    assert_eq!(probe.ask("0020000003 111111").status, 0x63C1);
    probe.done("0020000003 123456");
    for left in [2, 1, 0] {
        probe.power_cycle();
        super::select(&mut probe);
        assert_eq!(probe.ask("0020000003 111111").status, 0x63C0 | left);
    }
    probe.refused(0x6983, "0020000003 123456");
    probe.refused(0x6983, "805E010007 123456 FF 654321");
    probe.refused(0x6982, "00B0940001");
}

#[test]
fn lengths_and_padding() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x00, "3AF0EF0233", &bytes("12345FFF"));
    for pin in ["12345F", "12345FFF", "12345FFFFF", "12345FFFFFFF"] {
        probe.done(&format!("00200000{:02X}{pin}", pin.len() / 2));
    }
    assert_eq!(probe.ask("0020000003 123450").status, 0x63C2);
    probe.refused(0x6700, "0020000001 12");
    probe.refused(0x6700, "0020000007 12345FFFFFFFFF");
    probe.refused(0x6700, "0020000000");
    probe.refused(0x6A86, "0020010003 12345F");
    probe.refused(0x9403, "0020000103 12345F");
    probe.refused(0x6E00, "0420000003 12345F");
}

#[test]
fn change_counts_the_old_one_and_keeps_the_state() {
    let mut probe = specimen();
    assert_eq!(probe.ask("805E010007 111111 FF 654321").status, 0x63C2);
    probe.done("805E010009 123456 FF 9876543210");
    probe.refused(0x6982, "00B0940001");
    assert_eq!(probe.ask("0020000003 123456").status, 0x63C2, "the counter was filled");
    probe.done("0020000005 9876543210");
    probe.done("00B0940001");
    for wrong in
        ["805E010006 123456 FF 65", "805E010006 12 FF 65432100", "805E010006 123456654321", "805E010004 12FF3456"]
    {
        probe.refused(0x6700, wrong);
    }
    probe.refused(0x6700, &format!("805E01000E 123456FF{}", "12".repeat(10)));
    probe.refused(0x9403, "805E010107 123456 FF 654321");
    probe.refused(0x6A86, "805E020007 123456 FF 654321");
}

#[test]
fn reload_is_the_issuers() {
    let mut probe = specimen();
    for _ in 0..3 {
        probe.ask("0020000003 111111");
    }
    let new = Pin::from_digits("4711").unwrap();
    let reload = |key: [u8; 16]| hex::encode(reload_command(&new, &Key::from_bytes(key)).unwrap().to_bytes());
    assert_eq!(probe.ask(&reload([0x13; 16])).status, 0x9302);
    probe.refused(0x6983, "0020000002 4711");
    probe.done(&reload(RELOAD));
    probe.done("0020000002 4711");
    probe.refused(0x6700, "805E000005 4711000000 00");
    probe.refused(0x6700, "805E000005 4700000000");
    probe.refused(0x6700, &format!("805E00000B{}", "12".repeat(11)));
    probe.refused(0x9403, "805E000106 471100000000");
    for _ in 0..3 {
        assert_eq!(probe.ask(&reload([0x13; 16])).status, 0x9302);
    }
    probe.refused(0x6983, &reload(RELOAD));
}

#[test]
fn unblock_is_enciphered_and_for_one_challenge() {
    let mut probe = specimen();
    for _ in 0..3 {
        probe.ask("0020000003 111111");
    }
    let new = Pin::from_digits("987654").unwrap();
    let unblock = |challenge: Challenge, key: &[u8]| {
        hex::encode(unblock_command(&new, challenge, &line_key(key)).unwrap().to_bytes())
    };
    let challenge = probe.fresh_challenge();
    assert_eq!(probe.ask(&unblock(challenge, &[0x13; 16])).status, 0x6988);
    let challenge = probe.fresh_challenge();
    probe.done(&unblock(challenge, &UNBLOCK));
    probe.done("0020000003 987654");
    probe.refused(0x6985, &unblock(challenge, &UNBLOCK));
    probe.fresh_challenge();
    probe.refused(0x6A86, &unblock(challenge, &UNBLOCK).replacen("84240000", "84240100", 1));
    probe.fresh_challenge();
    probe.refused(0x6A86, &unblock(challenge, &UNBLOCK).replacen("84240000", "84240002", 1));
    probe.fresh_challenge();
    probe.refused(0x6987, "84240000");
    for _ in 0..3 {
        let challenge = probe.fresh_challenge();
        assert_eq!(probe.ask(&unblock(challenge, &[0x13; 16])).status, 0x6988);
    }
    let challenge = probe.fresh_challenge();
    probe.refused(0x6983, &unblock(challenge, &UNBLOCK));
    assert_eq!(probe.ask(&format!("0020000003 {PIN}")).status, 0x63C2);
}

#[test]
fn without_a_key_file_or_pin_there_is_nothing_to_try() {
    let mut probe = specimen();
    probe.done("00A4000002DF02");
    probe.refused(0x6A82, "0020000003 123456");
    probe.refused(0x6A82, "805E010007 123456 FF 654321");
    probe.done("00A40000023F00");
    probe.refused(0x9403, "0020000003 123456");
}
