//! A card as bought: EF 0017 stands on it, and only the terminal enforces it.

use onecard_wire::record::{CardStatus, Parameters, PublicData};
use rand::{SeedableRng, rngs::StdRng};

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::apdu::CommandName;

fn plain(parameters: Parameters) -> ModelCard {
    let mut card = ModelCard::new(1, yuan("100"));
    card.public_data.version = PublicData::VERSION_OWN - 1;
    card.parameters = parameters;
    card
}

fn instructions(card: &ModelCard) -> Vec<u8> {
    card.seen.iter().map(|command| command[1]).collect()
}

#[test]
fn the_terminal_enforces_what_the_card_does_not() {
    let unlimited = Parameters::UNLIMITED;
    let (lost, suspended, unknown) = (CardStatus::LOST, CardStatus::SUSPENDED, CardStatus(0x7F));
    let (yesterday, today) = (Date::parse("2026-11-21").unwrap(), moment(0).date);
    let expiring = |expiry: Date| Parameters { balance_expiry: expiry.to_bytes(), ..unlimited };
    let both = |rule| [Some(rule), Some(rule)];
    let of_purchase = |rule| [Some(rule), None];
    // A purchase of 10 yuan, a load of 10 yuan to 100.
    let cases = [
        (unlimited, [None, None]),
        (Parameters { status: lost, ..unlimited }, both(Rule::Status(lost))),
        (Parameters { status: suspended, ..unlimited }, both(Rule::Status(suspended))),
        (Parameters { status: unknown, ..unlimited }, both(Rule::Status(unknown))),
        (expiring(yesterday), of_purchase(Rule::BalanceExpired { on: yesterday })),
        (expiring(today), [None, None]),
        (
            Parameters { purchase_max: yuan("9.99"), ..unlimited },
            of_purchase(Rule::PurchaseMax { limit: yuan("9.99") }),
        ),
        (Parameters { purchase_max: yuan("10"), ..unlimited }, [None, None]),
        // It remembers no day but the one that it shows.
        (
            Parameters { day_total_max: yuan("10"), day: yesterday.to_bytes(), spent: yuan("5"), ..unlimited },
            [None, None],
        ),
        (
            Parameters { day_total_max: yuan("9.99"), ..unlimited },
            of_purchase(Rule::DayTotalMax { limit: yuan("9.99"), spent: Amount::ZERO }),
        ),
        (Parameters { pin_threshold: yuan("9.99"), ..unlimited }, of_purchase(Rule::PinNeeded { above: yuan("9.99") })),
        (
            Parameters { balance_max: yuan("109.99"), ..unlimited },
            [None, Some(Rule::BalanceMax { limit: yuan("109.99") })],
        ),
        (Parameters { balance_max: yuan("110"), ..unlimited }, [None, None]),
    ];
    for (parameters, expected) in cases {
        for (load, rule) in [false, true].into_iter().zip(expected) {
            let (mut card, mut sam, mut store) = (plain(parameters), whole_sam(), InMemoryStore::new());
            let before = card.money();
            let tap = match load {
                true => recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")),
                false => purchase(&mut card, &mut sam, &mut store, &sale(1, "10")),
            };
            let outcome = tap.unwrap().outcome;
            let Some(rule) = rule else {
                committed(&outcome);
                continue;
            };
            assert_eq!(cause(&outcome), Cause::Rule(rule));
            assert_eq!((card.money(), store.pending().unwrap()), (before, vec![]), "{rule:?}");
            assert_eq!((sam.state().next_sequence, sam.state().load_limit_fen), (7, 100_000), "{rule:?}");
            // CREDIT and DEBIT never leave; INITIALIZE does only where the rule needs the balance.
            let initialized = matches!(rule, Rule::BalanceMax { .. });
            let sent = instructions(&card);
            assert!(!sent.contains(&0x54) && !sent.contains(&0x52), "{sent:02X?}");
            assert_eq!(sent.contains(&0x50), initialized, "{rule:?}");
        }
    }
}

#[test]
fn with_the_pin_more_is_paid_than_without() {
    let mut card = plain(Parameters { pin_threshold: yuan("9.99"), ..Parameters::UNLIMITED });
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let order = PurchaseOrder { pin: Some(Pin::from_digits("123456").unwrap()), ..sale(1, "10") };
    committed(&purchase(&mut card, &mut sam, &mut store, &order).unwrap().outcome);
}

