//! What decides a doubt: proof, log, issuer.

use super::model_card::{Fault, ModelCard};
use super::*;
use onecard_wire::{record::LogRecord, wallet::TransactionType};

const TILL: &[Purpose] = &[Purpose::Purchase];
const LOAD: &[Purpose] = &[Purpose::Load];

/// A purchase of 10 yuan under order 1 whose DEBIT, or its answer, was lost.
fn torn_purchase(card: &mut ModelCard, sam: &mut SoftwareSam, store: &mut InMemoryStore, fault: Fault) -> Token {
    // A plain card is asked for EF 0017 first.
    card.fault(if card.public_data.version == 1 { 3 } else { 2 }, fault);
    in_doubt(&purchase(card, sam, store, &sale(1, "10")).unwrap().outcome).token
}

fn torn_load(card: &mut ModelCard, sam: &mut SoftwareSam, store: &mut InMemoryStore, fault: Fault) -> Token {
    card.fault(3, fault);
    in_doubt(&recharge(card, sam, store, &top_up(1, "10")).unwrap().outcome).token
}

/// So many purchases at another till.
fn use_elsewhere(card: &mut ModelCard, times: u64) {
    let (mut sam, mut store) = (sam(TILL), InMemoryStore::new());
    for number in 100..100 + times {
        committed(&purchase(card, &mut sam, &mut store, &sale(number, "1")).unwrap().outcome);
    }
}

fn load_elsewhere(card: &mut ModelCard, times: u64) {
    let (mut sam, mut store) = (sam(LOAD), InMemoryStore::new());
    for number in 200..200 + times {
        committed(&recharge(card, &mut sam, &mut store, &top_up(number, "1")).unwrap().outcome);
    }
}

#[test]
fn the_proof_is_found_after_up_to_seven_more_transactions() {
    for later in 0..8 {
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        let mut till = sam(TILL);
        let token = torn_purchase(&mut card, &mut till, &mut store, Fault::LostAnswer);
        use_elsewhere(&mut card, later);
        let receipt = committed(&resolve(&mut card, &mut till, &mut store, &token, None).unwrap());
        assert_eq!((receipt.settlement.evidence, receipt.settlement.tac.is_some()), (Evidence::Mac2, true));
        assert_eq!(issuer().check(&receipt.settlement), Ok(()));
        assert_eq!(till.state().next_sequence, 8);
    }
}

#[test]
fn the_log_decides_when_the_proof_is_gone() {
    for (fault, done) in [(Fault::LostAnswer, true), (Fault::LostCommand, false)] {
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        let mut desk = whole_sam();
        let token = torn_purchase(&mut card, &mut desk, &mut store, fault);
        use_elsewhere(&mut card, 10);
        load_elsewhere(&mut card, 2);
        let outcome = resolve(&mut card, &mut desk, &mut store, &token, None).unwrap();
        if done {
            let receipt = committed(&outcome);
            assert_eq!((receipt.settlement.evidence, receipt.settlement.tac), (Evidence::Log, None));
            assert_eq!(issuer().check(&receipt.settlement), Err(Unproven::NoTac));
        } else {
            assert_eq!(cause(&outcome), Cause::NumberUsedByAnother);
        }
    }
}

#[test]
fn without_the_maintenance_key_or_the_record_the_issuer_decides() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut till = sam(TILL);
    let token = torn_purchase(&mut card, &mut till, &mut store, Fault::LostCommand);
    use_elsewhere(&mut card, 1);
    let doubt = in_doubt(&resolve(&mut card, &mut till, &mut store, &token, None).unwrap()).doubt;
    assert!(matches!(doubt, Doubt::LogNotRead(_)), "{doubt:?}");
    assert_eq!(doubt.decider(), Decider::Issuer);
    // Nothing new is begun on top of it.
    let tap = purchase(&mut card, &mut till, &mut store, &sale(2, "1")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::EarlierInDoubt);
    assert_eq!(store.pending().unwrap(), [token]);
    // A log that has forgotten says nothing, to whoever reads it.
    card.log.truncate(0);
    card.proofs.clear();
    let doubt = in_doubt(&resolve(&mut card, &mut whole_sam(), &mut store, &token, None).unwrap()).doubt;
    assert_eq!((doubt.decider(), doubt), (Decider::Issuer, Doubt::LogSilent));
}

