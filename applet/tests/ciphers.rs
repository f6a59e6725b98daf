//! AES-128 and SM4 beside triple DES: published vectors, and every command that uses a key, judged by the bare ciphers.
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
mod reference;

use chip::{Reader, blank};
use hex_literal::hex;
use onecard_applet::Kind;
use reference::{ALGORITHMS, Algorithm, Key};

const SELECT: &[u8] = &hex!("00A40000023F01");
const CHALLENGE: [u8; 4] = hex!("A1B2C3D4");
const TERMINAL: [u8; 6] = hex!("001122334455");
const MOMENT: [u8; 7] = hex!("20261125120000");

/// A directory whose keys 36 to 39 are of `of_file`, still open to be filled.
fn card(of_file: Algorithm) -> Reader {
    let mut reader = Reader::insert(blank(Kind::CpuCard));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&hex!("80E03F010D 38 0800 F0F0 95 FFFF 4142434445"));
    reader.ok(SELECT);
    reader.ok(&[&hex!("80E0000007 3F 0200 95 F0 FF")[..], &[of_file.file_byte()]].concat());
    reader
}

fn key(algorithm: Algorithm, number: u8) -> Key {
    algorithm.key(core::array::from_fn(|at| number.wrapping_mul(0x1D).wrapping_add((at as u8).wrapping_mul(0x31))))
}

fn challenged(reader: &mut Reader) {
    reader.random(&CHALLENGE);
    assert_eq!(reader.ok(&hex!("0084000004")), CHALLENGE);
}

fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

/// FIPS 197 appendix C.1 and GB/T 32907 appendix A, through INTERNAL AUTHENTICATE both ways.
#[test]
fn published_blocks() {
    let vectors = [
        (
            0x06,
            hex!("000102030405060708090A0B0C0D0E0F"),
            hex!("00112233445566778899AABBCCDDEEFF"),
            hex!("69C4E0D86A7B0430D8CDB78070B4C55A"),
        ),
        (
            0x04,
            hex!("0123456789ABCDEFFEDCBA9876543210"),
            hex!("0123456789ABCDEFFEDCBA9876543210"),
            hex!("681EDF34D206965E86B3E94F536E4246"),
        ),
    ];
    for (algorithm, key, plain, cipher) in vectors {
        let mut reader = card(Algorithm::TripleDes);
        reader.write_key(0x30, 1, [0x01, algorithm], &key);
        reader.write_key(0x31, 1, [0x01, algorithm], &key);
        assert_eq!(reader.ok(&command(hex!("00880001"), &plain)), cipher);
        assert_eq!(reader.ok(&command(hex!("00880101"), &cipher)), plain);
        // 8 bytes are padded to a block, and more than one block is enciphered block by block.
        assert_eq!(reader.ok(&[&command(hex!("00880001"), &plain[..8])[..], &[16]].concat()).len(), 16);
        assert_eq!(reader.send(&[&command(hex!("00880001"), &plain[..8])[..], &[8]].concat()), hex!("6C10"));
        assert_eq!(reader.ok(&command(hex!("00880001"), &[plain, plain].concat())), [cipher, cipher].concat());
    }
}

/// The reference that judges the other tests is itself judged: RFC 4493 clause 4.
#[test]
fn the_reference_makes_the_published_cmacs() {
    let key = hex!("2B7E151628AED2A6ABF7158809CF4F3C");
    let message = hex!(
        "6BC1BEE22E409F96E93D7E117393172A AE2D8A571E03AC9C9EB76FAC45AF8E51 30C81C46A35CE411E5FBC1191A0A52EF"
        "F69F2445DF4F9B17AD2B417BE66C3710"
    );
    for (length, mac) in [(0, hex!("BB1D6929")), (16, hex!("070A16B4")), (40, hex!("DFA66747")), (64, hex!("51F0BEBF"))]
    {
        assert_eq!(Algorithm::Aes.transaction_mac(&key, &message[..length]), mac);
    }
    // With the first block as challenge block, a line-protection MAC is the CMAC of the whole.
    assert_eq!(Algorithm::Aes.key(key).line_mac(&message[..16], &message[16..]), hex!("51F0BEBF"));
}

