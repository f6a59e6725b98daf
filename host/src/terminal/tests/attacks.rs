//! False cards, changed answers, recordings.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::transport::{Transport, TransportError};
use hex_literal::hex;

#[test]
fn a_changed_debit_answer_is_in_doubt_until_the_proof() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::ChangedAnswer(vec![1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00]));
    let found = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    assert_eq!(found.doubt, Doubt::WrongMac);
    assert_eq!(sam.state().next_sequence, 7);
    committed(&resolve(&mut card, &mut sam, &mut store, &found.token, None).unwrap());
    assert_eq!(sam.state().next_sequence, 8);
}

#[test]
fn noise_is_no_proof() {
    // A false card says 9000 to DEBIT and to GET TRANSACTION PROVE.
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let noise = vec![9, 9, 9, 9, 9, 9, 9, 9, 0x90, 0x00];
    card.fault(2, Fault::Forged(noise.clone()));
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    for _ in 0..3 {
        card.fault(1, Fault::Forged(noise.clone()));
        let outcome = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap();
        in_doubt(&outcome);
    }
    assert_eq!((sam.state().next_sequence, store.settlement().count()), (7, 0));
    // The same bytes in DEBIT's order, TAC first, do not pass either.
    let outcome = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap();
    assert_eq!(cause(&outcome), Cause::NeverCompleted);
}

#[test]
fn a_proof_counts_in_its_own_order() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (sam(&[Purpose::Purchase]), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    let (_, _, proof) = card.proofs[0];
    let turned = [proof.tac, proof.mac].concat();
    card.fault(1, Fault::Forged([&turned[..], &[0x90, 0x00]].concat()));
    in_doubt(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
    committed(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
}

#[test]
fn a_clone_does_not_bring_the_money_back() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let before = card.clone();
    card.fault(3, Fault::LostAnswer);
    let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    // A clone of the card that repeats even its random is seen at once.
    let pin = Pin::from_digits("123456").unwrap();
    let outcome = resolve(&mut before.clone(), &mut sam, &mut store, &token, Some(&pin)).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::Replayed);
    // One that goes on from there answers every question, since it has the keys. The same order is then tried with that
    // sequence alone, which the genuine card, put in its place, has left behind.
    let mut clone = before;
    clone.transmit(&hex!("0084000004")).unwrap();
    for command in card.seen.clone().iter().take(2) {
        card.transmit(command).unwrap();
    }
    let mut swapped = Swapped { first: clone, then: &mut card, at: 5, sent: 0 };
    let tap = recharge(&mut swapped, &mut sam, &mut store, &top_up(1, "10")).unwrap();
    assert_eq!(in_doubt(&tap.outcome).doubt, Doubt::Contradiction { expected: 0x20, found: 0x21 });
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("110"), vec![token]));
    committed(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
    assert_eq!(card.balance, yuan("110"));
}

#[test]
fn an_unloaded_card_must_be_genuine() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    card.fault(3, Fault::LostAnswer);
    let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    // An emulator that knows every number and no key: SELECT, VERIFY, no proof, the old sequence with a made-up MAC1.
    let pin = Pin::from_digits("123456").unwrap();
    card.fault(2, Fault::Forged(hex!("9406").to_vec()));
    card.fault(3, Fault::Forged(hex!("00002710 0020 01 00 AABBCCDD 11223344 9000").to_vec()));
    let outcome = resolve(&mut card, &mut sam, &mut store, &token, Some(&pin)).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::WrongMac);
    assert_eq!(store.pending().unwrap(), [token]);
}

#[test]
fn the_last_number_is_never_used() {
    let mut card = ModelCard::new(1, yuan("100"));
    (card.offline, card.online) = (u16::MAX, u16::MAX);
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let full = |command| {
        let status = onecard_wire::status::StatusWord::COUNTER_AT_MAXIMUM;
        Cause::Refused { command, status }
    };
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), full(crate::apdu::CommandName::InitializeForPurchase));
    let tap = recharge(&mut card, &mut sam, &mut store, &top_up(2, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), full(crate::apdu::CommandName::InitializeForLoad));
}

/// One card answers at first, another one from command `at` on.
struct Swapped<'c> {
    first: ModelCard,
    then: &'c mut ModelCard,
    at: usize,
    sent: usize,
}

impl Transport for Swapped<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent += 1;
        if self.sent < self.at { self.first.transmit(command) } else { self.then.transmit(command) }
    }
}

#[test]
fn a_sequence_that_went_back_is_no_answer() {
    let mut card = ModelCard::new(1, yuan("100"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    let mut emulator = ModelCard::new(1, yuan("100"));
    emulator.offline -= 1;
    let found = in_doubt(&resolve(&mut emulator, &mut sam, &mut store, &token, None).unwrap());
    assert_eq!(found.doubt, Doubt::Contradiction { expected: 0x0100, found: 0x00FF });
    assert_eq!(found.doubt.decider(), Decider::ServiceDesk);
}

#[test]
fn a_card_of_another_enterprise_or_day_is_refused_before_initialize() {
    let refused = |change: fn(&mut ModelCard)| {
        let mut card = ModelCard::new(1, yuan("100"));
        change(&mut card);
        let tap = purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap();
        assert_eq!(card.seen.len(), 1);
        cause(&tap.outcome)
    };
    let date = |text| Date::parse(text).unwrap();
    let mut of_today = ModelCard::new(1, yuan("100"));
    (of_today.public_data.valid_from, of_today.public_data.valid_to) = (date("2026-11-22"), date("2026-11-22"));
    committed(&purchase(&mut of_today, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap().outcome);
    let expired = refused(|card| card.public_data.valid_to = Date::parse("2026-11-21").unwrap());
    assert_eq!(expired, Cause::Expired { on: date("2026-11-21") });
    let early = refused(|card| card.public_data.valid_from = Date::parse("2026-11-23").unwrap());
    assert_eq!(early, Cause::NotYetValid { from: date("2026-11-23") });
    let other = refused(|card| card.public_data.enterprise = "2000000000000002".parse().unwrap());
    assert_eq!(other, Cause::OtherEnterprise);
}

#[test]
fn only_words_before_execution_say_not_committed() {
    for (word, own, plain) in [
        (0x9302_u16, true, true),
        (0x9401, true, true),
        (0x6700, true, true),
        (0x6982, true, true),
        (0x6A81, true, true),
        (0x6A86, true, true),
        (0x6985, true, false),
        (0x6901, false, false),
        (0x6581, false, false),
        (0x6F00, false, false),
        (0x6400, false, false),
        (0x6283, false, false),
        (0x9406, false, false),
        (0x6E00, false, false),
        (0x0000, false, false),
    ] {
        for (version, says_so) in [(2, own), (1, plain)] {
            for load in [false, true] {
                let mut card = ModelCard::new(1, yuan("100"));
                card.public_data.version = version;
                let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
                let commands = usize::from(load) + usize::from(version == 1);
                card.fault(2 + commands, Fault::Forged(word.to_be_bytes().to_vec()));
                let tap = if load {
                    recharge(&mut card, &mut sam, &mut store, &top_up(1, "10"))
                } else {
                    purchase(&mut card, &mut sam, &mut store, &sale(1, "10"))
                };
                let outcome = tap.unwrap().outcome;
                assert_eq!(says_so, matches!(outcome, Outcome::NotCommitted(_)), "{word:04X} {version} {outcome:?}");
                assert_eq!(!says_so, matches!(outcome, Outcome::Unknown(_)), "{word:04X} {version} {outcome:?}");
            }
        }
    }
}
