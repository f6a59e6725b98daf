#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::{
    card::Pin,
    crypto::Key,
    issuing::SamSerial,
    keys::{EnterpriseKeys, KeySet, diversify},
    line_protection::Challenge,
};
use hex_literal::hex;
use onecard_wire::{key::KeyVersion, number::ApplicationSerial, sam::UsageKind};

const VERSION: KeyVersion = KeyVersion(5);
const CHALLENGE: Challenge = Challenge::from_random(hex!("5D72B3FD"));

/// A key of each purpose, its place in [`Purpose::ALL`] repeated.
fn keys(algorithm: impl Fn(Purpose) -> Algorithm) -> EnterpriseKeys {
    let keys = Purpose::ALL.into_iter().zip(0x41..).fold(KeySet::default(), |keys, (purpose, byte)| {
        keys.with(purpose, VERSION, Key::new(algorithm(purpose), [byte; 16]))
    });
    EnterpriseKeys::new("1000000000000001".parse().unwrap(), keys)
}

fn store() -> SoftwareStore {
    SoftwareStore::new(keys(|_| Algorithm::Des))
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
}

fn sam() -> SamSerial {
    "00001000000000000007".parse().unwrap()
}

fn card_key(purpose: Purpose, manner: Manner) -> Payload<'static> {
    let name = NamedKey { purpose, version: VERSION };
    Payload::CardKey { name, id: purpose.place().map_or(0, |place| place.id), manner }
}

fn order(target: KeyTarget, payload: Payload<'_>) -> WriteKeyOrder<'_> {
    WriteKeyOrder { target, payload, under: WrapperKey::Control(VERSION), fresh: Freshness::Challenge(CHALLENGE) }
}

fn for_card(payload: Payload<'_>) -> WriteKeyOrder<'_> {
    order(KeyTarget::Application(serial()), payload)
}

fn for_sam(kind: UsageKind) -> WriteKeyOrder<'static> {
    order(KeyTarget::Sam(sam()), Payload::SamKey { kind, version: VERSION })
}

/// What the body says under the control key of `order`'s target.
fn opened(keys: &EnterpriseKeys, order: &WriteKeyOrder<'_>, body: &WriteKeyBody) -> Vec<u8> {
    let NamedKey { purpose, version } = order.wrapper_key();
    let control = diversify(keys.keys().key(purpose, version).unwrap(), order.factor());
    let (cipher, mac) = body.as_bytes().split_at(body.as_bytes().len() - 4);
    let header = [&[0x84, 0xD4], &order.parameters()[..], &[u8::try_from(body.as_bytes().len()).unwrap()]].concat();
    assert_eq!(mac, control.line_mac(CHALLENGE.0, &[&header, cipher].concat()));
    let plain = control.decipher(cipher).unwrap();
    plain[1..=usize::from(plain[0])].to_vec()
}

#[test]
fn the_body_of_a_published_key_load() {
    // Published PSAM key load: usage 22, version 00, one key as control key and as payload.
    let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
    let payload = Payload::SamKey { kind: UsageKind::PURCHASE, version: KeyVersion(0) };
    let order = order(KeyTarget::Sam(sam()), payload);
    let body = order.seal(&key, Some(&key)).unwrap();
    assert_eq!(
        order.command(&body).unwrap().to_bytes()[..],
        hex!("84D400001C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 8A9D4ADB")
    );
}

#[test]
fn a_card_gets_its_own_key_in_the_record_of_the_profile() {
    let keys = keys(|_| Algorithm::Des);
    for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some()) {
        let manner = if purpose == Purpose::Control { Manner::Replace } else { Manner::Add };
        let order = for_card(card_key(purpose, manner));
        let body = store().write_key(&order).unwrap();
        let value = keys.card_key(serial(), purpose, VERSION).unwrap();
        assert_eq!(opened(&keys, &order, &body)[5..], value.expose()[..], "{purpose:?}");
    }
    let order = for_card(card_key(Purpose::Load, Manner::Add));
    let body = store().write_key(&order).unwrap();
    assert_eq!(opened(&keys, &order, &body)[..5], hex!("FF 22 F0 05 00"));
    assert_eq!(order.parameters(), hex!("01 01"));
    let pin = Pin::from_digits("123456").unwrap();
    let order = for_card(Payload::Pin(&pin));
    let body = store().write_key(&order).unwrap();
    assert_eq!(opened(&keys, &order, &body), hex!("3A F0 EF 02 33 123456"));
}

