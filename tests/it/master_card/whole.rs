//! Undisturbed: a ceremony's keys end in cards that pay; nobody opens a card without both.

use onecard_host::{
    card::Pin,
    issuing::{Known, Reached},
    key_master::{
        CeremonyKeys, ClosedKeyMaster, Filled, KeyMasterError, LastTry, LoadAllowance, LogEvent, MasterPin, fill,
        move_allowance,
    },
    key_store::{KeyStore, StoreError},
    sam::{Levels, PsamCard},
    terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
};
use onecard_simulator::{chip::Chip, reader::Reader, sample::Sample};
use onecard_tests::world::moment;
use onecard_wire::{amount::Amount, key::Algorithm, wallet::Purse};

use super::office::{ALLOWANCE, Pair, number, pin};
use crate::washing::stand::{ALGORITHMS, Kind, Stand};

#[test]
fn an_enterprise_washes_cards_sims_and_sams_by_its_key_master_card_and_they_pay() {
    for algorithm in ALGORITHMS {
        let keys = Stand::new(Kind::CpuCard, algorithm).keys().clone();
        let mut pair = Pair::filled(&keys, 1, ALLOWANCE);
        let [card, sim, sam] = [Kind::CpuCard, Kind::RfidSim, Kind::Sam].map(|kind| washed(&mut pair, kind, algorithm));
        for chip in [card, sim] {
            sells(&keys, chip, sam.snapshot());
        }
    }
}

/// By the key master card; the same comes out as by the keys in memory, and every body was counted and logged.
fn washed(pair: &mut Pair, kind: Kind, algorithm: Algorithm) -> Chip {
    let stand = Stand::new(kind, algorithm);
    let operators = stand.operators();
    let before = pair.allowance(stand.keys());
    let mut reader = stand.insert(operators.snapshot());
    let mut master = pair.open(stand.keys()).unwrap();
    let logged_before = master.log().unwrap().len();
    let (washed, notes) = stand.second_wash_by(&mut master, &mut reader, Known::default());
    washed.unwrap_or_else(|error| panic!("{kind:?} {algorithm:?}: {error}"));
    assert_eq!(notes.reached, Some(Reached::Good));
    let event = if kind == Kind::Sam { LogEvent::ExportToSam } else { LogEvent::ExportToCard };
    let logged = master.log().unwrap();
    let new = &logged[..logged.len() - logged_before];
    assert!(new.iter().all(|entry| entry.event == event), "{new:?}");
    assert_eq!(new.len(), stand.exports() as usize);
    let after = pair.allowance(stand.keys());
    let used = match kind {
        Kind::Sam => before.sam_exports - after.sam_exports,
        _ => before.card_exports - after.card_exports,
    };
    assert_eq!(used, stand.exports(), "{kind:?}");

    let mut by_memory = stand.insert(operators);
    stand.second_wash(&mut by_memory, Known::default()).0.unwrap();
    let chip = reader.remove();
    assert_eq!(stand.portrait(&chip, false), stand.portrait(&by_memory.remove(), false), "{kind:?} {algorithm:?}");
    chip
}

pub(super) fn sells(keys: &onecard_host::keys::EnterpriseKeys, card: Chip, sam: Chip) {
    let mut card = Reader::insert(card);
    let slot = Reader::insert(sam);
    let mut sam = PsamCard::open(slot, keys.enterprise(), Levels::Serial, Sample::KEY_VERSION).unwrap();
    let mut store = InMemoryStore::new();
    let order = RechargeOrder {
        number: OrderNumber(1),
        enterprise: keys.enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(5_000),
        moment: moment(0),
        pin: Some(Pin::from_digits(Sample::PIN).unwrap()),
    };
    let tap = recharge(&mut card, &mut sam, &mut store, &order).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{tap:?}");
    card.tap();
    let order = PurchaseOrder {
        number: OrderNumber(2),
        enterprise: keys.enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(1_250),
        moment: moment(60),
        pin: None,
    };
    let tap = purchase(&mut card, &mut sam, &mut store, &order).unwrap();
    let Outcome::Committed(receipt) = tap.outcome else { panic!("{tap:?}") };
    assert_eq!(receipt.settlement.transaction.new_balance, Amount::from_fen(3_750));
}

