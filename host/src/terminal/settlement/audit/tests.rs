//! One sale, one payment: copies, conflicts, gaps and sums.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{
    crypto::{Key, TransactionTerms, load_tac, purchase_tac},
    keys::diversify,
    terminal::{Evidence, OrderNumber},
};
use onecard_wire::date::{Date, Time};

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn tac_key() -> Key {
    Key::from_bytes(core::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ 0x5A))
}

fn issuer() -> IssuerKeys {
    IssuerKeys::new().with(enterprise(), tac_key())
}

/// The `sequence`-th purchase of 1 yuan (or load) of a card with a genuine TAC; the terminal counts from 100.
fn record(kind: Kind, sequence: u16) -> SettlementRecord {
    let serial = ApplicationSerial::from_parts(31, 1, 7).unwrap();
    let (amount, old_balance) = (Amount::from_fen(100), Amount::from_fen(10_000));
    let transaction = Transaction {
        order: OrderNumber(u64::from(sequence) + 1),
        enterprise: enterprise(),
        serial,
        kind,
        amount,
        old_balance,
        new_balance: kind.balance_after(old_balance, amount).unwrap(),
        card_sequence: sequence,
        terminal: "000000000001".parse().unwrap(),
        terminal_sequence: (!kind.is_online()).then_some(u32::from(sequence) + 100),
        moment: Moment { date: Date::parse("20261122").unwrap(), time: Time::parse("123001").unwrap() },
        key_version: 1,
        algorithm: 0,
    };
    let Transaction { terminal, moment, .. } = transaction;
    let terms = TransactionTerms { amount, transaction_type: kind.transaction_type(), terminal, moment };
    let key = diversify(&tac_key(), serial.to_bytes());
    let tac = match transaction.terminal_sequence {
        Some(number) => purchase_tac(&key, number, &terms),
        None => load_tac(&key, transaction.new_balance, sequence, &terms),
    };
    SettlementRecord { transaction, tac: Some(tac), evidence: Evidence::Answer }
}

#[test]
fn a_copy_with_another_card_sequence_and_other_balances_is_not_paid() {
    let genuine = record(Kind::PurchaseEp, 3);
    let mut copy = genuine;
    copy.transaction.card_sequence = 9;
    copy.transaction.order = OrderNumber(77);
    copy.transaction.old_balance = Amount::from_fen(5_000);
    copy.transaction.new_balance = Amount::from_fen(4_900);
    assert_eq!(issuer().check(&copy), Ok(()), "the TAC covers none of it");
    let found = audit(&[genuine, copy], &issuer());
    assert_eq!(found.verdicts, [Ok(()), Err(Objection::SameTac { first: 0 })]);
    // What is not paid fills no gap and makes none.
    assert_eq!(found.gaps, []);
    assert_eq!(audit(&[genuine, genuine], &issuer()).verdicts[1], Err(Objection::SameTransaction { first: 0 }));
}

/// Two tills sold to the card; the second's record says the first's sequence.
#[test]
fn two_genuine_sales_with_one_sequence_are_set_against_each_other() {
    let (first, mut second) = (record(Kind::PurchaseEp, 3), record(Kind::PurchaseEp, 4));
    second.transaction.card_sequence = 3;
    assert_eq!(issuer().check(&second), Ok(()));
    let undo = record(Kind::Undo, 4);
    let against = |other| Err(Objection::SequenceConflict { other });
    for records in [[first, second, undo], [second, first, undo]] {
        let found = audit(&records, &issuer());
        // The purchase that the undo takes back is not paid, so the undo waits with it.
        assert_eq!(found.verdicts, [against(1), against(0), Err(Objection::UndoWithoutPurchase)]);
        assert_eq!((found.totals, found.gaps), (Totals::default(), vec![]));
    }
    // A third, and one of them once more.
    let mut third = record(Kind::PurchaseEp, 5);
    third.transaction.card_sequence = 3;
    let verdicts = audit(&[first, second, third, second, first], &issuer()).verdicts;
    assert_eq!(verdicts, [1, 0, 0, 0, 1].map(against));
    // A copy of a sale that is handed in rightly too keeps nobody's from being paid.
    let rightly = record(Kind::PurchaseEp, 4);
    let verdicts = audit(&[first, second, rightly], &issuer()).verdicts;
    assert_eq!(verdicts, [Ok(()), Err(Objection::SameTac { first: 2 }), Ok(())]);
}

#[test]
fn a_record_that_is_not_paid_keeps_no_genuine_one_from_being_paid() {
    let genuine = record(Kind::PurchaseEp, 3);
    let mut changed = genuine;
    changed.transaction.amount = Amount::from_fen(200);
    changed.transaction.new_balance = Amount::from_fen(9_800);
    let mut contradictory = genuine;
    contradictory.transaction.new_balance = Amount::from_fen(9_901);
    let found = audit(&[changed, contradictory, genuine], &issuer());
    let expected = [Err(Objection::Unproven(Unproven::Wrong)), Err(Objection::Contradictory), Ok(())];
    assert_eq!(found.verdicts, expected);
}

#[test]
fn a_loads_tac_covers_sequence_and_balance() {
    let genuine = record(Kind::LoadEp, 3);
    let mut copy = genuine;
    copy.transaction.card_sequence = 4;
    let found = audit(&[genuine, record(Kind::LoadEp, 4), copy], &issuer());
    assert_eq!(found.verdicts, [Ok(()), Ok(()), Err(Objection::Unproven(Unproven::Wrong))]);
}

