//! Profiles that are right, and every field that is not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::unreachable)]

use super::*;

const CARDS: &str = r#"format = "onecard-issuing-profile;1"
kind = "cpu-card"
enterprise = "1000000000000001"

[validity]
from = 2026-09-01
to = 2030-08-31

[holder]
card_type = 1
pin = "id-number"

[limits]
balance_max = "1000.00"
pin_above = "50"
balance_until = "2031-08-31"

[keys]
version = 1
[keys.check_values]
control = "A1B2C3"
[[keys.beside]]
purpose = "purchase"
id = 2
version = 2

[[access]]
slot = 0
zone = 7
anti_passback = true
[[access]]
slot = 1
zone = "all"
to = 2026-12-31

[numbers]
ledger = "school.numbers"
province = 31
attribute = 1
first = 1
last = 99999999
[numbers.printed]
year = 26
vendor = 1
version = 1
card_type = 1
"#;

const SAMS: &str = r#"format = "onecard-issuing-profile;1"
kind = "sam"
enterprise = "1000000000000001"
[validity]
from = 2026-09-01
to = 2030-08-31
[keys]
version = 1
further_versions = [2]
[sam]
role = "till"
load_limit = "0"
[numbers]
ledger = "sams.numbers"
first = 1
last = 9999
"#;

fn problems(text: &str) -> Vec<String> {
    let error = Profile::parse("p.toml", text).unwrap_err();
    error.problems.iter().map(|problem| format!("{}: {}", problem.line, problem.text)).collect()
}

#[test]
fn a_profile_of_cards_one_of_sims_and_one_of_sams() {
    let cards = Profile::parse("p.toml", CARDS).unwrap();
    let terms = cards.card_terms().unwrap();
    assert_eq!((cards.directory, cards.key_version.0, terms.pin), (Fid(0xDF01), 1, PinRule::IdNumber));
    assert_eq!(terms.parameters.balance_max.fen(), 100_000);
    assert_eq!((terms.beside.len(), terms.rights.len()), (1, 2));
    assert!(terms.rights[0].1.as_card && !terms.rights[1].1.as_card);
    let sims = CARDS.replace("cpu-card", "rfid-sim").replace("[keys]", "[sim]\nkey_version = \"31\"\n[keys]");
    let Kind::RfidSim(terms) = Profile::parse("p.toml", &sims).unwrap().kind else { unreachable!() };
    assert_eq!((terms.domain_key_version, terms.domain_keys, terms.card.rights.len()), (0x31, DomainKeys::Operator, 2));
    let sams = Profile::parse("p.toml", SAMS).unwrap();
    let Kind::Sam(terms) = &sams.kind else { unreachable!() };
    assert_eq!((terms.role, terms.keys.len()), (SamRole::Till, 6));
}

#[test]
fn every_wrong_field_is_told_with_its_line_and_what_was_expected() {
    for (right, wrong, told) in [
        (
            "onecard-issuing-profile;1",
            "onecard-issuing-profile;2",
            "1: format: expected \"onecard-issuing-profile;1\", found",
        ),
        ("cpu-card", "credit-card", "2: kind: expected \"cpu-card\", \"rfid-sim\" or \"sam\", found \"credit-card\""),
        ("1000000000000001", "10", "3: enterprise: expected 16 digits in quotation marks, found \"10\""),
        (
            "to = 2030-08-31",
            "to = 2020-08-31",
            "7: [validity] to: expected a day YYYY-MM-DD, not before from, found 2020-08-31",
        ),
        (
            "card_type = 1\npin",
            "card_type = 256\npin",
            "10: [holder] card_type: expected a number, 0 to 255, found 256",
        ),
        (
            "\"id-number\"",
            "\"123456\"",
            "11: [holder] pin: expected \"id-number\" (its last six digits) or \"file\", found",
        ),
        ("\"50\"", "50", "15: [limits] pin_above: expected yuan in quotation marks, such as \"500.00\", found 50"),
        (
            "pin_above",
            "pin_abov",
            "15: [limits] pin_abov: unknown here: expected balance_max, purchase_max, day_max, pin_above",
        ),
        ("id = 2", "id = 1", "24: [[beside]] id: expected an index, 2 to 255, found 1"),
        (
            "\"A1B2C3\"",
            "\"A1B2\"",
            "21: [check_values] control: expected 6 hexadecimal digits in quotation marks, found \"A1B2\"",
        ),
        ("control = ", "contol = ", "21: [check_values] contol: unknown here: expected the name of a key"),
        ("slot = 1", "slot = 14", "32: [[access]] slot: expected a slot, 0 to 13, found 14"),
        ("zone = 7", "zone = 0", "29: [[access]] zone: expected a zone, 1 to 65534, or \"all\", found 0"),
        ("ledger = \"school.numbers\"\n", "", "36: [numbers] ledger: expected the name of a file, found nothing"),
        (
            "last = 99999999",
            "last = 100000001",
            "41: [numbers] last: expected a number from first to 9999999999 within",
        ),
        ("vendor = 1", "vendor = 100", "44: [printed] vendor: expected a number, 0 to 99, found 100"),
        ("[keys]", "[kyes]", "18: kyes: unknown here: expected format, kind, enterprise, validity, keys"),
        ("[keys]", "[keys", "18: this is not TOML: "),
    ] {
        let changed = CARDS.replacen(right, wrong, 1);
        assert_ne!(changed, CARDS);
        let found = problems(&changed);
        assert!(found.iter().any(|problem| problem.starts_with(told)), "{told}\n{found:#?}");
    }
    assert_eq!(problems(&CARDS.replace("slot = 1", "slot = 0")).len(), 1);
    let sim = |fields: &str| {
        CARDS.replace("cpu-card", "rfid-sim").replace("[validity]", &format!("[sim]\n{fields}\n[validity]"))
    };
    for (fields, told) in [
        ("keys = \"mine\"", "6: [sim] keys: expected \"operator\" or \"test\", found \"mine\""),
        ("key_version = \"20\"", "6: [sim] key_version: expected the version of an SCP03 key set"),
        ("scp = 2", "6: [sim] scp: unknown here: expected key_version, keys"),
    ] {
        assert!(problems(&sim(fields))[0].starts_with(told), "{:?}", problems(&sim(fields)));
    }
    assert!(problems(&sim("").replace("rfid-sim", "cpu-card"))[0].contains("sim: unknown here"));
    assert!(problems(&SAMS.replace("till", "bank"))[0].starts_with("11: [sam] role: expected"));
}

#[test]
fn all_of_them_at_once() {
    let text = CARDS.replace("= 31", "= 100").replace("slot = 0", "slot = 99").replace("\"50\"", "true");
    assert_eq!(problems(&text).len(), 3);
    // A wrong day does not hide the rest, a wrong kind tells itself alone.
    assert_eq!(problems(&text.replace("2030-08-31", "2020-08-31")).len(), 4);
    assert_eq!(problems(&text.replace("cpu-card", "card")).len(), 1);
}
