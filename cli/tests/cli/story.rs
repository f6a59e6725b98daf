//! Every number of the demonstration's story is in the files it leaves.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use crate::run::{json, onecard};

/// One line of `day.settlement`, by column.
type Record = HashMap<String, String>;

#[test]
fn every_number_of_the_story_is_in_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = onecard(folder.path(), "demo --seed 1 --out kept");
    assert_eq!(run.code, 0, "{}", run.err);
    let kept = folder.path().join("kept");
    let records = settlement(&kept);
    let facts = facts(&kept, &records);
    // The last chapter names files.
    let story = run.out.split("=== 9.").next().unwrap();
    let numbers = story.split(|c: char| !(c.is_ascii_alphanumeric() || ".:-".contains(c)));
    let numbers = numbers.map(|word| word.trim_matches(['.', ':', '-'])).filter(|word| is_number(word));
    let mut count = 0;
    for number in numbers {
        assert!(facts.contains(number), "{number} is in no file");
        count += 1;
    }
    assert!(count > 450, "{count} numbers were looked for");
    assert_eq!(json(folder.path(), "demo --seed 1", 0)["totals"], story_json(&kept)["totals"]);
    assert!(onecard(folder.path(), "demo --out kept").err.contains("kept exists already"));
}

#[test]
fn what_was_loaded_is_what_was_paid_and_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(onecard(folder.path(), "demo --seed 2 --out kept").code, 0);
    let kept = folder.path().join("kept");
    let records = settlement(&kept);
    let mut balances = HashMap::new();
    for record in &records {
        let balance: &mut i64 = balances.entry(record["serial"].clone()).or_default();
        let amount: i64 = record["amount"].parse().unwrap();
        *balance += if is_load(record) { amount } else { -amount };
    }
    let mut cards = 0;
    for card in cards_of(&kept) {
        let expected = balances.get(card["serial"].as_str().unwrap()).copied().unwrap_or_default();
        assert_eq!(card["balance_fen"].as_i64(), Some(expected), "{card}");
        cards += 1;
    }
    assert_eq!(cards, 50);
    let verified = json(&kept, "settlement verify day.settlement --keys development.keys", 0);
    assert_eq!(verified["records"].as_array().unwrap().len(), records.len());
}

#[test]
fn each_thing_that_went_wrong_ended_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let story = json(folder.path(), "demo --seed 3", 0);
    let endings: Vec<Vec<&str>> = story["incidents"].as_array().unwrap().iter().map(endings_of).collect();
    assert_eq!(
        endings,
        [
            vec!["unknown", "not_committed", "answer"],
            vec!["unknown", "mac2"],
            vec!["unknown", "unknown", "mac2"],
            vec!["unknown", "tac"],
        ]
    );
    assert_eq!(story["totals"]["exact"], true);
}

#[test]
fn half_a_story_is_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let list = "number,name,department,id_number,valid_from,valid_to,first_load\n\
                1,王小明,研发部,11010519491231002X,2026-01-01,2025-01-01,100\n";
    fs::write(folder.path().join("list.csv"), list).unwrap();
    let run = onecard(folder.path(), "demo --people list.csv --out kept");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("list.csv: row 2, column valid_to: expected a day"), "{}", run.err);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["list.csv"]);
}

/// How each tap of an incident ended; of a committed one, how the terminal knew.
fn endings_of(incident: &serde_json::Value) -> Vec<&str> {
    let steps = incident["steps"].as_array().unwrap().iter();
    steps.map(|step| step["record"]["evidence"].as_str().or(step["outcome"].as_str()).unwrap()).collect()
}

/// A number, or four bytes in hexadecimal.
fn is_number(word: &str) -> bool {
    let hexadecimal =
        word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
    let decimal = word.bytes().all(|byte| byte.is_ascii_digit() || b".:-".contains(&byte));
    word.bytes().any(|byte| byte.is_ascii_digit()) && (hexadecimal || decimal)
}

