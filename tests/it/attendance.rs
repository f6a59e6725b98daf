//! Attendance terminals with a card and a SAM that know nothing of the host library (profile §3.1, §5).

use onecard_host::{
    attendance::{Attendance, AttendanceEvent, NotRecorded},
    card::{Access, read_record},
    presence::{Standing, Unfit},
    transport::{Transport, TransportError},
};
use onecard_simulator::reader::{Fault, Reader};
use onecard_tests::world::{World, moment, terminal_number};
use onecard_wire::{
    fid::Fid,
    record::{CardStatus, EventRecord},
};

use crate::presence::{Clock, desk, selected, set_status};

const EIGHT: u32 = 8 * 3_600;

fn card(number: usize) -> Reader {
    Reader::insert(World::shared().card(number).unwrap())
}

/// EF 001A, newest first, read with a MAC both ways.
fn log(reader: &mut Reader) -> Vec<EventRecord> {
    reader.tap();
    let application = selected(reader);
    let read = |number| {
        let mut keeper = desk();
        let access = Access::WithMac(&mut keeper);
        read_record(reader, &application, Fid::ATTENDANCE_LOG, number, 0, access).ok()
    };
    (1..=32).map_while(read).map(|record| EventRecord::parse(&record).unwrap()).collect()
}

#[test]
fn a_working_day() {
    let (mut clock, mut card) = (Clock::new(), card(0));
    let day = [
        (AttendanceEvent::In, EIGHT),
        (AttendanceEvent::BreakBegins, EIGHT + 4 * 3_600),
        (AttendanceEvent::BreakEnds, EIGHT + 5 * 3_600),
        (AttendanceEvent::Out, EIGHT + 9 * 3_600),
    ];
    for (event, at) in day {
        card.tap();
        assert!(matches!(clock.tap(&mut card, event, at), Attendance::Recorded(_)));
        assert_eq!(card.exchanges(), 4);
        card.tap();
        assert!(matches!(clock.tap(&mut card, event, at + 30), Attendance::AlreadyRecorded(_)));
        assert_eq!(card.exchanges(), 2);
    }
    let expected: Vec<EventRecord> = day
        .iter()
        .zip([1, 2, 3, 4])
        .map(|((event, at), counter)| EventRecord {
            terminal: terminal_number(5),
            moment: moment(*at),
            event: event.code(),
            counter,
        })
        .rev()
        .collect();
    assert_eq!(log(&mut card), expected);
}

#[test]
fn a_loss_anywhere_and_the_tap_after_it_are_one_clock_in() {
    for exchange in 0..4 {
        for fault in [Fault::LostCommand, Fault::LostAnswer, Fault::Removed] {
            let (mut clock, mut card) = (Clock::new(), card(0));
            card.fail_at(exchange, fault);
            let torn = clock.tap(&mut card, AttendanceEvent::In, EIGHT);
            let counted = |clock: &Clock| {
                clock.events.events().filter(|event| matches!(event.standing, Standing::Counts(_))).count()
            };
            assert_eq!(matches!(torn, Attendance::Unknown { .. }), exchange == 3, "{exchange} {fault:?} {torn:?}");
            assert_eq!(counted(&clock), 0, "nobody is clocked in without the card's word");
            card.tap();
            let Attendance::Recorded(event) = clock.tap(&mut card, AttendanceEvent::In, EIGHT + 20) else {
                panic!("{exchange} {fault:?}")
            };
            assert_eq!((counted(&clock), event.number), (1, 1));
            // Written twice at most, and then the same record.
            let log = log(&mut card);
            assert!((1..=2).contains(&log.len()) && log.iter().all(|record| *record == event.record()), "{log:?}");
        }
    }
}

/// Attack 11: a copy of a colleague's card, and an emulator that has heard yesterday's clock-in.
#[test]
fn attack_11_nobody_clocks_a_colleague_in() {
    struct Recorder<'c> {
        card: &'c mut Reader,
        heard: Vec<(Vec<u8>, Vec<u8>)>,
    }
    impl Transport for Recorder<'_> {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let answer = self.card.transmit(command)?;
            self.heard.push((command.to_vec(), answer.clone()));
            Ok(answer)
        }
    }
    struct Replay(Vec<(Vec<u8>, Vec<u8>)>);
    impl Transport for Replay {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let heard = self.0.iter().find(|(asked, _)| asked[1] == command[1]);
            Ok(heard.map_or(vec![0x90, 0x00], |(_, answer)| answer.clone()))
        }
    }
    let (mut clock, mut colleague) = (Clock::new(), card(0));
    let mut recorder = Recorder { card: &mut colleague, heard: Vec::new() };
    assert!(matches!(clock.tap(&mut recorder, AttendanceEvent::In, EIGHT), Attendance::Recorded(_)));
    let mut replay = Replay(recorder.heard);
    for event in [AttendanceEvent::In, AttendanceEvent::Out] {
        let Attendance::NotRecorded(absence) = clock.tap(&mut replay, event, EIGHT + 3_600) else { panic!("clocked") };
        assert_eq!(absence.reason, NotRecorded::Card(Unfit::NotGenuine));
    }
    assert_eq!(clock.events.events().count(), 1);
}

/// Attack 12.
#[test]
fn attack_12_a_lost_card_clocks_nobody_in() {
    let (mut clock, mut card) = (Clock::new(), card(0));
    set_status(&mut card, CardStatus::LOST);
    let Attendance::NotRecorded(absence) = clock.tap(&mut card, AttendanceEvent::In, EIGHT) else { panic!("clocked") };
    assert_eq!(absence.reason, NotRecorded::Card(Unfit::Status(CardStatus::LOST)));
}

#[test]
fn the_log_keeps_the_newest_thirty_two() {
    let (mut clock, mut card) = (Clock::new(), card(0));
    for number in 0..35 {
        let event = if number % 2 == 0 { AttendanceEvent::In } else { AttendanceEvent::Out };
        assert!(matches!(clock.tap(&mut card, event, EIGHT + number * 600), Attendance::Recorded(_)));
    }
    let counters: Vec<u16> = log(&mut card).iter().map(|record| record.counter).collect();
    assert_eq!(counters, (4..=35).rev().collect::<Vec<u16>>());
}
