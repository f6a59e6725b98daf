//! `onecard` at real readers: card and SAM in two of them, a blank card made and wiped, and what it says of readers.

use std::{path::Path, time::Duration};

use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    sample::Sample,
};
use pcsc::State;
use serde_json::Value;

use crate::{
    program::{Simulation, json, onecard, run, station},
    stage::Stage,
};

/// The program may have to be built.
const LIMIT: Duration = Duration::from_secs(900);
const CARD: &str = "--reader pcsc:00@00";
const SAM: &str = "--sam pcsc:00@01";

/// A name may have spaces, the words of a line have none.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.replace('@', " ")).collect()
}

fn told(folder: &Path, line: &str, code: i32) -> Value {
    let mut command = onecard();
    command.arg("--json").args(words(line)).current_dir(folder);
    let output = command.output().unwrap();
    let text = if output.stdout.is_empty() { output.stderr.clone() } else { output.stdout.clone() };
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    // What is said before a card is written stands in front of an error.
    let from = text.find("{\n").unwrap_or(0);
    serde_json::from_str(&text[from..]).unwrap_or_else(|error| panic!("{line}: {error}\n{text}"))
}

/// The stage, a folder with card, SAM, keys and PIN, and both in the readers.
fn at_the_readers(options: &str) -> (Stage, tempfile::TempDir, Simulation) {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    write_pin(folder.path());
    let simulation = Simulation::begin(folder.path(), options, 2);
    for slot in 0..2 {
        stage.wait_until(slot, State::PRESENT);
    }
    (stage, folder, simulation)
}

/// Both cards leave, and pcscd has seen it.
fn left(stage: &Stage, simulation: Simulation) {
    simulation.end();
    (0..2).for_each(|slot| stage.wait_until(slot, State::EMPTY));
}

fn write_pin(folder: &Path) {
    let path = folder.join("holder.pin");
    std::fs::write(&path, Sample::PIN).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
}

#[test]
fn card_and_sam_in_two_readers_make_a_sale() {
    for protocol in ["t1", "t0"] {
        let options = format!("--card sim:wang.card --sam sim:till.sam --protocol {protocol}");
        let (_stage, folder, simulation) = at_the_readers(&options);
        let at = folder.path();
        told(at, &format!("card recharge 100 {CARD} --sam keys:dev.keys --pin-file holder.pin"), 0);
        // The till has its SAM for itself, so one reader with a card is left: it needs no name.
        let paid = told(at, &format!("card pay 12.50 {SAM}"), 0);
        assert_eq!(paid["outcome"], "committed", "{paid}");
        assert_eq!(
            paid["record"]["new_balance_fen"].as_u64().or(paid["record"]["transaction"]["new_balance"].as_u64()),
            Some(8_750),
            "{paid}"
        );
        // The journal is the reader's, in this folder.
        assert!(at.join("Virtual-PCD-00-00.journal").exists());
        let lost = told(at, &format!("card pay 1 {CARD} {SAM} --lose-answer"), 3);
        assert_eq!(lost["outcome"], "unknown");
        let resolved = told(at, &format!("card resolve {CARD} {SAM}"), 0);
        assert_eq!(resolved["resolved"][0]["outcome"], "committed", "{resolved}");
        assert_eq!(told(at, &format!("card show {CARD}"), 0)["balance_fen"], 8_650);
        assert_eq!(told(at, "sam show --reader pcsc:00@01", 0)["next_terminal_sequence"], 2);
        assert_eq!(told(at, &format!("card doctor {CARD} {SAM}"), 0)["healthy"], true);
        let torn = told(at, &format!("card pay 1 {CARD} {SAM} --tear 1"), 1);
        assert!(torn["error"].as_str().unwrap().contains("simulated card only"), "{torn}");
        simulation.end();
        // Mixed: the same card as a file, its journal told by name.
        let line = "card show --reader sim:wang.card";
        assert_eq!(json(at, line)["balance_fen"], 8_650);
    }
}

