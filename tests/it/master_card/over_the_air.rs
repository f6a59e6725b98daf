//! A campaign whose applications a key master card and an issuing SAM make, without a key of the enterprise at the gateway.

use std::{path::Path, time::Duration};

use onecard_gateway::campaign::{
    ApplicationContent, CampaignId, Ended, Ending, Engine, EnterpriseDesk, FirstPin, Flow, IssuingOffice,
    KeyMasterAndSam, NewCard, NewTask, OperatorKeys, SetCipher, Settings, StageCounts, Store, StoreError, UnixMillis,
};
use onecard_host::{
    card::{Access, Pin, holder, select, verify_pin},
    issuing::SamRole,
    key_master::{CeremonyKeys, LoadAllowance, LogEvent, move_allowance},
    keys::Purpose,
    over_the_air::{
        SetVersion, Tries,
        issue::install_command,
        recharge::{KEY_ID_MIN, Patience, Recharge, RechargeTerms},
    },
    sam::{Levels, PsamCard},
};
use onecard_simulator::{
    chip::Chip,
    message_centre::{
        faults::{Chance, Faults},
        network::{self, Network},
    },
    reader::Reader,
    sample::{OTA_VERSION, Sample},
};
use onecard_tests::simulated_carrier::{LinkTerms, SimulatedCarrier};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, TerminalNumber},
    record::Holder,
    uicc,
    wallet::Purse,
};

use super::{office::Pair, whole::sells};
use crate::washing::stand::ALGORITHMS;

const START: UnixMillis = UnixMillis(1_795_910_400_000);
const TRIES: Tries = Tries { packets: 10, attempts: 5 };
/// Bodies of an application: 17 keys and the PIN.
const AN_APPLICATION: u32 = 18;

/// The operator's gateway, its phones, and the enterprise's cards in their readers.
struct World {
    sample: Sample,
    pair: Pair,
    sam: Chip,
    carrier: Option<SimulatedCarrier>,
    folder: tempfile::TempDir,
    now: Duration,
    cards: u32,
    key_version: KeyVersion,
}

/// What a run left.
struct Left {
    counts: StageCounts,
    waits_for: Option<String>,
    ended: Vec<Ended>,
}

fn serial(number: u32) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, u64::from(number) + 1).unwrap()
}

fn phone(number: u32) -> String {
    format!("+86139{number:08}")
}

fn iccid(number: u32) -> String {
    format!("8986011234{number:09}")
}

fn named(sample: &Sample, number: u32) -> Holder {
    let mut holder = sample.order().holder;
    holder.name = [b'A' + number as u8; 20];
    holder
}

impl World {
    fn new(algorithm: Algorithm, cards: u32, card_exports: u32, faults: Faults) -> Self {
        let sample = Sample::with_algorithm("issued by a key master card", algorithm).unwrap();
        Self::of(sample, Sample::KEY_VERSION, cards, card_exports, faults)
    }

