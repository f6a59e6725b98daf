//! What is left alone, what is spoilt, what stops a batch, and several readers at once.

use onecard_host::{
    card::{Pin, change_pin, select},
    crypto::DesKey,
    disk::SystemDisk,
    issuing::prepare_mf_resumable,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::{Fault, Reader},
    sample::Sample,
};
use onecard_station::batch::{BatchError, Call, Event, Fate, Fed, Feeder, NoTap, Tray};
use onecard_wire::{ins, key::Algorithm, number::ApplicationSerial};

use crate::{
    school::{PROFILE, School, Told, blanks, id_number, mute},
    stack::{Dies, Stack, insert},
};

#[test]
fn eight_readers_share_a_stack_and_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(40, folder.path());
    let stack = Stack::of(blanks(46));
    let mut feeders: Vec<_> = (1..=8).map(|reader| stack.feeder(&reader.to_string())).collect();
    for (feeder, at) in feeders.iter_mut().zip(600_u64..) {
        feeder.fail_next(at, Fault::LostAnswer);
    }
    let (journal, outcome) = school.run(&SystemDisk, &mut feeders, &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.good), (0, 40));
    school.every_row_has_its_card(&journal, &stack);
    let piles = stack.piles();
    assert_eq!(piles.good.len() + piles.bad.len() + piles.stock.len(), 46);
}

#[test]
fn every_cipher_is_issued() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let folder = tempfile::tempdir().unwrap();
        let school = School::of(PROFILE, 2, folder.path(), algorithm);
        let stack = Stack::of(blanks(2));
        let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
        assert_eq!(outcome.missing_rows, 0, "{algorithm:?}");
        school.every_row_has_its_card(&journal, &stack);
    }
}

#[test]
fn cards_of_others_are_left_as_they_are_and_three_of_them_stop_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let mut school = School::new(2, folder.path());
    school.failures_max = 3;
    let mut sample = Sample::new("others").unwrap();
    let serial = |number| ApplicationSerial::from_parts(31, 1, number).unwrap();
    // Of the same enterprise id and series, of another series, and under another operator's keys without an application.
    let same = sample.card(serial(7)).unwrap();
    let other_series = sample.card(ApplicationSerial::from_parts(44, 1, 7).unwrap()).unwrap();
    let mf = onecard_host::issuing::MfKeys::of_card(&sample.roots().chip([9; 8]), Sample::KEY_VERSION).unwrap();
    let mut washed = Reader::insert(Chip::blank(Blank::CpuCard, 99).unwrap());
    prepare_mf_resumable(&mut washed, &DesKey::TRANSPORT.into(), &mf).unwrap();
    let strangers = [same, other_series, washed.remove()];
    let images: Vec<Vec<u8>> = strangers.iter().map(what_a_terminal_sees).collect();
    let stack = Stack::of(strangers.into_iter().chain(blanks(2)));
    let told = Told::default();
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
    assert_eq!((outcome.stopped, outcome.missing_rows, outcome.stock.bad), (true, 2, 0));
    assert_eq!(journal.replayed().numbers().count(), 0, "no number was given");
    drop(journal);
    let told = told.0.into_inner().unwrap();
    let why: Vec<&str> = told
        .iter()
        .filter_map(|event| match event {
            Event::NotOurs { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(why.len(), 3, "{told:?}");
    assert!(why[0].contains("not by this batch") && why[1].contains("another series"), "{why:?}");
    assert!(matches!(told.last(), Some(Event::Ends { .. })), "{told:?}");
    assert!(told.iter().any(|event| matches!(event, Event::Stops { .. })));
    assert_eq!(stack.piles().not_ours.iter().map(what_a_terminal_sees).collect::<Vec<_>>(), images);
    // The same command goes on with the right cards.
    let (_, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    assert_eq!((outcome.stopped, outcome.missing_rows), (false, 0));
}

/// What can be read without a key: SELECT of the MF and of every application, and the MF's list of keys.
fn what_a_terminal_sees(chip: &Chip) -> Vec<u8> {
    let mut reader = Reader::insert(chip.snapshot());
    let mut seen = Vec::new();
    let name = onecard_wire::aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap());
    for command in [
        &[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00, 0x00][..],
        &[0x80, 0xCA, 0x00, 0xE0, 0x00],
        &[&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], &name, &[0x00]].concat(),
        &[0x80, 0xCA, 0x00, 0xE0, 0x00],
    ] {
        seen.extend(reader.transmit(command).unwrap());
    }
    seen
}

#[test]
fn a_card_that_fails_again_and_again_is_spoilt_and_its_number_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(2, folder.path());
    let stack = Stack::of(blanks(3));
    let mut feeder = stack.feeder("1");
    feeder.next_is_deaf();
    let (journal, outcome) = school.run(&SystemDisk, &mut [feeder], &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.bad), (0, 1));
    assert_eq!(stack.piles().bad.len(), 1);
    school.every_row_has_its_card(&journal, &stack);
    let fates: Vec<Fate> = journal.replayed().numbers().map(|(_, numbered)| numbered.fate).collect();
    assert_eq!(fates, [Fate::Bad, Fate::Good, Fate::Good]);
}

