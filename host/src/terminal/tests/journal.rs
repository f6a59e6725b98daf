//! The journal file: torn, damaged, shared; and the settlement file.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::{line_file::replay, terminal::token_store::Ledger};
use std::{fs, path::Path};

/// A journal with one committed, one not committed and one pending order.
fn filled(path: &Path) -> (SettlementRecord, Token) {
    let mut card = ModelCard::new(1, yuan("100"));
    let mut other = ModelCard::new(2, yuan("100"));
    let mut sam = whole_sam();
    let mut store = JournalFile::open(path).unwrap();
    let receipt = committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    card.fault(2, Fault::Forged(vec![0x93, 0x02]));
    cause(&purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap().outcome);
    other.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut other, &mut sam, &mut store, &sale(3, "10")).unwrap().outcome).token;
    (receipt.settlement, token)
}

#[test]
fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("till.journal");
    let (settlement, token) = filled(&path);
    let mut store = JournalFile::open(&path).unwrap();
    assert_eq!(store.pending().unwrap(), [token]);
    assert_eq!(store.settlement().copied().collect::<Vec<_>>(), [settlement]);
    assert_eq!(store.committed(OrderNumber(1)).unwrap(), Some(settlement));
    assert_eq!(store.committed(OrderNumber(2)).unwrap(), None);
    let again = store.begin(&Token::new(settlement.transaction, token.key_id, token.random)).unwrap_err();
    assert!(matches!(again, StorageError::AlreadyCommitted(OrderNumber(1))));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1 + 2 + 2 + 1);
}

/// A journal's bytes, and where its lines end: header, begin 1, conclude 1, begin 2, conclude 2, begin 3.
fn lines_of_a_journal(path: &Path) -> (Vec<u8>, Vec<usize>) {
    filled(path);
    let whole = fs::read(path).unwrap();
    let ends: Vec<usize> = (1..=whole.len()).filter(|end| whole[end - 1] == b'\n').collect();
    assert_eq!(ends.len(), 6);
    (whole, ends)
}

#[test]
fn a_file_cut_anywhere_is_what_was_acknowledged_until_then() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("till.journal");
    let (whole, ends) = lines_of_a_journal(&path);
    for cut in 0..whole.len() {
        let acknowledged = ends.iter().filter(|end| **end <= cut).count();
        let (pending, settled) = [(0, 0), (0, 0), (1, 0), (0, 1), (1, 1), (0, 1), (1, 1)][acknowledged];
        let (ledger, good) = replay::<Ledger>(&path, &whole[..cut]).unwrap();
        assert_eq!((ledger.pending().len(), ledger.settlement().count()), (pending, settled), "cut at {cut}");
        assert_eq!(good, ends[..acknowledged].last().copied().unwrap_or(0), "cut at {cut}");
    }
}

#[test]
fn a_torn_line_is_cut_off_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("till.journal");
    let (whole, ends) = lines_of_a_journal(&path);
    for torn in [0, 5, ends[0] - 1, ends[0] + 1, ends[3] - 1, ends[3], ends[5] - 1] {
        fs::write(&path, &whole[..torn]).unwrap();
        drop(JournalFile::open(&path).unwrap());
        let good = ends.iter().rfind(|end| **end <= torn).copied().unwrap_or(ends[0]);
        assert_eq!(fs::read(&path).unwrap(), &whole[..good], "torn at {torn}");
        // And the next line follows a whole one.
        let mut card = ModelCard::new(3, yuan("1"));
        let mut store = JournalFile::open(&path).unwrap();
        committed(&purchase(&mut card, &mut whole_sam(), &mut store, &sale(50, "1")).unwrap().outcome);
        drop(store);
        assert!(JournalFile::open(&path).unwrap().committed(OrderNumber(50)).unwrap().is_some());
    }
}

#[test]
fn a_changed_byte_is_reported_or_was_in_the_last_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("till.journal");
    let (whole, ends) = lines_of_a_journal(&path);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x04;
        match replay::<Ledger>(&path, &changed) {
            Err(StorageError::Damaged { place, .. }) => {
                assert!(at < ends[4] - 1 && place.contains("till.journal, line "), "{at} {place}");
            }
            // The line feed before the last line makes one line of two.
            Ok((ledger, _)) => assert!(at >= ends[4] - 1 && ledger.pending().len() < 2, "{at}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn one_terminal_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("till.journal");
    let first = JournalFile::open(&path).unwrap();
    assert!(matches!(JournalFile::open(&path), Err(StorageError::InUse(name)) if name.contains("till.journal")));
    drop(first);
    assert!(JournalFile::open(&path).is_ok());
}

#[test]
fn another_file_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    for content in ["dear diary", "dear diary\n", "onecard-terminal-journal;2\n"] {
        fs::write(&path, content).unwrap();
        assert!(matches!(JournalFile::open(&path), Err(StorageError::Damaged { .. })), "{content}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_conclusion_needs_its_token() {
    let mut card = ModelCard::new(1, yuan("100"));
    let mut store = InMemoryStore::new();
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut whole_sam(), &mut store, &sale(1, "10")).unwrap().outcome).token;
    let conclusion = Conclusion::NotCommitted("test".to_owned());
    let other = Token::new(token.transaction, token.key_id, [0; 4]);
    assert!(matches!(store.conclude(&other, &conclusion), Err(StorageError::NotPending(_))));
    store.conclude(&token, &conclusion).unwrap();
    assert!(matches!(store.conclude(&token, &conclusion), Err(StorageError::NotPending(_))));
}

