//! A key master card and its mother card behind a real pcscd, both readers of it: opened, filled, and a card washed by them.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use crate::{
    program::{Simulation, json, onecard, run, station},
    stage::Stage,
};

const PAIR: &str = "--reader sim:school.master --mother sim:school.mother";

#[test]
fn a_card_is_washed_by_a_key_master_card_in_a_real_reader() {
    let _stage = Stage::begin(Duration::from_secs(120));
    let folder = station();
    let at = folder.path();
    for (name, pin) in [("master.pin", "20261129"), ("wrong.pin", "111111"), ("wang.pin", "582046")] {
        fs::write(at.join(name), pin).unwrap();
        fs::set_permissions(at.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    json(at, &format!("master blanks {PAIR}"));
    json(at, "wash first card --reader sim:new.card --keys dev.keys --number 8 --new-journal");
    let pair = format!("--card {} --card {}", "sim:school.master", "sim:school.mother");
    let simulation = Simulation::begin(at, &pair, 2);

    let readers = "--reader pcsc:00?00 --mother pcsc:00?01".replace('?', " ");
    let words = |line: &str| -> Vec<String> {
        // A reader's name has a blank in it.
        let line = line.replace("pcsc:00 00", "pcsc:00~00").replace("pcsc:00 01", "pcsc:00~01");
        line.split_whitespace().map(|word| word.replace('~', " ")).collect()
    };
    let told = |line: &str, code: i32| run(onecard().arg("--json").args(words(line)).current_dir(at), code);
    let new = "--keys dev.keys --number 2026000000000001 --card-exports 30 --pin-file master.pin --yes";
    told(&format!("master new {readers} {new}"), 0);
    told(&format!("master load {readers} --pin-file master.pin --keys dev.keys"), 0);
    told(&format!("master log {readers} --pin-file wrong.pin"), 4);
    let masters = readers.replace("--reader", "--master");
    let member = "--number 8 --name 王小明 --pin-file wang.pin --sam keys:dev.keys";
    told(&format!("wash second card --reader sim:new.card {masters} --master-pin-file master.pin {member}"), 0);
    let listed: serde_json::Value = serde_json::from_str(&told(&format!("master list {readers}"), 0)).unwrap();
    // 17 keys and the PIN were exported, and the right PIN has given the tries back.
    assert_eq!((&listed["card_exports"], &listed["pin_tries"]), (&12.into(), &3.into()), "{listed}");
    assert_eq!(listed["mother"]["fits"], true);
    simulation.end();

    // The chips' files are what the readers have written.
    let after = json(at, "master list --reader sim:school.master");
    assert_eq!(after["card_exports"], 12);
    json(at, "card recharge 20 --reader sim:new.card --sam keys:dev.keys --pin-file wang.pin");
}
