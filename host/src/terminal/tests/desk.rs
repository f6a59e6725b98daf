//! Unload, overdraft update, cash withdrawal and compound purchase, lost at every step.

use rand::{SeedableRng, rngs::StdRng};

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::{crypto::SessionKey, sam::SamError};
use onecard_wire::wallet::OverdraftLimit;

fn desk(seed: u64) -> DeskKeys<StdRng> {
    let keys = keys(&[Purpose::UnloadEp, Purpose::Overdraft, Purpose::Maintenance]);
    DeskKeys::new(keys, VERSION, TERMINAL, StdRng::seed_from_u64(seed))
}

fn paid_out(amount: &str) -> UnloadOrder {
    UnloadOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: 2,
        amount: yuan(amount),
        moment: moment(1),
        pin: None,
    }
}

fn limit_of(fen: u32) -> OverdraftOrder {
    OverdraftOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        key_id: 1,
        limit: OverdraftLimit::from_amount(Amount::from_fen(fen)).unwrap(),
        moment: moment(1),
        pin: Pin::from_digits("123456").unwrap(),
    }
}

#[test]
fn an_unload_is_paid_out_once_whatever_is_lost() {
    for step in 0..3 {
        for fault in [Fault::LostCommand, Fault::LostAnswer] {
            let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
            card.public_data.valid_to = Date::parse("2026-11-01").unwrap();
            card.fault(step, fault.clone());
            let tap = unload(&mut card, &mut desk(1), &mut store, &paid_out("100")).unwrap();
            assert_eq!(matches!(tap.outcome, Outcome::Unknown(_)), step == 2, "{:?}", tap.outcome);
            let executed = (step, &fault) == (2, &Fault::LostAnswer);
            assert_eq!(card.balance == Amount::ZERO, executed);
            let again = unload(&mut card, &mut desk(2), &mut store, &paid_out("100")).unwrap();
            let settlement = committed(&again.outcome).settlement;
            assert_eq!(settlement.evidence, if executed { Evidence::Mac3 } else { Evidence::Answer });
            assert_eq!((card.balance, card.online, settlement.tac.is_some()), (Amount::ZERO, 0x21, true));
            assert!(store.pending().unwrap().is_empty());
        }
    }
}

/// Attack 16: an emulator shows a balance at the desk.
#[test]
fn a_shown_balance_is_not_paid_out() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("1")), InMemoryStore::new());
    // A false card answers INITIALIZE with a fine balance, and then DEBIT with noise.
    let shown = hex_literal::hex!("000F4240 0020 01 00 01020304 A1A2A3A4 9000").to_vec();
    card.fault(1, Fault::Forged(shown));
    let tap = unload(&mut card, &mut desk(1), &mut store, &paid_out("1000")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::Keeper(SamError::WrongMac));
    card.fault(2, Fault::Forged(hex_literal::hex!("01020304 9000").to_vec()));
    let tap = unload(&mut card, &mut desk(1), &mut store, &paid_out("1")).unwrap();
    let found = in_doubt(&tap.outcome);
    assert_eq!(found.doubt, Doubt::WrongMac);
    assert!(found.text(Language::English).contains("Pay nothing out"), "{found}");
    // Noise for a proof is none either.
    card.fault(1, Fault::Forged(hex_literal::hex!("0102030400000000 9000").to_vec()));
    let outcome = resolve(&mut card, &mut desk(2), &mut store, &found.token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::LogSilent);
    assert_eq!(card.balance, yuan("1"));
}

/// Whoever stands between card and desk has an executed unload found not done, by an answer to INITIALIZE from before it.
#[test]
fn a_recorded_initialize_does_not_unload_twice() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    // A genuine answer for this sequence and balance, to the desk's own number.
    let random = [9; 4];
    let key = crate::keys::diversify(&master(Purpose::UnloadEp), serial(1).to_bytes());
    let terms = crate::crypto::TransactionTerms {
        amount: Amount::ZERO,
        transaction_type: Kind::UnloadEp.transaction_type(),
        terminal: TERMINAL,
        moment: moment(0),
    };
    let mac1 = SessionKey::of_unload(&key, random, 0x20).load_mac1(yuan("100"), &terms);
    let recording = [&hex_literal::hex!("00002710 0020 01 00")[..], &random, &mac1, &[0x90, 0x00]].concat();
    let token = in_doubt(&unload(&mut card, &mut desk(1), &mut store, &paid_out("50")).unwrap().outcome).token;
    card.fault(1, Fault::Forged(vec![0x94, 0x06]));
    card.fault(2, Fault::Forged(recording));
    let outcome = resolve(&mut card, &mut desk(2), &mut store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::WrongMac);
    committed(&resolve(&mut card, &mut desk(3), &mut store, &token, None).unwrap());
    assert_eq!(card.balance, yuan("50"));
}

#[test]
fn a_till_cannot_resolve_an_unload_and_says_so() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&unload(&mut card, &mut desk(1), &mut store, &paid_out("50")).unwrap().outcome).token;
    let outcome = resolve(&mut card, &mut whole_sam(), &mut store, &token, None).unwrap();
    assert_eq!(in_doubt(&outcome).doubt, Doubt::Keeper(SamError::NotSupported));
    assert_eq!(store.pending().unwrap(), [token]);
}

