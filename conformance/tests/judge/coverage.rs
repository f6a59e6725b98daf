//! The rules against the specification they are taken from: every clause they name is there, and no command and no status
//! word of it is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use onecard_conformance::rules;
use onecard_vectors::conformance::{Action, Conformance, Step};

/// Chapters with commands and status words, by their file.
const CHAPTERS: [&str; 4] = ["4-security", "5-commands", "6-wallet", "7-sam"];
/// Words of the text that are no status words of a card: ISO/IEC 9797.
const NO_STATUS: [&str; 1] = ["9797"];

#[test]
fn every_clause_that_a_rule_names_is_in_the_specification() {
    let folder = specification();
    let text: String =
        fs::read_dir(&folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let rules = rules().unwrap();
    let clauses = rules.rules.iter().map(|rule| (&rule.id, &rule.clause));
    let procedures = rules.procedures.iter().filter_map(|(name, procedure)| Some((name, procedure.clause.as_ref()?)));
    let untried = rules.untried.iter().map(|untried| (&untried.title, &untried.clause));
    for (by, clause) in clauses.chain(procedures).chain(untried) {
        let there = text.contains(&format!("**{clause}**")) || text.contains(&format!("## {clause} "));
        assert!(there, "{by} names clause {clause}, which is not there");
    }
}

#[test]
fn every_command_of_the_specification_is_sent() {
    let sent = sent_instructions(&rules().unwrap());
    let chapter = fs::read_to_string(specification().join("5-commands.md")).unwrap();
    let table = chapter.split("**5.1.7**").nth(1).unwrap().split("## 5.2").next().unwrap();
    let mut commands = BTreeMap::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for cell in cells.chunks(4).filter(|cell| cell.len() == 4) {
            for ins in cell[2].split(' ').filter(|ins| ins.len() == 2 && u8::from_str_radix(ins, 16).is_ok()) {
                commands.insert(u8::from_str_radix(ins, 16).unwrap(), cell[3]);
            }
        }
    }
    for sam in [0x70, 0x72, 0x74, 0x1A, 0xFA] {
        commands.insert(sam, "SAM");
    }
    assert!(commands.len() >= 30, "{commands:?}");
    for (ins, name) in commands {
        // CARD BLOCK would end the card: it stands among what is not tried.
        assert!(sent.contains(&ins) || ins == 0x16, "{ins:02X} {name} is never sent");
    }
}

#[test]
fn every_status_word_of_the_specification_is_expected_or_said_not_to_be_tried() {
    let rules = rules().unwrap();
    let expected = expected_words(&rules);
    let untried: String = rules.untried.iter().map(|untried| untried.title.clone()).collect();
    let mut words = BTreeSet::new();
    for chapter in CHAPTERS {
        let text = fs::read_to_string(specification().join(format!("{chapter}.md"))).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let hex = word.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
            if word.len() == 4 && hex && matches!(&word[..1], "6" | "9") && !NO_STATUS.contains(&word) {
                words.insert(word.to_owned());
            }
        }
    }
    assert!(words.len() >= 25, "{words:?}");
    for word in words {
        let fits = |pattern: &String| pattern.chars().zip(word.chars()).all(|(one, other)| one == 'X' || one == other);
        assert!(expected.iter().any(fits) || untried.contains(&word), "{word} is never expected");
    }
}

#[test]
fn each_rule_is_told_in_both_languages_and_every_template_can_be_read() {
    for rule in rules().unwrap().rules {
        assert!(rule.title.is_ascii(), "{}", rule.id);
        assert!(rule.chinese.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)), "{}", rule.id);
        assert!(!rule.steps.is_empty(), "{}", rule.id);
    }
}

fn specification() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/specification")
}

fn all_steps(rules: &Conformance) -> impl Iterator<Item = &Step> {
    let of_rules = rules.rules.iter().flat_map(|rule| rule.steps.iter().chain(&rule.restore));
    of_rules.chain(rules.procedures.values().flat_map(|procedure| &procedure.steps))
}

fn sent_instructions(rules: &Conformance) -> BTreeSet<u8> {
    let ins = |step: &Step| match &step.action {
        Action::Send(send) => u8::from_str_radix(send.command.get(2..4)?, 16).ok(),
        _ => None,
    };
    all_steps(rules).filter_map(ins).collect()
}

fn expected_words(rules: &Conformance) -> BTreeSet<String> {
    let words = |step: &Step| match &step.action {
        Action::Send(send) => {
            send.expect.iter().filter_map(|text| text.split(' ').next_back().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    all_steps(rules).flat_map(words).filter(|word| word != "XXXX").collect()
}
