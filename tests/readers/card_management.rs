//! Another implementation's secure channel as judge: yubikit's SCP03 at level 33.

use std::{path::PathBuf, process::Command, time::Duration};

use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    sample::SIM,
};
use pcsc::State;

use crate::{
    program::{Simulation, json, root, run, station},
    stage::Stage,
};

const LIMIT: Duration = Duration::from_secs(900);
const CONTACTS: &str = "Virtual PCD 00 00";
const APPLICATION: &str = "F04F4E4543011000000000000001";

/// The Python that has yubikit; `.ci/run` makes it.
fn python() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let python = target.join("yubikit").join("bin").join("python");
    assert!(
        python.exists(),
        "{0} is missing: python3 -m venv {1} && {1}/bin/pip install 'yubikey-manager>=5.6'",
        python.display(),
        target.join("yubikit").display()
    );
    python
}

#[test]
fn yubikit_opens_a_session_and_manages_the_card() {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let mut sim = Chip::blank(Blank::RfidSim(&SIM), 7).unwrap();
    sim.store(&folder.path().join("wang.sim"), Durability::ProcessKill).unwrap();
    drop(sim);
    let installed = json(folder.path(), "gp install --reader sim:wang.sim --test-keys --keys dev.keys --number 7");
    assert_eq!(installed["aid"], APPLICATION);

    let simulation = Simulation::begin(folder.path(), "--sim sim:wang.sim --protocol t1", 2);
    stage.wait_until(0, State::PRESENT);
    let mut yubikit = Command::new(python());
    yubikit.arg(root().join("tests/foreign/yubikit_scp03.py")).args([CONTACTS, APPLICATION]);
    let told: serde_json::Value = serde_json::from_str(&run(&mut yubikit, 0)).unwrap();
    simulation.end();

    let has = |field: &str| told[field].as_array().unwrap().contains(&APPLICATION.into());
    assert!(has("applications") && !has("applications_after"), "{told}");
    assert_eq!(told["versions_with_new"], told["versions_behind_an_error"]);
    assert!(told["versions_with_new"].as_array().unwrap().contains(&0x32.into()), "{told}");
    assert!(!told["versions_after"].as_array().unwrap().contains(&0x32.into()), "{told}");
    // What it left, as this project's host library sees it.
    let listed = json(folder.path(), "gp list --reader sim:wang.sim --test-keys");
    assert!(listed["entries"].as_array().unwrap().iter().all(|entry| entry["aid"] != APPLICATION), "{listed}");
}