#[test]
fn an_overdraft_limit_counts_by_its_tac() {
    for fault in [None, Some(Fault::LostCommand), Some(Fault::LostAnswer)] {
        let (mut card, mut store) = (ModelCard::new(1, yuan("5")), InMemoryStore::new());
        (card.limit, card.balance) = (OverdraftLimit([0, 0x03, 0xE8]), yuan("5"));
        let executed = fault == Some(Fault::LostAnswer);
        if let Some(fault) = fault.clone() {
            card.fault(3, fault);
        }
        let (mut desk, mut issuer) = (desk(1), issuer());
        let mut approver = WithIssuer { witness: &mut desk, issuer: &mut issuer };
        let tap = update_overdraft(&mut card, &mut approver, &mut store, &limit_of(800)).unwrap();
        let tap = if fault.is_some() {
            in_doubt(&tap.outcome);
            update_overdraft(&mut card, &mut approver, &mut store, &limit_of(800)).unwrap()
        } else {
            tap
        };
        let settlement = committed(&tap.outcome).settlement;
        assert_eq!(settlement.evidence, if executed { Evidence::Tac } else { Evidence::Answer });
        // 10.00 of limit and 5.00 owed: 8.00 of limit leave 3.00.
        assert_eq!((card.balance, settlement.transaction.new_balance), (yuan("3"), yuan("3")));
        assert_eq!(settlement.transaction.old_limit(), Some(OverdraftLimit([0, 0x03, 0xE8])));
        assert_eq!(issuer.check(&settlement), Ok(()));
    }
    // More is owed than the new limit allows: nothing is sent.
    let (mut card, mut store) = (ModelCard::new(1, yuan("5")), InMemoryStore::new());
    card.limit = OverdraftLimit([0, 0x03, 0xE8]);
    let tap = update_overdraft(&mut card, &mut desk(1), &mut store, &limit_of(499)).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::LimitInUse { used: yuan("5") });
    // Nobody at hand checks the TAC: the issuer decides, without the card.
    let tap = update_overdraft(&mut card, &mut desk(1), &mut store, &limit_of(500)).unwrap();
    let found = in_doubt(&tap.outcome);
    assert!(matches!(found.doubt, Doubt::ProofUnchecked(_)));
    committed(&resolve_by_issuer(&mut issuer(), &mut store, &found).unwrap());
    assert_eq!(card.balance, Amount::ZERO);
}

fn parked(number: u64, amount: &str) -> CappOrder {
    CappOrder {
        number: OrderNumber(number),
        enterprise: enterprise(),
        key_id: 1,
        amount: yuan(amount),
        moment: moment(1),
        pin: None,
        updates: vec![CappUpdate::new(0xAA, &[1, 2, 3, 4]).unwrap()],
    }
}

#[test]
fn a_compound_purchase_charges_and_writes_both_or_neither_in_four_commands() {
    for step in 0..4 {
        for fault in [Fault::LostCommand, Fault::LostAnswer] {
            let (mut card, mut store, mut sam) = (ModelCard::new(1, yuan("100")), InMemoryStore::new(), whole_sam());
            card.fault(step, fault.clone());
            let tap = capp_purchase(&mut card, &mut sam, &mut store, &parked(1, "10")).unwrap();
            assert_eq!(matches!(tap.outcome, Outcome::Unknown(_)), step == 3, "{:?}", tap.outcome);
            let written = card.capp == [0xAA, 5, 0, 1, 2, 3, 4];
            assert_eq!((written, written), (card.balance == yuan("90"), (step, &fault) == (3, &Fault::LostAnswer)));
            let before = card.seen.len();
            let again = capp_purchase(&mut card, &mut sam, &mut store, &parked(1, "10")).unwrap();
            assert_eq!(issuer().check(&committed(&again.outcome).settlement), Ok(()));
            assert_eq!((card.balance, &card.capp[..]), (yuan("90"), &[0xAA, 5, 0, 1, 2, 3, 4][..]));
            assert!(step == 3 || card.seen.len() - before == 4);
        }
    }
    // A record of another length is refused, and nothing is charged.
    let mut card = ModelCard::new(1, yuan("100"));
    let order = CappOrder { updates: vec![CappUpdate::new(0xAA, &[1]).unwrap()], ..parked(2, "10") };
    let tap = capp_purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &order).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::Refused { .. }) && card.balance == yuan("100"));
    assert_eq!(CappUpdate::new(1, &[0; 237]), Err(RecordTooLong(237)));
}

#[test]
fn cash_is_paid_out_once() {
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        let (mut card, mut store, mut sam) = (ModelCard::new(1, yuan("100")), InMemoryStore::new(), whole_sam());
        let order = CashOrder {
            number: OrderNumber(1),
            enterprise: enterprise(),
            key_id: 1,
            amount: yuan("30"),
            moment: moment(1),
            pin: Pin::from_digits("123456").unwrap(),
        };
        card.fault(3, fault.clone());
        let token = in_doubt(&cash_withdraw(&mut card, &mut sam, &mut store, &order).unwrap().outcome).token;
        if fault == Fault::LostCommand {
            // The ED answers to its holder alone.
            let outcome = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap();
            assert_eq!(in_doubt(&outcome).doubt, Doubt::PinNeeded);
        }
        let tap = cash_withdraw(&mut card, &mut sam, &mut store, &order).unwrap();
        assert_eq!(committed(&tap.outcome).settlement.transaction.kind, Kind::CashWithdraw);
        assert_eq!(card.balance, yuan("70"));
    }
}
