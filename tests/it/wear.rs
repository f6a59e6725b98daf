//! How long a chip lasts: programming operations on the page that is programmed most often.

use onecard_simulator::reader::Reader;
use onecard_wire::wallet::Purse;

use crate::{
    books::{WIDE_LIMITS, card_with},
    cashier::{Cashier, Deal, Ended, Terms},
};

/// Programming operations a page of the market's EEPROMs takes.
const CYCLES: u64 = 500_000;
/// What this project wants of a card.
const PURCHASES_WANTED: u64 = 2_000_000;
/// Every ring has gone round many times.
const PURCHASES: u32 = 4_000;

/// Each figure is by the page that wears out first. The card keeps its account of the day all the while.
#[test]
fn a_card_outlives_two_million_purchases() {
    for (deal, wanted) in [
        (Deal::Purchase(Purse::Ep), PURCHASES_WANTED),
        (Deal::Purchase(Purse::Ed), PURCHASES_WANTED),
        (Deal::Load(Purse::Ep), 0),
        (Deal::Capp { tag: 0xAA, fill: 7 }, 0),
    ] {
        let worst = writes_to_the_worst_page(deal);
        let lasts = CYCLES * u64::from(PURCHASES) / u64::from(worst);
        println!(
            "wear, {deal:?}: {:.3} writes each to the worst page; {CYCLES} cycles last {lasts} of them",
            f64::from(worst) / f64::from(PURCHASES)
        );
        assert!(lasts >= wanted, "{deal:?}");
    }
}

fn writes_to_the_worst_page(deal: Deal) -> u32 {
    let card = card_with(&WIDE_LIMITS, 1_000_000, 1_000_000);
    let before = card.wear().to_vec();
    let mut card = Reader::insert(card);
    let cashier = Cashier::new(0);
    cashier.enter(&mut card).unwrap();
    for number in 0..PURCHASES {
        assert_eq!(cashier.deal(&mut card, deal, &Terms::new(1, number)), Ended::Done);
    }
    let chip = card.remove();
    chip.wear().iter().zip(before).map(|(now, before)| now - before).max().unwrap()
}
