//! Recharges of many cards.

use std::collections::BTreeMap;

use onecard_gateway::campaign::{
    Ending, Engine, EnterpriseDesk, Flow, NewCard, NewTask, OperatorKeys, OrderError, PhoneError, SetCipher, Settings,
    Store, StoreError, UnixMillis,
};
use onecard_host::{
    card::{balance, select},
    over_the_air::{
        SetVersion,
        message::Address,
        recharge::{Patience, Recharge, RechargeTerms},
    },
};
use onecard_simulator::{
    reader::{Interface, Reader},
    sample::{OTA_VERSION, Sample},
};
use onecard_wire::{
    aid,
    amount::Amount,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    uicc,
    wallet::Purse,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::direct::Direct;

pub(crate) const NOON: UnixMillis = UnixMillis(1_795_924_800_000);

pub(crate) struct World {
    pub(crate) sample: Sample,
    pub(crate) carrier: Direct,
    serials: BTreeMap<String, ApplicationSerial>,
}

pub(crate) fn enterprise() -> EnterpriseId {
    Sample::ENTERPRISE.parse().unwrap()
}

pub(crate) fn phone(number: u32) -> String {
    format!("+86138{number:08}")
}

pub(crate) fn iccid(number: u32) -> String {
    format!("8986011234{number:09}")
}

impl World {
    pub(crate) fn of(cards: u32) -> Self {
        let mut sample = Sample::new("campaign").unwrap();
        let mut carrier = Direct::default();
        carrier.room = 16;
        let mut serials = BTreeMap::new();
        for number in 0..cards {
            let serial = ApplicationSerial::from_parts(31, 1, u64::from(number)).unwrap();
            let chip = sample.sim(uicc::iccid(&iccid(number)).unwrap()).unwrap();
            let chip = sample.install(chip, enterprise(), serial).unwrap();
            carrier.phones.insert(phone(number), Reader::insert_at(chip, Interface::Contact));
            serials.insert(phone(number), serial);
        }
        Self { sample, carrier, serials }
    }

    pub(crate) fn desk(&self) -> EnterpriseDesk<'static> {
        EnterpriseDesk::new(vec![self.sample.roots().enterprise(enterprise())])
    }

    pub(crate) fn keys(&self) -> OperatorKeys {
        OperatorKeys::new(self.sample.operators_keys().roots.clone(), Sample::KEY_VERSION)
    }

    /// Balances by radio.
    pub(crate) fn balances(self) -> Vec<Amount> {
        let phones = self.carrier.phones.into_iter();
        let by_radio = phones.map(|(phone, reader)| {
            let mut reader = Reader::insert(reader.remove());
            let card = select(&mut reader, &aid::enterprise_application(enterprise())).unwrap();
            assert_eq!(card.serial(), self.serials[&phone]);
            balance(&mut reader, &card, Purse::Ep).unwrap()
        });
        by_radio.collect()
    }
}

pub(crate) fn amount(number: u32) -> Amount {
    Amount::from_fen(1_000 + number)
}

pub(crate) fn tasks(cards: u32) -> Vec<NewTask> {
    let task = |number: u32| {
        let terms = RechargeTerms {
            enterprise: enterprise(),
            purse: Purse::Ep,
            key_id: 0x11,
            amount: amount(number),
            terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
        };
        let serial = ApplicationSerial::from_parts(31, 1, u64::from(number)).unwrap();
        NewTask {
            order_number: format!("R{number}"),
            card: NewCard {
                iccid: iccid(number),
                phone: phone(number).parse().unwrap(),
                key_set: SetVersion::new(OTA_VERSION).unwrap(),
                cipher: SetCipher::Aes,
                counter: 0,
            },
            flow: Flow::Recharge {
                serial,
                recharge: Recharge::begin(terms, Patience { packets: 8, credits: 4 }).unwrap(),
            },
            not_before: NOON,
        }
    };
    (0..cards).map(task).collect()
}

