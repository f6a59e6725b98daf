#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use onecard_wire::record::{CardStatus, EventRecord};

use super::*;
use crate::{
    keys::Purpose,
    presence::{
        InMemoryEvents,
        tests::model_card::{Fault, ModelCard, TERMINAL, VERSION, at, sam_of, serial, site, tap},
    },
    sam::SoftwareSam,
};

struct Clock {
    terminal: AttendanceTerminal,
    sam: SoftwareSam,
    events: InMemoryEvents,
}

impl Clock {
    fn new() -> Self {
        let keys = [Purpose::AttendanceAuthentication, Purpose::AttendanceAppend];
        Self {
            terminal: AttendanceTerminal { site: site(), same_event_seconds: 60 },
            sam: sam_of(&keys, &[VERSION]),
            events: InMemoryEvents::new(),
        }
    }

    fn tap(&mut self, card: &mut ModelCard, event: AttendanceEvent, time: &str) -> Attendance {
        attend(card, &mut self.sam, &self.terminal, &mut self.events, event, &tap(time)).unwrap()
    }

    fn recorded(&mut self, card: &mut ModelCard, event: AttendanceEvent, time: &str) -> Event {
        match self.tap(card, event, time) {
            Attendance::Recorded(event) => event,
            other => panic!("{other:?}"),
        }
    }

    fn counting(&self) -> usize {
        self.events.events().filter(|event| matches!(event.standing, Standing::Counts(_))).count()
    }
}

#[test]
fn four_commands_clock_in_and_two_find_it_done() {
    let (mut clock, mut card) = (Clock::new(), ModelCard::new(1));
    let event = clock.recorded(&mut card, AttendanceEvent::In, "08:00:00");
    assert_eq!(card.commands(), [0xA4, 0x88, 0x84, 0xE2]);
    let record = EventRecord { terminal: TERMINAL, moment: at("08:00:00"), event: EventCode::IN, counter: 1 };
    assert_eq!(card.logs[1], [record]);
    for time in ["08:00:01", "08:01:00", "07:59:00"] {
        assert_eq!(clock.tap(&mut card, AttendanceEvent::In, time), Attendance::AlreadyRecorded(event.clone()));
        assert_eq!(card.commands(), [0xA4, 0x88]);
    }
    assert_eq!((card.logs[1].len(), clock.counting()), (1, 1));
    // Later, or something else, or another person, is another event.
    clock.recorded(&mut card, AttendanceEvent::In, "08:01:01");
    clock.recorded(&mut card, AttendanceEvent::BreakBegins, "08:01:02");
    clock.recorded(&mut card, AttendanceEvent::BreakEnds, "08:01:03");
    clock.recorded(&mut card, AttendanceEvent::Out, "08:01:04");
    clock.recorded(&mut ModelCard::new(2), AttendanceEvent::In, "08:01:02");
    let codes: Vec<_> = card.logs[1].iter().rev().map(|record| (record.event.0, record.counter)).collect();
    assert_eq!(codes, [(1, 1), (1, 2), (3, 3), (4, 4), (2, 5)]);
}

#[test]
fn a_lost_answer_and_the_tap_after_it_are_one_clock_in() {
    for fault in [Fault::LostAnswer, Fault::LostCommand, Fault::Forged(vec![0x65, 0x81])] {
        let (mut clock, mut card) = (Clock::new(), ModelCard::new(1));
        card.fault = Some((0xE2, fault.clone()));
        let Attendance::Unknown { event, .. } = clock.tap(&mut card, AttendanceEvent::In, "08:00:00") else {
            panic!("{fault:?}")
        };
        assert_eq!((clock.counting(), &event.standing), (0, &Standing::Begun), "nobody is clocked in yet");
        card.commands();
        // Lost once more, then not.
        card.fault = Some((0xE2, fault));
        assert!(matches!(clock.tap(&mut card, AttendanceEvent::In, "08:00:10"), Attendance::Unknown { .. }));
        assert_eq!(card.commands().len(), 4);
        let recorded = clock.recorded(&mut card, AttendanceEvent::In, "08:00:20");
        assert_eq!((recorded.number, recorded.what.moment), (event.number, at("08:00:00")));
        assert_eq!((clock.counting(), clock.events.events().count()), (1, 1));
        assert!(card.logs[1].iter().all(|record| *record == recorded.record()), "one event, however often written");
        assert!(matches!(clock.tap(&mut card, AttendanceEvent::In, "08:00:30"), Attendance::AlreadyRecorded(_)));
    }
}

