//! What is presented again after a lost answer, what a blocked card leaves in doubt, and what is told then.

use std::{fs, path::Path};

use onecard_host::terminal::{JournalFile, TokenStore};
use serde_json::Value;

use crate::{
    run::{json, onecard, shell, write_secret},
    steps::{AT, balance, pay, recharge, station},
};

const DESK: &str = "--reader sim:w.card --sam keys:dev.keys";

#[test]
fn a_new_overdraft_limit_is_in_doubt_when_its_answer_is_lost() {
    let folder = station();
    let at = folder.path();
    let line = format!("card overdraft 200 {DESK} --pin-file w.pin {AT}");
    let lost = json(at, &format!("{line} --lose-answer"), 3);
    assert_eq!(lost["outcome"], "unknown");
    assert_eq!(deposit(at), 20_000);
    assert_eq!(json(at, &format!("{line} --order {}", lost["order"]), 0)["outcome"], "committed");
    assert_eq!(deposit(at), 20_000);
}

/// As a chip that breaks after DEBIT: money may have moved, and the exit code says so.
#[test]
fn a_chip_that_fails_at_a_new_overdraft_limit_leaves_the_outcome_unknown() {
    let folder = station();
    let at = folder.path();
    let kibibytes = fs::metadata(at.join("w.card")).unwrap().len() / 1024 + 1;
    let mut unknown = 0;
    for limit in 0..kibibytes {
        let order = 100 + limit;
        let journal = format!("{limit}.journal");
        let line = format!("card overdraft {order} {DESK} --pin-file w.pin {AT} --journal {journal} --order {order}");
        let run = shell(at, &format!("trap '' XFSZ; ulimit -f {limit}; \"$onecard\" {line}"));
        let begun = !JournalFile::open(at.join(&journal)).unwrap().pending().unwrap().is_empty();
        match run.code {
            0 => assert_eq!(deposit(at), order * 100),
            1 => assert!(!begun, "limit {limit}: {}", run.err),
            code => {
                assert_eq!(code, 3, "limit {limit}: {} {}", run.out, run.err);
                unknown += 1;
                json(at, &line, 0);
                assert_eq!(deposit(at), order * 100);
            }
        }
    }
    assert!(unknown > 0);
}

#[test]
fn an_unload_of_all_presented_again_is_of_what_there_was() {
    let folder = station();
    let at = folder.path();
    let line = format!("card unload --all {DESK} {AT}");
    let lost = json(at, &format!("{line} --lose-answer"), 3);
    let again = format!("{line} --order {}", lost["order"]);
    let found = json(at, &again, 0);
    assert_eq!((&found["outcome"], amount(&found["record"])), (&"committed".into(), 10_000));
    assert_eq!(json(at, &again, 0)["record"], found["record"]);
    assert_eq!(balance(at), 0);
    // The balance is another by then.
    recharge(at, "30", 0);
    let lost = json(at, &format!("{line} --lose-answer"), 3);
    recharge(at, "20 --journal station.journal", 0);
    let found = json(at, &format!("{line} --order {}", lost["order"]), 0);
    assert_eq!((amount(&found["record"]), balance(at)), (3_000, 2_000));
    // Under another order's number nothing is taken off.
    let sale = pay(at, "1", 0);
    assert_eq!(json(at, &format!("{line} --order {}", sale["order"]), 4)["outcome"], "not_committed");
}

#[test]
fn an_undo_is_of_the_card_that_is_on_the_reader() {
    let folder = station();
    let at = folder.path();
    json(at, "card new --reader sim:b.card --keys dev.keys --number 8 --name 李丽 --pin-file w.pin", 0);
    let load = "--sam sim:st.sam --pin-file w.pin --journal st.journal";
    json(at, &format!("card recharge 50 --reader sim:b.card {load} {AT}"), 0);
    // The SAM's sequence stands still when the answer is lost, so both sales have one.
    let till = format!("--sam sim:till.sam --journal till.journal {AT}");
    json(at, &format!("card pay 10 --reader sim:w.card {till} --lose-answer"), 3);
    json(at, &format!("card pay 20 --reader sim:b.card {till}"), 0);
    let undo = format!("card undo --reader sim:b.card {till}");
    let lost = json(at, &format!("{undo} --lose-answer"), 3);
    assert_eq!(lost["token"]["transaction"]["serial"], "3100100000000084");
    // The next sale finds it done; the same undo again is still of the sale that it took back.
    json(at, &format!("card pay 1 --reader sim:b.card {till}"), 0);
    let again = json(at, &format!("{undo} --order {}", lost["order"]), 0);
    assert_eq!((&again["outcome"], amount(&again["record"])), (&"committed".into(), 2_000));
    let none = onecard(at, &format!("card undo --reader sim:b.card --sam sim:till.sam --journal st.journal {AT}"));
    assert!(none.code == 1 && none.err.contains("no purchase of card 3100100000000084"), "{}", none.err);
}

