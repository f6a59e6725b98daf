//! Full disks, wrong numbers, wrong words: what the program says then, and that its exit code tells what became of money.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    run::{json, onecard, shell},
    steps::{AT, balance, pay, recharge, station},
};

#[test]
fn money_that_moved_ends_with_0_though_nobody_can_read_it() {
    let folder = station();
    let at = folder.path();
    for json in ["", "--json "] {
        let before = balance(at);
        let line = "card pay 1 --reader sim:w.card --sam sim:till.sam --at 2026-11-02T12:00:00";
        let run = shell(at, &format!("\"$onecard\" {json}{line} >/dev/full"));
        assert!(run.code == 0 && run.err.contains("could not be printed"), "{} {}", run.code, run.err);
        assert_eq!(balance(at), before - 100);
    }
    assert_eq!(shell(at, "\"$onecard\" card show --reader sim:w.card >/dev/full").code, 1);
    let refused =
        shell(at, &format!("\"$onecard\" card pay 500 --reader sim:w.card --sam sim:till.sam {AT} >/dev/full"));
    assert_eq!(refused.code, 4);
    let unread = shell(at, &format!("\"$onecard\" card pay 1 --reader sim:w.card --sam sim:none.sam {AT} 2>/dev/full"));
    assert_eq!(unread.code, 1);
}

/// A report is all that such a run makes, whatever it says of the card.
#[test]
fn a_report_that_is_not_whole_ends_with_1_and_leaves_nothing() {
    let folder = station();
    let at = folder.path();
    let line = "conformance --reader sim:w.card";
    for json in ["", "--json "] {
        let run = shell(at, &format!("\"$onecard\" {json}{line} >/dev/full"));
        assert!(run.code == 1 && run.err.contains("could not be printed"), "{} {}", run.code, run.err);
    }
    let files = || fs::read_dir(at).unwrap().count();
    let (before, whole) = (files(), onecard(at, &format!("{line} --format html --out whole.html")));
    assert_eq!(whole.code, 0, "{}", whole.err);
    let kibibytes = |name: &str| fs::metadata(at.join(name)).unwrap().len() / 1024;
    assert_eq!(fs::metadata(at.join("whole.html")).unwrap().permissions().mode() & 0o600, 0o600);
    // `ulimit -f` counts in halves of KiB: room for the card, and for half the report.
    let limit = kibibytes("whole.html");
    assert!(limit / 2 > kibibytes("w.card"), "{limit} KiB of report");
    let script = format!("trap '' XFSZ; ulimit -f {limit}; \"$onecard\" {line} --format html --out half.html");
    let run = shell(at, &script);
    assert!(run.code == 1 && run.err.contains("half.html cannot be written"), "{} {}", run.code, run.err);
    assert_eq!(files(), before + 1, "only the whole one is there");
    // Nor is one that is there written over.
    let again = onecard(at, &format!("{line} --out whole.html"));
    assert!(again.code == 1 && again.err.contains("already"), "{}", again.err);
}

/// A card whose file takes no more bytes fails like a chip that breaks.
#[test]
fn a_chip_that_fails_after_debit_leaves_the_outcome_unknown() {
    let folder = station();
    let at = folder.path();
    let kibibytes = fs::metadata(at.join("w.card")).unwrap().len() / 1024 + 1;
    let (mut before_debit, mut after_debit) = (0, 0);
    for limit in 0..kibibytes {
        // Beyond its first `limit` KiB no file can be written; the other files of the terminal are shorter or go first.
        let limited = "trap '' XFSZ; ulimit -f";
        let order = 100 + limit;
        let line = format!("card pay 0.10 --reader sim:w.card --sam keys:dev.keys {AT} --order {order}");
        let money = balance(at);
        let run = shell(at, &format!("{limited} {limit}; \"$onecard\" {line}"));
        match run.code {
            0 => assert_eq!(balance(at), money - 10),
            1 => {
                assert_eq!(balance(at), money, "limit {limit}: {}", run.err);
                before_debit += 1;
            }
            code => {
                assert_eq!(code, 3, "limit {limit}: {} {}", run.out, run.err);
                assert!(run.err.contains(&format!("order {order}: ")) || run.out.contains("UNKNOWN"), "{}", run.err);
                after_debit += 1;
                json(at, &line, 0);
                assert_eq!(balance(at), money - 10);
            }
        }
    }
    assert!(before_debit > 0 && after_debit > 0, "{before_debit} {after_debit}");
}

