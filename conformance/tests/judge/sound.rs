//! Sound cards are not blamed.

use onecard_conformance::{Mode, TestedCard, Verdict, report::Skipped};
use onecard_host::transport::{Transport, TransportError};
use onecard_wire::key::Algorithm;

use crate::bench::{Simulated, blank, personalised, plain_wallet, run, sam};

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

#[test]
fn by_t_0_a_sound_card_is_not_blamed_for_its_transport() {
    let (card, order) = personalised(Algorithm::Des);
    let (empty, to_write) = blank();
    for (card, order, least) in [(card, order, 65), (empty, to_write, 150)] {
        let report = run(&mut ByBytes { card, kept: Vec::new() }, &order);
        assert_eq!(report.counts().failed, 0, "{}", report.text());
        assert!(report.counts().passed > least, "{}", report.text());
        assert!(report.results.iter().any(|result| result.verdict == Verdict::Skipped(Skipped::NoLe)));
    }
}

/// A card behind T=0 (ISO/IEC 7816-3 clause 12.2): no Le behind data, 61xx and GET RESPONSE, 6Cxx for an Le that is not right.
struct ByBytes {
    card: Simulated,
    kept: Vec<u8>,
}

impl Transport for ByBytes {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if command.get(1) == Some(&0xC0) && command.len() == 5 && !self.kept.is_empty() {
            return Ok(std::mem::take(&mut self.kept));
        }
        self.kept.clear();
        if command.len() <= 5 {
            let answer = self.card.transmit(command)?;
            let data = u8::try_from(answer.len() - 2).unwrap();
            let wanted = command.get(4).copied().unwrap_or_default();
            return Ok(if data > 0 && wanted != data { vec![0x6C, data] } else { answer });
        }
        let sent = command.get(..5 + usize::from(command[4])).unwrap_or(command);
        let answer = self.card.transmit(sent)?;
        let data = u8::try_from(answer.len() - 2).unwrap();
        if data == 0 {
            return Ok(answer);
        }
        self.kept = answer;
        Ok(vec![0x61, data])
    }
}

impl TestedCard for ByBytes {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        self.kept.clear();
        self.card.power_cycle()
    }

    fn carries_le(&self) -> bool {
        false
    }
}
