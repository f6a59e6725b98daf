//! A batch of RFID-SIMs: at their contacts, by the operator's issuer domain and the enterprise's keys.

use onecard_host::{disk::SystemDisk, transport::Transport};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
    sample::{SIM, Sample},
};
use onecard_station::{
    batch::{Craft, Event, Job},
    craft::Orders,
};
use onecard_wire::{
    key::Algorithm,
    number::{ApplicationSerial, EnterpriseId},
};

use crate::{
    school::{School, Told, profile_of_sims},
    stack::{Stack, insert},
};

fn school(people: usize, folder: &std::path::Path, algorithm: Algorithm) -> School {
    School::of(&profile_of_sims(), people, folder, algorithm)
}

#[test]
fn a_list_becomes_sims_which_terminals_see_by_radio() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let folder = tempfile::tempdir().unwrap();
        let school = school(3, folder.path(), algorithm);
        let stack = Stack::of(school.blanks(4));
        let told = Told::default();
        let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
        assert_eq!((outcome.missing_rows, outcome.stock.good, outcome.stock.bad), (0, 3, 0), "{algorithm:?}");
        school.every_row_has_its_card(&journal, &stack);
        let orders: Orders<'_> = school.orders();
        let craft = school.craft(&orders);
        for (serial, chip) in &stack.piles().good {
            let (row, number) = school
                .order()
                .rows
                .iter()
                .filter_map(|row| Some((*row, journal.replayed().row(*row)?)))
                .find(|(_, number)| school.profile.series.serial(*number).unwrap().to_string() == *serial)
                .unwrap();
            let job = Job { row, number, serial: school.profile.series.serial(number).unwrap() };
            craft.check(&mut Reader::insert(chip.snapshot()), &job).unwrap();
        }
        drop(journal);
        let commands = |event: &Event| if let Event::Good { commands, .. } = event { Some(*commands) } else { None };
        println!("commands a SIM: {:?}", told.0.lock().unwrap().iter().filter_map(commands).collect::<Vec<_>>());
        // Again: whole SIMs are put away unwritten, the last one back to the stock.
        let whole: Vec<Chip> = stack.piles().good.values().map(Chip::snapshot).collect();
        let again = Stack::of(whole);
        let told = Told::default();
        let (_, outcome) = school.run(&SystemDisk, &mut [again.feeder("1")], &told.tell()).unwrap();
        assert_eq!(outcome.missing_rows, 0);
        let good_before = |event: &Event| matches!(event, Event::GoodAlready { .. });
        assert_eq!(told.0.lock().unwrap().iter().filter(|event| good_before(event)).count(), 1);
    }
}

#[test]
fn a_sim_pulled_at_every_command_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pulled, mut given_up) = (0, 0);
    for fault in [Fault::LostCommand, Fault::LostAnswer, Fault::Removed] {
        for at in (0..).step_by(3) {
            let folder = folder.path().join(format!("{fault:?}{at}"));
            std::fs::create_dir(&folder).unwrap();
            let school = school(2, &folder, Algorithm::Des);
            let stack = Stack::of(school.blanks(2));
            let told = Told::default();
            let mut feeder = stack.feeder("1");
            feeder.fail_next(at, fault);
            let (journal, outcome) = school.run(&SystemDisk, &mut [feeder], &told.tell()).unwrap();
            // No SIM has a moment in which it is lost: INSTALL is one command. In front of it a number is.
            let stock = outcome.stock;
            assert_eq!((outcome.missing_rows, stock.bad), (0, 0), "{fault:?} {at}");
            given_up += stock.given_up;
            school.every_row_has_its_card(&journal, &stack);
            let failed = told.0.lock().unwrap().iter().any(|event| matches!(event, Event::Failed { .. }));
            if !failed {
                break;
            }
            pulled += 1;
        }
    }
    println!("pulled {pulled} times, {given_up} numbers given up");
    assert!(pulled > 60 && given_up < 12);
}

#[test]
fn sims_of_others_are_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut school = school(1, folder.path(), Algorithm::Des);
    school.failures_max = 9;
    let enterprise: EnterpriseId = Sample::ENTERPRISE.parse().unwrap();
    let serial = |province| ApplicationSerial::from_parts(province, 1, 7).unwrap();
    let mut sample = Sample::new("others").unwrap();
    // Of another operator, blank and with an application; with test keys.
    let blank = sample.sim([0x98, 0x68, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let [same, other_series] = [31, 44].map(|province| {
        let chip = sample.sim(SIM.iccid).unwrap();
        sample.install(chip, enterprise, serial(province)).unwrap()
    });
    // Begun by somebody else: INSTALL is done, and nothing more.
    let begun = begun_elsewhere(folder.path());
    let strangers = [blank, same, other_series, begun];
    let seen: Vec<_> = strangers.iter().map(applications).collect();
    let stack = Stack::of(strangers.into_iter().chain(school.blanks(1)));
    let told = Told::default();
    let (journal, outcome) = school.run(&SystemDisk, &mut [stack.feeder("1")], &told.tell()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.bad), (0, 0));
    assert_eq!(journal.replayed().numbers().count(), 1);
    let told = told.0.into_inner().unwrap();
    let why: Vec<&str> = told
        .iter()
        .filter_map(|event| match event {
            Event::NotOurs { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    let expected = ["cryptogram is wrong", "not by this batch", "another series", "with no number of this batch"];
    assert_eq!(why.len(), expected.len(), "{why:?}");
    for (why, expected) in why.iter().zip(expected) {
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(stack.piles().not_ours.iter().map(applications).collect::<Vec<_>>(), seen);
}

/// The same school's SIM, begun in another batch that broke off.
fn begun_elsewhere(folder: &std::path::Path) -> Chip {
    let folder = folder.join("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let school = school(1, &folder, Algorithm::Des);
    let stack = Stack::of(school.blanks(1));
    let mut feeder = stack.feeder("1");
    (0..3).for_each(|_| feeder.fail_next(20, Fault::Removed));
    let ran = school.run(&SystemDisk, &mut [feeder], &|_| ()).unwrap();
    assert_eq!(ran.1.stock.bad, 1);
    stack.piles().bad.pop().unwrap()
}

/// SELECT of the application at the contacts, and what its EF 0015 says.
fn applications(chip: &Chip) -> Vec<u8> {
    let mut reader = insert(chip.snapshot());
    let name = onecard_wire::aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap());
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], &name, &[0x00]].concat();
    [select.as_slice(), &[0x00, 0xB0, 0x95, 0x00, 0x1E], &[0x80, 0xCA, 0x00, 0xE0, 0x00]]
        .into_iter()
        .flat_map(|command| reader.transmit(command).unwrap())
        .collect()
}
