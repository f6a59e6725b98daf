//! Cards and SAMs of every cipher against the host's terminals, and keys of two versions side by side.

use onecard_host::{
    card::{
        Access, LifeCycle, Pin, Selected, change_life_cycle, change_pin, external_authenticate, holder,
        internal_authenticate, key_list, reload_pin, select, unblock_pin, verify_pin,
    },
    crypto::{Key, LineKey},
    issuing::{KeyRoll, SamRole, roll_key},
    key_store::SoftwareStore,
    keys::Purpose,
    sam::{AuthenticationUse, CardFactors, Levels, LineKeyUse, PsamCard, Sam, SamError, SoftwareSam, SoftwareSamState},
    terminal::{
        Cause, InMemoryStore, IssuerKeys, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, Tap, purchase, recharge,
    },
};
use onecard_simulator::{reader::Reader, sample::Sample};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    key::{Algorithm, KeyType, KeyVersion},
    number::{ApplicationSerial, TerminalNumber},
    sam::UsageKind,
    wallet::Purse,
};

const TERMINAL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);
const ROLES: [SamRole; 5] =
    [SamRole::Till, SamRole::Recharge, SamRole::Door, SamRole::Attendance, SamRole::ServiceDesk];

const TILL: [SamRole; 2] = [SamRole::Till, SamRole::Recharge];

/// Each cipher alone, then a mixture in which no key that meets another has its cipher.
fn each_mixture(check: impl Fn(&mut Sample, &str, &dyn Fn(Purpose) -> Algorithm)) {
    let mixed = |purpose: Purpose| match purpose {
        Purpose::Purchase | Purpose::CardControl | Purpose::CardMaintenance => Algorithm::Aes,
        Purpose::Tac | Purpose::AccessAuthentication | Purpose::Rights => Algorithm::Sm4,
        purpose if purpose.follows_key_file() => Algorithm::Sm4,
        Purpose::SamMaster | Purpose::SamMaintenance | Purpose::AttendanceAuthentication => Algorithm::Aes,
        _ => Algorithm::Des,
    };
    let mixtures: [(&str, &dyn Fn(Purpose) -> Algorithm); 4] = [
        ("triple DES", &|_| Algorithm::Des),
        ("SM4", &|_| Algorithm::Sm4),
        ("AES", &|_| Algorithm::Aes),
        ("mixed", &mixed),
    ];
    for (name, algorithm) in mixtures {
        let mut sample = Sample::with_algorithms("ciphers", algorithm).unwrap();
        check(&mut sample, name, algorithm);
    }
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, 42).unwrap()
}

fn moment() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30]).unwrap()
}

fn pin() -> Pin {
    Pin::from_digits(Sample::PIN).unwrap()
}

fn key(sample: &Sample, purpose: Purpose) -> Key {
    sample.keys().card_key(serial(), purpose, Sample::KEY_VERSION).unwrap()
}

fn enter(sample: &Sample, card: &mut Reader) -> Selected {
    select(card, &aid::enterprise_application(sample.enterprise())).unwrap()
}

/// The chip, told which of its keys are of which cipher.
fn slot(sample: &mut Sample, algorithm: &dyn Fn(Purpose) -> Algorithm) -> PsamCard<Reader> {
    let chip = sample.sam(TERMINAL, &ROLES).unwrap();
    let sam = PsamCard::open(Reader::insert(chip), sample.enterprise(), Levels::Serial, Sample::KEY_VERSION).unwrap();
    [
        (UsageKind::CARD_MAINTENANCE, Purpose::Maintenance),
        (UsageKind::ACCESS_AUTHENTICATION, Purpose::AccessAuthentication),
        (UsageKind::ATTENDANCE_AUTHENTICATION, Purpose::AttendanceAuthentication),
        (UsageKind::ACCESS_APPEND, Purpose::AccessAppend),
        (UsageKind::ATTENDANCE_APPEND, Purpose::AttendanceAppend),
        (UsageKind::RIGHTS, Purpose::Rights),
    ]
    .into_iter()
    .fold(sam, |sam, (kind, purpose)| sam.with_algorithm(kind, algorithm(purpose)))
}