#[test]
fn a_card_that_never_answers_is_counted_once_whenever_the_machine_dies() {
    for dies in [Dies::BeforePutAway, Dies::AfterPutAway] {
        let folder = tempfile::tempdir().unwrap();
        let school = School::new(2, folder.path());
        let stack = Stack::of([mute()].into_iter().chain(blanks(3)).chain([mute()]));
        let mut feeder = stack.feeder("1");
        feeder.dies(dies);
        let died = school.run(&SystemDisk, &mut [&mut feeder], &|_| ()).err().unwrap();
        assert!(matches!(died, BatchError::Reader { .. }), "{died}");
        feeder.leave();
        let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
        assert_eq!((outcome.missing_rows, outcome.stock.bad), (0, 1), "{dies:?}");
        school.every_row_has_its_card(&journal, &stack);
        let piles = stack.piles();
        assert_eq!([piles.good.len(), piles.bad.len(), piles.stock.len()], [2, 1, 2], "{dies:?}");
    }
}

#[test]
fn a_card_that_never_answers_counts_again_where_the_reader_was_seen_empty() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    let stack = Stack::of([mute(), mute()].into_iter().chain(blanks(1)));
    let mut feeder = stack.feeder("1").by_hand();
    feeder.dies(Dies::AfterPutAway);
    assert!(school.run(&SystemDisk, &mut [&mut feeder], &|_| ()).is_err());
    // The one that was counted is in its tray: the reader is empty, so the next that never answers is another.
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1").by_hand()], &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.bad), (0, 2));
    school.every_row_has_its_card(&journal, &stack);
    assert_eq!(stack.piles().bad.len(), 2);
}

#[test]
fn a_whole_card_that_answers_wrongly_is_made_again_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    let stack = Stack::of(blanks(1));
    // Whole, and pulled away before its proofs were heard.
    let mut feeder = stack.feeder("1");
    feeder.fail_next(674, Fault::Removed);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tell = |event| {
        stop.fetch_or(matches!(event, Event::Failed { .. }), std::sync::atomic::Ordering::Relaxed);
    };
    drop(school.run_until(&SystemDisk, &mut [&mut feeder], &tell, &stop).unwrap());
    feeder.leave();
    // Meanwhile its holder took another PIN.
    let away = stack.piles().stock.pop_front().unwrap();
    let mut reader = insert(away);
    let name = onecard_wire::aid::enterprise_application(school.profile.enterprise);
    let application = select(&mut reader, &name).unwrap();
    let first = Pin::from_digits(&id_number(0)[12..].replace('X', "0")).unwrap();
    change_pin(&mut reader, &application, &first, &Pin::from_digits("135791").unwrap()).unwrap();
    stack.piles().stock.push_back(reader.remove());
    let told = Told::default();
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
    let fates: Vec<Fate> = journal.replayed().numbers().map(|(_, numbered)| numbered.fate).collect();
    assert_eq!((fates, outcome.stock.bad), (vec![Fate::Good], 0));
    school.every_row_has_its_card(&journal, &stack);
    assert!(told.0.lock().unwrap().iter().any(|event| matches!(event, Event::Writes { again: true, .. })));
}

