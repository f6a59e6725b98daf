//! A card on the blacklist: refused at doors and attendance terminals, and marked by their SAMs.

use ed25519_dalek::SigningKey;
use onecard_wire::{
    number::EnterpriseId,
    record::{AccessRight, CardStatus, EventCode, Zone},
    status::StatusWord,
};

use super::model_card::{Fault, ModelCard, VERSION, date, enterprise, factors, sam_of, serial, site, tap};
use crate::{
    access::{
        Access, CardLog, Denied, Direction, Door, GrantLog, PassbackLedger, Records, RightTerms, ScheduleTable, access,
        sealed_right,
    },
    attendance::{Attendance, AttendanceEvent, AttendanceTerminal, NotRecorded, attend},
    blacklist::{Blacklist, ListSigner, ListVersion},
    keys::Purpose,
    presence::{InMemoryEvents, OnCard, Standing, Unfit},
    sam::{SamError, SoftwareSam},
    terminal::{Language, MarkError, WithBlacklist},
};

const LIST: ListVersion = ListVersion([0x20, 0x26, 0x11, 0x25, 0x07, 0x00, 0x00]);
const ZONE: Zone = Zone(7);
const GENUINE: [u8; 2] = [0xA4, 0x88];
const MARKED: [u8; 4] = [0xA4, 0x88, 0x84, 0xD6];

fn list_of(enterprise: EnterpriseId, cards: &[u64]) -> Blacklist {
    let signer = ListSigner::new(enterprise, SigningKey::from_bytes(&[5; 32]));
    let bytes = signer.whole(LIST, cards.iter().map(|card| serial(*card))).unwrap();
    Blacklist::received(&bytes, enterprise, &signer.key()).unwrap()
}

fn card() -> ModelCard {
    let terms = RightTerms {
        zone: ZONE,
        schedule: ScheduleTable::ALWAYS,
        anti_passback: true,
        valid_from: date("2026-11-01"),
        valid_to: date("2026-11-30"),
    };
    let right: AccessRight =
        sealed_right(&mut sam_of(&[Purpose::Rights], &[VERSION]), factors(1), VERSION, &terms).unwrap();
    let mut card = ModelCard::new(1);
    card.rights[0] = right.emit();
    card
}

/// A SAM of a door and of an attendance terminal, whose marking key is the maintenance key.
fn sam() -> SoftwareSam {
    let door = [Purpose::AccessAuthentication, Purpose::AccessAppend, Purpose::Rights];
    let attendance = [Purpose::AttendanceAuthentication, Purpose::AttendanceAppend];
    sam_of(&[&door[..], &attendance, &[Purpose::Maintenance]].concat(), &[VERSION])
}

/// A door and an attendance terminal with one list, and what they keep.
struct Gate {
    door: Door,
    clock: AttendanceTerminal,
    sam: SoftwareSam,
    list: Blacklist,
    events: InMemoryEvents,
    passback: PassbackLedger,
}

impl Gate {
    fn new(list: Blacklist) -> Self {
        let card_log = CardLog { grants: GrantLog::Required, denials: true };
        let schedules = ScheduleTable::default();
        Self {
            door: Door { site: site(), zone: ZONE, direction: Direction::In, schedules, card_log },
            clock: AttendanceTerminal { site: site(), same_event_seconds: 60 },
            sam: sam(),
            list,
            events: InMemoryEvents::new(),
            passback: PassbackLedger::new(),
        }
    }

    fn enter(&mut self, card: &mut ModelCard) -> Access {
        let mut events = WithBlacklist { store: &mut self.events, blacklist: Some(&self.list) };
        let mut records = Records { events: &mut events, passback: &mut self.passback };
        access(card, &mut self.sam, &self.door, &mut records, &tap("09:00:00")).unwrap()
    }

    fn clock_in(&mut self, card: &mut ModelCard) -> Attendance {
        let mut events = WithBlacklist { store: &mut self.events, blacklist: Some(&self.list) };
        attend(card, &mut self.sam, &self.clock, &mut events, AttendanceEvent::In, &tap("09:00:00")).unwrap()
    }

    /// Why the card is refused at both, each with a card of its own, and that neither let anybody in.
    fn refused(&mut self, card: &ModelCard) -> [(ModelCard, Unfit); 2] {
        let (mut at_door, mut at_clock) = (card.clone(), card.clone());
        let denial = match self.enter(&mut at_door) {
            Access::Denied(denial) => denial,
            Access::Granted(grant) => panic!("{grant:?}"),
        };
        let event = denial.event.clone().unwrap();
        assert_eq!((event.what.code, event.standing), (EventCode::ACCESS_DENIED, Standing::Counts(OnCard::NotAsked)));
        assert_eq!(event.what.note, Some(denial.reason.text(Language::English)));
        let Denied::Card(unfit) = denial.reason else { panic!("{denial}") };
        let Attendance::NotRecorded(absence) = self.clock_in(&mut at_clock) else { panic!("clocked in") };
        let NotRecorded::Card(absent) = absence.reason else { panic!("{absence}") };
        assert_eq!((denial.card, absence.card), (Some(serial(1)), Some(serial(1))));
        assert_eq!(self.passback, PassbackLedger::new());
        assert!(self.events.events().all(|event| event.what.code == EventCode::ACCESS_DENIED));
        [(at_door, unfit), (at_clock, absent)]
    }
}

