#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use onecard_wire::{
    key::KeyVersion,
    record::{AccessRight, CardStatus, EventCode, EventRecord, PublicData, Zone},
    status::StatusWord,
};

use super::*;
use crate::{
    apdu::CommandName,
    blacklist::ListVersion,
    keys::Purpose,
    presence::{
        AppendError, InMemoryEvents, OnCard, Standing, Unfit,
        tests::model_card::{
            Fault, ModelCard, TERMINAL, VERSION, at, date, enterprise, factors, sam_of, serial, site, tap,
        },
    },
    sam::{SamError, SoftwareSam},
    terminal::{Language, MarkError},
    transport::{Transport, TransportError},
};

const ZONE: Zone = Zone(0x0007);
const DOOR_KEYS: [Purpose; 3] = [Purpose::AccessAuthentication, Purpose::AccessAppend, Purpose::Rights];

fn door(direction: Direction, grants: GrantLog) -> Door {
    let schedules = "[[row]]\nnumber = 1\ndays = [\"wed\"]\nwindows = [\"08:00-18:00\"]";
    Door {
        site: site(),
        zone: ZONE,
        direction,
        schedules: toml::from_str(schedules).unwrap(),
        card_log: CardLog { grants, denials: false },
    }
}

fn terms() -> RightTerms {
    RightTerms {
        zone: ZONE,
        schedule: 0,
        anti_passback: false,
        valid_from: date("2026-11-01"),
        valid_to: date("2026-11-30"),
    }
}

fn sealed(number: u64, terms: &RightTerms) -> AccessRight {
    sealed_right(&mut sam_of(&[Purpose::Rights], &[VERSION]), factors(number), VERSION, terms).unwrap()
}

fn card_with(rights: &[AccessRight]) -> ModelCard {
    let mut card = ModelCard::new(1);
    for (slot, right) in card.rights.iter_mut().zip(rights) {
        *slot = right.emit();
    }
    card
}

/// A door with all that belongs to it.
struct Entrance {
    door: Door,
    sam: SoftwareSam,
    events: InMemoryEvents,
    passback: PassbackLedger,
}

impl Entrance {
    fn new(direction: Direction, grants: GrantLog) -> Self {
        Self {
            door: door(direction, grants),
            sam: sam_of(&DOOR_KEYS, &[VERSION]),
            events: InMemoryEvents::new(),
            passback: PassbackLedger::new(),
        }
    }

    fn tap(&mut self, card: &mut impl Transport, time: &str) -> Access {
        let mut records = Records { events: &mut self.events, passback: &mut self.passback };
        access(card, &mut self.sam, &self.door, &mut records, &tap(time)).unwrap()
    }

    fn denied(&mut self, card: &mut impl Transport, time: &str) -> Denied {
        match self.tap(card, time) {
            Access::Denied(denial) => denial.reason,
            Access::Granted(grant) => panic!("granted: {grant:?}"),
        }
    }

    fn granted(&mut self, card: &mut impl Transport, time: &str) -> Grant {
        match self.tap(card, time) {
            Access::Granted(grant) => grant,
            Access::Denied(denial) => panic!("{denial}"),
        }
    }
}

fn entrance() -> Entrance {
    Entrance::new(Direction::In, GrantLog::Off)
}

#[test]
fn three_commands_open_a_door_and_five_log_on_the_card() {
    let right = sealed(1, &terms());
    let mut card = card_with(&[right]);
    let grant = entrance().granted(&mut card, "09:00:00");
    assert_eq!((grant.card, grant.right), (serial(1), right));
    assert_eq!(card.commands(), [0xA4, 0x88, 0xB0]);

    let mut logging = Entrance::new(Direction::In, GrantLog::Required);
    let grant = logging.granted(&mut card, "09:00:01");
    assert_eq!(card.commands(), [0xA4, 0x88, 0xB0, 0x84, 0xE2]);
    let record = EventRecord { terminal: TERMINAL, moment: at("09:00:01"), event: EventCode::ACCESS_IN, counter: 1 };
    assert_eq!(card.logs[0], [record]);
    assert_eq!(grant.event.standing, Standing::Counts(OnCard::Written));
    assert_eq!(logging.events.events().collect::<Vec<_>>(), [&grant.event]);
}