#[test]
fn every_card_is_recharged_once() {
    let mut world = World::of(30);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.db");
    let mut store = Store::create(&path).unwrap();
    let campaign = store.new_campaign("recharge", &Settings::DEFAULT, tasks(30)).unwrap();
    let mut engine = Engine::new(store, world.keys(), world.desk());
    let mut now = NOON;
    for _ in 0..20 {
        engine.turn(now, &mut world.carrier).unwrap();
        now = now.plus(10);
    }
    let counts = engine.store().counts(campaign).unwrap();
    let total: u64 = (0..30).map(|number| u64::from(amount(number).fen())).sum();
    assert_eq!((counts.committed, counts.committed_fen, counts.packets), (30, total, 60), "{counts:?}");
    assert_eq!(engine.next_due(now).unwrap(), None);
    assert_eq!(world.carrier.sent, 60);
    assert_eq!(world.balances(), (0..30).map(amount).collect::<Vec<_>>());
}

/// Messages and proofs are lost and repeated, and the gateway is killed at any turn.
#[test]
fn a_bad_network_and_a_killed_gateway() {
    const CARDS: u32 = 60;
    let mut world = World::of(CARDS);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut fates = ChaCha8Rng::seed_from_u64(2);
    world.carrier.fate = Some(Box::new(move || {
        let copies = [0, 1, 1, 1, 1, 1, 2, 3][fates.random_range(0..8)];
        (copies, fates.random_bool(0.8))
    }));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.db");
    let mut store = Store::create(&path).unwrap();
    let campaign = store.new_campaign("recharge", &Settings::DEFAULT, tasks(CARDS)).unwrap();
    let mut engine = Engine::new(store, world.keys(), world.desk());
    let (mut now, mut kills) = (NOON, 0);
    while let Some(due) = engine.next_due(now).unwrap() {
        let turn = engine.turn(now, &mut world.carrier).unwrap();
        now = if turn.messages > 0 { now.plus(10) } else { due.max(now.plus(10)) };
        if random.random_bool(0.25) {
            kills += 1;
            drop(engine);
            engine = Engine::new(Store::open(&path).unwrap(), world.keys(), world.desk());
        }
    }
    assert!(kills > 5, "{kills}");
    let counts = engine.store().counts(campaign).unwrap();
    assert_eq!(counts.committed + counts.not_committed, u64::from(CARDS), "{counts:?}");
    let mut expected = BTreeMap::new();
    engine
        .store()
        .each_ended::<StoreError>(campaign, |ended| {
            let number: u32 = ended.order_number[1..].parse().unwrap();
            let credited = if ended.ending == Ending::Committed { amount(number) } else { Amount::ZERO };
            assert_eq!(ended.amount_fen, Some(amount(number).fen()));
            expected.insert(number, credited);
            Ok(())
        })
        .unwrap();
    assert_eq!(world.balances(), expected.into_values().collect::<Vec<_>>());
    assert!(counts.committed > u64::from(CARDS) * 9 / 10, "{counts:?}");
}

#[test]
fn a_list_is_taken_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.db");
    let mut store = Store::create(&path).unwrap();
    let mut list = tasks(5);
    list[4].order_number = "R0".to_owned();
    let error = store.new_campaign("recharge", &Settings::DEFAULT, list).unwrap_err();
    assert!(matches!(error, OrderError::Repeated(number) if number == "R0"));
    assert_eq!(store.campaigns().unwrap(), []);
    let mut list = tasks(5);
    list[3].card.phone = phone(0).parse().unwrap();
    assert!(matches!(store.new_campaign("a", &Settings::DEFAULT, list), Err(OrderError::PhoneTaken { .. })));
    let mut list = tasks(5);
    list[3].card.iccid = "89860112".to_owned();
    assert!(matches!(store.new_campaign("a", &Settings::DEFAULT, list), Err(OrderError::Iccid { .. })));
    store.new_campaign("a", &Settings::DEFAULT, tasks(5)).unwrap();
    assert!(matches!(store.new_campaign("a", &Settings::DEFAULT, tasks(0)), Err(OrderError::CampaignTaken(_))));
    let mut list = tasks(5);
    list[3].card.cipher = SetCipher::TripleDes;
    assert!(matches!(store.new_campaign("b", &Settings::DEFAULT, list), Err(OrderError::OtherCard { .. })));
    // One gateway at a time; whoever looks does not disturb it.
    assert!(matches!(Store::open(&path), Err(StoreError::InUse(_))));
    assert_eq!(Store::look(&path).unwrap().campaigns().unwrap().len(), 1);
    drop(store);
    Store::open(&path).unwrap();
    assert!(matches!(Store::create(&path), Err(StoreError::Exists(_))));
    let other = directory.path().join("other");
    std::fs::write(&other, b"something else, which is long enough to be looked at").unwrap();
    assert!(matches!(Store::open(&other), Err(StoreError::NotOurs(_))));
}

