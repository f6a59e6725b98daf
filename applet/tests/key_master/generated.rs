//! Drawn sequences of every command, right and wrong, with power-offs: a model of a few numbers says what each answers, and
//! no answer ever has a piece of a secret in it.

use std::{
    collections::{BTreeMap, HashSet},
    env,
    sync::LazyLock,
};

use hex_literal::hex;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{
    ceremony::{
        CARD_EXPORTS, CODES, K_A, K_M, K_W, NUMBER, OTHER_NUMBER, PIN, Pair, SAM_EXPORTS, authenticate, command,
        load_key, master_key, verify,
    },
    copies::{copy_allowance, copy_key},
    exports::{CONTROL, MANAGEMENT, Order, REPLACE, SAM_FACTOR, SAM_MANAGEMENT, SAM_MASTER, SERIAL},
    reference::{Algorithm, Key},
    slot::Master,
};

/// What the card must know of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Model {
    pin: bool,
    mother: bool,
    pin_tries: u8,
    mother_tries: u8,
    cards: u32,
    sams: u32,
    logged: u32,
    keys: BTreeMap<(u8, u8), Algorithm>,
}

impl Model {
    fn new() -> Self {
        let (cards, sams) = (CARD_EXPORTS, SAM_EXPORTS);
        Self { pin: false, mother: false, pin_tries: 3, mother_tries: 3, cards, sams, logged: 0, keys: BTreeMap::new() }
    }

    fn locked(&self) -> bool {
        self.pin_tries == 0 || self.mother_tries == 0
    }

    fn open(&self) -> bool {
        self.pin && self.mother && !self.locked()
    }

    fn closed(&mut self) {
        (self.pin, self.mother) = (false, false);
    }

    fn tried(tries: &mut u8, shown: &mut bool, locked: bool, right: bool) -> u16 {
        *shown = false;
        if locked {
            return 0x6983;
        }
        *tries = if right { 3 } else { *tries - 1 };
        *shown = right;
        if right { 0x9000 } else { 0x63C0 | u16::from(*tries) }
    }

    /// 16.6.5, told once more.
    fn export(&mut self, order: &Order, version: u8) -> u16 {
        let to_card = order.p1 == 0x01;
        if !self.open() {
            return 0x6982;
        }
        let wraps = match (to_card, order.wrapping) {
            (true, CONTROL) | (false, SAM_MASTER) => true,
            (true, MANAGEMENT) => order.code == CONTROL,
            (false, SAM_MANAGEMENT) => order.code == SAM_MASTER,
            _ => false,
        };
        if !wraps || order.code & 0x80 != 0 {
            return 0x6A80;
        }
        let Some(cipher) = self.keys.get(&(order.code, version)).copied() else { return 0x6A88 };
        let goes = if to_card {
            order.code <= 0x11 && (order.code, order.manner) != (CONTROL, 0x00)
        } else {
            matches!(order.code, 0x02..=0x07 | 0x09 | 0x0A | 0x0F..=0x14) && order.manner == 0x00
        };
        if !goes {
            return 0x6A80;
        }
        let Some(wrapping) = self.keys.get(&(order.wrapping, 0x01)).copied() else { return 0x6A88 };
        let follows = if to_card { order.code <= 0x07 } else { order.code >= 0x13 };
        if follows && cipher != wrapping {
            return 0x6981;
        }
        let left = if to_card { &mut self.cards } else { &mut self.sams };
        if *left == 0 {
            return 0x9401;
        }
        *left -= 1;
        self.logged += 1;
        0x9000
    }

    fn load(&mut self, code: u8, version: u8, cipher: Algorithm) -> u16 {
        match self.keys.get(&(code, version)) {
            _ if !self.open() => 0x6982,
            Some(there) if *there == cipher => 0x9000,
            Some(_) => 0x6A89,
            None => {
                self.keys.insert((code, version), cipher);
                self.logged += 1;
                0x9000
            }
        }
    }

    fn copy(&mut self, code: u8, version: u8) -> u16 {
        match self.keys.contains_key(&(code, version)) {
            _ if !self.open() => 0x6982,
            false => 0x6A88,
            true => {
                self.logged += 1;
                0x9000
            }
        }
    }

    fn share(&mut self, cards: u32, sams: u32) -> u16 {
        if !self.open() {
            return 0x6982;
        }
        if (cards, sams) == (0, 0) {
            return 0x6A80;
        }
        if cards > self.cards || sams > self.sams {
            return 0x9401;
        }
        (self.cards, self.sams) = (self.cards - cards, self.sams - sams);
        self.logged += 1;
        0x9000
    }
}

/// The key of a code and version: each cipher has its own value.
fn key(code: u8, version: u8, cipher: Algorithm) -> Key {
    let mut key = master_key(cipher, code);
    key.value[0] ^= version << 2 | cipher.id() & 0x03;
    key
}

/// Half of a key, or more, in an answer gives it away.
pub fn holds_a_secret(answer: &[u8]) -> bool {
    static PIECES: LazyLock<HashSet<[u8; 8]>> = LazyLock::new(pieces);
    answer.windows(8).any(|window| PIECES.contains(window))
}

/// Eight bytes of every secret there is.
fn pieces() -> HashSet<[u8; 8]> {
    let mut secrets: Vec<Vec<u8>> = vec![K_A.to_vec(), K_W.to_vec(), K_M.to_vec(), PIN.to_vec()];
    for code in CODES {
        for version in [1, 2] {
            for cipher in [Algorithm::TripleDes, Algorithm::Aes] {
                let master = key(code, version, cipher);
                secrets.push(master.value.to_vec());
                secrets.extend([SERIAL, SAM_FACTOR].map(|factor| master.diversified(&factor).value.to_vec()));
            }
        }
    }
    secrets.iter().flat_map(|secret| secret.windows(8)).map(|piece| piece.try_into().unwrap()).collect()
}