fn software(sample: &Sample) -> SoftwareSam {
    let state = SoftwareSamState {
        terminal: TERMINAL,
        next_sequence: 0,
        load_limit_fen: Sample::LOAD_LIMIT.fen(),
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::new(sample.keys().clone(), Sample::KEY_VERSION, state)
}

fn load(sample: &Sample, card: &mut Reader, sam: &mut dyn Sam, number: u64, key_id: u8) -> Tap {
    card.tap();
    let order = RechargeOrder {
        number: OrderNumber(number),
        enterprise: sample.enterprise(),
        purse: Purse::Ep,
        key_id,
        amount: Amount::from_fen(5_000),
        moment: moment(),
        pin: Some(pin()),
    };
    recharge(card, sam, &mut InMemoryStore::new(), &order).unwrap()
}

fn pay(sample: &Sample, card: &mut Reader, sam: &mut dyn Sam, number: u64, key_id: u8) -> Tap {
    card.tap();
    let order = PurchaseOrder {
        number: OrderNumber(number),
        enterprise: sample.enterprise(),
        purse: Purse::Ep,
        key_id,
        amount: Amount::from_fen(1_250),
        moment: moment(),
        pin: None,
    };
    purchase(card, sam, &mut InMemoryStore::new(), &order).unwrap()
}

#[test]
fn a_card_of_any_cipher_is_recharged_and_pays_by_a_sam_in_a_slot_and_in_memory() {
    each_mixture(|sample, name, algorithm| {
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let (mut slot, mut software) = (slot(sample, algorithm), software(sample));
        let tac_key = sample.keys().keys().key(Purpose::Tac, Sample::KEY_VERSION).unwrap().clone();
        let issuer = IssuerKeys::new().with(sample.enterprise(), tac_key.clone());
        let other = Algorithm::Des;
        let false_issuer = IssuerKeys::new().with(sample.enterprise(), Key::new(other, [0x31; 16]));
        let mut number = 0;
        for sam in [&mut slot as &mut dyn Sam, &mut software] {
            for step in [load, pay] {
                number += 1;
                let tap = step(sample, &mut card, sam, number, 1);
                let Outcome::Committed(receipt) = tap.outcome else { panic!("{name} {number}: {tap:?}") };
                assert_eq!(issuer.check(&receipt.settlement), Ok(()), "{name} {number}");
                assert!(false_issuer.check(&receipt.settlement).is_err(), "{name} {number}");
            }
        }
    });
}

#[test]
fn pin_holder_and_life_cycle_of_any_cipher() {
    each_mixture(|sample, name, algorithm| {
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let mut slot = slot(sample, algorithm);
        let selected = enter(sample, &mut card);
        let content = holder(&mut card, &selected, Access::WithMac(&mut slot)).unwrap();
        assert_eq!(content, sample.order().holder, "{name}");
        assert_eq!(holder(&mut card, &selected, Access::WithMac(&mut software(sample))).unwrap(), content, "{name}");

        let pins = ["222222", "333333", "4444"].map(|digits| Pin::from_digits(digits).unwrap());
        change_pin(&mut card, &selected, &pin(), &pins[0]).unwrap();
        reload_pin(&mut card, &selected, &pins[1], &key(sample, Purpose::PinReload)).unwrap();
        verify_pin(&mut card, &selected, &pins[1]).unwrap();
        unblock_pin(&mut card, &selected, &pins[2], &key(sample, Purpose::PinUnblock).into()).unwrap();
        verify_pin(&mut card, &selected, &pins[2]).unwrap();

        let mut keeper = LineKey::from(key(sample, Purpose::Maintenance));
        change_life_cycle(&mut card, LifeCycle::BlockApplication, &mut keeper).unwrap();
        assert!(select(&mut card, &aid::enterprise_application(sample.enterprise())).is_err(), "{name}");
        change_life_cycle(&mut card, LifeCycle::UnblockApplication, &mut keeper).unwrap();
        enter(sample, &mut card);
        // The right bytes for another cipher open nothing.
        for wrong in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
            let same = *key(sample, Purpose::Maintenance).expose();
            let mut other = LineKey::from(Key::new(wrong, same));
            let blocked = change_life_cycle(&mut card, LifeCycle::BlockApplication, &mut other).is_ok();
            assert_eq!(blocked, wrong == algorithm(Purpose::Maintenance), "{name} {wrong:?}");
        }
    });
}

