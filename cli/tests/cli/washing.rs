//! Washing by the command line: by a key master card, on a CPU card, a SIM and a SAM; killed anywhere and begun again.

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
    keys::{EnterpriseKeys, RootKeys},
};
use onecard_station::{
    journal::ChainFile,
    washing::{Notes, OrderHash, Washings},
};
use onecard_wire::number::ApplicationSerial;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    ceremony::found,
    run::{json, onecard, write_secret},
    terminal::Terminal,
};

const MASTER: &str = "--master sim:school.master --mother sim:school.mother --master-pin-file master.pin";
const OPEN: &str = "--reader sim:school.master --mother sim:school.mother --pin-file master.pin";
const WANG: &str = "--name 王小明 --pin-file wang.pin";
const MASTER_PIN: &str = "20261129";
const HOLDER_PIN: &str = "582046";

/// A key master card with the keys of `dev.keys`, an issuing SAM and a SIM.
struct Office(tempfile::TempDir);

impl Office {
    fn new(card_exports: u32) -> Self {
        let office = Self(tempfile::tempdir().unwrap());
        let at = office.at();
        write_secret(&at.join("master.pin"), MASTER_PIN);
        write_secret(&at.join("wang.pin"), HOLDER_PIN);
        let new = format!("--number 2026000000000001 --card-exports {card_exports} --sam-exports 500 --keys dev.keys");
        for line in [
            "keys new dev.keys",
            "master blanks --reader sim:school.master --mother sim:school.mother",
            &format!("master new {OPEN} {new}"),
            &format!("master load {OPEN} --keys dev.keys"),
            "sam new --reader sim:station.sam --keys dev.keys --role issuing",
            "sim new wang.sim",
        ] {
            json(at, line, 0);
        }
        office
    }

    fn at(&self) -> &Path {
        self.0.path()
    }

    /// The first wash of a card.
    fn first_card(&self, file: &str, number: u32) {
        self.first(&format!("card --reader sim:{file} --keys dev.keys --number {number}"));
    }

    /// A first wash; the station's first begins its journal.
    fn first(&self, which: &str) {
        let begins = if self.at().join("washing.journal").exists() { "" } else { "--new-journal" };
        json(self.at(), &format!("wash first {which} {begins}"), 0);
    }

    fn first_sam(&self, file: &str, serial: u32) {
        let numbers = format!("--serial {serial:020} --terminal {serial:012}");
        self.first(&format!("sam --reader sim:{file} --keys dev.keys {numbers}"));
    }

    fn install(&self, file: &str, number: u32) {
        let line = format!("gp install --reader sim:{file} --test-keys --keys dev.keys --number {number}");
        json(self.at(), &line, 0);
    }

    fn exports_left(&self) -> (u64, u64) {
        let told = json(self.at(), "master list --reader sim:school.master", 0);
        (told["card_exports"].as_u64().unwrap(), told["sam_exports"].as_u64().unwrap())
    }
}

fn second_card(file: &str, number: u32) -> String {
    format!("wash second card --reader sim:{file} {MASTER} --sam sim:station.sam --number {number} {WANG}")
}

fn second_sam(file: &str, role: &str) -> String {
    format!("wash second sam --reader sim:{file} {MASTER} --sam keys:dev.keys --role {role}")
}

/// A recharge and a sale by `sam`.
fn pays(at: &Path, card: &str, sam: &str) {
    let line = format!("--reader sim:{card} --at 2026-11-02T12:00");
    json(at, &format!("card recharge 50 --sam keys:dev.keys --pin-file wang.pin {line}"), 0);
    let sale = json(at, &format!("card pay 12.50 --sam sim:{sam} {line}"), 0);
    assert_eq!(sale["outcome"], "committed", "{sale}");
}

