use onecard_wire::record::{AccessRight, Zone};

use super::model_card::{date, serial};
use crate::presence::DenyList;

fn right(zone: u16, last_day: &str) -> AccessRight {
    let (valid_from, valid_to) = (date("2026-11-01"), date(last_day));
    AccessRight { zone: Zone(zone), schedule: 1, flags: 1, valid_from, valid_to, mac: [1, 2, 3, 4] }
}

#[test]
fn a_deny_list_is_read_back_or_refused() {
    let mut list = DenyList::new();
    for (card, zone, last_day) in
        [(1, 7, "2026-11-30"), (1, 7, "2026-12-31"), (2, 0xFFFF, "2026-12-31"), (3, 0, "2027-01-01")]
    {
        list.withdraw(serial(card), &right(zone, last_day));
    }
    list.deny_card(serial(4));
    let text = serde_json::to_string(&list).unwrap();
    let mut back: DenyList = serde_json::from_str(&text).unwrap();
    assert_eq!(back, list);
    // The last days came back too.
    back.forget_before(date("2026-12-01"));
    assert!(!back.has_right(serial(1), &right(7, "2026-11-30")) && back.has_right(serial(1), &right(7, "2026-12-31")));
    assert!(back.has_card(serial(4)) && back.len() == 4);
    assert_eq!(serde_json::to_string(&DenyList::new()).unwrap(), r#"{"version":1,"rights":[],"cards":[]}"#);

    let (first, last_day) = (hex::encode_upper(serial(1).to_bytes()), "0007010120261101");
    for (from, to) in [
        (r#""version":1"#.to_owned(), r#""version":2"#.to_owned()),
        (r#""version":1,"#.to_owned(), String::new()),
        (r#""version":1"#.to_owned(), r#""version":1,"more":1"#.to_owned()),
        (format!("{first}0007"), format!("{}0007", "3100100000000002")),
        (format!("{last_day}20261130"), format!("{last_day}20261131")),
        (format!("{last_day}20261130"), format!("{last_day}202611")),
        (format!("{last_day}20261130"), format!("{last_day}2026113G")),
        (format!(r#""cards":["{}"]"#, serial(4)), r#""cards":["1"]"#.to_owned()),
    ] {
        assert!(text.contains(&from), "{from} in {text}");
        assert!(serde_json::from_str::<DenyList>(&text.replacen(&from, &to, 1)).is_err(), "{to}");
    }
    let error = serde_json::from_str::<DenyList>(&text.replacen(r#""version":1"#, r#""version":2"#, 1)).unwrap_err();
    assert!(error.to_string().contains("version 2, this release reads version 1"), "{error}");
}
