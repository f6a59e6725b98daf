//! Commands of whoever has a card in hand and no secret: bytes at random, right headers with anything behind them, and right commands
//! with a byte changed. Nothing panics, no key comes out, no counter rises.

use std::env;

use hex_literal::hex;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{
    ceremony::{
        CODES, K_A, NUMBER, OTHER_NUMBER, Pair, Report, command, load_key, master_key, personalise_master,
        personalise_mother, verify,
    },
    copies::{copy_allowance, copy_key},
    exports::Order,
    generated::holds_a_secret,
    reference::Algorithm,
    slot::{Master, Mother},
};

/// CLA and INS of what either card serves.
const SERVED: [[u8; 2]; 11] = [
    hex!("00A4"),
    hex!("0084"),
    hex!("0020"),
    hex!("0082"),
    hex!("0088"),
    hex!("80CA"),
    hex!("8036"),
    hex!("8038"),
    hex!("8430"),
    hex!("8432"),
    hex!("8434"),
];

fn drawn(random: &mut ChaCha8Rng) -> Vec<u8> {
    let bytes = |random: &mut ChaCha8Rng, longest: usize| {
        let mut bytes = vec![0; random.random_range(0..=longest)];
        random.fill_bytes(&mut bytes);
        bytes
    };
    match random.next_u32() % 10 {
        0..2 => bytes(random, 64),
        2..5 => {
            let [cla, ins] = *SERVED.choose(random).unwrap();
            let parameters = match random.next_u32() % 3 {
                0 => [0, 0],
                1 => [random.random_range(0..4), *[0x00, 0x01, 0xC0, 0xE0, 0xE1].choose(random).unwrap()],
                _ => [random.random(), random.random()],
            };
            command([cla, ins, parameters[0], parameters[1]], &bytes(random, 120))
        }
        _ => {
            let mut command = right(random);
            // One in two of them stays as it is.
            if random.random_bool(0.5) {
                let at = random.random_range(0..command.len());
                command[at] ^= 1 << (random.next_u32() % 8);
            }
            if random.random_bool(0.1) {
                command.truncate(random.random_range(0..command.len()));
            }
            command
        }
    }
}

/// What needs no secret, or has a wrong one.
fn right(random: &mut ChaCha8Rng) -> Vec<u8> {
    let code = *CODES.choose(random).unwrap();
    let challenge = random.random();
    match random.next_u32() % 12 {
        0..3 => Order::to_card(code).with(0x01, &[]),
        3 => copy_key(code, 0x01, OTHER_NUMBER, challenge),
        4 => copy_allowance(random.random_range(0..4), random.random_range(0..4), OTHER_NUMBER, challenge),
        5 => load_key(challenge, NUMBER, code, 0x02, master_key(Algorithm::Aes, code)),
        6 => personalise_master(challenge, NUMBER, K_A),
        7 => personalise_mother(challenge, NUMBER, K_A),
        8 => command(hex!("00880000"), &random.random::<[u8; 8]>()),
        9 => hex!("0084000008").to_vec(),
        10 => {
            [&hex!("80CA")[..], &[random.random_range(0..3), *[0xC0, 0xE0, 0xE1].choose(random).unwrap(), 0]].concat()
        }
        // Seldom, or every card is locked at once.
        _ if random.random_bool(0.3) => verify(b"314159\xFF\xFF"),
        _ => hex!("80CA00C000").to_vec(),
    }
}

/// What a stranger's commands may not turn back.
fn only_fell(before: Report, after: Report) -> bool {
    before.number == after.number
        && after.life_cycle >= before.life_cycle
        && after.pin_tries <= before.pin_tries
        && after.mother_tries <= before.mother_tries
        && after.cards <= before.cards
        && after.sams <= before.sams
}

fn keys(master: &mut Master) -> Vec<u8> {
    master.ok(&hex!("80CA00E000"))
}

/// `ONECARD_SEED` draws others.
#[test]
fn a_stranger_gets_no_key_and_turns_no_counter_back() {
    let seed = env::var("ONECARD_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut exported, mut closed, mut tries) = (0, 0, 0);
    for _ in 0..60 {
        let mut pair = Pair::with_keys(*[Algorithm::TripleDes, Algorithm::Aes].choose(&mut random).unwrap());
        let list = keys(&mut pair.master);
        for _ in 0..300 {
            let before = pair.report();
            let command = drawn(&mut random);
            let (data, status) = pair.master.send(&command);
            assert!(!holds_a_secret(&data), "{command:02X?}: {data:02X?}");
            let after = pair.report();
            assert!(only_fell(before, after), "{command:02X?}: {status:04X}\n{before:?}\n{after:?}");
            tries += before.pin_tries - after.pin_tries;
            // Once closed, it exports nothing; its owner opens it again.
            if pair.master.status(&hex!("80CA00E100")) == 0x6982 {
                closed += 1;
                if after.life_cycle == 0x01 && random.random_bool(0.3) {
                    pair.open();
                }
            }
        }
        assert_eq!(keys(&mut pair.master), list);
        let mut pair = pair.power_cycled();
        let report = pair.report();
        exported += 60 - (report.cards + report.sams);
        assert_eq!(report.life_cycle == 0x02, report.pin_tries == 0 || report.mother_tries == 0);
        if report.life_cycle == 0x01 {
            pair.open();
        }
    }
    println!("seed {seed}: {exported} taken off allowances, {closed} times closed, {tries} tries spent");
    assert!(exported > 100 && closed > 100 && tries > 20);
}

#[test]
fn a_blank_card_and_a_mother_card_stay_what_they_are() {
    let seed = env::var("ONECARD_SEED").map_or(8, |seed| seed.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut blank_master, mut blank_mother) = (Master::blank(), Mother::blank());
    let mut mother = Pair::new().mother;
    let status = |card: &mut Mother| card.ok(&hex!("80CA00C000"));
    let before = (Report::of(&mut blank_master), status(&mut blank_mother), status(&mut mother));
    let mut cryptograms = 0;
    for _ in 0..20_000 {
        let command = drawn(&mut random);
        for card in [&mut blank_mother, &mut mother] {
            let (data, status) = card.send(&command);
            assert!(!holds_a_secret(&data), "{command:02X?}: {data:02X?}");
            cryptograms += u32::from(status == 0x9000 && command[1] == 0x88);
        }
        let (data, _) = blank_master.send(&command);
        assert!(!holds_a_secret(&data), "{command:02X?}: {data:02X?}");
    }
    let (mut mother, mut blank_mother) = (mother.power_cycled(), blank_mother.power_cycled());
    let mut blank_master = blank_master.power_cycled();
    assert_eq!((Report::of(&mut blank_master), status(&mut blank_mother), status(&mut mother)), before);
    println!("seed {seed}: {cryptograms} cryptograms");
    assert!(cryptograms > 100);
}