#[test]
fn each_denial_has_its_reason() {
    let denied = |terms: RightTerms| entrance().denied(&mut card_with(&[sealed(1, &terms)]), "19:00:00");
    assert_eq!(denied(RightTerms { zone: Zone(8), ..terms() }), Denied::NoRight);
    assert_eq!(
        denied(RightTerms { valid_from: date("2026-11-26"), ..terms() }),
        Denied::RightNotYetValid { from: date("2026-11-26") }
    );
    assert_eq!(
        denied(RightTerms { valid_to: date("2026-11-24"), ..terms() }),
        Denied::RightExpired { on: date("2026-11-24") }
    );
    assert_eq!(denied(RightTerms { schedule: 1, ..terms() }), Denied::OutsideSchedule { row: 1 });
    assert_eq!(denied(RightTerms { schedule: 2, ..terms() }), Denied::UnknownSchedule { row: 2 });
    assert_eq!(entrance().denied(&mut ModelCard::new(1), "19:00:00"), Denied::NoRight);
    // The last day counts, and so does the first; and FFFF is every zone.
    for terms in [
        RightTerms { valid_to: date("2026-11-25"), ..terms() },
        RightTerms { valid_from: date("2026-11-25"), ..terms() },
        RightTerms { zone: Zone::ALL, ..terms() },
        RightTerms { schedule: 1, ..terms() },
    ] {
        entrance().granted(&mut card_with(&[sealed(1, &terms)]), "09:00:00");
    }
}

#[test]
fn the_card_itself_must_be_good() {
    let right = sealed(1, &terms());
    let denied = |change: &dyn Fn(&mut ModelCard)| {
        let mut card = card_with(&[right]);
        change(&mut card);
        let reason = entrance().denied(&mut card, "09:00:00");
        let Denied::Card(unfit) = reason else { panic!("{reason:?}") };
        (unfit, card.commands())
    };
    let other = "2000000000000002".parse().unwrap();
    assert_eq!(denied(&|card| card.public_data.enterprise = other), (Unfit::OtherEnterprise, vec![0xA4, 0x88]));
    let (from, on) = (date("2026-11-26"), date("2026-11-24"));
    assert_eq!(denied(&|card| card.public_data.valid_from = from).0, Unfit::NotYetValid { from });
    assert_eq!(denied(&|card| card.public_data.valid_to = on).0, Unfit::Expired { on });
    for status in [CardStatus::SUSPENDED, CardStatus::LOST] {
        let found = denied(&|card| card.parameters.status = status);
        assert_eq!(found, (Unfit::Status(status), vec![0xA4, 0x88, 0xB0]));
        // A card as bought does not refuse by itself.
        let found = denied(&|card| {
            card.parameters.status = status;
            card.public_data.version = 1;
        });
        assert_eq!(found, (Unfit::Status(status), vec![0xA4, 0x88, 0xB0]));
    }
    // Refused without a status that explains it.
    let refused = denied(&|card| card.fault = Some((0x88, Fault::Forged(vec![0x69, 0x85])))).0;
    let status = StatusWord::CONDITIONS_NOT_SATISFIED;
    assert_eq!(refused, Unfit::Refused { command: CommandName::InternalAuthenticate, status });
    assert!(matches!(denied(&|card| card.fault = Some((0x88, Fault::LostAnswer))).0, Unfit::NoAnswer { .. }));
    assert!(matches!(denied(&|card| card.fault = Some((0xA4, Fault::LostCommand))).0, Unfit::Select(_)));
    assert!(matches!(denied(&|card| card.fault = Some((0xB0, Fault::LostCommand))).0, Unfit::Read(_)));
    assert!(matches!(denied(&|card| card.fault = Some((0xB0, Fault::Forged(vec![0; 18])))).0, Unfit::Read(_)));
}

