//! A batch in a process of its own, killed (kill -9) at random points, and begun again each time.
#![allow(clippy::panic)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use onecard_host::{disk::SystemDisk, keys::RootKeys};
use onecard_simulator::{chip::Chip, image_file::Durability, reader::Reader};
use onecard_station::{
    batch::{Books, Craft, Job},
    craft::{CpuCardCraft, IssuingKeys, Orders},
    journal::replayed,
    numbers::{Block, Claim, LedgerState, reserve},
    people::{IdNumber, people},
    profile::Profile,
    store::RootStore,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::run::onecard;

/// Kills in a run of the tests; `ONECARD_KILLS` for more, `ONECARD_SEED` for others.
const KILLS: u32 = 60;
const PEOPLE: usize = 10;
const READERS: usize = 2;
/// Blank cards for a batch: more than rows, for those that a kill spoils.
const BLANKS: usize = PEOPLE + 6;

#[test]
fn a_batch_killed_anywhere_and_begun_again_loses_and_doubles_nothing() {
    killed_and_begun_again("school.toml", "");
}

#[test]
fn a_batch_of_sims_killed_anywhere_loses_and_doubles_nothing() {
    killed_and_begun_again("sims.toml", "--sim --keys dev.keys");
}

/// Batches by that profile, with blank cards made by those options.
fn killed_and_begun_again(profile: &str, blanks: &str) {
    let number = |name: &str, otherwise| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let kills = u32::try_from(number("ONECARD_KILLS", u64::from(KILLS))).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(number("ONECARD_SEED", 20_261_129));
    let folder = tempfile::tempdir().unwrap();
    let mut counts = Counts::default();
    let whole = run_time(&Room::new(folder.path(), 1_000_000, profile, blanks));
    for batch in 0.. {
        // Where the kills fall is the machine's to say: they go on until some have hit what they are for.
        if counts.kills >= kills && counts.batches > 1 && counts.half_written > 0 {
            break;
        }
        assert!(counts.kills < 20 * kills, "{counts:?}: no kill finds a card half-written");
        let room = Room::new(folder.path(), batch, profile, blanks);
        // So that each batch is killed several times, at any point of it, and there are two at least.
        let until = counts.kills + kills.div_ceil(2);
        while counts.kills < until {
            let mut child = room.start();
            let deadline = Instant::now() + whole.mul_f64(random.random_range(0.0..0.5));
            while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_micros(200));
            }
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            counts.kills += 1;
            counts.half_written += room.half_written();
        }
        room.finish();
        counts.add(&room.judged());
    }
    println!("{profile}: {counts:?}");
}

/// What came out of all batches.
#[derive(Default, Debug)]
struct Counts {
    kills: u32,
    batches: u64,
    cards: u64,
    spoilt: u64,
    given_up: u64,
    /// Cards that were begun and not good when the station was killed.
    half_written: u64,
}

impl Counts {
    fn add(&mut self, books: &Books) {
        let stock = books.stock();
        self.batches += 1;
        self.cards += stock.good;
        self.spoilt += stock.bad;
        self.given_up += stock.given_up;
    }
}

/// A folder with everything a batch is made of.
struct Room(PathBuf);

