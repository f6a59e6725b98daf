//! Every transaction of the wallet: balance, sequences, limit, log, proof, the account of the day and the compound record
//! move together, wherever the power goes, in the recoveries too.

use onecard_host::apdu::Command;
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_wire::{ins, wallet::Purse};

use super::sweep::{Fate, Flow, Recoveries};
use crate::{
    books::{Books, WIDE_LIMITS, card_with, write_parameters, write_with_mac},
    cashier::{Cashier, Deal, Ended, Terms, send},
};

const TERMS: Terms = Terms::new(1_234, 77);
/// The purchase that an undo takes back: of the same amount at the same terminal.
const PURCHASE: Terms = Terms::new(1_234, 76);

/// A card with money in both purses, a limit and a history in which every ring has gone round.
fn used_card(rounds: u32) -> Chip {
    let mut card = Reader::insert(card_with(&WIDE_LIMITS, 100_000, 200_000));
    let cashier = Cashier::new(0);
    cashier.enter(&mut card).unwrap();
    assert_eq!(cashier.deal(&mut card, Deal::Overdraft, &Terms::new(5_000, 0)), Ended::Done);
    for round in 0..rounds {
        for purse in [Purse::Ed, Purse::Ep] {
            assert_eq!(cashier.deal(&mut card, Deal::Purchase(purse), &Terms::new(3, round)), Ended::Done);
        }
    }
    assert_eq!(cashier.deal(&mut card, Deal::Purchase(Purse::Ep), &PURCHASE), Ended::Done);
    card.remove()
}

fn sweep(name: &str, chip: &Chip, deal: Deal, terms: &Terms, recoveries: Recoveries) {
    let before = Books::of(chip.snapshot());
    let run = |chip: Chip| {
        let mut card = Reader::insert(chip);
        let cashier = Cashier::new(0);
        let ended = cashier.enter(&mut card).map_or(Ended::Silent, |()| cashier.deal(&mut card, deal, terms));
        assert!(matches!(ended, Ended::Done | Ended::Silent), "{ended:?}");
        (card.remove(), ended)
    };
    let (done, ended) = run(chip.snapshot());
    assert_eq!(ended, Ended::Done);
    let after = Books::of(done);
    moved_as_asked(&before, &after, deal, terms);
    let judge = |chip: Chip, ended: &Ended| {
        let now = Books::of(chip);
        let fate = match () {
            () if now == before => Fate::NotBegun,
            () if now == after => Fate::Finished,
            () => panic!("torn apart: {now:#?}\nbefore {before:#?}\nafter {after:#?}"),
        };
        assert!(*ended == Ended::Silent || fate == Fate::Finished, "an answer was heard");
        fate
    };
    Flow { name, chip, run: &run, judge: &judge, recoveries }.sweep(&[Fate::NotBegun, Fate::Finished]);
}

/// The books after it differ from those before in just what the deal is about.
fn moved_as_asked(before: &Books, after: &Books, deal: Deal, terms: &Terms) {
    let (old, new) = (before.purse(deal.purse()), after.purse(deal.purse()));
    let balance = match deal {
        Deal::Load(_) | Deal::Undo => old.balance + terms.fen,
        Deal::Overdraft => old.balance - old.overdraft + terms.fen,
        _ => old.balance - terms.fen,
    };
    assert_eq!(new.balance, balance);
    let moved = (new.online_sequence - old.online_sequence, new.offline_sequence - old.offline_sequence);
    assert_eq!(moved, if deal.is_online() { (1, 0) } else { (0, 1) });
    assert_eq!(new.overdraft, if deal == Deal::Overdraft { terms.fen } else { old.overdraft });
    let other = |books: &Books| books.purse(if deal.purse() == Purse::Ep { Purse::Ed } else { Purse::Ep }).clone();
    assert_eq!(other(before), other(after), "the other purse");
    assert_eq!(after.log[1], before.log[0]);
    assert_eq!(after.log[0].transaction_type.0, deal.type_byte());
    assert_eq!(after.capp != before.capp, matches!(deal, Deal::Capp { .. }));
    let spends = matches!(deal, Deal::Purchase(_) | Deal::CashWithdraw | Deal::Capp { .. });
    let spent = match deal {
        Deal::Undo => before.account().1 - terms.fen,
        _ if spends => before.account().1 + terms.fen,
        _ => before.account().1,
    };
    assert_eq!(after.account().1, spent);
    assert!(after.proofs.len() >= before.proofs.len() && after.proofs != before.proofs);
}

#[test]
fn every_transaction_is_torn_everywhere() {
    let card = used_card(1);
    for deal in Deal::ALL.into_iter().filter(|deal| !matches!(deal, Deal::Load(Purse::Ep) | Deal::Purchase(Purse::Ep)))
    {
        sweep(&format!("{deal:?}"), &card, deal, &TERMS, Recoveries::Few);
    }
}

#[test]
fn an_undo_is_torn_everywhere() {
    sweep("undo", &used_card(1), Deal::Undo, &TERMS, Recoveries::Twice);
}