#[test]
fn a_begun_card_that_comes_back_late_gets_another_number_and_one_that_comes_at_once_its_own() {
    // In the middle of its making, and behind it: whole, and its proofs not heard.
    [640, 674].into_iter().for_each(comes_back_late);
}

fn comes_back_late(away_at: u64) {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    // A station that dies in the middle of its first card: its transport says nothing more.
    let stack = Stack::of(blanks(1));
    let mut feeder = stack.feeder("1");
    (0..2).for_each(|_| feeder.fail_next(away_at, Fault::Removed));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (journal, _) = school
        .run_until(
            &SystemDisk,
            &mut [&mut feeder],
            &|event| {
                if matches!(event, Event::Failed { .. }) {
                    stop.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            },
            &stop,
        )
        .unwrap();
    assert_eq!(journal.replayed().begun().count(), 1);
    drop(journal);
    feeder.leave();
    let half_written = stack.piles().stock.pop_front().unwrap();
    // It is away: a blank card comes, with a number of its own.
    stack.piles().stock.extend(blanks(1));
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.given_up), (0, 1));
    school.every_row_has_its_card(&journal, &stack);
    drop(journal);
    // It comes back when nobody needs it: unwritten, and not to the blank cards, since its keys and perhaps all of it work.
    stack.piles().stock.push_back(half_written);
    let (journal, _) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    let fates: Vec<Fate> = journal.replayed().numbers().map(|(_, numbered)| numbered.fate).collect();
    let (stock, piles) = (journal.replayed().stock(), stack.piles());
    assert_eq!((fates, stock.bad, stock.given_up), (vec![Fate::Bad, Fate::Good], 1, 0), "{away_at}");
    assert_eq!([&piles.bad, &piles.not_ours].map(Vec::len), [1, 0], "{away_at}");
    assert_eq!((piles.stock.len(), piles.good.len()), (0, 1), "{away_at}");
}

#[test]
fn a_card_that_only_says_that_it_has_a_number_that_was_given_up_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let mut school = School::new(1, folder.path());
    school.failures_max = 1;
    // Whole, and pulled away before it was heard; a blank card gets another number.
    let stack = Stack::of(blanks(1));
    let mut feeder = stack.feeder("1");
    feeder.fail_next(674, Fault::Removed);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tell = |event| {
        stop.fetch_or(matches!(event, Event::Failed { .. }), std::sync::atomic::Ordering::Relaxed);
    };
    drop(school.run_until(&SystemDisk, &mut [&mut feeder], &tell, &stop).unwrap());
    feeder.leave();
    let away = stack.piles().stock.pop_front().unwrap();
    stack.piles().stock.extend(blanks(1));
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    let before: Vec<_> = journal.replayed().numbers().collect();
    assert_eq!((outcome.stock.given_up, before.len()), (1, 2));
    drop(journal);
    // What SELECT of that card answered, played by something else, which knows no key of it.
    let mut fci = Vec::new();
    let name = onecard_wire::aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap());
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], &name, &[0x00]].concat();
    fci.extend(insert(away).transmit(&select).unwrap());
    let mut player = Player { fci, put_to: None };
    let (journal, outcome) = school.run(&SystemDisk, &mut [&mut player], &|_| ()).unwrap();
    assert_eq!(journal.replayed().numbers().collect::<Vec<_>>(), before);
    assert_eq!((outcome.stock.bad, player.put_to), (0, Some(Tray::NotOurs)));
}