#[test]
fn a_default_order_number_was_never_used_before() {
    let folder = station();
    let at = folder.path();
    let refused = pay(at, "500", 4);
    let next = pay(at, "1", 0);
    assert_eq!(next["order"].as_u64(), refused["order"].as_u64().map(|order| order + 1));
    // A refused order of a number of its own takes it too.
    pay(at, "500 --order 40", 4);
    assert_eq!(pay(at, "1", 0)["order"], 41);
    assert_eq!(pay(at, "1 --order 9223372036854775807", 0)["outcome"], "committed");
    let money = balance(at);
    let run = onecard(at, &format!("card pay 1 --reader sim:w.card --sam sim:till.sam {AT}"));
    assert!(run.code == 1 && run.err.contains("no order number is left"), "{} {}", run.code, run.err);
    assert_eq!(balance(at), money);
    pay(at, "1 --order 42", 0);
    assert_eq!(balance(at), money - 100);
    fs::write(at.join("w.card.journal.orders"), "?").unwrap();
    let run = onecard(at, &format!("card pay 1 --reader sim:w.card --sam sim:till.sam {AT}"));
    assert!(run.code == 1 && run.err.contains("w.card.journal.orders is damaged"), "{}", run.err);
}

#[test]
fn a_sale_just_found_paid_stops_the_next_one() {
    let folder = station();
    let at = folder.path();
    let lost = pay(at, "12.50 --lose-answer", 3);
    let line = format!("card pay --reader sim:w.card --sam sim:till.sam {AT} 12.50");
    let run = onecard(at, &line);
    assert_eq!(run.code, 4, "{}", run.out);
    let (receipt, reason) = (run.out.find("Purchase 12.50 yuan").unwrap(), run.out.find("Not done.").unwrap());
    assert!(receipt < reason && run.out.contains(&format!("earlier order {} ", lost["order"])), "{}", run.out);
    assert_eq!(balance(at), 8_750);
    // Presented again, it is another sale.
    assert_eq!(onecard(at, &line).code, 0);
    assert_eq!(balance(at), 7_500);
}

#[test]
fn the_service_desk_ends_what_no_card_ends() {
    let folder = station();
    let at = folder.path();
    let resolve = "card resolve --reader sim:w.card --sam sim:till.sam";
    // The card can tell, so it is not for the desk to say.
    let order = pay(at, "1 --lose-answer", 3)["order"].clone();
    let proven = json(at, &format!("{resolve} --order {order} --decide did-not-happen --why Li:broken {AT}"), 0);
    assert_eq!((&proven["decided"], &proven["record"]["evidence"]), (&false.into(), &"mac2".into()));
    assert!(!at.join("w.card.journal.decisions").exists());
    // Two sales in doubt at different journals, and the card is lost.
    for (journal, verdict, outcome) in
        [("a.journal", "happened", "committed"), ("b.journal", "did-not-happen", "not_committed")]
    {
        let copy = at.join("copy.card");
        fs::copy(at.join("w.card"), &copy).unwrap();
        let pay = format!(
            "card pay 1 --reader sim:copy.card --sam sim:till.sam --journal {journal} {AT} --order 5 --lose-answer"
        );
        json(at, &pay, 3);
        fs::remove_file(&copy).unwrap();
        let decide = format!(
            "card resolve --reader sim:copy.card --sam sim:till.sam --journal {journal} {AT} --decide {verdict}"
        );
        for incomplete in [decide.clone(), format!("{decide} --order 5"), format!("{decide} --why Li:lost")] {
            json(at, &incomplete, 2);
        }
        let unknown = onecard(at, &format!("{decide} --order 6 --why Li:lost"));
        assert!(unknown.code == 1 && unknown.err.contains("order 6 is not in doubt"), "{}", unknown.err);
        let decided = json(at, &format!("{decide} --order 5 --why Li:lost"), 0);
        assert_eq!((&decided["decided"], &decided["outcome"]), (&true.into(), &outcome.into()));
        assert!(decided["warning"]["english"].as_str().unwrap().contains("it is final"), "{decided}");
        assert!(decided["unasked"].as_str().unwrap().contains("copy.card"), "{decided}");
        let kept = fs::read_to_string(at.join(format!("{journal}.decisions"))).unwrap();
        assert!(kept.contains("Li:lost") && kept.contains(verdict) && kept.lines().count() == 1, "{kept}");
        assert_eq!(mode(at, &format!("{journal}.decisions")), 0o600);
        let again = onecard(at, &format!("{decide} --order 5 --why Li:lost"));
        assert!(again.code == 1 && again.err.contains("order 5 is not in doubt"), "{}", again.err);
    }
    json(at, "settlement export a.journal --to a.settlement", 0);
    assert!(fs::read_to_string(at.join("a.settlement")).unwrap().ends_with(",,desk\n"));
    json(at, "settlement verify a.settlement --keys dev.keys", 5);
}