#[test]
fn a_copy_gets_the_keys_and_a_part_of_the_allowance_and_washes_as_well() {
    let stand = Stand::new(Kind::CpuCard, Algorithm::Des);
    let keys = stand.keys();
    let mut original = Pair::filled(keys, 1, ALLOWANCE);
    let mut copy = Pair::new(keys, 2, LoadAllowance::default());
    let part = LoadAllowance { card_exports: 60, sam_exports: 5 };
    {
        let (mut from, mut to) = (original.open(keys).unwrap(), copy.open(keys).unwrap());
        let held = from.stored_keys().unwrap();
        let filled = fill(&mut to, &mut from).unwrap();
        assert_eq!(filled, Filled { loaded: held.len(), there: 0 });
        assert_eq!(to.stored_keys().unwrap(), held);
        assert_eq!(move_allowance(&mut to, &mut from, part).unwrap().allowance, part);
        let event = from.log().unwrap().first().map(|entry| (entry.event, entry.target));
        assert_eq!(event, Some((LogEvent::AllowanceCopied, number(2).to_bytes())));
        // More than there is moves nothing.
        let all = move_allowance(&mut to, &mut from, LoadAllowance { card_exports: 9_999, sam_exports: 0 });
        assert!(matches!(all, Err(KeyMasterError::Source(_))), "{all:?}");
    }
    let left = original.allowance(keys);
    assert_eq!((left.card_exports, left.sam_exports), (140, 45));
    // Nothing leaves for a card that has no room for it.
    let mut full = Pair::new(keys, 3, LoadAllowance { card_exports: u32::MAX, sam_exports: 7 });
    let moved = move_allowance(&mut full.open(keys).unwrap(), &mut original.open(keys).unwrap(), part);
    assert_eq!(moved, Err(KeyMasterError::TooMuch { cards: u32::MAX, sams: 7 }));
    assert_eq!(original.allowance(keys), left);
    let mut reader = stand.insert(stand.operators());
    stand.second_wash_by(&mut copy.open(keys).unwrap(), &mut reader, Known::default()).0.unwrap();
    assert_eq!(copy.allowance(keys).card_exports, 60 - stand.exports());
}

#[test]
fn another_key_of_the_same_name_is_found_before_anything_is_loaded() {
    let keys = Stand::new(Kind::CpuCard, Algorithm::Des).keys().clone();
    let mut pair = Pair::filled(&keys, 1, ALLOWANCE);
    let others = Stand::new(Kind::CpuCard, Algorithm::Aes).keys().clone();
    let mut source = CeremonyKeys::new(others, Sample::KEY_VERSION).unwrap();
    let refused = fill(&mut pair.open(&keys).unwrap(), &mut source);
    assert!(matches!(refused, Err(KeyMasterError::OtherKey { .. })), "{refused:?}");
}

#[test]
fn only_its_own_mother_card_and_its_pin_open_a_card_and_the_last_try_is_kept() {
    let keys = Stand::new(Kind::CpuCard, Algorithm::Des).keys().clone();
    let (mut pair, mut other) = (Pair::filled(&keys, 1, ALLOWANCE), Pair::filled(&keys, 2, ALLOWANCE));
    let select =
        |pair: &mut Pair| ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).map(|mut card| card.status());
    let closed = ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).unwrap();
    let stranger = closed.open(&mut other.mother, &pin(), LastTry::Keep).map(drop);
    assert_eq!(stranger, Err(KeyMasterError::OtherMother { opens: number(2), number: number(1) }));
    assert_eq!(select(&mut pair).unwrap().unwrap().authentication_tries, 3);

    let wrong = MasterPin::from_digits("000000").unwrap();
    for left in [2, 1] {
        let closed = ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).unwrap();
        let refused = closed.open(&mut pair.mother, &wrong, LastTry::Keep).map(drop);
        assert_eq!(refused, Err(KeyMasterError::WrongPin(left)));
    }
    let closed = ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).unwrap();
    let kept = closed.open(&mut pair.mother, &pin(), LastTry::Keep).map(drop);
    assert!(matches!(kept, Err(KeyMasterError::LastTry(_))), "{kept:?}");
    let closed = ClosedKeyMaster::select(&mut pair.master, keys.enterprise()).unwrap();
    assert!(closed.open(&mut pair.mother, &pin(), LastTry::Spend).is_ok());
    assert_eq!(select(&mut pair).unwrap().unwrap().pin_tries, 3);
}

#[test]
fn silence_closes_a_card_and_an_allowance_used_up_says_so() {
    let stand = Stand::new(Kind::CpuCard, Algorithm::Des);
    let few = LoadAllowance { card_exports: 3, sam_exports: 0 };
    let mut pair = Pair::filled(stand.keys(), 1, few);
    let mut reader = stand.insert(stand.operators());
    let mut master = pair.open(stand.keys()).unwrap();
    let (stopped, notes) = stand.second_wash_by(&mut master, &mut reader, Known::default());
    let error = stopped.unwrap_err();
    assert_eq!(error.cause, onecard_host::issuing::Cause::Store(StoreError::NoExportsLeft));
    assert_eq!(notes.reached, Some(Reached::Keys(2)));
    // With more it goes on where it stopped.
    let mut source = CeremonyKeys::new(stand.keys().clone(), Sample::KEY_VERSION).unwrap();
    move_allowance(&mut master, &mut source, ALLOWANCE).unwrap();
    stand.second_wash_by(&mut master, &mut reader, notes).0.unwrap();
    assert_eq!(pair.allowance(stand.keys()).card_exports, 203 - stand.exports());

    pair.master.fail_at(pair.master.exchanges() + 8, onecard_simulator::reader::Fault::LostAnswer);
    let mut master = pair.open(stand.keys()).unwrap();
    let lost = (0..4).find_map(|_| master.keys().err());
    assert!(matches!(lost, Some(StoreError::Transport(_))), "{lost:?}");
    assert_eq!(master.keys(), Err(StoreError::Closed));
}
