//! APPLICATION BLOCK and UNBLOCK, CARD BLOCK (specification 5.13 to 5.15).

use super::{MF_MAINTENANCE, OTHER_NAME, command, maintenance, specimen, with_wrong_mac};
use crate::probe::{DIRECTORY, NAME, Probe, line_key};

const BLOCK: &str = "841E0000";
const BLOCK_FOR_GOOD: &str = "841E0001";
const UNBLOCK: &str = "84180000";
const CARD_BLOCK: &str = "84160000";

fn status(probe: &mut Probe, text: &str) -> u16 {
    probe.send_with_mac(&command(text), &maintenance()).status
}

#[test]
fn a_blocked_application_serves_three_commands() {
    let mut probe = specimen();
    assert_eq!(status(&mut probe, BLOCK), 0x9000);
    for text in ["00B0950000", "805C000204", "0020000003123456", "80500002", "80CA00E000", "00A40000020015", "84D40100"]
    {
        probe.refused(0x6A81, text);
    }
    probe.refused(0x6A81, &format!("00A404000E{NAME}00"));
    probe.done(&format!("00A404000E{OTHER_NAME}00"));
    probe.refused(0x6A81, &format!("00A4000002{DIRECTORY}"));
    assert_eq!(probe.done("0084000004").len(), 4, "it became current all the same");
    assert_eq!(status(&mut probe, UNBLOCK), 0x9000);
    assert_eq!(probe.done("00B0950001"), [1], "current, and open at once");
    super::select(&mut probe);
    assert_eq!(status(&mut probe, UNBLOCK), 0x9000, "of an open one it does nothing");
}

#[test]
fn the_block_is_kept_through_power_off_and_touches_no_other() {
    let mut probe = specimen();
    assert_eq!(status(&mut probe, BLOCK), 0x9000);
    probe.power_cycle();
    probe.refused(0x6A81, &format!("00A404000E{NAME}00"));
    probe.done(&format!("00A404000E{OTHER_NAME}00"));
    probe.done("00A40000023F00");
}

#[test]
fn the_third_wrong_unblock_is_for_good() {
    let mut probe = specimen();
    assert_eq!(status(&mut probe, BLOCK), 0x9000);
    for _ in 0..2 {
        assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x6988);
    }
    assert_eq!(status(&mut probe, UNBLOCK), 0x9000, "a right one in between");
    assert_eq!(status(&mut probe, BLOCK), 0x9000);
    assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x6988);
    probe.power_cycle();
    probe.ask(&format!("00A4000002{DIRECTORY}"));
    probe.refused(0x6985, "8418000004 00000000");
    probe.done("0084000004");
    probe.refused(0x6700, "8418000005 0000000000");
    probe.done("0084000004");
    probe.refused(0x6A86, "8418000104 00000000");
    assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x6988);
    assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x9303);
    assert_eq!(status(&mut probe, UNBLOCK), 0x9303);
    probe.power_cycle();
    probe.refused(0x6A81, &format!("00A404000E{NAME}00"));
    probe.done("0084000004");
    probe.refused(0x9303, "8418000004 00000000");
}

/// The third try may be the right one: the counter falls first and is given back.
#[test]
fn the_last_try_may_be_right() {
    let mut probe = specimen();
    assert_eq!(status(&mut probe, BLOCK), 0x9000);
    for _ in 0..2 {
        assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x6988);
    }
    assert_eq!(status(&mut probe, UNBLOCK), 0x9000);
    probe.power_cycle();
    super::select(&mut probe);
}

#[test]
fn while_open_wrong_unblocks_block_nothing() {
    let mut probe = specimen();
    for _ in 0..2 {
        assert_eq!(with_wrong_mac(&mut probe, UNBLOCK).status, 0x6988);
    }
    assert_eq!(status(&mut probe, UNBLOCK), 0x9000);
    super::select(&mut probe);
}

#[test]
fn blocked_for_good() {
    let mut probe = specimen();
    assert_eq!(with_wrong_mac(&mut probe, BLOCK_FOR_GOOD).status, 0x6988);
    super::select(&mut probe);
    assert_eq!(status(&mut probe, BLOCK_FOR_GOOD), 0x9000);
    assert_eq!(status(&mut probe, UNBLOCK), 0x9303);
    probe.refused(0x6A81, &format!("00A4000002{DIRECTORY}"));
}

#[test]
fn block_checks_in_order() {
    let mut probe = specimen();
    probe.refused(0x6A86, "841E000204 00000000");
    probe.refused(0x6A86, "841E010004 00000000");
    probe.refused(0x6700, "841E000003 000000");
    probe.refused(0x6700, "841E000004 00000000 00");
    probe.refused(0x6985, "841E000004 00000000");
    probe.refused(0x6E00, "801E000004 00000000");
    probe.refused(0x6E00, "041E000004 00000000");
    probe.done("00A4000002DF02");
    probe.done("0084000004");
    probe.refused(0x6A88, "841E000004 00000000");
    probe.done("00A40000023F00");
    let reply = probe.send_with_mac(&command(BLOCK), &line_key(&MF_MAINTENANCE));
    assert_eq!(reply.status, 0x6985, "the master file is blocked by CARD BLOCK alone");
}

#[test]
fn a_blocked_card_answers_nothing_else_for_good() {
    let mut probe = specimen();
    assert_eq!(status(&mut probe, CARD_BLOCK), 0x6985);
    probe.done("00A40000023F00");
    assert_eq!(with_wrong_mac(&mut probe, CARD_BLOCK).status, 0x6988);
    probe.refused(0x6A86, "8416000104 00000000");
    probe.refused(0x6700, "8416000003 000000");
    probe.refused(0x6985, "8416000004 00000000");
    assert_eq!(probe.send_with_mac(&command(CARD_BLOCK), &line_key(&MF_MAINTENANCE)).status, 0x9000);
    for _ in 0..2 {
        for text in ["00A40000023F00", "0084000004", "8418000004 00000000", "FFFFFFFF", "00", "805C000204"] {
            probe.refused(0x6A81, text);
        }
        probe.power_cycle();
    }
}