#[test]
fn a_listed_card_is_refused_and_marked_at_doors_and_clocks() {
    let mut gate = Gate::new(list_of(enterprise(), &[1]));
    for (mut card, unfit) in gate.refused(&card()) {
        assert_eq!(unfit, Unfit::Blacklisted { version: LIST, unmarked: None });
        assert_eq!(card.commands(), MARKED);
        assert_eq!((card.parameters.status, card.parameters.blacklist_version), (CardStatus::LOST, LIST.0));
        let (english, chinese) = (unfit.text(Language::English), unfit.text(Language::Chinese));
        assert!(english.contains("blacklist (20261125070000)") && english.contains("marked as lost now"), "{english}");
        assert!(chinese.contains("黑名单（20261125070000）") && chinese.contains("已作挂失标记"), "{chinese}");
        // Where nobody has the list, the mark refuses it.
        let mut without = Gate::new(list_of(enterprise(), &[]));
        for (_, unfit) in without.refused(&card) {
            assert_eq!(unfit, Unfit::Status(CardStatus::LOST));
        }
    }
}

#[test]
fn an_expired_listed_card_is_marked_too() {
    let mut card = card();
    card.public_data.valid_to = date("2026-11-24");
    for (card, unfit) in Gate::new(list_of(enterprise(), &[1])).refused(&card) {
        assert_eq!(unfit, Unfit::Blacklisted { version: LIST, unmarked: None });
        assert_eq!(card.parameters.status, CardStatus::LOST);
    }
}

#[test]
fn a_mark_that_fails_is_told_and_changes_nothing() {
    let faults = [
        (0x84, Fault::LostCommand),
        (0x84, Fault::Forged(vec![0x69, 0x83])),
        (0x84, Fault::Forged(vec![0x90, 0x00])),
        (0xD6, Fault::LostCommand),
        (0xD6, Fault::LostAnswer),
        (0xD6, Fault::Forged(vec![0x69, 0x88])),
    ];
    for fault in faults {
        let mut card = card();
        card.fault = Some(fault.clone());
        for (card, unfit) in Gate::new(list_of(enterprise(), &[1])).refused(&card) {
            let Unfit::Blacklisted { version: LIST, unmarked: Some(_) } = unfit else { panic!("{fault:?}: {unfit:?}") };
            assert_eq!(card.parameters.status == CardStatus::LOST, fault == (0xD6, Fault::LostAnswer), "{fault:?}");
        }
    }
    // A terminal whose SAM lacks the marking key; a card whose maintenance key is another's.
    let mut gate = Gate::new(list_of(enterprise(), &[1]));
    gate.sam = sam_of(&[Purpose::AccessAuthentication, Purpose::AttendanceAuthentication], &[VERSION]);
    for (card, unfit) in gate.refused(&card()) {
        let unmarked = Some(MarkError::Keeper(SamError::NoSuchKey));
        assert_eq!(unfit, Unfit::Blacklisted { version: LIST, unmarked });
        assert_eq!(card.parameters.status, CardStatus::NORMAL);
        let (english, chinese) = (unfit.text(Language::English), unfit.text(Language::Chinese));
        assert!(english.contains("could not be marked (") && chinese.contains("未能标记（"), "{english} {chinese}");
    }
}

#[test]
fn a_copy_is_found_out_before_it_is_marked_and_the_list_of_another_enterprise_is_not_ours() {
    let copy = ModelCard { keys_of: serial(2), ..card() };
    for (mut card, unfit) in Gate::new(list_of(enterprise(), &[1])).refused(&copy) {
        assert_eq!((unfit, card.commands()), (Unfit::NotGenuine, GENUINE.to_vec()));
    }
    for list in [list_of(enterprise(), &[2]), list_of("2000000000000002".parse().unwrap(), &[1])] {
        let (mut gate, mut card) = (Gate::new(list), card());
        assert!(matches!(gate.enter(&mut card), Access::Granted(_)));
        assert!(matches!(gate.clock_in(&mut card), Attendance::Recorded(_)));
        assert_eq!((card.parameters.status, card.parameters.blacklist_version), (CardStatus::NORMAL, [0; 7]));
    }
}

#[test]
fn a_plain_card_that_cannot_be_marked_is_refused_all_the_same() {
    let mut card = card();
    card.public_data.version = onecard_wire::record::PublicData::VERSION_OWN - 1;
    card.fault = Some((0xD6, Fault::Forged(vec![0x6A, 0x82])));
    let unmarked = Some(MarkError::Refused(StatusWord::FILE_NOT_FOUND));
    for (_, unfit) in Gate::new(list_of(enterprise(), &[1])).refused(&card) {
        assert_eq!(unfit, Unfit::Blacklisted { version: LIST, unmarked: unmarked.clone() });
    }
}