#[test]
fn an_unload_is_torn_everywhere() {
    sweep("unload", &used_card(1), Deal::Unload(Purse::Ep), &TERMS, Recoveries::Twice);
}

#[test]
fn a_compound_purchase_is_torn_everywhere() {
    sweep("compound purchase", &used_card(1), Deal::Capp { tag: 0xAA, fill: 0xC3 }, &TERMS, Recoveries::Twice);
}

/// Every ring is overwritten, and the card's day moves on.
#[test]
fn a_purchase_of_the_next_day_from_a_long_used_card_is_torn_everywhere() {
    let card = used_card(12);
    let before = Books::of(card.snapshot());
    let tomorrow = TERMS.on([0x20, 0x26, 0x06, 0x02]);
    let run = |chip: Chip| {
        let mut card = Reader::insert(chip);
        let cashier = Cashier::new(0);
        let ended = cashier
            .enter(&mut card)
            .map_or(Ended::Silent, |()| cashier.deal(&mut card, Deal::Purchase(Purse::Ep), &tomorrow));
        (card.remove(), ended)
    };
    let after = Books::of(run(card.snapshot()).0);
    assert_eq!(
        (before.account().0, after.account()),
        ([0x20, 0x26, 0x06, 0x01], ([0x20, 0x26, 0x06, 0x02], TERMS.fen))
    );
    let judge = |chip: Chip, _: &Ended| match Books::of(chip) {
        now if now == before => Fate::NotBegun,
        now if now == after => Fate::Finished,
        now => panic!("torn apart: {now:#?}"),
    };
    Flow { name: "purchase, next day", chip: &card, run: &run, judge: &judge, recoveries: Recoveries::Few }
        .sweep(&[Fate::NotBegun, Fate::Finished]);
}

/// A write of EF 0017 that clears the account is one with its other bytes.
#[test]
fn a_write_of_the_limits_is_torn_everywhere() {
    let card = used_card(1);
    let before = Books::of(card.snapshot());
    let limits =
        onecard_wire::record::Parameters { purchase_max: onecard_wire::amount::Amount::from_fen(9_999), ..WIDE_LIMITS };
    let write = |card: &mut Reader| write_parameters(card, &limits);
    let mut undisturbed = Reader::insert(card.snapshot());
    write(&mut undisturbed).unwrap();
    let after = Books::of(undisturbed.remove());
    assert_eq!(after.account(), ([0; 4], 0));
    assert_ne!(before.account(), after.account());
    let run = |chip: Chip| {
        let mut card = Reader::insert(chip);
        let answered = write(&mut card).is_some();
        (card.remove(), answered)
    };
    let judge = |chip: Chip, answered: &bool| match Books::of(chip) {
        now if now == before && !answered => Fate::NotBegun,
        now if now == after => Fate::Finished,
        now => panic!("torn apart: {now:#?}"),
    };
    Flow { name: "UPDATE BINARY of EF 0017", chip: &card, run: &run, judge: &judge, recoveries: Recoveries::Few }
        .sweep(&[Fate::NotBegun, Fate::Finished]);
}

/// The mark of a listed card: status and list version go in together, and nothing else moves.
#[test]
fn the_mark_of_a_listed_card_is_torn_everywhere() {
    let card = used_card(1);
    let before = read_parameters(&mut Reader::insert(card.snapshot()));
    let mark = [&[0x03][..], &[0x20, 0x26, 0x11, 0x23, 0x00, 0x00, 0x17]].concat();
    let after = [&mark, &before[8..]].concat();
    assert_ne!(before[28..], [0; 8], "there is an account that could be lost");
    let command = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x97, 0x00).with_bytes(&mark).unwrap();
    let run = |chip: Chip| {
        let mut card = Reader::insert(chip);
        let answered = write_with_mac(&mut card, &command).is_some();
        (card.remove(), answered)
    };
    let judge = |chip: Chip, answered: &bool| {
        let mut card = Reader::insert(chip.snapshot());
        let fate = match read_parameters(&mut card) {
            now if now == before && !answered => Fate::NotBegun,
            now if now == after => Fate::Finished,
            now => panic!("torn apart: {now:02X?}"),
        };
        let sale = Cashier::new(0).deal(&mut card, Deal::Purchase(Purse::Ep), &TERMS);
        let refused = matches!(sale, Ended::Refused { status: 0x6985, .. });
        assert_eq!(refused, fate == Fate::Finished, "{sale:?}");
        let unload = Cashier::new(0).deal(&mut card, Deal::Unload(Purse::Ep), &TERMS);
        assert_eq!(unload, Ended::Done, "a marked card is emptied at the desk");
        fate
    };
    Flow { name: "mark of a listed card", chip: &card, run: &run, judge: &judge, recoveries: Recoveries::Twice }
        .sweep(&[Fate::NotBegun, Fate::Finished]);
}

fn read_parameters(card: &mut Reader) -> Vec<u8> {
    Cashier::new(0).enter(card).unwrap();
    send(card, &[0x00, 0xB0, 0x97, 0x00, 0x24]).unwrap()
}