/// A card that answers one recorded SELECT and refuses everything else.
struct Player {
    fci: Vec<u8>,
    put_to: Option<Tray>,
}

impl Transport for &mut Player {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(if command.starts_with(&[0x00, 0xA4, 0x04]) { self.fci.clone() } else { vec![0x69, 0x82] })
    }
}

impl Feeder for Player {
    fn name(&self) -> &str {
        "1"
    }

    fn feed(&mut self, _: &Call, _: &dyn Fn() -> bool) -> Result<Fed, String> {
        Ok(if self.put_to.is_none() { Fed::Card } else { Fed::Empty })
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        work(&mut &mut *self);
        Ok(())
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        self.put_to = Some(tray);
        Ok(())
    }
}

#[test]
fn a_spoilt_card_that_was_not_put_away_is_not_made_again() {
    // Half-written, and whole but for its proofs.
    for ins in [ins::UPDATE_BINARY, ins::INTERNAL_AUTHENTICATE] {
        let folder = tempfile::tempdir().unwrap();
        let school = School::new(1, folder.path());
        let stack = Stack::of(blanks(2));
        let mut feeder = stack.feeder("1");
        feeder.next_is_deaf_to(ins);
        feeder.dies(Dies::BeforePutAway);
        assert!(school.run(&SystemDisk, &mut [&mut feeder], &|_| ()).is_err());
        feeder.leave();
        let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
        let fates: Vec<Fate> = journal.replayed().numbers().map(|(_, numbered)| numbered.fate).collect();
        assert_eq!((fates, outcome.stock.bad), (vec![Fate::Bad, Fate::Good], 1), "{ins:02X}");
        school.every_row_has_its_card(&journal, &stack);
        let piles = stack.piles();
        assert_eq!((piles.bad.len(), piles.stock.len()), (1, 0), "{ins:02X}");
    }
}

#[test]
fn the_last_good_card_is_put_away_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    let stack = Stack::of(blanks(1));
    let mut feeder = stack.feeder("1");
    feeder.dies(Dies::BeforePutAway);
    assert!(school.run(&SystemDisk, &mut [&mut feeder], &|_| ()).is_err());
    feeder.leave();
    // No row wants a card; what is in the reader is looked at all the same.
    let (journal, _) = school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap();
    school.every_row_has_its_card(&journal, &stack);
    assert!(stack.piles().stock.is_empty());
}

#[test]
fn a_card_between_two_taps_keeps_its_number_from_the_other_reader() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(2, folder.path());
    let stack = Stack::of(blanks(3));
    let mut feeders = [stack.feeder("1"), stack.feeder("2")];
    feeders[0].fail_next(640, Fault::LostAnswer);
    let told = Told::default();
    let tell = told.tell();
    let is_good = |event: &Event| matches!(event, Event::Good { .. });
    let waits = |event: Event| {
        let failed = matches!(event, Event::Failed { .. });
        tell(event);
        // The other reader is done with its card, and asks for the next.
        while failed && !told.0.lock().unwrap().iter().any(is_good) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        if failed {
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    };
    let (journal, outcome) = school.run(&SystemDisk, &mut feeders, &waits).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.given_up, journal.replayed().numbers().count()), (0, 0, 2));
    school.every_row_has_its_card(&journal, &stack);
}

#[test]
fn another_list_or_profile_is_another_batch() {
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(1, folder.path());
    let stack = Stack::of(blanks(1));
    drop(school.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).unwrap());
    for (what, change) in [
        ("list", |school: &mut School| school.list_hash = "other".to_owned()),
        ("profile", |school: &mut School| {
            school.profile_hash = "other".to_owned();
        }),
    ] as [(&str, fn(&mut School)); 2]
    {
        let mut other = School::new(1, folder.path());
        change(&mut other);
        let error = other.run(&SystemDisk, &mut [stack.feeder("1")], &|_| ()).err().unwrap();
        assert!(matches!(error, BatchError::OtherBatch { what: told, .. } if told == what), "{error}");
    }
}
