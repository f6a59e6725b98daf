//! READ, UPDATE, APPEND RECORD on the three kinds (specification 5.5).

use super::{APPEND, authenticate, command, maintenance, specimen, with_wrong_mac};
use crate::probe::{Probe, bytes, line_key};

#[test]
fn fixed_records() {
    let mut probe = specimen();
    probe.refused(0x6A83, "00B201DC00");
    probe.done("00E200DC08 1111111111111111");
    probe.done("00DC02DC08 2222222222222222");
    probe.refused(0x6A83, "00B203DC00");
    probe.done("00E2000008 3333333333333333");
    probe.refused(0x6A84, "00E200DC08 4444444444444444");
    probe.done("00DC01DC08 5555555555555555");
    for (number, byte) in [(1, 0x55), (2, 0x22), (3, 0x33)] {
        assert_eq!(probe.done(&format!("00B2{number:02X}DC08")), [byte; 8]);
    }
    assert_eq!(probe.done("00B2030400"), [0x33; 8], "the current file");
    probe.refused(0x6C08, "00B201DC07");
    probe.refused(0x6A83, "00B200DC00");
    probe.refused(0x6A83, "00B204DC00");
    probe.refused(0x6A83, "00DC04DC08 4444444444444444");
    probe.refused(0x6A83, "00DC00DC08 4444444444444444");
    probe.refused(0x6700, "00DC01DC07 44444444444444");
    probe.refused(0x6700, "00DC01DC09 444444444444444444");
    probe.refused(0x6A86, "00B201D800");
    probe.refused(0x6A86, "00DC01DA08 4444444444444444");
}

#[test]
fn a_fixed_record_is_written_behind_the_last_alone() {
    let mut probe = specimen();
    probe.refused(0x6A83, "00DC02DC08 2222222222222222");
    probe.refused(0x6700, "00E200DC07 22222222222222");
    probe.done("00DC01DC08 1111111111111111");
    probe.refused(0x6A83, "00DC03DC08 3333333333333333");
}

#[test]
fn cyclic_records_begin_with_the_newest() {
    let mut probe = specimen();
    probe.refused(0x6987, &format!("00E200D410{}", "11".repeat(16)));
    probe.refused(0x6982, "00B201D400");
    assert_eq!(authenticate(&mut probe, 0x01, &super::READING).status, 0x9000);
    probe.refused(0x6A83, "00B201D400");
    for byte in 1..=5u8 {
        let text = if byte % 2 == 1 { "04E200D4" } else { "04DC00D3" };
        let append = command(text).with_bytes(&[byte; 16]).unwrap();
        assert_eq!(probe.send_with_mac(&append, &line_key(&APPEND)).status, 0x9000);
    }
    for (number, byte) in [(1, 5), (2, 4), (3, 3)] {
        assert_eq!(probe.done(&format!("00B2{number:02X}D410")), [byte; 16]);
    }
    probe.refused(0x6A83, "00B204D400");
    probe.power_cycle();
    super::select(&mut probe);
    authenticate(&mut probe, 0x01, &super::READING);
    assert_eq!(probe.done("00B201D410"), [5; 16]);
}

#[test]
fn a_cyclic_record_is_appended_with_its_own_key_and_never_replaced() {
    let mut probe = specimen();
    let append = command("04E200D4").with_bytes(&[9; 16]).unwrap();
    assert_eq!(probe.send_with_mac(&append, &maintenance()).status, 0x6988, "36 id 00 is not this file's");
    assert_eq!(probe.send_with_mac(&append, &line_key(&APPEND)).status, 0x9000);
    let update = command("04DC01D4").with_bytes(&[8; 16]).unwrap();
    assert_eq!(probe.send_with_mac(&update, &line_key(&APPEND)).status, 0x6A86);
    let short = command("04E200D4").with_bytes(&[9; 15]).unwrap();
    assert_eq!(probe.send_with_mac(&short, &line_key(&APPEND)).status, 0x6700);
    assert_eq!(with_wrong_mac(&mut probe, &format!("04E200D4{}", "11".repeat(16))).status, 0x6988);
    // The log is the card's alone.
    let log = command("04E200C4").with_bytes(&[1; 23]).unwrap();
    assert_eq!(probe.send_with_mac(&log, &maintenance()).status, 0x6982);
    probe.refused(0x6982, &format!("00E200C417{}", "01".repeat(23)));
}

#[test]
fn variable_records_by_number_and_by_tag() {
    let mut probe = specimen();
    probe.done("00E200E404 AA021122");
    probe.done("00DC00E205 BB03445566");
    probe.done("00DC03E403 CC0177");
    assert_eq!(probe.done("00B201E400"), bytes("AA021122"));
    assert_eq!(probe.done("00B2BBE000"), bytes("BB03445566"));
    assert_eq!(probe.done("00B203E403"), bytes("CC0177"));
    probe.refused(0x6C05, "00B202E404");
    probe.done("00DCAAE004 DD023344");
    assert_eq!(probe.done("00B2DDE000"), bytes("DD023344"), "the tag may change");
    probe.refused(0x6A83, "00B2AAE000");
    probe.refused(0x6A83, "00DCAAE004 AA021122");
    probe.refused(0x6A83, "00DC05E404 AA021122");
    probe.refused(0x6700, "00DCDDE005 DD03334455");
    for wrong in ["00E200E404 AA031122", "00E200E401 AA", "00E200E405 AA02112233", "00DCDDE004 DD013344"] {
        probe.refused(0x6A80, wrong);
    }
    probe.done("00E200E414 EE12 000102030405060708090A0B0C0D0E0F1011");
    probe.refused(0x6A84, "00E200E402 FF00");
    probe.refused(0x6A86, "00B2DDE200");
}

#[test]
fn names_of_files() {
    let mut probe = specimen();
    probe.refused(0x6A82, "00B2010400");
    probe.refused(0x6A82, "00B2018C00");
    probe.refused(0x6981, "00B201AC00");
    probe.refused(0x6981, "00E200AC0111");
    probe.refused(0x6A86, "00E201DC08 1111111111111111");
    probe.refused(0x6A86, "00E200DA08 1111111111111111");
    probe.refused(0x6700, "00E200DC00");
}

#[test]
fn the_log_is_read_with_a_mac_or_after_the_pin() {
    let mut probe = specimen();
    crate::purse::EP.load(&mut probe, 500);
    probe.refused(0x6982, "00B201C417");
    assert_eq!(log_with_mac(&mut probe).len(), 23 + 4);
    super::verify_pin(&mut probe);
    assert_eq!(probe.done("00B201C417")[..2], [0, 1]);
}

fn log_with_mac(probe: &mut Probe) -> Vec<u8> {
    let reply = probe.send_with_mac(&command("04B201C4").expecting(0x17), &maintenance());
    assert_eq!(reply.status, 0x9000);
    reply.data
}
