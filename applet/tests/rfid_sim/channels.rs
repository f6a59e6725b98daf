//! Secure channels: every level and mode, what aborts them, what ends them, what cannot be said twice.

use hex_literal::hex;

use super::{
    applications::LIST,
    host::{Host, Login, SELECT},
    sim::{ICCID, Sim},
};

const ALL: &[u8] = &hex!("4F00");
const INITIALIZE: [u8; 14] = hex!("80 50 00 00 08 0102030405060708 00");

fn s16(level: u8) -> Login {
    Login { s16: true, level, ..Login::SCP03 }
}

/// Whether the domain answers a wrapped command.
fn serves(sim: &mut Sim, host: &mut Host) -> bool {
    host.try_send(sim, LIST, ALL).is_ok_and(|(_, status)| status == 0x9000)
}

#[test]
fn every_level_is_spoken() {
    let mut sim = Sim::new();
    for level in [0x01, 0x03, 0x11, 0x13, 0x33] {
        for login in [Login { level, ..Login::SCP03 }, s16(level)] {
            let mut host = login.open(&mut sim);
            for _ in 0..3 {
                let entry = host.ok(&mut sim, hex!("80F28002"), ALL);
                assert!(entry.starts_with(&hex!("E3")) && entry.ends_with(&hex!("C5039EFE80")), "{level:02X}");
                // A refusal comes bare, and the session goes on.
                assert_eq!(host.send(&mut sim, LIST, &hex!("4F02FFFF")), (vec![], 0x6A88));
                // Neither data in nor data out.
                assert_eq!(host.send(&mut sim, hex!("80F0800F"), &[]), (vec![], 0x6985));
            }
            assert_eq!(host.ok(&mut sim, hex!("80CA00D3"), &[]), [0xD3, 0x01, 0x80 | level]);
        }
    }
    for level in [0x01, 0x03] {
        let mut host = Login { level, ..Login::SCP02 }.open(&mut sim);
        assert!(serves(&mut sim, &mut host) && serves(&mut sim, &mut host));
        assert_eq!(host.ok(&mut sim, hex!("80CA00D3"), &[]), [0xD3, 0x01, 0x80 | level]);
    }
}

#[test]
fn other_levels_are_refused_and_end_the_attempt() {
    let mut sim = Sim::new();
    let scp03 = [0x00, 0x02, 0x10, 0x20, 0x21, 0x30, 0x31, 0x32, 0x83].map(|level| Login { level, ..Login::SCP03 });
    let scp02 = [0x00, 0x02, 0x10, 0x11, 0x13, 0x33].map(|level| Login { level, ..Login::SCP02 });
    for login in scp03.into_iter().chain(scp02) {
        sim.ok(&SELECT);
        let (_, command) = login.begin(&mut sim).unwrap();
        assert_eq!(sim.send(&command), hex!("6A86"), "{:02X}", login.level);
        let (_, command) = Login { level: 0x01, ..login }.begin(&mut sim).unwrap();
        let mut p2 = command.clone();
        p2[3] = 0x01;
        assert_eq!(sim.send(&p2), hex!("6A86"));
        assert_eq!(sim.send(&command), hex!("6982"), "the challenge is gone");
    }
}

#[test]
fn a_wrong_cryptogram_or_mac_aborts() {
    for login in [Login::SCP03, s16(0x33), Login::SCP02] {
        let mut sim = Sim::new();
        sim.ok(&SELECT);
        let (_, command) = login.begin(&mut sim).unwrap();
        let mut wrong = command.clone();
        wrong[5] ^= 1;
        assert_eq!(sim.send(&wrong), hex!("6300"));
        for refused in
            [&command[..], &hex!("80CA006600"), &hex!("80F24002024F0000"), &hex!("84F2400208010203040506070800")]
        {
            assert_eq!(sim.send(refused), hex!("6982"), "{refused:02X?}");
        }
        let mut host = login.authenticate(&mut sim);
        assert!(serves(&mut sim, &mut host));
        let mut spoiled = host.wrapped(LIST, ALL);
        let at = spoiled.len() - 2;
        spoiled[at] ^= 1;
        assert_eq!(sim.send(&spoiled), hex!("6982"));
        assert_eq!(host.status(&mut sim, LIST, ALL), 0x6982, "the right next one is too late");
        assert_eq!(sim.send(&hex!("80CA006600")), hex!("6982"));
        sim.ok(&SELECT);
        sim.ok(&hex!("80CA006600"));
        let mut host = login.authenticate(&mut sim);
        assert!(serves(&mut sim, &mut host));
    }
}

