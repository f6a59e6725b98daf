//! A batch from both readers, by hand: cards are put in when they are asked for, taken out when they are done, and one too early.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use onecard_host::card::select;
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
    sample::Sample,
    vpcd::{Moment, Protocol, SimulatedCard},
};
use onecard_wire::aid;
use serde_json::Value;

use crate::{
    program::{json, onecard, root, run, station},
    stage::{Inserted, Stage},
};

const LIMIT: Duration = Duration::from_secs(300);
const ROWS: usize = 5;
/// Behind the search for others' directories (11.1.3), in the middle of the enterprise's wash.
const PULLED_AT: u64 = 630;

/// Whoever sits at the readers.
struct Operator<'s> {
    stage: &'s Stage,
    /// Blank cards, the last is the next.
    stock: Vec<SimulatedCard>,
    slots: [Option<Inserted<SimulatedCard>>; 2],
    /// Taken out too early, of that reader.
    early: [Option<SimulatedCard>; 2],
    out: Vec<SimulatedCard>,
    /// At the so-manieth card from now, the operator's hand slips.
    slips_at: usize,
    slipped: usize,
}

impl Operator<'_> {
    /// What was asked: the card in that reader out, the next in.
    fn next_card(&mut self, slot: usize) {
        if let Some(done) = self.slots[slot].take() {
            self.out.push(done.pull(self.stage));
        }
        let card = self.early[slot].take().or_else(|| self.stock.pop());
        let Some(card) = card else { return };
        let inserted = self.stage.insert(slot, card);
        if self.slips_at > 0 {
            self.slips_at -= 1;
            if self.slips_at == 0 {
                inserted.puller().pull_at(PULLED_AT, Moment::AfterExecution);
            }
        }
        self.slots[slot] = Some(inserted);
    }

    /// The card in that reader is out already.
    fn slipped(&mut self, slot: usize) {
        let (card, _) = self.slots[slot].take().unwrap().left(self.stage);
        self.early[slot] = Some(card);
        self.slipped += 1;
    }

    /// Takes the last ones out, whatever is in the readers.
    fn clears_away(mut self) -> Vec<Chip> {
        for slot in self.slots.into_iter().flatten() {
            self.out.push(slot.pull(self.stage));
        }
        self.out.into_iter().chain(self.stock).map(SimulatedCard::into_chip).collect()
    }
}

