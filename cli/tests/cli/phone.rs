//! A phone, as its users meet it: scripts, and what it says where it cannot be shown.

use std::{fs, path::Path};

use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    sample::SIM,
};

use crate::run::{json, onecard, write_secret};

/// A folder with a SIM, and a script of that text.
fn folder_with(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut chip = Chip::blank(Blank::RfidSim(&SIM), 1).unwrap();
    chip.store(&folder.path().join("wang.sim"), Durability::ProcessKill).unwrap();
    fs::write(folder.path().join("menu.phone"), script).unwrap();
    folder
}

fn play(at: &Path, options: &str) -> crate::run::Run {
    onecard(at, &format!("phone --sim sim:wang.sim --script menu.phone {options}"))
}

const MENU: &str =
    "boot\nmenu\nchoose 一卡通\nexpect-items 余额 | 卡片信息 | 交易记录 | 注销应用 | 语言\ncancel\nexpect-idle\n";

#[test]
fn a_script_prints_what_the_phone_showed() {
    let folder = folder_with(MENU);
    let run = play(folder.path(), "");
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    for line in ["> boot", "> choose 一卡通", " 1 余额", " 5 语言", "As written 与脚本一致"] {
        assert!(run.out.lines().any(|printed| printed == line), "{line:?} in\n{}", run.out);
    }
    // The chip's file is closed: the same again.
    let value = json(folder.path(), "phone --sim sim:wang.sim --script menu.phone", 0);
    assert_eq!(
        (value["schema"].as_str(), value["steps"].as_array().map(Vec::len)),
        (Some("onecard.phone-script/1"), Some(6))
    );
    assert!(value["failed"].is_null());
}

#[test]
fn a_phone_that_shows_something_else_ends_with_6() {
    let folder = folder_with(&MENU.replace("余额 | ", ""));
    let run = play(folder.path(), "");
    assert_eq!(run.code, 6, "{}{}", run.out, run.err);
    assert!(run.out.contains("Line 4 第4行") && run.out.contains("余额 | 卡片信息"), "{}", run.out);
    let value = json(folder.path(), "phone --sim sim:wang.sim --script menu.phone", 6);
    assert_eq!(value["failed"]["line"], 4);
}

#[test]
fn a_lesser_phone_says_what_it_lacks() {
    let folder =
        folder_with("boot\nmenu\nchoose #1\nexpect-items Balance | Card information | Last transactions | Language\n");
    let run = play(folder.path(), "--profile no-ucs2,no-sms");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("This phone lacks 此手机没有 no-ucs2"), "{}", run.out);
    let value = json(folder.path(), "phone --sim sim:wang.sim --script menu.phone --profile no-ucs2,no-sms", 0);
    assert_eq!(value["lacking"][1]["name"], "no-sms");
    let run = play(folder.path(), "--profile no-coffee");
    assert!(run.code == 2 && run.err.contains("no-ucs2"), "{}", run.err);
}

#[test]
fn the_terminal_beside_needs_an_application_and_a_sam() {
    let folder = folder_with("boot\ntap balance\n");
    let run = play(folder.path(), "");
    assert!(run.code == 6 && run.out.contains("Line 2"), "{}{}", run.out, run.err);
    fs::write(folder.path().join("menu.phone"), "boot\ntap pay 5.00\n").unwrap();
    let run = play(folder.path(), "");
    assert!(run.code == 6 && run.out.contains("--sam"), "{}{}", run.out, run.err);
}

#[test]
fn what_cannot_be_shown_or_played_is_told() {
    let folder = folder_with("boot\ndance\n");
    let run = play(folder.path(), "");
    assert!(run.code == 1 && run.err.contains("line 2: dance"), "{}", run.err);
    let run = onecard(folder.path(), "phone --sim sim:wang.sim");
    assert!(run.code == 1 && run.err.contains("--script"), "{}", run.err);
    let run = onecard(folder.path(), "phone --sim sim:other.sim");
    assert!(run.code == 1 && run.err.contains("other.sim"), "{}", run.err);
    let run = onecard(folder.path(), "phone --sim sim:wang.sim --reader sim:wang.sim");
    assert_eq!(run.code, 2, "{}", run.err);
    write_secret(&folder.path().join("pin"), "12\n");
    let run = onecard(folder.path(), "phone --sim sim:wang.sim --script menu.phone --sim-pin-file pin");
    assert!(run.code == 1 && run.err.contains("four to eight"), "{}", run.err);
}
