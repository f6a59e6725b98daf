//! Undo: what may be undone, and its three endings at every lost command and answer.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::sam::{Sam, SamError};

const UNDO: u64 = 50;

fn taken_back(purchase: u64) -> UndoOrder {
    let (number, purchase) = (OrderNumber(UNDO), OrderNumber(purchase));
    UndoOrder { number, enterprise: enterprise(), purchase, key_id: 1, moment: moment(50) }
}

/// A till that has sold for 10 yuan to a card with 100.
struct Till {
    card: ModelCard,
    sam: SoftwareSam,
    store: InMemoryStore,
}

impl Till {
    fn sold() -> Self {
        let mut till = Self { card: ModelCard::new(1, yuan("100")), sam: whole_sam(), store: InMemoryStore::new() };
        till.sell(1);
        till
    }

    fn sell(&mut self, number: u64) {
        let tap = purchase(&mut self.card, &mut self.sam, &mut self.store, &sale(number, "10")).unwrap();
        committed(&tap.outcome);
    }

    fn undo(&mut self) -> Tap {
        undo(&mut self.card, &mut self.sam, &mut self.store, &taken_back(1)).unwrap()
    }
}

#[test]
fn an_undo_gives_back_once_in_three_commands() {
    let mut till = Till::sold();
    let before = till.card.seen.len();
    let receipt = committed(&till.undo().outcome);
    assert_eq!((till.card.seen.len() - before, till.card.balance), (3, yuan("100")));
    let Transaction { kind, amount, card_sequence, terminal_sequence, .. } = receipt.settlement.transaction;
    assert_eq!((kind, amount, card_sequence, terminal_sequence), (Kind::Undo, yuan("10"), 0x0101, Some(8)));
    assert_eq!(issuer().check(&receipt.settlement), Ok(()));
    assert!(receipt.text(Language::Chinese).starts_with("消费撤销10.00元"), "{}", receipt.text(Language::Chinese));
    // The same number again is the same undo; another number finds nothing to undo.
    assert_eq!(committed(&till.undo().outcome), receipt);
    let again = UndoOrder { number: OrderNumber(UNDO + 1), ..taken_back(1) };
    let tap = undo(&mut till.card, &mut till.sam, &mut till.store, &again).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::NothingToUndo { purchase: OrderNumber(1) });
    // Nor is an undo undone.
    let of_undo = UndoOrder { number: OrderNumber(UNDO + 2), ..taken_back(UNDO) };
    let tap = undo(&mut till.card, &mut till.sam, &mut till.store, &of_undo).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::NothingToUndo { purchase: OrderNumber(UNDO) });
    assert_eq!((till.card.balance, till.sam.state().next_sequence), (yuan("100"), 9));
}

#[test]
fn a_lost_command_or_answer_at_each_step_gives_back_once() {
    for step in 0..3 {
        for fault in [Fault::LostCommand, Fault::LostAnswer] {
            let mut till = Till::sold();
            till.card.fault(step, fault.clone());
            let tap = till.undo();
            match step {
                2 => assert!(matches!(in_doubt(&tap.outcome).doubt, Doubt::NoAnswer(_))),
                _ => assert!(matches!(cause(&tap.outcome), Cause::NoAnswer { .. } | Cause::Select(_))),
            }
            let executed = (step, &fault) == (2, &Fault::LostAnswer);
            assert_eq!(till.card.balance == yuan("100"), executed);
            let receipt = committed(&till.undo().outcome);
            let evidence = if executed { Evidence::Mac2 } else { Evidence::Answer };
            assert_eq!(receipt.settlement.evidence, evidence);
            // One that was begun and lost has spent its number.
            let next = if (step, &fault) == (2, &Fault::LostCommand) { 10 } else { 9 };
            assert_eq!((till.card.balance, till.sam.state().next_sequence), (yuan("100"), next), "{step} {fault:?}");
            assert!(till.store.pending().unwrap().is_empty());
        }
    }
}

#[test]
fn an_undo_in_doubt_is_resolved_in_front_of_the_next_sale() {
    for (fault, paid) in [(Fault::LostCommand, "80"), (Fault::LostAnswer, "90")] {
        let mut till = Till::sold();
        till.card.fault(2, fault.clone());
        in_doubt(&till.undo().outcome);
        let tap = purchase(&mut till.card, &mut till.sam, &mut till.store, &sale(2, "10")).unwrap();
        committed(&tap.outcome);
        let earlier = &tap.earlier[0].outcome;
        assert_eq!(matches!(earlier, Outcome::Committed(_)), fault == Fault::LostAnswer);
        assert_eq!(till.card.balance, yuan(paid));
    }
}