#[test]
fn a_command_less_protected_than_agreed_aborts() {
    for clear in [&hex!("80F24002024F0000")[..], &hex!("80CA006600"), &hex!("00CA006600")] {
        let mut sim = Sim::new();
        let mut host = Login::SCP03.open(&mut sim);
        assert_eq!(sim.send(clear), hex!("6982"));
        assert_eq!(host.status(&mut sim, LIST, ALL), 0x6982);
    }
    // Not enciphered, its MAC right.
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    if let Host::Scp03(scp03) = &mut host {
        scp03.level = 0x31;
    }
    assert_eq!(sim.send(&host.wrapped(LIST, ALL)), hex!("6982"));
}

/// Hosts differ in whether they encipher an empty data field: both forms are right.
#[test]
fn an_empty_data_field_may_be_enciphered_or_not() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for _ in 0..2 {
        assert!(host.ok(&mut sim, hex!("80CA0066"), &[]).starts_with(&[0x66]));
        let padded = host.wrapped_padding(hex!("80CA0066"));
        let answer = sim.send(&padded);
        assert!(host.unwrapped(answer).0.starts_with(&[0x66]));
    }
    let mut host = Login::SCP02.open(&mut sim);
    for _ in 0..2 {
        assert!(host.ok(&mut sim, hex!("80CA0066"), &[]).starts_with(&[0x66]));
        let bare = host.wrapped_padding(hex!("80CA0066"));
        assert!(sim.send(&bare).starts_with(&[0x66]));
    }
}

#[test]
fn what_ends_a_session() {
    type Ending = fn(&mut Sim);
    let endings: [(&str, Ending); 4] = [
        ("SELECT", |sim| drop(sim.ok(&SELECT))),
        ("INITIALIZE UPDATE", |sim| drop(sim.ok(&INITIALIZE))),
        ("INITIALIZE UPDATE refused", |sim| drop(sim.send(&hex!("80503F0008010203040506070800")))),
        ("reset", Sim::reset),
    ];
    for (name, end) in endings {
        let mut sim = Sim::new();
        let mut host = Login::SCP03.open(&mut sim);
        assert!(serves(&mut sim, &mut host));
        end(&mut sim);
        assert!(!serves(&mut sim, &mut host), "{name}");
    }
    // A channel closed and opened again; another channel does not end it.
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    let mut first = Login::SCP03.open(&mut sim);
    let on_second = Login { channel: 1, ..Login::SCP03 };
    let mut second = on_second.open(&mut sim);
    assert!(serves(&mut sim, &mut first));
    let list = hex!("81F24002");
    assert_eq!(second.status(&mut sim, list, ALL), 0x9000);
    sim.ok(&hex!("00708001"));
    sim.ok(&hex!("0070000001"));
    sim.ok(&hex!("01A4040008A00000015100000000"));
    assert_eq!(second.status(&mut sim, list, ALL), 0x6982);
    assert!(serves(&mut sim, &mut first));
}

#[test]
fn the_challenge_belongs_to_the_next_command() {
    let mut sim = Sim::new();
    assert_eq!(
        {
            sim.ok(&SELECT);
            sim.send(&hex!("848201001001020304050607080102030405060708"))
        },
        hex!("6985")
    );
    let (_, command) = Login::SCP03.begin(&mut sim).unwrap();
    sim.ok(&hex!("80CA006600"));
    assert_eq!(sim.send(&command), hex!("6985"));
}

/// SCP02 makes its keys of the sequence alone: what was heard on one channel must not open another.
#[test]
fn a_session_heard_cannot_be_said_again() {
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    sim.ok(&hex!("01A4040008A00000015100000000"));
    sim.ok(&SELECT);
    let (_, first) = Login::SCP02.begin(&mut sim).unwrap();
    let (_, mut second) = Login { channel: 1, ..Login::SCP02 }.begin(&mut sim).unwrap();
    assert_eq!(sim.send(&first), hex!("9000"));
    assert_eq!(sim.send(&second), hex!("6985"));
    second[0] &= !1;
    assert_eq!(sim.send(&second), hex!("6985"));
    let (_, later) = Login::SCP02.begin(&mut sim).unwrap();
    assert_ne!(first, later);
    assert_eq!(sim.send(&first), hex!("6300"));
}