#[test]
fn a_listed_card_and_a_withdrawn_right_open_nothing() {
    let right = sealed(1, &terms());
    let mut entrance = entrance();
    entrance.door.site.deny_list.deny_card(serial(1));
    assert_eq!(entrance.denied(&mut card_with(&[right]), "09:00:00"), Denied::Card(Unfit::Listed));
    entrance.door.site.deny_list.admit_card(serial(1));
    entrance.door.site.deny_list.withdraw(serial(1), &right);
    assert_eq!(entrance.denied(&mut card_with(&[right]), "09:00:00"), Denied::Withdrawn);
    // Another right of the same card is another right, and it is the last day that ends the entry.
    let until_later = sealed(1, &RightTerms { valid_to: date("2026-12-31"), ..terms() });
    entrance.granted(&mut card_with(&[right, until_later]), "09:00:00");
    entrance.door.site.deny_list.forget_before(date("2026-11-30"));
    assert_eq!(entrance.denied(&mut card_with(&[right]), "09:00:00"), Denied::Withdrawn);
    entrance.door.site.deny_list.forget_before(date("2026-12-01"));
    assert!(entrance.door.site.deny_list.is_empty());
    entrance.door.site.deny_list.withdraw(serial(1), &right);
    entrance.door.site.deny_list.give_back(serial(1), &right);
    entrance.granted(&mut card_with(&[right]), "09:00:00");
}

#[test]
fn only_rights_with_the_issuers_mac_count() {
    let right = sealed(1, &terms());
    for byte in 0..AccessRight::LEN {
        let mut entry = right.emit();
        // Longer validity, another schedule, another zone of the two this door opens to.
        entry[byte] ^= 0x01;
        let mut card = ModelCard::new(1);
        card.rights[3] = entry;
        entrance().denied(&mut card, "09:00:00");
    }
    let lengthened = AccessRight { valid_to: date("2030-12-31"), ..right };
    let everywhere = AccessRight { zone: Zone::ALL, ..right };
    for forged in [lengthened, everywhere, sealed(2, &terms())] {
        assert_eq!(entrance().denied(&mut card_with(&[forged]), "09:00:00"), Denied::Forged);
        // A forged one does not spoil a good one.
        entrance().granted(&mut card_with(&[forged, right]), "09:00:00");
    }
    // The reason is that of rights which count.
    let later = sealed(1, &RightTerms { schedule: 1, ..terms() });
    assert_eq!(entrance().denied(&mut card_with(&[lengthened, later]), "19:00:00"), Denied::OutsideSchedule { row: 1 });
}

#[test]
fn out_is_needed_before_in_among_the_doors_of_a_zone() {
    let right = sealed(1, &RightTerms { anti_passback: true, schedule: 1, ..terms() });
    let (mut front, mut back) = (entrance(), entrance());
    let mut exit = Entrance::new(Direction::Out, GrantLog::Off);
    let mut card = card_with(&[right]);
    front.granted(&mut card, "09:00:00");
    // The zone's doors share one ledger.
    back.passback = front.passback.clone();
    assert_eq!(back.denied(&mut card, "09:01:00"), Denied::Inside { since: at("09:00:00") });
    assert_eq!(back.passback.inside(ZONE).collect::<Vec<_>>(), [(serial(1), at("09:00:00"))]);
    // Out at any hour, in the ledger or not.
    exit.passback = back.passback.clone();
    exit.granted(&mut card, "23:00:00");
    exit.granted(&mut card, "23:00:01");
    back.passback = exit.passback.clone();
    back.granted(&mut card, "10:00:00");
    back.passback.reset(Zone(8));
    back.denied(&mut card, "10:01:00");
    back.passback.reset(ZONE);
    back.granted(&mut card, "10:02:00");
    back.passback.left(ZONE, serial(1));
    back.granted(&mut card, "10:03:00");
    // Another zone is another ledger's row; and a right without the flag is not asked.
    let mut elsewhere = entrance();
    elsewhere.passback = back.passback.clone();
    elsewhere.door.zone = Zone(8);
    let anywhere = RightTerms { zone: Zone::ALL, anti_passback: true, ..terms() };
    elsewhere.granted(&mut card_with(&[sealed(1, &anywhere)]), "10:04:00");
    back.granted(&mut card_with(&[sealed(1, &terms())]), "10:05:00");
}

