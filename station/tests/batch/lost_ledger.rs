//! A ledger of numbers that is lost, moved or of another batch, and a list that is issued to twice.

use std::collections::BTreeSet;

use onecard_host::disk::SystemDisk;
use onecard_station::{batch::BatchError, numbers::NumberError};

use crate::{
    school::{School, blanks},
    stack::Stack,
};

fn refused(school: &School, stack: &Stack) -> NumberError {
    let run = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ());
    let Err(BatchError::Numbers(error)) = run else { panic!("{:?}", run.map(|(_, outcome)| outcome)) };
    error
}

#[test]
fn a_lost_ledger_is_not_begun_anew_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = BTreeSet::new();
    for (batch, is_lost) in [("first", false), ("second", false), ("third", true)] {
        let mut school = School::new(2, folder.path());
        (school.journal, school.list_hash) = (folder.path().join(batch), batch.to_owned());
        school.batch = batch.to_owned();
        school.new_ledger = batch == "first";
        let stack = Stack::of(blanks(2));
        if is_lost {
            std::fs::remove_file(&school.ledger).unwrap();
            assert!(matches!(refused(&school, &stack), NumberError::NoLedger(_)));
            assert!(!school.ledger.exists() && stack.piles().good.is_empty());
            continue;
        }
        let (journal, _) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
        for (number, _) in journal.replayed().numbers() {
            assert!(numbers.insert(number), "number {} is on two cards", number.0);
        }
    }
    assert_eq!(numbers.len(), 4);
}

#[test]
fn a_batch_whose_numbers_the_ledger_does_not_have_does_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut school = School::new(2, folder.path());
    let stack = Stack::of(blanks(1));
    drop(school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap());
    let ledger = std::fs::read(&school.ledger).unwrap();
    stack.piles().stock.extend(blanks(1));
    std::fs::remove_file(&school.ledger).unwrap();
    // The same command begins none in its place, which the next batch would take its numbers from; nor does anybody.
    for new_ledger in [true, false] {
        school.new_ledger = new_ledger;
        assert!(matches!(refused(&school, &stack), NumberError::NoLedger(_)));
        assert!(!school.ledger.exists());
    }
    // Another, by somebody who brought the wrong one.
    school.new_ledger = true;
    let mut other = School::new(1, folder.path());
    (other.journal, other.batch) = (folder.path().join("elsewhere"), "other".to_owned());
    other.list_hash = "another list".to_owned();
    drop(other.run(&SystemDisk, &mut [Stack::of(blanks(1)).feeder("1")], &|_| ()).unwrap());
    assert!(matches!(refused(&school, &stack), NumberError::NotGiven { .. }));
    // Put back, it goes on.
    std::fs::write(&school.ledger, ledger).unwrap();
    let (_, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    assert_eq!(outcome.missing_rows, 0);
}

#[test]
fn a_second_journal_of_the_same_list_gives_nobody_a_second_card() {
    let folder = tempfile::tempdir().unwrap();
    let mut school = School::new(2, folder.path());
    drop(school.run(&SystemDisk, &mut [Stack::of(blanks(2)).feeder("1")], &|_| ()).unwrap());
    (school.new_ledger, school.journal) = (false, folder.path().join("another.journal"));
    school.batch = "another".to_owned();
    let stack = Stack::of(blanks(2));
    assert!(matches!(refused(&school, &stack), NumberError::ListIssued { .. }));
    assert_eq!(stack.piles().stock.len(), 2);
    school.list_again = true;
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    assert_eq!(outcome.missing_rows, 0);
    school.every_row_has_its_card(&journal, &stack);
}
