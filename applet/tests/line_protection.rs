//! Line protection and error counters, judged by published traces and by the vectors of the second implementation.
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
const GET_CHALLENGE: &[u8] = &hex!("0084000004");

/// A directory with key 36 00 and PIN keys, and a binary file of 52 bytes with `type_byte` and key byte FF.
fn card(maintenance: &[u8], type_byte: u8) -> Reader {
    let mut reader = Reader::insert(blank(Kind::CpuCard));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&hex!("80E03F010D 38 0400 F0F0 95 FFFF 4142434445"));
    reader.ok(SELECT);
    reader.ok(&hex!("80E0000007 3F 0100 95 F0 FF FF"));
    reader.write_key(0x36, 0, [0xFF, 0x33], maintenance);
    reader.write_key(0x3A, 0, [0x02, 0x33], &hex!("123456"));
    reader.ok(&[&hex!("80E0001507")[..], &[type_byte], &hex!("0034 F0 F0 FF FF")].concat());
    reader.ok(&[&hex!("80E0001607")[..], &[type_byte], &hex!("0034 F0 F0 FF FF")].concat());
    reader.ok(SELECT);
    reader
}

fn challenged(reader: &mut Reader, challenge: &[u8]) {
    reader.random(challenge);
    let le = challenge.len() as u8;
    assert_eq!(reader.ok(&[&hex!("00840000")[..], &[le]].concat()), challenge);
}

#[test]
fn an_update_with_a_real_cards_mac() {
    let mut reader = card(&[0x36; 16], 0xA8);
    challenged(&mut reader, &hex!("A3BBCFC8"));
    let update = hex!("04D6950022 000122000001FFFF01010000220000000000000620160101205012310000 96E32EF1");
    reader.ok(&update);
    assert_eq!(reader.ok(&hex!("00B095001E"))[..], update[5..35]);
    assert_eq!(reader.send(&update), hex!("6985"), "the challenge is used up");
    assert_eq!(reader.send(&hex!("00D6950001 00")), hex!("6987"), "not without a MAC");
}

#[test]
fn a_read_with_a_real_cards_mac_and_its_answer() {
    let mut reader = card(&[0xFF; 16], 0x28);
    reader.ok(&hex!("00D6950010 11223344556677889900AABBCCDDEEFF"));
    reader.ok(&hex!("00A40000020015"));
    challenged(&mut reader, &hex!("D0FE4FB9"));
    assert_eq!(reader.ok(&hex!("04B0000004 F09C8A19 10")), hex!("11223344556677889900AABBCCDDEEFF 8D318577"));
}

#[test]
fn unequal_halves_and_both_lengths_of_a_challenge() {
    let mut reader = card(&hex!("6EB53E14A8209CDA4834E4C829E1E3A0"), 0xA8);
    challenged(&mut reader, &hex!("92566A5172775B0D"));
    reader.ok(&hex!("04D6950022 ACF8BA080532913976BA574D6222014709F6A8588F6BBA9721A631F5D3AD E11451A1"));
    let mut reader = card(&hex!("A2203363D1496DFA"), 0xA8);
    challenged(&mut reader, &hex!("56F71410"));
    reader.ok(&hex!("04D6960011 F10783689CDA4743F017D6164D D962E61E"));
}

#[test]
fn enciphered_updates_pad_only_where_they_must() {
    let mut reader = card(&hex!("E188C6FDDD40F757C53C5C19B78A5A75"), 0xE8);
    challenged(&mut reader, &hex!("EAD66C3A"));
    reader.ok(&hex!("04D696000C B95376F56C0A9B27 884B5F9B"));
    assert_eq!(reader.ok(&hex!("00B0960008")), hex!("CBA51C8164BA68 00"), "seven bytes and no more");
    let mut reader = card(&hex!("16B463E3144D104ECFE6DC370C8D5A62"), 0xE8);
    challenged(&mut reader, &hex!("0680FE89"));
    reader.ok(&hex!("04D6960014 71D09B47826B163969A1E015860D28F1 A4ED34F3"));
    assert_eq!(reader.ok(&hex!("00B0960009")), hex!("EEDF4C3726E4ACA7 00"));
}

