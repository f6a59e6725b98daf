//! A platform's half: packets made, proofs of receipt read, from the bare ciphers.

use std::sync::LazyLock;

use aes::{Aes128, Aes256};
use cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use cmac::{Cmac, Mac};
use des::{TdesEde2, TdesEde3};
use hex_literal::hex;
use onecard_applet::{KeySet, KeySetCipher};

use crate::{
    application::application,
    chip::Chip,
    image::onto,
    sim::{KEY_SETS, Sim, try_blank},
};

pub const DOMAIN: [u8; 3] = hex!("000000");
pub const FILES: [u8; 3] = hex!("B00000");
pub const FILES_2G: [u8; 3] = hex!("B00010");
pub const FILES_USIM: [u8; 3] = hex!("B00011");
pub const ENTERPRISE: [u8; 3] = hex!("4F4E45");
/// Checksum, enciphered, counter higher; proof always, with checksum, enciphered, in the report.
pub const SECURED: [u8; 2] = hex!("1619");

/// A key set over the air, and the last counter used with it.
#[derive(Clone)]
pub struct Platform {
    pub set: u8,
    pub algorithm: u8,
    pub kic: Vec<u8>,
    pub kid: Vec<u8>,
    pub kik: Vec<u8>,
    pub counter: u64,
}

/// A proof, read: its checksum was right, if the second byte of SPI asks for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    pub tar: [u8; 3],
    pub counter: u64,
    pub status: u8,
    pub data: Vec<u8>,
}

fn key(set: u8, id: u8, length: usize) -> Vec<u8> {
    (0..length as u8).map(|at| at.wrapping_mul(7) ^ set << 4 ^ id.wrapping_mul(0x35)).collect()
}

impl Platform {
    /// 1 AES-128, 2 triple DES of two keys, 3 of three, 4 AES-256.
    pub fn new(set: u8) -> Self {
        let (algorithm, length) = match set {
            1 => (0x02, 16),
            2 => (0x05, 16),
            3 => (0x09, 24),
            4 => (0x02, 32),
            _ => panic!(),
        };
        let [kic, kid, kik] = [1, 2, 3].map(|id| key(set, id, length));
        Self { set, algorithm, kic, kid, kik, counter: 0 }
    }

    pub fn all() -> [Self; 4] {
        [1, 2, 3, 4].map(Self::new)
    }

    pub fn named(&self) -> u8 {
        self.set << 4 | self.algorithm
    }

    /// The next packet.
    pub fn next(&mut self, spi: [u8; 2], tar: [u8; 3], data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        self.packet(spi, tar, data)
    }

    /// The packet under the counter as it is.
    pub fn packet(&self, spi: [u8; 2], tar: [u8; 3], data: &[u8]) -> Vec<u8> {
        self.made(spi, [self.named(); 2], tar, data, None)
    }

    pub fn next_named(&mut self, spi: [u8; 2], named: [u8; 2], tar: [u8; 3], data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        self.made(spi, named, tar, data, None)
    }

    /// With a PCNTR that lies.
    pub fn next_padded(&mut self, pcntr: u8, spi: [u8; 2], tar: [u8; 3], data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        self.made(spi, [self.named(); 2], tar, data, Some(pcntr))
    }

    fn made(&self, spi: [u8; 2], named: [u8; 2], tar: [u8; 3], data: &[u8], pcntr: Option<u8>) -> Vec<u8> {
        let check_len = self.check_len(spi[0] & 3, named[1]);
        let unpadded = 6 + check_len + data.len();
        let padding = if spi[0] & 4 == 0 { 0 } else { unpadded.next_multiple_of(self.block_len()) - unpadded };
        let chl = 13 + check_len;
        let head = [&((8 + unpadded + padding) as u16).to_be_bytes()[..], &[chl as u8], &spi, &named, &tar].concat();
        let counters = [&self.counter.to_be_bytes()[3..], &[pcntr.unwrap_or(padding as u8)]].concat();
        let data = [data, &vec![0; padding]].concat();
        let check = self.check(spi[0] & 3, named[1], &[&head[..], &counters, &data].concat());
        let mut behind = [counters, check, data].concat();
        if spi[0] & 4 != 0 {
            self.encipher(&mut behind);
        }
        [head, behind].concat()
    }

    /// Reads `02 71 00 …`; its security is what the second byte of SPI asked for.
    pub fn read(&self, second: u8, report: &[u8]) -> Proof {
        self.read_named(second, self.named(), report)
    }