#[test]
fn only_the_last_purchase_of_this_card_at_this_terminal_is_undone() {
    let refused = |till: &mut Till| {
        let money = till.card.money();
        let found = cause(&till.undo().outcome);
        assert_eq!(till.card.money(), money);
        found
    };
    // Not a purchase this store knows.
    let mut till = Till::sold();
    till.store = InMemoryStore::new();
    let nothing = Cause::NothingToUndo { purchase: OrderNumber(1) };
    assert_eq!(refused(&mut till), nothing);
    assert_eq!(till.card.seen.len(), 3, "the card was not asked");
    // Another sale to the same card came after it.
    let mut till = Till::sold();
    till.sell(2);
    assert_eq!(refused(&mut till), nothing);
    // The card was used elsewhere, or recharged.
    let mut till = Till::sold();
    let mut elsewhere = (sam(&[Purpose::Purchase]), InMemoryStore::new());
    let _ = purchase(&mut till.card, &mut elsewhere.0, &mut elsewhere.1, &sale(9, "1")).unwrap();
    assert_eq!(refused(&mut till), Cause::NotLastOnCard);
    let mut till = Till::sold();
    let _ = recharge(&mut till.card, &mut whole_sam(), &mut InMemoryStore::new(), &top_up(9, "1")).unwrap();
    assert_eq!(refused(&mut till), Cause::NotLastOnCard);
    // Another card is on the reader.
    let mut till = Till::sold();
    till.card = ModelCard::new(2, yuan("100"));
    assert_eq!(refused(&mut till), Cause::AnotherCards { purchase: OrderNumber(1), serial: serial(1) });
    // The SAM sold to somebody else since.
    let mut till = Till::sold();
    let mut other = ModelCard::new(2, yuan("100"));
    let _ = purchase(&mut other, &mut till.sam, &mut till.store, &sale(2, "10")).unwrap();
    assert_eq!(refused(&mut till), Cause::Keeper(SamError::NotLastPurchase));
    // A till without the cancel key.
    let mut till = Till::sold();
    till.sam = SoftwareSam::new(keys(&[Purpose::Purchase]), VERSION, till.sam.state().clone());
    assert_eq!(refused(&mut till), Cause::Keeper(SamError::NoSuchKey));
}

#[test]
fn an_undo_that_would_not_fit_the_purse_is_refused() {
    let mut till = Till::sold();
    till.card.balance = Amount::from_fen(u32::MAX);
    assert_eq!(cause(&till.undo().outcome), Cause::BalanceTooHigh { balance: till.card.balance });
}

#[test]
fn an_expired_card_gets_its_money_back() {
    let mut till = Till::sold();
    till.card.public_data.valid_to = Date::parse("2026-11-01").unwrap();
    assert!(matches!(
        cause(&purchase(&mut till.card, &mut till.sam, &mut till.store, &sale(2, "1")).unwrap().outcome),
        Cause::Expired { .. }
    ));
    committed(&till.undo().outcome);
}

#[test]
fn a_purchase_in_doubt_is_resolved_and_undone_in_one_tap() {
    let mut till = Till { card: ModelCard::new(1, yuan("100")), sam: whole_sam(), store: InMemoryStore::new() };
    till.card.fault(2, Fault::LostAnswer);
    in_doubt(&purchase(&mut till.card, &mut till.sam, &mut till.store, &sale(1, "10")).unwrap().outcome);
    let tap = till.undo();
    committed(&tap.earlier[0].outcome);
    committed(&tap.outcome);
    assert_eq!(till.card.balance, yuan("100"));
    // One that did not happen has nothing to give back.
    let mut till = Till { card: ModelCard::new(1, yuan("100")), sam: whole_sam(), store: InMemoryStore::new() };
    till.card.fault(2, Fault::LostCommand);
    in_doubt(&purchase(&mut till.card, &mut till.sam, &mut till.store, &sale(1, "10")).unwrap().outcome);
    assert_eq!(cause(&till.undo().outcome), Cause::NothingToUndo { purchase: OrderNumber(1) });
    assert_eq!(till.card.balance, yuan("100"));
}

/// Attack 14: a false card proves an undo by noise, so that the till hands the money out again.
#[test]
fn noise_proves_no_undo() {
    let mut till = Till::sold();
    till.card.fault(2, Fault::LostCommand);
    let token = in_doubt(&till.undo().outcome).token;
    till.card.fault(1, Fault::Forged(hex_literal::hex!("0102030405060708 9000").to_vec()));
    let outcome = resolve(&mut till.card, &mut till.sam, &mut till.store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::LogSilent);
    assert_eq!((till.card.balance, till.sam.state().next_sequence), (yuan("90"), 9));
}

#[test]
fn a_software_sam_undoes_its_last_purchase_once() {
    let mut till = Till::sold();
    let bought = *till.store.settlement().next().unwrap();
    let mut undone = bought.transaction;
    (undone.kind, undone.card_sequence) = (Kind::Undo, undone.card_sequence + 1);
    let order = undone.sam_order([1, 2, 3, 4]);
    let refused = Err(SamError::NotLastPurchase);
    for change in [
        |transaction: &mut Transaction| transaction.card_sequence += 1,
        |transaction: &mut Transaction| transaction.amount = yuan("9.99"),
        |transaction: &mut Transaction| transaction.serial = serial(2),
    ] {
        let mut other = undone;
        change(&mut other);
        assert_eq!(till.sam.initialize_undo(&other.sam_order([1, 2, 3, 4])), refused);
    }
    assert!(till.sam.initialize_purchase(&order).is_err(), "an undo does not pass as a purchase");
    // A wrong MAC2 ends it and counts nowhere.
    till.sam.initialize_undo(&order).unwrap();
    assert_eq!(till.sam.credit_undo([0; 4]), Err(SamError::WrongMac));
    till.sam.initialize_undo(&order).unwrap();
    assert!(till.sam.credit_purchase([0; 4]).is_err(), "nor is it credited as one");
    committed(&till.undo().outcome);
    assert_eq!(till.sam.initialize_undo(&order), refused);
}