#[test]
fn card_and_terminal_authenticate_by_any_cipher() {
    each_mixture(|sample, name, algorithm| {
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let (mut slot, mut software) = (slot(sample, algorithm), software(sample));
        let selected = enter(sample, &mut card);
        external_authenticate(&mut card, &selected, 0x01, &key(sample, Purpose::Reading).into()).unwrap();
        let factors = CardFactors { enterprise: sample.enterprise(), serial: serial() };
        let random = [0xA3, 0xBB, 0xCF, 0xC8, 1, 2, 3, 4];
        for (usage, id) in [(AuthenticationUse::Access, 0x01), (AuthenticationUse::Attendance, 0x02)] {
            let line = LineKey::from(key(sample, usage.purpose()));
            internal_authenticate(&mut card, &selected, id, &line, random).unwrap();
            let made = slot.authentication(factors, usage, Sample::KEY_VERSION, random).unwrap();
            assert!(made == software.authentication(factors, usage, Sample::KEY_VERSION, random).unwrap(), "{name}");
            assert!(made == line.internal_cryptogram(random), "{name} {usage:?}");
        }
        for usage in [LineKeyUse::AccessAppend, LineKeyUse::AttendanceAppend, LineKeyUse::Rights] {
            for length in [0, 5, 15, 16, 17, 60] {
                let message = vec![0x5C; length];
                let mac = |sam: &mut dyn Sam| sam.line_mac(factors, usage, Sample::KEY_VERSION, random, &message);
                assert_eq!(mac(&mut slot).unwrap(), mac(&mut software).unwrap(), "{name} {usage:?} {length}");
            }
        }
    });
}

#[test]
fn old_and_new_keys_stand_side_by_side_for_old_and_new_sams() {
    for next in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let mut sample = Sample::new("rolling").unwrap().with_next_keys(next).unwrap();
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let mut number = 0;
        for version in [Sample::KEY_VERSION, Sample::NEXT_KEY_VERSION] {
            let chip = sample.sam_of_versions(TERMINAL, &TILL, &[version]).unwrap();
            let mut sam = PsamCard::open(Reader::insert(chip), sample.enterprise(), Levels::Serial, version).unwrap();
            for (key_id, of) in [(0x01, Sample::KEY_VERSION), (0x02, Sample::NEXT_KEY_VERSION)] {
                for step in [load, pay] {
                    number += 1;
                    match step(&sample, &mut card, &mut sam, number, key_id).outcome {
                        Outcome::Committed(_) => assert_eq!(of, version),
                        Outcome::NotCommitted(reason) => {
                            assert_ne!(of, version, "{next:?} {reason}");
                            assert_eq!(reason.cause, Cause::Keeper(SamError::NoSuchKey));
                            assert!(reason.to_string().contains("no key of the version and cipher"), "{reason}");
                        }
                        unknown => panic!("{next:?} {key_id}: {unknown:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_key_is_rolled_on_an_issued_card_and_the_list_tells() {
    for next in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let mut sample = Sample::new("rolled").unwrap().with_next_keys(next).unwrap();
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let mut store = SoftwareStore::new(sample.keys().clone());
        let selected = enter(&sample, &mut card);
        let entry = |card: &mut Reader, key_type: KeyType, id: u8| {
            let list = key_list(card, &selected).unwrap().unwrap();
            list.into_iter().find(|entry| entry.key_type == key_type && entry.id == id).unwrap()
        };
        let algorithm = onecard_wire::key::AlgorithmId::of(next).0;
        let second = entry(&mut card, KeyType::PURCHASE, 0x02);
        assert_eq!((second.version, second.algorithm), (0x02, algorithm));
        assert_eq!(entry(&mut card, KeyType::PURCHASE, 0x01).version, 0x01);
        // The third of its kind, then the new key in the old one's place.
        for (id, replaces) in [(0x03, false), (0x01, true)] {
            let roll = KeyRoll { purpose: Purpose::Purchase, id, version: Sample::NEXT_KEY_VERSION, replaces };
            roll_key(&mut card, &selected, &mut store, Sample::KEY_VERSION, &roll).unwrap();
            let now = entry(&mut card, KeyType::PURCHASE, id);
            assert_eq!((now.version, now.algorithm), (0x02, algorithm));
        }
        let chip = sample.sam_of_versions(TERMINAL, &TILL, &[KeyVersion(1), KeyVersion(2)]).unwrap();
        let mut sam = PsamCard::open(Reader::insert(chip), sample.enterprise(), Levels::Serial, KeyVersion(1)).unwrap();
        assert!(matches!(load(&sample, &mut card, &mut sam, 1, 0x01).outcome, Outcome::Committed(_)));
        for key_id in [0x01, 0x03] {
            let tap = pay(&sample, &mut card, &mut sam, 2 + u64::from(key_id), key_id);
            assert!(matches!(tap.outcome, Outcome::Committed(_)), "{tap:?}");
        }
    }
}
