//! Batches in which nothing, or one thing, goes wrong.

use onecard_host::disk::SystemDisk;
use onecard_simulator::reader::Fault;
use onecard_station::{batch::Event, journal::verify};

use crate::{
    school::{School, Told, blanks},
    stack::Stack,
};

#[test]
fn a_list_becomes_a_drawer_of_cards() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(12, folder.path());
    let stack = Stack::of(blanks(15));
    let told = Told::default();
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stopped, outcome.stock.good), (0, false, 12));
    school.every_row_has_its_card(&journal, &stack);
    assert_eq!(stack.piles().stock.len(), 3);
    let head = journal.head();
    drop(journal);
    let content = std::fs::read(&school.journal).unwrap();
    let verified = verify("journal", &content).unwrap();
    // Its kind, what it is, and two lines a card.
    assert_eq!((verified.head, verified.lines), (head, 2 + 2 * 12));
    // Again: nothing is written.
    let (_, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
    assert_eq!(outcome.missing_rows, 0);
    assert_eq!(std::fs::read(&school.journal).unwrap(), content);
    let good = |event: &Event| match event {
        Event::Good { commands, .. } => Some(*commands),
        _ => None,
    };
    let commands: Vec<u64> = told.0.lock().unwrap().iter().filter_map(good).collect();
    println!("commands a card: {commands:?}");
    assert_eq!(commands.len(), 12);
}

#[test]
fn a_card_pulled_at_every_command_is_mended_or_called_spoilt() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pulled, mut spoilt) = (0, 0);
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        for at in (0..).step_by(7) {
            let folder = folder.path().join(format!("{fault:?}{at}"));
            std::fs::create_dir(&folder).unwrap();
            let school = School::new(2, &folder);
            let stack = Stack::of(blanks(4));
            let told = Told::default();
            let mut feeder = stack.feeder("1");
            feeder.fail_next(at, fault);
            let (journal, outcome) = school.run(&SystemDisk, &mut [feeder], &told.tell()).unwrap();
            assert_eq!(outcome.missing_rows, 0, "{fault:?} {at}");
            school.every_row_has_its_card(&journal, &stack);
            let failed = told.0.lock().unwrap().iter().any(|event| matches!(event, Event::Failed { .. }));
            if !failed {
                break;
            }
            pulled += 1;
            spoilt += outcome.stock.bad;
        }
    }
    println!("pulled {pulled} times, {spoilt} cards spoilt");
    assert!(pulled > 20);
}
