//! ERASE DF (specification 5.18) and what stays in the memory: nothing.

use super::{CONTROL, MF_CONTROL, authenticate, specimen};
use crate::probe::{DIRECTORY, NAME};

/// Whether `secret` is anywhere in `image`.
fn holds(image: &[u8], secret: &[u8]) -> bool {
    image.windows(secret.len()).any(|window| window == secret)
}

const SECRETS: [&[u8]; 9] = [
    &CONTROL,
    &super::READING,
    &super::MAINTENANCE,
    &super::APPEND,
    &super::UNBLOCK,
    &super::RELOAD,
    &crate::purse::TAC_KEY,
    &crate::purse::LOAD_KEY,
    &crate::purse::PURCHASE_KEY,
];

#[test]
fn no_byte_of_the_old_keys_stays() {
    let mut probe = specimen();
    assert!(SECRETS.iter().all(|secret| holds(&probe.image(), secret)), "the test can see them");
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.done("800E0000");
    for secret in SECRETS {
        for part in secret.windows(4) {
            assert!(!holds(&probe.image(), part), "{}", hex::encode(part));
        }
    }
    assert!(holds(&probe.image(), &MF_CONTROL), "another directory's keys stay");
}

#[test]
fn the_directory_stays_and_is_open() {
    let mut probe = specimen();
    probe.refused(0x6982, "800E0000");
    assert_eq!(authenticate(&mut probe, 0x01, &super::READING).status, 0x9000);
    probe.refused(0x6982, "800E0000");
    assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
    probe.refused(0x6A86, "800E0100");
    probe.refused(0x6700, "800E000001 00");
    probe.refused(0x6700, "800E000001");
    probe.refused(0x6E00, "840E0000");
    probe.done("800E000000");
    probe.refused(0x6A82, "00B0950000");
    probe.refused(0x6A82, "805C000204");
    probe.create("0015", "28 0004 EFEF FF FF");
    assert_eq!(probe.done("00B0950000"), [0; 4], "no right is enforced until it is left");
    let name = probe.done(&format!("00A404000E{NAME}00"));
    assert_eq!(name[..4], [0x6F, 0x10, 0x84, 0x0E], "its name stays; the right to 0015 is enforced again");
    probe.refused(0x6982, "00B0950000");
    probe.refused(0x6982, "800E0000");
}

#[test]
fn from_the_master_file_everything_goes_but_the_master_file() {
    let mut probe = specimen();
    probe.done("00A40000023F00");
    assert_eq!(authenticate(&mut probe, 0x00, &MF_CONTROL).status, 0x9000);
    probe.done("800E0000");
    for secret in SECRETS.into_iter().chain([&MF_CONTROL[..], &super::MF_MAINTENANCE]) {
        assert!(!holds(&probe.image(), secret));
    }
    probe.refused(0x6A82, &format!("00A4000002{DIRECTORY}"));
    probe.power_cycle();
    probe.refused(0x6A82, "0082000008 0000000000000000");
    probe.done("80E03F000D 38 FFFF F0 F0 01 FFFFFFFFFFFFFF");
}

/// However many files there are, and so wherever in the journal the last writes lie.
#[test]
fn no_byte_of_a_files_content_stays() {
    for files in 1..=9u16 {
        let mut probe = specimen();
        assert_eq!(authenticate(&mut probe, 0x00, &CONTROL).status, 0x9000);
        for fid in 0..files {
            probe.create(&format!("{:04X}", 0x2F01 + fid), "28 0080 F0F0 FF FF");
            probe.done(&format!("00A4000002{:04X}", 0x2F01 + fid));
            probe.done(&format!("00D6000080{}", "A7".repeat(128)));
        }
        assert!(holds(&probe.image(), &[0xA7; 128]), "the test can see it");
        probe.done("800E0000");
        assert!(!holds(&probe.image(), &[0xA7; 4]), "{files} files");
    }
}
