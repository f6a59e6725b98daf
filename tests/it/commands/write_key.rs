//! WRITE KEY (specification 5.17, 4.2).

use onecard_host::apdu::Command;

use super::{CONTROL, MF_CONTROL, authenticate, specimen};
use crate::probe::{Probe, bytes, line_key};
use onecard_applet::Kind;

const VALUE: &str = "00112233445566778899AABBCCDDEEF0";

fn enciphered(probe: &mut Probe, text: &str, control: &[u8]) -> u16 {
    probe.send_enciphered(&super::command(text), &line_key(control)).status
}

#[test]
fn adding_in_clear_needs_the_add_right() {
    let mut probe = specimen();
    probe.refused(0x6982, &format!("80D4010515 3EF0F00100{VALUE}"));
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.done(&format!("80D4010515 3EF0F00100{VALUE}"));
    probe.refused(0x6A86, &format!("80D4010515 3EF0F00100{VALUE}"));
    probe.refused(0x6982, &format!("80D4010615 FEF0F00100{VALUE}"));
    probe.refused(0x6A86, &format!("80D401FF15 3EF0F00100{VALUE}"));
}

#[test]
fn adding_under_the_control_key_needs_no_state() {
    let mut probe = specimen();
    assert_eq!(enciphered(&mut probe, &format!("84D40105 FEF0F00105{VALUE}"), &CONTROL), 0x9000);
    assert_eq!(probe.done("805001020B 05 00000000 001122334455")[9..11], [0x01, 0x05]);
    assert_eq!(enciphered(&mut probe, &format!("84D40105 FEF0F00105{VALUE}"), &CONTROL), 0x6A86);
    assert_eq!(enciphered(&mut probe, &format!("84D40106 FEF0F00105{VALUE}"), &[1; 16]), 0x9302);
    assert_eq!(enciphered(&mut probe, &format!("84D40106 FEF0F00105{VALUE}"), &MF_CONTROL), 0x9302);
    assert_eq!(enciphered(&mut probe, &format!("84D40106 3EF0F00105{VALUE}"), &CONTROL), 0x9000);
    probe.refused(0x9403, "805001020B 07 00000000 001122334455");
}

#[test]
fn forms_of_the_record() {
    let mut probe = specimen();
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.refused(0x6700, "80D4010504 3EF0F001");
    probe.refused(0x6700, "80D40105");
    for kind in ["00", "2F", "35", "3B"] {
        probe.refused(0x6A80, &format!("80D4010515 {kind}F0F00100{VALUE}"));
    }
    for length in [0, 1, 7, 9, 15, 17] {
        let value = "AB".repeat(length);
        probe.refused(0x6700, &format!("80D40105{:02X} 3EF0F00100{value}", 5 + length));
    }
    for length in [0, 1, 9] {
        let value = "12".repeat(length);
        probe.refused(0x6700, &format!("80D40105{:02X} 3AF0EF0233{value}", 5 + length));
    }
    for (id, length) in [(5, 2), (6, 8)] {
        probe.done(&format!("80D401{id:02X}{:02X} 3AF0EF0233{}", 5 + length, "12".repeat(length)));
    }
    probe.done(&format!("80D401050D 3EF0F00100{}", &VALUE[..16]));
    for cla in ["00", "04"] {
        probe.refused(0x6E00, &format!("{cla}D4010715 3EF0F00100{VALUE}"));
    }
}

#[test]
fn the_change_right_and_the_protection_of_the_old_key() {
    let mut probe = specimen();
    probe.done(&format!("80D43900 15 39F0F00F33{VALUE}"));
    assert_eq!(authenticate(&mut probe, 0x00, &bytes(VALUE)).status, 0x9000, "change right F0");
    assert_eq!(enciphered(&mut probe, &format!("84D40105 FEF0F00100{VALUE}"), &bytes(VALUE)), 0x9000);
    probe.refused(0x6982, &format!("80D4FE0515 FEF0F00100{VALUE}"));
    probe.refused(0x6982, &format!("80D43E0515 3EF0F00100{VALUE}"));
    probe.refused(0x6982, &format!("80D43E{:02X}15 FEF0F00100{VALUE}", crate::purse::KEY_ID));
    for p1 in ["FE", "3E", "7E", "BE"] {
        let text = format!("84D4{p1}05 FEF0F00200{VALUE}");
        assert_eq!(enciphered(&mut probe, &text, &bytes(VALUE)), 0x9000, "{p1}");
    }
    assert_eq!(enciphered(&mut probe, &format!("84D4FE05 3EF0F00200{VALUE}"), &bytes(VALUE)), 0x9000);
    probe.done(&format!("80D43E0515 3EF0F00300{VALUE}"));
    probe.refused(0x6A88, &format!("80D43E0615 3EF0F00300{VALUE}"));
    probe.refused(0x6A80, &format!("80D43E0515 3FF0F00300{VALUE}"));
    probe.refused(0x6700, &format!("80D43E050D 3EF0F00300{}", &VALUE[..16]));
    assert_eq!(enciphered(&mut probe, "84D43A00 3AF0EF0233112233", &bytes(VALUE)), 0x6982, "a PIN is not replaced");
    probe.done("0020000003 123456");
}

