//! What is said of the stock counts once, however often a command is repeated; a batch that is refused leaves nothing behind.

use std::{fs, path::Path};

use super::killed::list;
use crate::run::{json, onecard};

const BATCH: &str = "issue batch school.toml people.csv --keys dev.keys --sign-key station.key --reader sim:blanks";

/// A folder for a batch of so many people and blank cards.
fn room(people: usize, blanks: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue/school.toml"), at.join("school.toml"))
        .unwrap();
    fs::write(at.join("people.csv"), list(people)).unwrap();
    for line in ["keys new dev.keys", "issue new-key station.key", &format!("issue blanks blanks {blanks}")] {
        json(at, line, 0);
    }
    folder
}

/// `count` more blank cards.
fn more(at: &Path, folder: &str, count: usize) {
    json(at, &format!("issue blanks {folder} {count}"), 0);
    for card in fs::read_dir(at.join(folder)).unwrap() {
        let card = card.unwrap();
        let name = format!("{folder}-{}", card.file_name().to_string_lossy());
        fs::rename(card.path(), at.join("blanks").join(name)).unwrap();
    }
}

#[test]
fn a_command_that_is_repeated_hands_no_card_out_again() {
    let folder = room(5, 2);
    let at = folder.path();
    let batch = |options: &str, code: i32, says: &str| {
        let run = onecard(at, &format!("{BATCH} {options}"));
        let told = [run.out, run.err].concat();
        assert!(run.code == code && told.contains(says), "{options}: {} {told}", run.code);
    };
    batch("--new-ledger", 1, "领用  2");
    more(at, "first", 1);
    for _ in 0..3 {
        batch("--stock 3", 1, "领用  3");
    }
    batch("", 1, "领用  3");
    batch("--stock 2", 1, "3 blank cards were handed out for this batch already");
    more(at, "second", 2);
    batch("--stock 5", 0, "领用  5");
    // Closed: the same again is the report alone, and nothing more can be said.
    batch("--stock 5", 0, "领用  5");
    batch("--stock 6", 1, "come too late");
}

#[test]
fn a_batch_that_is_refused_leaves_no_journal_behind() {
    let folder = room(1, 2);
    let at = folder.path();
    let refused = |options: &str, says: &str| {
        let run = onecard(at, &format!("{BATCH} --journal second.journal {options}"));
        assert!(run.code == 1 && run.err.contains(says), "{options}: {} {}{}", run.code, run.out, run.err);
        assert!(!at.join("second.journal").exists(), "{options}");
    };
    refused("", "there is no ledger of numbers");
    assert_eq!(onecard(at, &format!("{BATCH} --new-ledger")).code, 0);
    refused("", "issued to this list already");
    refused("--new-ledger", "leave --new-ledger out");
    refused("--reader sim:nowhere --list-again", "is not there");
    refused("--list-again --give-up 3100200000000017", "no number of the profile's series");
}
