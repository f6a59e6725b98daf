//! What the card costs beside its ciphers, on one core and on a simulated chip, all writes journalled.
//!
//! `cargo bench -p onecard-simulator` measures GET BALANCE, power-up, the card's side of a purchase (INITIALIZE and DEBIT)
//! and a whole purchase (the SAM's two commands too, with two levels of diversification), and prints a table. A purchase
//! stands beside its **bare cost**: the key schedules and block operations it needs, nothing else, on the same `des`
//! crate. Both are timed one right after the other in each sample, so that a busy machine slows both; the ratio is the
//! median over the samples.
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

use cipher::{BlockCipherEncrypt, KeyInit};
use criterion::Criterion;
use des::{Des, TdesEde2};
use onecard_applet::{Card, Response};
use onecard_host::{
    apdu::Command,
    card::Pin,
    issuing::SamRole,
    keys::Purpose,
    line_protection::{challenge, enciphered},
    sam::{Levels, PsamCard},
    terminal::{InMemoryStore, OrderNumber, Outcome, RechargeOrder, recharge},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    reader::Reader,
    sample::Sample,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, TerminalNumber},
    sam::{Usage, UsageKind},
    wallet::Purse,
};

const TERMINAL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);
const MOMENT: [u8; 7] = [0x20, 0x26, 0x11, 0x22, 0x12, 0x00, 0x00];
/// Version under which the SAM holds the purchase key at the root, so that it diversifies twice.
const TWO_LEVELS: u8 = Sample::KEY_VERSION.0;
/// Purchases between two looks at the clock.
const CHUNK: usize = 1_000;

type Powered = Card<PoweredChip>;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let world = World::new();
    let mut table = Vec::new();
    balance(&mut criterion, &world, &mut table);
    power_up(&mut criterion, &world, &mut table);
    card_side(&mut criterion, &world, &mut table);
    whole_purchase(&mut criterion, &world, &mut table);
    println!("\n{:<34}{:>12}{:>14}{:>12}{:>8}", "", "time", "a second", "bare", "ratio");
    table.iter().for_each(|row| println!("{row}"));
    criterion.final_summary();
}

/// A personalised card with money and a till's SAM, as chips to start from again and again.
struct World {
    card: Chip,
    sam: Chip,
    serial: ApplicationSerial,
    enterprise: [u8; 8],
}

impl World {
    fn new() -> Self {
        let mut sample = Sample::new("benchmark").expect("a sample");
        let serial = ApplicationSerial::from_parts(31, 1, 42).expect("a serial");
        let card = sample.card(serial).expect("a card");
        let recharge_sam = sample.sam(TERMINAL, &[SamRole::Recharge]).expect("a SAM");
        let sam = two_level_sam(&mut sample);
        let card = loaded(&sample, card, recharge_sam);
        Self { card, sam, serial, enterprise: sample.enterprise().to_bytes() }
    }

    fn card(&self) -> Powered {
        let mut card = Card::power_up(self.card.snapshot().power_on()).expect("a card");
        select(&mut card, &aid::enterprise_application(self.enterprise_id()));
        card
    }

    fn sam(&self) -> Powered {
        let mut sam = Card::power_up(self.sam.snapshot().power_on()).expect("a SAM");
        select(&mut sam, &aid::sam_application(self.enterprise_id()));
        sam
    }

    fn enterprise_id(&self) -> onecard_wire::number::EnterpriseId {
        onecard_wire::number::EnterpriseId::from_bytes(self.enterprise).expect("an enterprise")
    }

    /// INIT_SAM_FOR_PURCHASE for what INITIALIZE answered: serial, then enterprise.
    fn init_sam(&self, initialized: &[u8]) -> [u8; 42] {
        let mut command = [0; 42];
        command[..5].copy_from_slice(&[0x80, 0x70, 0x00, 0x00, 0x24]);
        command[5..9].copy_from_slice(&initialized[11..15]);
        command[9..11].copy_from_slice(&initialized[4..6]);
        command[14] = 0x01;
        command[15] = 0x06;
        command[16..23].copy_from_slice(&MOMENT);
        command[23..25].copy_from_slice(&initialized[9..11]);
        command[25..33].copy_from_slice(&self.serial.to_bytes());
        command[33..41].copy_from_slice(&self.enterprise);
        command[41] = 0x08;
        command
    }
}