#[test]
fn internal_authentication_makes_macs_under_an_iv_of_zero() {
    for algorithm in ALGORITHMS {
        let mut reader = card(Algorithm::TripleDes);
        reader.write_key(0x32, 2, [0x01, algorithm.id()], &key(algorithm, 2).value);
        for length in [1, 8, 15, 16, 17, 40] {
            let message: Vec<u8> = (0..length).collect();
            let mac = reader.ok(&command(hex!("00880202"), &message));
            assert_eq!(mac, key(algorithm, 2).line_mac(&[0; 4], &message), "{algorithm:?} {length}");
        }
    }
}

/// A purse and its keys, each of its own algorithm.
fn wallet(load: Key, purchase: Key, tac: Key) -> Reader {
    let mut reader = card(Algorithm::TripleDes);
    reader.write_key(0x3F, 1, [0x11, load.algorithm.id()], &load.value);
    reader.write_key(0x3E, 1, [0x12, purchase.algorithm.id()], &purchase.value);
    reader.write_key(0x34, 0, [0x13, tac.algorithm.id()], &tac.value);
    reader.ok(&hex!("80E0000207 2F 0208 F0 00 FF 18"));
    reader.ok(&hex!("80E0001807 2E 1417 F0 EF FF FF"));
    reader.ok(SELECT);
    reader
}

fn load(reader: &mut Reader, load: Key, tac: Key, amount: u32) -> Vec<u8> {
    let order = [&amount.to_be_bytes()[..], &[0x02], &TERMINAL].concat();
    let initialized = reader.ok(&command(hex!("80500002"), &[&[1], &amount.to_be_bytes()[..], &TERMINAL].concat()));
    assert_eq!(initialized[7], load.algorithm.id());
    let session = load.session(&[&initialized[8..12], &initialized[4..6], &hex!("8000")].concat());
    let mac = |message: &[u8]| load.algorithm.transaction_mac(&session, message);
    assert_eq!(initialized[12..], mac(&[&initialized[..4], &order].concat()));
    let mac2 = mac(&[&order[..], &MOMENT].concat());
    let answer = reader.ok(&command(hex!("80520000"), &[&MOMENT[..], &mac2].concat()));
    let old: [u8; 4] = initialized[..4].try_into().unwrap();
    let new_balance = (u32::from_be_bytes(old) + amount).to_be_bytes();
    assert_eq!(answer, tac.tac(&[&new_balance[..], &initialized[4..6], &order, &MOMENT].concat()));
    initialized
}

fn pay(reader: &mut Reader, key_id: u8, purchase: Key, tac: Key) {
    let (amount, terminal_sequence) = (hex!("00000123"), hex!("0A0B0C0D"));
    let order = [&amount[..], &[0x06], &TERMINAL].concat();
    let initialized = reader.ok(&command(hex!("80500102"), &[&[key_id], &amount[..], &TERMINAL].concat()));
    assert_eq!(initialized[10], purchase.algorithm.id());
    let session = purchase.session(&[&initialized[11..15], &initialized[4..6], &terminal_sequence[2..]].concat());
    let mac = |message: &[u8]| purchase.algorithm.transaction_mac(&session, message);
    let mac1 = mac(&[&order[..], &MOMENT].concat());
    let debited = reader.ok(&command(hex!("80540100"), &[&terminal_sequence[..], &MOMENT, &mac1].concat()));
    assert_eq!(debited[..4], tac.tac(&[&order[..], &terminal_sequence, &MOMENT].concat()), "TAC");
    assert_eq!(debited[4..], mac(&amount), "MAC2");
}

