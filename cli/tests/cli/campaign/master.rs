//! Applications issued over SMPP by an operator who has no key of the enterprise but its key master card, in a simulated reader.

use std::{fs, path::Path};

use onecard_host::keys::Purpose;
use serde_json::Value;

use super::{issues, *};

const OPEN: &str = "--reader sim:school.master --mother sim:school.mother --pin-file master.pin --keys dev.keys";
const MASTER: &str =
    " --master sim:school.master --mother sim:school.mother --master-pin-file master.pin --sam sim:issuing.sam";
/// Bodies of an application: its keys and its PIN.
const SET: u64 = 18;
/// Sets that are made in a turn at most (specification 20.6.4): a gateway that dies in one may have forgotten as many.
const SETS_A_TURN: u64 = 2;

/// The operator's own roots of a key file, without the enterprise's.
fn operators_keys(folder: &Path) {
    let mut table: toml::Table = toml::from_str(&fs::read_to_string(folder.join("dev.keys")).unwrap()).unwrap();
    let roots = table["roots"].as_array_mut().unwrap();
    // The management key is made for the enterprise, and is the operator's.
    let is_operators = |purpose: Purpose| purpose.is_operators() || purpose == Purpose::Management;
    roots.retain(|root| is_operators(root["purpose"].clone().try_into().unwrap()));
    write_secret(&folder.join("operator.keys"), &toml::to_string(&table).unwrap());
}

/// Until `is_so` of the campaign's status, as somebody beside the gateway sees it.
fn wait_for(folder: &Path, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let status = json(folder, "campaign status gateway.book --of autumn", 0);
        if is_so(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "{status}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The key master card, the card that opens it and an issuing SAM; the operator's book of an order for each SIM.
/// A proof is waited for so many seconds.
fn world(folder: &Path, cards: u32, faults: Faults, exports: u32, patience: u32) -> World {
    let mut world = issues::world(folder, cards, faults);
    operators_keys(folder);
    write_secret(&folder.join("master.pin"), "20261129");
    for line in [
        "master blanks --reader sim:school.master --mother sim:school.mother",
        &format!("master new {OPEN} --number 2026000000000001 --card-exports {exports}"),
        &format!("master load {OPEN}"),
        "sam new --reader sim:issuing.sam --keys dev.keys --role issuing",
        &issues::NEW
            .replace("dev.keys", "operator.keys")
            .replace("--proof-within 1", &format!("--proof-within {patience}")),
    ] {
        json(folder, line, 0);
    }
    world.keys = "operator.keys";
    world
}

fn exports_left(folder: &Path) -> u64 {
    json(folder, "master list --reader sim:school.master", 0)["card_exports"].as_u64().unwrap()
}

/// By an operator who has no key of the enterprise: without a store its orders wait; the key master card issues as far as its
/// allowance goes, and goes on when that is refilled.
#[test]
fn a_key_master_card_issues_as_far_as_its_allowance_goes() {
    const CARDS: u32 = 5;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Nothing is lost: no set is made a second time, however slow this machine is.
    let mut world = world(at, CARDS, Faults::NONE, 59, 600);
    let ended = |mut child: Child| {
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let without = world.start();
    let status = wait_for(at, |status| status["campaigns"][0]["for_somebody"] == CARDS);
    assert_eq!((&status["campaigns"][0]["waiting"], &status["campaigns"][0]["packets"]), (&CARDS.into(), &0.into()));
    let waits = status["under_way"][0]["waits"].as_str().unwrap();
    assert!(waits.contains("key") && !waits.is_empty(), "{waits}");
    ended(without);

    world.more = MASTER.to_owned();
    let exhausted = world.start();
    let status =
        wait_for(at, |status| status["campaigns"][0]["committed"] == 3 && status["campaigns"][0]["for_somebody"] == 2);
    let waits = status["under_way"][0]["waits"].as_str().unwrap();
    assert!(waits.contains("may export 5 more bodies, and an application takes 18"), "{waits}");
    ended(exhausted);
    assert_eq!(exports_left(at), 5);
    json(at, &format!("master allowance {OPEN} --card-exports 36"), 0);
    let report = json(at, &world.line(), 0);
    assert_eq!((&report["campaigns"][0]["committed"], exports_left(at)), (&CARDS.into(), 5), "{report}");
    let serials = issues::issued(at);
    assert_eq!(serials.len(), CARDS as usize);
    let shown = onecard(at, "campaign report gateway.book autumn");
    assert!(shown.out.contains("sets of bodies") && shown.out.contains(&serials[&0].to_string()), "{}", shown.out);
    issues::judge(&mut world, &serials, &BTreeMap::new());
}

/// Killed while the card makes bodies: each application is there once, with its order's contents, and the card has counted all
/// that was used, and of what was not at most a turn's sets for each kill.
#[test]
fn a_gateway_killed_while_a_key_master_card_exports_issues_each_application_once() {
    const CARDS: u32 = 12;
    const EXPORTS: u32 = 1_000;
    const KILLS: u64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut world = world(at, CARDS, bad(), EXPORTS, 2);
    world.more = MASTER.to_owned();
    let mut random = ChaCha8Rng::seed_from_u64(20_261_202);
    let (mut killed, mut in_a_set, mut counted) = (0, 0, 0);
    let count = || u64::from(EXPORTS) - exports_left(at);
    while killed < KILLS {
        let mut gateway = world.start();
        // A few to open the card, and then a set's bodies within milliseconds.
        let mut changes = random.random_range(1..8);
        let mut seen = fs::read(at.join("school.master")).unwrap();
        while changes > 0 && gateway.try_wait().unwrap().is_none() {
            let now = fs::read(at.join("school.master")).unwrap();
            changes -= i32::from(now != seen);
            seen = now;
        }
        gateway.kill().unwrap();
        if gateway.wait().unwrap().success() {
            break;
        }
        killed += 1;
        let before = std::mem::replace(&mut counted, count());
        in_a_set += u64::from(!(counted - before).is_multiple_of(SET));
    }
    let report = json(at, &world.line(), 0);
    let counted = count();
    let orders = json(at, "campaign report gateway.book autumn", 0);
    let sets: u64 = orders["orders"].as_array().unwrap().iter().map(|order| order["sets"].as_u64().unwrap()).sum();
    println!("{killed} kills, {in_a_set} in a set: {sets} sets used, {counted} bodies counted");
    assert!(killed > 0, "it ended before it was killed");
    assert!((SET * sets..=SET * (sets + SETS_A_TURN * killed)).contains(&counted), "{counted} for {sets} sets");
    assert_eq!(report["campaigns"][0]["committed"], CARDS);
    let serials = issues::issued(at);
    assert_eq!(serials.len(), CARDS as usize);
    issues::judge(&mut world, &serials, &BTreeMap::new());
}