#[test]
fn gaps_are_told_by_card_purse_and_terminal() {
    let purchases = [0, 1, 4, 5, 7].map(|sequence| record(Kind::PurchaseEp, sequence));
    let loads = [2, 4].map(|sequence| record(Kind::LoadEp, sequence));
    let records: Vec<_> = loads.iter().chain(purchases.iter().rev()).copied().collect();
    let Transaction { enterprise, serial, terminal, .. } = records[0].transaction;
    let of_card = |online, from, to| Gap::Card { enterprise, serial, ed: false, online, from, to };
    let of_terminal = |from, to| Gap::Terminal { terminal, from, to };
    assert_eq!(
        audit(&records, &issuer()).gaps,
        [of_card(false, 2, 3), of_card(false, 6, 6), of_card(true, 3, 3), of_terminal(102, 103), of_terminal(106, 106)]
    );
}

/// A purchase, its undo, and the next purchase of another card at the same terminal.
fn undone() -> [SettlementRecord; 3] {
    let (mut bought, mut undo) = (record(Kind::PurchaseEp, 3), record(Kind::Undo, 4));
    undo.transaction.old_balance = bought.transaction.new_balance;
    undo.transaction.new_balance = bought.transaction.old_balance;
    let next = record(Kind::PurchaseEp, 5);
    bought.evidence = Evidence::Mac2;
    [bought, undo, next]
}

#[test]
fn an_undo_is_taken_off_and_counts_beside_its_purchase_alone() {
    let [bought, undo, next] = undone();
    for records in [[bought, undo, next], [undo, next, bought]] {
        let found = audit(&records, &issuer());
        assert_eq!(found.verdicts, [Ok(()); 3]);
        assert_eq!((found.totals.spent, found.totals.undone, found.totals.net_spent()), (200, 100, 100));
    }
    let found = audit(&[undo, next], &issuer());
    assert_eq!(found.verdicts, [Err(Objection::UndoWithoutPurchase), Ok(())]);
    assert_eq!((found.totals.net_spent(), found.gaps.len()), (100, 0));
    // Another amount's, or a compound purchase's, is not its purchase.
    let mut dearer = bought;
    dearer.transaction.amount = Amount::from_fen(101);
    for other in [dearer, record(Kind::Capp, 3)] {
        assert_eq!(audit(&[other, undo], &issuer()).verdicts[1], Err(Objection::UndoWithoutPurchase));
    }
    // Handed in twice it is taken off once.
    let again = audit(&[bought, undo, undo], &issuer());
    assert_eq!((again.verdicts[2], again.totals.undone), (Err(Objection::SameTransaction { first: 1 }), 100));
}

/// Attack 13: the merchant keeps the undo back and wants to be paid.
#[test]
fn a_hidden_undo_leaves_a_gap_in_both_sequences() {
    let [bought, undo, next] = undone();
    let Transaction { enterprise, serial, terminal, .. } = bought.transaction;
    let hidden = audit(&[bought, next], &issuer()).gaps;
    let of_card = Gap::Card { enterprise, serial, ed: false, online: false, from: 4, to: 4 };
    assert_eq!(hidden, [of_card, Gap::Terminal { terminal, from: 104, to: 104 }]);
    // The undo cannot be passed off as a purchase either: its type is in its TAC.
    let mut relabelled = undo;
    relabelled.transaction.kind = Kind::PurchaseEp;
    relabelled.transaction.new_balance = Amount::from_fen(9_800);
    let found = audit(&[bought, relabelled, next], &issuer());
    assert_eq!(found.verdicts[1], Err(Objection::Unproven(Unproven::Wrong)));
    assert_eq!(found.gaps, hidden);
}

#[test]
fn an_unload_is_paid_to_a_desk_alone() {
    let unload = record(Kind::UnloadEp, 2);
    let terminal = unload.transaction.terminal;
    let refused = audit(&[unload], &issuer()).verdicts;
    assert_eq!(refused, [Err(Objection::Unproven(Unproven::NoDesk(terminal)))]);
    let found = audit(&[unload, record(Kind::LoadEp, 3)], &issuer().with_desk(terminal));
    assert_eq!((found.verdicts, found.gaps), (vec![Ok(()); 2], vec![]));
    assert_eq!((found.totals.unloaded, found.totals.loaded), (100, 100));
}

/// Whatever order a copy under another's sequence comes in, every genuine sale is paid, each once.
#[test]
fn a_renumbered_copy_takes_no_genuine_sale_its_pay() {
    let genuine = [3, 4, 5].map(|sequence| record(Kind::PurchaseEp, sequence));
    for (of, sequence) in [(0, 4), (0, 5), (1, 3), (1, 5), (2, 3), (0, 9)] {
        let mut copy = genuine[of];
        (copy.transaction.card_sequence, copy.transaction.order) = (sequence, OrderNumber(900));
        let all = [genuine[0], genuine[1], genuine[2], copy];
        for order in permutations(all.len()) {
            let records: Vec<_> = order.iter().map(|at| all[*at]).collect();
            let found = audit(&records, &issuer());
            assert_eq!(found.totals.spent, 300, "{of} as {sequence}, {order:?}: {:?}", found.verdicts);
            assert_eq!(found.verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 3);
            let blames_genuine = order.iter().zip(&found.verdicts).any(|(at, verdict)| *at < 3 && verdict.is_err());
            // A copy at a number that nobody else has cannot be told from the genuine record.
            assert!(!blames_genuine || sequence == 9, "{of} as {sequence}, {order:?}: {:?}", found.verdicts);
        }
    }
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    let Some(last) = length.checked_sub(1) else { return vec![vec![]] };
    let insert = |shorter: Vec<usize>| (0..length).map(move |at| [&shorter[..at], &[last], &shorter[at..]].concat());
    permutations(last).into_iter().flat_map(insert).collect()
}
