//! A door's and an attendance terminal's journal of events, the power cut at every operation of the disk.

use std::{collections::BTreeSet, path::Path};

use onecard_host::{
    access::{Access, CardLog, Direction, Door, GrantLog, PassbackLedger, Records, ScheduleTable, access},
    attendance::{Attendance, AttendanceEvent, AttendanceTerminal, attend},
    disk::{Disk, SystemDisk},
    presence::{Event, EventFile, EventStore, OnCard, Standing},
    terminal::{JournalFile, StorageError},
    transport::Transport,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::{disk::FragileDisk, world::serial};
use onecard_wire::record::EventCode;

use crate::presence::{ZONE, desk, member, sealed, site, tap, terms};

const EVENTS: &str = "door/events";
const MORNING: u32 = 8 * 3_600;

/// Let in, clocked in, and somebody without a right denied.
const TAPS: usize = 3;

/// The cards of a member with a right and of one without; and what the terminal said.
struct Outside {
    cards: [Chip; 2],
    told: Vec<Event>,
}

impl Outside {
    fn new() -> Self {
        Self { cards: [member(0, &[sealed(0, &terms())]), member(1, &[])].map(Reader::remove), told: Vec::new() }
    }

    fn snapshot(&self) -> Self {
        Self { cards: [self.cards[0].snapshot(), self.cards[1].snapshot()], told: self.told.clone() }
    }

    /// The terminal starts, and everybody who has not been told anything taps until it dies or all were told.
    fn run(self, disk: &FragileDisk) -> Self {
        let mut readers = self.cards.map(Reader::insert);
        let mut told = self.told;
        if let Ok(mut events) = EventFile::open_on(disk, EVENTS) {
            for number in told.len()..TAPS {
                let card = &mut readers[number / 2];
                card.tap();
                let Ok(event) = tapped(card, &mut events, number) else { break };
                told.push(event);
            }
        }
        Self { cards: readers.map(Reader::remove), told }
    }
}

/// What the terminal says to one tap.
fn tapped(card: &mut dyn Transport, events: &mut impl EventStore, number: usize) -> Result<Event, StorageError> {
    let (mut sam, tap) = (desk(), tap(MORNING + number as u32));
    if number == 1 {
        let clock = AttendanceTerminal { site: site(), same_event_seconds: 600 };
        return match attend(card, &mut sam, &clock, events, AttendanceEvent::In, &tap)? {
            Attendance::Recorded(event) | Attendance::AlreadyRecorded(event) => Ok(event),
            other => panic!("{other:?}"),
        };
    }
    let card_log = CardLog { grants: GrantLog::Required, denials: true };
    let door =
        Door { site: site(), zone: ZONE, direction: Direction::In, schedules: ScheduleTable::default(), card_log };
    let mut records = Records { events, passback: &mut PassbackLedger::new() };
    match (access(card, &mut sam, &door, &mut records, &tap)?, number) {
        (Access::Granted(grant), 0) => Ok(grant.event),
        (Access::Denied(denial), 2) => Ok(denial.event.unwrap()),
        (other, _) => panic!("{other:?}"),
    }
}

/// Everything that was told is there, and counts; behind it stands at most what was begun when the terminal died.
fn holds(disk: &FragileDisk, told: &[Event]) {
    let file = EventFile::open_on(disk, EVENTS).unwrap();
    let found: Vec<&Event> = file.events().collect();
    assert!(found.iter().zip(1..).all(|(event, number)| event.number == number), "a gap: {found:?}");
    for event in told {
        assert_eq!(event.standing, Standing::Counts(OnCard::Written));
        assert!(found.contains(&event), "told and lost: {event:?} of {found:?}");
    }
}

#[test]
fn no_kill_and_no_power_cut_takes_back_who_was_let_in_or_clocked_in() {
    let outside = Outside::new();
    let (mut kills, mut disks, mut recoveries) = (0, 0, 0);
    for at in 1.. {
        let disk = FragileDisk::default();
        disk.die_after(at);
        let outside = outside.snapshot().run(&disk);
        let ended = !disk.is_dead();
        let mut seen = BTreeSet::new();
        for left in disk.after_power_cut().into_iter().chain([disk.after_kill()]) {
            disks += 1;
            holds(&left, &outside.told);
            if !seen.insert(left.read(Path::new(EVENTS)).unwrap()) {
                continue;
            }
            recoveries += 1;
            let end = outside.snapshot().run(&left);
            assert_eq!(end.told.len(), TAPS);
            for left in left.after_power_cut() {
                holds(&left, &end.told);
            }
            let file = EventFile::open_on(&left, EVENTS).unwrap();
            let counts =
                |event: &&Event| event.what.code == EventCode::IN && matches!(event.standing, Standing::Counts(_));
            assert_eq!(file.events().filter(counts).count(), 1, "one person, one clock-in");
            assert_eq!(file.latest(serial(0), EventCode::IN).unwrap().as_ref(), end.told.get(1));
        }
        if ended {
            assert_eq!(outside.told.len(), TAPS);
            break;
        }
        kills += 1;
    }
    println!("{TAPS} taps: killed at {kills} operations of the disk, {disks} disks afterwards, {recoveries} different");
    assert!(kills >= 4 + 4 * TAPS && disks > 2_000 && recoveries > kills);
}

#[test]
fn a_till_and_a_door_cannot_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    drop(JournalFile::open(&path).unwrap());
    let before = SystemDisk.read(&path).unwrap();
    let refused = EventFile::open(&path).unwrap_err().to_string();
    assert!(refused.contains("onecard-terminal-journal, not a onecard-terminal-events"), "{refused}");
    assert_eq!(SystemDisk.read(&path).unwrap(), before);
}
