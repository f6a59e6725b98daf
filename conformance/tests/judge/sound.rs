//! Sound cards are not blamed.

use onecard_conformance::{Mode, Verdict, report::Skipped};
use onecard_wire::key::Algorithm;

use crate::bench::{blank, personalised, plain_wallet, run, sam};

#[test]
fn a_personalised_card_of_each_cipher_keeps_every_rule_that_reading_can_try() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let (mut card, order) = personalised(algorithm);
        let report = run(&mut card, &order);
        println!("{}", report.text());
        assert_eq!(report.counts().failed, 0, "{algorithm:?}\n{}", report.text());
        assert!(report.counts().passed > 50, "{}", report.text());
    }
}

#[test]
fn a_blank_card_keeps_every_rule_and_is_blank_again() {
    let (mut card, order) = blank();
    let report = run(&mut card, &order);
    println!("{}", report.text());
    assert_eq!(report.counts().failed, 0, "{}", report.text());
    assert!(report.counts().passed > 150, "{}", report.text());
    // What is not tried is what the setting has not; nothing is left out for any other reason.
    for result in &report.results {
        assert!(!matches!(result.verdict, Verdict::Skipped(why) if why != Skipped::NotThere), "{}", result.rule.id);
    }
    // Blank again: a second run is served.
    let again = run(&mut card, &order);
    assert_eq!(again.counts(), report.counts());
}

#[test]
fn a_plain_wallet_a_blank_card_and_a_sam_are_not_blamed_for_what_they_are_not() {
    let (blank, mut order) = blank();
    order.mode = Mode::Read;
    let (plain, of_plain) = plain_wallet();
    for (mut card, order, least) in [(blank, &order, 15), (plain, &of_plain, 50), (sam(), &order, 15)] {
        let report = run(&mut card, order);
        println!("{}", report.text());
        assert_eq!(report.counts().failed, 0, "{}", report.text());
        assert!(report.counts().passed > least, "{}", report.text());
    }
}
