//! Life cycles: of the card, and of applications.

use hex_literal::hex;

use super::{
    applications::{CONTROL, DELETE, INSTALL, LIST, fields, install, install_data, listed, name, named, select},
    host::{Host, Login, SELECT},
    key_sets::set,
    sim::Sim,
};

const DOMAIN: [u8; 8] = hex!("A000000151000000");

fn to(sim: &mut Sim, host: &mut Host, state: u8) -> u16 {
    host.status(sim, [0x80, 0xF0, 0x80, state], &DOMAIN)
}

#[test]
fn the_card_goes_its_way() {
    const STATES: [u8; 5] = [0x01, 0x07, 0x0F, 0x7F, 0xFF];
    let allowed = [
        (0x01, 0x07),
        (0x07, 0x0F),
        (0x0F, 0x7F),
        (0x7F, 0x0F),
        (0x01, 0xFF),
        (0x07, 0xFF),
        (0x0F, 0xFF),
        (0x7F, 0xFF),
    ];
    for (way, from) in [(&[][..], 0x01), (&[0x07], 0x07), (&[0x07, 0x0F], 0x0F), (&[0x07, 0x0F, 0x7F], 0x7F)] {
        for next in STATES {
            let mut sim = Sim::new();
            let mut host = Login::SCP03.open(&mut sim);
            way.iter().for_each(|state| assert_eq!(to(&mut sim, &mut host, *state), 0x9000));
            let granted = next == from || allowed.contains(&(from, next));
            assert_eq!(to(&mut sim, &mut host, next), if granted { 0x9000 } else { 0x6985 }, "{from:02X} {next:02X}");
            let now = if granted { next } else { from };
            if now != 0xFF {
                assert_eq!(
                    host.ok(&mut sim, hex!("80F28002"), &hex!("4F00 5C029F70")),
                    [&hex!("E3049F7001")[..], &[now]].concat()
                );
            }
        }
    }
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(to(&mut sim, &mut host, 0x03), 0x6A86);
    assert_eq!(host.status(&mut sim, hex!("80F08007"), &name(1)), 0x6A88);
    assert_eq!(host.status(&mut sim, hex!("80F02007"), &DOMAIN), 0x6A86);
}

#[test]
fn a_locked_card_serves_its_operator_alone() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    for state in [0x07, 0x0F, 0x7F] {
        assert_eq!(to(&mut sim, &mut host, state), 0x9000);
    }
    assert_eq!(sim.radio(&select(1)), hex!("6A82"));
    assert_eq!(sim.send(&SELECT), hex!("6F 10 84 08 A000000151000000 A5 04 9F65 01 FF 6283"));
    let mut sim = sim.power_cycled();
    assert_eq!(sim.send(&SELECT)[18..], hex!("6283"));
    let mut host = Login::SCP03.authenticate(&mut sim);
    let install_2 = install_data(&host, 2, 0x00, &CONTROL);
    let keys = set(&host, 0x3F, 0x88, &[[0xA1; 16]; 3]);
    for (header, data) in [
        (INSTALL, &install_2[..]),
        (DELETE, &named(&name(1))),
        (hex!("80D80081"), &keys),
        (hex!("80E28000"), &hex!("420155")),
    ] {
        assert_eq!(host.status(&mut sim, header, data), 0x6985);
    }
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x07)]);
    assert_eq!(to(&mut sim, &mut host, 0x0F), 0x9000);
    assert!(sim.radio(&select(1)).ends_with(&hex!("9000")));
    assert_eq!(host.ok(&mut sim, INSTALL, &install_2), [0]);
}

#[test]
fn a_terminated_card_answers_get_data() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    assert_eq!(to(&mut sim, &mut host, 0xFF), 0x9000);
    for (header, data) in [(LIST, &hex!("4F00")[..]), (hex!("80F0800F"), &DOMAIN), (DELETE, &named(&name(1)))] {
        assert_eq!(host.status(&mut sim, header, data), 0x6985);
    }
    host.ok(&mut sim, hex!("80CA0066"), &[]);
    let mut sim = sim.power_cycled();
    assert_eq!(sim.radio(&select(1)), hex!("6A82"));
    assert_eq!(sim.send(&select(1)), hex!("6A82"));
    assert_eq!(sim.send(&SELECT)[18..], hex!("6283"));
    assert_eq!(sim.send(&hex!("80503000080102030405060708 00")), hex!("6985"));
    sim.ok(&hex!("80CA006600"));
}

