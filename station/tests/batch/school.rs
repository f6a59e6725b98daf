//! A school that issues cards: profile, people, keys, and what a batch of it must have come to.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicBool},
};

use crate::stack::{Stack, insert};
use onecard_host::{disk::Disk, keys::RootKeys};
use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    sample::sim_of,
};
use onecard_station::{
    batch::{self, BatchError, BatchJournal, Craft, Event, Feeder, Job, Order, Outcome, Surroundings},
    craft::{AnyCraft, CpuCardCraft, IssuingKeys, Orders, SimCraft, domain_keys},
    list::List,
    numbers::Number,
    people::{IdNumber, Person, people},
    profile::{Kind, Profile},
    store::RootStore,
};
use onecard_wire::key::{Algorithm, KeyVersion};
use rand::{SeedableRng, rngs::ChaCha8Rng};

pub(crate) const PROFILE: &str = r#"format = "onecard-issuing-profile;1"
kind = "cpu-card"
enterprise = "1000000000000001"
[validity]
from = 2026-09-01
to = 2030-08-31
[holder]
pin = "id-number"
[limits]
balance_max = "1000.00"
[[access]]
slot = 0
zone = 7
[numbers]
ledger = "school.numbers"
province = 31
attribute = 1
first = 1
last = 99999999
printed = { year = 26, vendor = 1, version = 1, card_type = 1 }
"#;

/// The same school's, for SIMs of its operator.
pub(crate) fn profile_of_sims() -> String {
    PROFILE.replace("cpu-card", "rfid-sim")
}

/// Everything a batch is made of.
pub(crate) struct School {
    pub(crate) profile: Profile,
    pub(crate) list: List<Person>,
    pub(crate) keys: IssuingKeys,
    pub(crate) journal: PathBuf,
    pub(crate) ledger: PathBuf,
    pub(crate) new_ledger: bool,
    pub(crate) list_again: bool,
    pub(crate) failures_max: u32,
    /// Numbers whose card is lost.
    pub(crate) give_up: Vec<Number>,
    pub(crate) profile_hash: String,
    pub(crate) list_hash: String,
    /// Its name in the ledger.
    pub(crate) batch: String,
    rows: Vec<u64>,
}

impl School {
    /// With so many people.
    pub(crate) fn new(people_count: usize, folder: &Path) -> Self {
        Self::of(PROFILE, people_count, folder, Algorithm::Des)
    }

    pub(crate) fn of(profile: &str, people_count: usize, folder: &Path, algorithm: Algorithm) -> Self {
        let profile = Profile::parse("school.toml", profile).unwrap();
        let list = people("people.csv", csv(people_count).as_bytes()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(20_261_129);
        let roots = RootKeys::generate_with(KeyVersion(1), |_| algorithm, &mut random);
        let keys = IssuingKeys::new(Box::new(RootStore::new(roots, profile.enterprise)), &profile).unwrap();
        let rows = list.rows.iter().map(|(row, _)| *row).collect();
        let (journal, ledger) = (folder.join("people.journal"), folder.join(&profile.ledger));
        let (profile_hash, list_hash) = ("profile".to_owned(), "list".to_owned());
        let (new_ledger, list_again, failures_max) = (true, false, 5);
        Self {
            profile,
            list,
            keys,
            journal,
            ledger,
            new_ledger,
            list_again,
            failures_max,
            give_up: Vec::new(),
            profile_hash,
            list_hash,
            batch: "batch".to_owned(),
            rows,
        }
    }

    pub(crate) fn order(&self) -> Order<'_> {
        Order {
            enterprise: self.profile.enterprise,
            profile: self.profile_hash.clone(),
            list: self.list_hash.clone(),
            rows: &self.rows,
            series: &self.profile.series,
            ledger: &self.ledger,
            new_ledger: self.new_ledger,
            list_again: self.list_again,
            failures_max: self.failures_max,
            give_up: &self.give_up,
        }
    }

