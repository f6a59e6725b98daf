//! A phone's boot sequence in Python, libosmocore as the network, opensc as a reader of files, `onecard phone` as a handset.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use onecard_simulator::{
    chip::{Blank, Chip, Kind},
    image_file::Durability,
    sample::SIM,
    vpcd::{Protocol, atr},
};
use pcsc::State;

use crate::{
    program::{Simulation, onecard, root, run, station},
    stage::Stage,
};

const LIMIT: Duration = Duration::from_secs(900);
const CONTACTS: &str = "Virtual PCD 00 00";

/// A simulated SIM that asks for PIN1, at its contacts.
fn simulated() -> (Stage, tempfile::TempDir, Simulation) {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let mut data = SIM;
    data.codes.pin1_enabled = true;
    let mut sim = Chip::blank(Blank::RfidSim(&data), 11).unwrap();
    sim.store(&folder.path().join("wang.sim"), Durability::ProcessKill).unwrap();
    drop(sim);
    let simulation = Simulation::begin(folder.path(), "--sim sim:wang.sim --protocol t0", 2);
    stage.wait_until(0, State::PRESENT);
    (stage, folder, simulation)
}

#[test]
fn a_phone_boots_and_libosmocore_computes_the_same_milenage() {
    let (_stage, _folder, simulation) = simulated();
    let mut python = Command::new("/usr/bin/python3");
    python.arg(root().join("tests/foreign/phone_boot.py")).args(["--reader", CONTACTS, "--pin1", "1234"]);
    python.args(["--key", &hex::encode(SIM.subscriber.key), "--opc", &hex::encode(SIM.subscriber.opc)]);
    let told: serde_json::Value = serde_json::from_str(&run(&mut python, 0)).unwrap();
    simulation.end();
    assert_eq!((&told["label"], &told["languages"]), (&"USIM".into(), &"zhen".into()));
    assert_eq!(told["aid"], "A0000000871002FF86FFFF89FFFFFFFF");
    assert_eq!(told["iccid"], hex::encode_upper(SIM.iccid));
    assert_eq!(told["imsi"], hex::encode_upper(SIM.imsi));
    assert_eq!(told["emergency"][0], "11f0ff");
    assert_eq!(told["authentications"], 4);
}

#[test]
fn opensc_reads_the_files_of_a_sim() {
    let (_stage, folder, _simulation) = simulated();
    let opensc = |arguments: &[&str]| {
        let arguments = ["--reader", CONTACTS].iter().chain(arguments);
        run(Command::new("opensc-tool").args(arguments).current_dir(folder.path()), 0)
    };
    let shown = opensc(&["--atr"]);
    assert_eq!(shown.trim().replace(':', ""), hex::encode(atr(Kind::RfidSim, Protocol::T0)));
    // Fifty drivers ask whether it is theirs, and it is nobody's.
    assert_eq!(opensc(&["--name"]).trim(), "Unsupported card");
    let told = opensc(&[
        "-s",
        "00A40004023F00",
        "-s",
        "00A40804022FE2",
        "-s",
        "00B000000A",
        "-s",
        "00A40004022F00",
        "-s",
        "00B2010426",
    ]);
    assert_eq!(told.matches("SW1=0x90, SW2=0x00").count(), 5, "{told}");
    let bytes: String = told.split_whitespace().collect();
    assert!(bytes.contains("986800622143658709F0"), "{told}");
    assert!(bytes.contains("61184F10A0000000871002FF86FFFF8"), "{told}");
}

#[test]
fn a_phone_in_the_terminal_serves_the_sim_of_a_real_reader() {
    let (_stage, folder, simulation) = simulated();
    let pin = folder.path().join("pin1");
    std::fs::write(&pin, "1234").unwrap();
    std::fs::set_permissions(&pin, Permissions::from_mode(0o600)).unwrap();
    let script = root().join("simulator/tests/scripts/language.phone");
    let mut phone = onecard();
    phone.args(["phone", "--reader", &format!("pcsc:{CONTACTS}"), "--sim-pin-file", "pin1", "--script"]).arg(script);
    let told = run(phone.current_dir(folder.path()), 0);
    simulation.end();
    assert!(told.contains("> language fr") && told.trim_end().ends_with("As written 与脚本一致"), "{told}");
}
