//! The enterprise of these tests, its keys, and what a ceremony sends.

use aes::Aes128;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hex_literal::hex;

use super::{
    reference::{Algorithm, Key, cmac},
    slot::{Master, Mother},
};

pub const ENTERPRISE: [u8; 8] = hex!("1000000000000001");
pub const NUMBER: [u8; 8] = hex!("3100000000000017");
pub const OTHER_NUMBER: [u8; 8] = hex!("3100000000000018");
pub const PIN: [u8; 8] = *b"271828\xFF\xFF";
pub const K_A: [u8; 16] = hex!("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF");
pub const OTHER_K_A: [u8; 16] = hex!("B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF");
pub const K_W: [u8; 16] = hex!("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF");
pub const K_M: [u8; 16] = hex!("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
pub const MAKER_WRAP: [u8; 16] = *b"ONECARD-KW-BLANK";
pub const MAKER_MAC: [u8; 16] = *b"ONECARD-MAC-BLNK";
pub const CARD_EXPORTS: u32 = 40;
pub const SAM_EXPORTS: u32 = 20;

/// A key master card and its mother card, as the ceremony leaves them.
pub struct Pair {
    pub master: Master,
    pub mother: Mother,
}

impl Pair {
    /// Personalised, without master keys.
    pub fn new() -> Self {
        Self::numbered(NUMBER, K_A)
    }

    pub fn numbered(number: [u8; 8], authentication: [u8; 16]) -> Self {
        let (mut master, mut mother) = (Master::blank(), Mother::blank());
        let challenge = master.challenge();
        master.ok(&personalise_master(challenge, number, authentication));
        let challenge = mother.challenge();
        mother.ok(&personalise_mother(challenge, number, authentication));
        Self { master, mother }
    }

    /// Open and with a master key of each code in version 01 of `algorithm`.
    pub fn with_keys(algorithm: Algorithm) -> Self {
        let mut pair = Self::new();
        pair.open();
        for code in CODES {
            pair.load(code, 0x01, master_key(algorithm, code));
        }
        pair
    }

    pub fn open(&mut self) {
        assert!(self.try_open(), "not opened");
    }

    /// Whether both the PIN and the mother card were taken.
    pub fn try_open(&mut self) -> bool {
        let Self { master, mother } = self;
        master.try_send(&verify(&PIN)).is_ok_and(|answer| answer == [0x90, 0x00]) && authenticate(master, mother)
    }

    pub fn load(&mut self, code: u8, version: u8, key: Key) {
        assert_eq!(self.load_status(code, version, key), 0x9000, "{code:02X}");
    }

    pub fn load_status(&mut self, code: u8, version: u8, key: Key) -> u16 {
        let challenge = self.master.challenge();
        self.master.status(&load_key(challenge, NUMBER, code, version, key))
    }

    pub fn load_allowance(&mut self, cards: u32, sams: u32) -> u16 {
        let challenge = self.master.challenge();
        self.master.status(&load_allowance(challenge, NUMBER, cards, sams))
    }

    pub fn power_cycled(self) -> Self {
        Self { master: self.master.power_cycled(), mother: self.mother }
    }

    pub fn report(&mut self) -> Report {
        Report::of(&mut self.master)
    }
}

/// EXTERNAL AUTHENTICATE by what the mother card answers.
pub fn authenticate(master: &mut Master, mother: &mut Mother) -> bool {
    let Some(challenge) = master.try_challenge() else { return false };
    let Ok(answer) = mother.try_send(&[&hex!("0088000008")[..], &challenge].concat()) else { return false };
    let command = [&hex!("0082000010")[..], &answer[..16]].concat();
    master.try_send(&command).is_ok_and(|answer| answer == [0x90, 0x00])
}

/// GET DATA C0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    pub number: [u8; 8],
    pub life_cycle: u8,
    pub pin_tries: u8,
    pub mother_tries: u8,
    pub cards: u32,
    pub sams: u32,
}

impl Report {
    pub fn of(master: &mut Master) -> Self {
        let data = master.ok(&hex!("80CA00C000"));
        assert_eq!(data.len(), 27);
        Self {
            number: data[..8].try_into().unwrap(),
            life_cycle: data[16],
            pin_tries: data[17],
            mother_tries: data[18],
            cards: u32::from_be_bytes(data[19..23].try_into().unwrap()),
            sams: u32::from_be_bytes(data[23..].try_into().unwrap()),
        }
    }
}

/// Every code of a key.
pub const CODES: [u8; 22] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13,
    0x14, 0x81, 0x82,
];

/// The enterprise's master key of a code.
pub fn master_key(algorithm: Algorithm, code: u8) -> Key {
    algorithm.key(core::array::from_fn(|at| code.wrapping_mul(0x1D).wrapping_add((at as u8).wrapping_mul(0x31))))
}

