//! Access rights, security states, the window without enforcement (specification 4.4, 4.5).

use super::{CONTROL, MF_CONTROL, READING, authenticate, specimen, verify_pin};
use crate::probe::{Probe, bytes};
use onecard_applet::Kind;

/// Every right against every state, through READ BINARY: `XY` is met by Y ≤ state ≤ X, `0Y` by the MF's state.
#[test]
fn every_right_against_every_state() {
    // A file names its own right; a card has room for some.
    for rights in (0..=255u8).collect::<Vec<_>>().chunks(64) {
        let mut probe = Probe::application(Kind::CpuCard);
        for state in 1..16u8 {
            probe.key(state, &format!("39F0F0{state:02X}FF"), &[0x50 + state; 16]);
        }
        for right in rights {
            probe.create(&format!("01{right:02X}"), &format!("28 0001 {right:02X}F0 FF FF"));
        }
        // The transport key left a state in the MF.
        probe.power_cycle();
        for state in 0..16u8 {
            probe.done("00A4000002DF01");
            if state != 0 {
                assert_eq!(authenticate(&mut probe, state, &[0x50 + state; 16]).status, 0x9000);
            }
            for right in rights {
                let (high, low) = (right >> 4, right & 0x0F);
                let met = if high == 0 { low == 0 } else { (low..=high).contains(&state) };
                probe.done(&format!("00A400000201{right:02X}"));
                let expected = if met { 0x9000 } else { 0x6982 };
                assert_eq!(probe.ask("00B0000000").status, expected, "{right:02X} in state {state:X}");
            }
        }
    }
}

#[test]
fn the_state_of_the_master_file() {
    let mut probe = Probe::application_after(Kind::CpuCard, |mf| {
        mf.create("0000", "3F 0200 01 F0 FF FF");
        for state in 1..16 {
            mf.key(state, &format!("39F0F0{state:02X}FF"), &[0x30 + state; 16]);
        }
    });
    for right in 0..16 {
        probe.create(&format!("{:04X}", right + 1), &format!("28 0001 {right:02X}F0 FF FF"));
    }
    for state in 1..16 {
        probe.done("00A40000023F00");
        assert_eq!(authenticate(&mut probe, state, &[0x30 + state; 16]).status, 0x9000);
        probe.done("00A4000002DF01");
        for right in 0..16 {
            let expected = if right <= state { 0x9000 } else { 0x6982 };
            assert_eq!(probe.ask(&format!("00B0{:02X}0000", 0x81 + right)).status, expected, "0{right:X} in {state:X}");
        }
    }
    probe.power_cycle();
    probe.done("00A4000002DF01");
    probe.done("00B0810000");
    probe.refused(0x6982, "00B0820000");
}

/// PIN: state 2; reading key: 1; control key: F.
#[test]
fn states_are_set_and_fall_with_the_selection() {
    let mut probe = specimen();
    verify_pin(&mut probe);
    probe.done("00B0940001");
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.refused(0x6982, "00B0940001");
    probe.done("00B0960001");
    verify_pin(&mut probe);
    probe.done("00A40000020015");
    probe.done("00B0940001");
    super::select(&mut probe);
    probe.refused(0x6982, "00B0940001");
    assert_eq!(authenticate(&mut probe, 0x01, &READING).status, 0x9000);
    probe.done("00A4000002DF02");
    super::select(&mut probe);
    probe.refused(0x6982, "00B0960001");
}

/// The operator's state opens no application, an application's none beside it.
#[test]
fn a_state_of_one_directory_is_none_of_another() {
    let mut probe = specimen();
    probe.done("00A40000023F00");
    assert_eq!(authenticate(&mut probe, 0x00, &MF_CONTROL).status, 0x9000);
    super::select(&mut probe);
    for command in ["00B0960001", "800E0000", "80D4010915 39F0F00FFF 00112233445566778899AABBCCDDEEFF"] {
        probe.refused(0x6982, command);
    }
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.done("00A4000002DF02");
    probe.done("00A40000023F00");
    assert_eq!(probe.ask("80E0DF0310 38 0080 F0F0 95 FFFF A000000000000009").status, 0x9000, "the MF keeps its own");
}

#[test]
fn the_window_closes_when_the_directory_is_left() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x00, "39F0F00F33", &[0x39; 16]);
    probe.create("0011", "28 0004 EFEF FF FF");
    probe.done("00D6910001 11");
    probe.done("00B0910001");
    probe.done("00A40000023F00");
    probe.done("00A4000002DF01");
    probe.refused(0x6982, "00B0910001");
    probe.refused(0x6982, "00D6910001 22");
    // An empty directory is open as often as it is entered.
    let mut probe = specimen();
    probe.done("00A4000002DF02");
    probe.create("0011", "28 0004 F0F0 FF FF");
    probe.create("0012", "28 0004 F0F0 FF FF");
    probe.done("00A40000023F00");
    probe.done("00A4000002DF02");
    probe.refused(0x6982, "80E0001307 28 0004 F0F0 FF FF");
    // Power-off closes it too.
    let mut probe = Probe::application(Kind::CpuCard);
    probe.create("0011", "28 0004 EFF0 FF FF");
    probe.power_cycle();
    probe.done("00A4000002DF01");
    probe.refused(0x6982, "00B0910001");
}

/// Protection is enforced in the window.
#[test]
fn the_window_takes_no_protection_away() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.create("0015", "A8 0004 F0F0 FF FF");
    probe.create("0016", "28 0004 F0F0 FF 7F");
    probe.refused(0x6987, "00D6950001 11");
    probe.refused(0x6987, "00B0960000");
    let record = bytes("F9F0F00FFF00112233445566778899AABBCCDDEEFF");
    probe.refused(0x6982, &format!("80D4010015{}", hex::encode(record)));
}