impl Room {
    fn new(root: &Path, batch: u32, profile: &str, blanks: &str) -> Self {
        let path = root.join(format!("batch{batch}"));
        fs::create_dir(&path).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue").join(profile);
        // The ledger is one for all batches: no number comes twice in any of them.
        let profile = fs::read_to_string(source).unwrap().replace("sims.numbers", "school.numbers");
        let profile = profile.replace("school.numbers", "../school.numbers");
        begin_ledger(&root.join("school.numbers"), &Profile::parse("school.toml", &profile).unwrap());
        fs::write(path.join("school.toml"), profile).unwrap();
        fs::write(path.join("people.csv"), list(PEOPLE)).unwrap();
        for line in
            ["keys new dev.keys", "issue new-key station.key", &format!("issue blanks blanks {BLANKS} {blanks}")]
        {
            assert_eq!(onecard(&path, line).code, 0, "{line}");
        }
        Self(path)
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onecard"));
        command.args(LINE.split_whitespace()).current_dir(&self.0);
        for _ in 0..READERS {
            command.args(["--reader", "sim:blanks"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Cards that the journal says are begun.
    fn half_written(&self) -> u64 {
        let journal = fs::read(self.0.join("people.csv.journal")).unwrap_or_default();
        replayed::<Books>("journal", &journal).unwrap().begun().count() as u64
    }

    /// Begins again until it ends by itself.
    fn finish(&self) {
        let status = self.start().wait().unwrap();
        assert!(status.success(), "{}: {:?}", self.0.display(), self.retold());
    }

    /// What the next run says, for a failure of the test.
    fn retold(&self) -> String {
        let run = onecard(&self.0, &format!("{LINE} --reader sim:blanks"));
        format!("{}{}", run.out, run.err)
    }

    /// That nothing is lost, doubled or mixed.
    fn judged(&self) -> Books {
        let profile = Profile::parse("school.toml", &fs::read_to_string(self.0.join("school.toml")).unwrap()).unwrap();
        let content = fs::read(self.0.join("people.csv")).unwrap();
        let list = people("people.csv", &content).unwrap();
        let keys = IssuingKeys::new(Box::new(RootStore::new(self.roots(), profile.enterprise)), &profile).unwrap();
        let orders = Orders::new(&profile, "people.csv", &list, None).unwrap();
        let craft = CpuCardCraft { keys: &keys, orders: &orders, series: &profile.series };
        let journal = fs::read(self.0.join("people.csv.journal")).unwrap();
        let books: Books = replayed("journal", &journal).unwrap();
        let mut good = self.files("blanks/good");
        for (row, _) in &list.rows {
            let number = books.row(*row).unwrap();
            let serial = profile.series.serial(number).unwrap();
            let path = good.remove(&format!("{serial}.card")).unwrap_or_else(|| panic!("row {row}: {serial} is lost"));
            // SIMs too as terminals see them, by radio.
            let mut reader = Reader::insert(Chip::open(&path, Durability::ProcessKill).unwrap());
            craft.check(&mut reader, &Job { row: *row, number, serial }).unwrap();
        }
        assert!(good.is_empty(), "good cards that nobody has: {good:?}");
        let stock = books.stock();
        let (bad, left) = (self.files("blanks/bad").len() as u64, self.files("blanks").len() as u64);
        assert_eq!((stock.handed_out, stock.good, stock.bad), (BLANKS as u64, list.rows.len() as u64, bad));
        assert_eq!((stock.counted, stock.missing(), self.files("blanks/not-ours").len()), (Some(left), Some(0), 0));
        self.every_number_is_in_the_ledger(&books);
        books
    }

    fn every_number_is_in_the_ledger(&self, books: &Books) {
        let content = fs::read(self.0.join("../school.numbers")).unwrap();
        let ledger: LedgerState = replayed("ledger", &content).unwrap();
        let batch = &books.identity().unwrap().batch;
        let blocks = ledger.blocks_of(batch);
        for (number, _) in books.numbers() {
            let within = |block: &Block| (block.first.0..block.first.0 + block.count).contains(&number.0);
            assert!(blocks.iter().any(within), "number {} is not the batch's", number.0);
        }
    }

    fn roots(&self) -> RootKeys {
        let text = fs::read_to_string(self.0.join("dev.keys")).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        table["roots"].clone().try_into().unwrap()
    }

    fn files(&self, tray: &str) -> BTreeMap<String, PathBuf> {
        let Ok(entries) = fs::read_dir(self.0.join(tray)) else { return BTreeMap::new() };
        let files = entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
    }
}

const LINE: &str = "--json issue batch school.toml people.csv --keys dev.keys --sign-key station.key --list-again";

/// Begins the ledger of all batches, unless it is begun.
fn begin_ledger(path: &Path, profile: &Profile) {
    if !path.exists() {
        let claim = Claim { series: &profile.series, batch: "none", list: "", new_ledger: true, list_again: false };
        reserve(&SystemDisk, path, &claim, 0).unwrap();
    }
}

/// How long a batch takes that is not killed.
fn run_time(room: &Room) -> Duration {
    let began = Instant::now();
    room.finish();
    let time = began.elapsed();
    room.judged();
    time
}

pub(super) fn list(count: usize) -> String {
    let rows = (0..count).map(|at| {
        let first = format!("990101199001{:02}{at:03}", at % 28 + 1);
        let check = "0123456789X".chars().find(|check| IdNumber::parse(&format!("{first}{check}")).is_some());
        format!("学生{at},{first}{}\n", check.unwrap())
    });
    format!("姓名,证件号码\n{}", rows.collect::<String>())
}
