//! How long a card is held: commands per operation (profile §5).

use onecard_applet::Kind;
use onecard_host::{
    access::GrantLog,
    attendance::AttendanceEvent,
    card::{balance, select},
    crypto::Key,
    keys::{CardKeys, KeySet, Purpose},
    sam::{SoftwareSam, SoftwareSamState},
    terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
    transport::{Transport, TransportError},
};
use onecard_simulator::reader::Reader;
use onecard_tests::world::{KEY_VERSION, World, moment, serial, terminal_number};
use onecard_wire::{aid, amount::Amount, wallet::Purse};

use crate::{
    presence::{Clock, Entrance, member, sealed, terms},
    probe::Probe,
    purse::{EP, KEY_ID, PURCHASE_KEY, TAC_KEY},
};

/// Key index of the load without PIN (profile §3.2).
const LOAD_WITHOUT_PIN: u8 = 0x11;

pub(crate) fn sale(number: u64, amount: u32) -> PurchaseOrder {
    PurchaseOrder {
        number: OrderNumber(number),
        enterprise: World::shared().enterprise_id(),
        purse: Purse::Ep,
        key_id: 0x01,
        amount: Amount::from_fen(amount),
        moment: moment(number as u32),
        pin: None,
    }
}

pub(crate) fn top_up(number: u64, amount: u32) -> RechargeOrder {
    let PurchaseOrder { number, enterprise, purse, key_id, amount, moment, .. } = sale(number, amount);
    RechargeOrder { number, enterprise, purse, key_id, amount, moment, pin: Some(World::shared().pin()) }
}

#[test]
fn a_balance_takes_two() {
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    let name = aid::enterprise_application(World::shared().enterprise_id());
    let card = select(&mut reader, &name).unwrap();
    assert_eq!(balance(&mut reader, &card, Purse::Ep).unwrap(), Amount::ZERO);
    assert_eq!(reader.exchanges(), 2);
}

#[test]
fn a_recharge_takes_three_and_the_pin_one_more() {
    let (mut sam, mut store) = (World::shared().software_sam(0), InMemoryStore::new());
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    let tap = recharge(&mut reader, &mut sam, &mut store, &top_up(1, 500)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    assert_eq!(reader.exchanges(), 4);

    // The key without PIN is another purpose's, which this approver holds under that of the load.
    let world = World::shared();
    let air = world.card_key(0, Purpose::LoadForAir).unwrap();
    let keys = CardKeys::new(serial(0), KeySet::default().with(Purpose::Load, KEY_VERSION, air));
    let mut sam = SoftwareSam::for_one_card(keys, KEY_VERSION, sam.state().clone());
    reader.tap();
    let order = RechargeOrder { key_id: LOAD_WITHOUT_PIN, pin: None, ..top_up(2, 500) };
    let tap = recharge(&mut reader, &mut sam, &mut store, &order).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    assert_eq!(reader.exchanges(), 3);
}

#[test]
fn a_purchase_takes_three() {
    let (mut sam, mut store) = (World::shared().software_sam(0), InMemoryStore::new());
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    let tap = recharge(&mut reader, &mut sam, &mut store, &top_up(1, 500)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    reader.tap();
    let tap = purchase(&mut reader, &mut sam, &mut store, &sale(2, 100)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    assert_eq!(reader.exchanges(), 3);
}

/// A plain FMCOS card whose FCI lacks EF 0015; its EF 0017, which it has not, is looked for too.
#[test]
fn a_purchase_takes_two_more_of_a_plain_card_whose_fci_tells_nothing() {
    let enterprise = World::shared().enterprise_id();
    let name = hex::encode(aid::enterprise_application(enterprise));
    let mut probe = Probe::erased(Kind::CpuCard);
    probe.done(&format!("80E0100116 38 FFFF F0F0 9E FFFF {name}"));
    probe.done("00A40000021001");
    probe.create("0000", "3F 0200 95 F0 FF FF");
    probe.create("0015", "28 001E F0F0 FF FF");
    let public = format!(
        "{}03010000{}20260101203512310000",
        hex::encode(enterprise.to_bytes()),
        hex::encode(serial(0).to_bytes())
    );
    probe.done(&format!("00D695001E{public}"));
    EP.create(&mut probe);
    probe.key(0x00, "34F0F00100", &TAC_KEY);
    EP.load(&mut probe, 500);
    probe.done("00A40000023F00");

    let key = Key::from_bytes(PURCHASE_KEY);
    let keys = CardKeys::new(serial(0), KeySet::default().with(Purpose::Purchase, KEY_VERSION, key));
    let state = SoftwareSamState {
        terminal: terminal_number(0),
        next_sequence: 9,
        load_limit_fen: 0,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    let mut sam = SoftwareSam::for_one_card(keys, KEY_VERSION, state);
    let order = PurchaseOrder { key_id: KEY_ID, ..sale(1, 100) };
    let mut counting = Counting { card: probe, commands: Vec::new() };
    let tap = purchase(&mut counting, &mut sam, &mut InMemoryStore::new(), &order).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    assert_eq!(counting.commands.iter().map(|command| command[1]).collect::<Vec<_>>(), [0xA4, 0xB0, 0xB0, 0x50, 0x54]);
}

#[test]
fn a_door_takes_three_and_five_with_the_cards_log() {
    for (grants, expected) in [(GrantLog::Off, 3), (GrantLog::IfPossible, 5), (GrantLog::Required, 5)] {
        let mut card = member(0, &[sealed(0, &terms())]);
        Entrance::new(grants).granted(&mut card, 1);
        assert_eq!(card.exchanges(), expected);
    }
}

#[test]
fn attendance_takes_four_and_two_if_it_is_recorded_already() {
    let mut clock = Clock::new();
    let mut card = Reader::insert(World::shared().card(0).unwrap());
    for (second, expected) in [(1, 4), (2, 2), (600, 4)] {
        card.tap();
        let _ = clock.tap(&mut card, AttendanceEvent::In, second);
        assert_eq!(card.exchanges(), expected);
    }
}

/// Remembers what was sent.
pub(crate) struct Counting<T> {
    pub(crate) card: T,
    pub(crate) commands: Vec<Vec<u8>>,
}

impl<T: Transport> Transport for Counting<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.commands.push(command.to_vec());
        self.card.transmit(command)
    }
}