#[test]
fn loads_and_purchases_with_every_mixture_of_ciphers() {
    for of_load in ALGORITHMS {
        for of_purchase in ALGORITHMS {
            for of_tac in ALGORITHMS {
                let (load_key, purchase_key, tac_key) = (key(of_load, 1), key(of_purchase, 2), key(of_tac, 3));
                let mut reader = wallet(load_key, purchase_key, tac_key);
                load(&mut reader, load_key, tac_key, 0x2000);
                pay(&mut reader, 1, purchase_key, tac_key);
                assert_eq!(reader.ok(&hex!("805C000204")), (0x2000 - 0x123u32).to_be_bytes());
            }
        }
    }
}

/// A MAC of the right key under the wrong cipher is a wrong MAC.
#[test]
fn another_ciphers_mac_is_wrong() {
    for right in ALGORITHMS {
        for wrong in ALGORITHMS.into_iter().filter(|wrong| *wrong != right) {
            let (load_key, tac_key) = (key(right, 1), key(right, 3));
            let mut reader = wallet(load_key, key(right, 2), tac_key);
            let initialized = reader.ok(&command(hex!("80500002"), &hex!("01 00000100 001122334455")));
            let other = key(wrong, 1);
            let session = other.session(&[&initialized[8..12], &initialized[4..6], &hex!("8000")].concat());
            let message = [&hex!("00000100 02 001122334455")[..], &MOMENT].concat();
            let mac2 = wrong.transaction_mac(&session, &message);
            assert_eq!(reader.send(&command(hex!("80520000"), &[&MOMENT[..], &mac2].concat())), hex!("9302"));
            assert_eq!(reader.ok(&hex!("805C000204")), [0; 4]);
        }
    }
}

/// Old and new keys side by side, of another version, and of another cipher.
#[test]
fn several_keys_of_one_type_stand_side_by_side() {
    let tac_key = key(Algorithm::TripleDes, 3);
    let load_key = key(Algorithm::Aes, 1);
    let old = key(Algorithm::TripleDes, 2);
    let mut reader = wallet(load_key, old, tac_key);
    let newer = [(0x02, key(Algorithm::TripleDes, 4)), (0x03, key(Algorithm::Sm4, 5)), (0x04, key(Algorithm::Aes, 6))];
    for (id, key) in newer {
        reader.write_key(0x3E, id, [0x20 + id, key.algorithm.id()], &key.value);
    }
    load(&mut reader, load_key, tac_key, 0x2000);
    pay(&mut reader, 1, old, tac_key);
    for (id, key) in newer {
        let initialized = reader.ok(&command(hex!("80500102"), &[&[id], &hex!("00000000 001122334455")[..]].concat()));
        assert_eq!(initialized[9..11], [0x20 + id, key.algorithm.id()]);
        pay(&mut reader, id, key, tac_key);
    }
    pay(&mut reader, 1, old, tac_key);
    assert_eq!(reader.send(&command(hex!("80500102"), &hex!("05 00000000 001122334455"))), hex!("9403"));
}

/// In place: the id stays, and the record's byte says what the value is.
#[test]
fn a_key_is_rolled_to_another_cipher() {
    let (load_key, tac_key) = (key(Algorithm::TripleDes, 1), key(Algorithm::TripleDes, 3));
    let mut reader = wallet(load_key, key(Algorithm::TripleDes, 2), tac_key);
    load(&mut reader, load_key, tac_key, 0x2000);
    let newer = key(Algorithm::Aes, 9);
    reader.ok(&command(hex!("80D43E01"), &[&[0x3E, 0xF0, 0xF0, 0x02, 0x06][..], &newer.value].concat()));
    pay(&mut reader, 1, newer, tac_key);
}

