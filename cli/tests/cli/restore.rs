//! What `card inspect --json` tells is enough to make the card again.

use std::path::Path;

use hex::FromHex;
use onecard_host::{
    card::{Pin, select, update_binary},
    crypto::LineKey,
    issuing::{CardOrder, KeyBeside},
    keys::Purpose,
};
use onecard_simulator::{image_file::Durability, reader::Reader, sample::Sample};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    key::{Algorithm, KeyVersion},
    number::ApplicationSerial,
    record::{AccessRight, Holder, Parameters, PublicData, Zone},
};
use serde_json::Value;

use crate::{
    cards::key_file,
    run::{json, write_secret},
};

const DESK: &str = "--sam keys:dev.keys --pin-file holder.pin --at 2026-11-02T12:00";

#[test]
fn a_card_is_made_again_from_what_inspect_tells() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut sample = Sample::new("restore").unwrap().with_next_keys(Algorithm::Sm4).unwrap();
    write_secret(&at.join("holder.pin"), Sample::PIN);
    key_file(&at.join("dev.keys"), &[sample.roots()]);
    original(at, &mut sample);
    let told = inspect(at, "old");
    assert_eq!((&told["proven"], &told["purses"][0]["balance_fen"]), (&true.into(), &3_750.into()));

    let serial = told["serial"].as_str().unwrap().parse().unwrap();
    make(at, &mut sample, "new", serial, &order_of(&told), &binary(&told, "0019"));
    let balance = Amount::from_fen(told["purses"][0]["balance_fen"].as_u64().unwrap().try_into().unwrap());
    json(at, &format!("card recharge sim:new.card {balance} {DESK}"), 0);
    let again = inspect(at, "new");
    for part in ["serial", "enterprise", "valid_from", "valid_to", "holder", "keys", "access_rights", "capp_records"] {
        assert!(!told[part].is_null() && told[part] == again[part], "{part}: {} {}", told[part], again[part]);
    }
    // All of EF 0017 but the card's own day and what was spent then.
    let (before, after) = (binary(&told, "0017"), binary(&again, "0017"));
    assert_eq!(before[..28], after[..28]);
    for file in ["0015", "0016", "0019"] {
        assert_eq!(told["files"][file], again["files"][file], "{file}");
    }
    assert_eq!(told["purses"][0]["balance_fen"], again["purses"][0]["balance_fen"]);
}

/// A card with limits, a holder, rights, keys of two versions and ciphers, and a history.
fn original(at: &Path, sample: &mut Sample) {
    let mut name = [0; 20];
    name[..6].copy_from_slice(&[0xCD, 0xF5, 0xD0, 0xA1, 0xC3, 0xF7]);
    let order = CardOrder {
        valid_to: Date::parse("2029-06-30").unwrap(),
        holder: Holder { card_type: 2, staff: 1, name, id_number: [b'7'; 32], id_type: 2 },
        parameters: Parameters {
            balance_expiry: Date::parse("2029-05-31").unwrap().to_bytes(),
            balance_max: Amount::from_fen(100_000),
            purchase_max: Amount::from_fen(20_000),
            day_total_max: Amount::from_fen(30_000),
            pin_threshold: Amount::from_fen(5_000),
            ..Parameters::UNLIMITED
        },
        ..sample.order()
    };
    let right = AccessRight {
        zone: Zone(0x0102),
        schedule: 3,
        flags: AccessRight::ANTI_PASSBACK,
        valid_from: Date::parse("2026-01-01").unwrap(),
        valid_to: Date::parse("2027-12-31").unwrap(),
        mac: [1, 2, 3, 4],
    };
    let mut rights = vec![0; AccessRight::FILE_LEN];
    rights[32..48].copy_from_slice(&right.emit());
    make(at, sample, "old", ApplicationSerial::from_parts(31, 1, 77).unwrap(), &order, &rights);
    json(at, &format!("card recharge sim:old.card 50 {DESK}"), 0);
    json(at, &format!("card pay sim:old.card 12.50 {DESK}"), 0);
}

fn make(at: &Path, sample: &mut Sample, name: &str, serial: ApplicationSerial, order: &CardOrder, rights: &[u8]) {
    let chip = sample.card_with(serial, order).unwrap();
    let card_keys = sample.keys().card(serial);
    let mut key = LineKey::from(card_keys.keys().key(Purpose::Maintenance, Sample::KEY_VERSION).unwrap().clone());
    let mut reader = Reader::insert(chip);
    let selected = select(&mut reader, &aid::enterprise_application(order.enterprise)).unwrap();
    update_binary(&mut reader, &selected, Fid::ACCESS_RIGHTS, 0, rights, &mut key).unwrap();
    reader.remove().store(&at.join(format!("{name}.card")), Durability::ProcessKill).unwrap();
}

/// The issuing order that the files and the list of keys amount to.
fn order_of(told: &Value) -> CardOrder {
    let public_data = PublicData::parse(&binary(told, "0015")).unwrap();
    let keys = told["keys"].as_array().unwrap();
    let version = |key: &Value| KeyVersion(key["version"].as_u64().unwrap().try_into().unwrap());
    let at_first = |kind: &str, id: &str| keys.iter().find(|key| key["type"] == kind && key["id"] == id).unwrap();
    let beside = keys.iter().filter_map(|key| {
        let id = u8::from_str_radix(key["id"].as_str().unwrap(), 16).unwrap();
        let purpose = match (key["type"].as_str().unwrap(), id) {
            ("3E", 0x02..) => Purpose::Purchase,
            ("3F", 0x02..=0x0F) => Purpose::Load,
            ("3F", 0x12..) => Purpose::LoadForAir,
            _ => return None,
        };
        Some(KeyBeside { purpose, id, version: version(key) })
    });
    CardOrder {
        enterprise: public_data.enterprise,
        directory: Fid(0xDF01),
        valid_from: public_data.valid_from,
        valid_to: public_data.valid_to,
        holder: Holder::parse(&binary(told, "0016")).unwrap(),
        parameters: Parameters {
            day: [0; 4],
            spent: Amount::ZERO,
            ..Parameters::parse(&binary(told, "0017")).unwrap()
        },
        // The PIN alone is told by nobody.
        pin: Pin::from_digits(Sample::PIN).unwrap(),
        key_version: version(at_first("34", "00")),
        beside: beside.collect(),
    }
}

fn inspect(at: &Path, name: &str) -> Value {
    json(at, &format!("card inspect sim:{name}.card --sam keys:dev.keys --pin-file holder.pin"), 0)
}

fn binary(told: &Value, file: &str) -> Vec<u8> {
    Vec::from_hex(told["files"][file]["binary"].as_str().unwrap()).unwrap()
}
