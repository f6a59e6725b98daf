//! A card is made again from `inspect --json`, field by field but for what is the old card's own.

use std::{collections::BTreeSet, fs, path::Path};

use onecard_host::{
    apdu::{Command, exchange},
    card::select,
    crypto::LineKey,
    issuing::CardOrder,
    keys::Purpose,
    line_protection::{challenge, with_mac},
};
use onecard_simulator::{image_file::Durability, reader::Reader, sample::Sample};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    ins,
    key::Algorithm,
    number::ApplicationSerial,
    record::{Holder, Parameters},
};
use serde_json::Value;

use crate::{
    cards::key_file,
    run::{json, onecard, write_secret},
};

const DESK: &str = "--sam keys:dev.keys --pin-file holder.pin --at 2026-11-02T12:00";
const RESTORE: &str = "card restore old.json --reader sim:new.card --keys dev.keys --number 78 --pin-file holder.pin";

/// What of `inspect` is the old card's own and not the new one's.
const OWN: [&str; 14] = [
    "access",
    "access_rights[0].mac",
    "attendance",
    "files.0015",
    "files.0017",
    "files.0018",
    "files.0019",
    "files.001A",
    "files.001B",
    "parameters.spent_fen",
    "purses[0].offline_sequence",
    "purses[0].online_sequence",
    "serial",
    "transactions",
];

#[test]
fn a_card_is_made_again_from_what_inspect_tells() {
    let folder = station();
    let at = folder.path();
    let told = archive(at);
    let restored = json(at, RESTORE, 0);
    assert_eq!((&restored["access_rights"], &restored["capp_records"]), (&1.into(), &1.into()));
    assert_eq!(balance(&inspect(at, "new")), 0, "a balance that was only read is not restored");

    // Over the desk: off the old card, onto the new one.
    json(at, &format!("card unload --reader sim:old.card --all {}", &DESK.replace("--pin-file holder.pin ", "")), 0);
    json(at, &format!("card recharge {} {DESK} --reader sim:new.card", Amount::from_fen(balance(&told))), 0);
    json(at, &format!("card overdraft 200 {DESK} --reader sim:new.card"), 0);

    let again = inspect(at, "new");
    let mut differing = BTreeSet::new();
    compare(&mut differing, String::new(), &told, &again);
    assert_eq!(differing, OWN.map(str::to_owned).into());
    // And those no further than they must.
    let (before, after) = (binary(&told, "0017"), binary(&again, "0017"));
    assert_eq!(before[..56], after[..56], "all of EF 0017 but the card's own day and what was spent then");
    let (before, after) = (binary(&told, "0015"), binary(&again, "0015"));
    assert_eq!((&before[..24], &before[40..]), (&after[..24], &after[40..]), "all of EF 0015 but the serial");
    let (before, after) = (binary(&told, "0019"), binary(&again, "0019"));
    assert_eq!((&before[..56], &before[64..]), (&after[..56], &after[64..]), "all of EF 0019 but the seal");
    // The seal is the issuer's: the right opens the door.
    json(at, "card access --reader sim:new.card --zone 7 --sam keys:dev.keys --at 2026-11-03T09:00", 0);
}

#[test]
fn what_is_no_card_or_no_archive_of_one_is_refused() {
    let folder = station();
    let at = folder.path();
    let told = archive(at);
    let refused = |line: &str, says: &str| {
        let run = onecard(at, line);
        assert!(run.code == 1 && run.err.contains(says), "{line}\n{}{}", run.out, run.err);
        assert!(!at.join("new.card").exists(), "{line}");
    };
    refused(&RESTORE.replace("new.card", "old.card"), "is issued already");
    refused(&RESTORE.replace("--number 78", "--number 77"), "is the old card's number");
    refused(&RESTORE.replace("old.json", "none.json"), "archive none.json cannot be read");
    refused(&RESTORE.replace("dev.keys", "other.keys"), "slot 1 of the archive is not the issuer's");

    let changed = |change: &dyn Fn(&mut Value)| {
        let mut other = told.clone();
        change(&mut other);
        fs::write(at.join("old.json"), other.to_string()).unwrap();
    };
    changed(&|told| told["schema"] = "onecard.card-show/1".into());
    refused(RESTORE, "its schema is");
    changed(&|told| told["enterprise"] = "1000000000000002".into());
    changed(&|told| told["serial"] = "3100100000000019".into());
    refused(RESTORE, "it was changed");
    changed(&|told| drop(told["files"].as_object_mut().unwrap().remove("0016")));
    refused(RESTORE, "file 0016 is missing");
    changed(&|told| told["keys"] = Value::Null);
    refused(RESTORE, "it holds no key list");
    changed(&|told| told["own_parts"] = false.into());
    refused(RESTORE, "plain FMCOS wallet");
    // Another zone under the old seal.
    changed(&|told| {
        let digits = told["files"]["0019"]["binary"].as_str().unwrap().to_owned();
        told["files"]["0019"]["binary"] = format!("{}0008{}", &digits[..32], &digits[36..]).into();
    });
    refused(RESTORE, "slot 1 of the archive is not the issuer's");
    changed(&|told| told["keys"][8]["algorithm"] = 6.into());
    refused(RESTORE, "of another version or cipher");
}