fn pick<T: Copy>(random: &mut ChaCha8Rng, of: &[T]) -> T {
    *of.choose(random).unwrap()
}

/// One step on card and model; the words must agree.
fn step(random: &mut ChaCha8Rng, mut pair: Pair, model: &mut Model) -> Pair {
    let code = pick(random, &[CONTROL, SAM_MASTER, MANAGEMENT, SAM_MANAGEMENT, 0x03, 0x09, 0x0A, 0x08, 0x14]);
    let version = pick(random, &[1, 1, 1, 2]);
    let cipher = pick(random, &[Algorithm::TripleDes, Algorithm::TripleDes, Algorithm::TripleDes, Algorithm::Aes]);
    let expected;
    let (data, status) = match random.next_u32() % 100 {
        0..18 => {
            let right = random.random_bool(0.87);
            let locked = model.locked();
            expected = Model::tried(&mut model.pin_tries, &mut model.pin, locked, right);
            pair.master.send(&verify(if right { &PIN } else { b"999999\xFF\xFF" }))
        }
        18..36 => {
            let right = random.random_bool(0.87);
            let locked = model.locked();
            expected = Model::tried(&mut model.mother_tries, &mut model.mother, locked, right);
            let challenge = pair.master.challenge();
            let mut cryptogram = pair.mother.ok(&command(hex!("00880000"), &challenge));
            cryptogram[0] ^= u8::from(!right);
            pair.master.send(&command(hex!("00820000"), &cryptogram))
        }
        36..56 => {
            let challenge = pair.master.challenge();
            expected = model.load(code, version, cipher);
            pair.master.send(&load_key(challenge, NUMBER, code, version, key(code, version, cipher)))
        }
        56..88 => {
            let p1 = pick(random, &[1, 2]);
            let usual = if p1 == 1 { [CONTROL, MANAGEMENT] } else { [SAM_MASTER, SAM_MANAGEMENT] };
            let wrapping = if random.random_bool(0.9) { pick(random, &usual) } else { pick(random, &CODES) };
            let manner = pick(random, &[0x00, 0x00, REPLACE]);
            let factor = if p1 == 1 { SERIAL } else { SAM_FACTOR };
            let order = Order { p1, wrapping, manner, factor, ..Order::to_card(code) };
            expected = model.export(&order, version);
            pair.master.send(&order.with(version, &[]))
        }
        88..92 => {
            expected = model.copy(code, version);
            pair.master.send(&copy_key(code, version, OTHER_NUMBER, [3; 8]))
        }
        92..95 => {
            let (cards, sams) = (random.random_range(0..9), random.random_range(0..5));
            expected = model.share(cards, sams);
            pair.master.send(&copy_allowance(cards, sams, OTHER_NUMBER, [3; 8]))
        }
        95..97 => {
            pair = pair.power_cycled();
            model.closed();
            expected = 0x9000;
            pair.master.send(&hex!("80CA00C000"))
        }
        97 => {
            model.closed();
            expected = 0x6A82;
            pair.master.send(&hex!("00A40000023F00"))
        }
        _ => {
            expected = if model.open() { 0x9000 } else { 0x6982 };
            pair.master.send(&hex!("80CA00E100"))
        }
    };
    assert_eq!(status, expected, "{model:?}");
    assert!(!holds_a_secret(&data), "{data:02X?}");
    pair
}

fn agree(master: &mut Master, model: &Model) {
    let report = super::ceremony::Report::of(master);
    let life_cycle = if model.locked() { 2 } else { 1 };
    let told = (report.life_cycle, report.pin_tries, report.mother_tries, report.cards, report.sams);
    assert_eq!(told, (life_cycle, model.pin_tries, model.mother_tries, model.cards, model.sams));
    assert_eq!(master.ok(&hex!("80CA00E000")).len(), 6 * model.keys.len());
}

/// `ONECARD_SEED` draws others.
#[test]
fn commands_in_any_order() {
    let seed = env::var("ONECARD_SEED").map_or(6, |seed| seed.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut exports, mut locked, mut spent) = (0, 0, 0);
    for _ in 0..200 {
        let (mut pair, mut model) = (Pair::new(), Model::new());
        for _ in 0..250 {
            pair = step(&mut random, pair, &mut model);
            agree(&mut pair.master, &model);
        }
        exports += CARD_EXPORTS + SAM_EXPORTS - model.cards - model.sams;
        locked += u32::from(model.locked());
        spent += u32::from(model.cards == 0 || model.sams == 0);
        if !model.locked() {
            pair.open();
            let log = pair.master.ok(&hex!("80CA00E100"));
            let newest = log.first_chunk().map_or(0, |number| u32::from_be_bytes(*number));
            assert_eq!(newest, model.logged);
        }
    }
    println!("seed {seed}: {exports} taken off allowances, {locked} cards locked, {spent} spent");
    assert!(exports > 1000 && locked > 5 && spent > 10);
}

/// The judge of secrets sees one where there is one.
#[test]
fn a_planted_secret_is_found() {
    assert!(holds_a_secret(&[&[0; 5][..], &key(0x09, 2, Algorithm::Aes).diversified(&SERIAL).value[4..12]].concat()));
    assert!(authenticate(&mut Pair::new().master, &mut Pair::new().mother));
}
