//! The wallet (specification chapter 6).

use super::{specimen, verify_pin};
use crate::{
    probe::{Probe, bytes},
    purse::{ED, EP, KEY_ID, LOAD_KEY, MOMENT, TAC_KEY, TERMINAL, bent, terms},
};
use onecard_applet::Kind;
use onecard_host::crypto::{Key, SessionKey, load_tac, purchase_tac};
use onecard_wire::{amount::Amount, record::LogRecord, wallet::TransactionType};

#[test]
fn a_load_moves_balance_sequence_log_and_proof() {
    let mut probe = specimen();
    let begun = EP.initialize_load(&mut probe, 700);
    let terms = terms(TransactionType::LOAD_EP, 700);
    let session = SessionKey::of_load(&Key::from_bytes(LOAD_KEY), begun.random, 0);
    assert_eq!(begun.mac1, session.load_mac1(Amount::ZERO, &terms));
    let tac = probe.done(&EP.credit(&begun, 700));
    assert_eq!(tac, load_tac(&Key::from_bytes(TAC_KEY), Amount::from_fen(700), 0, &terms));
    assert_eq!(EP.proof(&mut probe, 0x02, 1).data, [vec![0; 4], tac].concat());
    verify_pin(&mut probe);
    let (balance, online, offline, log) = EP.standing(&mut probe);
    assert_eq!((balance, online, offline), (700, 1, 0));
    let record = LogRecord::parse(&log.data).unwrap();
    assert_eq!((record.sequence, record.amount.fen(), record.transaction_type.0), (1, 700, 0x02));
    assert_eq!((record.terminal.0, record.overdraft.0), (TERMINAL, [0; 3]));
    assert_eq!(log.data[16..], MOMENT);
}

#[test]
fn a_purchase_moves_balance_sequence_log_and_proof() {
    let mut probe = specimen();
    EP.load(&mut probe, 700);
    let begun = EP.initialize_purchase(&mut probe, 300);
    let debited = probe.done(&EP.debit(&begun, 300, 0x0001_0203));
    let terms = terms(TransactionType::PURCHASE_EP, 300);
    let (tac, mac2) = debited.split_at(4);
    assert_eq!(tac, purchase_tac(&Key::from_bytes(TAC_KEY), 0x0001_0203, &terms));
    assert_eq!(EP.proof(&mut probe, 0x06, 1).data, [mac2, tac].concat(), "the other way round");
    verify_pin(&mut probe);
    let (balance, online, offline, log) = EP.standing(&mut probe);
    assert_eq!((balance, online, offline), (400, 1, 1));
    let record = LogRecord::parse(&log.data).unwrap();
    assert_eq!((record.sequence, record.amount.fen(), record.transaction_type.0), (1, 300, 0x06));
}

#[test]
fn the_deposit_asks_for_the_pin_and_is_a_purse_of_its_own() {
    let mut probe = specimen();
    for command in ["805C000104".to_owned(), ED.initialize(0x00, 1), ED.initialize(0x01, 0)] {
        probe.refused(0x6982, &command);
    }
    probe.refused(0x6982, "805A0001020001");
    verify_pin(&mut probe);
    ED.load(&mut probe, 900);
    ED.pay(&mut probe, 100);
    assert_eq!((ED.balance(&mut probe), EP.balance(&mut probe)), (800, 0));
    assert_eq!(ED.proof(&mut probe, 0x05, 1).status, 0x9000);
    assert_eq!(EP.proof(&mut probe, 0x06, 1).status, 0x9406);
    assert_eq!(ED.standing(&mut probe).3.data[9], 0x05);
}

#[test]
fn a_key_with_pin_and_one_without() {
    let mut probe = specimen();
    let with_pin = format!("805000020B0100000001{}", hex::encode(TERMINAL));
    probe.refused(0x6982, &with_pin);
    verify_pin(&mut probe);
    probe.done(&with_pin);
}

