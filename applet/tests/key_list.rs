//! The key list: every key of a directory and no value, on a card and in a SAM.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod chip;

use chip::{Reader, blank};
use hex_literal::hex;
use onecard_applet::Kind;

const SELECT: &[u8] = &hex!("00A40000023F01");
const LIST: &[u8] = &hex!("80CA00E000");

fn directory(kind: Kind, key_file: &[u8]) -> Reader {
    let mut reader = Reader::insert(blank(kind));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&hex!("80E03F010D 38 1000 F0F0 95 FFFF 4142434445"));
    reader.ok(SELECT);
    assert_eq!(reader.send(LIST), hex!("6A82"), "no key file");
    reader.ok(key_file);
    reader
}

#[test]
fn versions_algorithms_and_tries() {
    let mut reader = directory(Kind::CpuCard, &hex!("80E0000007 3F 0200 95 F0 FF 06"));
    assert_eq!(reader.ok(LIST), hex!("E000"));
    reader.write_key(0x39, 0, [0x0F, 0xFF], &[0x11; 16]);
    reader.write_key(0x36, 0, [0xFF, 0x53], &[0x12; 16]);
    reader.write_key(0x3A, 0, [0x02, 0x33], &hex!("123456"));
    reader.write_key(0x3E, 1, [0x21, 0x00], &[0x13; 16]);
    reader.write_key(0x3E, 2, [0x22, 0x06], &[0x14; 16]);
    reader.write_key(0x34, 0, [0x23, 0x04], &[0x15; 16]);
    let list = |maintenance: [u8; 5], pin: [u8; 5]| {
        let entries = [
            hex!("39 00 00 06 FF"),
            maintenance,
            pin,
            hex!("3E 01 21 00 FF"),
            hex!("3E 02 22 06 FF"),
            hex!("34 00 23 04 FF"),
        ];
        let entries = entries.iter().flat_map(|entry| [&hex!("C005")[..], entry].concat());
        [0xE0, 42].into_iter().chain(entries).collect::<Vec<u8>>()
    };
    assert_eq!(reader.ok(LIST), list(hex!("36 00 00 06 03"), hex!("3A 00 00 00 03")));
    reader.send(&hex!("0020000003 999999"));
    assert_eq!(reader.ok(LIST)[16..23], hex!("C005 3A 00 00 00 02"), "a try is spent");
    // Replaced once, and its counter is full; a PIN that is changed has been replaced too.
    reader.ok(&[&hex!("80D4360015 36 F0 F0 FF 55")[..], &[0x22; 16]].concat());
    reader.ok(&hex!("805E010007 123456 FF 654321"));
    assert_eq!(reader.ok(LIST), list(hex!("36 00 01 06 05"), hex!("3A 00 01 00 03")));
    // In no security state, and after power-off.
    let mut reader = Reader::insert(reader.remove());
    reader.ok(SELECT);
    assert_eq!(reader.ok(LIST), list(hex!("36 00 01 06 05"), hex!("3A 00 01 00 03")));
    assert_eq!(reader.ok(&hex!("80CA00E02C")).len(), 44);
    assert_eq!(reader.send(&hex!("80CA00E02B")), hex!("6C2C"));
    assert_eq!(reader.send(&hex!("80CA00E100")), hex!("6A86"));
    assert_eq!(reader.send(&hex!("80CA00E0010000")), hex!("6700"));
    assert_eq!(reader.send(&hex!("00CA00E000")), hex!("6E00"));
}

#[test]
fn no_value_is_told() {
    let mut reader = directory(Kind::CpuCard, &hex!("80E0000007 3F 0600 95 F0 FF FF"));
    for id in 0..30 {
        reader.write_key(0x3E, id, [0x21, 0x00], &[0xA7; 16]);
        reader.write_key(0x36, id, [0xFF, 0x53], &[0xA7; 8]);
    }
    for page in 0..=2 {
        let list = reader.ok(&[0x80, 0xCA, page, 0xE0, 0x00]);
        assert!(list.windows(2).all(|pair| pair != [0xA7, 0xA7]));
    }
}