#[test]
fn the_first_key_of_an_enterprise_goes_under_the_operators_management_key() {
    let keys = keys(|_| Algorithm::Des);
    let mut order = for_card(card_key(Purpose::Control, Manner::Replace));
    order.under = WrapperKey::Management(VERSION);
    let body = store().write_key(&order).unwrap();
    assert_eq!(opened(&keys, &order, &body)[..5], hex!("F9 F0 F0 0F FF"));
    assert_eq!(order.parameters(), hex!("39 00"));
    let mut order = for_sam(UsageKind::MASTER);
    order.under = WrapperKey::Management(VERSION);
    let body = store().write_key(&order).unwrap();
    let own = keys.sam(sam().factor());
    let master = own.keys().key(Purpose::SamMaster, VERSION).unwrap();
    assert_eq!(opened(&keys, &order, &body), [&hex!("00 05 00")[..], master.expose()].concat());
}

#[test]
fn a_sam_gets_its_own_two_keys_and_working_keys_of_the_enterprise() {
    let keys = keys(|_| Algorithm::Des);
    let order = for_sam(UsageKind::LOAD);
    let body = store().write_key(&order).unwrap();
    let load = keys.keys().key(Purpose::Load, VERSION).unwrap();
    assert_eq!(opened(&keys, &order, &body), [&hex!("29 05 00")[..], load.expose()].concat());
    let order = for_sam(UsageKind::MAINTENANCE);
    let body = store().write_key(&order).unwrap();
    assert_eq!(opened(&keys, &order, &body)[..3], hex!("01 05 00"));
}

#[test]
fn over_the_air_the_block_in_front_is_enciphered() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let key = Key::new(algorithm, *b"sixteen bytes ok");
        let mut order = for_card(card_key(Purpose::Tac, Manner::Add));
        order.fresh = Freshness::OverTheAir { counter: hex!("0102030405"), command: 6 };
        let body = order.seal(&key, Some(&key)).unwrap();
        let (cipher, mac) = body.as_bytes().split_at(body.as_bytes().len() - 4);
        let mut block = vec![0; algorithm.block_len()];
        block[..6].copy_from_slice(&hex!("010203040506"));
        let initial = key.encipher(&block);
        let message = [&hex!("84D40100")[..], &[u8::try_from(body.as_bytes().len()).unwrap()], cipher].concat();
        let expected = match algorithm {
            // A block of zeros as IV and the wanted IV XORed onto the first block are the same.
            Algorithm::Des => key.line_mac([0; 8], &xored(&message, &initial)),
            Algorithm::Sm4 => key.line_mac([0; 8], &xored(&message, &initial)),
            Algorithm::Aes => {
                use cmac::{KeyInit, Mac};
                let mut mac = cmac::Cmac::<aes::Aes128>::new(key.expose().into());
                mac.update(&initial);
                mac.update(&message);
                mac.finalize().into_bytes()[..4].try_into().unwrap()
            }
        };
        assert_eq!(mac, expected, "{algorithm:?}");
    }
}

fn xored(message: &[u8], block: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    for (byte, with) in message.iter_mut().zip(block) {
        *byte ^= with;
    }
    message
}