#[test]
fn a_plain_card_may_number_its_log_before_the_increment() {
    for (fault, done) in [(Fault::LostAnswer, true), (Fault::LostCommand, false)] {
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        card.public_data.version = 1;
        let mut desk = whole_sam();
        let token = torn_purchase(&mut card, &mut desk, &mut store, fault);
        use_elsewhere(&mut card, 9);
        card.log.iter_mut().for_each(|record| record.sequence -= 1);
        let outcome = resolve(&mut card, &mut desk, &mut store, &token, None).unwrap();
        assert_eq!(done, matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    }
    // With the number before it fallen off the log, the number after it alone proves nothing.
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    card.public_data.version = 1;
    let mut desk = whole_sam();
    let token = torn_purchase(&mut card, &mut desk, &mut store, Fault::LostAnswer);
    use_elsewhere(&mut card, 9);
    card.log.iter_mut().for_each(|record| record.sequence -= 1);
    card.log.truncate(9);
    let outcome = resolve(&mut card, &mut desk, &mut store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::LogSilent);
}

#[test]
fn a_one_cards_log_has_the_number_after() {
    let (mut card, mut store, mut desk) = (ModelCard::new(1, yuan("100")), InMemoryStore::new(), whole_sam());
    // Two sales alike, in the same second: the record of the first has the number before the second.
    committed(&purchase(&mut card, &mut desk, &mut store, &sale(1, "10")).unwrap().outcome);
    card.fault(2, Fault::LostCommand);
    let alike = PurchaseOrder { number: OrderNumber(2), ..sale(1, "10") };
    let token = in_doubt(&purchase(&mut card, &mut desk, &mut store, &alike).unwrap().outcome).token;
    use_elsewhere(&mut card, 1);
    // What the proof of another purchase leaves open.
    card.proofs.clear();
    let mut newest_last = card.clone();
    newest_last.log.swap(0, 1);
    for mut card in [card, newest_last] {
        let outcome = resolve(&mut card, &mut desk, &mut store.clone(), &token, None).unwrap();
        assert_eq!(cause(&outcome), Cause::NumberUsedByAnother);
    }
}

#[test]
fn a_load_of_the_same_number_is_not_taken_for_the_purchase() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    card.online = card.offline;
    let mut desk = whole_sam();
    let token = torn_purchase(&mut card, &mut desk, &mut store, Fault::LostAnswer);
    load_elsewhere(&mut card, 1);
    use_elsewhere(&mut card, 8);
    let receipt = committed(&resolve(&mut card, &mut desk, &mut store, &token, None).unwrap());
    assert_eq!(receipt.settlement.evidence, Evidence::Log);
}

#[test]
fn a_log_record_is_the_transactions_in_every_field() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let transaction = torn_purchase(&mut card, &mut whole_sam(), &mut store, Fault::LostAnswer).transaction;
    let record = card.log[0];
    assert!(transaction.is_logged_as(&record));
    let time = moment(59).time;
    for other in [
        LogRecord { amount: yuan("10.01"), ..record },
        LogRecord { transaction_type: TransactionType::CAPP, ..record },
        LogRecord { terminal: TerminalNumber([9; 6]), ..record },
        LogRecord { date: Date::parse("2026-11-21").unwrap(), ..record },
        LogRecord { time, ..record },
    ] {
        assert!(!transaction.is_logged_as(&other), "{other:?}");
    }
}

#[test]
fn asking_initializes_nothing_to_pay() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut till = sam(TILL);
    let token = torn_purchase(&mut card, &mut till, &mut store, Fault::LostCommand);
    assert!(matches!(resolve(&mut card, &mut till, &mut store, &token, None), Ok(Outcome::NotCommitted(_))));
    let asked = card.seen.last().unwrap();
    assert_eq!(asked[..10], [0x80, 0x50, 0x01, 0x02, 0x0B, 0x01, 0, 0, 0, 0]);
}

