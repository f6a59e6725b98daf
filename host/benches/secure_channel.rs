//! What a secure channel costs beside its ciphers, on one core: SCP03 at level 33, AES-128, 16 bytes of data each way.
//!
//! `cargo bench -p onecard-host --bench secure_channel` measures wrap and unwrap of one exchange beside its **bare cost**: the
//! AES and CMAC calls it needs with prepared keys, nothing else, on the same crates. Both are timed one right after the other
//! in each sample, so that a busy machine slows both; the ratio is the median over the samples.
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
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use criterion::Criterion;
use onecard_host::{
    apdu::{Command, Response},
    globalplatform::{
        AesKey, ChannelKeys, KeyTriple,
        secure_channel::{HostChallenge, Level, Opening, Request, SecureChannel},
    },
};
use onecard_wire::status::StatusWord;

const KEY: [u8; 16] = [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];
const HOST: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const CARD: [u8; 8] = [8, 7, 6, 5, 4, 3, 2, 1];
const DATA: [u8; 16] = *b"sixteen bytes ok";
/// Exchanges of a session, between two looks at the clock.
const CHUNK: usize = 1_000;
const SAMPLES: usize = 200;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let command = Command::new(0x80, 0xE2, 0x00, 0x00).with_data(&DATA).expecting(0);
    let answers = CardSide::new().answers();
    criterion.bench_function("SCP03 level 33: wrap and unwrap, 16 bytes each way", |bencher| {
        bencher.iter_custom(|iterations| {
            let chunks = usize::try_from(iterations).unwrap().div_ceil(CHUNK);
            let total: Duration = (0..chunks).map(|_| exchanges(&command, &answers)).sum();
            total.mul_f64(iterations as f64 / (chunks * CHUNK) as f64)
        });
    });
    let mut bare = Bare::new();
    criterion.bench_function("its bare AES and CMAC calls", |bencher| bencher.iter(|| bare.exchange()));
    print_ratio(&command, &answers);
    criterion.final_summary();
}

/// Both, by turns.
fn print_ratio(command: &Command, answers: &[Response]) {
    let mut bare = Bare::new();
    let mut samples: Vec<(Duration, Duration)> = (0..SAMPLES)
        .map(|_| {
            let ours = exchanges(command, answers);
            let begun = Instant::now();
            for _ in 0..CHUNK {
                black_box(bare.exchange());
            }
            (ours, begun.elapsed())
        })
        .collect();
    let ratio = |(ours, bare): &(Duration, Duration)| ours.as_secs_f64() / bare.as_secs_f64();
    samples.sort_by(|left, right| ratio(left).total_cmp(&ratio(right)));
    let middle = ratio(&samples[SAMPLES / 2]);
    samples.sort();
    let (ours, _) = samples[SAMPLES / 2];
    let each = ours.as_secs_f64() / CHUNK as f64;
    println!("wrap and unwrap at level 33, 16 bytes each way:");
    println!("  {:.0} ns, {:.0} a second, {:.2} times its bare AES and CMAC calls", each * 1e9, 1.0 / each, middle);
}

/// A whole session, from the opened channel on.
fn exchanges(command: &Command, answers: &[Response]) -> Duration {
    let answers = answers.to_vec();
    let mut channel = opened();
    let begun = Instant::now();
    for answer in answers {
        black_box(channel.wrap(black_box(command)).unwrap());
        black_box(channel.unwrap(answer).unwrap());
    }
    begun.elapsed()
}

fn opened() -> SecureChannel {
    let key = AesKey::new(&KEY).unwrap();
    let triple = KeyTriple { enc: key.clone(), mac: key.clone(), dek: key };
    let keys = vec![ChannelKeys::scp03(0x30, triple).unwrap()];
    let challenge = HostChallenge::Eight(HOST);
    let request = Request { keys: &keys, level: Level::Full, challenge, domain: None, scp02_pseudo_random: false };
    let data = CardSide::new().initialize_update();
    let answer = Response { data, status: StatusWord::OK };
    Opening::new(&request).answered(answer).unwrap().answered(StatusWord::OK).unwrap()
}

