//! A key master card that its owner has left open, and its mother card.

use std::{
    collections::HashSet,
    sync::{LazyLock, OnceLock},
};

use onecard_host::{
    key_master::{
        CeremonyKeys, ClosedKeyMaster, KeyMasterOrder, LastTry, LoadAllowance, MasterPin, Status, TransportKeys, fill,
        key_master_status, personalise_key_master, personalise_mother,
    },
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
    sample::Sample,
};

/// Both cards, in readers that nobody pulls them out of.
pub struct OpenPair {
    master: Reader,
    mother: Reader,
}

const ALLOWANCE: LoadAllowance = LoadAllowance { card_exports: 1_000, sam_exports: 1_000 };

impl OpenPair {
    /// The same at every run.
    #[must_use]
    pub fn new() -> Self {
        static CHIPS: OnceLock<[Chip; 2]> = OnceLock::new();
        let [master, mother] = CHIPS.get_or_init(filled);
        let mut pair = Self { master: Reader::insert(master.snapshot()), mother: Reader::insert(mother.snapshot()) };
        pair.open();
        pair
    }

    /// The whole answer of one of them.
    pub fn send(&mut self, to_mother: bool, command: &[u8]) -> Vec<u8> {
        let card = if to_mother { &mut self.mother } else { &mut self.master };
        let answer = card.transmit(command).expect("nobody cuts the power");
        assert!(answer.len() >= 2, "no status word to {command:02X?}");
        answer
    }

    /// What the key master card says that it is.
    pub fn status(&mut self) -> Status {
        key_master_status(&mut self.master).expect("it always tells")
    }

    /// Both out and in again, and opened by whoever may.
    #[must_use]
    pub fn tapped(mut self) -> Self {
        self.master.tap();
        self.mother.tap();
        self.open();
        self
    }

    fn open(&mut self) {
        let sample = sample();
        let closed = ClosedKeyMaster::select(&mut self.master, sample.enterprise()).expect("it is the enterprise's");
        closed.open(&mut self.mother, &pin(), LastTry::Spend).expect("its own mother card and PIN");
    }
}

impl Default for OpenPair {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether eight bytes of a master key or transport key stand in an answer.
#[must_use]
pub fn holds_a_key(answer: &[u8]) -> bool {
    static PIECES: LazyLock<HashSet<[u8; 8]>> = LazyLock::new(|| {
        let keys = sample().keys().keys();
        let values =
            keys.names().filter_map(|(purpose, version)| keys.key(purpose, version).ok()).map(|key| *key.expose());
        values
            .flat_map(|value| value.windows(8).filter_map(|piece| piece.try_into().ok()).collect::<Vec<_>>())
            .collect()
    });
    answer.windows(8).any(|window| <[u8; 8]>::try_from(window).is_ok_and(|piece| PIECES.contains(&piece)))
}

fn sample() -> &'static Sample {
    static SAMPLE: LazyLock<Sample> = LazyLock::new(|| Sample::new("key master").expect("the sample is right"));
    &SAMPLE
}

fn pin() -> MasterPin {
    MasterPin::from_digits("20261129").expect("eight digits")
}

fn filled() -> [Chip; 2] {
    let keys = sample().keys();
    let transport = TransportKeys::of(keys, Sample::KEY_VERSION).expect("the sample has them");
    let number = "2026000000000001".parse().expect("16 digits");
    let mut pair = OpenPair {
        master: Reader::insert(Chip::blank(Blank::KeyMaster, 1).expect("a blank card")),
        mother: Reader::insert(Chip::blank(Blank::MotherAuthentication, 2).expect("a blank card")),
    };
    let order = KeyMasterOrder { number, enterprise: keys.enterprise(), allowance: ALLOWANCE, pin: pin() };
    personalise_key_master(&mut pair.master, &order, &transport).expect("it is blank");
    personalise_mother(&mut pair.mother, number, keys.enterprise(), &transport).expect("it is blank");
    let closed = ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).expect("it is the enterprise's");
    let mut open = closed.open(&mut pair.mother, &pin(), LastTry::Keep).expect("its own mother card and PIN");
    let mut source = CeremonyKeys::new(keys.clone(), Sample::KEY_VERSION).expect("the sample has them");
    fill(&mut open, &mut source).expect("there is room");
    drop(open);
    [pair.master.remove(), pair.mother.remove()]
}