#[test]
fn initialize_checks_in_order() {
    let mut probe = specimen();
    for command in
        ["805000000B", "805000030B", "805002020B", "805003010B", "805004020B", "805005030B", "805006010B", "805007020B"]
    {
        probe.refused(0x6A86, &format!("{command}{KEY_ID:02X}00000001{}", hex::encode(TERMINAL)));
    }
    for p1 in [0x00, 0x01] {
        let command = EP.initialize(p1, 0);
        probe.refused(0x6700, &command.replacen("020B", "020A", 1)[..command.len() - 2]);
        probe.refused(0x6700, &format!("{}00", command.replacen("020B", "020C", 1)));
        probe.refused(0x6700, &format!("8050{p1:02X}0200"));
        probe.refused(if p1 == 0 { 0x6C10 } else { 0x6C0F }, &format!("{command}0E"));
        probe.done(&format!("{command}00"));
        probe.refused(0x9403, &command.replacen("0B7E", "0B55", 1));
    }
    probe.refused(0x9401, &EP.initialize(0x01, 1));
    EP.load(&mut probe, u32::MAX);
    probe.refused(0x6985, &EP.initialize(0x00, 1));
    probe.done(&EP.initialize(0x00, 0));
    EP.pay(&mut probe, u32::MAX);
    probe.done("00A4000002DF02");
    probe.refused(0x6A82, &EP.initialize(0x00, 1));
    probe.refused(0x6A82, "805C000204");
    probe.refused(0x6A82, "805A0002020001");
}

#[test]
fn without_a_tac_key_or_a_log() {
    let mut probe = Probe::application(Kind::CpuCard);
    probe.create("0002", "2F 0208 F0 00 FF 18");
    probe.key(KEY_ID, "3FF0F00100", &LOAD_KEY);
    probe.refused(0x9403, &EP.initialize(0x00, 1));
    probe.key(0x00, "34F0F00100", &TAC_KEY);
    EP.load(&mut probe, 5);
    assert_eq!(EP.balance(&mut probe), 5, "a purse whose log does not exist writes none");
}

#[test]
fn balance_and_proof_check_their_form() {
    let mut probe = specimen();
    for wrong in ["805C000004", "805C000304", "805C010204"] {
        probe.refused(0x6A86, wrong);
    }
    probe.refused(0x6700, "805C000201 00");
    probe.refused(0x6C04, "805C000205");
    assert_eq!(probe.done("805C0002"), [0; 4]);
    for wrong in ["805A0000020001", "805A0008020001", "805A000C020001", "805A01020200 01"] {
        probe.refused(0x6A86, wrong);
    }
    probe.refused(0x6700, "805A00020100");
    probe.refused(0x6700, "805A000203000100");
    probe.refused(0x9406, "805A0002020001");
    EP.load(&mut probe, 1);
    probe.refused(0x6C08, "805A000202000107");
}

/// What may stand between INITIALIZE and its second half: nothing.
#[test]
fn every_command_in_between_ends_the_transaction() {
    let between = [
        "00A4000002DF01",
        "00A40000021234",
        "00B0950001",
        "00B201C417",
        "00D6930001 11",
        "00E200DC08 1111111111111111",
        "0084000004",
        "0082000108 0000000000000000",
        "0088000108 0000000000000000",
        "0020000003 123456",
        "805C000204",
        "805E010007 123456 FF 123456",
        "805E000007 123456 00000000",
        "842400000C 000000000000000000000000",
        "841E000004 00000000",
        "8418000004 00000000",
        "8416000004 00000000",
        "80E0001107 28 0004 F0F0 FF FF",
        "80D4010515 3EF0F00100 00112233445566778899AABBCCDDEEFF",
        "800E0000",
        "805A0002020001",
        "8050000200",
        "8050040207 00 000000000000",
        "80CA00E000",
        "00C0000000",
        "FF",
        "0102030405",
        "805400000B 0000000000000000000000",
    ];
    let mut probe = specimen();
    EP.load(&mut probe, 1_000);
    for command in between {
        let begun = EP.initialize_purchase(&mut probe, 10);
        probe.ask(command);
        probe.refused(0x6901, &EP.debit(&begun, 10, 0));
        let begun = EP.initialize_load(&mut probe, 10);
        probe.ask(command);
        probe.refused(0x6901, &EP.credit(&begun, 10));
    }
    assert_eq!(EP.balance(&mut probe), 1_000);
}

#[test]
fn the_wrong_half_ends_it_too() {
    let mut probe = specimen();
    EP.load(&mut probe, 1_000);
    let purchase = EP.initialize_purchase(&mut probe, 10);
    let load = EP.initialize_load(&mut probe, 10);
    probe.refused(0x6901, &EP.debit(&purchase, 10, 0));
    probe.refused(0x6901, &EP.credit(&load, 10));
    let purchase = EP.initialize_purchase(&mut probe, 10);
    probe.refused(0x6901, &EP.credit(&load, 10));
    probe.refused(0x6901, &EP.debit(&purchase, 10, 0));
}

