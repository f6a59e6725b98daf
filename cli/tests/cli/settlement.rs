//! What the issuer is handed, changed and with records missing.

use std::{fs, path::Path};

use onecard_host::terminal::settlement;
use serde_json::{Value, json as value};

use crate::{
    run::{json, onecard},
    steps::{pay, station},
};

#[test]
fn settlement_is_exported_verified_and_a_changed_record_found() {
    let folder = station();
    let at = folder.path();
    pay(at, "12.50", 0);
    let exported = json(at, "settlement export w.card.journal --to day.settlement", 0);
    assert_eq!((&exported["loaded_fen"], &exported["paid_fen"]), (&Value::from(10_000), &Value::from(1_250)));
    assert_eq!(json(at, "settlement verify day.settlement --keys dev.keys", 0)["unproven"], 0);
    let file = at.join("day.settlement");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(",1250,10000,8750,", ",1260,10000,8740,")).unwrap();
    assert_eq!(json(at, "settlement verify day.settlement --keys dev.keys", 5)["unproven"], 1);
    // The same record twice is paid once, and counted once.
    let twice = format!("{text}{}\n", text.lines().last().unwrap());
    fs::write(&file, twice).unwrap();
    let found = json(at, "settlement verify day.settlement --keys dev.keys", 5);
    assert_eq!(
        (&found["unproven"], &found["paid_fen"], &found["loaded_fen"]),
        (&value!(1), &value!(1_250), &value!(10_000))
    );
    let run = onecard(at, "settlement verify day.settlement --keys dev.keys");
    assert!(run.out.contains("3 records 笔, 2 of them proven") && run.out.contains(" 12.50 yuan paid"), "{}", run.out);
}

#[test]
fn exports_for_spreadsheets_and_programs_hold_the_same_records() {
    let folder = station();
    let at = folder.path();
    pay(at, "12.50", 0);
    for form in ["settlement", "csv", "json"] {
        json(at, &format!("settlement export w.card.journal --to day.{form} --as {form}"), 0);
    }
    let text = |form: &str| fs::read_to_string(at.join(format!("day.{form}"))).unwrap();
    let records = settlement::parse(&text("settlement")).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(settlement::from_csv(&text("csv")).unwrap(), records);
    assert_eq!(settlement::from_json(&text("json")).unwrap(), records);
    let run = onecard(at, "settlement export w.card.journal --to day.csv --as csv");
    assert!(run.code == 1 && run.err.contains("day.csv cannot be made"), "{}", run.err);
}

#[test]
fn a_purchase_copied_with_another_sequence_and_other_balances_is_paid_once() {
    let folder = station();
    let at = folder.path();
    pay(at, "12.50", 0);
    json(at, "settlement export w.card.journal --to day.settlement", 0);
    let text = fs::read_to_string(at.join("day.settlement")).unwrap();
    let sale = text.lines().last().unwrap();
    let copy = sale.replacen("2,", "3,", 1).replace(",1250,10000,8750,0,", ",1250,8750,7500,1,");
    assert_ne!(sale, copy);
    fs::write(at.join("day.settlement"), format!("{text}{copy}\n")).unwrap();
    let found = json(at, "settlement verify day.settlement --keys dev.keys", 5);
    assert_eq!((&found["unproven"], &found["records"][2]["line"]), (&value!(1), &value!(5)));
    let run = onecard(at, "settlement verify day.settlement --keys dev.keys");
    assert!(run.out.contains("line 5: order 3, ") && run.out.contains("the sale of line 4 again"), "{}", run.out);
    // In another file, and with balances that contradict the amount.
    fs::write(at.join("day.settlement"), &text).unwrap();
    let header: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(at.join("more.settlement"), format!("{header}{copy}\n")).unwrap();
    let run = onecard(at, "settlement verify day.settlement more.settlement --keys dev.keys");
    assert!(run.code == 5 && run.out.contains("more.settlement, line 3: order 3"), "{}", run.out);
    assert!(run.out.contains("the sale of day.settlement, line 4 again"), "{}", run.out);
    fs::write(at.join("more.settlement"), format!("{header}{}\n", copy.replace(",7500,", ",7501,"))).unwrap();
    let run = onecard(at, "settlement verify more.settlement --keys dev.keys");
    assert!(run.code == 1 && run.err.contains("line 3: field balances"), "{}", run.err);
}

#[test]
fn missing_sequences_are_told_and_are_no_fault() {
    let folder = station();
    let at = folder.path();
    for _ in 0..4 {
        pay(at, "1", 0);
    }
    json(at, "settlement export w.card.journal --to day.settlement", 0);
    assert_eq!(verify(at)["gaps"], value!([]));
    let text = fs::read_to_string(at.join("day.settlement")).unwrap();
    let lines = text.lines().enumerate().filter(|(at, _)| ![4, 5].contains(at));
    fs::write(at.join("day.settlement"), lines.map(|(_, line)| format!("{line}\n")).collect::<String>()).unwrap();
    let gaps = &verify(at)["gaps"];
    assert_eq!((&gaps[0]["of"], &gaps[0]["from"], &gaps[0]["to"]), (&value!("card"), &value!(1), &value!(2)));
    assert_eq!(gaps[1], value!({ "of": "terminal", "terminal": "000000000001", "from": 1, "to": 2 }));
    let run = onecard(at, "settlement verify day.settlement --keys dev.keys");
    assert!(run.out.contains("purchases 消费: 1 to 2") && run.out.contains("终端 000000000001: 1 to 2"), "{}", run.out);
}

fn verify(at: &Path) -> Value {
    json(at, "settlement verify day.settlement --keys dev.keys", 0)
}
