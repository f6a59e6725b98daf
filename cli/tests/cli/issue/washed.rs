//! Batches by a key master card in a process of its own: killed, and refused.
#![allow(clippy::string_slice)]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use onecard_host::{
    disk::SystemDisk,
    issuing::{Note, Reached, WashingJournal},
    key_store::KeyTarget,
    keys::RootKeys,
};
use onecard_simulator::{chip::Chip, image_file::Durability, reader::Reader};
use onecard_station::{
    batch::{Books, Craft, Job},
    craft::{CpuCardCraft, IssuingKeys, Orders},
    journal::{ChainFile, replayed},
    numbers::Serial,
    people::people,
    profile::Profile,
    store::RootStore,
    washing::{FirstNotes, Washings},
};
use onecard_wire::number::ApplicationSerial;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use serde_json::Value;

use super::killed::list;
use crate::run::{json, onecard, write_secret};

/// Kills in a run of the tests; `ONECARD_KILLS` for more, `ONECARD_SEED` for others.
const KILLS: u32 = 45;
const PEOPLE: usize = 30;
/// Bodies of a card of this profile: 17 keys and the PIN.
const A_CARD: u64 = 18;

const MASTER: &str =
    "--master sim:school.master --mother sim:school.mother --master-pin-file master.pin --sam sim:issuing.sam";
const BATCH: &str = "--json issue batch school.toml people.csv --reader sim:stack --sign-key station.key --new-ledger --new-washing-journal";

/// A school's station: key master card, issuing SAM and cards after the operator's wash.
struct Station(tempfile::TempDir);

impl Station {
    fn new(people: usize, card_exports: u64) -> Self {
        let station = Self(tempfile::tempdir().unwrap());
        let at = station.at();
        let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue/school.toml");
        fs::copy(profile, at.join("school.toml")).unwrap();
        fs::write(at.join("people.csv"), list(people)).unwrap();
        write_secret(&at.join("master.pin"), "20261129");
        write_secret(&at.join("wrong.pin"), "11292026");
        fs::create_dir(at.join("stack")).unwrap();
        let open = "--reader sim:school.master --mother sim:school.mother --pin-file master.pin --keys dev.keys";
        for line in [
            "keys new dev.keys",
            "issue new-key station.key",
            "master blanks --reader sim:school.master --mother sim:school.mother",
            &format!("master new {open} --number 2026000000000001 --card-exports {card_exports}"),
            &format!("master load {open}"),
            "sam new --reader sim:issuing.sam --keys dev.keys --role issuing",
        ] {
            json(at, line, 0);
        }
        station
    }

    fn at(&self) -> &Path {
        self.0.path()
    }

    /// The operator's wash of these numbers.
    fn cards(&self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            let file = format!("sim:stack/{number:04}");
            let begins = if self.at().join("washing.journal").exists() { "" } else { "--new-journal" };
            json(self.at(), &format!("wash first card --reader {file} --keys dev.keys --number {number} {begins}"), 0);
        }
    }

    fn exports_left(&self) -> u64 {
        json(self.at(), "master list --reader sim:school.master", 0)["card_exports"].as_u64().unwrap()
    }

    fn tries(&self) -> Value {
        json(self.at(), "master list --reader sim:school.master", 0)["pin_tries"].clone()
    }

    /// One run of the batch; what it printed last.
    fn run(&self, more: &str, code: i32) -> (Value, String) {
        let run = onecard(self.at(), &format!("{BATCH} {more}"));
        assert_eq!(run.code, code, "{more}\n{}{}", run.out, run.err);
        let report = run.out.find("{\n").and_then(|at| serde_json::from_str(&run.out[at..]).ok());
        let last = report.unwrap_or_default();
        (last, [run.out, run.err].concat())
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onecard"));
        command.args(format!("{BATCH} {MASTER}").split_whitespace()).current_dir(self.at());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn washings(&self) -> Washings {
        replayed("washing", &fs::read(self.at().join("washing.journal")).unwrap_or_default()).unwrap()
    }

    fn books(&self) -> Books {
        replayed("journal", &fs::read(self.at().join("people.csv.journal")).unwrap_or_default()).unwrap()
    }

    fn profile(&self) -> Profile {
        Profile::parse("school.toml", &fs::read_to_string(self.at().join("school.toml")).unwrap()).unwrap()
    }

    /// Whether a card has some of the enterprise's keys and not all.
    fn is_half_washed(&self) -> bool {
        let (profile, washings) = (self.profile(), self.washings());
        self.books().begun().any(|number| match profile.series.serial(number) {
            Some(Serial::Application { serial, .. }) => {
                matches!(washings.reached(KeyTarget::Application(serial)), Some(Reached::Keys(_)))
            }
            _ => false,
        })
    }

    /// That every row has a good card of its own, by the keys themselves.
    fn judge(&self) {
        let (profile, at) = (self.profile(), self.at());
        let content = fs::read(at.join("people.csv")).unwrap();
        let list = people("people.csv", &content).unwrap();
        let table: toml::Table = toml::from_str(&fs::read_to_string(at.join("dev.keys")).unwrap()).unwrap();
        let roots: RootKeys = table["roots"].clone().try_into().unwrap();
        let keys = IssuingKeys::new(Box::new(RootStore::new(roots, profile.enterprise)), &profile).unwrap();
        let orders = Orders::new(&profile, "people.csv", &list, None).unwrap();
        let craft = CpuCardCraft { keys: &keys, orders: &orders, series: &profile.series };
        let books = self.books();
        for (row, _) in &list.rows {
            let number = books.row(*row).unwrap();
            let serial = profile.series.serial(number).unwrap();
            let chip = Chip::open(&at.join(format!("stack/good/{serial}.card")), Durability::ProcessKill).unwrap();
            craft.check(&mut Reader::insert(chip), &Job { row: *row, number, serial }).unwrap();
        }
    }
}