/// As much of a card as makes answers.
struct CardSide {
    enc: Aes128,
    mac: Cmac<Aes128>,
    rmac: Cmac<Aes128>,
    chaining: [u8; 16],
}

impl CardSide {
    fn new() -> Self {
        let key = |constant| derive(&Cmac::new_from_slice(&KEY).unwrap(), constant, 0x80);
        Self {
            enc: Aes128::new(&key(0x04).into()),
            mac: Cmac::new_from_slice(&key(0x06)).unwrap(),
            rmac: Cmac::new_from_slice(&key(0x07)).unwrap(),
            chaining: [0; 16],
        }
    }

    fn initialize_update(&self) -> Vec<u8> {
        let cryptogram = derive(&self.mac, 0x00, 0x40);
        [&[0; 10][..], &[0x30, 0x03, 0x60], &CARD, &cryptogram[..8]].concat()
    }

    fn answers(mut self) -> Vec<Response> {
        let cryptogram = derive(&self.mac, 0x01, 0x40);
        self.chain(&[&[0x84, 0x82, 0x33, 0x00, 0x10], &cryptogram[..8]].concat());
        let answer = |counter| {
            let data = self.enciphered(0x00, counter);
            self.chain(&[&[0x84, 0xE2, 0x00, 0x00, 0x28], data.as_flattened()].concat());
            let data = self.enciphered(0x80, counter);
            let mac = tag(&self.rmac, &[&self.chaining, data.as_flattened(), &[0x90, 0x00]]);
            Response { data: [data.as_flattened(), &mac[..8]].concat(), status: StatusWord::OK }
        };
        (1..=CHUNK as u32).map(answer).collect()
    }

    fn chain(&mut self, message: &[u8]) {
        self.chaining = tag(&self.mac, &[&self.chaining, message]);
    }

    fn enciphered(&self, first: u8, counter: u32) -> [[u8; 16]; 2] {
        let mut initial = u128::from(counter).to_be_bytes();
        initial[0] = first;
        let mut padding = [0; 16];
        padding[0] = 0x80;
        let one = encipher(&self.enc, xor(DATA, encipher(&self.enc, initial)));
        [one, encipher(&self.enc, xor(padding, one))]
    }
}

/// The calls of one exchange: four MAC blocks and three of AES each way.
struct Bare {
    enc: Aes128,
    mac: Cmac<Aes128>,
    message: [u8; 53],
    answer: [u8; 50],
}

impl Bare {
    fn new() -> Self {
        Self {
            enc: Aes128::new(&KEY.into()),
            mac: Cmac::new_from_slice(&KEY).unwrap(),
            message: [0x5A; 53],
            answer: [0xA5; 50],
        }
    }

    fn exchange(&mut self) -> [u8; 16] {
        let mut block = black_box(DATA).into();
        (0..3).for_each(|_| self.enc.encrypt_block(&mut block));
        Mac::update(&mut self.mac, black_box(&self.message));
        black_box(self.mac.finalize_reset());
        Mac::update(&mut self.mac, black_box(&self.answer));
        black_box(self.mac.finalize_reset());
        self.enc.encrypt_block(&mut block);
        (0..2).for_each(|_| self.enc.decrypt_block(&mut block));
        block.into()
    }
}

fn derive(cmac: &Cmac<Aes128>, constant: u8, bits: u8) -> [u8; 16] {
    tag(cmac, &[&[0; 11], &[constant, 0x00, 0x00, bits, 0x01], &HOST, &CARD])
}

fn tag(cmac: &Cmac<Aes128>, parts: &[&[u8]]) -> [u8; 16] {
    let mut cmac = cmac.clone();
    parts.iter().for_each(|part| Mac::update(&mut cmac, part));
    cmac.finalize().into_bytes().into()
}

fn encipher(cipher: &Aes128, block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

fn xor(left: [u8; 16], right: [u8; 16]) -> [u8; 16] {
    core::array::from_fn(|at| left[at] ^ right[at])
}