#[test]
fn a_card_a_sim_and_a_sam_are_washed_by_a_key_master_card_and_pay() {
    let office = Office::new(200);
    let at = office.at();
    office.first_card("wang.card", 7);
    office.install("wang.sim", 8);
    office.first_sam("till.sam", 1234);
    let (cards, sams) = office.exports_left();
    for (file, number) in [("wang.card", 7), ("wang.sim", 8)] {
        let washed = json(at, &second_card(file, number), 0);
        assert_eq!(washed["was_good"], false, "{washed}");
    }
    // 17 keys and the PIN each.
    assert_eq!(office.exports_left(), (cards - 36, sams));
    let washed = json(at, &second_sam("till.sam", "till"), 0);
    assert_eq!((&washed["sam"]["terminal"], &washed["was_good"]), (&"000000001234".into(), &false.into()), "{washed}");
    // Its own two keys and three more.
    assert_eq!(office.exports_left(), (cards - 36, sams - 5));
    for card in ["wang.card", "wang.sim"] {
        pays(at, card, "till.sam");
    }
    // Again, nothing is written nor exported, and no try of the holder's PIN is spent, which is another by now.
    write_secret(&at.join("other.pin"), "111222");
    for _ in 0..4 {
        assert_eq!(json(at, &second_card("wang.card", 7).replace("wang.pin", "other.pin"), 0)["was_good"], true);
    }
    pays(at, "wang.card", "till.sam");
    for line in [second_card("wang.card", 7), second_sam("till.sam", "till")] {
        assert_eq!(json(at, &line, 0)["was_good"], true);
    }
    assert_eq!(office.exports_left(), (cards - 36, sams - 5));
    json(at, "journal verify washing.journal", 0);
}

#[test]
fn a_key_of_an_issued_card_is_rolled_by_a_key_master_card() {
    let office = Office::new(100);
    let at = office.at();
    office.first_card("wang.card", 7);
    json(at, &second_card("wang.card", 7), 0);
    // A second version of every root, in one file with the first.
    json(at, "keys new next.keys", 0);
    let [first, next] = ["dev.keys", "next.keys"].map(|file| fs::read_to_string(at.join(file)).unwrap());
    let next = &next[next.find("[[roots]]").unwrap()..];
    write_secret(&at.join("both.keys"), &[&first, "\n", &next.replace("version = 1", "version = 2")].concat());
    json(at, &format!("master load {OPEN} --keys both.keys"), 0);
    let (left, _) = office.exports_left();
    let roll = format!("wash roll --reader sim:wang.card {MASTER} --purpose");
    let rolled = |line: &str| json(at, &format!("{roll} {line}"), 0)["outcome"].clone();
    assert_eq!(rolled("purchase --key-version 2 --id 02"), "added");
    assert_eq!(rolled("purchase --key-version 2 --id 02"), "there");
    json(at, "sam new --reader sim:till.sam --keys dev.keys --role till", 0);
    pays(at, "wang.card", "till.sam");
    assert_eq!(rolled("purchase --key-version 2"), "replaced");
    assert_eq!(office.exports_left().0, left - 2);
    // Under the new control key the next goes, and under the old one none.
    assert_eq!(rolled("control --key-version 2"), "replaced");
    // As if the answer had been lost: the same command is refused, and tells by which it goes on.
    let lost = [
        ("control --key-version 2", "the same command with --control-version 2"),
        ("tac --key-version 2", "is not version 1"),
    ];
    for (line, says) in lost {
        let stale = onecard(at, &format!("{roll} {line}"));
        assert!(
            stale.code == 1 && stale.err.contains("9302") && stale.err.contains(says),
            "{} {}",
            stale.code,
            stale.err
        );
    }
    assert_eq!(rolled("control --key-version 2 --control-version 2"), "replaced");
    assert_eq!(rolled("tac --key-version 2 --control-version 2"), "replaced");
    for (line, says) in [
        (
            "purchase --key-version 3 --control-version 2",
            "does not hold the key, or the control key's; nothing was written",
        ),
        ("purchase --key-version 1 --id 00 --control-version 2", "cannot stand at id 00"),
        ("rights --key-version 2", "no key of a card is named"),
    ] {
        let run = onecard(at, &format!("{roll} {line}"));
        assert!(run.code != 0 && run.err.contains(says), "{line}\n{} {}", run.code, run.err);
    }
    // Terminals that have both versions are paid by the new key.
    json(at, "card pay 1 --reader sim:wang.card --sam keys:both.keys --at 2026-11-02T13:00", 0);
}

#[test]
fn a_sam_is_washed_first_without_an_issuing_sam_and_its_files_are_written_later() {
    let office = Office::new(0);
    let at = office.at();
    office.first_sam("till.sam", 1234);
    let without = second_sam("till.sam", "till").replace("--sam keys:dev.keys", "");
    assert!(json(at, &without, 0)["sam"].is_null());
    let (_, left) = office.exports_left();
    assert_eq!(json(at, &second_sam("till.sam", "till"), 0)["sam"]["load_limit_fen"], 1_000_000);
    assert_eq!(office.exports_left().1, left);
}