#[test]
fn failure_and_success_alike_end_it() {
    let mut probe = specimen();
    EP.load(&mut probe, 1_000);
    type Bend = fn(&str) -> (u16, String);
    let bends: [Bend; 6] = [
        |debit| (0x9302, bent(debit)),
        |debit| (0x6A86, debit.replacen("80540100", "80540101", 1)),
        |debit| (0x6700, debit.replacen("0F", "10", 1) + "00"),
        |debit| (0x6C08, debit.to_owned() + "07"),
        |debit| (0x6E00, debit.replacen("80", "84", 1)),
        // The 13th month.
        |debit| (0x6A80, debit.replacen("20261123", "20261323", 1)),
    ];
    for bend in bends {
        let begun = EP.initialize_purchase(&mut probe, 10);
        let debit = EP.debit(&begun, 10, 0);
        let (status, wrong) = bend(&debit);
        probe.refused(status, &wrong);
        probe.refused(0x6901, &debit);
    }
    let begun = EP.initialize_purchase(&mut probe, 10);
    let debit = EP.debit(&begun, 10, 0);
    probe.done(&debit);
    probe.refused(0x6901, &debit);
    let begun = EP.initialize_load(&mut probe, 10);
    let credit = EP.credit(&begun, 10);
    probe.refused(0x9302, &bent(&credit));
    probe.refused(0x6901, &credit);
    assert_eq!(EP.balance(&mut probe), 990);
}

#[test]
fn power_off_ends_it() {
    let mut probe = specimen();
    EP.load(&mut probe, 1_000);
    let begun = EP.initialize_purchase(&mut probe, 10);
    probe.power_cycle();
    super::select(&mut probe);
    probe.refused(0x6901, &EP.debit(&begun, 10, 0));
}

#[test]
fn the_last_eight_proofs_and_the_last_load_are_kept() {
    let mut probe = specimen();
    let tac = EP.load(&mut probe, 1_000);
    let proofs: Vec<_> = (0..20).map(|_| EP.pay(&mut probe, 1)).collect();
    for power_off in [false, true] {
        if power_off {
            probe.power_cycle();
            super::select(&mut probe);
        }
        EP.initialize_purchase(&mut probe, 1);
        EP.initialize_load(&mut probe, 1);
        assert_eq!(EP.proof(&mut probe, 0x02, 1).data, [vec![0; 4], tac.clone()].concat());
        for (sequence, debited) in (1..).zip(&proofs) {
            let reply = EP.proof(&mut probe, 0x06, sequence);
            if sequence > 20 - 8 {
                assert_eq!(reply.data, [debited.mac2, debited.tac].concat());
            } else {
                assert_eq!(reply.status, 0x9406);
            }
        }
    }
    probe.refused(0x9406, "805A0006020015");
    probe.refused(0x9406, "805A0009020014");
    EP.load(&mut probe, 1);
    probe.refused(0x9406, "805A0002020001");
}

#[test]
fn both_purses_share_the_log_and_it_drops_its_oldest() {
    let mut probe = specimen();
    verify_pin(&mut probe);
    EP.load(&mut probe, 100);
    ED.load(&mut probe, 100);
    for _ in 0..6 {
        EP.pay(&mut probe, 1);
        ED.pay(&mut probe, 2);
    }
    let types: Vec<u8> = (1..=10).map(|number| probe.done(&format!("00B2{number:02X}C417"))[9]).collect();
    assert_eq!(types, [5, 6, 5, 6, 5, 6, 5, 6, 5, 6]);
    probe.refused(0x6A83, "00B20BC417");
}

/// FFFF is the last sequence a purse shows; no number comes twice.
#[test]
fn sequences_end() {
    let mut probe = specimen();
    EP.bring_to(&mut probe, 77, u16::MAX, u16::MAX);
    probe.refused(0x9402, &EP.initialize(0x00, 0));
    probe.refused(0x9402, &EP.initialize(0x01, 0));
    assert_eq!(EP.proof(&mut probe, 0x06, u16::MAX).status, 0x9000);
    assert_eq!(EP.proof(&mut probe, 0x02, u16::MAX).status, 0x9000);
    assert_eq!(probe.done("805C000204"), bytes("0000004D"));
}