    /// Its applications get the keys of `key_version`.
    fn of(mut sample: Sample, key_version: KeyVersion, cards: u32, card_exports: u32, faults: Faults) -> Self {
        let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x08, 0x00, 0x00]).unwrap();
        let mut settings = network::Settings::new("+8613800100500".parse().unwrap(), start);
        settings.faults = faults;
        let mut network = Network::new(settings, 3);
        for number in 0..cards {
            network.insert(phone(number).parse().unwrap(), sample.sim(uicc::iccid(&iccid(number)).unwrap()).unwrap());
        }
        let pair = Pair::filled(sample.keys(), 7, LoadAllowance { card_exports, sam_exports: 0 });
        let sam = sample.sam(TerminalNumber([0x31, 0, 0, 0, 0, 9]), &[SamRole::Issuing]).unwrap();
        let carrier = SimulatedCarrier::new(network, LinkTerms::new("10086".parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let world = Self { sample, pair, sam, carrier: Some(carrier), folder, now: Duration::ZERO, cards, key_version };
        let mut store = Store::create(&world.book()).unwrap();
        let tasks: Vec<_> = (0..cards).map(|number| world.task(number)).collect();
        store.new_campaign("autumn", &Settings::DEFAULT, tasks).unwrap();
        world
    }

    fn book(&self) -> std::path::PathBuf {
        Path::join(self.folder.path(), "gateway.book")
    }

    fn packet_keys(&self) -> OperatorKeys {
        OperatorKeys::new(self.sample.roots().clone(), Sample::KEY_VERSION)
    }

    fn task(&self, number: u32) -> NewTask {
        let key_set = SetVersion::new(OTA_VERSION).unwrap();
        let set = self.packet_keys().key_set(uicc::iccid(&iccid(number)).unwrap(), key_set, SetCipher::Aes).unwrap();
        let enterprise = self.sample.enterprise();
        let management = self.sample.keys().card_key(serial(number), Purpose::Management, Sample::KEY_VERSION).unwrap();
        let install = install_command(&set, enterprise, &management).unwrap();
        let order = self.sample.order();
        let content = ApplicationContent {
            valid_from: order.valid_from,
            valid_to: order.valid_to,
            holder: named(&self.sample, number),
            parameters: order.parameters,
            pin: FirstPin::OfDesk,
            key_version: self.key_version,
            beside: order.beside,
            management: Sample::KEY_VERSION,
            check_values: Vec::new(),
        };
        NewTask {
            order_number: format!("I{number}"),
            card: NewCard {
                iccid: iccid(number),
                phone: phone(number).parse().unwrap(),
                key_set,
                cipher: SetCipher::Aes,
                counter: 0,
            },
            flow: content.issue(enterprise, serial(number), install, TRIES).unwrap(),
            not_before: START,
        }
    }

    /// Begins the gateway, and ends it when everything has ended, or `turns` are over.
    fn run(&mut self, turns: usize) -> Left {
        let (book, packet_keys) = (self.book(), self.packet_keys());
        let enterprise = self.sample.enterprise();
        let mut carrier = self.carrier.take().unwrap();
        let mut master = self.pair.open(self.sample.keys()).unwrap();
        let slot = Reader::insert(self.sam.snapshot());
        let sam = PsamCard::open(slot, enterprise, Levels::Serial, Sample::KEY_VERSION).unwrap();
        let issuer = KeyMasterAndSam::new(&mut master, Box::new(sam.with_listed_algorithms().unwrap()));
        let office = IssuingOffice::open(Box::new(issuer)).unwrap().with_sets_a_turn(2);
        let office = office.with_pin(Some(Pin::from_digits(Sample::PIN).unwrap()));
        // It has no key of the enterprise.
        let desk = EnterpriseDesk::new(Vec::new()).issuing(office);
        let mut gateway = Engine::new(Store::open(&book).unwrap(), packet_keys, desk);
        for _ in 0..turns {
            let at = START.plus(i64::try_from(self.now.as_millis()).unwrap());
            gateway.turn(at, &mut carrier).unwrap();
            if gateway.next_due(at).unwrap().is_none() && carrier.next_event().is_none() {
                break;
            }
            self.now += Duration::from_millis(250);
            carrier.advance(self.now);
        }
        let campaign: CampaignId = gateway.store().campaign("autumn").unwrap();
        let mut ended = Vec::new();
        let take = |order| {
            ended.push(order);
            Ok::<_, StoreError>(())
        };
        gateway.store().each_ended(campaign, take).unwrap();
        let counts = gateway.store().counts(campaign).unwrap();
        let waits_for = gateway.waits_for().map(str::to_owned);
        drop(gateway);
        self.carrier = Some(carrier);
        self.pair.tap();
        Left { counts, waits_for, ended }
    }

    fn exports_left(&mut self) -> u32 {
        self.pair.allowance(self.sample.keys()).card_exports
    }

    fn refill(&mut self, card_exports: u32) {
        let keys = self.sample.keys().clone();
        let mut source = CeremonyKeys::new(keys.clone(), Sample::KEY_VERSION).unwrap();
        let mut master = self.pair.open(&keys).unwrap();
        move_allowance(&mut master, &mut source, LoadAllowance { card_exports, sam_exports: 0 }).unwrap();
    }

    /// Each has its own person's contents under its own serial, and pays.
    fn judge(mut self, left: &Left) {
        let mut network = self.carrier.take().unwrap().into_network();
        let roles = [SamRole::Recharge, SamRole::Till];
        let sam = self.sample.sam(TerminalNumber([0x31, 0, 0, 0, 0, 8]), &roles).unwrap();
        let committed = |number: u32| {
            left.ended.iter().any(|it| it.order_number == format!("I{number}") && it.ending == Ending::Committed)
        };
        for number in 0..self.cards {
            let mut reader = Reader::insert(network.remove(&phone(number).parse().unwrap()).unwrap());
            let selected = select(&mut reader, &aid::enterprise_application(self.sample.enterprise()));
            if !committed(number) {
                assert!(selected.is_err(), "{number}: {selected:?}");
                continue;
            }
            let card = selected.unwrap();
            assert_eq!(card.serial(), serial(number));
            verify_pin(&mut reader, &card, &Pin::from_digits(Sample::PIN).unwrap()).unwrap();
            let read = holder(&mut reader, &card, Access::Plain).unwrap();
            assert!(read == named(&self.sample, number), "{number}");
            sells(self.sample.keys(), reader.remove(), sam.snapshot());
        }
    }
}

