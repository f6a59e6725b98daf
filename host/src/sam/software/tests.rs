//! A SAM's rules, by published traces.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::keys::KeySet;
use hex_literal::hex;
use onecard_wire::{
    date::Moment,
    key::{Algorithm, AlgorithmId},
    number::EnterpriseId,
    sam::InitSam,
};

const VERSION: KeyVersion = KeyVersion(0);

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
}

fn state(terminal: [u8; 6]) -> SoftwareSamState {
    SoftwareSamState {
        terminal: TerminalNumber(terminal),
        next_sequence: 0,
        load_limit_fen: 100,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    }
}

fn order(transaction_type: TransactionType, random: [u8; 4], amount_fen: u32, moment: [u8; 7]) -> SamOrder {
    SamOrder {
        card: CardFactors { enterprise: enterprise(), serial: serial() },
        init: InitSam {
            random,
            card_sequence: 0,
            amount: Amount::from_fen(amount_fen),
            transaction_type,
            moment: Moment::from_bytes(moment).unwrap(),
            key_version: VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
        },
    }
}

/// Keys and numbers of the published purchase by "deng214".
fn purchase_of_a_trace() -> (SoftwareSam, SamOrder) {
    let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
    let keys = CardKeys::new(serial(), KeySet::default().with(Purpose::Purchase, VERSION, key));
    let sam = SoftwareSam::for_one_card(keys, VERSION, state(hex!("001122334455")));
    (sam, order(TransactionType::PURCHASE_EP, hex!("584633C9"), 1, hex!("20161216134600")))
}

/// Keys and numbers of the published load by "robur".
fn load_of_a_trace() -> (SoftwareSam, SamOrder) {
    let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
    let keys = CardKeys::new(serial(), KeySet::default().with(Purpose::Load, VERSION, key));
    let sam = SoftwareSam::for_one_card(keys, VERSION, state([0x66; 6]));
    (sam, order(TransactionType::LOAD_EP, hex!("4E066548"), 0x10, hex!("20240411212121")))
}

#[test]
fn the_sequence_is_spent_by_a_right_mac2_alone() {
    let (mut sam, order) = purchase_of_a_trace();
    for wrong in [hex!("66B54A6C"), [0; 4]] {
        assert_eq!(sam.initialize_purchase(&order).unwrap().mac1, hex!("D45737C5"));
        assert_eq!(sam.credit_purchase(wrong), Err(SamError::WrongMac));
        let closed = SamError::Unexpected(StatusWord::NO_TRANSACTION);
        assert_eq!(sam.credit_purchase(hex!("66B54A6B")), Err(closed));
        assert_eq!(sam.state().next_sequence, 0);
    }
    sam.initialize_purchase(&order).unwrap();
    assert_eq!(sam.credit_purchase(hex!("66B54A6B")), Ok(()));
    assert_eq!(sam.state().next_sequence, 1);
}

#[test]
fn a_past_purchase_moves_the_sequence_if_it_still_stands_there() {
    let (mut sam, order) = purchase_of_a_trace();
    assert_eq!(sam.check_past_purchase(&order, 0, hex!("66B54A6C")), Err(SamError::WrongMac));
    assert_eq!(sam.state().next_sequence, 0);
    for _ in 0..2 {
        assert_eq!(sam.check_past_purchase(&order, 0, hex!("66B54A6B")), Ok(()));
        assert_eq!(sam.state().next_sequence, 1);
    }
    assert_eq!(sam.check_past_purchase(&order, 1, hex!("66B54A6B")), Err(SamError::WrongMac));
}

#[test]
fn a_load_is_charged_once_and_up_to_the_limit() {
    let (mut sam, mut order) = load_of_a_trace();
    let mac1 = hex!("0D39ADBB");
    assert_eq!(sam.load(&order, Amount::from_fen(1), mac1), Err(SamError::WrongMac));
    assert_eq!(sam.state(), &state([0x66; 6]));
    for _ in 0..3 {
        assert_eq!(sam.load(&order, Amount::ZERO, mac1), Ok(hex!("097E98FE")));
        assert_eq!(sam.state().load_limit_fen, 100 - 0x10);
    }
    order.init.amount = Amount::from_fen(85);
    let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
    let terms = sam.terms(&order);
    let mac1 = SessionKey::of_load(&key, order.init.random, 0).load_mac1(Amount::ZERO, &terms);
    assert_eq!(sam.load(&order, Amount::ZERO, mac1), Err(SamError::LimitReached));
    assert_eq!(sam.state().load_limit_fen, 100 - 0x10);
}