/// More than one answer holds: 36 a page.
#[test]
fn a_long_list_comes_in_pages() {
    let mut reader = directory(Kind::CpuCard, &hex!("80E0000007 3F 0800 95 F0 FF FF"));
    let page = |reader: &mut Reader, page: u8| reader.ok(&[0x80, 0xCA, page, 0xE0, 0x00]);
    for id in 0..77u8 {
        reader.write_key(0x3F, id, [id, 0x00], &[0x5A; 16]);
        let count = usize::from(id) + 1;
        let first = page(&mut reader, 0);
        match count.min(36) * 7 {
            short @ ..=0x7F => assert_eq!(first[..2], [0xE0, short as u8]),
            long => assert_eq!(first[..3], [0xE0, 0x81, long as u8]),
        }
        assert_eq!(first.len(), if count <= 18 { 2 } else { 3 } + count.min(36) * 7);
        assert_eq!(page(&mut reader, 1)[1] == 0, count <= 36);
    }
    let all: Vec<u8> = (0..3)
        .flat_map(|number| {
            let page = page(&mut reader, number);
            let header = if page[1] == 0x81 { 3 } else { 2 };
            page[header..].chunks(7).map(|entry| entry[3]).collect::<Vec<u8>>()
        })
        .collect();
    assert_eq!(all, (0..77).collect::<Vec<u8>>());
    assert_eq!(page(&mut reader, 2), [&[0xE0, 35][..], &list_of(72..77)].concat());
    assert_eq!(page(&mut reader, 3), hex!("E000"));
    assert_eq!(page(&mut reader, 0xFF), hex!("E000"));
}

fn list_of(ids: core::ops::Range<u8>) -> Vec<u8> {
    ids.flat_map(|id| [0xC0, 0x05, 0x3F, id, id, 0x00, 0xFF]).collect()
}

/// A card's own list, and nothing of another directory's keys.
#[test]
fn each_directory_lists_its_own() {
    let mut reader = directory(Kind::CpuCard, &hex!("80E0000007 3F 0100 95 F0 FF FF"));
    reader.write_key(0x3E, 1, [0x21, 0x00], &[0x13; 16]);
    assert_eq!(reader.ok(LIST), hex!("E007 C005 3E 01 21 00 FF"));
    reader.ok(&hex!("00A40000023F00"));
    assert_eq!(reader.ok(LIST), hex!("E007 C005 39 00 00 FF 03"), "the transport key");
}

/// A SAM's working keys have a tag of their own: usage 30 is no key type 30.
#[test]
fn a_sams_list() {
    let mut reader = directory(Kind::Sam, &hex!("80E0000007 3F 0100 95 F0 FF FF"));
    reader.write_key(0x39, 0, [0x0F, 0xFF], &hex!("00112233445566778899AABBCCDDEEFF"));
    reader.random(&hex!("5D72B3FD"));
    reader.ok(&hex!("0084000004"));
    // A real SAM's key load: usage 22, version 01, triple DES.
    reader.ok(&hex!("84D400001C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 8A9D4ADB"));
    let list = reader.ok(LIST);
    assert_eq!(list[..9], hex!("E00E C005 39 00 00 FF FF"));
    assert_eq!(list[9..12], hex!("C105 22"));
    assert_eq!(list[12..], [list[12], list[12], 0x00, 0xFF][..], "version, and version again");
}

#[test]
fn a_blocked_application_lists_nothing() {
    let mut reader = directory(Kind::CpuCard, &hex!("80E0000007 3F 0100 95 F0 FF FF"));
    // The MAC of a real card's maintenance key is not at hand: it is blocked through its own.
    reader.write_key(0x36, 0, [0xFF, 0x33], &[0x36; 8]);
    reader.random(&hex!("00000000"));
    reader.ok(&hex!("0084000004"));
    let mac = des_mac(&[0x36; 8], &hex!("841E000004 800000"));
    reader.ok(&[&hex!("841E000004")[..], &mac].concat());
    assert_eq!(reader.send(LIST), hex!("6A81"));
    reader.send(SELECT);
    assert_eq!(reader.send(LIST), hex!("6A81"));
}

/// One block under an IV of 0.
fn des_mac(key: &[u8], block: &[u8]) -> Vec<u8> {
    use cipher::{BlockCipherEncrypt, KeyInit};
    let mut block: [u8; 8] = block.try_into().unwrap();
    des::Des::new_from_slice(key).unwrap().encrypt_block((&mut block).into());
    block[..4].to_vec()
}