/// A till's SAM whose purchase key is the root's: `usage 2 levels` beside the one of one level.
fn two_level_sam(sample: &mut Sample) -> Chip {
    let chip = sample.sam(TERMINAL, &[SamRole::Door]).expect("a SAM");
    let root = sample.roots().keys().key(Purpose::Purchase, Sample::KEY_VERSION).expect("a root").clone();
    let control =
        sample.keys().sam(sam_factor()).keys().key(Purpose::SamMaster, Sample::KEY_VERSION).expect("a key").clone();
    let mut reader = Reader::insert(chip);
    let name = aid::sam_application(sample.enterprise());
    reader.transmit(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], &name].concat()).expect("an answer");
    let body = [&[Usage::new(2, UsageKind::PURCHASE).0, TWO_LEVELS, 0x00][..], root.expose()].concat();
    let command = Command::new(0x80, 0xD4, 0x00, 0x00).with_bytes(&body).expect("19 bytes");
    let challenge = challenge(&mut reader).expect("a challenge");
    let command = enciphered(&command, challenge, &control.into()).expect("a command");
    assert_eq!(reader.transmit(&command.to_bytes()).expect("an answer"), [0x90, 0x00]);
    reader.remove()
}

fn sam_factor() -> [u8; 8] {
    let [a, b, c, d, e, f] = TERMINAL.0;
    [0, 0, a, b, c, d, e, f]
}

fn loaded(sample: &Sample, card: Chip, sam: Chip) -> Chip {
    let mut card = Reader::insert(card);
    let slot = Reader::insert(sam);
    let mut sam = PsamCard::open(slot, sample.enterprise(), Levels::Serial, Sample::KEY_VERSION).expect("a SAM");
    let order = RechargeOrder {
        number: OrderNumber(1),
        enterprise: sample.enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(1_000_000),
        moment: Moment::from_bytes(MOMENT).expect("a moment"),
        pin: Some(Pin::from_digits(Sample::PIN).expect("a PIN")),
    };
    let tap = recharge(&mut card, &mut sam, &mut InMemoryStore::new(), &order).expect("a store");
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    card.remove()
}

fn select(card: &mut Powered, name: &[u8]) {
    let mut answer = Response::new();
    card.process(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], name].concat(), &mut answer).expect("power");
    assert!(answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
}

fn ok(card: &mut Powered, command: &[u8], answer: &mut Response) {
    card.process(black_box(command), answer).expect("power");
    assert!(answer.ends_with(&[0x90, 0x00]), "{command:02X?} → {answer:02X?}");
}

const GET_BALANCE: [u8; 5] = [0x80, 0x5C, 0x00, 0x02, 0x04];
const INITIALIZE: [u8; 17] =
    [0x80, 0x50, 0x01, 0x02, 0x0B, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x12, 0x34, 0x0F];

fn debit(init_sam_answer: &[u8]) -> [u8; 21] {
    let mut command = [0; 21];
    command[..5].copy_from_slice(&[0x80, 0x54, 0x01, 0x00, 0x0F]);
    command[5..9].copy_from_slice(&init_sam_answer[..4]);
    command[9..16].copy_from_slice(&MOMENT);
    command[16..20].copy_from_slice(&init_sam_answer[4..8]);
    command[20] = 0x08;
    command
}

fn balance(criterion: &mut Criterion, world: &World, table: &mut Vec<String>) {
    let (mut card, mut answer) = (world.card(), Response::new());
    let mut samples = Samples::default();
    criterion.bench_function("GET BALANCE", |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                card.process(black_box(&GET_BALANCE), &mut answer).expect("power");
            }
            samples.add(iterations, start.elapsed(), None)
        });
    });
    table.push(samples.row("GET BALANCE"));
}

fn power_up(criterion: &mut Criterion, world: &World, table: &mut Vec<String>) {
    let mut samples = Samples::default();
    let mut chip = Some(world.card.snapshot());
    criterion.bench_function("power-up", |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                let card = Card::power_up(chip.take().expect("a chip").power_on()).expect("a card");
                chip = Some(card.power_down().power_off());
            }
            samples.add(iterations, start.elapsed(), None)
        });
    });
    table.push(samples.row("power-up of a personalised card"));
}

