//! Flows that were begun when no packet asked which maintenance key there is: the card is asked, and no key is guessed.

use hex_literal::hex;
use onecard_wire::{
    amount::Amount,
    number::{ApplicationSerial, EnterpriseId},
    status::StatusWord,
};

use super::card::{answered, every_set};
use crate::{
    keys::CheckValue,
    over_the_air::{
        Answer, MaintenanceKey, Obstacle, PacketCounter, PacketTerms, Proven, RedundancyCheck, Script, Spi, Tries,
        deletion::{self, Deletion, DeletionTerms},
        lock::{self, Lock, LockTerms, Way},
        recharge::{self, Recharge},
    },
};

const TRIES: Tries = Tries { packets: 2, attempts: 1 };
const SELECTED: &[u8] = &hex!(
    "6F33 840E F04F4E4543011000000000000001 A521 9F0C1E 1000000000000001 03 02 0000 3100100000000423 20260101 20301231 0000 9000"
);
const SHOWN: MaintenanceKey = MaintenanceKey::Shown(CheckValue([0xA1, 0xB2, 0xC3]));
const KEY: &[u8] = &hex!("A1B2C3 9000");

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
}

/// A proof of these answers, each with its status word.
fn proven(script: &Script, answers: &[&[u8]]) -> Proven {
    let keys = &every_set()[2];
    let counter = PacketCounter::new(9).unwrap();
    let terms = PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: script.tar(), counter };
    let each = answers.iter().flat_map(|answer| [&[0x23, answer.len() as u8][..], answer].concat());
    let inside = [&[0x80, 0x01, answers.len() as u8][..], &each.collect::<Vec<_>>()].concat();
    let data = [&[0xAB, 0x81, inside.len() as u8][..], &inside].concat();
    match Answer::read(keys, &terms, &answered(keys, &terms, 0x00, &data)).unwrap() {
        Answer::Proven(proven) => proven,
        Answer::Hint(hint) => panic!("{hint:?}"),
    }
}

#[test]
fn a_lock_asks_again_and_gives_up_rather_than_guess() {
    let begun = Lock::begin(LockTerms { enterprise: enterprise(), serial: serial(), way: Way::Lost }, TRIES);
    let answer = |lock: Lock, answers: &[&[u8]]| {
        let proven = proven(&lock.script().unwrap(), answers);
        lock.answered(&proven)
    };
    let lock::Next::Send(again) = answer(begun.clone(), &[SELECTED, &hex!("00 9000")]) else { panic!("it asks again") };
    assert_eq!((again.script(), again.counter()), (begun.script(), None));
    let lock::Next::Write(writing) = answer(again.clone(), &[SELECTED, &hex!("00 9000"), KEY]) else { panic!("MAC") };
    assert_eq!(writing.maintenance_key(), SHOWN);
    // A card that has not the clause says so, and has been asked.
    let lock::Next::Write(writing) = answer(again.clone(), &[SELECTED, &hex!("00 9000"), &hex!("6A86")]) else {
        panic!("MAC")
    };
    assert_eq!(writing.maintenance_key(), MaintenanceKey::NotShown);
    let ended = lock::Next::Ended(lock::Decision::NotDone(Obstacle::Unreadable));
    assert_eq!(answer(again, &[SELECTED, &hex!("00 9000")]), ended);
    // What is as it was to be needs no key.
    assert_eq!(answer(begun, &[SELECTED, &hex!("03 9000")]), lock::Next::Ended(lock::Decision::Done));
}

#[test]
fn a_deletion_asks_again_and_gives_up_rather_than_guess() {
    let terms = DeletionTerms { enterprise: enterprise(), serial: serial(), deposit: Amount::ZERO };
    let begun = Deletion::begin(terms, TRIES).unwrap();
    let answer = |deletion: Deletion, answers: &[&[u8]]| {
        let proven = proven(&deletion.script().unwrap(), answers);
        deletion.answered(&proven)
    };
    let (normal, balance) = (&hex!("00 9000")[..], &hex!("00001388 9000")[..]);
    let deletion::Next::Send(again) = answer(begun.clone(), &[SELECTED, normal, balance]) else { panic!("again") };
    assert_eq!((again.script(), again.counter()), (begun.script(), None));
    let next = answer(again.clone(), &[SELECTED, normal, balance, KEY]);
    let deletion::Next::Suspend(suspension) = next else { panic!("{next:?}") };
    assert_eq!(suspension.maintenance_key(), SHOWN);
    let obstacle = Obstacle::Unreadable;
    let ended = deletion::Next::Ended(deletion::Decision::NotDeleted { obstacle, suspended: false });
    assert_eq!(answer(again, &[SELECTED, normal, balance]), ended);
    // What is suspended already needs no key.
    let next = answer(begun, &[SELECTED, &hex!("03 9000"), balance]);
    assert!(matches!(next, deletion::Next::Settle(_)), "{next:?}");
}