/// A SIM is replaced under the same number, and another gets a new number.
#[test]
fn a_number_goes_to_the_card_that_replaces_another() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(&directory.path().join("gateway.db")).unwrap();
    let campaign = store.new_campaign("a", &Settings::DEFAULT, tasks(2)).unwrap();
    let card = |number: usize| tasks(2)[number].card.clone();
    // Another card's number; a card that is not there.
    let taken = store.set_phone(&card(0).iccid, &card(1).phone).unwrap_err();
    assert!(matches!(taken, PhoneError::Taken { iccid, .. } if iccid == card(1).iccid));
    let moved: Address = "+8613999999999".parse().unwrap();
    for changed in [store.set_phone("8986", &moved), store.take_out_of_service("8986")] {
        assert!(matches!(changed.unwrap_err(), PhoneError::Store(StoreError::NoCard(_))));
    }
    // Its order has not ended.
    let open = store.take_out_of_service(&card(1).iccid).unwrap_err();
    assert!(matches!(open, PhoneError::NotEnded { orders: 1, .. }), "{open}");
    store.set_phone(&card(1).iccid, &moved).unwrap();
    let order = |order_number: &str, card: NewCard| {
        let mut task = tasks(1).remove(0);
        (task.order_number, task.card) = (order_number.to_owned(), card);
        vec![task]
    };
    let known = store.new_campaign("b", &Settings::DEFAULT, order("R", card(1))).unwrap_err();
    assert!(matches!(known, OrderError::OtherCard { what: "telephone", .. }), "{known}");
    assert_eq!(store.counts(campaign).unwrap().waiting, 2);

    let empty = directory.path().join("empty.db");
    let mut store = Store::create(&empty).unwrap();
    store.new_campaign("a", &Settings::DEFAULT, tasks(1)).unwrap();
    rusqlite::Connection::open(&empty).unwrap().execute("UPDATE task SET stage = 3, ending = 2", []).unwrap();
    let unknown = store.take_out_of_service(&card(0).iccid).unwrap_err();
    assert!(matches!(unknown, PhoneError::NotEnded { orders: 1, .. }), "{unknown}");
    rusqlite::Connection::open(&empty).unwrap().execute("UPDATE task SET ending = 1", []).unwrap();
    store.take_out_of_service(&card(0).iccid).unwrap();
    let out = store.new_campaign("b", &Settings::DEFAULT, order("R", card(0))).unwrap_err();
    assert!(matches!(out, OrderError::OutOfService { .. }), "{out}");
    // The new one has its number, and it comes back under another.
    let new = NewCard { iccid: "8986011234999999999".to_owned(), ..card(0) };
    store.new_campaign("b", &Settings::DEFAULT, order("R", new)).unwrap();
    let taken = store.set_phone(&card(0).iccid, &card(0).phone).unwrap_err();
    assert!(matches!(taken, PhoneError::Taken { .. }), "{taken}");
    store.set_phone(&card(0).iccid, &moved).unwrap();
    let again = NewCard { phone: moved, ..card(0) };
    store.new_campaign("c", &Settings::DEFAULT, order("R", again)).unwrap();
}
