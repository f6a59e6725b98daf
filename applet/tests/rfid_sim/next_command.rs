//! What is begun belongs to the next command on the channel: whoever serves it, and however it ends.

use hex_literal::hex;

use super::{
    applications::select,
    between::{debit, on_channel_1, selected_twice},
    sim::Sim,
};

const INITIALIZE: [u8; 17] = hex!("81500102 0B 01 00000000 000000000001 00");
/// WRITE KEY with a MAC that is wrong: 9302 with a challenge, 6985 without.
const WRITE: [u8; 33] = hex!("85D40100 1C 000102030405060708090A0B0C0D0E0F1011121314151617 00000000");

/// Commands on channel 1 that no enterprise application serves, or that it serves otherwise; some are refused.
const BETWEEN: [(&str, &[u8]); 18] = [
    ("STATUS", &hex!("81F2000C")),
    ("STATUS with parameters", &hex!("81F2000000")),
    ("TERMINAL CAPABILITY", &hex!("81AA000002A900")),
    ("FETCH", &hex!("8112000000")),
    ("TERMINAL PROFILE", &hex!("8110000003FFFFFF")),
    ("TERMINAL RESPONSE", &hex!("8114000003810301")),
    ("ENVELOPE", &hex!("81C2000003D30100")),
    ("MANAGE CHANNEL", &hex!("0170000001")),
    ("MANAGE CHANNEL refused", &hex!("01700700")),
    ("SELECT of an unknown AID", &hex!("01A4040408A00000008710040000")),
    ("SELECT of the domain with a wrong P2", &hex!("01A4040108A00000015100000000")),
    ("SELECT of the toolkit applet with a wrong P2", &hex!("01A4040106F04F4E45431100")),
    ("SELECT by a path that is not there", &hex!("01A40800047F106F00")),
    ("SELECT with FCP of what is not there", &hex!("01A40004026FFF")),
    ("SELECT of an enterprise that is not there", &hex!("01A404000EF04F4E454301 1000000000000099")),
    ("GET BALANCE", &hex!("815C000204")),
    ("an unknown class", &hex!("8D5C000204")),
    ("lengths that do not agree", &hex!("81F2000C02")),
];

fn status(answer: &[u8]) -> &[u8] {
    &answer[answer.len() - 2..]
}

/// The answers to DEBIT and to WRITE KEY under a MAC with `between` in front of each.
fn after(between: impl Fn(&mut Sim)) -> (Vec<u8>, Vec<u8>) {
    let (mut sim, _) = selected_twice();
    let initialized = sim.ok(&INITIALIZE);
    between(&mut sim);
    let debited = sim.send(&debit(&initialized, 0x06));
    let (mut sim, _) = selected_twice();
    sim.ok(&hex!("0184000004"));
    between(&mut sim);
    (status(&debited).to_vec(), sim.send(&WRITE))
}

#[test]
fn whatever_comes_next_takes_transaction_and_challenge() {
    assert_eq!(after(|_| ()), (hex!("9000").to_vec(), hex!("9302").to_vec()), "with nothing between");
    for (name, command) in BETWEEN {
        let taken = after(|sim| drop(sim.send(command)));
        assert_eq!(taken, (hex!("6901").to_vec(), hex!("6985").to_vec()), "{name}");
    }
}

#[test]
fn commands_of_other_channels_and_of_no_channel_leave_them() {
    for command in [&hex!("80F2000C")[..], &hex!("8010000003FFFFFF"), &hex!("A0A40000023F00"), &hex!("FFA40000023F00")]
    {
        let left = after(|sim| drop(sim.send(command)));
        assert_eq!(left, (hex!("9000").to_vec(), hex!("9302").to_vec()), "{command:02X?}");
    }
}

/// Class A0 is the basic channel's, its commands of wrong lengths too.
#[test]
fn class_a0_takes_what_is_begun_on_the_basic_channel() {
    for between in [&hex!("A0A40000023F00")[..], &hex!("A0A400000200")] {
        let (mut sim, _) = selected_twice();
        sim.ok(&hex!("01A40004023F00"));
        sim.ok(&select(1));
        let on_basic = |mut command: Vec<u8>| {
            command[0] &= !1;
            command
        };
        let initialized = sim.ok(&on_basic(INITIALIZE.to_vec()));
        sim.send(between);
        assert_eq!(sim.send(&on_basic(debit(&initialized, 0x06))), hex!("6901"));
    }
}

/// A lock in between, taken away again, is no different.
#[test]
fn what_was_begun_before_a_lock_is_not_done_after_it() {
    const DOMAIN: [u8; 8] = hex!("A000000151000000");
    let application = super::applications::name(1);
    for (lock, unlock, of) in [
        (hex!("80F04080"), hex!("80F04000"), &application[..]),
        (hex!("80F06080"), hex!("80F06000"), &DOMAIN),
        (hex!("80F0807F"), hex!("80F0800F"), &DOMAIN),
    ] {
        let (mut sim, mut host) = selected_twice();
        for state in [0x07, 0x0F] {
            host.ok(&mut sim, [0x80, 0xF0, 0x80, state], &DOMAIN);
        }
        // A lock that is refused ends nothing.
        let initialized = sim.ok(&INITIALIZE);
        assert_eq!(host.status(&mut sim, hex!("80F04081"), &application), 0x6985);
        assert_eq!(host.status(&mut sim, hex!("80F04080"), &super::applications::name(2)), 0x6A88);
        assert_eq!(status(&sim.send(&debit(&initialized, 0x06))), hex!("9000"));
        let begun = sim.ok(&INITIALIZE);
        host.ok(&mut sim, lock, of);
        host.ok(&mut sim, unlock, of);
        assert_eq!(sim.send(&debit(&begun, 0x06)), hex!("6985"), "{lock:02X?}");
        assert!(sim.send(&on_channel_1(select(1))).ends_with(&hex!("9000")));
        assert_eq!(sim.send(&debit(&begun, 0x06)), hex!("6901"), "{lock:02X?}");
    }
}

#[test]
fn a_card_lock_ends_sessions_without_a_command_in_between() {
    const DOMAIN: [u8; 8] = hex!("A000000151000000");
    let (mut sim, mut host) = selected_twice();
    sim.radio(&select(1));
    for state in [0x07, 0x0F, 0x7F, 0x0F] {
        host.ok(&mut sim, [0x80, 0xF0, 0x80, state], &DOMAIN);
    }
    assert_eq!(sim.send(&hex!("815C000204")), hex!("6985"), "contact");
    assert_eq!(sim.radio(&hex!("805C000204")), hex!("6985"), "radio");
}
