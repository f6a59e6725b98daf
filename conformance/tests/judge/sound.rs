//! Sound cards are not blamed.

use onecard_conformance::{Verdict, report::Skipped};
use onecard_wire::key::Algorithm;

use crate::bench::{blank, personalised, run};

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