#[test]
fn sequence_counters_outlive_the_power() {
    let sequence = |sim: &mut Sim, version: u8| {
        let answer = sim.ok(&[0x80, 0x50, version, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
        assert_eq!(answer[..11], [&ICCID[..], &[version]].concat());
        if version < 0x30 { answer[12..14].to_vec() } else { answer[29..].to_vec() }
    };
    let mut sim = Sim::new();
    sim.ok(&SELECT);
    for number in 1..=9 {
        assert_eq!(sequence(&mut sim, 0x30), [0, 0, number]);
        assert_eq!(sequence(&mut sim, 0x20), [0, 0], "it moves with a session that opened");
        sim = sim.power_cycled();
        sim.ok(&SELECT);
        assert_eq!(sim.ok(&hex!("80CA00C100")), [0xC1, 0x03, 0, 0, number]);
    }
    for number in 0..9 {
        assert_eq!(sequence(&mut sim, 0x20), [0, number]);
        Login::SCP02.authenticate(&mut sim);
        sim = sim.power_cycled();
        sim.ok(&SELECT);
    }
    // No version is the first that opens channels.
    assert_eq!(sim.ok(&INITIALIZE)[10..13], hex!("300370"));
}

#[test]
fn initialize_update_refuses() {
    let mut sim = Sim::new();
    sim.ok(&SELECT);
    for (command, status) in [
        (&hex!("80503000 08 0102030405060708 1F")[..], hex!("6C20")),
        (&hex!("80502000 08 0102030405060708 1D"), hex!("6C1C")),
        (&hex!("80503001 08 0102030405060708 00"), hex!("6A86")),
        (&hex!("80503100 08 0102030405060708 00"), hex!("6A88")),
        (&hex!("80503000 07 01020304050607 00"), hex!("6700")),
        (&hex!("80502000 10 01020304050607080102030405060708 00"), hex!("6700")),
        (&hex!("84503000 08 0102030405060708 00"), hex!("6982")),
        (&hex!("80820100 10 01020304050607080102030405060708"), hex!("6E00")),
        (&hex!("80F24002 02 4F00 00"), hex!("6982")),
        (&hex!("80E80000 01 00"), hex!("6D00")),
        (&hex!("00F24002 02 4F00 00"), hex!("6E00")),
        (&hex!("04CA0066 00"), hex!("6E00")),
        (&hex!("80770000 00"), hex!("6D00")),
        (&hex!("00A40000 02 6F07 00"), hex!("6A82")),
    ] {
        assert_eq!(sim.send(command), status, "{command:02X?}");
    }
}

/// Both forms of ISO/IEC 7816-4: the card's number or the phone's, the channel named or the command's own.
#[test]
fn channels_open_and_close_in_both_forms() {
    let mut sim = Sim::new();
    for (command, answer) in [
        (&hex!("00700002")[..], &hex!("9000")[..]),
        (&hex!("00700002"), &hex!("6A86")),
        (&hex!("00700004"), &hex!("6A86")),
        (&hex!("0070000301"), &hex!("6700")),
        (&hex!("0070000001"), &hex!("019000")),
        (&hex!("0070000000"), &hex!("039000")),
        (&hex!("0070000001"), &hex!("6A81")),
        (&hex!("01708000"), &hex!("9000")),
        (&hex!("01F2000C"), &hex!("6881")),
        (&hex!("00708000"), &hex!("6A86")),
        (&hex!("00708003"), &hex!("9000")),
        (&hex!("00708003"), &hex!("6A86")),
        (&hex!("02708002"), &hex!("9000")),
        (&hex!("00700100"), &hex!("6A86")),
        (&hex!("0070000001"), &hex!("019000")),
    ] {
        assert_eq!(sim.send(command), answer, "{command:02X?}");
    }
    // Where a channel opened from another begins, and what its end closes, is the same whichever form.
    sim.ok(&hex!("01A4040C10A0000000871002FF86FFFF89FFFFFFFF"));
    sim.ok(&hex!("01A4000C026F07"));
    sim.ok(&hex!("01700003"));
    assert_eq!(sim.ok(&hex!("03B0000009")).len(), 9);
    sim.ok(&hex!("03708000"));
    assert_eq!(sim.send(&hex!("03B0000009")), hex!("6881"));
}

/// The one command in clear that does not end a session: the domain has no files.
#[test]
fn select_by_identifier_leaves_a_session_open() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(sim.send(&hex!("00A40000022F05")), hex!("6A82"));
    assert!(serves(&mut sim, &mut host));
}