#[test]
fn one_read_is_spent_on_a_plain_card_and_none_on_a_one_card() {
    let mut card = plain(Parameters::UNLIMITED);
    committed(&purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap().outcome);
    assert_eq!(instructions(&card), [0xA4, 0xB0, 0x50, 0x54]);
    let mut card = ModelCard::new(1, yuan("100"));
    // The model leaves it to its chip: were the terminal to look, it would refuse.
    card.parameters = Parameters { status: CardStatus::LOST, ..Parameters::UNLIMITED };
    committed(&purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap().outcome);
    assert_eq!(instructions(&card), [0xA4, 0x50, 0x54]);
}

/// Compound purchases, cash and the overdraft ask too; what is the holder's own is paid out in any status.
#[test]
fn every_kind_but_unload_asks() {
    let lost = Parameters { status: CardStatus::LOST, ..Parameters::UNLIMITED };
    let pin = || Pin::from_digits("123456").unwrap();
    let (number, enterprise, key_id, amount) = (OrderNumber(1), enterprise(), 1, yuan("10"));
    let refused = |outcome: &Outcome| assert_eq!(cause(outcome), Cause::Rule(Rule::Status(CardStatus::LOST)));
    let capp = CappOrder { number, enterprise, key_id, amount, moment: moment(1), pin: None, updates: Vec::new() };
    refused(&capp_purchase(&mut plain(lost), &mut whole_sam(), &mut InMemoryStore::new(), &capp).unwrap().outcome);
    let cash = CashOrder { number, enterprise, key_id, amount, moment: moment(1), pin: pin() };
    refused(&cash_withdraw(&mut plain(lost), &mut whole_sam(), &mut InMemoryStore::new(), &cash).unwrap().outcome);

    let mut card = plain(lost);
    let keys = keys(&[Purpose::UnloadEp]);
    let mut desk = DeskKeys::new(keys, VERSION, TERMINAL, StdRng::seed_from_u64(1));
    let order = UnloadOrder { number, enterprise, purse: Purse::Ep, key_id, amount, moment: moment(1), pin: None };
    committed(&unload(&mut card, &mut desk, &mut InMemoryStore::new(), &order).unwrap().outcome);
    assert_eq!(card.balance, yuan("90"));
}

#[test]
fn parameters_that_cannot_be_read_are_no_permission() {
    let command = CommandName::Read;
    let forged = |bytes: &[u8]| Fault::Forged(bytes.to_vec());
    let status = onecard_wire::status::StatusWord(0x6982);
    for (fault, expected) in [
        (forged(&[0x69, 0x82]), Some(Cause::Refused { command, status })),
        (forged(&[0, 0, 0x90, 0x00]), Some(Cause::Malformed { command, length: 2 })),
        // A plain wallet of somebody else's has no such file.
        (forged(&[0x6A, 0x82]), None),
    ] {
        let mut card = plain(Parameters::UNLIMITED);
        card.fault(1, fault);
        let tap = purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap();
        match expected {
            Some(expected) => assert_eq!(cause(&tap.outcome), expected),
            None => drop(committed(&tap.outcome)),
        }
    }
    let mut card = plain(Parameters::UNLIMITED);
    card.fault(1, Fault::LostAnswer);
    let tap = purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(1, "10")).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::NoAnswer { command: CommandName::Read, .. }));
}

/// A card that breaks a rule does not end what is in doubt: that is decided first, and stays told.
#[test]
fn an_order_in_doubt_is_decided_before_any_rule() {
    for (fault, done) in [(Fault::LostAnswer, true), (Fault::LostCommand, false)] {
        let (mut card, mut sam, mut store) = (plain(Parameters::UNLIMITED), whole_sam(), InMemoryStore::new());
        card.fault(3, fault);
        in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
        card.parameters.status = CardStatus::SUSPENDED;
        let again = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome;
        match done {
            true => drop(committed(&again)),
            false => assert_eq!(cause(&again), Cause::Rule(Rule::Status(CardStatus::SUSPENDED))),
        }
        assert_eq!(store.pending().unwrap(), []);
    }
}
