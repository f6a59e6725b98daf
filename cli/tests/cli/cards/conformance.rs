//! Sound cards in every state of a desk are not blamed for it.

use std::fs;

use super::Desk;
use crate::run::{json, onecard};

#[test]
fn no_card_of_the_desk_is_blamed_for_its_state() {
    let folder = tempfile::tempdir().unwrap();
    Desk::with_every_card(folder.path());
    let (mut tried, mut blamed) = (0, Vec::new());
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !(name.ends_with(".card") || name.ends_with(".sam")) {
            continue;
        }
        let before = fs::read(folder.path().join(&name)).unwrap();
        let run = onecard(folder.path(), &format!("conformance --reader sim:{name}"));
        match name.as_str() {
            "card-blocked.card" => {
                assert_eq!(run.code, 1, "{name}: {}", run.out);
                assert!(run.err.contains("blocked for good"), "{}", run.err);
            }
            // Its EF 0015 names another enterprise than its name does: that is against the specification, whoever wrote it.
            "other-data.card" => {
                assert_eq!(run.code, 6, "{name}");
                assert!(run.out.contains("clause 3.4  public-data-of-the-profile"), "{}", run.out);
            }
            _ if run.code != 0 => blamed.push(format!("{name}: {}{}", run.out, run.err)),
            _ => {}
        }
        let after = fs::read(folder.path().join(&name)).unwrap();
        assert_eq!(after.len(), before.len(), "{name}");
        tried += 1;
    }
    assert!(blamed.is_empty(), "{}", blamed.join("\n"));
    assert!(tried > 25, "{tried}");
    let told = json(folder.path(), "conformance --reader sim:healthy.card", 0);
    assert!(told["passed"].as_u64().unwrap() > 50 && told["only_read"] == true, "{told}");
}