#[test]
fn a_batch_by_a_key_master_card_killed_anywhere_loses_no_card_and_spends_no_export_twice() {
    const EXPORTS: u64 = 100_000;
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let kills = number("ONECARD_KILLS", u64::from(KILLS));
    let mut random = ChaCha8Rng::seed_from_u64(number("ONECARD_SEED", 20_261_129));
    let (mut killed, mut half_washed, mut batches, mut beyond) = (0, 0, 0, 0);
    while killed < kills || half_washed == 0 {
        assert!(killed < 20 * kills, "no kill finds a card half-washed");
        let station = Station::new(PEOPLE, EXPORTS);
        station.cards(1..=PEOPLE);
        let before = killed;
        loop {
            let mut child = station.start();
            let deadline = Instant::now() + Duration::from_millis(random.random_range(20..1_000));
            while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_micros(200));
            }
            if let Some(ended) = child.try_wait().unwrap() {
                assert!(ended.success(), "{:?}", station.run(MASTER, 0));
                break;
            }
            if killed >= kills && half_washed > 0 {
                assert!(child.wait().unwrap().success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            half_washed += u64::from(station.is_half_washed());
        }
        station.judge();
        // The report of the closed batch again, and nothing is asked for.
        let spent = EXPORTS - station.exports_left();
        let (report, _) = station.run(MASTER, 0);
        let (kills, needed) = (killed - before, A_CARD * PEOPLE as u64);
        assert_eq!((&report["stock"]["good"], &report["stock"]["bad"]), (&PEOPLE.into(), &0.into()), "{report}");
        assert_eq!(EXPORTS - station.exports_left(), spent);
        assert!((needed..=needed + kills).contains(&spent), "{spent} of {needed}, {kills} kills");
        let asked = report["exports"]["asked"].as_u64().unwrap();
        assert!((spent..=spent + kills).contains(&asked), "{asked} asked, {spent} spent, {kills} kills");
        assert_eq!(report["exports"]["left"], EXPORTS - spent);
        json(station.at(), "journal verify people.csv.journal --report people.csv.report --key station.key.pub", 0);
        json(station.at(), "journal verify washing.journal", 0);
        (batches, beyond) = (batches + 1, beyond + spent - needed);
    }
    println!(
        "{killed} kills in {batches} batches of {PEOPLE}; {half_washed} left a card half-washed; {beyond} exports beyond"
    );
}

#[test]
fn what_opens_no_key_master_card_touches_no_card_and_spends_no_last_try() {
    let station = Station::new(2, 100);
    let at = station.at();
    station.cards(1..=2);
    json(at, "master blanks --reader sim:other.master --mother sim:other.mother", 0);
    let other = "--reader sim:other.master --mother sim:other.mother --pin-file master.pin";
    json(at, &format!("master new {other} --number 2026000000000002 --keys dev.keys"), 0);
    let refused = |more: &str, code: i32, says: &str| {
        let (_, told) = station.run(more, code);
        assert!(told.contains(says), "{more}\n{told}");
        for file in ["people.csv.journal", "school.numbers", "people.csv.report"] {
            assert!(!at.join(file).exists(), "{more} left {file}");
        }
    };
    refused(&MASTER.replace("school.mother", "other.mother"), 4, "opens key master card 2026000000000002");
    assert_eq!(station.tries(), 3);
    let wrong = MASTER.replace("master.pin", "wrong.pin");
    refused(&wrong, 4, "2 more failures");
    refused(&wrong, 4, "1 more failure");
    refused(&wrong, 4, "--last-try");
    assert_eq!(station.tries(), 1);
    // Without the last try not by the right PIN either; the keeper of the card decides.
    refused(MASTER, 4, "--last-try");
    refused(&format!("{wrong} --last-try"), 4, "locked for good");
    refused(MASTER, 4, "locked for good");
    assert_eq!(station.exports_left(), 100);
}

