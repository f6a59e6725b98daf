//! Doors with a card and a SAM that know nothing of the host library (profile §3.1, §5).

use onecard_host::{
    access::{Access, Denied, Direction, GrantLog, RightTerms, Slot, clear_access_right, write_access_right},
    card::{Access as FileAccess, SelectError, read_record},
    presence::{OnCard, Standing, Unfit},
    transport::{Transport, TransportError},
};
use onecard_simulator::reader::{Fault, Reader};
use onecard_tests::world::{World, moment, serial, terminal_number};
use onecard_wire::{
    fid::Fid,
    record::{AccessRight, CardStatus, EventCode, EventRecord, Zone},
};

use crate::presence::{Entrance, ZONE, desk, member, sealed, selected, set_status, tap, terms, write_file};

const NOON: u32 = 12 * 3_600;
const DAY: u32 = 86_400;

#[test]
fn a_member_is_let_in_and_the_card_keeps_the_record() {
    let mut card = member(0, &[sealed(0, &terms())]);
    let mut entrance = Entrance::new(GrantLog::Required);
    let grant = entrance.granted(&mut card, NOON);
    assert_eq!((grant.card, grant.event.standing), (serial(0), Standing::Counts(OnCard::Written)));
    // Read back with a MAC both ways, as the service desk does.
    card.tap();
    let application = selected(&mut card);
    let mut read = |number| {
        let mut keeper = desk();
        let access = FileAccess::WithMac(&mut keeper);
        let record = read_record(&mut card, &application, Fid::ACCESS_LOG, number, 0, access);
        record.ok().and_then(|record| EventRecord::parse(&record))
    };
    let record =
        EventRecord { terminal: terminal_number(4), moment: moment(NOON), event: EventCode::ACCESS_IN, counter: 1 };
    assert_eq!((read(1), read(2)), (Some(record), None));
}

#[test]
fn every_denial_by_a_real_card() {
    let mut entrance = Entrance::new(GrantLog::Off);
    let (early, late) = (onecard_wire::date::Date::parse("20260602").unwrap(), terms().valid_from);
    for (terms, second, expected) in [
        (RightTerms { zone: Zone(1), ..terms() }, NOON, Denied::NoRight),
        (RightTerms { valid_from: early, ..terms() }, NOON, Denied::RightNotYetValid { from: early }),
        (RightTerms { valid_to: late, ..terms() }, NOON, Denied::RightExpired { on: late }),
        (RightTerms { schedule: 1, ..terms() }, NOON / 2, Denied::OutsideSchedule { row: 1 }),
        // Tuesday, a holiday; Saturday.
        (RightTerms { schedule: 1, ..terms() }, NOON + DAY, Denied::OutsideSchedule { row: 1 }),
        (RightTerms { schedule: 1, ..terms() }, NOON + 5 * DAY, Denied::OutsideSchedule { row: 1 }),
        (RightTerms { schedule: 9, ..terms() }, NOON, Denied::UnknownSchedule { row: 9 }),
    ] {
        let mut card = member(0, &[sealed(0, &terms)]);
        assert_eq!(entrance.denied(&mut card, second), expected);
        assert_eq!(card.exchanges(), 3);
    }
    for second in [NOON, NOON + 2 * DAY, NOON + 4 * DAY] {
        let weekdays = RightTerms { schedule: 1, ..terms() };
        entrance.granted(&mut member(0, &[sealed(0, &weekdays)]), second);
    }
    // Wednesday of nine years later is after the card's last day; this terminal's clock is wrong, or the card is old.
    let mut card = member(0, &[sealed(0, &terms())]);
    let mut far = tap(NOON);
    far.at.date = onecard_wire::date::Date::parse("20360101").unwrap();
    let Access::Denied(denial) = entrance.tap(&mut card, &far) else { panic!("expired") };
    assert!(matches!(denial.reason, Denied::Card(Unfit::Expired { .. })), "{denial}");
}

#[test]
fn a_card_of_another_enterprise_has_no_application() {
    let mut card = member(0, &[sealed(0, &terms())]);
    let mut entrance = Entrance::new(GrantLog::Off);
    entrance.door.site.enterprise = "2000000000000002".parse().unwrap();
    assert_eq!(entrance.denied(&mut card, NOON), Denied::Card(Unfit::Select(SelectError::NoApplication)));
    assert_eq!(card.exchanges(), 1);
}

#[test]
fn anti_passback_among_the_doors_of_a_zone() {
    let mut card = member(0, &[sealed(0, &RightTerms { anti_passback: true, ..terms() })]);
    let mut entrance = Entrance::new(GrantLog::Off);
    entrance.granted(&mut card, NOON);
    assert_eq!(entrance.denied(&mut card, NOON + 60), Denied::Inside { since: moment(NOON) });
    entrance.door.direction = Direction::Out;
    entrance.granted(&mut card, NOON + 120);
    entrance.door.direction = Direction::In;
    entrance.granted(&mut card, NOON + 180);
}

