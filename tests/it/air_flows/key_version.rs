//! An enterprise has made its next keys, and cards have the old ones still: the gateway's desk takes the key that the card says.

use std::{path::PathBuf, time::Duration};

use onecard_gateway::campaign::{
    CampaignId, Ended, Ending, Engine, EnterpriseDesk, Flow, NewCard, NewTask, OperatorKeys, SetCipher, Settings,
    StageCounts, Store, StoreError, UnixMillis,
};
use onecard_host::{
    card::{balance, parameters, select},
    issuing::{KeyRoll, roll_key},
    key_store::SoftwareStore,
    keys::{CheckValue, EnterpriseKeys, KeySet, Purpose},
    over_the_air::{
        SetVersion, Tries,
        deletion::{Deletion, DeletionTerms},
        lock::{Lock, LockTerms, Way},
        message::Address,
        recharge::{KEY_ID_MIN, Patience, Recharge, RechargeTerms},
    },
};
use onecard_simulator::{
    message_centre::{
        faults::Chance,
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
    number::TerminalNumber,
    record::CardStatus,
    uicc,
    wallet::Purse,
};

use super::{
    bench::{enterprise, serial, with_next_keys},
    till::{LOADED, PRICE, Till},
};

const START: UnixMillis = UnixMillis(1_795_910_400_000);
const TRIES: Tries = Tries { packets: 3, attempts: 3 };
const AMOUNT: Amount = Amount::from_fen(3_000);
const ICCID: &str = "8986011234000000007";
/// Between two turns.
const STEP: Duration = Duration::from_millis(50);

/// The operator's gateway, and one phone whose card has the enterprise's old keys.
struct World {
    sample: Sample,
    carrier: Option<SimulatedCarrier>,
    folder: tempfile::TempDir,
    now: Duration,
}

/// What a run left of a campaign.
#[derive(Debug)]
struct Left {
    counts: StageCounts,
    waits_for: Option<String>,
    ended: Option<Ended>,
}

fn phone() -> Address {
    "+8613800000007".parse().unwrap()
}

fn lock(way: Way) -> Flow {
    let terms = LockTerms { enterprise: enterprise(), serial: serial(), way };
    Flow::Lock(Box::new(Lock::begin(terms, TRIES)))
}

fn deletion() -> Flow {
    let terms = DeletionTerms { enterprise: enterprise(), serial: serial(), deposit: Amount::ZERO };
    Flow::Deletion(Box::new(Deletion::begin(terms, TRIES).unwrap()))
}

fn recharge() -> Flow {
    let terms = RechargeTerms {
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: KEY_ID_MIN,
        amount: AMOUNT,
        terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
    };
    let recharge = Recharge::begin(terms, Patience { packets: 3, credits: 2 }).unwrap();
    Flow::Recharge { serial: serial(), recharge }
}

impl World {
    fn new(mut sample: Sample) -> Self {
        let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x08, 0x00, 0x00]).unwrap();
        let mut network = Network::new(network::Settings::new("+8613800100500".parse().unwrap(), start), 3);
        let chip = sample.sim(uicc::iccid(ICCID).unwrap()).unwrap();
        network.insert(phone(), sample.install(chip, enterprise(), serial()).unwrap());
        let carrier = SimulatedCarrier::new(network, LinkTerms::new("10086".parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let world = Self { sample, carrier: Some(carrier), folder, now: Duration::ZERO };
        Store::create(&world.book()).unwrap();
        world
    }

    fn book(&self) -> PathBuf {
        self.folder.path().join("gateway.book")
    }

    fn ordered(&self, name: &str, flow: Flow) {
        let card = NewCard {
            iccid: ICCID.to_owned(),
            phone: phone(),
            key_set: SetVersion::new(OTA_VERSION).unwrap(),
            cipher: SetCipher::Aes,
            counter: 0,
        };
        let task = NewTask { order_number: name.to_owned(), card, flow, not_before: START };
        Store::open(&self.book()).unwrap().new_campaign(name, &Settings::DEFAULT, [task]).unwrap();
    }

    /// Every key of the enterprise but the maintenance key that the card has.
    fn keys_without_the_cards(&self) -> EnterpriseKeys {
        let all = self.sample.keys().keys();
        let names = all.names().filter(|name| *name != (Purpose::Maintenance, Sample::KEY_VERSION));
        let set = names.fold(KeySet::default(), |set, (purpose, version)| {
            set.with(purpose, version, all.key(purpose, version).unwrap().clone())
        });
        EnterpriseKeys::new(enterprise(), set)
    }

    fn run(&mut self, name: &str, keys: EnterpriseKeys) -> Left {
        self.run_with(name, keys, 20_000, |_, _| {})
    }

    /// Begins a gateway whose desk has `keys`, and ends it when nothing is left to be done, or behind so many turns; after each of
    /// them somebody does something, who knows how many packets of the campaign were made.
    fn run_with(
        &mut self,
        name: &str,
        keys: EnterpriseKeys,
        turns: usize,
        mut meanwhile: impl FnMut(&mut SimulatedCarrier, u64),
    ) -> Left {
        let mut carrier = self.carrier.take().unwrap();
        let packet_keys = OperatorKeys::new(self.sample.roots().clone(), Sample::KEY_VERSION);
        let store = Store::open(&self.book()).unwrap();
        let mut gateway = Engine::new(store, packet_keys, EnterpriseDesk::new(vec![keys]));
        let campaign: CampaignId = gateway.store().campaign(name).unwrap();
        for _ in 0..turns {
            let at = START.plus(i64::try_from(self.now.as_millis()).unwrap());
            gateway.turn(at, &mut carrier).unwrap();
            if gateway.next_due(at).unwrap().is_none() && carrier.next_event().is_none() {
                break;
            }
            meanwhile(&mut carrier, gateway.store().counts(campaign).unwrap().packets);
            self.now += STEP;
            carrier.advance(self.now);
        }
        let mut ended = None;
        let take = |order| {
            ended = Some(order);
            Ok::<_, StoreError>(())
        };
        gateway.store().each_ended(campaign, take).unwrap();
        let counts = gateway.store().counts(campaign).unwrap();
        let waits_for = gateway.waits_for().map(str::to_owned);
        drop(gateway);
        self.carrier = Some(carrier);
        Left { counts, waits_for, ended }
    }

    fn resume(&self, name: &str) {
        let mut store = Store::open(&self.book()).unwrap();
        let campaign = store.campaign(name).unwrap();
        let now = START.plus(i64::try_from(self.now.as_millis()).unwrap());
        assert_eq!(store.resume_unknown(campaign, now).unwrap(), 1);
    }

    fn decide(&self, name: &str, is_committed: bool) -> bool {
        let mut store = Store::open(&self.book()).unwrap();
        let campaign = store.campaign(name).unwrap();
        store.decide_unknown(campaign, name, is_committed, START).unwrap()
    }

    /// At the desk: the card gets the next maintenance key.
    fn roll_maintenance(&mut self) {
        let mut store = SoftwareStore::new(self.sample.keys().clone());
        let (purpose, version) = (Purpose::Maintenance, Sample::NEXT_KEY_VERSION);
        let roll = KeyRoll { purpose, id: 0x00, version, replaces: true };
        self.tap(|reader| {
            let card = select(reader, &aid::enterprise_application(enterprise())).unwrap();
            roll_key(reader, &card, &mut store, Sample::KEY_VERSION, &roll).unwrap();
        });
    }

    fn tap<R>(&mut self, terminal: impl FnOnce(&mut Reader) -> R) -> R {
        self.carrier.as_mut().unwrap().network_mut().tap(&phone(), terminal).unwrap()
    }

    fn status(&mut self) -> CardStatus {
        self.tap(|reader| {
            let card = select(reader, &aid::enterprise_application(enterprise())).unwrap();
            parameters(reader, &card).unwrap().status
        })
    }

    /// What the card's key is told by.
    fn check_value(&self) -> String {
        let key = self.sample.keys().card_key(serial(), Purpose::Maintenance, Sample::KEY_VERSION).unwrap();
        CheckValue::of(&key).to_string()
    }
}

impl Left {
    fn ending(&self) -> (Option<Ending>, u64) {
        (self.ended.as_ref().map(|ended| ended.ending), self.counts.packets)
    }
}

/// Asks, and writes: no MAC is refused in between.
#[test]
fn a_card_under_the_old_key_is_lost_found_and_deleted() {
    let ciphers = [
        (Algorithm::Des, Algorithm::Des),
        (Algorithm::Des, Algorithm::Aes),
        (Algorithm::Aes, Algorithm::Sm4),
        (Algorithm::Sm4, Algorithm::Des),
    ];
    for (of_card, next) in ciphers {
        let sample = Sample::with_algorithm("the next keys", of_card).unwrap().with_next_keys(next).unwrap();
        let mut world = World::new(sample);
        let keys = world.sample.keys().clone();
        assert_eq!(keys.keys().versions(Purpose::Maintenance), [KeyVersion(0x02), KeyVersion(0x01)]);
        let steps = [("lost", lock(Way::Lost), CardStatus::LOST), ("found", lock(Way::Found), CardStatus::NORMAL)];
        for (name, flow, status) in steps {
            world.ordered(name, flow);
            let left = world.run(name, keys.clone());
            assert_eq!(left.ending(), (Some(Ending::Committed), 2), "{of_card:?}, {next:?}: {left:?}");
            assert_eq!(world.status(), status);
        }
        world.ordered("deleted", deletion());
        let left = world.run("deleted", keys.clone());
        assert_eq!(left.ending(), (Some(Ending::Committed), 3), "{of_card:?}, {next:?}: {left:?}");
    }
}

/// The proof of CREDIT is lost, and the holder has paid in front of it: the log says that the load is there.
fn recharge_in_doubt(world: &mut World, keys: EnterpriseKeys) -> Left {
    let mut till = Till::new();
    world.tap(|reader| till.load_by(reader));
    world.ordered("recharge", recharge());
    let mut turns_behind_credit = 0;
    world.run_with("recharge", keys, 20_000, |carrier, packets| {
        turns_behind_credit += u32::from(packets == 2);
        match turns_behind_credit {
            // It has left the gateway, and the centre has not taken it.
            1 => assert!(carrier.network_mut().tap(&phone(), |reader| till.sell_by(reader)).unwrap()),
            2 => carrier.network_mut().faults_mut().lost = Chance::ALWAYS,
            20 => carrier.network_mut().faults_mut().lost = Chance::NEVER,
            _ => {}
        }
    })
}

fn balance_behind(world: &mut World) -> Amount {
    world.tap(|reader| {
        let card = select(reader, &aid::enterprise_application(enterprise())).unwrap();
        balance(reader, &card, Purse::Ep).unwrap()
    })
}

#[test]
fn the_log_is_read_by_the_old_key() {
    let mut world = World::new(with_next_keys());
    let keys = world.sample.keys().clone();
    let left = recharge_in_doubt(&mut world, keys);
    // INITIALIZE, CREDIT, the question, the log.
    assert_eq!(left.ending(), (Some(Ending::Committed), 4), "{left:?}");
    let there = LOADED.fen() - PRICE.fen() + AMOUNT.fen();
    assert_eq!(left.ended.unwrap().report.balance_fen, Some(there));
    assert_eq!(balance_behind(&mut world).fen(), there);
}

/// Nothing goes to the card, and nobody has to begin anything anew: with the key it goes on.
#[test]
fn what_a_key_is_missing_for_waits_and_says_for_which() {
    for (flow, before, behind) in [
        (lock(Way::Lost), CardStatus::NORMAL, Some(CardStatus::LOST)),
        (lock(Way::Found), CardStatus::LOST, Some(CardStatus::NORMAL)),
        (deletion(), CardStatus::NORMAL, None),
    ] {
        let mut world = World::new(with_next_keys());
        let (keys, without) = (world.sample.keys().clone(), world.keys_without_the_cards());
        if before == CardStatus::LOST {
            world.ordered("before", lock(Way::Lost));
            assert_eq!(world.run("before", keys.clone()).ending().0, Some(Ending::Committed));
        }
        world.ordered("order", flow);
        let left = world.run_with("order", without, 1_000, |_, _| {});
        assert_eq!(left.ending(), (None, 1), "{left:?}");
        let why = left.waits_for.unwrap();
        for said in [&world.check_value(), "versions 02", "--keys"] {
            assert!(why.contains(said), "{said}: {why}");
        }
        assert_eq!(world.status(), before);
        let left = world.run("order", keys);
        assert_eq!(left.ending().0, Some(Ending::Committed), "{left:?}");
        if let Some(behind) = behind {
            assert_eq!((left.counts.packets, world.status()), (2, behind));
        }
    }
}

/// The card was rolled meanwhile: what it said before is given up, and ordered anew it is asked anew.
#[test]
fn what_waits_for_a_key_that_the_card_has_no_more_is_given_up() {
    for (flow, again) in [(lock(Way::Lost), lock(Way::Lost)), (deletion(), deletion())] {
        let mut world = World::new(with_next_keys());
        let without = world.keys_without_the_cards();
        world.ordered("first", flow);
        assert_eq!(world.run_with("first", without.clone(), 1_000, |_, _| {}).ending(), (None, 1));
        world.roll_maintenance();
        assert_eq!(world.run_with("first", without.clone(), 1_000, |_, _| {}).ending(), (None, 1));
        assert!(!world.decide("first", true) && world.decide("first", false) && !world.decide("first", false));
        world.ordered("again", again);
        assert_eq!(world.run("again", without.clone()).ending().0, Some(Ending::Committed));
        let first = world.run("first", without);
        assert_eq!(first.ending(), (Some(Ending::NotCommitted), 1), "{first:?}");
    }
}

/// The books can say it, too: so it does not wait, but is unknown.
#[test]
fn a_recharge_whose_log_nobody_opens_is_unknown_until_somebody_does() {
    let mut world = World::new(with_next_keys());
    let (keys, without) = (world.sample.keys().clone(), world.keys_without_the_cards());
    let left = recharge_in_doubt(&mut world, without);
    assert_eq!(left.ending(), (Some(Ending::Unknown), 3), "{left:?}");
    let why = left.ended.unwrap().report.reason.unwrap();
    assert!(why.contains(&world.check_value()) && why.contains("--keys"), "{why}");
    world.resume("recharge");
    let left = world.run("recharge", keys);
    // The question again, and the log.
    assert_eq!(left.ending(), (Some(Ending::Committed), 5), "{left:?}");
}