#[test]
fn a_wrong_mac_spends_a_try_and_the_last_one_blocks_the_key() {
    let update = hex!("04D6950022 000122000001FFFF01010000220000000000000620160101205012310000 96E32EF1");
    for at in [1, 3, 5, 34, 35, 38] {
        let mut reader = card(&[0x36; 16], 0xA8);
        let mut wrong = update;
        wrong[at] ^= 0x01;
        if at == 1 {
            wrong[1] = 0xD0;
        }
        for _ in 0..3 {
            challenged(&mut reader, &hex!("A3BBCFC8"));
            assert_eq!(reader.send(&wrong), hex!("6988"), "byte {at}");
        }
        challenged(&mut reader, &hex!("A3BBCFC8"));
        assert_eq!(reader.send(&update), hex!("6983"));
        assert_eq!(reader.ok(&hex!("00B0950000")), [0; 52]);
    }
}

#[test]
fn a_right_mac_gives_the_tries_back() {
    let mut reader = card(&[0x36; 16], 0xA8);
    let update = hex!("04D6950022 000122000001FFFF01010000220000000000000620160101205012310000 96E32EF1");
    let mut wrong = update;
    wrong[38] ^= 1;
    for _ in 0..5 {
        for _ in 0..2 {
            challenged(&mut reader, &hex!("A3BBCFC8"));
            assert_eq!(reader.send(&wrong), hex!("6988"));
        }
        challenged(&mut reader, &hex!("A3BBCFC8"));
        reader.ok(&update);
    }
}

/// The power goes at each programming operation of a wrong and of a right VERIFY.
#[test]
fn no_tear_gives_a_free_try() {
    let torn = card(&[0x36; 16], 0xA8).remove();
    for landing in [0, 1, 3, 20, 40] {
        for operation in 0.. {
            let mut reader = Reader::insert(torn.clone());
            reader.ok(SELECT);
            {
                let mut chip = reader.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            let answered = reader.try_send(&hex!("0020000003 999999"));
            let mut reader = Reader::insert(reader.remove());
            reader.ok(SELECT);
            let Ok(answer) = answered else {
                // Nothing was told: the try may be spent or not.
                assert!(matches!(reader.send(&hex!("0020000003 999999"))[1], 0xC1 | 0xC2));
                continue;
            };
            assert_eq!(answer, hex!("63C2"));
            assert_eq!(reader.send(&hex!("0020000003 999999")), hex!("63C1"));
            assert_eq!(reader.send(&hex!("0020000003 999999")), hex!("63C0"));
            assert_eq!(reader.send(&hex!("0020000003 123456")), hex!("6983"));
            break;
        }
    }
}

/// The PIN is right, and the power goes before the card says so: the try was spent before it was compared.
#[test]
fn a_try_is_spent_before_the_comparison() {
    let chip = card(&[0x36; 16], 0xA8).remove();
    let mut reader = Reader::insert(chip);
    reader.ok(SELECT);
    let operations = reader.chip.0.borrow().operations;
    reader.ok(&hex!("0020000003 123456"));
    let all = reader.chip.0.borrow().operations - operations;
    let mut chip = reader.remove();
    for lost in 0..3 {
        let mut reader = Reader::insert(chip);
        reader.ok(SELECT);
        reader.chip.0.borrow_mut().operations_left = all / 2;
        reader.chip.0.borrow_mut().landing = 0;
        assert!(reader.try_send(&hex!("0020000003 123456")).is_err(), "{lost}");
        chip = reader.remove();
    }
    let mut reader = Reader::insert(chip);
    reader.ok(SELECT);
    assert_eq!(reader.send(&hex!("0020000003 123456")), hex!("6983"));
}

fn sam() -> Reader {
    let mut reader = Reader::insert(blank(Kind::Sam));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&hex!("80E0DF010D 38 0400 F0F0 97 FFFF 4142434445"));
    reader.ok(&hex!("00A4000002DF01"));
    reader.ok(&hex!("80E0000007 3F 0100 97 F0 FF FF"));
    reader.write_key(0x39, 0, [0x0F, 0xFF], &hex!("00112233445566778899AABBCCDDEEFF"));
    reader
}