/// The allowance is for two applications and a half: the others wait, nothing is exported in vain, and with more of it they go on.
#[test]
fn an_allowance_that_ends_makes_the_orders_wait_and_nothing_is_issued_twice() {
    for algorithm in ALGORITHMS {
        let mut world = World::new(algorithm, 5, 2 * AN_APPLICATION + 9, Faults::NONE);
        let left = world.run(400);
        let because = left.waits_for.as_deref().unwrap();
        assert_eq!((left.counts.committed, left.counts.for_somebody), (2, 3), "{algorithm:?}: {because}");
        assert!(because.contains("may export 9 more bodies, and an application takes 18"), "{because}");
        assert_eq!(world.exports_left(), 9);
        world.refill(3 * AN_APPLICATION);
        let left = world.run(2_000);
        assert_eq!((left.counts.committed, left.counts.for_somebody), (5, 0), "{algorithm:?}: {:?}", left.waits_for);
        assert!(left.ended.iter().all(|order| order.report.sets == Some(1)));
        assert_eq!(world.exports_left(), 9, "a body for each key and PIN of five applications");
        let keys = world.sample.keys().clone();
        let log = world.pair.open(&keys).unwrap().log().unwrap();
        let exports = log.iter().filter(|entry| entry.event == LogEvent::ExportForAir).count();
        assert_eq!(exports, 5 * AN_APPLICATION as usize);
        world.judge(&left);
    }
}

/// A network that loses messages has sets made again: the report counts what the card has counted.
#[test]
fn every_set_of_bodies_is_counted_as_the_card_counts_it() {
    let faults = Faults {
        lost: Chance::percent(12),
        repeated: Chance::percent(5),
        throttled: Chance::NEVER,
        unreachable: Chance::NEVER,
        delay_min: Duration::from_millis(300),
        delay_max: Duration::from_secs(5),
    };
    let mut world = World::new(Algorithm::Des, 12, 2_000, faults);
    let left = world.run(400_000);
    let sets: u32 = left.ended.iter().map(|order| u32::from(order.report.sets.unwrap())).sum();
    println!("{:?}, {sets} sets", left.counts);
    assert_eq!(left.counts.committed + left.counts.not_committed + left.counts.unknown, 12, "{:?}", left.counts);
    assert!(left.counts.committed >= 10 && sets > 12, "{:?}, {sets} sets", left.counts);
    assert_eq!(world.exports_left(), 2_000 - sets * AN_APPLICATION);
    world.judge(&left);
}

fn recharge(world: &World) -> Flow {
    let terms = RechargeTerms {
        enterprise: world.sample.enterprise(),
        purse: Purse::Ep,
        key_id: KEY_ID_MIN,
        amount: Amount::from_fen(5_000),
        terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
    };
    let recharge = Recharge::begin(terms, Patience { packets: 3, credits: 1 }).unwrap();
    Flow::Recharge { serial: serial(0), recharge }
}