#[test]
fn what_is_not_the_card_is_left_alone() {
    let office = Office::new(100);
    let at = office.at();
    office.first_card("wang.card", 7);
    let refused = |line: &str, code: i32, says: &str| {
        let run = onecard(at, line);
        assert!(run.code == code && run.err.contains(says), "{line}\n{} {}", run.code, run.err);
    };
    // A blank card; another number's; no journal of it; a PIN that is another's.
    json(at, "issue blanks blanks 1", 0);
    refused(&second_card("blanks/0001", 9), 1, "onecard wash first card");
    office.first_card("other.card", 7);
    json(at, &second_card("wang.card", 7), 0);
    refused(&second_card("wang.card", 8), 4, "card 3100100000000076, and --number names 3100100000000084");
    let elsewhere = format!("{} --journal other.journal", second_card("wang.card", 7));
    refused(&elsewhere, 1, "there is no washing journal other.journal");
    refused(&format!("{elsewhere} --new-journal"), 4, "does not know of it");
    refused(&second_card("other.card", 7), 4, "a number is given once");
    for file in ["other.card", "blanks/0001", "new.card"] {
        let again = format!("wash first card --reader sim:{file} --keys dev.keys --number 7");
        refused(&again, 4, "a number is given once, name another");
    }
    office.first_card("blanks/0001", 10);
    refused("wash first card --reader sim:wang.card --keys dev.keys --number 7", 4, "issued already");
    refused("wash first card --reader sim:new.card --number 9", 1, "name the operator's keys");
    let sam = format!("sam --reader sim:new.sam --serial {:020} --terminal {:012}", 9, 9);
    for which in ["card --reader sim:new.card --number 9", &sam] {
        refused(&format!("wash first {which} {MASTER}"), 1, "a key master card makes no first wash");
    }
    assert!(!at.join("new.card").exists() && !at.join("new.sam").exists());
    office.first_sam("till.sam", 1234);
    refused(&second_card("till.sam", 9), 1, "is a SAM, not a member's card");
    refused(&second_sam("wang.card", "till"), 1, "is a member's card, not a SAM");
    let files = second_card("wang.card", 7).replace(MASTER, "");
    refused(&files, 1, "--master and --mother");
    // An allowance that is used up; with more, the same command goes on.
    office.first_card("last.card", 9);
    let (left, _) = office.exports_left();
    json(at, "master blanks --reader sim:spare.master --mother sim:spare.mother", 0);
    let spare = "--reader sim:spare.master --mother sim:spare.mother --pin-file master.pin";
    json(at, &format!("master new {spare} --keys dev.keys --number 2026000000000002"), 0);
    let to = "--to sim:spare.master --to-mother sim:spare.mother --to-pin-file master.pin";
    json(at, &format!("master copy {OPEN} {to} --card-exports {}", left - 3), 0);
    refused(&second_card("last.card", 9), 4, "load a new allowance");
    assert_eq!(office.exports_left().0, 0);
    json(at, &second_card("last.card", 9).replace("school", "spare"), 0);
    let spent = json(at, "master list --reader sim:spare.master", 0)["card_exports"].as_u64().unwrap();
    assert_eq!(left - 3 - spent, 15);
}

/// Specification 18.7.3.
#[test]
fn a_washing_journal_that_is_missing_is_not_begun_in_silence() {
    let office = Office::new(100);
    let (at, journal) = (office.at(), office.at().join("washing.journal"));
    let sam = format!("sam --reader sim:till.sam --keys dev.keys --serial {:020} --terminal {:012}", 1, 1);
    json(at, "issue blanks blanks 1", 0);
    for line in [
        "wash first card --reader sim:blanks/0001 --keys dev.keys --number 7",
        &format!("wash first {sam}"),
        &second_card("blanks/0001", 7),
        &second_sam("till.sam", "till"),
    ] {
        let run = onecard(at, line);
        let says = ["there is no washing journal washing.journal", "--new-journal", "--journal"];
        assert!(run.code == 1 && says.iter().all(|words| run.err.contains(words)), "{line}\n{} {}", run.code, run.err);
        // Nothing was made, and no card touched.
        assert!(!journal.exists() && !at.join("till.sam").exists(), "{line}");
    }
    office.first(&sam);
    assert_eq!(fs::read_to_string(&journal).unwrap(), "onecard-washing-journal;1\n");
    // A first line that was cut is none.
    fs::write(&journal, "onecard-wash").unwrap();
    let cut = onecard(at, &second_sam("till.sam", "till"));
    assert!(cut.code == 1 && cut.err.contains("there is no washing journal"), "{} {}", cut.code, cut.err);
    json(at, &format!("{} --new-journal", second_sam("till.sam", "till")), 0);
    // The same command again, and then another card's: by then the journal is one.
    json(at, &format!("{} --new-journal", second_sam("till.sam", "till")), 0);
    office.first_card("wang.card", 7);
    let run = onecard(at, &format!("{} --new-journal", second_card("wang.card", 7)));
    assert!(run.code == 1 && run.err.contains("leave --new-journal out"), "{} {}", run.code, run.err);
    json(at, &second_card("wang.card", 7), 0);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&journal).unwrap().permissions()) & 0o777, 0o600);
}

