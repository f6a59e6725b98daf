//! `onecard trace record`: a card in one reader used by another program in a second, and what both said in a file.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use onecard_simulator::sample::Sample;
use pcsc::State;

use crate::{
    program::{Simulation, json, station},
    stage::Stage,
};

/// The program may have to be built.
const LIMIT: Duration = Duration::from_secs(900);

#[test]
fn a_sale_through_two_readers_is_recorded_to_the_byte() {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let at = folder.path();
    fs::write(at.join("wang.pin"), Sample::PIN).unwrap();
    fs::set_permissions(at.join("wang.pin"), Permissions::from_mode(0o600)).unwrap();
    json(at, "card recharge 50 --reader sim:wang.card --sam keys:dev.keys --pin-file wang.pin");
    let simulation = Simulation::begin(at, "--card sim:wang.card", 1);
    stage.wait_until(0, State::PRESENT);
    let recorder = Simulation::recorder(at, "sale.trace");
    stage.wait_until(1, State::PRESENT);
    // The recorder has the first reader's card for itself: the second's is the only one.
    let sold = json(at, "card pay 12.50 --sam sim:till.sam");
    assert_eq!(sold["outcome"], "committed", "{sold}");
    recorder.end();
    simulation.end();
    assert_eq!(json(at, "card show --reader sim:wang.card")["balance_fen"], 3_750);
    let checked = json(at, "trace check sale.trace --keys dev.keys");
    // MAC1, MAC2 and TAC of the purchase.
    assert_eq!((&checked["right"], &checked["wrong"], &checked["unchecked"]), (&3.into(), &0.into(), &0.into()));
    assert_eq!(checked["contradictions"], serde_json::json!([]));
}

#[test]
fn a_recorder_whose_card_leaves_ends_and_keeps_what_it_has() {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let at = folder.path();
    let simulation = Simulation::begin(at, "--card sim:wang.card", 1);
    stage.wait_until(0, State::PRESENT);
    let recorder = Simulation::recorder(at, "look.trace");
    stage.wait_until(1, State::PRESENT);
    json(at, "card show");
    simulation.end();
    stage.wait_until(0, State::EMPTY);
    let card = stage.connect(1);
    let mut answer = [0; 258];
    // Nothing comes back for a card that has left, and the recorder ends by an error that says so.
    assert!(card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x04], &mut answer).map_or(true, |answer| answer.is_empty()));
    drop(card);
    recorder.ended_by(1);
    let shown = json(at, "trace show look.trace");
    assert!(shown["entries"].as_array().unwrap().len() >= 3, "{shown}");
}