#[test]
fn a_card_that_does_not_log() {
    let right = sealed(1, &terms());
    let faults = [
        (0x84, Fault::LostCommand, OnCard::NotWritten),
        (0x84, Fault::Forged(vec![0x6A, 0x81]), OnCard::NotWritten),
        (0xE2, Fault::Forged(vec![0x69, 0x88]), OnCard::NotWritten),
        (0xE2, Fault::Forged(vec![0x65, 0x81]), OnCard::Unknown),
        (0xE2, Fault::LostAnswer, OnCard::Unknown),
    ];
    for (ins, fault, expected) in faults {
        let mut card = card_with(&[right]);
        card.fault = Some((ins, fault.clone()));
        let mut entrance = Entrance::new(Direction::In, GrantLog::IfPossible);
        let grant = entrance.granted(&mut card, "09:00:00");
        assert_eq!(grant.event.standing, Standing::Counts(expected), "{fault:?}");

        card.fault = Some((ins, fault));
        let mut entrance = Entrance::new(Direction::In, GrantLog::Required);
        assert!(matches!(entrance.denied(&mut card, "09:00:00"), Denied::NotLogged(_)));
        assert!(matches!(entrance.events.events().next().unwrap().standing, Standing::Void(_)));
        assert_eq!(entrance.passback.inside_since(ZONE, serial(1)), None, "nobody went in");
    }
}

#[test]
fn a_denial_is_logged_where_asked_and_always_in_the_journal() {
    let mut card = ModelCard::new(1);
    let mut entrance = entrance();
    entrance.denied(&mut card, "09:00:00");
    assert_eq!(card.commands().len(), 3);
    entrance.door.card_log.denials = true;
    let Access::Denied(denial) = entrance.tap(&mut card, "09:00:01") else { panic!("no right") };
    assert_eq!(card.commands(), [0xA4, 0x88, 0xB0, 0x84, 0xE2]);
    let record =
        EventRecord { terminal: TERMINAL, moment: at("09:00:01"), event: EventCode::ACCESS_DENIED, counter: 2 };
    assert_eq!(card.logs[0], [record]);
    assert_eq!(denial.event.unwrap().standing, Standing::Counts(OnCard::Written));
    // A card that is not genuine is not asked to write.
    card.keys_of = serial(2);
    entrance.denied(&mut card, "09:00:02");
    assert_eq!(card.commands(), [0xA4, 0x88]);
    let notes: Vec<_> = entrance.events.events().map(|event| event.what.note.clone().unwrap()).collect();
    assert_eq!(notes.len(), 3);
    assert!(notes[0].contains("no right") && notes[2].contains("genuine"), "{notes:?}");
}

/// Attack 11: what an emulator can know is everything that was ever on the radio.
#[test]
fn attack_11_an_emulator_opens_no_door() {
    struct Emulator {
        heard: Vec<(Vec<u8>, Vec<u8>)>,
    }
    impl Transport for Emulator {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            // The same question has the answer that was heard; any other the one to the same instruction, or 9000.
            let same = self.heard.iter().find(|(asked, _)| asked == command);
            let alike = self.heard.iter().find(|(asked, _)| asked[1] == command[1]);
            Ok(same.or(alike).map_or(vec![0x90, 0x00], |(_, answer)| answer.clone()))
        }
    }
    struct Listening<'c>(&'c mut ModelCard, Vec<(Vec<u8>, Vec<u8>)>);
    impl Transport for Listening<'_> {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let answer = self.0.transmit(command)?;
            self.1.push((command.to_vec(), answer.clone()));
            Ok(answer)
        }
    }
    let mut card = card_with(&[sealed(1, &terms())]);
    let mut entrance = Entrance::new(Direction::In, GrantLog::Required);
    let mut listening = Listening(&mut card, Vec::new());
    entrance.granted(&mut listening, "09:00:00");
    let mut emulator = Emulator { heard: listening.1 };
    assert_eq!(emulator.heard.len(), 5);
    assert_eq!(entrance.denied(&mut emulator, "09:00:01"), Denied::Card(Unfit::NotGenuine));
    emulator.heard.retain(|(command, _)| command[1] == 0xA4);
    assert_eq!(entrance.denied(&mut emulator, "09:00:02"), Denied::Card(Unfit::NotGenuine));
    // Every file copied onto another genuine card of the enterprise.
    let copy = ModelCard { keys_of: serial(2), ..card };
    assert_eq!(entrance.denied(&mut copy.clone(), "09:00:03"), Denied::Card(Unfit::NotGenuine));
}

