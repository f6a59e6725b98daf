//! The service desk: PIN, status, block and unblock.

use serde_json::Value;

use crate::{
    run::{json, onecard, write_secret},
    steps::{AT, balance, pay, station},
};

const SERIAL: &str = "3100100000000076";

#[test]
fn a_pin_is_changed_by_its_holder_and_opened_and_replaced_by_the_desk() {
    let folder = station();
    let at = folder.path();
    for (file, pin) in [("new.pin", "246802"), ("wrong.pin", "000000"), ("again.pin", "1234")] {
        write_secret(&at.join(file), pin);
    }
    let verify =
        |pin: &str, code: i32| json(at, &format!("card pin verify --reader sim:w.card --pin-file {pin}"), code);
    assert_eq!(verify("w.pin", 0)["outcome"], "done");
    json(at, "card pin change --reader sim:w.card --pin-file w.pin --new-pin-file new.pin", 0);
    let refused = verify("w.pin", 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("2 tries are left"), "{refused}");
    // The old PIN of a change is tried like any other.
    let refused = json(at, "card pin change --reader sim:w.card --pin-file w.pin --new-pin-file wrong.pin", 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("1 tries are left"), "{refused}");
    verify("wrong.pin", 4);
    let refused = verify("new.pin", 4);
    assert!(refused["message"]["chinese"].as_str().unwrap().contains("密码已锁定"), "{refused}");
    json(at, "card pin unblock --reader sim:w.card --keys dev.keys --new-pin-file again.pin", 0);
    verify("again.pin", 0);
    json(at, "card pin reload --reader sim:w.card --keys dev.keys --new-pin-file w.pin", 0);
    verify("w.pin", 0);
    // Another operator's key is not this card's.
    json(at, "keys new other.keys", 0);
    for command in ["unblock", "reload"] {
        let line = format!("card pin {command} --reader sim:w.card --keys other.keys --new-pin-file new.pin");
        assert_eq!(json(at, &line, 4)["outcome"], "refused");
    }
    verify("w.pin", 0);
}

#[test]
fn no_pin_is_told_by_a_trace_or_an_error() {
    let folder = station();
    let at = folder.path();
    write_secret(&at.join("new.pin"), "246802");
    for line in [
        "card pin change --reader sim:w.card --pin-file w.pin --new-pin-file new.pin --trace",
        "card pin reload --reader sim:w.card --keys dev.keys --new-pin-file w.pin --trace",
        "card pin unblock --reader sim:w.card --keys dev.keys --new-pin-file new.pin --trace",
        "card pin verify --reader sim:w.card --pin-file w.pin --trace",
    ] {
        let run = onecard(at, line);
        assert!(run.out.contains("card: "), "{line}: {}", run.out);
        for pin in ["135790", "246802"] {
            assert!(!run.out.contains(pin) && !run.err.contains(pin), "{line}: {}", run.out);
        }
    }
    let run = onecard(at, "card pin change --reader sim:w.card --pin-file w.pin");
    assert!(run.code == 1 && run.err.contains("give --new-pin-file FILE"), "{}", run.err);
}

#[test]
fn a_status_is_set_by_the_desks_sam_and_by_no_tills() {
    let folder = station();
    let at = folder.path();
    json(at, "sam new --reader sim:desk.sam --keys dev.keys --role service-desk --terminal 000000000009", 0);
    let set = |status: &str, sam: &str, code: i32| {
        json(at, &format!("card status {status} --reader sim:w.card --sam {sam}"), code)
    };
    assert_eq!(set("lost", "sim:desk.sam", 0)["serial"], SERIAL);
    let again = set("suspended", "keys:dev.keys", 0);
    assert!(again["message"]["english"].as_str().unwrap().contains("suspended now; it was lost"), "{again}");
    // A till holds no maintenance key but for marking (profile §4).
    let refused = set("normal", "sim:till.sam", 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("SAM"), "{refused}");
    json(at, "keys new other.keys", 0);
    assert_eq!(set("normal", "keys:other.keys", 4)["outcome"], "refused");
    set("normal", "sim:desk.sam", 0);
    pay(at, "1", 0);
}

#[test]
fn a_blocked_application_serves_nobody_until_its_own_number_and_key_open_it() {
    let folder = station();
    let at = folder.path();
    let desk = "--sam keys:dev.keys";
    json(at, &format!("card block {desk} --reader sim:w.card"), 0);
    json(at, &format!("card pay 1 --reader sim:w.card --sam sim:till.sam {AT}"), 4);
    // The number of another card makes another key: counted, and told.
    let refused = json(at, &format!("card unblock --reader sim:w.card --serial 3100100000000084 {desk}"), 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("third in a row"), "{refused}");
    json(at, &format!("card unblock --reader sim:w.card --serial {SERIAL} {desk}"), 0);
    assert_eq!(balance(at), 10_000);
    let idle = json(at, &format!("card unblock --reader sim:w.card --serial {SERIAL} {desk}"), 0);
    assert!(idle["message"]["english"].as_str().unwrap().contains("not blocked"), "{idle}");
    // Three wrong ones block it for good.
    json(at, &format!("card block {desk} --reader sim:w.card"), 0);
    for _ in 0..3 {
        json(at, &format!("card unblock --reader sim:w.card --serial 3100100000000084 {desk}"), 4);
    }
    let refused = json(at, &format!("card unblock --reader sim:w.card --serial {SERIAL} {desk}"), 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("blocked for good"), "{refused}");
}

#[test]
fn nobody_blocks_money_away_unasked() {
    let folder = station();
    let at = folder.path();
    let line = "card block --reader sim:w.card --sam keys:dev.keys --for-good";
    let refused = json(at, line, 4);
    assert!(refused["message"]["english"].as_str().unwrap().contains("still holds 100.00 yuan"), "{refused}");
    assert_eq!(balance(at), 10_000);
    let blocked = json(at, &format!("{line} --with-balance"), 0);
    assert_eq!(blocked["serial"], Value::from(SERIAL));
    assert!(onecard(at, "card show --reader sim:w.card").err.contains("blocked"));
}
