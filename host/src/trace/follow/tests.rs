#![allow(clippy::unwrap_used)]

use super::*;
use crate::trace::{Exchange, What};
use crate::transport::TransportError;

/// Follows commands and answers of a card, `None` where there was none; what contradicted, each time.
fn follow(lines: &[(&str, Option<&str>)]) -> (Follower, Vec<Contradiction>) {
    let bytes = |text: &str| hex::decode(text.replace(' ', "")).unwrap();
    let mut follower = Follower::default();
    let mut against = Vec::new();
    for (command, answer) in lines {
        let what = if *command == "power" {
            What::PowerUp(Vec::new())
        } else {
            let answer = answer.map(bytes).ok_or(TransportError::NoAnswer);
            What::Exchange(Exchange::record(&bytes(command), answer.as_deref()))
        };
        against.extend(follower.follow(&Entry { ms: 0, with: Peer::Card, what }));
    }
    (follower, against)
}

const INIT: &str = "805001020B 01 00000064 001122334455 0F";
const BEGUN: Option<&str> = Some("000003E8 0007 000000 01 00 01020304 9000");
const DEBIT: &str = "805401000F 00000001 20261102 120000 A1B2C3D4 08";
const DONE: Option<&str> = Some("11111111 22222222 9000");
const BALANCE: &str = "805C000204";

#[test]
fn a_purchase_moves_balance_and_sequence() {
    let (follower, against) = follow(&[(INIT, BEGUN), (DEBIT, DONE), (BALANCE, Some("00000384 9000"))]);
    assert_eq!(against, []);
    let purse = follower.card().purse(Purse::Ep).unwrap();
    assert_eq!((purse.balance().unwrap().fen(), purse.sequence(false)), (900, Some(8)));
    let names: Vec<_> = follower.fields(Peer::Card).into_iter().map(|field| field.name).collect();
    assert_eq!(names, ["EP balance", "EP offline sequence"]);
}

#[test]
fn what_cannot_be_is_told() {
    let sequence = |found: &'static str| [(INIT, BEGUN), (DEBIT, DONE), (INIT, Some(found))];
    let told = |lines: &[(&str, Option<&str>)]| follow(lines).1;
    let wrong = told(&sequence("00000384 0009 000000 01 00 01020304 9000"));
    assert_eq!(wrong, [Contradiction::Sequence { online: false, expected: 8, found: 9 }]);
    let (expected, found) = (onecard_wire::amount::Amount::from_fen(900), onecard_wire::amount::Amount::from_fen(901));
    let wrong = told(&sequence("00000385 0008 000000 01 00 01020304 9000"));
    assert_eq!(wrong, [Contradiction::Balance { purse: Purse::Ep, expected, found }]);
    // A command between the two ends the transaction.
    assert_eq!(told(&[(INIT, BEGUN), (BALANCE, Some("000003E8 9000")), (DEBIT, DONE)]), [Contradiction::NotBegun]);
    assert_eq!(told(&[(INIT, BEGUN), (DEBIT, Some("9302")), (DEBIT, DONE)]), [Contradiction::NotBegun]);
    assert_eq!(told(&[(INIT, BEGUN), (DEBIT, Some("11 9000"))]), [Contradiction::Layout]);
    assert_eq!(told(&[(INIT, Some("00000063 0007 000000 01 00 01020304 9000"))]), [Contradiction::AboveBalance]);
    let update = ("04D697000C 0320261123000017 DBC73B0F", Some("9000"));
    assert_eq!(told(&[(BALANCE, Some("000003E8 9000")), update]), [Contradiction::NoChallenge]);
    assert_eq!(told(&[("0084000004", Some("C31E270A 9000")), update]), []);
    let block = ("841E000004 01020304", Some("9000"));
    let blocked = [("0084000004", Some("C31E270A 9000")), block, (BALANCE, Some("000003E8 9000"))];
    assert_eq!(told(&blocked), [Contradiction::Blocked]);
}

#[test]
fn a_proof_is_of_what_happened() {
    let told = |prove: &str, answer: &str| follow(&[(INIT, BEGUN), (DEBIT, DONE), (prove, Some(answer))]).1;
    assert_eq!(told("805A000602 0008 08", "22222222 11111111 9000"), []);
    // The other way round, as DEBIT has it.
    assert_eq!(told("805A000602 0008 08", "11111111 22222222 9000"), [Contradiction::ProofDiffers]);
    assert_eq!(told("805A000602 0008 08", "9406"), [Contradiction::ProofMissing]);
    let early = told("805A000602 0009 08", "22222222 11111111 9000");
    assert!(matches!(early[..], [Contradiction::ProofOfNothing { sequence: 9, .. }]), "{early:?}");
    // The answer was lost: both ends are possible, and the proof decides.
    for (answer, balance) in [("22222222 11111111 9000", 900), ("9406", 1_000)] {
        let lines = [(INIT, BEGUN), (DEBIT, None), ("power", None), ("805A000602 0008 08", Some(answer))];
        let (follower, against) = follow(&lines);
        assert_eq!(against, []);
        let purse = follower.card().purse(Purse::Ep);
        assert!(purse.is_none_or(|purse| purse.in_doubt().is_none()));
        let told = format!("{balance:08X} 9000");
        assert_eq!(follow(&[&lines[..], &[(BALANCE, Some(&told))]].concat()).1, []);
    }
    let lost = [(INIT, BEGUN), (DEBIT, None)];
    assert!(follow(&lost).0.card().purse(Purse::Ep).unwrap().in_doubt().is_some());
    for next in ["000003E8 0007 000000 01 00 01020304 9000", "00000384 0008 000000 01 00 01020304 9000"] {
        assert_eq!(follow(&[&lost[..], &[(INIT, Some(next))]].concat()).1, []);
    }
}

#[test]
fn a_response_is_joined_to_its_command() {
    let fetch = [("00C0000008", Some("11111111 22222222 9000")), (BALANCE, Some("00000384 9000"))];
    let (follower, against) = follow(&[&[(INIT, BEGUN), (DEBIT, Some("6108"))][..], &fetch].concat());
    assert_eq!(against, []);
    assert_eq!(follower.card().purse(Purse::Ep).unwrap().sequence(false), Some(8));
    // Le was wrong: the command was not executed, and what stood ready still does.
    let again = [(INIT, BEGUN), (DEBIT, Some("6C08")), (DEBIT, DONE)];
    assert_eq!(follow(&again).1, []);
}