/// Attack 11: an emulator, and a card onto which every readable byte of another was copied.
#[test]
fn attack_11_neither_emulator_nor_copy_opens_a_door() {
    struct Emulator<'c> {
        genuine: &'c mut Reader,
    }
    impl Transport for Emulator<'_> {
        /// Reads what it wants of a card in somebody's pocket an hour before, and says 9000 to the rest.
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            match command[1] {
                0xA4 | 0xB0 => self.genuine.transmit(command),
                0x88 => Ok(vec![0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x90, 0x00]),
                _ => Ok(vec![0x90, 0x00]),
            }
        }
    }
    let mut genuine = member(0, &[sealed(0, &terms())]);
    let mut entrance = Entrance::new(GrantLog::IfPossible);
    let not_genuine = Denied::Card(Unfit::NotGenuine);
    assert_eq!(entrance.denied(&mut Emulator { genuine: &mut genuine }, NOON), not_genuine);
    // The copy tells the serial and rights of card 0 by the keys of card 1.
    struct Copy {
        own: Reader,
        copied: Reader,
    }
    impl Transport for Copy {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            match command[1] {
                0xA4 => {
                    self.own.transmit(command)?;
                    self.copied.transmit(command)
                }
                0xB0 => self.copied.transmit(command),
                _ => self.own.transmit(command),
            }
        }
    }
    let mut copy = Copy { own: member(1, &[sealed(1, &terms())]), copied: genuine };
    assert_eq!(entrance.denied(&mut copy, NOON + 1), not_genuine);
    // Rights alone, written onto a card that is genuine: their MAC is the other card's.
    assert_eq!(entrance.denied(&mut member(1, &[sealed(0, &terms())]), NOON + 2), Denied::Forged);
    assert!(entrance.events.events().all(|event| event.what.code == EventCode::ACCESS_DENIED));
}

/// Attack 12: the card itself refuses to show itself genuine.
#[test]
fn attack_12_a_lost_card_opens_no_door() {
    let mut card = member(0, &[sealed(0, &terms())]);
    let mut entrance = Entrance::new(GrantLog::Off);
    for status in [CardStatus::LOST, CardStatus::SUSPENDED] {
        set_status(&mut card, status);
        assert_eq!(entrance.denied(&mut card, NOON), Denied::Card(Unfit::Status(status)));
        assert_eq!(card.exchanges(), 3);
    }
    set_status(&mut card, CardStatus::NORMAL);
    entrance.granted(&mut card, NOON + 1);
}

/// Attack 17: somebody with the maintenance key writes a withdrawn right back.
#[test]
fn attack_17_a_withdrawn_right_written_back_opens_no_door() {
    let right = sealed(0, &terms());
    let mut card = member(0, &[right]);
    let mut entrance = Entrance::new(GrantLog::Off);
    entrance.granted(&mut card, NOON);
    let (application, slot) = (selected(&mut card), Slot::new(0).unwrap());
    clear_access_right(&mut card, &application, &mut desk(), slot).unwrap();
    entrance.door.site.deny_list.withdraw(serial(0), &right);
    assert_eq!(entrance.denied(&mut card, NOON + 1), Denied::NoRight);
    let application = selected(&mut card);
    write_access_right(&mut card, &application, &mut desk(), slot, &right).unwrap();
    assert_eq!(entrance.denied(&mut card, NOON + 2), Denied::Withdrawn);
}

#[test]
fn forged_entries_do_not_count() {
    let right = sealed(0, &terms());
    let mut card = member(0, &[right]);
    let mut entrance = Entrance::new(GrantLog::Off);
    let zone = Zone::ALL.0.to_be_bytes();
    // Whoever has the maintenance key and not the rights key: zone, schedule, flags, first and last year, MAC.
    for (offset, bytes) in [(0, &zone[..]), (2, &[1]), (3, &[1]), (5, &[0x20]), (9, &[0x99]), (12, &[right.mac[0] ^ 1])]
    {
        write_file(&mut card, 0x19, 0, &right.emit());
        write_file(&mut card, 0x19, offset, bytes);
        assert_eq!(entrance.denied(&mut card, NOON), Denied::Forged, "{offset}");
    }
    write_file(&mut card, 0x19, 13 * 16, &right.emit());
    entrance.granted(&mut card, NOON);
}

#[test]
fn fourteen_rights_and_the_last_opens() {
    let elsewhere: Vec<AccessRight> =
        (1..14).map(|zone| sealed(0, &RightTerms { zone: Zone(zone), ..terms() })).collect();
    let mut card = member(0, &[&elsewhere[..], &[sealed(0, &terms())]].concat());
    let grant = Entrance::new(GrantLog::Off).granted(&mut card, NOON);
    assert_eq!((grant.right.zone, card.exchanges()), (ZONE, 3));
}

#[test]
fn the_answer_to_append_is_lost() {
    for (grants, opens) in [(GrantLog::IfPossible, true), (GrantLog::Required, false)] {
        let mut card = member(0, &[sealed(0, &terms())]);
        card.fail_at(4, Fault::LostAnswer);
        let mut entrance = Entrance::new(grants);
        let opened = matches!(entrance.tap(&mut card, &tap(NOON)), Access::Granted(_));
        assert_eq!(opened, opens);
        assert_eq!(entrance.passback.inside_since(ZONE, serial(0)).is_some(), opens);
    }
}

#[test]
fn a_doors_sam_moves_no_money_and_writes_no_file() {
    let sam = World::shared().sam_for(onecard_host::issuing::SamRole::Door, 4).unwrap();
    let mut slot = Reader::insert(sam);
    let name = onecard_wire::aid::sam_application(World::shared().enterprise_id());
    slot.transmit(&[&[0x00, 0xA4, 0x04, 0x00, 14], &name[..], &[0x00]].concat()).unwrap();
    // Maintenance of cards, purchase, load: none is there.
    for usage in [0x25, 0x22, 0x29] {
        let prepare = [&[0x80, 0x1A, usage, 0x01, 0x08], &serial(0).to_bytes()[..]].concat();
        let answer = slot.transmit(&prepare).unwrap();
        assert!(answer == [0x94, 0x03] || answer == [0x69, 0x85], "{usage:02X} {answer:02X?}");
    }
}

/// The door to copy.
#[path = "../examples/door.rs"]
mod example;

#[test]
fn the_example_opens_to_the_right_people() {
    example::main().unwrap();
}