const PROOF: &[u8] = &hex!("00000000 0A0B0C0D 9000");

/// As an earlier edition kept it.
fn stored(step: &str) -> Recharge {
    let begun = r#"{"old_balance":700,"online_sequence":4,"moment":"20261129120000","mac2":"01020304"}"#;
    let script = Script::new(
        crate::over_the_air::Tar::ENTERPRISE,
        crate::over_the_air::Form::EXPANDED,
        vec![crate::over_the_air::commands::select_application(enterprise())],
    );
    let script = serde_json::to_string(&script.unwrap()).unwrap();
    let step = step.replace("BEGUN", begun).replace("SCRIPT", &script);
    let text = format!(
        r#"{{"terms":{{"enterprise":"1000000000000001","purse":2,"key_id":17,"amount":5000,"terminal":"310000000001"}},
        "patience":{{"packets":3,"credits":1}},"step":{step},"unanswered":0,"credits":1}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn asked(recharge: Recharge, answers: &[&[u8]]) -> recharge::Next {
    let proven = proven(&recharge.script().unwrap(), answers);
    recharge.answered(&proven)
}

fn sent(next: recharge::Next) -> Recharge {
    let recharge::Next::Send(recharge) = next else { panic!("{next:?}") };
    recharge
}

fn judged(next: recharge::Next) -> MaintenanceKey {
    let recharge::Next::Judge(judgement) = next else { panic!("{next:?}") };
    judgement.maintenance_key()
}

#[test]
fn a_recharge_asks_for_the_key_before_it_asks_for_the_log() {
    let ask = stored(r#"{"Ask":{"begun":BEGUN,"moved":false}}"#);
    // The packet that is out did not ask.
    let again = sent(asked(ask, &[SELECTED, PROOF]));
    assert_eq!(judged(asked(again.clone(), &[SELECTED, PROOF, KEY])), SHOWN);
    assert_eq!(judged(asked(again.clone(), &[SELECTED, PROOF, &hex!("6A86")])), MaintenanceKey::NotShown);
    let third = sent(asked(again, &[SELECTED, PROOF]));
    let next = asked(third, &[SELECTED, PROOF]);
    let recharge::Next::Ended(recharge::Decision::Unknown { obstacle: Obstacle::Unreadable, .. }) = next else {
        panic!("{next:?}")
    };
    // No proof comes of a log that an earlier edition asked for.
    let log =
        stored(r#"{"Log":{"asking":{"begun":BEGUN,"moved":false,"logs":0},"tac":null,"counter":7,"script":SCRIPT}}"#);
    let again = sent(log.timed_out());
    let recharge::Next::Judge(judgement) = asked(again, &[SELECTED, PROOF, KEY]) else { panic!("judged") };
    assert_eq!((judgement.maintenance_key(), judgement.log_left()), (SHOWN, true));
}

/// The sequence has moved, and the proof is gone: the packet that asks for it ends there, and the key is asked for alone, which a card
/// that is lost tells too.
#[test]
fn a_recharge_whose_proof_is_gone_asks_for_the_key_alone() {
    let gone = &StatusWord::NO_MAC_AVAILABLE.to_bytes()[..];
    let ask = stored(r#"{"Ask":{"begun":BEGUN,"moved":true,"logs":1}}"#);
    let mut key = sent(asked(ask, &[SELECTED, gone]));
    assert!(!key.changes_value());
    for _ in 0..2 {
        key = sent(asked(key, &[SELECTED]));
    }
    let kept: Recharge = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
    assert_eq!(judged(asked(kept.clone(), &[SELECTED, KEY])), SHOWN);
    assert_eq!(judged(asked(kept.clone(), &[SELECTED, &hex!("6A86")])), MaintenanceKey::NotShown);
    // Not told at all: unknown, and the token asks for the proof first.
    let recharge::Next::Ended(recharge::Decision::Unknown { token, .. }) = kept.timed_out() else { panic!("unknown") };
    assert_eq!(judged(asked(token, &[SELECTED, PROOF, KEY])), SHOWN);
}