    /// The same, by the KID of the packet.
    pub fn read_named(&self, second: u8, kid: u8, report: &[u8]) -> Proof {
        let packet = report.strip_prefix(&hex!("027100")).unwrap();
        assert_eq!(u16::from_be_bytes([packet[0], packet[1]]) as usize, packet.len() - 2);
        let mut behind = packet[6..].to_vec();
        if second & 0x10 != 0 {
            self.decipher(&mut behind);
        }
        let kind = second >> 2 & 3;
        let check_len = self.check_len(kind, kid);
        assert_eq!(packet[2] as usize, 10 + check_len);
        let (head, rest) = behind.split_at(7);
        let (check, data) = rest.split_at(check_len);
        let covered = [&hex!("027100")[..], &packet[..6], head, data].concat();
        assert_eq!(check, self.check(kind, kid, &covered), "checksum");
        let (data, padding) = data.split_at(data.len() - head[5] as usize);
        assert!(padding.iter().all(|byte| *byte == 0));
        let counter = head[..5].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        Proof { tar: packet[3..6].try_into().unwrap(), counter, status: head[6], data: data.to_vec() }
    }

    /// Sends data and reads the proof in the report.
    pub fn send(&mut self, sim: &mut Sim, tar: [u8; 3], data: &[u8]) -> Vec<u8> {
        let packet = self.next(SECURED, tar, data);
        let proof = self.read(SECURED[1], &deliver(sim, &packet));
        assert_eq!((proof.tar, proof.counter, proof.status), (tar, self.counter, 0x00));
        proof.data
    }

    /// The same in the expanded format: how many were executed, and each answer.
    pub fn script(&mut self, sim: &mut Sim, tar: [u8; 3], commands: &[&[u8]]) -> Vec<Vec<u8>> {
        answers(&self.send(sim, tar, &script(commands)))
    }

    /// Under KIK.
    pub fn sensitive(&self, key: &[u8]) -> Vec<u8> {
        let mut text = key.to_vec();
        match self.algorithm {
            0x02 => cbc(&self.kik, self.algorithm, &mut text),
            _ => text.chunks_mut(8).for_each(|block| cbc(&self.kik, self.algorithm, block)),
        }
        text
    }

    fn check_len(&self, kind: u8, kid: u8) -> usize {
        match (kind, kid & 0x0F) {
            (0, _) => 0,
            (1, 1) => 2,
            (1, _) => 4,
            _ => 8,
        }
    }

    fn check(&self, kind: u8, kid: u8, covered: &[u8]) -> Vec<u8> {
        match (kind, kid & 0x0F) {
            (0, _) => Vec::new(),
            (1, 1) => crc16(covered).to_be_bytes().to_vec(),
            (1, _) => crc32(covered).to_be_bytes().to_vec(),
            (_, 0x02) if self.kid.len() == 16 => cmac::<Aes128>(&self.kid, covered),
            (_, 0x02) => cmac::<Aes256>(&self.kid, covered),
            _ => {
                let mut filled = covered.to_vec();
                filled.resize(covered.len().next_multiple_of(8), 0);
                cbc(&self.kid, self.algorithm, &mut filled);
                filled[filled.len() - 8..].to_vec()
            }
        }
    }

    pub fn block_len(&self) -> usize {
        if self.algorithm == 0x02 { 16 } else { 8 }
    }

    fn encipher(&self, text: &mut [u8]) {
        cbc(&self.kic, self.algorithm, text);
    }

    fn decipher(&self, text: &mut [u8]) {
        match (self.algorithm, self.kic.len()) {
            (0x02, 16) => cbc_back::<Aes128>(&self.kic, text),
            (0x02, _) => cbc_back::<Aes256>(&self.kic, text),
            (0x05, _) => cbc_back::<TdesEde2>(&self.kic, text),
            _ => cbc_back::<TdesEde3>(&self.kic, text),
        }
    }
}

fn cmac<C>(key: &[u8], message: &[u8]) -> Vec<u8>
where
    Cmac<C>: Mac + KeyInit,
    C: cmac::block_api::CmacCipher,
{
    let mut mac = <Cmac<C> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes()[..8].to_vec()
}

/// From zeros, by the algorithm's cipher.
pub fn cbc(key: &[u8], algorithm: u8, text: &mut [u8]) {
    match (algorithm, key.len()) {
        (0x02, 16) => cbc_with::<Aes128>(key, text),
        (0x02, _) => cbc_with::<Aes256>(key, text),
        (0x05, _) => cbc_with::<TdesEde2>(key, text),
        _ => cbc_with::<TdesEde3>(key, text),
    }
}

fn cbc_with<C: KeyInit + BlockCipherEncrypt>(key: &[u8], text: &mut [u8]) {
    let cipher = C::new_from_slice(key).unwrap();
    let mut previous = Block::<C>::default();
    for chunk in text.chunks_mut(C::block_size()) {
        let mut block = Block::<C>::try_from(&*chunk).unwrap();
        block.iter_mut().zip(&previous).for_each(|(to, from)| *to ^= from);
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
        previous = block;
    }
}

