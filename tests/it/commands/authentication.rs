//! GET CHALLENGE, EXTERNAL and INTERNAL AUTHENTICATE (specification 5.6 to 5.8, 4.3, 4.4).

use super::{CONTROL, MF_CONTROL, READING, authenticate, specimen};
use crate::probe::{Probe, bytes, line_key};
use onecard_applet::Kind;
use onecard_host::card::external_authentication;

#[test]
fn a_challenge_has_four_or_eight_bytes_and_does_not_repeat() {
    let mut probe = specimen();
    assert_eq!(probe.done("0084000004").len(), 4);
    let mut seen = std::collections::HashSet::new();
    for round in 0..200 {
        assert!(seen.insert(probe.done("0084000008")));
        if round % 20 == 0 {
            probe.power_cycle();
        }
    }
    for le in ["", "00", "03", "05", "10", "FF"] {
        probe.refused(0x6700, &format!("00840000{le}"));
    }
    probe.refused(0x6A86, "0084010004");
    probe.refused(0x6A86, "0084000108");
    probe.refused(0x6700, "0084000001 11 04");
    probe.refused(0x6E00, "8084000004");
}

#[test]
fn external_authentication_sets_the_state_down_too() {
    let mut probe = specimen();
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.create("001E", "28 0004 F0F0 FF FF");
    assert_eq!(authenticate(&mut probe, 0x01, &READING).status, 0x9000);
    probe.refused(0x6982, "80E0001107 28 0004 F0F0 FF FF");
    probe.done("00B0960001");
}

#[test]
fn failures_count_and_lock() {
    let mut probe = specimen();
    for left in [2, 1] {
        assert_eq!(authenticate(&mut probe, 0x01, &[0x42; 16]).status, 0x63C0 | left);
    }
    assert_eq!(authenticate(&mut probe, 0x01, &READING).status, 0x9000, "a success gives the tries back");
    for left in [2, 1, 0] {
        probe.power_cycle();
        super::select(&mut probe);
        assert_eq!(authenticate(&mut probe, 0x01, &[0x42; 16]).status, 0x63C0 | left);
    }
    assert_eq!(authenticate(&mut probe, 0x01, &READING).status, 0x6983);
    let command = external_authentication(0x01, probe.fresh_challenge(), &line_key(&READING));
    probe.refused(0x6983, &hex::encode(command.to_bytes()));
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000, "another key is not concerned");
}

#[test]
fn order_of_checks() {
    let mut probe = specimen();
    probe.refused(0x6985, "0082000108 0000000000000000");
    probe.done("0084000004");
    probe.refused(0x6A86, "0082010108 0000000000000000");
    probe.done("0084000004");
    probe.refused(0x6700, "0082000107 00000000000000");
    probe.done("0084000004");
    probe.refused(0x6700, "0082000109 000000000000000000");
    probe.done("0084000004");
    probe.refused(0x6A88, "0082000508 0000000000000000");
    probe.done("00A4000002DF02");
    probe.done("0084000004");
    probe.refused(0x6A82, "0082000008 0000000000000000");
}

/// A cryptogram is good once: the challenge goes with the command.
#[test]
fn a_cryptogram_is_not_replayed() {
    let mut probe = specimen();
    let command = external_authentication(0x01, probe.fresh_challenge(), &line_key(&READING)).to_bytes();
    assert_eq!(probe.send(&command).status, 0x9000);
    probe.refused(0x6985, &hex::encode(&command));
    probe.fresh_challenge();
    assert_eq!(probe.send(&command).status, 0x63C2);
}

#[test]
fn the_state_of_the_master_file_is_kept_and_of_a_directory_is_not() {
    let mut probe = specimen();
    probe.done("00A40000023F00");
    assert_eq!(authenticate(&mut probe, 0x00, &MF_CONTROL).status, 0x9000);
    super::select(&mut probe);
    probe.refused(0x6982, "80E0001107 28 0004 F0F0 FF FF");
    probe.done("00A40000023F00");
    probe.done("80E0DF0310 38 0080 F0F0 95 FFFF A000000000000009");
    probe.power_cycle();
    probe.refused(0x6982, "80E0DF0410 38 0080 F0F0 95 FFFF A00000000000000A");
}

#[test]
fn internal_authentication_checks_type_id_right_and_length() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x01, "3022F00100", &bytes("1122334455667788"));
    probe.key(0x00, "3AF0EF0233", &bytes("123456"));
    probe.done("0088000108 0102030405060708");
    probe.done("00A40000023F00");
    probe.done("00A4000002DF01");
    probe.refused(0x6982, "0088000108 0102030405060708");
    probe.done("0020000003 123456");
    assert_eq!(probe.done("0088000108 0102030405060708 08"), bytes("178F59F8578E0D3F"));
    assert_eq!(probe.done("0088000103 010203 08").len(), 8, "padded if needed");
    probe.refused(0x6C08, "0088000108 0102030405060708 07");
    probe.refused(0x6A86, "0088030108 0102030405060708");
    probe.refused(0x6A88, "0088010108 0102030405060708");
    probe.refused(0x6A88, "0088000208 0102030405060708");
    probe.refused(0x6700, "00880001");
    probe.refused(0x6700, &format!("00880001E9{}", "00".repeat(0xE9)));
    assert_eq!(probe.done(&format!("00880001E8{}", "00".repeat(0xE8))).len(), 0xE8);
}