#[test]
fn a_load_is_checked_without_charging_it() {
    let (mut sam, order) = load_of_a_trace();
    let terminal = TerminalNumber([0x66; 6]);
    let mac1 = hex!("0D39ADBB");
    assert_eq!(sam.check_load(&order, terminal, Amount::ZERO, mac1), Ok(()));
    assert_eq!(sam.check_load(&order, terminal, Amount::from_fen(1), mac1), Err(SamError::WrongMac));
    let other = TerminalNumber([0x67; 6]);
    assert_eq!(sam.check_load(&order, other, Amount::ZERO, mac1), Err(SamError::WrongMac));
    assert_eq!(sam.check_load(&order, terminal, Amount::ZERO, [0; 4]), Err(SamError::WrongMac));
    assert_eq!(sam.state(), &state([0x66; 6]));
}

#[test]
fn no_random_comes_twice_while_the_state_is_kept() {
    let (mut sam, _) = load_of_a_trace();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        seen.insert(sam.random().unwrap());
        let (restarted, _) = load_of_a_trace();
        sam = SoftwareSam { state: sam.state, ..restarted };
    }
    assert_eq!(seen.len(), 100);
    // Nor are those of another terminal with the same keys.
    let (mut other, _) = load_of_a_trace();
    other.state.terminal = TerminalNumber([0x67; 6]);
    assert!(!seen.contains(&other.random().unwrap()));
}

#[test]
fn keys_are_for_their_purpose_and_enterprise() {
    let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
    let keys = EnterpriseKeys::new(enterprise(), KeySet::default().with(Purpose::Purchase, VERSION, key));
    let mut sam = SoftwareSam::new(keys, VERSION, state([1; 6]));
    let purchase = order(TransactionType::PURCHASE_EP, [1; 4], 1, hex!("20161216134600"));
    assert!(sam.initialize_purchase(&purchase).is_ok());
    let mut of_another = purchase;
    of_another.card.enterprise = "2000000000000002".parse().unwrap();
    assert_eq!(sam.initialize_purchase(&of_another), Err(SamError::NoSuchKey));
    let load = order(TransactionType::LOAD_EP, [1; 4], 1, hex!("20161216134600"));
    assert_eq!(sam.load(&load, Amount::ZERO, [0; 4]), Err(SamError::NoSuchKey));
    assert_eq!(sam.maintenance_mac(load.card, [0; 8], &[1]), Err(SamError::NoSuchKey));
}

#[test]
fn a_key_serves_its_version_and_cipher_alone() {
    let key = |algorithm| Key::new(algorithm, hex!("00112233445566778899AABBCCDDEEFF"));
    let keys = KeySet::default()
        .with(Purpose::Purchase, KeyVersion(1), key(Algorithm::Des))
        .with(Purpose::Purchase, KeyVersion(2), key(Algorithm::Aes))
        .with(Purpose::Purchase, KeyVersion(3), key(Algorithm::Sm4));
    let mut sam = SoftwareSam::new(EnterpriseKeys::new(enterprise(), keys), VERSION, state([1; 6]));
    let mut order = order(TransactionType::PURCHASE_EP, [1; 4], 1, hex!("20161216134600"));
    let mut mac1s = std::collections::BTreeSet::new();
    for version in 1..=3 {
        for id in [0x00, 0x01, 0x04, 0x06] {
            order.init.key_version = KeyVersion(version);
            order.init.algorithm = AlgorithmId(id);
            let serves = matches!((version, id), (1, 0x00 | 0x01) | (2, 0x06) | (3, 0x04));
            match sam.initialize_purchase(&order) {
                Ok(answer) => assert!(serves && mac1s.insert(answer.mac1) != (id == 0x01), "{version} {id}"),
                error => assert!(!serves && error == Err(SamError::NoSuchKey), "{version} {id}"),
            }
        }
    }
}

#[test]
fn state_survives_as_text() {
    let (mut sam, order) = load_of_a_trace();
    sam.load(&order, Amount::ZERO, hex!("0D39ADBB")).unwrap();
    let text = serde_json::to_string(sam.state()).unwrap();
    assert_eq!(&serde_json::from_str::<SoftwareSamState>(&text).unwrap(), sam.state());
}
