//! The file of events: cut, changed, shared, taken for another.

use std::{fs, path::Path};

use onecard_wire::record::EventCode;

use super::model_card::{TERMINAL, at, enterprise, serial};
use crate::{
    JournalFile,
    line_file::replay,
    presence::{
        Event, EventFile, EventStore, InMemoryEvents, NewEvent, OnCard, Serial, Standing, event_store::EventLedger,
    },
    terminal::StorageError,
};

fn what(card: u64, time: &str) -> NewEvent {
    NewEvent {
        enterprise: enterprise(),
        terminal: TERMINAL,
        moment: at(time),
        code: EventCode::IN,
        card: Some(Serial(serial(card))),
        note: Some("门 \"7\"\n".to_owned()),
    }
}

/// One event that counts at once, one that was begun and counts, one void, one begun.
fn fill(store: &mut impl EventStore) -> Vec<Event> {
    let counts = Standing::Counts(OnCard::Written);
    let first = store.record(what(1, "08:00:00"), Standing::Counts(OnCard::NotAsked)).unwrap();
    store.record(what(2, "08:00:01"), Standing::Begun).unwrap();
    let second = store.conclude(2, counts).unwrap();
    store.record(what(1, "08:00:02"), Standing::Begun).unwrap();
    let third = store.conclude(3, Standing::Void("refused".to_owned())).unwrap();
    let fourth = store.record(what(2, "08:00:03"), Standing::Begun).unwrap();
    vec![first, second, third, fourth]
}

/// A file's bytes, and where its lines end.
fn lines_of_a_file(path: &Path) -> (Vec<u8>, Vec<usize>) {
    fill(&mut EventFile::open(path).unwrap());
    let whole = fs::read(path).unwrap();
    let ends: Vec<usize> = (1..=whole.len()).filter(|end| whole[end - 1] == b'\n').collect();
    assert_eq!(ends.len(), 1 + 6);
    (whole, ends)
}

fn problem(opened: Result<EventFile, StorageError>) -> String {
    match opened {
        Err(StorageError::Damaged { place, problem }) => format!("{place}: {problem}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_is_there_after_a_restart_and_the_numbers_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    let told = fill(&mut EventFile::open(&path).unwrap());
    let mut store = EventFile::open(&path).unwrap();
    assert_eq!(store.events().cloned().collect::<Vec<_>>(), told);
    let mut in_memory = InMemoryEvents::new();
    fill(&mut in_memory);
    for card in 1..=3 {
        let latest = store.latest(serial(card), EventCode::IN).unwrap();
        assert_eq!(latest, in_memory.latest(serial(card), EventCode::IN).unwrap());
    }
    assert_eq!(store.next_number().unwrap(), 5);
    assert_eq!(store.conclude(4, Standing::Counts(OnCard::Unknown)).unwrap().number, 4);
    for (number, standing) in [(4, Standing::Void(String::new())), (5, Standing::Counts(OnCard::Written))] {
        assert!(store.conclude(number, standing).is_err(), "{number}");
    }
    assert_eq!(store.record(what(1, "08:00:04"), Standing::Begun).unwrap().number, 5);
    drop(store);
    assert_eq!(EventFile::open(&path).unwrap().events().count(), 5);
}

#[test]
fn a_file_cut_anywhere_is_what_was_told_until_then() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    let (whole, ends) = lines_of_a_file(&path);
    for cut in 0..whole.len() {
        let told = ends.iter().filter(|end| **end <= cut).count();
        let (ledger, good) = replay::<EventLedger>(&path, &whole[..cut]).unwrap();
        let counting = ledger.events().filter(|event| matches!(event.standing, Standing::Counts(_))).count();
        let expected = [(0, 0), (0, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 2)][told];
        assert_eq!((ledger.events().count(), counting), expected, "cut at {cut}");
        assert_eq!(good, ends[..told].last().copied().unwrap_or(0), "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_is_reported_or_was_in_the_last_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    let (whole, ends) = lines_of_a_file(&path);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x04;
        match replay::<EventLedger>(&path, &changed) {
            Err(StorageError::Damaged { place, .. }) => {
                assert!(at < ends[5] - 1 && place.contains("door.events, line "), "{at} {place}");
            }
            Ok((ledger, _)) => assert!(at >= ends[5] - 1 && ledger.events().count() == 3, "{at}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn one_terminal_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    let first = EventFile::open(&path).unwrap();
    assert!(matches!(EventFile::open(&path), Err(StorageError::InUse(name)) if name.contains("door.events")));
    drop(first);
    assert!(EventFile::open(&path).is_ok());
}

#[test]
fn another_journal_and_another_format_are_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    drop(JournalFile::open(&path).unwrap());
    let told = problem(EventFile::open(&path));
    assert!(told.contains("line 1: it is a onecard-terminal-journal, not a onecard-terminal-events"), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "onecard-terminal-journal;1\n");

    fs::write(&path, "onecard-terminal-events;2\n").unwrap();
    let told = problem(EventFile::open(&path));
    assert!(told.contains("line 1: it is of format 2, this release reads format 1"), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "onecard-terminal-events;2\n");

    fs::remove_file(&path).unwrap();
    drop(EventFile::open(&path).unwrap());
    let told = match JournalFile::open(&path) {
        Err(error) => error.to_string(),
        Ok(journal) => panic!("{journal:?}"),
    };
    assert!(told.contains("it is a onecard-terminal-events, not a onecard-terminal-journal"), "{told}");
}

/// A first line alone, behind a whole file, could be taken for a torn line and cut off with what follows it next time.
#[test]
fn two_journals_in_one_file_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door.events");
    let (whole, ends) = lines_of_a_file(&path);
    for second in ["onecard-terminal-events;1\n", "onecard-terminal-events;2\n", "onecard-terminal-journal;1\n"] {
        for behind in [&b""[..], &whole[ends[0]..]] {
            let both = [&whole, second.as_bytes(), behind].concat();
            fs::write(&path, &both).unwrap();
            let told = problem(EventFile::open(&path));
            assert!(told.contains(&format!("line 8: a second journal begins here ({})", second.trim_end())), "{told}");
            assert_eq!(fs::read(&path).unwrap(), both);
        }
    }
    // Lines without their first one, and a line of another kind whose checksum is right.
    fs::write(&path, [&whole, &whole[ends[0]..]].concat()).unwrap();
    let told = problem(EventFile::open(&path));
    assert!(told.contains("line 8: ") && told.contains("event 1 follows where 5 was expected"), "{told}");
    fs::write(&path, [&whole[..ends[0]], b"0df3e2b1 {\"begin\":{}}\n"].concat()).unwrap();
    let told = problem(EventFile::open(&path));
    assert!(told.contains("line 2: not a line of onecard-terminal-events;1: "), "{told}");
}