const WRITE_SAM_KEY: [u8; 33] = hex!("84D400001C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 8A9D4ADB");

#[test]
fn a_real_sams_key_load() {
    let mut reader = sam();
    challenged(&mut reader, &hex!("5D72B3FD"));
    reader.ok(&WRITE_SAM_KEY);
    // A purchase key of one level: money, so not for DES CRYPT.
    assert_eq!(reader.send(&hex!("801A220008 1122334455667788")), hex!("6985"));
    for at in [4, 5, 20, 29, 32] {
        let mut wrong = WRITE_SAM_KEY;
        wrong[at] ^= if at == 4 { 0 } else { 1 };
        wrong[3] ^= u8::from(at == 4);
        challenged(&mut reader, &hex!("5D72B3FD"));
        let status = reader.send(&wrong);
        assert!(status == hex!("9302") || at == 4 && status == hex!("6A86"), "byte {at}: {status:02X?}");
    }
}

/// Where the body of EF 0015 lies, found by a write whose MAC a real card accepted.
fn body_of_0015() -> usize {
    let mut reader = card(&[0x36; 16], 0xA8);
    let update = hex!("04D6950022 000122000001FFFF01010000220000000000000620160101205012310000 96E32EF1");
    challenged(&mut reader, &hex!("A3BBCFC8"));
    reader.ok(&update);
    let bytes = reader.remove().bytes;
    bytes.windows(30).rposition(|window| window == &update[5..35]).unwrap()
}

/// A card whose EF 0015 begins with `plain`, however that came there.
fn card_holding(maintenance: &[u8], type_byte: u8, plain: &[u8]) -> Reader {
    let mut chip = card(maintenance, type_byte).remove();
    let body = body_of_0015();
    chip.bytes[body..body + plain.len()].copy_from_slice(plain);
    let mut reader = Reader::insert(chip);
    reader.ok(SELECT);
    reader
}

#[test]
fn a_protected_read_of_an_enciphered_file() {
    let plain = hex!("8473A3D58CA8A781BDB00F483568A0C7FCCD7A124F0500AE3E5F4BAA66FB");
    let mut reader = card_holding(&hex!("5C7140760F4EEE4340967E26B405EF05"), 0xE8, &plain);
    challenged(&mut reader, &hex!("AE727186"));
    assert_eq!(
        reader.ok(&hex!("04B0950004 4AFEBBC1 1E")),
        hex!("2289AF72F1A7B1CAA0AB6B5176A3AD216E26847E1175922569943669FEC1EA75 61E9C501")
    );
    challenged(&mut reader, &hex!("AE727186"));
    assert_eq!(reader.send(&hex!("04B0950004 4AFEBBC2 1E")), hex!("6988"));
    assert_eq!(reader.send(&hex!("04B0950004 4AFEBBC1 1E")), hex!("6985"), "no challenge");
    challenged(&mut reader, &hex!("AE727186"));
    assert_eq!(reader.send(&hex!("04B0950003 4AFEBB 1E")), hex!("6987"), "no whole MAC");
}

#[test]
fn an_enciphered_answer_that_fills_its_block_is_not_padded() {
    let mut reader = card_holding(&hex!("1AAEE9B5D78B3ACA1AC162F0C398BFF4"), 0xE8, &hex!("9716DE51A76E46"));
    challenged(&mut reader, &hex!("1E58F137"));
    assert_eq!(reader.ok(&hex!("04B0950004 2514A9BE 07")), hex!("33C0E282BF68CFE4 02191375"));
}