#[test]
fn the_control_key_replaces_itself() {
    let mut probe = specimen();
    assert_eq!(enciphered(&mut probe, &format!("84D43900 F9F0F00FFF{VALUE}"), &CONTROL), 0x9000);
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x63CF, "65,535 tries, shown as F");
    assert_eq!(authenticate(&mut probe, 0x00, &bytes(VALUE)).status, 0x9000);
    let other = "FFEEDDCCBBAA99887766554433221101";
    assert_eq!(enciphered(&mut probe, &format!("84D4F900 F9F0F00FFF{other}"), &CONTROL), 0x9302);
    assert_eq!(enciphered(&mut probe, &format!("84D4F900 F9F0F00FFF{other}"), &bytes(VALUE)), 0x9000);
}

#[test]
fn protection_checks_in_order() {
    let mut probe = specimen();
    probe.refused(0x6985, &format!("84D4010515 3EF0F00100{VALUE}"));
    probe.done("0084000004");
    probe.refused(0x6987, "84D4010503 3EF0F0");
    // The MAC is right, what it covers is no enciphered record.
    let garbage = Command::new(0x84, 0xD4, 0x01, 0x05).with_bytes(&[0x5A; 24]).unwrap();
    assert_eq!(probe.send_with_mac(&garbage, &line_key(&CONTROL)).status, 0x6A80);
    for _ in 0..3 {
        assert_eq!(enciphered(&mut probe, &format!("84D40105 FEF0F00100{VALUE}"), &[1; 16]), 0x9302);
    }
    assert_eq!(enciphered(&mut probe, &format!("84D40105 FEF0F00100{VALUE}"), &CONTROL), 0x6983);
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x6983, "the same counter");
    probe.done("00A4000002DF02");
    probe.refused(0x6A82, &format!("80D4010515 3EF0F00100{VALUE}"));
}

/// The first control key of a new directory is taken under the MF's, and nothing else is.
#[test]
fn the_first_control_key_under_the_master_files() {
    let mut probe = specimen();
    probe.done("00A4000002DF02");
    probe.create("0000", "3F 0080 95 FF FF FF");
    assert_eq!(enciphered(&mut probe, &format!("84D40101 F9F0F00FFF{VALUE}"), &MF_CONTROL), 0x6982);
    assert_eq!(enciphered(&mut probe, &format!("84D40100 F6F0F0FFFF{VALUE}"), &MF_CONTROL), 0x6982);
    assert_eq!(enciphered(&mut probe, &format!("84D40100 F9F0F00FFF{VALUE}"), &[1; 16]), 0x9302);
    assert_eq!(enciphered(&mut probe, &format!("84D40100 F9F0F00FFF{VALUE}"), &MF_CONTROL), 0x9000);
    assert_eq!(authenticate(&mut probe, 0x00, &bytes(VALUE)).status, 0x9000);
    assert_eq!(enciphered(&mut probe, &format!("84D43900 F9F0F00FFF{VALUE}"), &MF_CONTROL), 0x9302, "only the first");
}

/// A key takes its length and 8 bytes; a PIN always 16.
#[test]
fn a_key_file_is_full() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.done("80E010010D 38 0200 F0F0 95 FFFF A000000001");
    probe.done("00A40000021001");
    probe.create("0000", "3F 0040 95 F0 FF FF");
    probe.done(&format!("80D4010115 3EF0F00100{VALUE}"));
    probe.done("80D4010007 3AF0EF0233 1234");
    probe.done(&format!("80D401020D 3EF0F00100{}", &VALUE[..16]));
    probe.refused(0x6A84, "80D4010107 3AF0EF0233 1234");
    probe.refused(0x6A84, &format!("80D401030D 3EF0F00100{}", &VALUE[..16]));
}

#[test]
fn replacing_fills_the_error_counter() {
    let mut probe = specimen();
    for _ in 0..2 {
        authenticate(&mut probe, 0x01, &[1; 16]);
    }
    assert_eq!(enciphered(&mut probe, &format!("84D43901 39F0F00133{VALUE}"), &CONTROL), 0x9000);
    assert_eq!(authenticate(&mut probe, 0x01, &[1; 16]).status, 0x63C2);
    assert_eq!(authenticate(&mut probe, 0x01, &bytes(VALUE)).status, 0x9000);
}