#[test]
fn keys_of_long_blocks_have_16_bytes() {
    let record = |key_type: u8, algorithm: u8, length: usize| {
        [&[key_type, 0xF0, 0xF0, 0x01, algorithm][..], &[0x5A; 16][..length]].concat()
    };
    for key_type in [0x30, 0x31, 0x32, 0x33, 0x34, 0x3C, 0x3D, 0x3E, 0x3F] {
        let mut reader = card(Algorithm::TripleDes);
        for algorithm in [0x04, 0x06] {
            assert_eq!(reader.send(&command(hex!("80D40101"), &record(key_type, algorithm, 8))), hex!("6700"));
        }
        // Every other byte is DES or triple DES, and the length says which.
        for (id, algorithm) in [0x00, 0x01, 0x02, 0x05, 0x07, 0xFF].into_iter().enumerate() {
            reader.ok(&command([0x80, 0xD4, 0x01, id as u8], &record(key_type, algorithm, 8)));
        }
        reader.ok(&command(hex!("80D40110"), &record(key_type, 0x04, 16)));
    }
    for of_file in [Algorithm::Sm4, Algorithm::Aes] {
        for key_type in [0x36, 0x37, 0x38, 0x39] {
            let mut reader = card(of_file);
            assert_eq!(reader.send(&command(hex!("80D40101"), &record(key_type, 0xFF, 8))), hex!("6700"));
            reader.ok(&command(hex!("80D40101"), &record(key_type, 0xFF, 16)));
        }
    }
}

/// An application with all of 36 to 39 in the cipher of its key file, and files that need a MAC, and a cipher.
fn protected(of_file: Algorithm) -> Reader {
    let mut reader = card(of_file);
    for key_type in [0x36, 0x37, 0x38, 0x39] {
        let b4 = if key_type == 0x39 { 0x0F } else { 0xFF };
        reader.write_key(key_type, 0, [b4, 0xFF], &key(of_file, key_type).value);
    }
    reader.write_key(0x3A, 0, [0x02, 0x33], &hex!("123456"));
    reader.ok(&hex!("80E0001507 A8 0034 F0 F0 FF FF"));
    reader.ok(&hex!("80E0001607 E8 0034 F0 F0 FF FF"));
    reader.ok(SELECT);
    reader
}

#[test]
fn line_protection_follows_the_key_file() {
    for algorithm in ALGORITHMS {
        let mut reader = protected(algorithm);
        let line = key(algorithm, 0x36);
        for length in [1, 8, 11, 16, 32] {
            let data: Vec<u8> = (1..=length).collect();
            challenged(&mut reader);
            reader.ok(&line.protect(&CHALLENGE, &hex!("04D69500"), &data));
            challenged(&mut reader);
            reader.ok(&line.protect(&CHALLENGE, &hex!("04D69600"), &line.encipher_body(&data)));
            assert_eq!(reader.ok(&[0x00, 0xB0, 0x95, 0x00, length]), data);
            assert_eq!(reader.ok(&[0x00, 0xB0, 0x96, 0x00, length]), data, "{algorithm:?} {length}");
            for (sfi, text) in [(0x95, data.clone()), (0x96, line.encipher_body(&data))] {
                challenged(&mut reader);
                let read = line.protect(&CHALLENGE, &[0x04, 0xB0, sfi, 0x00], &[]);
                let answer = reader.ok(&[&read[..], &[length]].concat());
                assert_eq!(answer, [&text[..], &line.line_mac(&CHALLENGE, &text)].concat());
            }
        }
        // The longest read of an enciphered file, 52 bytes.
        challenged(&mut reader);
        reader.ok(&[&line.protect(&CHALLENGE, &hex!("04B09600"), &[])[..], &[0]].concat());
    }
}

#[test]
fn an_eight_byte_challenge_fills_half_of_a_long_block() {
    for algorithm in ALGORITHMS {
        let mut reader = protected(algorithm);
        let challenge = hex!("0102030405060708");
        reader.random(&challenge);
        reader.ok(&hex!("0084000008"));
        reader.ok(&key(algorithm, 0x36).protect(&challenge, &hex!("04D69500"), &[0x77; 5]));
    }
}