/// What is ordered behind an issue that waits is not done to a card that has no application yet.
#[test]
fn what_is_ordered_behind_an_issue_waits_with_it() {
    let mut world = World::new(Algorithm::Des, 1, AN_APPLICATION - 1, Faults::NONE);
    let recharge = NewTask { flow: recharge(&world), ..world.task(0) };
    Store::look(&world.book()).unwrap().new_campaign("march", &Settings::DEFAULT, [recharge]).unwrap();
    let packets = |world: &World| {
        let listed = Store::look(&world.book()).unwrap().campaigns().unwrap();
        listed.iter().map(|campaign| campaign.counts.packets).collect::<Vec<_>>()
    };
    let left = world.run(400);
    assert_eq!((left.counts.for_somebody, packets(&world)), (1, vec![0, 0]), "nothing is installed in vain");
    world.refill(1);
    let left = world.run(400);
    assert_eq!((left.counts.committed, packets(&world)[1]), (1, 1), "the load is begun, which nobody here approves");
}

/// The key master card does not come back: what waits in front of INSTALL is given up, and holds the card's other orders no more.
#[test]
fn an_issue_that_waits_in_front_of_install_is_given_up() {
    let mut world = World::new(Algorithm::Des, 1, AN_APPLICATION - 1, Faults::NONE);
    let behind = NewTask { order_number: "B".to_owned(), flow: recharge(&world), ..world.task(0) };
    let decided = |world: &World, name: &str, order: &str| {
        let mut store = Store::look(&world.book()).unwrap();
        let campaign = store.campaign(name).unwrap();
        store.decide_unknown(campaign, order, false, UnixMillis(0)).unwrap()
    };
    assert!(!decided(&world, "autumn", "I0"), "it waits for nobody yet");
    let left = world.run(400);
    assert_eq!((left.counts.for_somebody, left.counts.packets), (1, 0));
    Store::look(&world.book()).unwrap().new_campaign("march", &Settings::DEFAULT, [behind]).unwrap();
    assert!(!decided(&world, "march", "B"), "it waits for its turn alone");
    assert!(decided(&world, "autumn", "I0") && !decided(&world, "autumn", "I0"));
    let left = world.run(400);
    assert_eq!((left.counts.for_somebody, left.counts.not_committed, left.counts.packets), (0, 1, 0));
    let listed = Store::look(&world.book()).unwrap().campaigns().unwrap();
    assert_eq!((listed[1].counts.not_committed, listed[1].counts.packets), (1, 1), "there is no such application");
    assert_eq!(world.exports_left(), AN_APPLICATION - 1);
}

/// Bodies are exported before the first MAC is made: that the SAM makes none is found before INSTALL, and costs nothing.
#[test]
fn a_sam_that_makes_no_macs_costs_no_export_and_no_packet() {
    /// Two keys stand beside the others.
    const BODIES: u32 = AN_APPLICATION + 2;
    let sample = || Sample::new("two versions").unwrap().with_next_keys(Algorithm::Des).unwrap();
    let lacks = [(Sample::KEY_VERSION, SamRole::Till, 1), (Sample::NEXT_KEY_VERSION, SamRole::Issuing, 2)];
    for (key_version, role, version) in lacks {
        let mut world = World::of(sample(), key_version, 3, 3 * BODIES, Faults::NONE);
        world.sam = world.sample.sam(TerminalNumber([0x31, 0, 0, 0, 0, 9]), &[role]).unwrap();
        let left = world.run(400);
        let because = left.waits_for.as_deref().unwrap();
        assert_eq!((left.counts.for_somebody, left.counts.packets), (3, 0), "{because}");
        let says =
            format!("SAM 310000000009 makes no MAC of contents by the maintenance key (usage 05) of version {version}");
        assert!(because.contains(&says), "{because}");
        assert_eq!(world.exports_left(), 3 * BODIES);
        // Another SAM in the reader, and the same orders go on.
        let both = [Sample::KEY_VERSION, Sample::NEXT_KEY_VERSION];
        let issuing = world.sample.sam_of_versions(TerminalNumber([0x31, 0, 0, 0, 0, 7]), &[SamRole::Issuing], &both);
        world.sam = issuing.unwrap();
        let left = world.run(2_000);
        assert_eq!(left.counts.committed, 3, "{:?}", left.waits_for);
        assert_eq!(world.exports_left(), 0, "one set each");
    }
}
