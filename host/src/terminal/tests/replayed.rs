//! One tap's answers used at another: a changed FCI, recordings of a session, two orders of one purchase, two tries of one second.

use super::model_card::{Fault, ModelCard};
use super::relayed::sold;
use super::*;
use crate::transport::{Transport, TransportError};
use hex_literal::hex;
use onecard_wire::ins;
use rand::{SeedableRng, rngs::StdRng};

/// The card, whose answers are changed on the way; an empty one is lost.
struct Changed<'c, F> {
    card: &'c mut ModelCard,
    change: F,
}

impl<F: FnMut(&[u8], Vec<u8>) -> Vec<u8>> Transport for Changed<'_, F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        let changed = (self.change)(command, answer);
        if changed.is_empty() { Err(TransportError::NoAnswer) } else { Ok(changed) }
    }
}

/// Every answer by its command's INS from a recording: no card is there.
struct Recording(Vec<(u8, Vec<u8>)>);

impl Recording {
    fn of(card: &mut ModelCard, session: impl FnOnce(&mut dyn Transport)) -> Self {
        let mut answers = Vec::new();
        session(&mut Changed {
            card,
            change: |command: &[u8], answer: Vec<u8>| {
                answers.push((command[1], answer.clone()));
                answer
            },
        });
        Self(answers)
    }

    fn answer(&self, ins: u8) -> Vec<u8> {
        self.0.iter().find(|(recorded, _)| *recorded == ins).unwrap().1.clone()
    }
}

impl Transport for Recording {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(self.answer(command[1]))
    }
}

fn taken_back(number: u64, second: u8) -> UndoOrder {
    let (number, purchase) = (OrderNumber(number), OrderNumber(1));
    UndoOrder { number, enterprise: enterprise(), purchase, key_id: 1, moment: moment(second) }
}

/// The FCI has no MAC: who changes the enterprise in it may not have an executed order called not committed.
#[test]
fn a_changed_enterprise_ends_no_order() {
    let other_enterprise = |command: &[u8], mut answer: Vec<u8>| {
        if command[1] == ins::SELECT {
            answer[23] ^= 0x11;
        }
        answer
    };
    let stays_unknown = |outcome: &Outcome| {
        let Doubt::NotReached(reason) = in_doubt(outcome).doubt else { panic!("{outcome:?}") };
        assert_eq!(reason.cause, Cause::OtherEnterprise);
    };
    let (mut card, mut sam, mut store) = sold();
    card.fault(2, Fault::LostAnswer);
    in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(50, 51)).unwrap().outcome);
    let mut relay = Changed { card: &mut card, change: other_enterprise };
    stays_unknown(&undo(&mut relay, &mut sam, &mut store, &taken_back(50, 52)).unwrap().outcome);
    // Nor does it get anything new done; then the card itself tells.
    let sold = purchase(&mut relay, &mut sam, &mut store, &sale(7, "10")).unwrap();
    assert_eq!(cause(&sold.outcome), Cause::OtherEnterprise);
    committed(&undo(&mut card, &mut sam, &mut store, &taken_back(50, 53)).unwrap().outcome);
    assert_eq!(card.balance, yuan("100"));

    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.fault(3, Fault::LostAnswer);
    in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
    let mut relay = Changed { card: &mut card, change: other_enterprise };
    stays_unknown(&recharge(&mut relay, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
    committed(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
    assert_eq!(card.balance, yuan("110"));
}

/// A plain card that numbers its log before the increment, shown as one that numbers it after.
#[test]
fn a_changed_version_does_not_renumber_the_log() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.public_data.version = 1;
    card.fault(4, Fault::LostAnswer);
    let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    let elsewhere = recharge(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &top_up(9, "1")).unwrap();
    committed(&elsewhere.outcome);
    card.log.iter_mut().for_each(|record| record.sequence -= 1);
    let mut relay = Changed {
        card: &mut card,
        change: |command: &[u8], mut answer: Vec<u8>| match command[1] {
            ins::SELECT => {
                answer[23 + 9] = 2;
                answer
            }
            ins::GET_TRANSACTION_PROVE => hex!("9406").to_vec(),
            _ => answer,
        },
    };
    let pin = Pin::from_digits("123456").unwrap();
    let receipt = committed(&resolve(&mut relay, &mut sam, &mut store, &token, Some(&pin)).unwrap());
    assert_eq!(receipt.settlement.evidence, Evidence::Log);
}

/// Two orders alike in one second: the answers of the first settle nothing for the second.
#[test]
fn a_recorded_session_settles_no_second_order() {
    let desk = |seed| DeskKeys::new(keys(&[Purpose::UnloadEp]), VERSION, TERMINAL, StdRng::seed_from_u64(seed));
    let paid_out = |number| UnloadOrder {
        number: OrderNumber(number),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: 2,
        amount: yuan("10"),
        moment: moment(1),
        pin: None,
    };
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let mut recording = Recording::of(&mut card, |card| {
        committed(&unload(card, &mut desk(1), &mut store, &paid_out(1)).unwrap().outcome);
    });
    let tap = unload(&mut recording, &mut desk(2), &mut store, &paid_out(2)).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::Recorded { .. }), "{:?}", tap.outcome);
    // The card itself may be unloaded again in that second.
    committed(&unload(&mut card, &mut desk(3), &mut store, &paid_out(3)).unwrap().outcome);
    assert_eq!(card.balance, yuan("80"));
}