#[test]
fn what_cannot_be_washed_is_told_before_the_first_card() {
    let station = Station::new(2, 2 * A_CARD - 1);
    let at = station.at();
    station.cards(1..=2);
    write_secret(&at.join("long.pin"), "1234567");
    json(at, "sam new --reader sim:till.sam --keys dev.keys --role till", 0);
    let refused = |line: &str, says: &str| {
        let run = onecard(at, line);
        assert!(run.code != 0 && run.err.contains(says), "{line}\n{} {}{}", run.code, run.out, run.err);
        assert!(!at.join("people.csv.journal").exists(), "{line}");
    };
    let check = format!("issue check school.toml people.csv {MASTER}");
    refused(&check, "may export 35 bodies for cards, and what is left of the list takes 36, 18 a card");
    refused(&format!("{BATCH} {MASTER}"), "takes 36");
    let more = "--reader sim:school.master --mother sim:school.mother --pin-file master.pin --keys dev.keys";
    json(at, &format!("master allowance {more} --card-exports 1"), 0);
    refused(&format!("{BATCH} {MASTER} --reader sim:stack"), "--master serves one --reader");
    refused(&format!("{BATCH} {}", MASTER.replace("issuing.sam", "till.sam")), "the issuing SAM does not make");
    refused(&format!("{check} --explain"), "--explain makes a card");
    let profile = fs::read_to_string(at.join("school.toml")).unwrap();
    fs::write(at.join("by-file.toml"), profile.replace("\"id-number\"", "\"file\"")).unwrap();
    let by_file = check.replace("school.toml", "by-file.toml");
    refused(&format!("{by_file} --pin-file long.pin"), "has more than 6 digits, and a key store writes 4 to 6");
    // A station's journal that is missing, or that a new batch was told to begin and that is there.
    let journal = at.join("washing.journal");
    fs::rename(&journal, at.join("aside")).unwrap();
    let goes_on = format!("{BATCH} {MASTER}").replace("--new-washing-journal", "");
    refused(&goes_on, "there is no washing journal washing.journal");
    refused(&goes_on, "--new-washing-journal begins one");
    assert!(!journal.exists());
    let mut file = ChainFile::<Washings>::open_on(&SystemDisk, &journal).unwrap();
    let others = KeyTarget::Application(ApplicationSerial::from_parts(31, 1, 99).unwrap());
    FirstNotes::of(&mut file, others).note(Note::Guess).unwrap();
    drop(file);
    refused(&format!("{BATCH} {MASTER}"), "leave --new-washing-journal out");
    fs::rename(at.join("aside"), &journal).unwrap();
    // Nothing of it was counted.
    assert_eq!(station.exports_left(), 2 * A_CARD);
    assert_eq!(json(at, &check, 0)["exports"]["wanted"], 2 * A_CARD);
    let (report, _) = station.run(MASTER, 0);
    assert_eq!((&report["exports"]["asked"], &report["exports"]["beyond"]), (&(2 * A_CARD).into(), &0.into()));
    assert_eq!(station.exports_left(), 0);
    station.judge();
    let csv = fs::read_to_string(at.join("people.csv.report.csv")).unwrap();
    assert!(csv.contains(",exports\r\n") && csv.contains(",18\r\n"), "{csv}");
}

#[test]
fn sims_are_washed_as_cards_are() {
    let station = Station::new(2, 100);
    let at = station.at();
    let profile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue/sims.toml")).unwrap();
    fs::write(at.join("school.toml"), profile).unwrap();
    for number in 1..=2 {
        json(at, &format!("sim new stack/{number}"), 0);
        let install = format!("gp install --reader sim:stack/{number} --test-keys --keys dev.keys --number {number}");
        json(at, &install, 0);
    }
    let (report, _) = station.run(MASTER, 0);
    assert_eq!((&report["stock"]["good"], &report["exports"]["asked"]), (&2.into(), &(2 * A_CARD).into()));
    station.judge();
}
