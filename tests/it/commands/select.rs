//! SELECT (specification 3.2, 3.3.4, 5.2).

use super::{OTHER_NAME, authenticate, specimen};
use crate::probe::{DIRECTORY, NAME, Probe, bytes};
use onecard_applet::Kind;

/// `6F 33 {84 name, A5 {9F0C EF 0015}}`: 53 bytes.
fn fci() -> Vec<u8> {
    let content: Vec<u8> = (1..=30).collect();
    [bytes("6F33840E"), bytes(NAME), bytes("A5219F0C1E"), content].concat()
}

#[test]
fn an_application_tells_its_public_data_at_once() {
    let mut probe = specimen();
    assert_eq!(fci().len(), 53);
    for command in [format!("00A404000E{NAME}00"), format!("00A404000E{NAME}"), format!("00A4000002{DIRECTORY}")] {
        assert_eq!(probe.done(&command), fci(), "{command}");
        probe.done("00A40000023F0000");
    }
}

#[test]
fn the_master_file_is_found_from_everywhere() {
    let mut probe = specimen();
    let mf = bytes("6F15 840E 315041592E5359532E4444463031 A503 880101");
    for command in ["00A40000023F0000", "00A4000000", "00A40000", "00A404000E315041592E5359532E444446303100"] {
        assert_eq!(probe.done(command), mf, "{command}");
        super::select(&mut probe);
    }
}

#[test]
fn a_name_is_matched_whole() {
    let mut probe = specimen();
    for length in 5..14 {
        let name = &bytes(NAME)[..length];
        probe.refused(0x6A82, &format!("00A40400{length:02X}{}00", hex::encode(name)));
    }
    probe.refused(0x6A82, &format!("00A404000F{NAME}0000"));
    probe.refused(0x6A82, "00A404000EF04F4E4543011000000000000002");
    for (length, name) in [(4, "F04F4E45"), (17, "F04F4E4543011000000000000001000000")] {
        probe.refused(0x6700, &format!("00A40400{length:02X}{name}"));
    }
}

#[test]
fn by_identifier_a_child_a_sibling_or_itself() {
    let mut probe = specimen();
    probe.done("00A40000020015");
    assert_eq!(probe.done("00B0000002"), [1, 2]);
    assert_eq!(probe.done(&format!("00A4000002{DIRECTORY}")), fci(), "itself");
    assert_eq!(probe.done("00A4000002DF02").len(), 18, "beside it; without files there is no A5");
    assert_eq!(probe.done(&format!("00A404000E{NAME}")), fci(), "beside it, by name");
    probe.refused(0x6A82, "00A40000020011");
    probe.done("00A40000023F00");
    probe.refused(0x6A82, "00A40000020015");
}

#[test]
fn key_files_and_purses_are_not_selected() {
    let mut probe = specimen();
    for fid in ["0000", "0001", "0002"] {
        probe.refused(0x6A82, &format!("00A4000002{fid}"));
    }
}

#[test]
fn what_is_not_found_leaves_the_selection_alone() {
    let mut probe = specimen();
    probe.done("00A40000020015");
    probe.refused(0x6A82, "00A40000021234");
    assert_eq!(probe.done("00B0000001"), [1]);
    assert_eq!(authenticate(&mut probe, 0x01, &super::READING).status, 0x9000);
    probe.refused(0x6A82, "00A404000EF04F4E4543011000000000000009");
    assert_eq!(probe.done("00B0960001"), [0], "the state is still there");
    super::select(&mut probe);
    probe.refused(0x6982, "00B0960001");
}

#[test]
fn parameters_and_lengths() {
    let mut probe = specimen();
    for command in ["00A4010002DF0100", "00A4000102DF0100", "00A4040202DF0100", "00A4080002DF01"] {
        probe.refused(0x6A86, command);
    }
    for command in ["00A4000001DF", "00A4000003DF0100"] {
        probe.refused(0x6700, command);
    }
    probe.refused(0x6C35, &format!("00A404000E{NAME}34"));
    assert_eq!(probe.done(&format!("00A404000E{NAME}35")), fci());
    probe.refused(0x6700, "00A4000002001501");
    probe.refused(0x6C35, &format!("00A4000002{DIRECTORY}FF"));
    probe.refused(0x6A82, "00B0000000");
}

/// Three levels: MF, DF, DF below it; from the third its siblings are reached, by name and by identifier.
#[test]
fn siblings_on_the_third_level() {
    let mut probe = Probe::application(Kind::CpuCard);
    for (fid, name) in [("1001", "A000000001"), ("1002", "A000000002")] {
        probe.done(&format!("80E0{fid}0D 38 0100 F0F0 95 FFFF {name}"));
    }
    probe.done("00A40000021001");
    probe.create("0000", "3F 0020 95 F0 FF FF");
    probe.done("00A4040005A000000002");
    probe.done("00A4040005A000000001");
    probe.done("00A40000021002");
    probe.refused(0x6A82, &format!("00A404000E{OTHER_NAME}"));
    probe.refused(0x6A82, &format!("00A404000E{NAME}"));
    probe.done("00A40000023F00");
    probe.refused(0x6A82, "00A4040005A000000001");
}

#[test]
fn without_the_named_file_there_is_no_proprietary_part() {
    let mut probe = specimen();
    let fci = probe.done(&format!("00A404000E{OTHER_NAME}00"));
    assert_eq!(fci, [bytes("6F10840E"), bytes(OTHER_NAME)].concat());
}