fn begin(folder: &Path, words: &[&str]) -> Child {
    let mut command = onecard();
    command.args(words).current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Profile, list and keys; `words` of a batch from all readers.
fn prepared(blanks: usize) -> (tempfile::TempDir, Vec<SimulatedCard>) {
    let folder = station();
    let source = root().join("cli/tests/cmd/issue");
    for file in ["school.toml", "people.csv"] {
        fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    json(folder.path(), "issue new-key station.key");
    let blank = |seed| SimulatedCard::new(Chip::blank(Blank::CpuCard, seed).unwrap(), Protocol::T1);
    (folder, (0..blanks as u64).map(blank).collect())
}

const BATCH: [&str; 10] = [
    "issue",
    "batch",
    "school.toml",
    "people.csv",
    "--keys",
    "dev.keys",
    "--sign-key",
    "station.key",
    "--new-ledger",
    "--reader",
];

#[test]
fn cards_are_put_into_both_readers_by_hand_and_one_is_pulled_too_early() {
    let stage = Stage::begin(LIMIT);
    let (folder, stock) = prepared(ROWS + 2);
    // A card of somebody else's comes first.
    let mut sample = Sample::new("somebody else").unwrap();
    let stranger = sample.card("3100100000000423".parse().unwrap()).unwrap();
    let mut operator = Operator {
        stage: &stage,
        stock: stock.into_iter().chain([SimulatedCard::new(stranger, Protocol::T1)]).collect(),
        slots: [None, None],
        early: [None, None],
        out: Vec::new(),
        slips_at: 4,
        slipped: 0,
    };
    let words: Vec<&str> = ["--json"].into_iter().chain(BATCH).chain(["pcsc:", "--stock", "7"]).collect();
    let mut program = begin(folder.path(), &words);
    let (mut told, mut rest) = (Vec::new(), String::new());
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(event) = serde_json::from_str::<Value>(&line).ok().filter(|event| event["event"].is_string()) else {
            rest += &line;
            continue;
        };
        let slot = |event: &Value| event["reader"].as_str().unwrap().parse::<usize>().unwrap() - 1;
        match event["event"].as_str().unwrap() {
            "wants" => operator.next_card(slot(&event)),
            "gone" => operator.slipped(slot(&event)),
            _ => {}
        }
        told.push(event);
    }
    let mut complaint = String::new();
    program.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert!(program.wait().unwrap().success(), "{complaint}{told:#?}");
    let ended: Value = serde_json::from_str(&rest).unwrap();
    let stock =
        |told: &Value| ["handed_out", "good", "bad", "begun", "given_up"].map(|what| told["stock"][what].as_u64());
    assert_eq!(stock(&ended), [7, ROWS as u64, 0, 0, 0].map(Some), "{told:#?}");
    assert_eq!((operator.slipped, ended["missing_rows"].as_u64()), (1, Some(0)));
    let count = |what: &str| told.iter().filter(|event| event["event"] == what).count();
    assert_eq!((count("good"), count("gone"), count("not-ours")), (ROWS, 1, 1), "{told:#?}");
    // The card that was pulled went on with its own number.
    let again = told.iter().find(|event| event["event"] == "writes" && event["again"] == true).unwrap();
    let first = told.iter().find(|event| event["event"] == "writes" && event["serial"] == again["serial"]).unwrap();
    assert_eq!((&first["again"], &first["row"]), (&Value::Bool(false), &again["row"]));

    let chips = operator.clears_away();
    let name = aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap());
    let issued = |chip: &Chip| select(&mut Reader::insert(chip.snapshot()), &name).is_ok();
    assert_eq!((chips.len(), chips.iter().filter(|chip| issued(chip)).count()), (ROWS + 3, ROWS + 1));
    // Counted, the batch is closed, and its stock adds up.
    let words: Vec<&str> = ["--json"].into_iter().chain(BATCH).chain(["pcsc:", "--left", "2"]).collect();
    let out = run(onecard().args(words).current_dir(folder.path()), 0);
    let end: String = out.lines().filter(|line| !line.contains("\"event\":")).collect();
    let closed: Value = serde_json::from_str(&end).unwrap();
    assert_eq!((closed["missing"].as_u64(), closed["stock"]["counted"].as_u64()), (Some(0), Some(2)));
}

#[test]
fn an_operator_is_asked_in_chinese() {
    let stage = Stage::begin(LIMIT);
    let (folder, stock) = prepared(ROWS);
    let mut operator = Operator {
        stage: &stage,
        stock,
        slots: [None, None],
        early: [None, None],
        out: Vec::new(),
        slips_at: 0,
        slipped: 0,
    };
    let words = [&BATCH[..], &["pcsc:00 01", "--stock", "5"]].concat();
    let mut program = begin(folder.path(), &words);
    let mut said = Vec::new();
    for line in BufReader::new(program.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("请放下一张") {
            operator.next_card(1);
        }
        said.push(line);
    }
    assert!(program.wait().unwrap().success(), "{said:#?}");
    assert!(said[0].starts_with("reader 读卡器 1: Virtual PCD") && said[0].ends_with("00 01"), "{said:#?}");
    assert_eq!(said[1], "读卡器1：请放下一张，第2行");
    assert!(said.contains(&"请取出第2行的卡；读卡器1：请放下一张，第3行".to_owned()), "{said:#?}");
    assert_eq!(operator.clears_away().len(), ROWS);
}
