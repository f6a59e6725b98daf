//! What a command packet costs beside its ciphers, on one core: 19 bytes of commands, checksum and enciphered, each card with its
//! own keys.
//!
//! `cargo bench -p onecard-host --bench ota_packets` measures a packet from the card's keys on, which have to be made ready for
//! it, beside its **bare cost**: the same keys made ready by the same crates, and the cipher and MAC calls of the packet, nothing
//! else. Both are timed one right after the other in each sample, so that a busy machine slows both; the ratio is the median over
//! the samples.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aes::Aes128;
use cipher::{BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use criterion::Criterion;
use des::TdesEde2;
use onecard_host::{
    crypto::Key,
    globalplatform::{AesKey, DomainKey},
    over_the_air::{
        CommandPacket, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, SetVersion, Spi, Tar,
    },
};

/// SELECT of an application and READ BINARY.
const DATA: [u8; 19] =
    [0x00, 0xA4, 0x04, 0x00, 0x09, 0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x01, 0x10, 0x00, 0x00, 0x00, 0xB0, 0x95, 0x00, 0x1E];
/// Cards between two looks at the clock.
const CARDS: usize = 1_000;
const SAMPLES: usize = 100;

/// KIc and KID of one card.
type Keys = [[u8; 16]; 2];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let cards: Vec<Keys> = (0..CARDS as u64).map(keys_of).collect();
    let des = sets(&cards, |key| DomainKey::TripleDes(Key::from_bytes(key)));
    let aes = sets(&cards, |key| DomainKey::Aes(AesKey::new(&key).unwrap()));
    assert_eq!((built(&aes[0], 1).bytes.len(), built(&des[0], 1).bytes.len()), (10 + 48, 10 + 40));
    criterion.bench_function("a packet by AES", |bencher| bencher.iter(|| built(black_box(&aes[7]), 1)));
    criterion.bench_function("its bare AES and CMAC calls", |bencher| bencher.iter(|| bare_aes(black_box(&cards[7]))));
    criterion.bench_function("a packet by triple DES", |bencher| bencher.iter(|| built(black_box(&des[7]), 1)));
    criterion.bench_function("its bare triple DES calls", |bencher| bencher.iter(|| bare_des(black_box(&cards[7]))));
    print_ratio("AES-CBC and CMAC", &aes, &cards, bare_aes);
    print_ratio("triple DES of two keys", &des, &cards, bare_des);
    criterion.final_summary();
}

/// Other keys for each card, from a number.
fn keys_of(number: u64) -> Keys {
    [1, 2].map(|which| {
        let half = |start: u64| (number + start).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        [half(which * 0x1000_0001), half(which * 0x2000_0003)].concat().try_into().unwrap()
    })
}

fn sets(cards: &[Keys], key: impl Fn([u8; 16]) -> DomainKey) -> Vec<OtaKeySet> {
    let set = |keys: &Keys| {
        let [kic, kid] = keys.map(&key);
        OtaKeySet::new(SetVersion::new(1).unwrap(), [kic, kid.clone(), kid]).unwrap()
    };
    cards.iter().map(set).collect()
}

fn built(keys: &OtaKeySet, counter: u64) -> CommandPacket {
    let counter = PacketCounter::new(counter).unwrap();
    let terms = PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: Tar::ENTERPRISE, counter };
    CommandPacket::build(&PacketKeys::new(keys), terms, black_box(&DATA)).unwrap()
}

/// The packet's calls: a MAC of 50 bytes, three blocks in a chain.
fn bare_aes(keys: &Keys) -> [u8; 16] {
    let [kic, kid] = keys.map(Into::into);
    let mut mac = Cmac::<Aes128>::new(&kid);
    Mac::update(&mut mac, black_box(&[0x5A; 50]));
    let mut block = mac.finalize().into_bytes();
    let cipher = Aes128::new(&kic);
    (0..3).for_each(|_| cipher.encrypt_block(&mut block));
    block.into()
}

/// A MAC of 42 bytes, six blocks; five blocks in a chain.
fn bare_des(keys: &Keys) -> [u8; 8] {
    let [kic, kid] = keys.map(|key| TdesEde2::new(&key.into()));
    let mut block = black_box([0x5A; 8]).into();
    (0..6).for_each(|_| kid.encrypt_block(&mut block));
    (0..5).for_each(|_| kic.encrypt_block(&mut block));
    block.into()
}

/// Both, by turns.
fn print_ratio<R>(name: &str, sets: &[OtaKeySet], cards: &[Keys], bare: impl Fn(&Keys) -> R) {
    let mut samples: Vec<(Duration, Duration)> = (0..SAMPLES)
        .map(|_| {
            let begun = Instant::now();
            for (keys, counter) in sets.iter().zip(1..) {
                black_box(built(black_box(keys), counter));
            }
            let ours = begun.elapsed();
            let begun = Instant::now();
            for keys in cards {
                black_box(bare(black_box(keys)));
            }
            (ours, begun.elapsed())
        })
        .collect();
    let ratio = |(ours, bare): &(Duration, Duration)| ours.as_secs_f64() / bare.as_secs_f64();
    samples.sort_by(|left, right| ratio(left).total_cmp(&ratio(right)));
    let middle = ratio(&samples[SAMPLES / 2]);
    samples.sort();
    let each = samples[SAMPLES / 2].0.as_secs_f64() / CARDS as f64;
    println!("a packet of {} bytes of commands by {name}, each card its own keys:", DATA.len());
    println!("  {:.0} ns, {:.0} a second, {:.2} times its bare calls", each * 1e9, 1.0 / each, middle);
}
