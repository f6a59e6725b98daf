//! Applications issued over SMPP on loopback, the gateway killed again and again.

use std::{fs, path::Path};

use onecard_host::{
    card::{Access, Pin, holder, verify_pin},
    keys::Purpose,
};
use onecard_station::people::{IdNumber, holder_text};
use serde_json::Value;

use super::*;

const PROFILE: &str = r#"format = "onecard-issuing-profile;1"
kind = "rfid-sim"
enterprise = "1000000000000001"

[validity]
from = 2026-09-01
to = 2030-08-31

[holder]
pin = "id-number"

[limits]
balance_max = "1000.00"

[numbers]
ledger = "sims.numbers"
province = 31
attribute = 1
first = 501
last = 99999999
printed = { year = 26, vendor = 1, version = 1, card_type = 1 }
"#;

fn id_number(number: u32) -> String {
    let (year, order) = (1990 + number / 1_000, number % 1_000);
    let first = format!("990101{year}01{:02}{order:03}", number % 28 + 1);
    let check = "0123456789X".chars().find(|check| IdNumber::parse(&format!("{first}{check}")).is_some());
    format!("{first}{}", check.unwrap())
}

fn name(number: u32) -> String {
    format!("学生{number}")
}

/// Phones with SIMs as their maker delivers them, a profile, and a list.
pub(super) fn world(folder: &Path, cards: u32, faults: Faults) -> World {
    let rows = (0..cards).map(|at| format!("I{at},{},{},{},{}\r\n", iccid(at), phone(at), name(at), id_number(at)));
    fs::write(folder.join("autumn.csv"), format!("订单号,卡号,手机号,姓名,证件号码\r\n{}", rows.collect::<String>()))
        .unwrap();
    fs::write(folder.join("sims.toml"), PROFILE).unwrap();
    let platform = "10086".parse().unwrap();
    World::of(folder, cards, faults, |sample, _, chip| sample.with_platform(chip, &platform).unwrap())
}

pub(super) const NEW: &str = "campaign new gateway.book autumn --issues autumn.csv --profile sims.toml --keys dev.keys --new-book \
                   --new-ledger --proof-within 1 --packets 30 --attempts 20";

/// Of a campaign that has ended: the serial of each order that was carried out.
pub(super) fn issued(folder: &Path) -> BTreeMap<u32, ApplicationSerial> {
    let report = json(folder, "campaign report gateway.book autumn", 0);
    let orders = report["orders"].as_array().unwrap();
    let committed = orders.iter().filter(|order| order["ending"] == "committed");
    let of = |order: &Value| {
        let number = order["order"].as_str().unwrap()[1..].parse().unwrap();
        assert!(order["sets"].as_u64().unwrap() >= 1, "{order}");
        (number, order["serial"].as_str().unwrap().parse().unwrap())
    };
    committed.map(of).collect()
}

/// That nothing of the enterprise's or the operator's keys is in the book as it is now.
fn has_no_key(folder: &Path, sample: &Sample, serials: impl Iterator<Item = ApplicationSerial>) -> usize {
    let keys = sample.roots().enterprise(sample.enterprise());
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for serial in serials {
        let of_card = |purpose| keys.card_key(serial, purpose, Sample::KEY_VERSION).ok();
        secrets.extend(Purpose::ALL.into_iter().filter_map(of_card).map(|key| key.expose().to_vec()));
    }
    let key_file = fs::read_to_string(folder.join("dev.keys")).unwrap();
    let roots = key_file.lines().filter_map(|line| line.strip_prefix("key = \"")?.strip_suffix('"'));
    secrets.extend(roots.map(|digits| hex::decode(digits).unwrap()));
    let files = ["gateway.book", "gateway.book-wal"].map(|file| fs::read(folder.join(file)).unwrap_or_default());
    for secret in &secrets {
        for form in [secret.clone(), hex::encode(secret).into_bytes(), hex::encode_upper(secret).into_bytes()] {
            let holds = |content: &[u8]| content.windows(form.len()).any(|window| window == form);
            assert!(files.iter().all(|content| !holds(content)), "a key is in the book");
            assert!(holds(&[&files[0], &form[..]].concat()), "a planted one is found");
        }
    }
    secrets.len()
}

/// Each card has the contents of its own order, under a serial that no other has, and what it was recharged with; without a
/// serial it has nothing. What all of them hold, in fen.
pub(super) fn judge(
    world: &mut World,
    serials: &BTreeMap<u32, ApplicationSerial>,
    recharged: &BTreeMap<u32, Amount>,
) -> u64 {
    let mut network = world.stopped();
    let aid = aid::enterprise_application(world.sample.enterprise());
    let (mut seen, mut sum) = (BTreeMap::new(), 0);
    for number in 0..world.cards {
        let mut reader = Reader::insert(network.remove(&phone(number).parse().unwrap()).unwrap());
        let selected = select(&mut reader, &aid);
        let Some(serial) = serials.get(&number) else {
            assert!(selected.is_err(), "order {number} was not carried out: {selected:?}");
            continue;
        };
        let card = selected.unwrap();
        assert_eq!(card.serial(), *serial);
        assert_eq!(seen.insert(*serial, number), None, "twice");
        let pin = Pin::from_digits(&IdNumber::parse(&id_number(number)).unwrap().last_six()).unwrap();
        verify_pin(&mut reader, &card, &pin).unwrap();
        let holder = holder(&mut reader, &card, Access::Plain).unwrap();
        assert_eq!((holder_text(&holder.name), holder_text(&holder.id_number)), (name(number), id_number(number)));
        let expected = recharged.get(&number).copied().unwrap_or(Amount::ZERO);
        assert_eq!(balance(&mut reader, &card, Purse::Ep).unwrap(), expected, "{number}");
        sum += u64::from(expected.fen());
    }
    sum
}