#[test]
fn wrong_usage_is_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let wrong = json(at, "card pay twelve --reader sim:w.card --sam sim:till.sam", 2);
    assert_eq!((wrong["schema"].as_str(), wrong["exit_code"].as_u64()), (Some("onecard.error/1"), Some(2)));
    assert!(wrong["error"].as_str().unwrap().starts_with("invalid value 'twelve'"), "{wrong}");
    assert_eq!(json(at, "fly", 2)["exit_code"], 2);
    let help = onecard(at, "--json --help");
    assert!(help.code == 0 && help.out.contains("Usage: onecard") && help.err.is_empty());
    let plain = onecard(at, "card pay");
    assert!(plain.code == 2 && plain.err.starts_with("error: ") && plain.out.is_empty(), "{}", plain.err);
}

#[test]
fn a_terminal_number_is_decimal() {
    let folder = station();
    let line = "sam new --reader sim:new.sam --keys dev.keys --role till --terminal";
    for wrong in ["00000000000A", "1", "0000000000001"] {
        let run = onecard(folder.path(), &format!("{line} {wrong}"));
        assert!(run.code == 2 && run.err.contains("expected 12 decimal digits"), "{} {}", run.code, run.err);
    }
    assert_eq!(json(folder.path(), &format!("{line} 000000000012"), 0)["terminal"], "000000000012");
}

#[test]
fn what_a_terminal_remembers_is_its_owners_alone() {
    let folder = station();
    let at = folder.path();
    let run = shell(
        at,
        &format!("umask 0; \"$onecard\" card pay 1 --reader sim:w.card --sam keys:dev.keys --journal j {AT}"),
    );
    assert_eq!(run.code, 0, "{}", run.err);
    recharge(at, "1", 0);
    for name in ["j", "j.orders", "dev.keys.sam", "w.card.journal", "w.card.journal.orders"] {
        assert_eq!(mode(at, name), 0o600, "{name}");
    }
    shell(at, "umask 0; \"$onecard\" demo --seed 1 --out kept");
    for name in ["kept/till.journal", "kept/recharge.journal", "kept/development.keys"] {
        assert_eq!(mode(at, name), 0o600, "{name}");
    }
}

fn mode(at: &Path, name: &str) -> u32 {
    fs::metadata(at.join(name)).unwrap().permissions().mode() & 0o777
}

#[cfg(not(feature = "pcsc"))]
#[test]
fn a_program_without_readers_says_how_to_build_one() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["card show", "card show --reader pcsc:ACR122", "sam show --reader pcsc:ACR122"] {
        let run = onecard(folder.path(), line);
        assert_eq!(run.code, 1, "{line}: {}", run.err);
        assert!(run.err.contains("--features pcsc") && run.err.contains("sim:FILE"), "{line}: {}", run.err);
    }
    let run = onecard(folder.path(), "readers --look");
    assert!(run.code == 1 && run.err.contains("--features pcsc"), "{}", run.err);
}
