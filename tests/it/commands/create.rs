//! CREATE FILE (specification 5.16, 3.1).

use super::{CONTROL, authenticate, specimen};
use crate::probe::Probe;
use onecard_applet::Kind;

fn window() -> Probe {
    Probe::application(Kind::CpuCard)
}

#[test]
fn the_create_right_comes_first() {
    let mut probe = specimen();
    probe.refused(0x6982, "80E0001107 28 0004 F0F0 FF FF");
    probe.refused(0x6982, "80E03F000D 38 FFFF FF FF 01 FFFFFFFFFFFFFF");
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.create("0011", "28 0004 F0F0 FF FF");
    assert_eq!(probe.done("00B0910000"), [0; 4], "new and zero, not selected by itself");
}

#[test]
fn forms() {
    let mut probe = window();
    probe.refused(0x6700, "80E0001100");
    probe.refused(0x6700, "80E00011");
    for kind in ["00", "29", "2B", "3E", "7F", "BF", "AF", "B8"] {
        probe.refused(0x6A80, &format!("80E0001107 {kind} 0010 F0F0 FF FF"));
    }
    for kind in ["28", "2A", "2C", "2E", "3F", "2F"] {
        probe.refused(0x6700, &format!("80E0000106 {kind} 0208 F0F0 FF"));
        probe.refused(0x6700, &format!("80E0000108 {kind} 0208 F0F0 FF FF 00"));
    }
    probe.refused(0x6700, "80E0001107 28 0010 F0F0 FF FF 00");
    probe.refused(0x6E00, "84E0001107 28 0010 F0F0 FF FF");
}

#[test]
fn records_are_two_or_more_and_fit_an_answer() {
    let mut probe = window();
    for kind in ["2A", "2E", "AA", "AE", "6A", "EE"] {
        for size in ["0110", "0010", "0200", "02F0"] {
            probe.refused(0x6A80, &format!("80E0001107 {kind} {size} F0F0 FF FF"));
        }
    }
    probe.create("0011", "2A 02EF F0F0 FF FF");
    probe.create("0012", "2E 0201 F0F0 FF FF");
}

#[test]
fn purses_have_two_names() {
    let mut probe = window();
    for fid in ["0003", "0015", "0101", "0000"] {
        probe.refused(0x6A80, &format!("80E0{fid}07 2F 0208 F0 00 FF 18"));
    }
    probe.create("0001", "2F 0208 F0 00 FF 18");
    probe.create("0002", "2F 0208 F0 00 FF 18");
    probe.refused(0x6A86, "80E0000207 2F 0208 F0 00 FF 18");
}

#[test]
fn an_identifier_and_a_name_are_used_once() {
    let mut probe = window();
    probe.create("0011", "28 0004 F0F0 FF FF");
    probe.refused(0x6A86, "80E0001107 2A 0204 F0F0 FF FF");
    probe.refused(0x6A86, "80E0007707 3F 0040 95 F0 FF FF");
    probe.done("80E010010D 38 0100 F0F0 95 FFFF A000000001");
    probe.refused(0x6A86, "80E010010D 38 0100 F0F0 95 FFFF A000000002");
    probe.refused(0x6A86, "80E010020D 38 0100 F0F0 95 FFFF A000000001");
    probe.done("80E010020E 38 0100 F0F0 95 FFFF A00000000100");
    for (lc, name) in [(0x0C, "A0000001".to_owned()), (0x19, "A0".repeat(17))] {
        probe.refused(0x6700, &format!("80E01003{lc:02X} 38 0100 F0F0 95 FFFF {name}"));
    }
    probe.done(&format!("80E0100318 38 0100 F0F0 95 FFFF {}", "A0".repeat(16)));
}

#[test]
fn three_levels_and_no_fourth() {
    let mut probe = window();
    probe.done("80E010010D 38 0100 F0F0 95 FFFF A000000001");
    probe.done("00A40000021001");
    probe.refused(0x6A80, "80E010020D 38 0010 F0F0 95 FFFF A000000002");
    probe.create("0011", "28 0010 F0F0 FF FF");
}

#[test]
fn a_directory_is_as_large_as_it_was_created() {
    let mut probe = window();
    // 11 bytes of header and 69 of body; then 11 and 2 × (3 + 1): 38 are left.
    probe.done("80E010010D 38 0089 F0F0 95 FFFF A000000001");
    probe.done("00A40000021001");
    probe.create("0011", "28 0045 F0F0 FF FF");
    probe.create("0012", "2A 0203 F0F0 FF FF");
    probe.refused(0x6A84, "80E0001507 2A 0220 F0F0 FF FF");
    probe.refused(0x6A84, "80E0001307 28 001C F0F0 FF FF");
    probe.create("0013", "28 001B F0F0 FF FF");
    probe.refused(0x6A84, "80E0001407 28 0000 F0F0 FF FF");
    // What no card has, and a directory larger than its own.
    window().refused(0x6A84, "80E0001107 28 FFFE F0F0 FF FF");
    let mut probe = Probe::erased(Kind::CpuCard);
    probe.done("80E010010D 38 0100 F0F0 95 FFFF A000000001");
    probe.done("00A40000021001");
    probe.refused(0x6A84, "80E010020D 38 0101 F0F0 95 FFFF A000000002");
    probe.done("80E010020D 38 0100 F0F0 95 FFFF A000000002");
}

#[test]
fn the_master_file_is_created_once_more_when_it_is_empty() {
    let mut probe = Probe::erased(Kind::CpuCard);
    probe.refused(0x6700, "80E03F0005 38 FFFF FF FF");
    probe.refused(0x6A80, "80E03F000D 28 FFFF FF FF 01 FFFFFFFFFFFFFF");
    probe.done("80E03F000D 38 FFFF FF FF 01 FFFFFFFFFFFFFF");
    probe.create("0000", "3F 0050 01 FF FF FF");
    probe.refused(0x6A86, "80E03F000D 38 FFFF FF FF 01 FFFFFFFFFFFFFF");
    probe.power_cycle();
    probe.refused(0x6982, "80E0001107 28 0004 F0F0 FF FF");
    let mut probe = window();
    probe.refused(0x6A86, "80E03F000D 38 FFFF FF FF 01 FFFFFFFFFFFFFF");
}

#[test]
fn the_card_is_full_and_takes_no_file_more() {
    let mut probe = window();
    let mut files = 0;
    while probe.ask(&format!("80E0{:04X}07 28 0400 F0F0 FF FF", 0x0100 + files)).status == 0x9000 {
        files += 1;
    }
    assert!((16..48).contains(&files), "{files} KB");
    probe.refused(0x6A84, "80E0770007 28 0400 F0F0 FF FF");
    probe.done("00A40000020100");
    assert_eq!(probe.done("00B0000001"), [0]);
}