fn card_side(criterion: &mut Criterion, world: &World, table: &mut Vec<String>) {
    let mut samples = Samples::default();
    let debits = recorded_debits(world);
    criterion.bench_function("purchase, card's side", |bencher| {
        bencher.iter_custom(|iterations| {
            let (mut total, mut bare, mut answer) = (Duration::ZERO, Duration::ZERO, Response::new());
            for chunk in chunks(iterations) {
                // The same chip at the same moment has the same random numbers, so the recorded MACs are right.
                let mut card = world.card();
                let start = Instant::now();
                for debit in &debits[..chunk] {
                    card.process(black_box(&INITIALIZE), &mut answer).expect("power");
                    card.process(black_box(debit), &mut answer).expect("power");
                }
                total += start.elapsed();
                assert!(answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
                let start = Instant::now();
                (0..chunk).for_each(|_| bare_card());
                bare += start.elapsed();
            }
            samples.add(iterations, total, Some(bare))
        });
    });
    table.push(samples.row("purchase, card's side"));
}

fn whole_purchase(criterion: &mut Criterion, world: &World, table: &mut Vec<String>) {
    let mut samples = Samples::default();
    criterion.bench_function("purchase with its SAM", |bencher| {
        bencher.iter_custom(|iterations| {
            let (mut total, mut bare) = (Duration::ZERO, Duration::ZERO);
            for chunk in chunks(iterations) {
                let (mut card, mut sam) = (world.card(), world.sam());
                let start = Instant::now();
                purchases(world, &mut card, &mut sam, chunk, |_| ());
                total += start.elapsed();
                let start = Instant::now();
                (0..chunk).for_each(|_| {
                    bare_card();
                    bare_sam();
                });
                bare += start.elapsed();
            }
            samples.add(iterations, total, Some(bare))
        });
    });
    table.push(samples.row("purchase with its SAM, two levels"));
}

fn purchases(world: &World, card: &mut Powered, sam: &mut Powered, count: usize, mut seen: impl FnMut([u8; 21])) {
    let (mut card_answer, mut sam_answer) = (Response::new(), Response::new());
    for _ in 0..count {
        ok(card, &INITIALIZE, &mut card_answer);
        ok(sam, &world.init_sam(&card_answer), &mut sam_answer);
        let debit = debit(&sam_answer);
        ok(card, &debit, &mut card_answer);
        seen(debit);
        let mut credit = [0x80, 0x72, 0x00, 0x00, 0x04, 0, 0, 0, 0];
        credit[5..].copy_from_slice(&card_answer[4..8]);
        ok(sam, &credit, &mut sam_answer);
    }
}

fn recorded_debits(world: &World) -> Vec<[u8; 21]> {
    let mut debits = Vec::with_capacity(CHUNK);
    purchases(world, &mut world.card(), &mut world.sam(), CHUNK, |debit| debits.push(debit));
    debits
}

fn chunks(iterations: u64) -> impl Iterator<Item = usize> {
    let (whole, rest) = (iterations as usize / CHUNK, iterations as usize % CHUNK);
    std::iter::repeat_n(CHUNK, whole).chain((rest > 0).then_some(rest))
}

/// Session key (triple DES, one block), MAC1 (three blocks), MAC2 (one), TAC (three).
fn bare_card() {
    let session = bare_session_key();
    black_box((bare_blocks(&session, 4), bare_blocks(&session, 3)));
}

/// Two diversifications (two blocks each), session key, MAC1, MAC2.
fn bare_sam() {
    for _ in 0..2 {
        let cipher = TdesEde2::new(black_box(&[0x5A; 16]).into());
        let mut halves = black_box([[0x11; 8], [0xEE; 8]]);
        halves.iter_mut().for_each(|half| cipher.encrypt_block(half.into()));
        black_box(halves);
    }
    let session = bare_session_key();
    black_box(bare_blocks(&session, 4));
}

fn bare_session_key() -> [u8; 8] {
    let mut session = black_box([0x33; 8]);
    TdesEde2::new(black_box(&[0x5A; 16]).into()).encrypt_block((&mut session).into());
    session
}

/// A key schedule and a chain of blocks, each of which waits for the one before it.
fn bare_blocks(key: &[u8; 8], count: usize) -> [u8; 8] {
    let cipher = Des::new(black_box(key).into());
    let mut chain = [0; 8];
    (0..count).for_each(|_| cipher.encrypt_block((&mut chain).into()));
    chain
}

/// Nanoseconds an iteration, and what the bare cost was right after.
#[derive(Default)]
struct Samples(Vec<(f64, Option<f64>)>);

impl Samples {
    fn add(&mut self, iterations: u64, total: Duration, bare: Option<Duration>) -> Duration {
        let nanoseconds = |duration: Duration| duration.as_nanos() as f64 / iterations as f64;
        self.0.push((nanoseconds(total), bare.map(nanoseconds)));
        total
    }

    fn row(&self, name: &str) -> String {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let time = median(self.0.iter().map(|sample| sample.0).collect());
        let bare: Vec<f64> = self.0.iter().filter_map(|sample| sample.1).collect();
        let ratios = self.0.iter().filter_map(|(time, bare)| Some(time / (*bare)?)).collect();
        let beside =
            if bare.is_empty() { String::new() } else { format!("{:>9.0} ns{:>8.2}", median(bare), median(ratios)) };
        format!("{name:<34}{time:>9.0} ns{:>14.0}{beside}", 1e9 / time)
    }
}