/// Whatever is current on a channel, and whether the power goes first: the phone finds the end of the card's life, and may read
/// whose it was.
#[test]
fn of_a_terminated_card_the_phone_gets_nothing() {
    for power_goes in [false, true] {
        let mut sim = Sim::new();
        sim.ok(&hex!("0070000001"));
        sim.ok(&hex!("8010000003FFFFFF"));
        sim.ok(&hex!("00A4040C10A0000000871002FF86FFFF89FFFFFFFF"));
        sim.ok(&hex!("00A4000C026F07"));
        assert_eq!(sim.ok(&hex!("00B0000009")).len(), 9);
        let mut host = Login { channel: 1, ..Login::SCP03 }.open(&mut sim);
        assert_eq!(host.status(&mut sim, hex!("81F080FF"), &DOMAIN), 0x9000);
        if power_goes {
            sim = sim.power_cycled();
        }
        for (command, status) in [
            (&hex!("00B0000009")[..], hex!("6985")),
            (&hex!("00A40004023F00"), hex!("6A82")),
            (&hex!("00A40004022FE2"), hex!("6A82")),
            (&hex!("00A4040410A0000000871002FF86FFFF89FFFFFFFF"), hex!("6A82")),
            (&hex!("00A4040006F04F4E45431100"), hex!("6A82")),
            (&hex!("80F2000000"), hex!("6985")),
            (&hex!("80AA000002A900"), hex!("6985")),
            (&hex!("0020000100"), hex!("6985")),
            (&hex!("00200001083132333435363738"), hex!("6985")),
            (&hex!("0088008111100102030405060708090A0B0C0D0E0F10"), hex!("6985")),
            (&hex!("0070000001"), hex!("6985")),
            (&hex!("8010000003FFFFFF"), hex!("6985")),
            (&hex!("8012000000"), hex!("6985")),
            (&hex!("80C2000003D30100"), hex!("6985")),
            (&hex!("8050000008010203040506070800"), hex!("6985")),
            (&hex!("8482010010 000102030405060708090A0B0C0D0E0F"), hex!("6985")),
            (&hex!("A0A40000023F00"), hex!("6E00")),
            (&hex!("02B0000009"), hex!("6881")),
        ] {
            assert_eq!(sim.send(command), status, "{power_goes}: {command:02X?}");
        }
        sim.ok(&hex!("80CA9F7F00"));
        assert_eq!(sim.send(&SELECT)[18..], hex!("6283"));
        sim.ok(&hex!("00CA006600"));
        if !power_goes {
            host.ok(&mut sim, hex!("81CA0066"), &[]);
        }
    }
}

#[test]
fn a_phone_goes_on_with_a_locked_card() {
    let mut sim = Sim::new();
    sim.ok(&hex!("0070000001"));
    let mut host = Login { channel: 1, ..Login::SCP03 }.open(&mut sim);
    for state in [0x07, 0x0F, 0x7F] {
        assert_eq!(host.status(&mut sim, [0x81, 0xF0, 0x80, state], &DOMAIN), 0x9000);
    }
    sim.ok(&hex!("00A4040C10A0000000871002FF86FFFF89FFFFFFFF"));
    sim.ok(&hex!("00A4000C026F07"));
    assert_eq!(sim.ok(&hex!("00B0000009")).len(), 9);
    // The menu's name goes with the applications, and comes again with them.
    let toolkit = hex!("00A4040006F04F4E45431100");
    assert_eq!(sim.send(&toolkit), hex!("6A82"));
    assert_eq!(sim.ok(&hex!("00B0000009")).len(), 9, "the channel is where it was");
    assert_eq!(host.status(&mut sim, hex!("81F0800F"), &DOMAIN), 0x9000);
    assert_eq!(sim.send(&toolkit), hex!("6F088406F04F4E4543119000"));
}

#[test]
fn installed_selectable_locked() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let data = install_data(&host, 1, 0x00, &CONTROL);
    assert_eq!(host.ok(&mut sim, hex!("80E60400"), &data), [0]);
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x03)]);
    assert_eq!(sim.radio(&select(1)), hex!("6A82"));
    let lock = hex!("80F04080");
    let unlock = hex!("80F04000");
    let selectable = fields(&[&[], &[], &name(1), &[0], &[0xC9, 0], &[]]);
    // Locked as it is, and as such not made selectable.
    host.ok(&mut sim, lock, &name(1));
    assert_eq!(host.status(&mut sim, hex!("80E60800"), &selectable), 0x6985);
    host.ok(&mut sim, unlock, &name(1));
    assert_eq!(host.status(&mut sim, hex!("80F04007"), &name(1)), 0x6985);
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x03)]);
    assert_eq!(host.ok(&mut sim, hex!("80E60800"), &selectable), [0]);
    assert_eq!(host.ok(&mut sim, hex!("80E60800"), &selectable), [0], "said again");
    assert!(sim.radio(&select(1)).ends_with(&hex!("9000")));
    // Locked under a terminal that has it selected: it serves nothing more.
    host.ok(&mut sim, hex!("80F04087"), &name(1));
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x87)]);
    assert_eq!(sim.radio(&hex!("805C000204")), hex!("6985"));
    assert_eq!(sim.radio(&select(1)), hex!("6A82"));
    let mut sim = sim.power_cycled();
    assert_eq!(sim.radio(&select(1)), hex!("6A82"));
    let mut host = Login::SCP03.open(&mut sim);
    host.ok(&mut sim, unlock, &name(1));
    assert!(sim.radio(&select(1)).ends_with(&hex!("9000")));
    for other in [&hex!("F04F4E454311")[..], &hex!("F04F4E454300"), &DOMAIN] {
        assert_eq!(host.status(&mut sim, lock, other), 0x6985);
    }
    assert_eq!(host.status(&mut sim, lock, &name(2)), 0x6A88);
}

#[test]
fn all_applications_at_once() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    (1..=3).for_each(|number| install(&mut sim, &mut host, number));
    host.ok(&mut sim, hex!("80F06080"), &DOMAIN);
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x87), (2, 0x87), (3, 0x87)]);
    host.ok(&mut sim, hex!("80F06000"), &DOMAIN);
    assert_eq!(listed(&mut sim, &mut host), [(1, 0x07), (2, 0x07), (3, 0x07)]);
    assert_eq!(host.status(&mut sim, hex!("80F06080"), &name(1)), 0x6A88);
}