#[test]
fn what_fails_before_append_leaves_no_event() {
    for (ins, fault) in [
        (0xA4, Fault::LostCommand),
        (0x88, Fault::LostAnswer),
        (0x88, Fault::Forged(vec![0x90, 0x00])),
        (0x84, Fault::Forged(vec![0x6A, 0x81])),
        (0x84, Fault::LostAnswer),
    ] {
        let (mut clock, mut card) = (Clock::new(), ModelCard::new(1));
        card.fault = Some((ins, fault));
        assert!(matches!(clock.tap(&mut card, AttendanceEvent::In, "08:00:00"), Attendance::NotRecorded(_)));
        assert_eq!(clock.events.events().count(), 0);
    }
    // Refused by the card's word: void, and the next tap is a new event.
    let (mut clock, mut card) = (Clock::new(), ModelCard::new(1));
    card.fault = Some((0xE2, Fault::Forged(vec![0x69, 0x88])));
    let Attendance::NotRecorded(absence) = clock.tap(&mut card, AttendanceEvent::In, "08:00:00") else {
        panic!("refused")
    };
    assert!(absence.to_string().starts_with("Not recorded. Card 3100100000000"), "{absence}");
    assert!(absence.text(Language::Chinese).ends_with("请重新刷卡。"), "{}", absence.text(Language::Chinese));
    assert_eq!(clock.recorded(&mut card, AttendanceEvent::In, "08:00:05").number, 2);
    assert_eq!(clock.counting(), 1);
}

/// Attack 11: a copy has every byte of a colleague's card but the keys.
#[test]
fn attack_11_a_copy_cannot_clock_in() {
    let mut clock = Clock::new();
    let mut copy = ModelCard { keys_of: serial(2), ..ModelCard::new(1) };
    let not_genuine = NotRecorded::Card(Unfit::NotGenuine);
    let Attendance::NotRecorded(absence) = clock.tap(&mut copy, AttendanceEvent::In, "08:00:00") else {
        panic!("clocked in")
    };
    assert_eq!((absence.card, absence.reason), (Some(serial(1)), not_genuine));
    // Not even a clock-in that the true card made a moment ago is told to it.
    clock.recorded(&mut ModelCard::new(1), AttendanceEvent::In, "08:00:00");
    assert!(matches!(clock.tap(&mut copy, AttendanceEvent::In, "08:00:01"), Attendance::NotRecorded(_)));
    let mut lost = ModelCard::new(3);
    lost.parameters.status = CardStatus::LOST;
    assert!(matches!(clock.tap(&mut lost, AttendanceEvent::In, "08:00:02"), Attendance::NotRecorded(_)));
    clock.terminal.site.deny_list.deny_card(serial(4));
    assert!(matches!(clock.tap(&mut ModelCard::new(4), AttendanceEvent::In, "08:00:03"), Attendance::NotRecorded(_)));
    assert_eq!(clock.counting(), 1);
}

#[test]
fn events_have_names() {
    assert_eq!(AttendanceEvent::BreakEnds.text(Language::English), "break ends");
    assert_eq!(AttendanceEvent::In.text(Language::Chinese), "上班");
}

#[test]
fn in_by_the_wrong_button_out_and_in_again_are_three_events() {
    let (mut clock, mut card) = (Clock::new(), ModelCard::new(1));
    clock.recorded(&mut card, AttendanceEvent::In, "08:00:00");
    clock.recorded(&mut card, AttendanceEvent::Out, "08:00:20");
    let third = clock.tap(&mut card, AttendanceEvent::In, "08:00:40");
    assert!(matches!(third, Attendance::Recorded(_)), "{third:?}");
}