#[test]
fn keys_may_roll_and_a_sam_without_them_says_so() {
    let mut card = card_with(&[sealed(1, &terms())]);
    let mut entrance = entrance();
    entrance.door.site.key_versions = vec![KeyVersion(2), VERSION];
    entrance.granted(&mut card, "09:00:00");
    entrance.sam = sam_of(&DOOR_KEYS, &[VERSION, KeyVersion(2)]);
    entrance.granted(&mut card, "09:00:01");
    card.version = KeyVersion(2);
    entrance.granted(&mut card, "09:00:02");
    entrance.sam = sam_of(&DOOR_KEYS, &[VERSION]);
    assert_eq!(entrance.denied(&mut card, "09:00:03"), Denied::Card(Unfit::NotGenuine));
    entrance.door.site.key_versions = vec![KeyVersion(3)];
    assert_eq!(entrance.denied(&mut card, "09:00:04"), Denied::Card(Unfit::Keeper(SamError::NoSuchKey)));
    assert_eq!(card.commands().last(), Some(&0xA4), "nothing is asked of the card without a key");
    entrance.door.site.key_versions = vec![VERSION];
    card.version = VERSION;
    entrance.sam = sam_of(&[Purpose::AccessAuthentication], &[VERSION]);
    assert_eq!(entrance.denied(&mut card, "09:00:05"), Denied::Keeper(SamError::NoSuchKey));
}

#[test]
fn the_service_desk_writes_and_clears_a_slot() {
    let mut keeper = sam_of(&[Purpose::Maintenance], &[VERSION]);
    let mut card = ModelCard::new(1);
    let application = crate::card::select(&mut card, &onecard_wire::aid::enterprise_application(enterprise())).unwrap();
    let right = sealed(1, &terms());
    let last = Slot::new(13).unwrap();
    assert_eq!((Slot::new(14), Slot::all().count()), (None, 14));
    write_access_right(&mut card, &application, &mut keeper, last, &right).unwrap();
    assert_eq!(access_rights(&mut card, &application).unwrap()[13], Some(right));
    entrance().granted(&mut card, "09:00:00");
    clear_access_right(&mut card, &application, &mut keeper, last).unwrap();
    assert_eq!(entrance().denied(&mut card, "09:00:00"), Denied::NoRight);

    let write = |card: &mut ModelCard, keeper: &mut SoftwareSam| {
        write_access_right(card, &application, keeper, last, &right).unwrap_err()
    };
    let none = write(&mut card, &mut sam_of(&[], &[]));
    assert_eq!(none, RightError::NoMac { serial: serial(1), source: SamError::NoSuchKey });
    card.keys_of = serial(2);
    assert!(matches!(write(&mut card, &mut keeper), RightError::Refused { .. }));
    card.keys_of = serial(1);
    card.fault = Some((0xD6, Fault::Forged(vec![0x90, 0x00])));
    assert_eq!(write(&mut card, &mut keeper), RightError::Different { serial: serial(1), slot: 13 });
    card.fault = Some((0xD6, Fault::LostAnswer));
    assert!(matches!(write(&mut card, &mut keeper), RightError::Exchange { .. }));
    card.fault = Some((0xB0, Fault::LostAnswer));
    assert!(matches!(write(&mut card, &mut keeper), RightError::NotReadBack(_)));
}