/// Line protection as a terminal does it: what is right but for its padding, and what no vector has.
fn protected(key: &[u8; 16], challenge: [u8; 4], header: [u8; 4], text: &[u8]) -> Vec<u8> {
    use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
    let (left, right) = (des::Des::new_from_slice(&key[..8]).unwrap(), des::Des::new_from_slice(&key[8..]).unwrap());
    let mut message = [&header[..], &[text.len() as u8 + 4], text, &[0x80]].concat();
    message.resize(message.len().next_multiple_of(8), 0);
    let mut chain = [0; 8];
    chain[..4].copy_from_slice(&challenge);
    for block in message.chunks(8) {
        chain.iter_mut().zip(block).for_each(|(to, from)| *to ^= from);
        left.encrypt_block((&mut chain).into());
    }
    right.decrypt_block((&mut chain).into());
    left.encrypt_block((&mut chain).into());
    [&header[..], &[text.len() as u8 + 4], text, &chain[..4]].concat()
}

fn enciphered(key: &[u8; 16], text: &[u8]) -> Vec<u8> {
    use cipher::{BlockCipherEncrypt, KeyInit};
    let cipher = des::TdesEde2::new(key.into());
    let mut text = text.to_vec();
    for block in text.chunks_mut(8) {
        let block: &mut [u8; 8] = block.try_into().unwrap();
        cipher.encrypt_block(block.into());
    }
    text
}

#[test]
fn a_right_mac_over_a_wrong_padding_changes_nothing() {
    let key = hex!("0123456789ABCDEF1133557799BBDDFF");
    let update = |plain: &[u8]| {
        let mut reader = card(&key, 0xE8);
        challenged(&mut reader, &hex!("01020304"));
        let command = protected(&key, hex!("01020304"), hex!("04D69500"), &enciphered(&key, plain));
        let answer = reader.send(&command);
        (answer, reader.ok(&hex!("00B0950008")))
    };
    assert_eq!(update(&hex!("03 112233 80 000000")), (hex!("9000").to_vec(), hex!("1122330000000000").to_vec()));
    assert_eq!(update(&hex!("07 11223344556677")), (hex!("9000").to_vec(), hex!("1122334455667700").to_vec()));
    assert_eq!(update(&hex!("06 112233445566 80")), (hex!("9000").to_vec(), hex!("1122334455660000").to_vec()));
    let wrong: [&[u8]; 8] = [
        &hex!("03 112233 00 000000"),
        &hex!("03 112233 80 000100"),
        &hex!("03 112233 81 000000"),
        &hex!("08 11223344556677"),
        &hex!("FF 11223344556677"),
        &hex!("07 11223344556677 8000000000000000"),
        &hex!("03 112233 80 000000 0000000000000000"),
        &hex!("00 80000000000000 8000000000000000"),
    ];
    for plain in wrong {
        assert_eq!(update(plain), (hex!("6A80").to_vec(), vec![0; 8]), "{plain:02X?}");
    }
    let mut reader = card(&key, 0xE8);
    challenged(&mut reader, &hex!("01020304"));
    let broken = [enciphered(&key, &hex!("0B 11223344556677")), hex!("8899AABB").to_vec()].concat();
    assert_eq!(reader.send(&protected(&key, hex!("01020304"), hex!("04D69500"), &broken)), hex!("6A80"));
    assert_eq!(update(&[]).0, hex!("6A80"), "an empty cipher");
    assert_eq!(update(&hex!("00 80000000000000")).0, hex!("6700"), "nothing to write");
}

/// A MAC on a file that does not ask for one is checked all the same, and the file's own right still counts.
#[test]
fn a_mac_that_nobody_asked_for_is_checked() {
    let key = hex!("0123456789ABCDEF1133557799BBDDFF");
    let mut reader = card(&key, 0x28);
    challenged(&mut reader, &hex!("01020304"));
    reader.ok(&protected(&key, hex!("01020304"), hex!("04D69500"), &hex!("AABB")));
    challenged(&mut reader, &hex!("01020305"));
    assert_eq!(reader.send(&protected(&key, hex!("01020304"), hex!("04D69500"), &hex!("CCDD"))), hex!("6988"));
    assert_eq!(reader.ok(&hex!("00B0950003")), hex!("AABB00"));
    for type_byte in [0xA8, 0x68, 0xE8] {
        let mut reader = card(&key, type_byte);
        assert_eq!(reader.send(&hex!("00D6950001 00")), hex!("6987"), "{type_byte:02X}");
    }
}
