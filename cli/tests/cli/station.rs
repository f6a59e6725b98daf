//! A card that is written where it is: made, wiped, made again, and left alone if it is not this station's.

use std::{fs, path::Path};

use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
};

use crate::run::{Run, json, onecard, write_secret};

const NEW: &str = "card new --reader sim:w.card --keys dev.keys --number 7 --name 王小明 --pin-file w.pin";
const WIPE: &str = "card wipe --reader sim:w.card --keys dev.keys --pin-file w.pin";

/// Two enterprises' keys, a PIN, and a blank card in a file.
fn station() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    json(at, "keys new dev.keys", 0);
    json(at, "keys new other.keys", 0);
    write_secret(&at.join("w.pin"), "135790");
    Chip::blank(Blank::CpuCard, 1).unwrap().store(&at.join("w.card"), Durability::ProcessKill).unwrap();
    folder
}

/// Must fail with `says`, and leave the card as it was but for its counters.
fn refused(at: &Path, line: &str, says: &str) -> Run {
    let run = onecard(at, line);
    assert!(run.code == 1 && run.err.contains(says) && run.out.is_empty(), "{line}\n{}{}", run.out, run.err);
    run
}

#[test]
fn a_blank_card_is_made_and_wiped_and_made_again() {
    let folder = station();
    let at = folder.path();
    for _ in 0..2 {
        let said = onecard(at, NEW);
        assert_eq!(said.code, 0, "{}", said.err);
        for part in ["blank", "erased 擦除", "3100100000000076", "2030-12-31", "DF01", "PIN"] {
            assert!(said.err.contains(part), "{part} in {}", said.err);
        }
        assert_eq!(json(at, "card show --reader sim:w.card", 0)["serial"], "3100100000000076");
        let wiped = json(at, WIPE, 0);
        assert_eq!((&wiped["outcome"], &wiped["serial"]), (&"wiped".into(), &"3100100000000076".into()));
        refused(at, "card show --reader sim:w.card", "no application");
    }
    let image = fs::read(at.join("w.card")).unwrap();
    assert_eq!(json(at, WIPE, 0)["outcome"], "blank_already");
    assert!(!String::from_utf8_lossy(&image).contains("1000000000000001"));
}

#[test]
fn a_card_of_others_or_with_money_is_left_as_it_is() {
    let folder = station();
    let at = folder.path();
    json(at, NEW, 0);
    refused(at, NEW, "card 3100100000000076 is issued already");
    refused(at, &NEW.replace("--number 7", "--number 8"), "card 3100100000000076 is issued already");
    refused(at, &WIPE.replace("dev.keys", "other.keys"), "its control key is another");
    refused(at, &format!("{WIPE} --number 8"), "--number names");
    json(at, "card recharge 20 --reader sim:w.card --sam keys:dev.keys --pin-file w.pin", 0);
    refused(at, WIPE, "20.00 yuan are on it");
    assert_eq!(json(at, "card show --reader sim:w.card", 0)["balance_fen"], 2_000);
    json(at, "card unload --all --reader sim:w.card --sam keys:dev.keys", 0);
    // Nor does the deposit go unseen, with the PIN or without.
    json(at, "card recharge 20 --deposit --reader sim:w.card --sam keys:dev.keys --pin-file w.pin", 0);
    refused(at, WIPE, "20.00 yuan are on it");
    refused(at, WIPE.split(" --pin-file").next().unwrap(), "does not tell what money");
    let lost = onecard(at, &format!("{WIPE} --lose-balance"));
    assert!(lost.code == 0 && lost.err.contains("20.00 yuan, which are lost"), "{}{}", lost.out, lost.err);
}

#[test]
fn a_blocked_card_is_wiped_by_its_number() {
    let folder = station();
    let at = folder.path();
    json(at, NEW, 0);
    json(at, "card block --reader sim:w.card --sam keys:dev.keys --for-good", 0);
    refused(at, NEW, "is issued already, and blocked");
    refused(at, WIPE, "needs --number");
    refused(at, &format!("{WIPE} --number 8"), "its control key is another");
    // Blocked, it does not tell what money is on it.
    refused(at, &format!("{WIPE} --number 7"), "does not tell what money");
    let wiped = json(at, &format!("{WIPE} --number 7 --lose-balance"), 0);
    assert_eq!(wiped["lost_fen"], serde_json::Value::Null);
    json(at, NEW, 0);
}