#[test]
fn a_number_whose_card_may_be_whole_is_not_given_again() {
    let office = Office::new(100);
    let at = office.at();
    office.first_card("other.card", 7);
    // Killed behind the last command to a card that somebody took away.
    let mut file = ChainFile::<Washings>::open_on(&SystemDisk, at.join("washing.journal")).unwrap();
    let target = KeyTarget::Application(ApplicationSerial::from_parts(31, 1, 7).unwrap());
    let mut notes = Notes::begin(&mut file, target, OrderHash::of(&[], ""), "noon".to_owned()).unwrap();
    notes.note(Note::Reached(Reached::ContentsSent)).unwrap();
    drop(file);
    let run = onecard(at, "wash first card --reader sim:new.card --keys dev.keys --number 7");
    assert!(run.code == 4 && run.err.contains("a number is given once"), "{} {}", run.code, run.err);
    let left = office.exports_left();
    let run = onecard(at, &second_card("other.card", 7));
    let says = ["may be whole", "under a number that was never given"];
    assert!(run.code == 4 && says.iter().all(|words| run.err.contains(words)), "{} {}", run.code, run.err);
    assert_eq!(office.exports_left(), left);
}

#[test]
fn the_last_try_of_a_pin_that_was_written_is_kept() {
    let office = Office::new(500);
    let at = office.at();
    office.first_card("wang.card", 7);
    json(at, &second_card("wang.card", 7), 0);
    // As if it had been cut before it was found good.
    let journal = at.join("washing.journal");
    fs::remove_file(&journal).unwrap();
    let mut file = ChainFile::<Washings>::open_on(&SystemDisk, &journal).unwrap();
    let target = KeyTarget::Application(ApplicationSerial::from_parts(31, 1, 7).unwrap());
    drop(Notes::begin(&mut file, target, OrderHash::of(&[], ""), "noon".to_owned()).unwrap());
    drop(file);
    write_secret(&at.join("other.pin"), "111222");
    let line = second_card("wang.card", 7);
    for (code, says) in [(1, "2 "), (1, "1 "), (4, "one try is left of the PIN"), (4, "one try is left of the PIN")] {
        let run = onecard(at, &line.replace("wang.pin", "other.pin"));
        assert!(run.code == code && run.err.contains(says), "{} {}", run.code, run.err);
    }
    // The desk gives the tries back, and the wash goes on with the PIN that was written.
    json(at, "card pin unblock --reader sim:wang.card --keys dev.keys --new-pin-file wang.pin", 0);
    assert_eq!(json(at, &line, 0)["was_good"], false);
}

#[test]
fn at_a_terminal_a_key_master_cards_pin_is_typed_unseen() {
    let office = Office::new(0);
    let at = office.at();
    json(at, "master blanks --reader sim:spare.master --mother sim:spare.mother", 0);
    let spare = "--reader sim:spare.master --mother sim:spare.mother";
    let mut new = Terminal::start(at, &format!("master new {spare} --keys dev.keys --number 2026000000000002"));
    for prompt in ["新密码: ", "再输一次: "] {
        new.until(prompt);
        new.type_unseen("31415926");
    }
    let shown = new.end(0);
    let mut log = Terminal::start(at, &format!("master log {spare}"));
    log.until("密钥母卡密码: ");
    log.type_unseen("31415926");
    let shown = [shown, log.end(0)].concat();
    assert!(shown.contains("2026000000000002: 0 entries") && !shown.contains("31415926"), "{shown}");
    let nobody = onecard(at, &format!("master log {spare}"));
    assert!(nobody.code == 1 && nobody.err.contains("give --pin-file FILE"), "{}", nobody.err);
}

