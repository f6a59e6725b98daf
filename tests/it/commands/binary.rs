//! READ BINARY, UPDATE BINARY (specification 5.3, 5.4, 4.6).

use onecard_host::line_protection::{deciphered_answer, verified_answer};

use super::{MAINTENANCE, command, maintenance, specimen, verify_pin, with_wrong_mac};
use crate::probe::{Probe, bytes, line_key};

#[test]
fn by_short_identifier_and_by_offset_in_the_current_file() {
    let mut probe = specimen();
    assert_eq!(probe.done("00B0950203"), [3, 4, 5]);
    assert_eq!(probe.done("00B0001C00"), [29, 30], "the file named is current");
    assert_eq!(probe.done("00B0001C"), [29, 30]);
    assert_eq!(probe.done("00B0950000").len(), 30);
    probe.done("00D6930003 AABBCC");
    probe.done("00D6001002 1122");
    probe.done("00D0010002 3344");
    assert_eq!(probe.done("00B0930003"), bytes("AABBCC"));
    assert_eq!(probe.done("00B0001002"), bytes("1122"));
    assert_eq!(probe.done("00B0010002"), bytes("3344"), "P1 P2 is an offset of 15 bits");
}

#[test]
fn offsets_and_lengths() {
    let mut probe = specimen();
    probe.refused(0x6B00, "00B0951E00");
    probe.refused(0x6B00, "00B095FF01");
    probe.refused(0x6C1E, "00B095001F");
    probe.refused(0x6C02, "00B0951C03");
    assert_eq!(probe.done("00B0930000").len(), 239, "most that one answer carries");
    probe.refused(0x6CEF, "00B09300F0");
    assert_eq!(probe.done("00B09300EF").len(), 239);
    probe.done("00A40000020013");
    probe.refused(0x6B00, "00B0025800");
    assert_eq!(probe.done("00B0025700").len(), 1);
    probe.refused(0x6B00, "00D6025702 1122");
    probe.refused(0x6B00, "00D67FFF01 11");
    probe.done("00D6025701 11");
    probe.refused(0x6700, "00D6930000");
    probe.refused(0x6700, "00D69300");
    probe.refused(0x6700, "00B0930001 AA");
}

#[test]
fn a_long_write_is_whole() {
    let mut probe = specimen();
    let longest = "A5".repeat(239);
    probe.done(&format!("00D69305EF{longest}"));
    assert_eq!(probe.done("00B09305EF"), vec![0xA5; 239]);
    probe.refused(0x6700, &format!("00D69300F0{longest}A5"));
}

#[test]
fn names_of_files() {
    let mut probe = specimen();
    probe.refused(0x6A82, "00B0910000");
    probe.refused(0x6A82, "00B0800000");
    probe.refused(0x6A82, "00B09F0000");
    probe.refused(0x6A82, "00B0000000");
    probe.refused(0x6A82, "00D6000001 11");
    probe.refused(0x6981, "00B0980000");
    probe.refused(0x6981, "00B0820000");
    probe.refused(0x6981, "00D69B0001 11");
    for p1 in ["A5", "C5", "E5", "FF"] {
        probe.refused(0x6A86, &format!("00B0{p1}0000"));
        probe.refused(0x6A86, &format!("00D6{p1}000111"));
    }
}

#[test]
fn rights() {
    let mut probe = specimen();
    probe.refused(0x6982, "00B0940001");
    probe.refused(0x6982, "00D6940001 11");
    probe.refused(0x6982, "00B0920001");
    verify_pin(&mut probe);
    probe.done("00D6940001 11");
    assert_eq!(probe.done("00B0940001"), [0x11]);
    probe.refused(0x6982, "00B0920001");
    probe.refused(0x6982, "00D6920001 11");
    // A right that no state can meet is not met by a MAC either.
    let reply = probe.send_with_mac(&command("04B09200"), &maintenance());
    assert_eq!((reply.status, reply.data), (0x6982, vec![]));
}

#[test]
fn a_write_with_mac() {
    let mut probe = specimen();
    probe.refused(0x6987, "00D6950001 11");
    probe.refused(0x6985, "04D6950005 11 00000000");
    assert_eq!(probe.send_with_mac(&command("04D6950A AABB"), &maintenance()).status, 0x9000);
    assert_eq!(probe.done("00B0950A02"), bytes("AABB"));
    assert_eq!(with_wrong_mac(&mut probe, "04D69500 11").status, 0x6988);
    assert_eq!(probe.done("00B0950001"), [1]);
    // MAC and nothing else.
    assert_eq!(probe.send_with_mac(&command("04D69500"), &maintenance()).status, 0x6700);
    probe.done("0084000004");
    probe.refused(0x6987, "04D6950003 112233");
    // Of a file that asks for none.
    assert_eq!(probe.send_with_mac(&command("04D69300 77"), &maintenance()).status, 0x9000);
    assert_eq!(probe.done("00B0930001"), [0x77]);
    let wrong = probe.send_with_mac(&command("04D69500" /* 1E */).with_bytes(&[9; 31]).unwrap(), &maintenance());
    assert_eq!(wrong.status, 0x6B00);
    assert_eq!(probe.done("00B0950001"), [1], "all of it or nothing");
}