#[test]
fn a_token_is_read_back_or_refused() {
    let mut card = ModelCard::new(1, yuan("100"));
    card.fault(2, Fault::LostAnswer);
    let order = sale(1, "10");
    let token =
        in_doubt(&purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &order).unwrap().outcome).token;
    let text = serde_json::to_string(&token).unwrap();
    assert_eq!(serde_json::from_str::<Token>(&text).unwrap(), token);
    let expected = r#"{"version":1,"transaction":{"order":1,"enterprise":"1000000000000001","serial":""#;
    assert!(text.starts_with(expected), "{text}");
    for (from, to) in [
        (r#""version":1"#, r#""version":2"#),
        (r#""new_balance":9000"#, r#""new_balance":9001"#),
        (r#""purchase_ep""#, r#""load_ep""#),
        (r#""terminal_sequence":7"#, r#""terminal_sequence":null"#),
        (r#""key_id":1"#, r#""key_id":1,"more":1"#),
        (r#""moment":"20261122"#, r#""moment":"20261322"#),
        (r#""card_sequence":256"#, r#""card_sequence":65535"#),
        (r#""random":""#, r#""random":"0"#),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        assert!(serde_json::from_str::<Token>(&text.replacen(from, to, 1)).is_err(), "{to}");
    }
}

#[test]
fn settlement_files_name_the_line_and_field_that_does_not_fit() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let _ = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap();
    let _ = recharge(&mut card, &mut sam, &mut store, &top_up(2, "20")).unwrap();
    let records: Vec<_> = store.settlement().copied().collect();
    let text = settlement::write(&records);
    assert_eq!(settlement::parse(&text).unwrap(), records);
    assert_ne!(records[0].key(), records[1].key());
    let serial = serial(1);
    assert_eq!(
        text.lines().nth(2).unwrap(),
        format!(
            "1,1000000000000001,{serial},000000001234,06,1000,10000,9000,256,7,20261122123001,01,00,{},answer",
            hex::encode_upper(records[0].tac.unwrap())
        )
    );
    let fault = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        let error = settlement::parse(&text.replacen(from, to, 1)).unwrap_err();
        (error.line, error.field)
    };
    assert_eq!(fault("settlement;1", "settlement;2"), (1, "header"));
    assert_eq!(fault("order,enterprise", "enterprise,order"), (2, "header"));
    assert_eq!(fault("\n1,1", "\n+1,1"), (3, "order"));
    assert_eq!(fault("\n1,1", "\n1,A"), (3, "enterprise"));
    assert_eq!(fault(",06,", ",08,"), (3, "type"));
    assert_eq!(fault(",1000,10000,9000,", ",1000,10000,9001,"), (3, "balances"));
    assert_eq!(fault(",256,7,", ",65536,7,"), (3, "card_sequence"));
    assert_eq!(fault(",256,7,", ",256,,"), (3, "balances"));
    assert_eq!(fault("20261122123001", "20261122246001"), (3, "moment"));
    assert_eq!(fault(",answer\n", ",hearsay\n"), (3, "evidence"));
    assert_eq!(fault(",answer\n", ",answer,\n"), (3, "end"));
    assert_eq!(fault(",answer\n2", ",answer\n"), (4, "order"));
    assert_eq!(settlement::parse(text.trim_end()).unwrap_err().field, "line feed");
    assert_eq!(settlement::parse("").unwrap_err().line, 1);
}

#[test]
fn the_issuer_tells_a_changed_record() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let _ = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap();
    let _ = recharge(&mut card, &mut sam, &mut store, &top_up(2, "20")).unwrap();
    let issuer = issuer().with(enterprise(), master(Purpose::Load));
    for record in store.settlement() {
        assert_eq!(issuer.check(record), Ok(()));
        let changed = |change: fn(&mut SettlementRecord)| {
            let mut changed = *record;
            change(&mut changed);
            issuer.check(&changed)
        };
        assert_eq!(changed(|record| record.transaction.amount = yuan("11")), Err(Unproven::Wrong));
        assert_eq!(changed(|record| record.transaction.serial = serial(2)), Err(Unproven::Wrong));
        assert_eq!(changed(|record| record.transaction.moment = moment(59)), Err(Unproven::Wrong));
        assert_eq!(changed(|record| record.transaction.terminal.0[5] ^= 1), Err(Unproven::Wrong));
        assert_eq!(changed(|record| record.tac = Some([0; 4])), Err(Unproven::Wrong));
        assert_eq!(changed(|record| record.tac = None), Err(Unproven::NoTac));
        let foreign = "2000000000000002".parse().unwrap();
        let mut of_another = *record;
        of_another.transaction.enterprise = foreign;
        assert_eq!(issuer.check(&of_another), Err(Unproven::NoKey(foreign)));
    }
}
