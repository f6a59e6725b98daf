//! A batch of SAMs: each terminal one, with its number, keys and limit.

use std::sync::atomic::AtomicBool;

use onecard_host::{
    disk::SystemDisk,
    keys::RootKeys,
    sam::{Levels, PsamCard, Sam},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::{Fault, Reader},
};
use onecard_station::{
    batch::{self, Order, Surroundings},
    craft::{IssuingKeys, SamCraft},
    people::terminals,
    profile::{Kind, Profile},
    store::RootStore,
};
use onecard_wire::key::KeyVersion;
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::stack::Stack;

const PROFILE: &str = r#"format = "onecard-issuing-profile;1"
kind = "sam"
enterprise = "1000000000000001"
[validity]
from = 2026-09-01
to = 2030-08-31
[sam]
role = "ROLE"
load_limit = "10000"
[numbers]
ledger = "sams.numbers"
prefix = "8600000000"
first = 1
last = 9999
"#;

const LIST: &[u8] =
    b"terminal,place,load_limit\n000000000011,canteen 1,\n000000000012,canteen 2,500\n000000000013,gate,\n";

#[test]
fn each_terminal_gets_its_sam_however_it_is_pulled() {
    for role in ["till", "recharge", "door", "attendance", "service-desk"] {
        let text = PROFILE.replace("ROLE", role);
        let profile = Profile::parse("sams.toml", &text).unwrap();
        let Kind::Sam(terms) = &profile.kind else { panic!("{role}") };
        let list = terminals("terminals.csv", LIST).unwrap();
        let roots = RootKeys::generate(KeyVersion(1), &mut ChaCha8Rng::seed_from_u64(7));
        let keys = IssuingKeys::new(Box::new(RootStore::new(roots, profile.enterprise)), &profile).unwrap();
        let craft = SamCraft { keys: &keys, profile: &profile, terms, list: &list };
        for at in (570..).step_by(3) {
            let folder = tempfile::tempdir().unwrap();
            let ledger = folder.path().join("sams.numbers");
            let rows = [2, 3, 4];
            let order = Order {
                enterprise: profile.enterprise,
                profile: String::new(),
                list: String::new(),
                rows: &rows,
                series: &profile.series,
                new_ledger: true,
                list_again: false,
                ledger: &ledger,
                failures_max: 5,
                give_up: &[],
            };
            let stack = Stack::of((0..5).map(|seed| Chip::blank(Blank::Sam, seed).unwrap()));
            let failed = AtomicBool::new(false);
            let tell = |event| {
                let is_failure = matches!(event, batch::Event::Failed { .. });
                failed.fetch_or(is_failure, std::sync::atomic::Ordering::Relaxed);
            };
            let stop = AtomicBool::new(false);
            let around = Surroundings { disk: &SystemDisk, clock: &String::new, tell: &tell, stop: &stop };
            let journal = folder.path().join("journal");
            let journal = batch::open_journal(&SystemDisk, &journal, &order, "sams", String::new()).unwrap();
            let mut feeder = stack.feeder("1");
            feeder.fail_next(at, Fault::LostAnswer);
            let (_, outcome) = batch::run(&craft, &order, journal, &mut [feeder], &around).unwrap();
            assert_eq!((outcome.missing_rows, outcome.stock.good), (0, 3), "{role} {at}");
            let piles = stack.piles();
            // A SAM that answered nothing in the moment of 4.5.3 cost its number: another serial has its terminal.
            let mut numbers: Vec<String> = piles
                .good
                .values()
                .map(|chip| {
                    let reader = Reader::insert(chip.snapshot());
                    let mut sam = PsamCard::open(reader, profile.enterprise, Levels::Serial, KeyVersion(1)).unwrap();
                    sam.terminal().unwrap().to_string()
                })
                .collect();
            numbers.sort();
            assert_eq!(numbers, ["000000000011", "000000000012", "000000000013"], "{role} {at}");
            for chip in piles.good.values() {
                reads_as_ordered(chip, &format!("{role} {at}"));
            }
            if !failed.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(at > 600, "{role}: nothing was pulled");
                break;
            }
        }
    }
}

/// What the SAM's own files say: validity, and the limit of its terminal's row.
fn reads_as_ordered(chip: &Chip, what: &str) {
    let mut reader = Reader::insert(chip.snapshot());
    let mut asked = |command: &[u8]| {
        let mut answer = reader.transmit(command).unwrap();
        assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00], "{what}: {command:02X?}");
        answer
    };
    // EF 0016 of the MF; EF 0017 and EF 0019 of the application.
    asked(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00, 0x00]);
    let terminal = asked(&[0x00, 0xB0, 0x96, 0x00, 0x06]);
    let name = onecard_wire::aid::sam_application("1000000000000001".parse().unwrap());
    asked(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], &name, &[0x00]].concat());
    let info = asked(&[0x00, 0xB0, 0x97, 0x00, 0x19]);
    let limit = asked(&[0x00, 0xB0, 0x99, 0x00, 0x04]);
    assert_eq!(info[17..], [0x20, 0x26, 0x09, 0x01, 0x20, 0x30, 0x08, 0x31], "{what}");
    let ordered: u32 = if terminal[5] == 0x12 { 50_000 } else { 1_000_000 };
    assert_eq!(limit, ordered.to_be_bytes(), "{what}: terminal {terminal:02X?}");
}
