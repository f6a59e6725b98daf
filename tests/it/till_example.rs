//! The till that vendors copy does what it says, in under 80 lines.

#[allow(dead_code, unreachable_pub, reason = "the example as it stands, with its main")]
#[path = "../examples/till.rs"]
mod till;

use onecard_host::terminal::{Cause, JournalFile, Kind, Outcome};

#[test]
fn the_example_sells_undoes_refuses_and_keeps_its_journal() {
    let lines = include_str!("../examples/till.rs").lines().count();
    assert!(lines < 80, "{lines} lines");
    let folder = tempfile::tempdir().unwrap();
    let taps = till::day(folder.path()).unwrap();
    let kinds: Vec<Option<Kind>> = taps
        .iter()
        .map(|tap| match &tap.outcome {
            Outcome::Committed(receipt) => Some(receipt.settlement.transaction.kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [Some(Kind::LoadEp), Some(Kind::PurchaseEp), Some(Kind::PurchaseEp), Some(Kind::Undo), None]);
    let Outcome::NotCommitted(reason) = &taps[4].outcome else { panic!("{:?}", taps[4]) };
    assert!(matches!(reason.cause, Cause::Listed { unmarked: None, .. }), "{reason}");
    let journal = JournalFile::open(folder.path().join("journal")).unwrap();
    assert_eq!(journal.settlement().count(), 4);
    assert_eq!(journal.settlement().last().unwrap().transaction.new_balance.fen(), 8_750);
}
