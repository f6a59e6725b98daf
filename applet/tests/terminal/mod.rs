//! A SAM under test and what its terminal and a card make of an order, MACs and all.

use hex_literal::hex;
use onecard_applet::Kind;

use crate::{
    chip::{Reader, blank},
    reference::{Algorithm, Key},
};

pub const SELECT: &[u8] = &hex!("00A4000002DF01");
pub const CHALLENGE: [u8; 4] = hex!("A1B2C3D4");
pub const TERMINAL: [u8; 6] = hex!("001122334455");
pub const MOMENT: [u8; 7] = hex!("20261125120000");
pub const SERIAL: [u8; 8] = hex!("3201234567890120");
pub const OTHER_SERIAL: [u8; 8] = hex!("3201234567890138");
pub const RANDOM: [u8; 4] = hex!("01020304");
pub const UNDO: u8 = 0x0A;

pub fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

pub fn key(algorithm: Algorithm, number: u8) -> Key {
    algorithm.key(core::array::from_fn(|at| number.wrapping_mul(0x1D).wrapping_add((at as u8).wrapping_mul(0x31))))
}

pub struct Sam {
    pub reader: Reader,
    pub control: Key,
}

impl Sam {
    pub fn new(of_file: Algorithm) -> Self {
        let mut reader = Reader::insert(blank(Kind::Sam));
        reader.random(&hex!("53FD1F262EC4E6E2"));
        reader.ok(&hex!("0084000008"));
        reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
        reader.ok(&hex!("80E0001607 28 0006 F0 F0 FF FF"));
        reader.ok(&command(hex!("00D69600"), &TERMINAL));
        reader.ok(&hex!("80E0DF010D 38 0400 F0F0 97 FFFF 4142434445"));
        reader.ok(SELECT);
        reader.ok(&[&hex!("80E0000007 3F 0200 95 F0 FF")[..], &[of_file.file_byte()]].concat());
        let control = key(of_file, 0xC0);
        reader.write_key(0x39, 0, [0x0F, 0xFF], &control.value);
        reader.ok(&hex!("80E0001807 2E 1013 F0 EF FF FF"));
        reader.ok(SELECT);
        Self { reader, control }
    }

    pub fn write_key(&mut self, usage: u8, version: u8, key: Key) {
        self.reader.random(&CHALLENGE);
        self.reader.ok(&hex!("0084000004"));
        let body = [&[usage, version, key.algorithm.id()][..], &key.value].concat();
        let body = self.control.encipher_body(&body);
        self.reader.ok(&self.control.protect(&CHALLENGE, &hex!("84D40000"), &body));
    }

    /// A till: purchase, cancel and marking key.
    pub fn till(algorithm: Algorithm) -> Self {
        let mut sam = Self::new(Algorithm::TripleDes);
        sam.write_key(0x22, 0x01, key(algorithm, 0x02));
        sam.write_key(0x2A, 0x01, key(algorithm, 0x0A));
        sam.write_key(0x2E, 0x01, key(algorithm, 0x0E));
        sam
    }

    /// The sequence and MAC1 of the answer.
    pub fn initialize(&mut self, p1: u8, order: &Order) -> (u32, Vec<u8>) {
        let answer = self.reader.ok(&order.command(p1));
        (u32::from_be_bytes(answer[..4].try_into().unwrap()), answer[4..].to_vec())
    }

    /// A whole purchase or undo, MAC1 checked; the answer is its terminal sequence.
    pub fn complete(&mut self, p1: u8, order: &Order) -> u32 {
        let (sequence, mac1) = self.initialize(p1, order);
        assert_eq!(mac1, order.mac1(sequence));
        self.reader.ok(&command([0x80, 0x72, p1, 0x00], &order.mac2(sequence)));
        sequence
    }

    pub fn newest_record(&mut self) -> Vec<u8> {
        self.reader.ok(&hex!("00B201C413"))
    }
}

#[derive(Clone, Copy)]
pub struct Order {
    pub sequence: u16,
    pub amount: u32,
    pub transaction_type: u8,
    pub version: u8,
    pub serial: [u8; 8],
    /// At enterprise level.
    pub master: Key,
}

impl Order {
    pub fn purchase(algorithm: Algorithm, sequence: u16) -> Self {
        let master = key(algorithm, 0x02);
        Self { sequence, amount: 1234, transaction_type: 0x06, version: 0x01, serial: SERIAL, master }
    }

    /// The undo of it, as the card's next transaction.
    pub fn undo(self) -> Self {
        let master = key(self.master.algorithm, 0x0A);
        Self { sequence: self.sequence + 1, transaction_type: UNDO, master, ..self }
    }

    pub fn data(&self) -> Vec<u8> {
        [
            &RANDOM[..],
            &self.sequence.to_be_bytes(),
            &self.amount.to_be_bytes(),
            &[self.transaction_type],
            &MOMENT,
            &[self.version, self.master.algorithm.id()],
            &self.serial,
        ]
        .concat()
    }

    pub fn command(&self, p1: u8) -> Vec<u8> {
        command([0x80, 0x70, p1, 0x00], &self.data())
    }

    pub fn past(&self, terminal_sequence: u32) -> Vec<u8> {
        let data = [&terminal_sequence.to_be_bytes()[..], &self.data(), &self.mac2(terminal_sequence)].concat();
        command(hex!("80720300"), &data)
    }

    pub fn mac(&self, terminal_sequence: u32, message: &[u8]) -> Vec<u8> {
        let card_key = self.master.diversified(&self.serial);
        let tail = &terminal_sequence.to_be_bytes()[2..];
        let session = card_key.session(&[&RANDOM[..], &self.sequence.to_be_bytes(), tail].concat());
        self.master.algorithm.transaction_mac(&session, message)
    }

    pub fn mac1(&self, terminal_sequence: u32) -> Vec<u8> {
        let amount = self.amount.to_be_bytes();
        self.mac(terminal_sequence, &[&amount[..], &[self.transaction_type], &TERMINAL, &MOMENT].concat())
    }

    pub fn mac2(&self, terminal_sequence: u32) -> Vec<u8> {
        self.mac(terminal_sequence, &self.amount.to_be_bytes())
    }
}