    pub(crate) fn orders(&self) -> Orders<'_> {
        Orders::new(&self.profile, "people.csv", &self.list, None).unwrap()
    }

    pub(crate) fn craft<'c>(&'c self, orders: &'c Orders<'c>) -> AnyCraft<'c, 'c> {
        let (keys, series) = (&self.keys, &self.profile.series);
        match &self.profile.kind {
            Kind::RfidSim(terms) => AnyCraft::RfidSim(SimCraft { keys, orders, terms, series }),
            _ => AnyCraft::CpuCard(CpuCardCraft { keys, orders, series }),
        }
    }

    /// Blank cards, or SIMs of the operator, of the profile's kind.
    pub(crate) fn blanks(&self, count: u64) -> Vec<Chip> {
        let Kind::RfidSim(terms) = &self.profile.kind else { return blanks(count).collect() };
        let sim = |number: u64| {
            let chip = number.to_be_bytes();
            let iccid = [[0x98, 0x68].as_slice(), &chip].concat().try_into().unwrap();
            sim_of(iccid, &domain_keys(&self.keys, terms, chip).unwrap(), number).unwrap()
        };
        (1..=count).map(sim).collect()
    }

    /// One run of the batch, from opening the journal to its end.
    pub(crate) fn run<D, F>(
        &self,
        disk: &D,
        feeders: &mut [F],
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<(BatchJournal<D::File>, Outcome), BatchError>
    where
        D: Disk + Sync,
        D::File: Send,
        F: Feeder,
    {
        self.run_until(disk, feeders, tell, &AtomicBool::new(false))
    }

    /// The same until `stop`.
    pub(crate) fn run_until<D, F>(
        &self,
        disk: &D,
        feeders: &mut [F],
        tell: &(dyn Fn(Event) + Sync),
        stop: &AtomicBool,
    ) -> Result<(BatchJournal<D::File>, Outcome), BatchError>
    where
        D: Disk + Sync,
        D::File: Send,
        F: Feeder,
    {
        let orders = self.orders();
        self.run_by(&self.craft(&orders), disk, feeders, tell, stop)
    }

    /// The same by another way of making cards.
    pub(crate) fn run_by<C, D, F>(
        &self,
        craft: &C,
        disk: &D,
        feeders: &mut [F],
        tell: &(dyn Fn(Event) + Sync),
        stop: &AtomicBool,
    ) -> Result<(BatchJournal<D::File>, Outcome), BatchError>
    where
        C: Craft,
        D: Disk + Sync,
        D::File: Send,
        F: Feeder,
    {
        let around = Surroundings { disk, clock: &|| "2026-11-29 10:00:00".to_owned(), tell, stop };
        let journal = batch::open_journal(disk, &self.journal, &self.order(), &self.batch, (around.clock)())?;
        batch::run(craft, &self.order(), journal, feeders, &around)
    }

    /// That every row has one good card, on which is what the row says, under its own keys.
    pub(crate) fn every_row_has_its_card<F: onecard_host::disk::DiskFile>(
        &self,
        journal: &BatchJournal<F>,
        stack: &Stack,
    ) {
        let orders = self.orders();
        let craft = self.craft(&orders);
        let piles = stack.piles();
        let mut serials = BTreeSet::new();
        for row in &self.rows {
            let number = journal.replayed().row(*row).unwrap();
            let serial = self.profile.series.serial(number).unwrap();
            assert!(serials.insert(serial.to_string()), "row {row}: {serial} twice");
            let chip = piles.good.get(&serial.to_string()).unwrap_or_else(|| panic!("row {row}: no card {serial}"));
            let mut reader = insert(chip.snapshot());
            craft.check(&mut reader, &Job { row: *row, number, serial }).unwrap();
        }
        assert_eq!((piles.good.len(), &piles.doubled), (self.rows.len(), &Vec::new()));
    }
}

/// A list of so many people.
pub(crate) fn csv(count: usize) -> String {
    let rows = (0..count).map(|at| format!("学生{at},{}\n", id_number(at)));
    format!("姓名,证件号码\n{}", rows.collect::<String>())
}

/// An id number of province 99, which there is none of.
pub(crate) fn id_number(at: usize) -> String {
    let first = format!("99{:04}199001{:02}{:03}", at / 1_000 % 10_000, at / 28_000 % 28 + 1, at % 1_000);
    let check = "0123456789X".chars().find(|check| IdNumber::parse(&format!("{first}{check}")).is_some());
    format!("{first}{}", check.unwrap())
}

/// Blank cards.
pub(crate) fn blanks(count: u64) -> impl Iterator<Item = Chip> {
    (0..count).map(|seed| Chip::blank(Blank::CpuCard, seed).unwrap())
}

/// A card whose memory holds no card: it answers nothing.
pub(crate) fn mute() -> Chip {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card");
    drop(Chip::blank(Blank::CpuCard, 0).map(|mut chip| chip.store(&path, Durability::ProcessKill).unwrap()));
    let mut image = std::fs::read(&path).unwrap();
    let header = image.len() - Chip::blank(Blank::CpuCard, 0).unwrap().image().len();
    image[header..].fill(0);
    std::fs::write(&path, image).unwrap();
    Chip::open(&path, Durability::ProcessKill).unwrap().snapshot()
}

/// Keeps what was told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Event>>);

impl Told {
    pub(crate) fn tell(&self) -> impl Fn(Event) + Sync + '_ {
        |event| self.0.lock().unwrap().push(event)
    }
}