#[test]
fn a_right_that_was_taken_back_since_is_not_restored() {
    let folder = station();
    let at = folder.path();
    archive(at);
    json(at, "card rights clear --reader sim:old.card --slot 1 --sam keys:dev.keys --deny-list doors.deny", 0);
    let restored = json(at, &format!("{RESTORE} --deny-list doors.deny"), 0);
    assert_eq!((&restored["access_rights"], &restored["rights_withdrawn"]), (&0.into(), &1.into()));
}

/// A card with limits, a holder, a right, keys of two versions and ciphers, and a history.
fn station() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut sample = Sample::new("restore").unwrap().with_next_keys(Algorithm::Sm4).unwrap();
    write_secret(&at.join("holder.pin"), Sample::PIN);
    key_file(&at.join("dev.keys"), &[sample.roots()]);
    key_file(&at.join("other.keys"), &[Sample::new("another").unwrap().roots()]);
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
    make(at, &mut sample, &order);
    for yuan in [20, 30] {
        json(at, &format!("card recharge {yuan} {DESK} --reader sim:old.card"), 0);
    }
    json(at, &format!("card overdraft 200 {DESK} --reader sim:old.card"), 0);
    json(at, &format!("card pay 12.50 {DESK} --reader sim:old.card"), 0);
    let right = "--slot 1 --zone 7 --anti-passback --until 2027-12-31 --sam keys:dev.keys";
    json(at, &format!("card rights set {right} --reader sim:old.card"), 0);
    json(at, "card access --reader sim:old.card --zone 7 --sam keys:dev.keys --at 2026-11-02T12:01", 0);
    json(
        at,
        "card attend in --reader sim:old.card --sam keys:dev.keys --journal clock.events --at 2026-11-02T12:02",
        0,
    );
    folder
}

/// The old card, with one compound-purchase record.
fn make(at: &Path, sample: &mut Sample, order: &CardOrder) {
    let serial = ApplicationSerial::from_parts(31, 1, 77).unwrap();
    let chip = sample.card_with(serial, order).unwrap();
    let card_keys = sample.keys().card(serial);
    let mut key = LineKey::from(card_keys.keys().key(Purpose::Maintenance, Sample::KEY_VERSION).unwrap().clone());
    let mut reader = Reader::insert(chip);
    select(&mut reader, &aid::enterprise_application(order.enterprise)).unwrap();
    let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0x00, (Fid::CAPP.0 as u8) << 3);
    let append = append.with_data(&[0x27, 0x04, 0x00, 0x0A, 0x0B, 0x0C]);
    let challenge = challenge(&mut reader).unwrap();
    exchange(&mut reader, &with_mac(&append, challenge, &mut key).unwrap()).unwrap().done().unwrap();
    reader.remove().store(&at.join("old.card"), Durability::ProcessKill).unwrap();
}

/// The old card as it stands, kept as old.json.
fn archive(at: &Path) -> Value {
    let told = inspect(at, "old");
    assert_eq!((&told["proven"], balance(&told)), (&true.into(), 3_750));
    fs::write(at.join("old.json"), told.to_string()).unwrap();
    told
}

/// The paths at which two inspections differ; lists of events as a whole.
fn compare(differing: &mut BTreeSet<String>, path: String, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Object(olds), Value::Object(news)) if !is_file(&path) => {
            let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
            for name in names {
                let separator = if path.is_empty() { "" } else { "." };
                compare(differing, format!("{path}{separator}{name}"), &old[name], &new[name]);
            }
        }
        (Value::Array(olds), Value::Array(news)) if olds.len() == news.len() && !is_log(&path) => {
            for (index, (old, new)) in olds.iter().zip(news).enumerate() {
                compare(differing, format!("{path}[{index}]"), old, new);
            }
        }
        (old, new) if old == new => {}
        _ => drop(differing.insert(path)),
    }
}

fn is_file(path: &str) -> bool {
    path.strip_prefix("files.").is_some()
}

fn is_log(path: &str) -> bool {
    ["transactions", "attendance", "access"].contains(&path)
}

fn inspect(at: &Path, name: &str) -> Value {
    json(at, &format!("card inspect --reader sim:{name}.card --sam keys:dev.keys --pin-file holder.pin"), 0)
}

fn balance(told: &Value) -> u32 {
    told["purses"][0]["balance_fen"].as_u64().unwrap().try_into().unwrap()
}

fn binary(told: &Value, file: &str) -> String {
    told["files"][file]["binary"].as_str().unwrap().to_owned()
}