fn settlement(kept: &Path) -> Vec<Record> {
    let text = fs::read_to_string(kept.join("day.settlement")).unwrap();
    let columns: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    let field = |(name, value): (&&str, &str)| ((*name).to_owned(), value.to_owned());
    text.lines().skip(2).map(|line| columns.iter().zip(line.split(',')).map(field).collect()).collect()
}

fn is_load(record: &Record) -> bool {
    record["type"] == "02"
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// What each card of the folder tells.
fn cards_of(kept: &Path) -> Vec<serde_json::Value> {
    let entries = fs::read_dir(kept.join("cards")).unwrap();
    let serials = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    serials
        .map(|serial| {
            json(kept, &format!("card show --reader sim:cards/{serial}.card --pin-file pins/{serial}.pin"), 0)
        })
        .collect()
}

fn story_json(kept: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(kept.join("story.json")).unwrap()).unwrap()
}

/// Every number that the chips, the records and the key file hold, and their sums and counts.
fn facts(kept: &Path, records: &[Record]) -> HashSet<String> {
    let mut facts: HashSet<String> = (1..=9).map(|chapter| chapter.to_string()).collect();
    for record in records {
        for column in ["order", "enterprise", "serial", "terminal", "card_sequence", "terminal_sequence", "tac"] {
            facts.insert(record[column].clone());
        }
        for column in ["amount", "old_balance", "new_balance"] {
            facts.insert(yuan(record[column].parse().unwrap()));
        }
        let moment = &record["moment"];
        facts.insert(format!("{}-{}-{}", &moment[..4], &moment[4..6], &moment[6..8]));
        facts.insert(format!("{}:{}:{}", &moment[8..10], &moment[10..12], &moment[12..14]));
    }
    // Of one sale that was torn and never done, the journal alone tells.
    let journal = fs::read_to_string(kept.join("till.journal")).unwrap();
    let orders = journal.split("\"order\":").skip(1).map(|rest| rest.split(',').next().unwrap().to_owned());
    facts.extend(orders);
    let (mut balances, mut cards) = (0, 0);
    for card in cards_of(kept) {
        facts.extend(["serial", "valid_from", "valid_to"].map(|field| card[field].as_str().unwrap().to_owned()));
        let balance = card["balance_fen"].as_i64().unwrap();
        facts.insert(yuan(balance));
        balances += balance;
        cards += 1;
    }
    let sum = |wanted: &dyn Fn(&Record) -> bool| -> i64 {
        records.iter().filter(|record| wanted(record)).map(|record| record["amount"].parse::<i64>().unwrap()).sum()
    };
    let count = |wanted: &dyn Fn(&Record) -> bool| records.iter().filter(|record| wanted(record)).count();
    let is_morning = |record: &Record| &record["moment"][8..10] < "11";
    let is_lunch = |record: &Record| &record["moment"][8..10] >= "11" && &record["moment"][8..10] < "14";
    facts
        .extend([balances, sum(&is_load), sum(&|record| !is_load(record)), sum(&is_morning), sum(&is_lunch)].map(yuan));
    for serial in records.iter().map(|record| &record["serial"]) {
        facts.insert(yuan(sum(&|record| record["serial"] == *serial && is_load(record))));
        facts.insert(yuan(sum(&|record| record["serial"] == *serial && !is_load(record))));
    }
    let list = include_str!("../../data/people.csv");
    let wanted = list.lines().skip(1).filter(|row| !row.ends_with(",0")).count();
    let counts = [cards, count(&is_morning), wanted - count(&is_morning), count(&is_lunch), cards - count(&is_lunch)];
    facts.extend(counts.map(|count| count.to_string()));
    facts.insert(records.len().to_string());
    facts.insert(fs::read_to_string(kept.join("development.keys")).unwrap().matches("key = ").count().to_string());
    let (station, till) =
        (json(kept, "sam show --reader sim:recharge.sam", 0), json(kept, "sam show --reader sim:till.sam", 0));
    let left = station["load_limit_fen"].as_i64().unwrap();
    facts.extend([left, left + sum(&is_load)].map(yuan));
    facts.insert(till["next_terminal_sequence"].to_string());
    facts
}