#[test]
fn a_loads_proof_is_the_issuers_to_check() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut load_sam = sam(LOAD);
    let token = torn_load(&mut card, &mut load_sam, &mut store, Fault::LostAnswer);
    let pin = Pin::from_digits("123456").unwrap();
    let found = in_doubt(&resolve(&mut card, &mut load_sam, &mut store, &token, Some(&pin)).unwrap());
    assert!(matches!(found.doubt, Doubt::ProofUnchecked(_)), "{found:?}");
    // A false proof does not pass, nor does any other doubt.
    let mut false_proof = found.clone();
    let Doubt::ProofUnchecked(proof) = &mut false_proof.doubt else { panic!() };
    proof.tac[0] ^= 1;
    for doubtful in [false_proof, InDoubt { token, doubt: Doubt::LogSilent }] {
        let outcome = resolve_by_issuer(&mut issuer(), &mut store, &doubtful).unwrap();
        assert_eq!(in_doubt(&outcome).doubt, Doubt::LogSilent);
    }
    let receipt = committed(&resolve_by_issuer(&mut issuer(), &mut store.clone(), &found).unwrap());
    assert_eq!(receipt.settlement.evidence, Evidence::Tac);
    // With the issuer at hand the next tap ends it.
    let mut issuer = issuer();
    let mut witness = WithIssuer { witness: &mut load_sam, issuer: &mut issuer };
    let receipt = committed(&resolve(&mut card, &mut witness, &mut store, &token, Some(&pin)).unwrap());
    assert_eq!(receipt.settlement.evidence, Evidence::Tac);
    assert_eq!(card.balance, yuan("110"));
}

#[test]
fn a_loads_log_is_as_good() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut desk = whole_sam();
    let token = torn_load(&mut card, &mut desk, &mut store, Fault::LostAnswer);
    let receipt = committed(&resolve(&mut card, &mut desk, &mut store, &token, None).unwrap());
    assert_eq!(receipt.settlement.evidence, Evidence::Log);
    assert_eq!(issuer().check(&receipt.settlement), Ok(()));
}

#[test]
fn a_load_that_did_not_happen_is_found_with_the_pin() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut load_sam = sam(LOAD);
    let token = torn_load(&mut card, &mut load_sam, &mut store, Fault::LostCommand);
    let outcome = resolve(&mut card, &mut load_sam, &mut store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::PinNeeded);
    let limit = load_sam.state().load_limit_fen;
    let pin = Pin::from_digits("123456").unwrap();
    let outcome = resolve(&mut card, &mut load_sam, &mut store, &token, Some(&pin)).unwrap();
    assert_eq!(cause(&outcome), Cause::NeverCompleted);
    assert_eq!(load_sam.state().load_limit_fen, limit);
}

#[test]
fn a_suspended_card_still_shows_its_proof() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut till = sam(TILL);
    let token = torn_purchase(&mut card, &mut till, &mut store, Fault::LostAnswer);
    card.refuses = Some([0x69, 0x85]);
    committed(&resolve(&mut card, &mut till, &mut store, &token, None).unwrap());

    card.refuses = None;
    card.fault(2, Fault::LostCommand);
    let token = in_doubt(&purchase(&mut card, &mut till, &mut store, &sale(2, "10")).unwrap().outcome).token;
    card.refuses = Some([0x69, 0x85]);
    let outcome = resolve(&mut card, &mut whole_sam(), &mut store, &token, None).unwrap();
    assert!(matches!(in_doubt(&outcome).doubt, Doubt::NotReached(_)), "{outcome:?}");
}

#[test]
fn another_card_is_explained() {
    let (mut card, mut other) = (ModelCard::new(1, yuan("100")), ModelCard::new(2, yuan("100")));
    let (mut till, mut store) = (whole_sam(), InMemoryStore::new());
    let token = torn_purchase(&mut card, &mut till, &mut store, Fault::LostAnswer);
    let explained = Doubt::OtherCard { expected: serial(1), found: serial(2) };
    let outcome = resolve(&mut other, &mut till, &mut store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, explained);
    // Nor does the other card pay for the same order.
    let tap = purchase(&mut other, &mut till, &mut store, &sale(1, "10")).unwrap();
    assert_eq!(in_doubt(&tap.outcome).doubt, explained);
    // Another order is another card's own affair.
    committed(&purchase(&mut other, &mut till, &mut store, &sale(2, "10")).unwrap().outcome);
    assert_eq!((other.balance, store.pending().unwrap()), (yuan("90"), vec![token]));
}
