//! Doors and attendance: what their files hold, and what happens when one is missing or damaged.

use std::fs;

use crate::{
    run::json,
    steps::{AT, station},
};

const UNTIL: &str = "--until 2026-12-31 --sam keys:dev.keys";

#[test]
fn a_door_whose_files_are_damaged_opens_to_nobody() {
    let folder = station();
    let at = folder.path();
    json(at, &format!("card rights set --reader sim:w.card --slot 0 --zone 7 --anti-passback {UNTIL}"), 0);
    let access = |rest: &str, code: i32| {
        json(at, &format!("card access --reader sim:w.card --zone 7 --sam keys:dev.keys {AT} {rest}"), code)
    };
    for (option, file) in [("--passback", "inside"), ("--deny-list", "deny"), ("--schedules", "doors.toml")] {
        fs::write(at.join(file), "?").unwrap();
        let error = access(&format!("{option} {file}"), 1);
        assert!(error["error"].as_str().unwrap().contains(file), "{error}");
        fs::remove_file(at.join(file)).unwrap();
    }
    // A ledger begins by itself; a list or table that is named and missing is no empty one.
    access("--deny-list deny", 1);
    access("--schedules doors.toml", 1);
    assert_eq!(access("--passback inside", 0)["outcome"], "granted");
    assert_eq!(access("--passback inside", 4)["outcome"], "denied");
    assert_eq!(access("--passback inside --direction out", 0)["outcome"], "granted");
    assert_eq!(access("--passback inside", 0)["event"]["number"], 4, "the damaged files' taps reached no card");
    fs::write(at.join("w.card.events"), "?").unwrap();
    access("", 1);
}

#[test]
fn a_cleared_right_is_on_the_list_until_it_is_given_again() {
    let folder = station();
    let at = folder.path();
    let set =
        |rest: &str| json(at, &format!("card rights set --reader sim:w.card --slot 13 --zone all {UNTIL} {rest}"), 0);
    let access = |code: i32| {
        json(at, &format!("card access --reader sim:w.card --zone 9 --sam keys:dev.keys --deny-list deny {AT}"), code)
    };
    set("");
    json(at, "card rights clear --reader sim:w.card --slot 13 --sam keys:dev.keys --deny-list deny", 0);
    access(4);
    set("");
    assert!(access(4)["message"]["english"].as_str().unwrap().contains("taken back"));
    set("--deny-list deny");
    access(0);
    let list = json(at, "card rights list --reader sim:w.card", 0);
    assert_eq!((&list["rights"][0]["slot"], &list["rights"][0]["zone"]), (&13.into(), &0xFFFF.into()), "{list}");
    for wrong in ["--slot 14 --zone 7", "--slot 0 --zone 0", "--slot 0 --zone 65535", "--slot 0 --zone none"] {
        json(at, &format!("card rights set {wrong} {UNTIL} --reader sim:w.card"), 2);
    }
    json(at, &format!("card rights set --reader sim:w.card --slot 0 --zone 7 --from 2027-01-01 {UNTIL}"), 1);
}
