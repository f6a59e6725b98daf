//! What one session does while another is in the middle of something.

use cipher::{BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use hex_literal::hex;

use super::{
    applications::{CONTROL, DELETE, install, name, named, select},
    eight::{personalise, value},
    host::{Host, Login, protected},
    key_sets::set,
    sim::Sim,
};

/// Places of keys in the table of `eight`.
const MAINTENANCE: usize = 2;
const PURCHASE: usize = 8;
/// Of channel 1, and of no instruction's.
const WRONG_CLASS: [u8; 5] = hex!("8D5C000204");

/// A SIM with a personalised application, selected on channel 1 and by radio.
pub fn selected_twice() -> (Sim, Host) {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    personalise(&mut sim, 1);
    sim.ok(&hex!("0070000001"));
    sim.ok(&on_channel_1(select(1)));
    (sim, host)
}

pub fn on_channel_1(mut command: Vec<u8>) -> Vec<u8> {
    command[0] |= 1;
    command
}

/// DEBIT of nothing at terminal 1, of that transaction type, for the answer to INITIALIZE.
pub fn debit(initialized: &[u8], transaction_type: u8) -> Vec<u8> {
    let random = &initialized[11..15];
    let input = [random, &initialized[4..6], &[0x00, 0x01]].concat();
    let mut session_key: [u8; 8] = input.try_into().unwrap();
    TdesEde2::new(&value(1, PURCHASE).into()).encrypt_block((&mut session_key).into());
    let message = [&[0; 4][..], &[transaction_type], &hex!("000000000001 20261129 120000 80 0000000000")].concat();
    let mut mac = [0; 8];
    for block in message.chunks(8) {
        mac.iter_mut().zip(block).for_each(|(byte, other)| *byte ^= other);
        Des::new(&session_key.into()).encrypt_block((&mut mac).into());
    }
    [&hex!("81540100 0F 00000001 20261129 120000")[..], &mac[..4], &[0x08]].concat()
}

#[test]
fn a_card_that_is_locked_or_terminated_serves_no_application_selected_before() {
    for last in [0x7F, 0xFF] {
        let (mut sim, mut host) = selected_twice();
        for state in [0x07, 0x0F, last] {
            assert_eq!(host.status(&mut sim, [0x80, 0xF0, 0x80, state], &hex!("A000000151000000")), 0x9000);
        }
        for command in [&hex!("81500102 0B 01 00000000 000000000001 00")[..], &hex!("815C000204"), &hex!("0184000004")]
        {
            let answer = sim.send(command);
            assert!(answer.len() == 2 && answer[0] != 0x90, "{last:02X}: {command:02X?} {answer:02X?}");
        }
        assert_eq!(sim.send(&on_channel_1(select(1))), hex!("6A82"));
        assert_eq!(sim.radio(&hex!("805C000204")), hex!("6A82"));
    }
}

/// The channel does not fall back to the UICC's files, neither under the lock nor behind it.
#[test]
fn a_channel_that_is_in_an_application_of_a_locked_card_stays_there() {
    let (mut sim, mut host) = selected_twice();
    for state in [0x07, 0x0F, 0x7F] {
        host.ok(&mut sim, [0x80, 0xF0, 0x80, state], &hex!("A000000151000000"));
    }
    for _ in 0..2 {
        for command in
            [&hex!("01B0850000")[..], &hex!("815C000204"), &hex!("0184000004"), &hex!("01A40000020015"), &WRONG_CLASS]
        {
            assert_eq!(sim.send(command), hex!("6A82"), "{command:02X?}");
        }
        assert_eq!(sim.send(&on_channel_1(select(1))), hex!("6A82"));
    }
    // What leads to the files leads there.
    sim.ok(&hex!("81F2000C"));
    assert_eq!(sim.send(&hex!("815C000204")), hex!("6A82"));
    host.ok(&mut sim, hex!("80F0800F"), &hex!("A000000151000000"));
    for command in [&hex!("01B0850000")[..], &hex!("815C000204"), &hex!("0184000004")] {
        assert_eq!(sim.send(command), hex!("6985"), "{command:02X?}");
    }
    assert!(sim.send(&on_channel_1(select(1))).ends_with(&hex!("9000")));
    assert!(sim.send(&hex!("815C000204")).ends_with(&hex!("9000")));
}

#[test]
fn a_locked_application_is_not_found_by_its_identifiers_either() {
    let (mut sim, mut host) = selected_twice();
    sim.radio(&select(1));
    host.ok(&mut sim, hex!("80F04080"), &name(1));
    assert_eq!(sim.radio(&hex!("00A4000002DF01")), hex!("6A82"));
    assert_eq!(sim.radio(&hex!("00A40000020015")), hex!("6A82"));
    assert_eq!(sim.send(&hex!("01A40000020015")), hex!("6A82"));
}

#[test]
fn a_command_of_wrong_lengths_uses_a_challenge_up() {
    let (mut sim, _) = selected_twice();
    let write = hex!("85D40100 1C 000102030405060708090A0B0C0D0E0F1011121314151617 00000000");
    sim.ok(&hex!("0184000004"));
    assert_eq!(sim.send(&write), hex!("9302"), "with a challenge, its MAC is wrong");
    sim.ok(&hex!("0184000004"));
    assert_eq!(sim.send(&hex!("018400000401")), hex!("6700"));
    assert_eq!(sim.send(&write), hex!("6985"));
}

#[test]
fn a_record_locked_meanwhile_is_not_written_by_a_compound_purchase() {
    let (mut sim, _) = selected_twice();
    let maintenance = value(1, MAINTENANCE);
    let append = protected(&mut sim, &maintenance, hex!("04E200E0"), &hex!("AA0500 11111111"), false);
    assert_eq!(sim.radio(&append), hex!("9000"));
    for (locks, status) in [(false, [0x90, 0x00]), (true, [0x69, 0x01])] {
        let initialized = sim.ok(&hex!("81500302 0B 01 00000000 000000000001 00"));
        assert_eq!(sim.send(&hex!("81DCAAE007 AA0500 22222222")), hex!("9000"));
        if locks {
            let lock = protected(&mut sim, &maintenance, hex!("04DC01E4"), &hex!("AA0501 99999999"), false);
            assert_eq!(sim.radio(&lock), hex!("9000"));
        }
        let answer = sim.send(&debit(&initialized, 0x09));
        assert_eq!(answer[answer.len() - 2..], status, "{locks}");
    }
    assert_eq!(sim.radio(&hex!("00B201E400")), hex!("AA0501 99999999 9000"));
}

#[test]
fn a_key_replaced_meanwhile_ends_the_transaction() {
    let (mut sim, _) = selected_twice();
    let initialized = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
    // TAC key 34 00, now AES.
    let record = hex!("F4F0F00206 0F1E2D3C4B5A69788796A5B4C3D2E1F0");
    let write = protected(&mut sim, &CONTROL, hex!("84D43400"), &record, true);
    assert_eq!(sim.radio(&write), hex!("9000"));
    assert_eq!(sim.send(&debit(&initialized, 0x06)), hex!("6901"));
    // And begun after it, it is done.
    let initialized = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
    let answer = sim.send(&debit(&initialized, 0x06));
    assert_eq!(answer[answer.len() - 2..], hex!("9000"));
}

/// A key without the protection bit is written in clear, and no less another one's by then.
#[test]
fn a_key_written_in_clear_meanwhile_ends_the_transaction() {
    let (mut sim, _) = selected_twice();
    let record = hex!("34F0F00100 0F1E2D3C4B5A69788796A5B4C3D2E1F0");
    let write = protected(&mut sim, &CONTROL, hex!("84D43400"), &record, true);
    assert_eq!(sim.radio(&write), hex!("9000"));
    let in_clear = hex!("80D43400 15 34F0F00206 0F1E2D3C4B5A69788796A5B4C3D2E1F1");
    let initialized = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
    // Refused, it ends nothing.
    assert_eq!(sim.radio(&hex!("80D43400 15 F4F0F00206 0F1E2D3C4B5A69788796A5B4C3D2E1F1")), hex!("6982"));
    let answer = sim.send(&debit(&initialized, 0x06));
    assert_eq!(answer[answer.len() - 2..], hex!("9000"));
    let initialized = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
    assert_eq!(sim.radio(&in_clear), hex!("9000"));
    assert_eq!(sim.send(&debit(&initialized, 0x06)), hex!("6901"));
    let initialized = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
    let answer = sim.send(&debit(&initialized, 0x06));
    assert_eq!(answer[answer.len() - 2..], hex!("9000"));
}

#[test]
fn whoever_has_the_old_keys_loses_his_session_with_them() {
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    let mut old = Login { channel: 1, ..Login::SCP03 }.open(&mut sim);
    let mut host = Login::SCP02.open(&mut sim);
    let data = set(&host, 0x30, 0x88, &[[0xA1; 16], [0xA2; 16], [0xA3; 16]]);
    host.ok(&mut sim, hex!("80D83081"), &data);
    let back = set(&old, 0x30, 0x88, &[[0xB1; 16], [0xB2; 16], [0xB3; 16]]);
    assert_ne!(old.status(&mut sim, hex!("81D83081"), &back), 0x9000);
    // The session that did it goes on.
    assert_eq!(host.status(&mut sim, hex!("80F28002"), &hex!("4F00")), 0x9000);
}

/// Only who changes keys ends what others do; an application that goes is none of theirs.
#[test]
fn deleting_an_application_leaves_the_sessions_of_others() {
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    let mut host = Login::SCP03.open(&mut sim);
    let mut other = Login { channel: 1, ..Login::SCP02 }.open(&mut sim);
    install(&mut sim, &mut host, 1);
    host.ok(&mut sim, DELETE, &named(&name(1)));
    assert_eq!(host.status(&mut sim, DELETE, &hex!("D2013A")), 0x6A88);
    assert_eq!(host.status(&mut sim, hex!("80D80081"), &[0x45]), 0x6A80);
    assert_eq!(other.status(&mut sim, hex!("81F28002"), &hex!("4F00")), 0x9000);
    let keys = set(&host, 0x31, 0x88, &[[0xA1; 16], [0xA2; 16], [0xA3; 16]]);
    host.ok(&mut sim, hex!("80D80081"), &keys);
    assert_eq!(other.status(&mut sim, hex!("81F28002"), &hex!("4F00")), 0x6982);
    let mut other = Login { channel: 1, ..Login::SCP02 }.open(&mut sim);
    host.ok(&mut sim, DELETE, &hex!("D20131"));
    assert_eq!(other.status(&mut sim, hex!("81F28002"), &hex!("4F00")), 0x6982);
}