#[test]
fn a_challenge_serves_one_command() {
    let mut probe = specimen();
    for between in ["00B0950001", "00A40000021234", "FF", "00840000", "805C000204"] {
        let challenge = probe.fresh_challenge();
        probe.ask(between);
        let sent = onecard_host::line_protection::with_mac(&command("04D69500 55"), challenge, &mut maintenance());
        probe.refused(0x6985, &hex::encode(sent.unwrap().to_bytes()));
    }
    let first = probe.fresh_challenge();
    let sent = onecard_host::line_protection::with_mac(&command("04D69500 55"), first, &mut maintenance()).unwrap();
    probe.fresh_challenge();
    assert_eq!(probe.send(&sent.to_bytes()).status, 0x6988, "another challenge has taken its place");
    let challenge = probe.fresh_challenge();
    let sent = onecard_host::line_protection::with_mac(&command("04D69500 55"), challenge, &mut maintenance()).unwrap();
    assert_eq!(probe.send(&sent.to_bytes()).status, 0x9000);
    probe.refused(0x6985, &hex::encode(sent.to_bytes()));
    probe.fresh_challenge();
    probe.power_cycle();
    super::select(&mut probe);
    probe.refused(0x6985, &hex::encode(sent.to_bytes()));
}

#[test]
fn a_wrong_mac_changes_the_error_counter_and_nothing_else() {
    let mut probe = specimen();
    let mut read = probe.copy();
    super::select(&mut read);
    super::select(&mut probe);
    with_wrong_mac(&mut probe, "04D69500 1122334455");
    with_wrong_mac(&mut read, "04B09500");
    assert!(probe.image() == read.image(), "a wrong write leaves what a wrong read leaves");
    // Three in a row lock the key; a right one in between gives the tries back.
    assert_eq!(probe.send_with_mac(&command("04D69500 01"), &maintenance()).status, 0x9000);
    for _ in 0..3 {
        assert_eq!(with_wrong_mac(&mut probe, "04D69500 11").status, 0x6988);
    }
    assert_eq!(probe.send_with_mac(&command("04D69500 11"), &maintenance()).status, 0x6983);
    assert_eq!(probe.done("00B0950001"), [1]);
    assert_eq!(with_wrong_mac(&mut probe, "04E200D4 00112233445566778899AABBCCDDEEFF").status, 0x6988, "another key");
}

#[test]
fn a_read_with_mac_needs_no_state() {
    let mut probe = specimen();
    probe.refused(0x6982, "00B0960001");
    assert_eq!(read_with_mac(&mut probe, "04B09600", Some(0)), vec![0; 55]);
    assert_eq!(read_with_mac(&mut probe, "04B09500", Some(3)), [1, 2, 3]);
    assert_eq!(read_with_mac(&mut probe, "04B09502", None).len(), 28);
    probe.refused(0x6987, "00B09D0000");
    assert_eq!(read_with_mac(&mut probe, "04B09D00", None), vec![0; 16]);
    assert_eq!(probe.send_with_mac(&command("04B09500 11"), &maintenance()).status, 0x6700);
    probe.refused(0x6985, "04B0950004 00000000");
}

fn read_with_mac(probe: &mut Probe, text: &str, le: Option<u8>) -> Vec<u8> {
    let mut read = command(text);
    if let Some(le) = le {
        read = read.expecting(le);
    }
    let challenge = probe.fresh_challenge();
    let sent = onecard_host::line_protection::with_mac(&read, challenge, &mut maintenance()).unwrap();
    let reply = probe.send(&sent.to_bytes());
    assert_eq!(reply.status, 0x9000);
    verified_answer(reply.data, challenge, &mut maintenance()).unwrap()
}

#[test]
fn an_enciphered_file() {
    let mut probe = specimen();
    for length in [1, 6, 7, 8, 15, 32] {
        let content: Vec<u8> = (0x40..0x40 + length).collect();
        let write = command("04D69900").with_bytes(&content).unwrap();
        assert_eq!(probe.send_enciphered(&write, &maintenance()).status, 0x9000);
        let cipher = read_with_mac(&mut probe, "04B09900", Some(length));
        assert_eq!(deciphered_answer(&cipher, &maintenance()).unwrap()[..], content[..]);
    }
    probe.refused(0x6987, "00D6990001 11");
    // Right MAC over what does not decipher to a length and its padding.
    for text in ["04D69900 0011223344556677", "04D69900 001122", "04D69900"] {
        assert_eq!(probe.send_with_mac(&command(text), &maintenance()).status, 0x6A80, "{text}");
    }
    let cipher = line_key(&MAINTENANCE).encipher(&hex_literal::hex!("02AABB8000000001"));
    let padded_wrong = command("04D69900").with_bytes(&cipher).unwrap();
    assert_eq!(probe.send_with_mac(&padded_wrong, &maintenance()).status, 0x6A80);
    let cipher = line_key(&MAINTENANCE).encipher(&hex_literal::hex!("02AABB8000000000"));
    let padded_right = command("04D69900").with_bytes(&cipher).unwrap();
    assert_eq!(probe.send_with_mac(&padded_right, &maintenance()).status, 0x9000);
}
