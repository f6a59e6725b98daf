//! An enterprise application as the profile has it, all keys of one card, and what a terminal computes with them.

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use hex_literal::hex;
use onecard_applet::Kind;

use crate::chip::{Chip, Reader, blank};

pub const AID: [u8; 14] = hex!("F04F4E454301 3100000000000018");
pub const VERIFY: &[u8] = &hex!("0020000003 123456");

/// Records of EF 001C.
pub const OPEN: &[u8] = &hex!("AA 05 00 11111111");
pub const LOCKED: &[u8] = &hex!("BB 03 01 2222");
pub const SECOND: &[u8] = &hex!("CC 03 00 3333");

/// First and last day of EF 0015.
pub const VALID: [[u8; 4]; 2] = [hex!("20260101"), hex!("20281231")];

/// No two keys alike, nor two halves.
pub const fn key(key_type: u8, id: u8) -> [u8; 16] {
    let mut key = [0; 16];
    let mut at = 0;
    while at < 16 {
        key[at] = key_type.wrapping_mul(29) ^ id.wrapping_mul(113) ^ (16 * at as u8 + 1);
        at += 1;
    }
    key
}

/// An application of `version` with both purses, nothing in them, and no limits.
pub fn application(version: u8) -> Chip {
    let mut reader = Reader::insert(blank(Kind::CpuCard));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&[&hex!("80E0DF0116 38 0D00 FFFF 95 FFFF")[..], &AID].concat());
    reader.ok(&select());
    reader.ok(&hex!("80E0000007 3F 0200 95 F0 FF FF"));
    for (use_right, key_type, id, b4b5) in [
        (0xF0, 0x39, 0x00, [0x0F, 0xFF]),
        (0xF0, 0x39, 0x01, [0x01, 0xFF]),
        (0xF0, 0x36, 0x00, [0xFF, 0xFF]),
        (0xF0, 0x36, 0x02, [0xFF, 0xFF]),
        (0xF0, 0x36, 0x03, [0xFF, 0xFF]),
        (0xF0, 0x34, 0x00, [0x01, 0x00]),
        (0xF0, 0x3E, 0x01, [0x01, 0x00]),
        (0x22, 0x3F, 0x01, [0x01, 0x00]),
        (0xF0, 0x3F, 0x11, [0x01, 0x00]),
        (0x22, 0x3D, 0x01, [0x01, 0x00]),
        (0xF0, 0x3D, 0x02, [0x01, 0x00]),
        (0x22, 0x3C, 0x01, [0x01, 0x00]),
        (0xF0, 0x33, 0x01, [0x01, 0x00]),
        (0xF0, 0x30, 0x01, [0x01, 0x00]),
        (0xF0, 0x30, 0x02, [0x01, 0x00]),
    ] {
        reader.write_key_for(use_right, key_type, id, b4b5, &key(key_type, id));
    }
    reader.write_key(0x3A, 0x00, [0x02, 0x33], &hex!("123456"));
    for file in [
        hex!("80E0001807 2E 1417 F1 EF FF FF"),
        hex!("80E0000107 2F 0208 22 00 FF 18"),
        hex!("80E0000207 2F 0208 F0 00 FF 18"),
        hex!("80E0001507 A8 001E F0 F0 FF FF"),
        hex!("80E0001607 A8 0037 F1 F0 FF FF"),
        hex!("80E0001707 A8 0024 F0 F0 FF FF"),
        hex!("80E0001907 A8 00E0 F0 F0 FF FF"),
        hex!("80E0001A07 AE 2010 F1 F0 FF FD"),
        hex!("80E0001B07 AE 1010 F1 F0 FF FC"),
        hex!("80E0001C07 AC 0100 F0 F0 FF FF"),
    ] {
        reader.ok(&file);
    }
    reader.ok(&select());
    let [from, to] = VALID;
    let serial = hex!("0000 3100100000000427");
    let public = [&hex!("3100000000000018 03")[..], &[version], &serial, &from, &to, &[0, 0]].concat();
    done(&protected(&mut reader, 0x00, hex!("04D69500"), &public));
    for record in [OPEN, LOCKED, SECOND] {
        done(&protected(&mut reader, 0x00, hex!("04E200E4"), record));
    }
    reader.remove()
}

pub fn select() -> Vec<u8> {
    [&hex!("00A404000E")[..], &AID].concat()
}

/// Sends a command protected by key 36 `key_id`: its MAC is made here, over a challenge just got.
pub fn protected(reader: &mut Reader, key_id: u8, header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let challenge = reader.ok(&hex!("0084000004"));
    reader.send(&protect(&challenge, key_id, header, data))
}

/// The command under a challenge.
pub fn protect(challenge: &[u8], key_id: u8, header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let message = [&header[..], &[data.len() as u8 + 4], data].concat();
    [&message[..], &line_mac(&key(0x36, key_id), challenge, &message)].concat()
}

pub fn done(answer: &[u8]) {
    assert_eq!(answer, hex!("9000"));
}

/// MAC1, MAC2, MAC3, TAC: single DES, CBC, IV 0, always padded.
pub fn mac(key: [u8; 8], message: &[u8]) -> [u8; 4] {
    left(chained(key, [0; 8], message))
}

/// fold(TAC key).
pub fn tac(message: &[u8]) -> [u8; 4] {
    let key = key(0x34, 0x00);
    let folded: [u8; 8] = std::array::from_fn(|at| key[at] ^ key[at + 8]);
    mac(folded, message)
}

/// One block enciphered by a 16-byte key.
pub fn session_key(key: [u8; 16], block: [u8; 8]) -> [u8; 8] {
    let mut block = block;
    TdesEde2::new(&key.into()).encrypt_block((&mut block).into());
    block
}

pub fn line_mac(key: &[u8; 16], challenge: &[u8], message: &[u8]) -> [u8; 4] {
    let (l, r): ([u8; 8], [u8; 8]) = (key[..8].try_into().unwrap(), key[8..].try_into().unwrap());
    let mut initial = [0; 8];
    initial[..challenge.len()].copy_from_slice(challenge);
    let mut last = chained(l, initial, message);
    Des::new(&r.into()).decrypt_block((&mut last).into());
    Des::new(&l.into()).encrypt_block((&mut last).into());
    left(last)
}

fn chained(key: [u8; 8], initial: [u8; 8], message: &[u8]) -> [u8; 8] {
    let cipher = Des::new(&key.into());
    let mut padded = [message, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(8), 0);
    padded.chunks(8).fold(initial, |mut chain, block| {
        chain.iter_mut().zip(block).for_each(|(to, from)| *to ^= from);
        cipher.encrypt_block((&mut chain).into());
        chain
    })
}

fn left(block: [u8; 8]) -> [u8; 4] {
    block[..4].try_into().unwrap()
}
