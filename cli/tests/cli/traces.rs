//! Traces of others' cards, by keys as they stand in the card.

use std::fs;

use crate::run::{json, onecard, set_mode, write_secret};

/// The load by "robur" (clause 12.2.3 of the specification).
const TRACE: &str = "\
{\"schema\":\"onecard.trace/1\",\"about\":\"FM1208, robur 2024\"}
{\"ms\":0,\"with\":\"card\",\"command\":\"805000020B000000001066666666666610\",\"answer\":\"00000000000000014E0665480D39ADBB9000\"}
{\"ms\":0,\"with\":\"card\",\"command\":\"805200000B20240411212121097E98FE04\",\"answer\":\"A802863E9000\"}
{\"ms\":0,\"with\":\"card\",\"command\":\"00B201C400\",\"answer\":\"0001000000000000100266666666666620240411212121 9000\"}
";
const KEYS: &str = "\
format = \"onecard-card-keys;1\"
[[card]]
type = \"3F\"
id = \"00\"
key = \"3F3F3F3F3F3F3F3F1122334455667788\"
[[card]]
type = \"34\"
id = \"00\"
key = \"34343434343434341122334455667788\"
";

#[test]
fn a_published_trace_is_right_by_its_published_keys() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("robur.trace"), TRACE.replace(" 9000", "9000")).unwrap();
    write_secret(&at.join("robur.keys"), KEYS);
    let checked = json(at, "trace check robur.trace --card-keys robur.keys", 0);
    assert_eq!((&checked["right"], &checked["wrong"], &checked["unchecked"]), (&3.into(), &0.into(), &0.into()));
    // Halves changed places: the load's MACs are others, the folded TAC key is the same.
    let other = KEYS.replace("3F3F3F3F3F3F3F3F1122334455667788", "11223344556677883F3F3F3F3F3F3F3F");
    write_secret(&at.join("other.keys"), &other);
    let checked = json(at, "trace check robur.trace --card-keys other.keys", 6);
    assert_eq!((&checked["right"], &checked["wrong"]), (&1.into(), &2.into()));
    let wrong = &checked["first_wrong"];
    assert_eq!((&wrong["clause"], &wrong["wrong_byte"]["offset"]), (&"6.3.2".into(), &12.into()));
    // A key that nothing in the trace was made with: nothing is checked, and that is told.
    let foreign = KEYS.replace("\"3F\"", "\"3E\"").replace("\"34\"", "\"3D\"");
    write_secret(&at.join("foreign.keys"), &foreign);
    let checked = json(at, "trace check robur.trace --card-keys foreign.keys", 6);
    assert_eq!((&checked["right"], &checked["wrong"], &checked["unchecked"]), (&0.into(), &0.into(), &3.into()));
    assert!(onecard(at, "trace check robur.trace --card-keys foreign.keys").out.contains("No key given could check"));
    assert_eq!(json(at, "trace check robur.trace", 0)["unchecked"], 3);
    // The log says another amount than the load had.
    let log = TRACE.replace(" 9000", "9000").replace("00000010026666", "00000011026666");
    fs::write(at.join("log.trace"), log).unwrap();
    let checked = json(at, "trace check log.trace --card-keys robur.keys", 6);
    assert_eq!(checked["contradictions"][0]["clause"], "3.7.1");
}

#[test]
fn a_card_key_file_that_does_not_parse_is_named_and_its_keys_are_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("robur.trace"), TRACE.replace(" 9000", "9000")).unwrap();
    let cases = [
        (KEYS.replacen("id = \"00\"", "id = \"zz\"", 1), "key 1 of the card"),
        (KEYS.replacen("34343434343434341122", "3434343434343434112z", 1), "key 2 of the card"),
        (KEYS.replacen("type", "kind", 1), "line 2"),
        (KEYS.replacen(";1", ";2", 1), "format"),
    ];
    for (text, expected) in cases {
        write_secret(&at.join("robur.keys"), &text);
        let run = onecard(at, "trace check robur.trace --card-keys robur.keys");
        assert!(run.code == 1 && run.err.contains(expected), "{}", run.err);
        assert!(!run.err.contains("34343434") && !run.err.contains("3F3F3F3F"), "{}", run.err);
    }
    write_secret(&at.join("robur.keys"), KEYS);
    set_mode(&at.join("robur.keys"), 0o644);
    assert!(onecard(at, "trace check robur.trace --card-keys robur.keys").err.contains("open to others"));
}