#[test]
fn a_recorded_initialize_sells_nothing() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    let recording = Recording::of(&mut card, |card| {
        committed(&purchase(card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    });
    let mut relay = Changed {
        card: &mut card,
        change: |command: &[u8], answer: Vec<u8>| match command[1] {
            ins::INITIALIZE => recording.answer(ins::INITIALIZE),
            ins::DEBIT => hex!("9401").to_vec(),
            _ => answer,
        },
    };
    let alike = PurchaseOrder { number: OrderNumber(2), ..sale(1, "10") };
    let tap = purchase(&mut relay, &mut sam, &mut store, &alike).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::Recorded { .. }), "{:?}", tap.outcome);
    committed(&purchase(&mut card, &mut sam, &mut store, &alike).unwrap().outcome);
    assert_eq!(card.balance, yuan("80"));
}

/// A person's decision proves no number, so a card that was decided against goes on.
#[test]
fn a_number_the_desk_decided_on_is_no_recording() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::LostCommand);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    let decision = DeskDecision::Happened { tac: None };
    conclude_by_desk(&mut store, &token, decision).unwrap();
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap().outcome);
}

#[test]
fn two_undos_of_one_purchase_are_both_ended_by_one_tap() {
    let in_doubt_twice = |sam: &mut SoftwareSam| {
        let (mut card, _, mut store) = (ModelCard::new(1, yuan("100")), (), InMemoryStore::new());
        committed(&purchase(&mut card, sam, &mut store, &sale(1, "10")).unwrap().outcome);
        card.fault(2, Fault::LostCommand);
        in_doubt(&undo(&mut card, sam, &mut store, &taken_back(50, 51)).unwrap().outcome);
        // SELECT, PROVE, INITIALIZE for a purchase, INITIALIZE for the undo, DEBIT.
        card.fault(4, Fault::LostAnswer);
        in_doubt(&undo(&mut card, sam, &mut store, &taken_back(51, 52)).unwrap().outcome);
        assert_eq!(card.balance, yuan("100"));
        (card, store)
    };
    for purposes in
        [&[Purpose::Purchase, Purpose::Cancel][..], &[Purpose::Purchase, Purpose::Cancel, Purpose::Maintenance]]
    {
        let mut till = sam(purposes);
        let (mut card, mut store) = in_doubt_twice(&mut till);
        committed(&purchase(&mut card, &mut till, &mut store, &sale(5, "1")).unwrap().outcome);
        assert_eq!((card.balance, store.pending().unwrap()), (yuan("99"), vec![]));
        // By presenting the one that was not executed.
        let mut till = sam(purposes);
        let (mut card, mut store) = in_doubt_twice(&mut till);
        let tap = undo(&mut card, &mut till, &mut store, &taken_back(50, 53)).unwrap();
        assert!(matches!(tap.outcome, Outcome::NotCommitted(_)), "{:?}", tap.outcome);
        committed(&tap.earlier[0].outcome);
        assert_eq!((card.balance, store.pending().unwrap()), (yuan("100"), vec![]));
    }
}

#[test]
fn an_older_token_of_a_committed_undo_is_answered_by_its_receipt() {
    let (mut card, mut sam, mut store) = sold();
    card.fault(2, Fault::LostCommand);
    let old = in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(50, 51)).unwrap().outcome).token;
    committed(&undo(&mut card, &mut sam, &mut store, &taken_back(50, 52)).unwrap().outcome);
    committed(&resolve(&mut card, &mut sam, &mut store, &old, None).unwrap());
    // Another order's token is another matter.
    let mut of_another = old;
    of_another.transaction.order = OrderNumber(51);
    assert!(resolve(&mut card, &mut sam, &mut store, &of_another, None).is_err());
}

/// By the log alone two tries of one second cannot be told apart, and the settlement must name the right one.
#[test]
fn two_tries_of_one_second_are_told_apart_by_their_macs_alone() {
    let (mut card, mut sam, mut store) = sold();
    let recording = Recording::of(&mut card.clone(), |card| {
        crate::card::select(card, &onecard_wire::aid::enterprise_application(enterprise())).unwrap();
        card.transmit(&hex!("805006020B 01 000003E8 000000001234 0F")).unwrap();
    });
    card.fault(2, Fault::LostAnswer);
    in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(50, 51)).unwrap().outcome);
    let mut relay = Changed {
        card: &mut card,
        change: |command: &[u8], answer: Vec<u8>| match command[1] {
            ins::GET_TRANSACTION_PROVE => hex!("9406").to_vec(),
            ins::INITIALIZE => recording.answer(ins::INITIALIZE),
            ins::DEBIT => Vec::new(),
            _ => answer,
        },
    };
    in_doubt(&undo(&mut relay, &mut sam, &mut store, &taken_back(50, 51)).unwrap().outcome);
    let token = store.pending().unwrap()[0];
    card.fault(1, Fault::Forged(hex!("9406").to_vec()));
    in_doubt(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
    let receipt = committed(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
    assert_eq!(receipt.settlement.transaction.terminal_sequence, Some(8));
}
