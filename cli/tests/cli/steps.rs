//! One step after the other, with money that is counted.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{json, onecard, set_mode, write_secret};

const PIN: &str = "135790";
pub(crate) const AT: &str = "--at 2026-11-02T12:00:00";

/// Keys, both SAMs, and a card with 100 yuan.
pub(crate) fn station() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_secret(&at.join("w.pin"), PIN);
    json(at, "keys new dev.keys", 0);
    json(at, "sam new --reader sim:till.sam --keys dev.keys --role till", 0);
    json(at, "sam new --reader sim:st.sam --keys dev.keys --role recharge --terminal 000000000002 --load-limit 200", 0);
    let made = json(at, "card new --reader sim:w.card --keys dev.keys --number 7 --name 王小明 --pin-file w.pin", 0);
    assert_eq!((&made["balance_fen"], &made["holder"]["name"]), (&Value::from(0), &Value::from("王小明")));
    let loaded = recharge(at, "100", 0);
    assert_eq!((&loaded["outcome"], balance(at)), (&Value::from("committed"), 10_000));
    folder
}

pub(crate) fn pay(at: &Path, rest: &str, code: i32) -> Value {
    json(at, &format!("card pay --reader sim:w.card --sam sim:till.sam {AT} {rest}"), code)
}

pub(crate) fn recharge(at: &Path, rest: &str, code: i32) -> Value {
    json(at, &format!("card recharge --reader sim:w.card --sam sim:st.sam --pin-file w.pin {AT} {rest}"), code)
}

pub(crate) fn balance(at: &Path) -> u64 {
    json(at, "card show --reader sim:w.card", 0)["balance_fen"].as_u64().unwrap()
}

#[test]
fn a_torn_sale_is_charged_once_wherever_it_is_torn() {
    let folder = station();
    let at = folder.path();
    let (mut paid, mut not_paid) = (0, 0);
    for operation in 0..12 {
        let before = balance(at);
        let torn =
            json(at, &format!("card pay --reader sim:w.card --sam sim:till.sam {AT} 1.50 --tear {operation}"), 3);
        let order = &torn["order"];
        let again = pay(at, &format!("1.50 --order {order}"), 0);
        assert_eq!((again["outcome"].as_str(), balance(at)), (Some("committed"), before - 150));
        match again["record"]["evidence"].as_str() {
            Some("mac2") => paid += 1,
            evidence => {
                assert_eq!(evidence, Some("answer"));
                not_paid += 1;
            }
        }
        // And once more: the same order is the same sale.
        assert_eq!(pay(at, &format!("1.50 --order {order}"), 0)["record"], again["record"]);
        assert_eq!(balance(at), before - 150);
        if paid == 2 {
            break;
        }
    }
    assert!(paid > 0 && not_paid > 0, "{paid} {not_paid}");
}

#[test]
fn a_lost_answer_is_resolved_by_its_proof_and_a_recharge_by_the_issuer() {
    let folder = station();
    let at = folder.path();
    let lost = pay(at, "12.50 --lose-answer", 3);
    assert_eq!((lost["outcome"].as_str(), lost["decider"].as_str()), (Some("unknown"), Some("same_card")));
    let resolved = json(at, "card resolve --reader sim:w.card --sam sim:till.sam", 0);
    assert_eq!(resolved["resolved"][0]["record"]["evidence"], "mac2");
    assert_eq!(balance(at), 8_750);

    recharge(at, "20 --lose-answer", 3);
    let still = json(at, "card resolve --reader sim:w.card --sam sim:st.sam --pin-file w.pin", 3);
    assert_eq!(still["resolved"][0]["decider"], "issuer");
    // Nothing new is begun before it is decided.
    pay(at, "1", 3);
    let resolved = json(at, "card resolve --reader sim:w.card --sam sim:st.sam --pin-file w.pin --issuer dev.keys", 0);
    assert_eq!(resolved["resolved"][0]["record"]["evidence"], "tac");
    assert_eq!(balance(at), 10_750);
    assert_eq!(
        json(at, "card resolve --reader sim:w.card --sam sim:till.sam", 0)["resolved"],
        Value::Array(Vec::new())
    );

    let log = json(at, "card log --reader sim:w.card --pin-file w.pin", 0);
    let by_mac = json(at, "card log --reader sim:w.card --sam keys:dev.keys", 0);
    assert_eq!((&log["records"], log["records"].as_array().unwrap().len()), (&by_mac["records"], 3));
}