#[test]
fn a_reader_is_named_by_a_part_of_its_name_that_no_other_has() {
    let (stage, folder, simulation) = at_the_readers("--card sim:wang.card --sam sim:till.sam");
    let at = folder.path();
    let says = |line: &str, parts: &[&str]| {
        let error = told(at, line, 1)["error"].as_str().unwrap().to_owned();
        assert!(parts.iter().all(|part| error.contains(part)), "{line}: {error}");
    };
    says("card show", &["several readers", "pcsc:Virtual PCD 00 00", "pcsc:Virtual PCD 00 01"]);
    says("card show --reader pcsc:virtual", &["several readers"]);
    says("card show --reader pcsc:Omnikey", &["no reader has \"Omnikey\"", "Virtual PCD 00 00"]);
    left(&stage, simulation);
    says(&format!("card pay 1 {CARD} --sam keys:dev.keys"), &["no card in reader"]);
    says("card show", &["no card in any reader"]);
    assert!(!at.join("Virtual-PCD-00-00.journal").exists(), "a journal for no card");
}

#[test]
fn readers_are_listed_with_what_is_in_them() {
    let (stage, folder, simulation) = at_the_readers("--card sim:wang.card --sam sim:till.sam");
    let listed = told(folder.path(), "readers --look --wait 5", 0);
    let [card, sam] = &listed["readers"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!(
        (&card["name"], &card["slot"], &card["used_by"]),
        (&"Virtual PCD 00 00".into(), &"card".into(), &"nobody".into())
    );
    assert_eq!((&card["protocol"], &card["card"]["is"]), (&"T=1".into(), &"card".into()));
    assert!(card["atr"].as_str().unwrap().starts_with("3B"), "{card}");
    assert_eq!((&sam["card"]["is"], &sam["card"]["terminal"]), (&"sam".into(), &"000000000001".into()));
    let text = run(onecard().args(["readers", "--look"]), 0);
    assert!(text.contains("pcsc:Virtual PCD 00 00") && text.contains("会员卡") && text.contains("bit/s"), "{text}");
    left(&stage, simulation);
    let empty = told(folder.path(), "readers", 0);
    assert!(empty["readers"].as_array().unwrap().iter().all(|reader| reader["slot"] == "empty"), "{empty}");
    let waited = told(folder.path(), "readers --wait 1", 1);
    assert!(waited["error"].as_str().unwrap().contains("within 1 seconds"), "{waited}");
}

#[test]
fn a_blank_card_in_a_reader_is_made_and_wiped() {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let at = folder.path();
    write_pin(at);
    let mut blank = Chip::blank(Blank::CpuCard, 3).unwrap();
    blank.store(&at.join("blank.card"), Durability::ProcessKill).unwrap();
    drop(blank);
    let simulation = Simulation::begin(at, "--card sim:blank.card", 1);
    stage.wait_until(0, State::PRESENT);
    let new = "card new --keys dev.keys --number 21 --name 王小明 --pin-file holder.pin";
    // Nobody is there to be asked.
    let refused = told(at, new, 1);
    assert!(refused["error"].as_str().unwrap().contains("--yes"), "{refused}");
    assert_eq!(told(at, "readers --look", 0)["readers"][0]["card"]["is"], "other");
    let made = told(at, &format!("{new} --yes"), 0);
    assert_eq!(made["holder"]["name"], "王小明");
    let again = told(at, &format!("{new} --yes"), 1);
    assert!(again["error"].as_str().unwrap().contains("is issued already"), "{again}");
    told(at, "card recharge 5 --sam keys:dev.keys --pin-file holder.pin", 0);
    told(at, "card wipe --keys dev.keys --pin-file holder.pin --yes", 1);
    told(at, "card unload --all --sam keys:dev.keys", 0);
    told(at, "card wipe --keys dev.keys --pin-file holder.pin", 1);
    assert_eq!(told(at, "card wipe --keys dev.keys --pin-file holder.pin --yes", 0)["outcome"], "wiped");
    assert_eq!(told(at, "card wipe --keys dev.keys --pin-file holder.pin --yes", 0)["outcome"], "blank_already");
    told(at, &format!("{new} --yes"), 0);
    simulation.end();
    assert_eq!(json(at, "card show --reader sim:blank.card")["balance_fen"], 0);
}