#[test]
fn what_no_key_master_card_makes_is_refused() {
    let not = |purpose, target| StoreError::NotForTarget { purpose, target };
    let card = KeyTarget::Application(serial());
    let refused = |order: WriteKeyOrder<'_>| store().write_key(&order).unwrap_err();
    for purpose in [
        Purpose::CardControl,
        Purpose::Management,
        Purpose::SamMaster,
        Purpose::Rights,
        Purpose::Scp03Dek,
        Purpose::OtaKid,
        Purpose::MasterCardWrap,
    ] {
        assert_eq!(refused(for_card(card_key(purpose, Manner::Add))), not(purpose, card));
    }
    let sam_key = Payload::SamKey { kind: UsageKind::LOAD, version: VERSION };
    assert_eq!(refused(for_card(sam_key)), not(Purpose::Load, card));
    let on_sam = order(KeyTarget::Sam(sam()), card_key(Purpose::Tac, Manner::Add));
    assert_eq!(refused(on_sam), not(Purpose::Tac, KeyTarget::Sam(sam())));
    assert!(matches!(refused(for_sam(UsageKind::MAC)), StoreError::Malformed(_)));
    let pin = Pin::from_digits("1234").unwrap();
    assert!(matches!(refused(order(KeyTarget::Sam(sam()), Payload::Pin(&pin))), StoreError::Malformed(_)));
    assert_eq!(refused(for_card(card_key(Purpose::Control, Manner::Add))), StoreError::ControlKeyAdded);
    let tac = NamedKey { purpose: Purpose::Tac, version: VERSION };
    let elsewhere = Payload::CardKey { name: tac, id: 2, manner: Manner::Add };
    assert_eq!(refused(for_card(elsewhere)), StoreError::NoSuchPlace(Purpose::Tac, 2));
    let missing = NamedKey { version: KeyVersion(9), ..tac };
    let missing_key = Payload::CardKey { name: missing, id: 0, manner: Manner::Add };
    assert_eq!(refused(for_card(missing_key)), StoreError::MissingKey(missing.into()));
}

/// The same as a key master card, and for the same reason (16.6.8).
#[test]
fn a_pin_of_more_than_6_digits_gets_no_body() {
    for digits in ["1234567", "12345678", "1234567890", "123456789012"] {
        let pin = Pin::from_digits(digits).unwrap();
        let written = store().write_key(&for_card(Payload::Pin(&pin)));
        assert_eq!(written, Err(StoreError::PinTooLong), "{digits}");
        let sealed = for_card(Payload::Pin(&pin)).seal(&Key::from_bytes([0x41; 16]), None);
        assert_eq!(sealed, Err(StoreError::PinTooLong), "{digits}");
    }
    for digits in ["1234", "12345", "123456"] {
        store().write_key(&for_card(Payload::Pin(&Pin::from_digits(digits).unwrap()))).unwrap();
    }
}

#[test]
fn only_a_control_key_goes_under_the_key_the_operator_knows() {
    let pin = Pin::from_digits("1234").unwrap();
    let payloads = [card_key(Purpose::Tac, Manner::Add), Payload::Pin(&pin)].map(for_card);
    for mut order in payloads.into_iter().chain([for_sam(UsageKind::LOAD), for_sam(UsageKind::MAINTENANCE)]) {
        order.under = WrapperKey::Management(VERSION);
        assert_eq!(store().write_key(&order), Err(StoreError::UnderManagement));
    }
}

#[test]
fn a_key_file_has_one_cipher_for_the_keys_that_follow_it() {
    let mut store = SoftwareStore::new(keys(|purpose| match purpose {
        Purpose::Control | Purpose::Tac | Purpose::SamMaster => Algorithm::Sm4,
        _ => Algorithm::Des,
    }));
    assert!(store.write_key(&for_card(card_key(Purpose::Tac, Manner::Add))).is_ok());
    assert!(store.write_key(&for_sam(UsageKind::LOAD)).is_ok());
    let (payload, control) = (Algorithm::Des, Algorithm::Sm4);
    let mixed = |purpose| Err(StoreError::MixedAlgorithms { purpose, payload, control });
    let maintenance = for_card(card_key(Purpose::Maintenance, Manner::Add));
    assert_eq!(store.write_key(&maintenance), mixed(Purpose::Maintenance));
    assert_eq!(store.write_key(&for_sam(UsageKind::MAINTENANCE)), mixed(Purpose::SamMaintenance));
}

#[test]
fn a_store_tells_what_it_has_by_check_values() {
    let keys = store().keys().unwrap();
    assert_eq!(keys.len(), Purpose::ALL.len());
    let first = keys.first().unwrap();
    let control = NamedKey { purpose: Purpose::Control, version: VERSION };
    assert_eq!((first.name, first.check_value), (control, CheckValue::of(&Key::from_bytes([0x41; 16]))));
}