#[test]
fn a_blocked_card_leaves_its_sale_in_doubt_and_nobody_says_not_done() {
    let folder = station();
    let at = folder.path();
    let order = pay(at, "1 --lose-answer", 3)["order"].clone();
    json(at, &format!("card block {DESK}"), 0);
    let again = onecard(at, &format!("card pay 1 --reader sim:w.card --sam sim:till.sam {AT} --order {order}"));
    assert_eq!(again.code, 3, "{}", again.out);
    let resolved = onecard(at, &format!("card resolve --reader sim:w.card --sam sim:till.sam {AT}"));
    assert_eq!(resolved.code, 3, "{}{}", resolved.out, resolved.err);
    for run in [&again, &resolved] {
        assert!(run.out.contains("the service desk decides") && run.out.contains("blocked"), "{}", run.out);
        assert!(!run.out.contains("Not done") && !run.out.contains("未成交"), "{}", run.out);
    }
    let told = json(at, &format!("card resolve --reader sim:w.card --sam sim:till.sam {AT}"), 3);
    assert_eq!((&told["resolved"][0]["order"], told.get("serial")), (&order, None));
    // With nothing in doubt it is an error like any other.
    let idle = format!("card resolve --reader sim:w.card --sam sim:till.sam --journal idle.journal {AT}");
    assert_eq!(onecard(at, &idle).code, 1);
}

#[test]
fn what_is_too_much_to_pay_out_is_not_told_to_recharge() {
    let folder = station();
    let at = folder.path();
    recharge(at, "20 --deposit", 0);
    for line in [
        format!("card unload 100.01 {DESK} {AT}"),
        format!("card unload 20.01 --deposit {DESK} --pin-file w.pin {AT}"),
        format!("card withdraw 20.01 --reader sim:w.card --sam sim:till.sam --pin-file w.pin {AT}"),
    ] {
        let refused = json(at, &line, 4);
        let (english, chinese) = (&refused["reason"]["english"], &refused["reason"]["chinese"]);
        assert!(english.as_str().unwrap().contains("Pay out less"), "{line}: {english}");
        assert!(chinese.as_str().unwrap().contains("请减少金额"), "{line}: {chinese}");
    }
}

#[test]
fn numbers_of_subsidies_are_not_given_to_other_orders() {
    let folder = station();
    let at = folder.path();
    write_secret(&at.join("w.card.journal.orders"), "7\n");
    for command in [
        format!("pay 1 --reader sim:w.card --sam sim:till.sam {AT}"),
        format!("recharge 1 --reader sim:w.card --sam sim:st.sam --pin-file w.pin {AT}"),
        format!("undo --reader sim:w.card --sam sim:till.sam {AT}"),
        format!("unload 1 {DESK} {AT}"),
        format!("withdraw 1 --reader sim:w.card --sam sim:till.sam --pin-file w.pin {AT}"),
        format!("capp 1 --reader sim:w.card --sam sim:till.sam --record 27=00 {AT}"),
        format!("overdraft 1 {DESK} --pin-file w.pin {AT}"),
    ] {
        let run = onecard(at, &format!("card {command} --order 9223372036854775808"));
        assert!(run.code == 2 && run.err.contains("up to 9223372036854775807"), "{command}: {}", run.err);
    }
    assert_eq!(pay(at, "1", 0)["order"], 8);
}

fn amount(record: &Value) -> u64 {
    record["transaction"]["amount"].as_u64().unwrap()
}

/// What the deposit holds, in fen; what may be overdrawn is counted in.
fn deposit(at: &Path) -> u64 {
    let shown = json(at, "card show --reader sim:w.card --pin-file w.pin", 0);
    shown["holder"]["deposit_fen"].as_u64().unwrap()
}
