//! What ends a session, a challenge or a transaction, and what does not: commands that cannot be read, locks, keys that go.

use hex_literal::hex;

use super::{
    applications::{install, name, select},
    between::{debit, on_channel_1, selected_twice},
    host::{Login, SELECT},
    key_sets::set,
    sim::Sim,
};

const DOMAIN: [u8; 8] = hex!("A000000151000000");

/// 15.4.3.5: the challenge belongs to the next command that the domain gets.
#[test]
fn the_domains_challenge_is_the_next_commands() {
    let mut left = Vec::new();
    for between in [
        &hex!("00A40000020015")[..],
        &hex!("8CF28002024F00"),
        &hex!("04CA006600"),
        &hex!("80F2800205"),
        &hex!("80F280020501"),
    ] {
        let mut sim = Sim::new();
        sim.ok(&SELECT);
        let (_, authenticate) = Login::SCP03.begin(&mut sim).unwrap();
        let refused = sim.send(between);
        if sim.send(&authenticate) == hex!("9000") {
            left.push((between, refused));
        }
    }
    assert!(left.is_empty(), "{left:02X?}");
}

/// 15.4.3.6: "The one command in clear that leaves it open, too: SELECT by FID of P2 00".
#[test]
fn no_other_command_in_clear_leaves_a_channel_open() {
    let mut left = Vec::new();
    for between in [
        &hex!("8CF28002024F00")[..],
        &hex!("0CF28002024F00"),
        &hex!("04CA006600"),
        &hex!("80F2800205"),
        &hex!("80F280020501"),
    ] {
        let mut sim = Sim::new();
        let mut host = Login::SCP03.open(&mut sim);
        let refused = sim.send(between);
        if host.status(&mut sim, hex!("80F28002"), &hex!("4F00")) == 0x9000 {
            left.push((between, refused));
        }
    }
    assert!(left.is_empty(), "{left:02X?}");
}

/// What `next_command` means to show of the radio, without its INITIALIZE of zero, which ends it by 15.3.2.
#[test]
fn a_lock_ends_what_was_begun_by_radio() {
    for (lock, unlock, of) in [
        (hex!("80F04080"), hex!("80F04000"), &name(1)[..]),
        (hex!("80F06080"), hex!("80F06000"), &DOMAIN),
        (hex!("80F0807F"), hex!("80F0800F"), &DOMAIN),
    ] {
        let (mut sim, mut host) = selected_twice();
        for state in [0x07, 0x0F] {
            host.ok(&mut sim, [0x80, 0xF0, 0x80, state], &DOMAIN);
        }
        sim.radio(&select(1));
        let mut there = sim.radio(&hex!("80500102 0B 01 00000000 000000000001 00"));
        there.truncate(there.len() - 2);
        host.ok(&mut sim, lock, of);
        host.ok(&mut sim, unlock, of);
        let mut debit = debit(&there, 0x06);
        debit[0] = 0x80;
        assert_eq!(sim.radio(&debit), hex!("6985"), "{lock:02X?}");
        sim.radio(&select(1));
        assert_eq!(sim.radio(&debit), hex!("6901"), "{lock:02X?}");
    }
}

/// Another application's accepted lock, and an unlock, end nothing.
#[test]
fn an_accepted_lock_of_another_application_ends_nothing() {
    let (mut sim, mut host) = selected_twice();
    install(&mut sim, &mut host, 2);
    for header in [hex!("80F04080"), hex!("80F04000")] {
        let begun = sim.ok(&hex!("81500102 0B 01 00000000 000000000001 00"));
        host.ok(&mut sim, header, &name(2));
        let answer = sim.send(&debit(&begun, 0x06));
        assert_eq!(answer[answer.len() - 2..], hex!("9000"), "{header:02X?}");
    }
}

/// Only the command that changed keys ends the sessions of others, not those after it.
#[test]
fn commands_after_put_key_end_no_sessions() {
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    let mut host = Login::SCP03.open(&mut sim);
    let keys = set(&host, 0x31, 0x88, &[[0xA1; 16], [0xA2; 16], [0xA3; 16]]);
    host.ok(&mut sim, hex!("80D80081"), &keys);
    let mut other = Login { channel: 1, ..Login::SCP02 }.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80F28002"), &hex!("4F00")), 0x9000);
    assert_eq!(other.status(&mut sim, hex!("81F28002"), &hex!("4F00")), 0x9000);
}

/// 15.4.2: in TERMINATED these answer 6985.
#[test]
fn a_terminated_card_answers_6985_to_commands_of_class_84_too() {
    let (mut sim, mut host) = selected_twice();
    host.ok(&mut sim, hex!("80F080FF"), &DOMAIN);
    assert_eq!(sim.send(&hex!("85F2800202 4F00")), hex!("6985"));
    assert_eq!(sim.send(&on_channel_1(hex!("84D8000001 31").to_vec())), hex!("6985"));
}

/// 15.4.4.5: a set that lacks a key opens nothing; P1 00 passes it by, and it is no set to fall back on.
#[test]
fn a_set_that_lacks_a_key_is_none_that_opens_channels() {
    let mut sim = Sim::new();
    let mut host = Login::SCP02.open(&mut sim);
    host.ok(&mut sim, super::applications::DELETE, &hex!("D00103 D20130"));
    assert_eq!(host.status(&mut sim, super::applications::DELETE, &hex!("D20120")), 0x6985);
    sim.ok(&SELECT);
    assert_eq!(sim.send(&hex!("8050000008 0102030405060708 00"))[10], 0x20);
}

/// 15.2.4, each command by itself: the session is over by whichever comes while the card is locked.
#[test]
fn either_a_command_or_a_select_under_the_lock_ends_the_session() {
    for between in [hex!("815C000204").to_vec(), on_channel_1(select(1))] {
        let (mut sim, mut host) = selected_twice();
        for state in [0x07, 0x0F, 0x7F] {
            host.ok(&mut sim, [0x80, 0xF0, 0x80, state], &DOMAIN);
        }
        assert_eq!(sim.send(&between), hex!("6A82"));
        host.ok(&mut sim, hex!("80F0800F"), &DOMAIN);
        assert_eq!(sim.send(&hex!("815C000204")), hex!("6985"), "{between:02X?}");
    }
}

/// 15.2.2: SELECT by path, with an FCP, of the MF or 7FFF leaves the application; STATUS with P1 00 to 02 does not.
#[test]
fn what_leads_to_the_files_leaves_the_application_or_not() {
    for (command, stays) in [
        (&hex!("01A40800022FE2")[..], false),
        (&hex!("01A40004023F00"), false),
        (&hex!("01A40000023F00"), false),
        (&hex!("81F2000C"), true),
        (&hex!("81F2010C"), true),
        (&hex!("81F2020C"), true),
        (&hex!("81AA000002A900"), true),
    ] {
        let (mut sim, _) = selected_twice();
        let answer = sim.send(command);
        assert_eq!(answer[answer.len() - 2..], hex!("9000"), "{command:02X?}");
        let balance = sim.send(&hex!("815C000204"));
        assert_eq!(balance.ends_with(&hex!("9000")), stays, "{command:02X?}: {balance:02X?}");
    }
}