#[test]
fn a_key_file_does_a_sams_work_and_remembers_its_sequence() {
    let folder = station();
    let at = folder.path();
    for sequence in 0..3 {
        let paid = json(at, &format!("card pay 2 --reader sim:w.card --sam keys:dev.keys {AT}"), 0);
        assert_eq!(paid["record"]["transaction"]["terminal_sequence"], sequence);
    }
    json(at, &format!("card recharge 5 --reader sim:w.card --sam keys:dev.keys --pin-file w.pin {AT}"), 0);
    assert_eq!(balance(at), 9_900);
}

#[test]
fn refusals_move_nothing_and_end_with_4() {
    let folder = station();
    let at = folder.path();
    let refused = pay(at, "100.01", 4);
    assert_eq!(refused["outcome"], "not_committed");
    assert!(refused["reason"]["chinese"].as_str().unwrap().contains("余额"), "{refused}");
    // The SAM's own limit of 200 yuan.
    recharge(at, "100.01", 4);
    json(at, "card pay 1 --reader sim:w.card --sam sim:till.sam --at 2031-01-01T08:00:00", 4);
    assert_eq!(balance(at), 10_000);
}

#[test]
fn wrong_files_are_named_and_secrets_are_not_told() {
    let folder = station();
    let at = folder.path();
    let fails = |line: &str, expected: &str| {
        let run = onecard(at, line);
        assert!(run.code == 1 && run.err.contains(expected) && run.out.is_empty(), "{line}: {} {}", run.code, run.err);
    };
    fails("card show --reader sim:none.card", "none.card");
    fails("card pay 1 --reader sim:none.card --sam sim:till.sam", "none.card");
    assert!(!at.join("none.card.journal").exists());
    fails(
        "card new --reader sim:x.card --keys dev.keys --number 8 --name 李",
        "the holder's PIN is needed: give --pin-file",
    );
    fails("card show --reader sim:till.sam", "till.sam is a SAM, not a member's card");
    fails("sam show --reader sim:w.card", "w.card is a member's card, not a SAM");
    fails("card show --reader sim:w.pin", "w.pin is not a chip image");
    fails("card show --reader sim:w.card --enterprise 1000000000000002", "no application of this enterprise");
    fails("card new --reader sim:w.card --keys dev.keys --number 8 --name 李 --pin-file w.pin", "is issued already");
    fails("keys new dev.keys", "dev.keys cannot be made");
    fails("keys show w.pin", "w.pin: line 1 is not as");
    fails("settlement verify w.card.journal --keys dev.keys", "line 1: field header");
    fails("settlement export none.journal --to x", "there is no journal none.journal");
    let held = fs::File::options().read(true).write(true).open(at.join("w.card")).unwrap();
    held.lock().unwrap();
    fails("card show --reader sim:w.card", "w.card is in use");
    drop(held);
    set_mode(&at.join("w.pin"), 0o644);
    fails(
        "card show --reader sim:w.card --pin-file w.pin",
        "w.pin is open to others (mode 0644): close it by `chmod 600 w.pin`",
    );
    set_mode(&at.join("dev.keys"), 0o640);
    fails("card pay 1 --reader sim:w.card --sam keys:dev.keys", "dev.keys is open to others (mode 0640)");
    assert_eq!(balance(at), 10_000);
}

#[test]
fn a_trace_shows_the_transaction_and_never_the_pin() {
    let folder = station();
    let run = onecard(
        folder.path(),
        &format!("card recharge 5 --reader sim:w.card --sam sim:st.sam --pin-file w.pin {AT} --trace"),
    );
    assert!(run.out.contains("card: CREDIT FOR LOAD") && run.out.contains("SAM: INIT_SAM for a load"), "{}", run.out);
    assert!(!run.out.contains(PIN) && run.out.contains("3 bytes not shown"), "{}", run.out);
}