#[test]
fn a_long_block_has_its_own_paddings() {
    for algorithm in [Algorithm::Sm4, Algorithm::Aes] {
        let line = key(algorithm, 0x36);
        let wrong = [
            hex!("08 1122334455667788 00000000000000").to_vec(),
            [&hex!("07 11223344556677 80")[..], &[0; 23]].concat(),
            hex!("10 112233445566778899AABBCCDDEEFF").to_vec(),
        ];
        for plain in wrong {
            let mut reader = protected(algorithm);
            challenged(&mut reader);
            let update = line.protect(&CHALLENGE, &hex!("04D69600"), &line.encipher(&plain));
            assert_eq!(reader.send(&update), hex!("6A80"), "{plain:02X?}");
        }
        // Whole blocks of 8 are not whole blocks.
        let mut reader = protected(algorithm);
        challenged(&mut reader);
        let half = &line.encipher(&[0x55; 16])[..8];
        assert_eq!(reader.send(&line.protect(&CHALLENGE, &hex!("04D69600"), half)), hex!("6A80"));
    }
}

#[test]
fn authentication_pins_and_blocks_follow_the_key_file() {
    for algorithm in ALGORITHMS {
        let mut reader = protected(algorithm);
        let mut block = CHALLENGE.to_vec();
        block.resize(algorithm.block_len(), 0);
        let cryptogram = key(algorithm, 0x39).encipher(&block);
        challenged(&mut reader);
        reader.ok(&command(hex!("00820000"), &cryptogram));
        let mut wrong = cryptogram.clone();
        *wrong.last_mut().unwrap() ^= 1;
        challenged(&mut reader);
        assert_eq!(reader.send(&command(hex!("00820000"), &wrong)), hex!("63CF"), "the last byte counts too");
        let other_length = if algorithm == Algorithm::TripleDes { 16 } else { 8 };
        for length in [other_length, 7, 9, 15] {
            challenged(&mut reader);
            assert_eq!(reader.send(&command(hex!("00820000"), &[0x11; 16][..length])), hex!("6700"), "{length}");
        }

        let reload = key(algorithm, 0x38).tac(&hex!("111111"));
        reader.ok(&command(hex!("805E0000"), &[&hex!("111111")[..], &reload].concat()));
        reader.ok(&hex!("0020000003 111111"));
        let unblock = key(algorithm, 0x37);
        challenged(&mut reader);
        reader.ok(&unblock.protect(&CHALLENGE, &hex!("84240000"), &unblock.encipher_body(&hex!("222222"))));
        reader.ok(&hex!("0020000003 222222"));
        for header in [hex!("841E0000"), hex!("84180000")] {
            challenged(&mut reader);
            reader.ok(&key(algorithm, 0x36).protect(&CHALLENGE, &header, &[]));
        }
    }
}

#[test]
fn keys_are_written_under_a_control_key_of_any_cipher() {
    for algorithm in ALGORITHMS {
        let mut reader = protected(algorithm);
        let control = key(algorithm, 0x39);
        let newer = key(algorithm, 0x77);
        let body = |key_type: u8, b4: u8, value: &[u8]| [&[key_type, 0xF0, 0xF0, b4, 0xFF][..], value].concat();
        challenged(&mut reader);
        let add = control.encipher_body(&body(0xF6, 0xFF, &key(algorithm, 0x50).value));
        reader.ok(&control.protect(&CHALLENGE, &hex!("84D40102"), &add));
        // The control key replaces itself, and then the old one is worth nothing.
        challenged(&mut reader);
        let replace = control.encipher_body(&body(0xF9, 0x0F, &newer.value));
        reader.ok(&control.protect(&CHALLENGE, &hex!("84D43900"), &replace));
        challenged(&mut reader);
        assert_eq!(reader.send(&control.protect(&CHALLENGE, &hex!("84D40103"), &add)), hex!("9302"));
        challenged(&mut reader);
        let add = newer.encipher_body(&body(0xF6, 0xFF, &key(algorithm, 0x51).value));
        reader.ok(&newer.protect(&CHALLENGE, &hex!("84D40103"), &add));
    }
}