#[test]
fn washing_leaves_no_key_and_no_pin_in_journal_or_output() {
    let office = Office::new(100);
    let at = office.at();
    office.first_card("wang.card", 7);
    let mut texts = Vec::new();
    for line in [second_card("wang.card", 7), second_card("wang.card", 7), format!("master log {OPEN}")] {
        let run = onecard(at, &line);
        assert_eq!(run.code, 0, "{line}\n{}{}", run.out, run.err);
        texts.push([run.out, run.err].concat().into_bytes());
    }
    texts.push(fs::read(at.join("washing.journal")).unwrap());
    let keys = development_keys(at);
    let card = keys.card(ApplicationSerial::from_parts(31, 1, 7).unwrap());
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for (purpose, version) in keys.keys().names() {
        secrets.push(keys.keys().key(purpose, version).unwrap().expose().to_vec());
        secrets.extend(card.keys().key(purpose, version).map(|key| key.expose().to_vec()));
    }
    assert!(secrets.len() > 40);
    secrets.push(MASTER_PIN.as_bytes().to_vec());
    for text in &texts {
        assert!(!secrets.iter().any(|secret| found(secret, text)), "{}", String::from_utf8_lossy(text));
        assert!(!String::from_utf8_lossy(text).contains(HOLDER_PIN));
    }
    assert!(found(&secrets[3], &[&texts[0][..], &secrets[3]].concat()));
}

fn development_keys(at: &Path) -> EnterpriseKeys {
    let text = fs::read_to_string(at.join("dev.keys")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let roots: RootKeys = table["roots"].clone().try_into().unwrap();
    roots.enterprise(table["enterprise"].as_str().unwrap().parse().unwrap())
}

/// Kills of each kind in a run of the tests; `ONECARD_KILLS` for more, `ONECARD_SEED` for others.
const KILLS: u32 = 15;

#[test]
fn a_wash_killed_anywhere_and_begun_again_ends_in_a_card_that_pays() {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let kills = u32::try_from(number("ONECARD_KILLS", u64::from(KILLS))).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(number("ONECARD_SEED", 20_261_129));
    let office = Office::new(100_000);
    let at = office.at();
    office.first_sam("till.sam", 1);
    json(at, &second_sam("till.sam", "till"), 0);
    let mut begun = [0; 3];
    for (kind, begun) in ["card", "sim", "sam"].into_iter().zip(&mut begun) {
        let (mut killed, mut whole) = (0, Duration::ZERO);
        for number in 10.. {
            if killed >= kills {
                break;
            }
            let file = format!("{number}.{kind}");
            let line = match kind {
                "card" => {
                    office.first_card(&file, number);
                    second_card(&file, number)
                }
                "sim" => {
                    json(at, &format!("sim new {file}"), 0);
                    office.install(&file, number);
                    second_card(&file, number)
                }
                _ => {
                    office.first_sam(&file, number);
                    second_sam(&file, "till")
                }
            };
            // Cards and SIMs of one number would be one card in the journal. The first of a kind begins it, as often as it is killed.
            let begins = if number == 10 { "--new-journal" } else { "" };
            let line = format!("{line} --journal {kind}.journal {begins}");
            while killed < kills && !whole.is_zero() {
                let mut child = start(at, &line);
                let deadline = Instant::now() + whole.mul_f64(random.random_range(0.0..1.0));
                while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                    thread::sleep(Duration::from_micros(200));
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                *begun += u32::from(half_washed(&at.join(format!("{kind}.journal"))));
            }
            let began = Instant::now();
            json(at, &line, 0);
            whole = whole.max(began.elapsed());
            match kind {
                "sam" => drop(json(at, &format!("sam show --reader sim:{file}"), 0)),
                _ => pays(at, &file, "till.sam"),
            }
        }
        json(at, &format!("journal verify {kind}.journal"), 0);
    }
    println!("{kills} kills of each kind; wash begun and not good at {begun:?}");
    assert!(begun.iter().all(|count| *count > 0), "{begun:?}");
}

/// Whether the journal's last line is of a wash that is not good.
fn half_washed(journal: &Path) -> bool {
    let text = fs::read_to_string(journal).unwrap_or_default();
    text.lines().last().is_some_and(|line| line.contains("\"what\"") && !line.contains("\"good\""))
}

fn start(at: &Path, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_onecard"))
        .args(line.split_whitespace())
        .current_dir(at)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