#[test]
fn reasons_in_both_languages() {
    let command = CommandName::Write;
    let status = StatusWord::SM_DATA_WRONG;
    let reasons = [
        Denied::Card(Unfit::NotGenuine),
        Denied::Card(Unfit::Keeper(SamError::NoSuchKey)),
        Denied::Card(Unfit::Status(CardStatus::LOST)),
        Denied::Card(Unfit::Status(CardStatus::SUSPENDED)),
        Denied::Card(Unfit::OtherEnterprise),
        Denied::Card(Unfit::NotYetValid { from: date("2026-11-26") }),
        Denied::Card(Unfit::Expired { on: date("2026-11-24") }),
        Denied::Card(Unfit::Listed),
        Denied::Card(Unfit::Blacklisted { version: ListVersion([0x20; 7]), unmarked: None }),
        Denied::Card(Unfit::Blacklisted {
            version: ListVersion([0x20; 7]),
            unmarked: Some(MarkError::Keeper(SamError::NoSuchKey)),
        }),
        Denied::Card(Unfit::Refused { command, status }),
        Denied::NoRight,
        Denied::Forged,
        Denied::Withdrawn,
        Denied::RightNotYetValid { from: date("2026-11-26") },
        Denied::RightExpired { on: date("2026-11-24") },
        Denied::UnknownSchedule { row: 9 },
        Denied::OutsideSchedule { row: 9 },
        Denied::Inside { since: at("09:00:00") },
        Denied::Keeper(SamError::NotSupported),
        Denied::NotLogged(AppendError::Refused { command, status }),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for reason in reasons {
        let denial = Denial { card: Some(serial(1)), reason, event: None };
        let (english, chinese) = (denial.text(Language::English), denial.text(Language::Chinese));
        assert!(english.starts_with("No entry. Card 3100100000000") && english.ends_with('.'), "{english}");
        assert!(english.is_ascii() && !english.contains(".."), "{english}");
        assert!(chinese.starts_with("禁止通行。卡3100100000000") && chinese.ends_with('。'), "{chinese}");
        assert_eq!(denial.to_string(), english);
        assert!(seen.insert(english) && seen.insert(chinese));
    }
    let nobody = Denial { card: None, reason: Denied::NoRight, event: None };
    assert!(nobody.text(Language::Chinese).starts_with("禁止通行。该卡："));
}

#[test]
fn a_plain_card_without_parameters_has_no_status_to_enforce() {
    let mut card = card_with(&[sealed(1, &terms())]);
    card.public_data.version = PublicData::VERSION_OWN - 1;
    card.fault = Some((0xB0, Fault::Forged(vec![0x6A, 0x82])));
    entrance().granted(&mut card, "09:00:00");
}

#[test]
fn a_passback_ledger_is_read_back_or_refused() {
    let mut ledger = PassbackLedger::new();
    ledger.entered(ZONE, serial(1), at("09:00:00"));
    ledger.entered(ZONE, serial(2), at("09:00:01"));
    ledger.entered(Zone(8), serial(1), at("09:00:02"));
    let text = serde_json::to_string(&ledger).unwrap();
    assert_eq!(serde_json::from_str::<PassbackLedger>(&text).unwrap(), ledger);
    let of = |number| serial(number).to_string();
    let expected = format!(
        r#"{{"version":1,"inside":[{{"zone":7,"card":"{}","since":"20261125090000"}},{{"zone":7,"card":"{}","since":"20261125090001"}},"#,
        of(1),
        of(2)
    );
    assert!(text.starts_with(&expected), "{text}");
    for (from, to) in [
        (r#""version":1"#.to_owned(), r#""version":2"#.to_owned()),
        (r#""version":1,"#.to_owned(), String::new()),
        (r#""version":1"#.to_owned(), r#""version":1,"more":1"#.to_owned()),
        (r#""zone":7"#.to_owned(), r#""zone":65536"#.to_owned()),
        (r#""zone":7"#.to_owned(), r#""zone":7,"door":1"#.to_owned()),
        (of(1), "1".to_owned()),
        (of(2), of(1)),
        ("20261125090000".to_owned(), "20261125240000".to_owned()),
    ] {
        assert!(text.contains(&from), "{from} in {text}");
        assert!(serde_json::from_str::<PassbackLedger>(&text.replacen(&from, &to, 1)).is_err(), "{to}");
    }
}
