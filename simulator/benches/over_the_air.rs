//! What a packet over the air costs the card, on one core and on a simulated chip: an ENVELOPE with three commands in the compact
//! format (19 bytes) under checksum and cipher, its counter kept, and a proof with checksum, enciphered, in the answer.
//!
//! `cargo bench -p onecard-simulator --bench over_the_air` measures it with AES-128 and with triple DES of two keys, beside the bare
//! calls of the ciphers in the same run: both keys set up once, and every block of command and proof.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aes::{Aes128, Aes128Enc};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use des::TdesEde2;
use onecard_applet::{Blank, Interface, KeySet, KeySetCipher, Response, RfidSim, SimData};
use onecard_host::{
    crypto::Key,
    globalplatform::{AesKey, DomainKey},
    over_the_air::{
        CommandPacket, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, SetVersion, Spi, Tar,
        message::{Deliver, PacketKind, Reference, ServiceCentreTime, divide},
    },
};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    sample::SIM,
};

const KIC: [u8; 16] = *b"ciphering key 01";
const KID: [u8; 16] = *b"checksum key 002";
const KIK: [u8; 16] = *b"key wrapping 003";
/// SELECT of EF IMSI, READ BINARY, SELECT of EF AD, in the USIM.
const COMMANDS: [u8; 19] =
    [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x6F, 0x07, 0x00, 0xB0, 0x00, 0x00, 0x09, 0x00, 0xA4, 0x00, 0x0C, 0x02, 0x6F, 0xAD];
/// `02 71 00`, RPL to TAR, and whole blocks: both ciphers' differ.
const REPORT_MIN: usize = 3 + 6 + 24 + 2;
/// Packets between two looks at the clock: each is made before.
const CHUNK: u64 = 200;
const CHUNKS: u64 = 1_500;

fn main() {
    println!("\n{:<14}{:>12}{:>14}{:>12}{:>8}", "", "time", "a second", "bare", "times");
    for (name, version, aes) in [("AES-128", 1, true), ("triple DES", 2, false)] {
        let mut card = sim();
        let keys = keys(version, aes);
        let (mut best, mut bare) = (Duration::MAX, Duration::MAX);
        for chunk in 0..CHUNKS {
            let envelopes: Vec<Vec<u8>> = (1..=CHUNK).map(|number| envelope(&keys, chunk * CHUNK + number)).collect();
            let mut answer = Response::new();
            let start = Instant::now();
            for envelope in &envelopes {
                card.process(Interface::Contact, black_box(envelope), &mut answer).unwrap();
            }
            best = best.min(start.elapsed() / CHUNK as u32);
            bare = bare.min(if aes { bare_aes() } else { bare_des() });
            assert!(answer.len() >= REPORT_MIN && answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
        }
        let times = best.as_secs_f64() / bare.as_secs_f64();
        println!("{name:<14}{best:>12?}{:>14.0}{bare:>12?}{times:>8.2}", 1.0 / best.as_secs_f64());
    }
}

fn sim() -> RfidSim<PoweredChip> {
    let set = |version, cipher| KeySet { version, cipher, enc: &KIC, mac: &KID, dek: &KIK };
    let data = SimData { key_sets: &[set(1, KeySetCipher::Aes), set(2, KeySetCipher::Des)], ..SIM };
    let chip = Chip::blank(Blank::RfidSim(&data), 1).unwrap();
    RfidSim::power_up(chip.power_on()).map_err(|dead| dead.cause).unwrap()
}

fn keys(version: u8, aes: bool) -> PacketKeys {
    let key = |value: [u8; 16]| match aes {
        true => DomainKey::Aes(AesKey::new(&value).unwrap()),
        false => DomainKey::TripleDes(Key::from_bytes(value)),
    };
    PacketKeys::new(&OtaKeySet::new(SetVersion::new(version).unwrap(), [KIC, KID, KIK].map(key)).unwrap())
}

fn envelope(keys: &PacketKeys, counter: u64) -> Vec<u8> {
    let terms = PacketTerms {
        spi: Spi::FULL,
        redundancy_check: RedundancyCheck::default(),
        tar: Tar::FILES_USIM,
        counter: PacketCounter::new(counter).unwrap(),
    };
    let packet = CommandPacket::build(keys, terms, &COMMANDS).unwrap();
    let part = divide(PacketKind::Command, &packet.bytes, Reference::Short(0)).unwrap().remove(0);
    let time = ServiceCentreTime([0x62, 0x11, 0x92, 0x71, 0x30, 0x45, 0x23]);
    let tpdu = Deliver::download("+8613800100500".parse().unwrap(), time, part).to_bytes();
    let body = [&[0x82, 0x02, 0x83, 0x81, 0x8B, tpdu.len() as u8][..], &tpdu].concat();
    [&[0x80, 0xC2, 0x00, 0x00, body.len() as u8 + 2, 0xD1, body.len() as u8][..], &body].concat()
}

/// Blocks behind TAR and under the checksum, of command and proof: 3 and 50 bytes, 2 and 33 bytes.
fn bare_aes() -> Duration {
    each(|| {
        let (cipher, mac) = (Aes128::new(&KIC.into()), Cmac::<Aes128Enc>::new(&KID.into()));
        let mut text = black_box([[0x5A_u8; 16]; 3]);
        let mut chained = [0; 16];
        for block in &mut text {
            let enciphered = *block;
            cipher.decrypt_block(block.into());
            block.iter_mut().zip(chained).for_each(|(to, from)| *to ^= from);
            chained = enciphered;
        }
        let mut of_command = mac.clone();
        of_command.update(&black_box([0x11; 50]));
        black_box(of_command.finalize().into_bytes());
        let mut of_proof = mac;
        of_proof.update(&black_box([0x22; 33]));
        black_box(of_proof.finalize().into_bytes());
        let mut chained = [0; 16];
        for block in text.iter_mut().take(2) {
            block.iter_mut().zip(chained).for_each(|(to, from)| *to ^= from);
            cipher.encrypt_block(block.into());
            chained = *block;
        }
        black_box(chained);
    })
}

/// 5 blocks deciphered, 6 under the checksum, 4 under that of the proof, 3 enciphered.
fn bare_des() -> Duration {
    each(|| {
        let (cipher, mac) = (TdesEde2::new(&KIC.into()), TdesEde2::new(&KID.into()));
        let mut text = black_box([[0x5A_u8; 8]; 5]);
        text.iter_mut().for_each(|block| cipher.decrypt_block(block.into()));
        let [mut block, ..] = black_box(text);
        (0..6 + 4).for_each(|_| mac.encrypt_block((&mut block).into()));
        (0..3).for_each(|_| cipher.encrypt_block((&mut block).into()));
        black_box(block);
    })
}

fn each(mut once: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..CHUNK).for_each(|_| once());
    start.elapsed() / CHUNK as u32
}
