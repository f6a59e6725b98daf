//! What the tests of doors and attendance share: members, terminals with SAMs of their role, taps.

use onecard_host::{
    access::{
        Access, CardLog, Denied, Direction, Door, Grant, GrantLog, PassbackLedger, Records, RightTerms, Slot, access,
        sealed_right, write_access_right,
    },
    attendance::{Attendance, AttendanceEvent, AttendanceTerminal, attend},
    card::{Selected, select},
    issuing::SamRole,
    line_protection::{Challenge, with_mac},
    presence::{DenyList, InMemoryEvents, Site, Tap},
    sam::{CardFactors, PsamCard, SoftwareSam},
    transport::Transport,
};
use onecard_simulator::reader::Reader;
use onecard_tests::world::{KEY_VERSION, World, moment, serial};
use onecard_wire::{
    aid,
    date::Date,
    ins,
    record::{AccessRight, CardStatus, Zone},
};

pub(crate) const ZONE: Zone = Zone(0x0102);

pub(crate) fn site() -> Site {
    let enterprise = World::shared().enterprise_id();
    Site { enterprise, key_versions: vec![KEY_VERSION], deny_list: DenyList::new() }
}

/// A tap some seconds into the working day of 1 June 2026, a Monday.
pub(crate) fn tap(seconds: u32) -> Tap {
    let [a, b, c, d] = seconds.to_be_bytes();
    Tap { at: moment(seconds), challenge: [0xA5, a, b, c, d, 1, 2, 3] }
}

pub(crate) fn terms() -> RightTerms {
    RightTerms {
        zone: ZONE,
        schedule: 0,
        anti_passback: false,
        valid_from: Date::parse("20260101").unwrap(),
        valid_to: Date::parse("20261231").unwrap(),
    }
}

pub(crate) fn factors(card: usize) -> CardFactors {
    CardFactors { enterprise: World::shared().enterprise_id(), serial: serial(card) }
}

/// What the service desk seals rights and writes them with.
pub(crate) fn desk() -> SoftwareSam {
    World::shared().software_sam(0)
}

pub(crate) fn sealed(card: usize, terms: &RightTerms) -> AccessRight {
    sealed_right(&mut desk(), factors(card), KEY_VERSION, terms).unwrap()
}

pub(crate) fn selected(reader: &mut dyn Transport) -> Selected {
    select(reader, &aid::enterprise_application(World::shared().enterprise_id())).unwrap()
}

/// A member's card with these rights in its first slots.
pub(crate) fn member(card: usize, rights: &[AccessRight]) -> Reader {
    let mut reader = Reader::insert(World::shared().card(card).unwrap());
    let application = selected(&mut reader);
    for (slot, right) in Slot::all().zip(rights) {
        write_access_right(&mut reader, &application, &mut desk(), slot, right).unwrap();
    }
    reader.tap();
    reader
}

/// UPDATE BINARY of the file with that SFI from `offset`, by the maintenance key.
pub(crate) fn write_file(reader: &mut Reader, sfi: u8, offset: u8, content: &[u8]) {
    selected(reader);
    let random = reader.transmit(&[0x00, 0x84, 0x00, 0x00, 0x04]).unwrap();
    let challenge = Challenge::from_random(random[..4].try_into().unwrap());
    let update = onecard_host::apdu::Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x80 | sfi, offset);
    let mut key = onecard_host::crypto::LineKey::from(
        World::shared().card_key(0, onecard_host::keys::Purpose::Maintenance).unwrap(),
    );
    let sent = with_mac(&update.with_bytes(content).unwrap(), challenge, &mut key).unwrap();
    assert_eq!(reader.transmit(&sent.to_bytes()).unwrap(), [0x90, 0x00]);
    reader.tap();
}

/// Byte 1 of EF 0017.
pub(crate) fn set_status(reader: &mut Reader, status: CardStatus) {
    write_file(reader, 0x17, 0, &[status.0]);
}

/// A door with its SAM in a slot.
pub(crate) struct Entrance {
    pub(crate) door: Door,
    pub(crate) sam: PsamCard<Reader>,
    pub(crate) events: InMemoryEvents,
    pub(crate) passback: PassbackLedger,
}

impl Entrance {
    pub(crate) fn new(grants: GrantLog) -> Self {
        let schedules = r#"
            holidays = ["2026-06-02"]
            [[row]]
            number = 1
            days = ["mon", "tue", "wed", "thu", "fri"]
            windows = ["08:00-18:00"]
        "#;
        let door = Door {
            site: site(),
            zone: ZONE,
            direction: Direction::In,
            schedules: toml::from_str(schedules).unwrap(),
            card_log: CardLog { grants, denials: false },
        };
        let slot = Reader::insert(World::shared().sam_for(SamRole::Door, 4).unwrap());
        let sam = World::shared().open_sam(slot).unwrap();
        Self { door, sam, events: InMemoryEvents::new(), passback: PassbackLedger::new() }
    }

    pub(crate) fn tap(&mut self, card: &mut dyn Transport, tap: &Tap) -> Access {
        let mut records = Records { events: &mut self.events, passback: &mut self.passback };
        access(card, &mut self.sam, &self.door, &mut records, tap).unwrap()
    }

    pub(crate) fn granted(&mut self, card: &mut dyn Transport, seconds: u32) -> Grant {
        match self.tap(card, &tap(seconds)) {
            Access::Granted(grant) => grant,
            Access::Denied(denial) => panic!("{denial}"),
        }
    }

    pub(crate) fn denied(&mut self, card: &mut dyn Transport, seconds: u32) -> Denied {
        match self.tap(card, &tap(seconds)) {
            Access::Granted(grant) => panic!("granted: {grant:?}"),
            Access::Denied(denial) => denial.reason,
        }
    }
}

/// An attendance terminal with its SAM in a slot.
pub(crate) struct Clock {
    pub(crate) terminal: AttendanceTerminal,
    pub(crate) sam: PsamCard<Reader>,
    pub(crate) events: InMemoryEvents,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let slot = Reader::insert(World::shared().sam_for(SamRole::Attendance, 5).unwrap());
        Self {
            terminal: AttendanceTerminal { site: site(), same_event_seconds: 120 },
            sam: World::shared().open_sam(slot).unwrap(),
            events: InMemoryEvents::new(),
        }
    }

    pub(crate) fn tap(&mut self, card: &mut dyn Transport, event: AttendanceEvent, seconds: u32) -> Attendance {
        attend(card, &mut self.sam, &self.terminal, &mut self.events, event, &tap(seconds)).unwrap()
    }
}
