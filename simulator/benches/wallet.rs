//! What the card costs beside its ciphers: GET BALANCE, the card's side of a purchase, a whole purchase with its SAM.
//!
//! Each is measured beside its bare cost in the same run: the key schedules and block operations the transaction needs,
//! nothing else. `cargo bench -p onecard-tests` prints the ratios at the end.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark")]

use std::hint::black_box;

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use criterion::Criterion;
use des::{Des, TdesEde2};
use onecard_applet::{Card, Response};
use onecard_simulator::chip::{Chip, Kind, PoweredChip};

const KEY: [u8; 16] = *b"\x3F\x3F\x3F\x3F\x3F\x3F\x3F\x3F\x11\x22\x33\x44\x55\x66\x77\x88";
const TAC_KEY: [u8; 16] = *b"\x34\x34\x34\x34\x34\x34\x34\x34\x11\x22\x33\x44\x55\x66\x77\x88";
const TERMINAL: [u8; 6] = [0x66; 6];
const MOMENT: [u8; 7] = [0x20, 0x26, 0x11, 0x22, 0x12, 0x00, 0x00];

type Tested = Card<PoweredChip>;

fn send(card: &mut Tested, command: &[u8]) -> Vec<u8> {
    let mut answer = Response::new();
    card.process(command, &mut answer).unwrap();
    assert_eq!(answer[answer.len() - 2..], [0x90, 0x00], "{command:02X?}");
    answer[..answer.len() - 2].to_vec()
}

fn create(card: &mut Tested, ins: u8, p1: u8, p2: u8, data: &[u8]) {
    let mut command = vec![0x80, ins, p1, p2, data.len() as u8];
    command.extend(data);
    send(card, &command);
}

fn write_key(card: &mut Tested, key_type: u8, id: u8, b4b5: [u8; 2], key: &[u8]) {
    let data = [&[key_type, 0xF0, 0xF0][..], &b4b5, key].concat();
    create(card, 0xD4, 0x01, id, &data);
}

/// An application of a purse, a log and fifteen keys, with money in it.
fn card() -> Tested {
    let mut card = Card::power_up(Chip::blank(Kind::CpuCard, 1).unwrap().power_on()).unwrap();
    let challenge = send(&mut card, &[0x00, 0x84, 0x00, 0x00, 0x08]);
    let mut block: [u8; 8] = challenge.try_into().unwrap();
    Des::new(&[0xFF; 8].into()).encrypt_block((&mut block).into());
    send(&mut card, &[&[0x00, 0x82, 0x00, 0x00, 0x08][..], &block].concat());
    create(&mut card, 0xE0, 0x3F, 0x01, b"\x38\x0A\x00\xF0\xF0\x95\xFF\xFFONECARD");
    send(&mut card, &[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x01]);
    create(&mut card, 0xE0, 0x00, 0x00, &[0x3F, 0x01, 0xB0, 0x95, 0xF0, 0xFF, 0xFF]);
    for (key_type, id) in
        [(0x39, 0), (0x39, 1), (0x36, 0), (0x36, 2), (0x36, 3), (0x37, 0), (0x38, 0), (0x30, 1), (0x30, 2)]
    {
        write_key(&mut card, key_type, id, [0x01, 0x33], &KEY);
    }
    for (key_type, id, key) in [(0x34, 0, TAC_KEY), (0x3E, 1, KEY), (0x3F, 1, KEY)] {
        write_key(&mut card, key_type, id, [0x00, 0x00], &key);
    }
    create(&mut card, 0xE0, 0x00, 0x02, &[0x2F, 0x02, 0x08, 0xF0, 0x00, 0xFF, 0x18]);
    create(&mut card, 0xE0, 0x00, 0x18, &[0x2E, 20, 23, 0xF1, 0xEF, 0xFF, 0xFF]);
    send(&mut card, &[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x01]);
    card
}

fn mac(key: &[u8; 8], message: &[u8]) -> [u8; 4] {
    let cipher = Des::new(key.into());
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(8), 0);
    let mut chain = [0; 8];
    for block in padded.chunks(8) {
        chain.iter_mut().zip(block).for_each(|(cell, byte)| *cell ^= byte);
        cipher.encrypt_block((&mut chain).into());
    }
    [chain[0], chain[1], chain[2], chain[3]]
}

/// What the terminal sends for a purchase of one fen when the card has answered.
fn debit(initialized: &[u8]) -> Vec<u8> {
    let mut session = [0; 8];
    session[..4].copy_from_slice(&initialized[11..15]);
    session[4..6].copy_from_slice(&initialized[4..6]);
    TdesEde2::new(&KEY.into()).encrypt_block((&mut session).into());
    let message = [&[0, 0, 0, 0, 0x06][..], &TERMINAL, &MOMENT].concat();
    [&[0x80, 0x54, 0x01, 0x00, 0x0F, 0, 0, 0, 0][..], &MOMENT, &mac(&session, &message), &[0x08]].concat()
}

/// A purchase's ciphers on the card: session key, MAC1, MAC2, TAC.
fn bare_purchase() {
    let mut block = black_box([0x55; 8]);
    TdesEde2::new(black_box(&KEY).into()).encrypt_block((&mut block).into());
    let session = Des::new(&block.into());
    for _mac1_then_mac2 in 0..4 {
        session.encrypt_block((&mut block).into());
    }
    let tac = Des::new(black_box(&[0x25; 8]).into());
    for _ in 0..3 {
        tac.encrypt_block((&mut block).into());
    }
    black_box(block);
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut card = card();
    let mut answer = Response::new();
    criterion.bench_function("GET BALANCE", |bencher| {
        bencher.iter(|| card.process(black_box(&[0x80, 0x5C, 0x00, 0x02, 0x04]), &mut answer).unwrap());
    });
    let initialize = [&[0x80, 0x50, 0x01, 0x02, 0x0B, 0x01, 0, 0, 0, 0][..], &TERMINAL, &[0x0F]].concat();
    criterion.bench_function("INITIALIZE FOR PURCHASE", |bencher| {
        bencher.iter(|| card.process(black_box(&initialize), &mut answer).unwrap());
    });
    criterion.bench_function("bare ciphers of a purchase", |bencher| bencher.iter(bare_purchase));
    criterion.bench_function("purchase, card's side", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = std::time::Duration::ZERO;
            let mut sequence = u16::MAX;
            for _ in 0..iterations {
                if sequence >= 60_000 {
                    card = self::card();
                    sequence = 0;
                }
                sequence += 1;
                let start = std::time::Instant::now();
                card.process(black_box(&initialize), &mut answer).unwrap();
                let first = start.elapsed();
                let command = debit(&answer);
                let start = std::time::Instant::now();
                card.process(black_box(&command), &mut answer).unwrap();
                total += first + start.elapsed();
                assert_eq!(answer.len(), 10, "{answer:02X?}");
            }
            total
        });
    });
    let _ = |block: &mut [u8; 8]| Des::new(&[0; 8].into()).decrypt_block(block.into());
}