fn cbc_back<C: KeyInit + BlockCipherDecrypt + BlockSizeUser>(key: &[u8], text: &mut [u8]) {
    let cipher = C::new_from_slice(key).unwrap();
    let mut previous = Block::<C>::default();
    for chunk in text.chunks_mut(C::block_size()) {
        let enciphered = Block::<C>::try_from(&*chunk).unwrap();
        let mut block = enciphered.clone();
        cipher.decrypt_block(&mut block);
        chunk.iter_mut().zip(&block).zip(&previous).for_each(|((to, plain), before)| *to = plain ^ before);
        previous = enciphered;
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    let step = |crc: u16, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8408 };
    !bytes.iter().fold(0xFFFF, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), step))
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

pub const ORIGINATOR: [u8; 6] = hex!("08 91 2143 6587");

/// SMS-DELIVER.
pub fn tpdu(user_data: &[u8]) -> Vec<u8> {
    [&hex!("44")[..], &ORIGINATOR, &hex!("7F F6 62112917304523"), &[user_data.len() as u8], user_data].concat()
}

/// ENVELOPE with an SMS-DELIVER.
pub fn envelope(tpdu: &[u8]) -> Vec<u8> {
    let length = |length: usize| if length < 0x80 { vec![length as u8] } else { vec![0x81, length as u8] };
    let body = [&hex!("82028381 8B")[..], &length(tpdu.len()), tpdu].concat();
    let data = [&[0xD1][..], &length(body.len()), &body].concat();
    [&hex!("80C20000")[..], &[data.len() as u8], &data].concat()
}

/// User data of the parts of a packet; one if it fits.
pub fn parts(packet: &[u8], reference: u8) -> Vec<Vec<u8>> {
    if packet.len() <= 137 {
        return vec![[&hex!("027000")[..], packet].concat()];
    }
    let count = (packet.len() + 2).div_ceil(134) as u8;
    let (first, rest) = packet.split_at(132);
    let mut parts = vec![[&[0x07, 0x00, 0x03, reference, count, 1, 0x70, 0x00], first].concat()];
    let further = rest.chunks(134).zip(2..);
    parts.extend(further.map(|(part, number)| [&[0x05, 0x00, 0x03, reference, count, number], part].concat()));
    parts
}

/// Delivers a packet, in parts if it is long; the answer to the last ENVELOPE, without status word.
pub fn deliver(sim: &mut Sim, packet: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    for part in parts(packet, 0x2A) {
        assert!(answer.is_empty());
        answer = sim.ok(&envelope(&tpdu(&part)));
    }
    answer
}

/// Commands in the expanded format, of definite length.
pub fn script(commands: &[&[u8]]) -> Vec<u8> {
    template(&commands.iter().map(|command| object(0x22, command)).collect::<Vec<_>>().concat())
}

pub fn template(body: &[u8]) -> Vec<u8> {
    object(0xAA, body)
}

pub fn object(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ 0..=0x7F => vec![short as u8],
        middle @ 0x80..=0xFF => vec![0x81, middle as u8],
        long => [&[0x82][..], &(long as u16).to_be_bytes()].concat(),
    };
    [&[tag][..], &length, value].concat()
}

/// Tags and values, lengths in the shortest form.
pub fn objects(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [tag, rest @ ..] = bytes {
        let (length, rest) = match rest {
            [0x82, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]) as usize, rest),
            [0x81, length, rest @ ..] => (*length as usize, rest),
            [length, rest @ ..] => (*length as usize, rest),
            [] => panic!("no length"),
        };
        assert_eq!(object(*tag, &rest[..length])[..bytes.len() - rest.len()], bytes[..bytes.len() - rest.len()]);
        found.push((*tag, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    found
}

/// Each answer of a script that was of the format; it says itself how many were executed.
pub fn answers(data: &[u8]) -> Vec<Vec<u8>> {
    let [(0xAB, body)] = &objects(data)[..] else { panic!("{data:02X?}") };
    let found = objects(body);
    let [(0x80, executed), rest @ ..] = &found[..] else { panic!("{data:02X?}") };
    assert_eq!(executed[..], [rest.len() as u8], "{data:02X?}");
    rest.iter()
        .map(|(tag, value)| {
            assert_eq!(*tag, 0x23);
            value.clone()
        })
        .collect()
}

/// A SIM with the four key sets and one application, which has every key and no money.
pub fn chip() -> Chip {
    static MADE: LazyLock<Chip> = LazyLock::new(|| onto(without_applications(), &application(0x02)));
    MADE.clone()
}

pub fn without_applications() -> Chip {
    let sets = Platform::all();
    let made = sets.each_ref().map(|set| KeySet {
        version: set.set,
        cipher: if set.algorithm == 0x02 { KeySetCipher::Aes } else { KeySetCipher::Des },
        enc: &set.kic,
        mac: &set.kid,
        dek: &set.kik,
    });
    try_blank(&[&KEY_SETS[..], &made].concat()).unwrap()
}

pub fn sim() -> Sim {
    Sim::insert(chip())
}