pub fn verify(pin: &[u8; 8]) -> Vec<u8> {
    command(hex!("00200000"), pin)
}

pub fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

pub fn personalise_master(challenge: [u8; 8], number: [u8; 8], authentication: [u8; 16]) -> Vec<u8> {
    personalise_with_pin(challenge, number, authentication, [PIN, [0xFF; 8]])
}

/// With a PIN and what fills it up.
pub fn personalise_with_pin(
    challenge: [u8; 8],
    number: [u8; 8],
    authentication: [u8; 16],
    filled: [[u8; 8]; 2],
) -> Vec<u8> {
    let keys = wrap(&MAKER_WRAP, &[authentication, K_W, K_M].concat());
    let pin = wrap(&MAKER_WRAP, &filled.concat());
    let exports = [CARD_EXPORTS.to_be_bytes(), SAM_EXPORTS.to_be_bytes()].concat();
    let data = [&number[..], &ENTERPRISE, &exports, &keys, &pin].concat();
    proved(&MAKER_MAC, [0; 8], challenge, hex!("84300000"), &data)
}

pub fn personalise_mother(challenge: [u8; 8], number: [u8; 8], authentication: [u8; 16]) -> Vec<u8> {
    let data = [&number[..], &ENTERPRISE, &wrap(&MAKER_WRAP, &authentication)].concat();
    proved(&MAKER_MAC, [0; 8], challenge, hex!("84300000"), &data)
}

pub fn load_key(challenge: [u8; 8], number: [u8; 8], code: u8, version: u8, key: Key) -> Vec<u8> {
    let data = [&[code, version, key.algorithm.id()][..], &wrap(&K_W, &key.value)].concat();
    proved(&K_M, number, challenge, hex!("84320000"), &data)
}

pub fn load_allowance(challenge: [u8; 8], number: [u8; 8], cards: u32, sams: u32) -> Vec<u8> {
    let data = [cards.to_be_bytes(), sams.to_be_bytes()].concat();
    proved(&K_M, number, challenge, hex!("84340000"), &data)
}

/// With the MAC over `number ‖ challenge ‖ CLA INS P1 P2 Lc ‖ data`.
pub fn proved(key: &[u8; 16], number: [u8; 8], challenge: [u8; 8], header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let lc = [data.len() as u8 + 8];
    let mac = cmac(key, &[&number[..], &challenge, &header, &lc, data].concat());
    command(header, &[data, &mac[..8]].concat())
}

/// RFC 3394 clause 2.2.1, index based.
pub fn wrap(kek: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let cipher = Aes128::new(kek.into());
    let n = plain.len() / 8;
    let (mut a, mut r) = ([0xA6; 8], plain.to_vec());
    for j in 0..6 {
        for i in 1..=n {
            let mut block: [u8; 16] = [&a[..], &r[8 * (i - 1)..8 * i]].concat().try_into().unwrap();
            cipher.encrypt_block((&mut block).into());
            let t = (n * j + i) as u64;
            a = (u64::from_be_bytes(block[..8].try_into().unwrap()) ^ t).to_be_bytes();
            r[8 * (i - 1)..8 * i].copy_from_slice(&block[8..]);
        }
    }
    [&a[..], &r].concat()
}

/// Clause 2.2.2.
pub fn unwrap(kek: &[u8; 16], wrapped: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes128::new(kek.into());
    let n = wrapped.len() / 8 - 1;
    let (mut a, mut r): ([u8; 8], _) = (wrapped[..8].try_into().unwrap(), wrapped[8..].to_vec());
    for j in (0..6).rev() {
        for i in (1..=n).rev() {
            let t = (n * j + i) as u64;
            let counted = (u64::from_be_bytes(a) ^ t).to_be_bytes();
            let mut block: [u8; 16] = [&counted[..], &r[8 * (i - 1)..8 * i]].concat().try_into().unwrap();
            cipher.decrypt_block((&mut block).into());
            a = block[..8].try_into().unwrap();
            r[8 * (i - 1)..8 * i].copy_from_slice(&block[8..]);
        }
    }
    (a == [0xA6; 8]).then_some(r)
}

/// RFC 3394 clause 4.1: the test's own arithmetic.
#[test]
fn the_ceremony_wraps_as_published() {
    let kek = hex!("000102030405060708090A0B0C0D0E0F");
    let key = hex!("00112233445566778899AABBCCDDEEFF");
    let wrapped = hex!("1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5");
    assert_eq!(wrap(&kek, &key), wrapped);
    assert_eq!(unwrap(&kek, &wrapped).unwrap(), key);
}