/// Killed all the while, and the list gone; what a holder of the book would look for is not in it.
#[test]
fn a_gateway_killed_anywhere_issues_each_application_once() {
    const CARDS: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), CARDS, bad());
    let taken = json(folder.path(), NEW, 0);
    assert_eq!((&taken["orders"], &taken["kind"]), (&CARDS.into(), &"issues".into()));
    // What goes into the cards is in the book.
    fs::write(folder.path().join("autumn.csv"), "nobody").unwrap();
    fs::remove_file(folder.path().join("sims.toml")).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(20_261_130);
    let numbers = || (501..501 + u64::from(CARDS)).map(|number| ApplicationSerial::from_parts(31, 1, number).unwrap());
    let mut searched = 0;
    let killed = world.kill(4, &mut random, || searched += has_no_key(folder.path(), &world.sample, numbers().take(3)));
    let ended = json(folder.path(), &world.line(), 0);
    println!("{killed} kills, {searched} searches, then {ended}");
    assert!(killed > 0 && searched > 0);
    let serials = issued(folder.path());
    assert!(serials.len() * 100 >= CARDS as usize * 90, "{ended}");
    judge(&mut world, &serials, &BTreeMap::new());
}

/// Nothing is taken of a list with a fault, and no number out of the ledger.
#[test]
fn a_list_that_is_wrong_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let _world = world(at, 3, Faults::NONE);
    let good = fs::read_to_string(at.join("autumn.csv")).unwrap();
    let refused = |list: &str, profile: &str, told: &[&str]| {
        fs::write(at.join("autumn.csv"), list).unwrap();
        fs::write(at.join("sims.toml"), profile).unwrap();
        let run = onecard(at, NEW);
        assert!(run.code != 0 && told.iter().all(|told| run.err.contains(told)), "{told:?}: {}", run.err);
        assert!(!at.join("gateway.book").exists() && !at.join("sims.numbers").exists(), "{told:?}");
    };
    let wrong = good.replace(&iccid(1), "12").replace("学生2", "一二三四五六七八九十一").replace("I2", "I0");
    let told = [
        "row 3, column 卡号: expected 19 or 20 digits",
        "row 4, column 姓名",
        "row 4, column 订单号: expected another one than row 2",
    ];
    refused(&wrong, PROFILE, &told);
    refused(&good.replace(&id_number(1), ""), PROFILE, &["row 3, column id_number: expected a resident's id number"]);
    refused(&good.replace("姓名", "name,amount"), PROFILE, &["row 1, column amount: unknown column"]);
    let with_serials =
        good.replace("手机号", "手机号,serial").replace(&phone(1), &format!("{},{}", phone(1), serial(600)));
    let with_serials =
        with_serials.replace(&phone(0), &format!("{},", phone(0))).replace(&phone(2), &format!("{},", phone(2)));
    refused(&with_serials, PROFILE, &["row 3, column serial: number 601 is of the range"]);
    refused(&good, &PROFILE.replace("rfid-sim", "cpu-card"), &["kind = \"rfid-sim\""]);
    refused(&good, &format!("{PROFILE}\n[[access]]\nslot = 0\nzone = 7\n"), &["access rights do not go over the air"]);
    refused(&good, &PROFILE.replace("1000000000000001", "1000000000000002"), &["name the files of one enterprise"]);
    fs::write(at.join("sims.toml"), PROFILE).unwrap();
    let without_profile = onecard(at, &NEW.replace("--profile sims.toml", ""));
    assert_eq!(without_profile.code, 2, "{}", without_profile.err);
    let of_recharges = onecard(at, &NEW.replace("--issues", "--terminal 310000000001 --recharges"));
    assert!(of_recharges.code == 2 && of_recharges.err.contains("--profile"), "{}", of_recharges.err);

    // A book that is there already, or cannot be, is found before the ledger is.
    fs::write(at.join("autumn.csv"), &good).unwrap();
    fs::write(at.join("gateway.book"), "somebody's").unwrap();
    for book in ["gateway.book", "nowhere/gateway.book"] {
        let run = onecard(at, &NEW.replace("gateway.book", book));
        assert!(run.code != 0 && run.err.contains(&format!("book {book}")), "{}", run.err);
        assert!(!at.join("sims.numbers").exists(), "{book}");
    }
    assert_eq!(fs::read_to_string(at.join("gateway.book")).unwrap(), "somebody's");
    fs::remove_file(at.join("gateway.book")).unwrap();

    // Taken, it gives its campaign's name, its serials and its list away once.
    fs::write(at.join("autumn.csv"), with_serials.replace(&serial(600).to_string(), &serial(7).to_string())).unwrap();
    assert_eq!(json(at, NEW, 0)["orders"], 3);
    let again = NEW.replace("--new-book --new-ledger", "");
    let run = onecard(at, &again);
    assert!(run.code != 0 && run.err.contains("campaign autumn is in the book already"), "{}", run.err);
    let run = onecard(at, &again.replace("autumn --", "winter --"));
    assert!(run.code != 0 && run.err.contains("--list-again"), "{}", run.err);
    let run = onecard(at, &format!("{} --list-again", again.replace("autumn --", "winter --")));
    let told = format!("order I1: an application with serial {} was ordered already", serial(7));
    assert!(run.code != 0 && run.err.contains(&told), "{}", run.err);
    let status = json(at, "campaign status gateway.book", 0);
    assert_eq!((status["campaigns"].as_array().unwrap().len(), &status["campaigns"][0]["waiting"]), (1, &3.into()));
}
