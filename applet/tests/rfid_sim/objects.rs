//! GET DATA, STORE DATA, GET STATUS.

use hex_literal::hex;

use super::{
    applications::{LIST, fields, install, listed, name},
    host::{Login, SELECT},
    sim::Sim,
};

#[test]
fn data_objects_in_clear() {
    let mut sim = Sim::new();
    assert_eq!(sim.ok(&SELECT), hex!("6F 10 84 08 A000000151000000 A5 04 9F65 01 FF"));
    assert_eq!(sim.ok(&hex!("00A4040008A00000000300000000")), sim.ok(&SELECT));
    assert_eq!(sim.ok(&hex!("00A4040000")), sim.ok(&SELECT));
    assert_eq!(sim.ok(&hex!("00A4040C08A000000151000000")), []);
    assert_eq!(sim.ok(&hex!("00A4040408A000000003000000")), sim.ok(&SELECT), "as SIM tools ask");
    assert_eq!(sim.send(&hex!("00A4040808A000000151000000")), hex!("6A86"));
    assert_eq!(sim.send(&hex!("00A4040008A00000015100000010")), hex!("6C12"));
    for (tag, value) in [
        (
            [0x00, 0x66],
            &hex!(
                "73 3C 0607 2A864886FC6B01 600C060A 2A864886FC6B02020301 63090607 2A864886FC6B03
            640B0609 2A864886FC6B040255 640B0609 2A864886FC6B040370"
            )[..],
        ),
        ([0x00, 0x67], &hex!("A00A 800103 81027071 820107 A006 800102 810155")),
        ([0x00, 0xE0], &hex!("C00401308810 C00402308810 C00403308810 C00401208010 C00402208010 C00403208010")),
        ([0x00, 0xC1], &hex!("000000")),
        ([0x00, 0xD3], &hex!("00")),
        (
            [0x9F, 0x7F],
            &hex!("000000000000000000000000 43658709 6221 000000000000000000000000000000000000000000000000"),
        ),
    ] {
        let short = sim.ok(&[0x00, 0xCA, tag[0], tag[1], 0x00]);
        assert_eq!(short, value, "{tag:02X?}");
        let whole = sim.ok(&[0x80, 0xCA, tag[0], tag[1], 0x00]);
        let header = if tag[0] == 0 { &tag[1..] } else { &tag[..] };
        assert_eq!(whole, [header, &[value.len() as u8], value].concat());
        let exact = [0x80, 0xCA, tag[0], tag[1], whole.len() as u8];
        assert_eq!(sim.ok(&exact), whole);
        assert_eq!(sim.send(&[0x80, 0xCA, tag[0], tag[1], 1]), [0x6C, whole.len() as u8]);
    }
    for missing in [hex!("80CA004200"), hex!("80CA004500"), hex!("80CA00C200"), hex!("80CA123400")] {
        assert_eq!(sim.send(&missing), hex!("6A88"));
    }
    assert_eq!(sim.send(&hex!("80CA0066010000")), hex!("6A80"));
    // Who is on the card is told to the operator alone.
    assert_eq!(sim.send(&hex!("80CA2F00025C0000")), hex!("6982"));
    assert_eq!(sim.send(&hex!("80CA2F0000")), hex!("6A80"));
    for resources in [hex!("80CAFF2100"), hex!("00CAFF2100")] {
        assert_eq!(sim.send(&resources), hex!("6982"), "how many there are, neither");
    }
}

#[test]
fn the_toolkit_applet_is_selected_as_the_domain_is() {
    let mut sim = Sim::new();
    let fci = hex!("6F088406F04F4E454311");
    for (command, answer) in [
        (&hex!("00A4040006F04F4E454311")[..], &fci[..]),
        (&hex!("00A4040406F04F4E45431100"), &fci),
        (&hex!("00A4040406F04F4E4543110A"), &fci),
        (&hex!("00A4040C06F04F4E454311"), &[]),
    ] {
        assert_eq!(sim.ok(command), answer, "{command:02X?}");
        assert_eq!(sim.send(&hex!("0084000004")), hex!("6D00"));
    }
    sim.ok(&hex!("00A40004023F00"));
    for (command, refusal) in [
        (&hex!("00A4040006F04F4E45431108")[..], hex!("6C0A")),
        (&hex!("00A4040806F04F4E454311"), hex!("6A86")),
        (&hex!("00A4040206F04F4E454311"), hex!("6A86")),
        (&hex!("00A4044006F04F4E454311"), hex!("6A86")),
    ] {
        assert_eq!(sim.send(command), refusal, "{command:02X?}");
        assert_eq!(sim.ok(&hex!("80F2000000"))[..2], hex!("6226"), "the files are current still");
    }
}

#[test]
fn resources_and_the_list_of_applications() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let free = |answer: &[u8]| {
        assert_eq!(
            (&answer[..5], &answer[6..8], &answer[12..]),
            (&hex!("FF210D8101")[..], &hex!("8204")[..], &hex!("83020000")[..])
        );
        (answer[5], u32::from_be_bytes(answer[8..12].try_into().unwrap()))
    };
    let before = free(&host.ok(&mut sim, hex!("80CAFF21"), &[]));
    install(&mut sim, &mut host, 1);
    let after = free(&host.ok(&mut sim, hex!("80CAFF21"), &[]));
    assert_eq!((before.0, after.0), (1, 2));
    assert!((4_000..6_000).contains(&(before.1 - after.1)), "{before:?} {after:?}");
    let list = host.ok(&mut sim, hex!("80CA2F00"), &hex!("5C00"));
    assert_eq!(list, [&hex!("61084F06F04F4E454311 61104F0E")[..], &name(1)].concat());
}

#[test]
fn store_data_to_the_domain() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    host.ok(&mut sim, hex!("80E28000"), &hex!("42 03 898600 45 04 01020304"));
    assert_eq!(host.ok(&mut sim, hex!("80CA0042"), &[]), hex!("4203898600"));
    host.ok(&mut sim, hex!("80E21000"), &hex!("42 02 8986"));
    host.ok(&mut sim, hex!("80E28801"), &hex!("0070 03 4501AA"));
    let mut sim = sim.power_cycled();
    sim.ok(&SELECT);
    assert_eq!(sim.ok(&hex!("80CA004200")), hex!("42028986"));
    assert_eq!(sim.ok(&hex!("00CA004500")), hex!("AA"));
    let mut host = Login::SCP03.open(&mut sim);
    for (header, data, status) in [
        (hex!("80E28001"), &hex!("420155")[..], 0x6A86),
        (hex!("80E2E000"), &hex!("420155"), 0x6A86),
        (hex!("80E29800"), &hex!("420155"), 0x6A86),
        (hex!("80E28800"), &hex!("420155"), 0x6A80),
        (hex!("80E28800"), &hex!("007103420155"), 0x6A80),
        (hex!("80E28000"), &hex!("420155 660100"), 0x6A88),
        (hex!("80E28000"), &hex!("420255"), 0x6A80),
        (hex!("80E28000"), &hex!("4200"), 0x6A80),
        (hex!("80E28000"), &hex!(""), 0x6A80),
    ] {
        assert_eq!(host.status(&mut sim, header, data), status, "{header:02X?} {data:02X?}");
        assert_eq!(host.ok(&mut sim, hex!("80CA0042"), &[]), hex!("42028986"));
    }
    // To the toolkit applet, until its last block; to an enterprise's application never.
    let for_toolkit = fields(&[&[], &[], &hex!("F04F4E454311"), &[], &[], &[]]);
    assert_eq!(host.ok(&mut sim, hex!("80E62000"), &for_toolkit), [0]);
    install(&mut sim, &mut host, 1);
    let for_enterprise = fields(&[&[], &[], &name(1), &[], &[], &[]]);
    assert_eq!(host.status(&mut sim, hex!("80E62000"), &for_enterprise), 0x6985);
    for (other, status) in [(&name(2)[..], 0x6A88), (&hex!("A000000151000000"), 0x6985)] {
        let other = fields(&[&[], &[], other, &[], &[], &[]]);
        assert_eq!(host.status(&mut sim, hex!("80E62000"), &other), status);
    }
}

#[test]
fn the_registry_in_every_form() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 0x01);
    let enterprise =
        [&hex!("E32B4F0E")[..], &name(1), &hex!("9F700107 C503000000 C406F04F4E454300 CC08A000000151000000")].concat();
    let toolkit = hex!("E31B4F06F04F4E454311 9F700107 C503000000 CC08A000000151000000");
    let domain = hex!("E3134F08A000000151000000 9F700101 C5039EFE80");
    let load_file = hex!("E31A4F06F04F4E454300 9F700101 CE020100 CC08A000000151000000");
    let with_module = hex!("E3224F06F04F4E454300 9F700101 CE020100 8406F04F4E454301 CC08A000000151000000");
    for (scope, search, expected) in [
        (0x80, &hex!("4F00")[..], domain.to_vec()),
        (0x40, &hex!("4F00"), [&toolkit[..], &enterprise].concat()),
        (0x20, &hex!("4F00"), load_file.to_vec()),
        (0x10, &hex!("4F00"), with_module.to_vec()),
        (0x40, &hex!("4F06F04F4E454301"), enterprise.clone()),
        (0x40, &hex!("4F00 5C079F70C5C4CC4F84"), [&toolkit[..], &enterprise].concat()),
        (0x40, &hex!("4F06F04F4E454311 5C014F"), hex!("E3084F06F04F4E454311").to_vec()),
        (0x80, &hex!("4F08A000000151000000 5C01C5"), hex!("E305C5039EFE80").to_vec()),
    ] {
        assert_eq!(host.ok(&mut sim, [0x80, 0xF2, scope, 0x02], search), expected, "{scope:02X} {search:02X?}");
    }
    let plain = [&hex!("06F04F4E4543110700 0E")[..], &name(1), &hex!("0700")].concat();
    assert_eq!(host.ok(&mut sim, hex!("80F24000"), &hex!("4F00")), plain);
    assert_eq!(host.ok(&mut sim, hex!("80F28000"), &hex!("4F00")), hex!("08A000000151000000019E"));
    assert_eq!(host.ok(&mut sim, hex!("80F22000"), &hex!("4F00")), hex!("06F04F4E4543000100"));
    assert_eq!(host.ok(&mut sim, hex!("80F21000"), &hex!("4F00")), hex!("06F04F4E4543000100 01 06F04F4E454301"));
    for (header, search, status) in [
        (hex!("80F24002"), &hex!("4F09A00000015100000000")[..], 0x6A88),
        (hex!("80F28002"), &hex!("4F06F04F4E454301"), 0x6A88),
        (hex!("80F2C002"), &hex!("4F00"), 0x6A86),
        (hex!("80F24004"), &hex!("4F00"), 0x6A86),
        (hex!("80F24003"), &hex!("4F00"), 0x6985),
        (hex!("80F24002"), &hex!(""), 0x6A80),
        (hex!("80F24002"), &hex!("5C014F"), 0x6A80),
        (hex!("80F24002"), &hex!("4F02F0"), 0x6A80),
        (hex!("80F24002"), &hex!("4F00 5C014F 5C014F"), 0x6A80),
        (hex!("80F24002"), &hex!("4F11 F04F4E45430110000000000000010000000000"), 0x6A80),
    ] {
        assert_eq!(host.status(&mut sim, header, search), status, "{header:02X?} {search:02X?}");
    }
}

/// More than one answer holds: 6310, and the next command goes on.
#[test]
fn the_registry_goes_on() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for number in 1..=8 {
        install(&mut sim, &mut host, number);
    }
    assert_eq!(listed(&mut sim, &mut host), (1..=8).map(|number| (number, 0x07)).collect::<Vec<_>>());
    let (first, status) = host.send(&mut sim, LIST, &hex!("4F00"));
    assert_eq!(status, 0x6310);
    let (second, status) = host.send(&mut sim, hex!("80F24003"), &hex!("4F00"));
    assert_eq!((status, first.len() + second.len()), (0x9000, 29 + 8 * 45));
    assert_eq!(host.status(&mut sim, hex!("80F24003"), &hex!("4F00")), 0x6985);
    // What goes on is the same search in the same form.
    for (header, search) in [
        (hex!("80F24003"), &hex!("4F06F04F4E454301")[..]),
        (hex!("80F24003"), &hex!("4F01A0")),
        (hex!("80F24003"), &hex!("4F00 5C014F")),
        (hex!("80F24001"), &hex!("4F00")),
    ] {
        assert_eq!(host.status(&mut sim, LIST, &hex!("4F00")), 0x6310);
        assert_eq!(host.status(&mut sim, header, search), 0x6985, "{header:02X?} {search:02X?}");
    }
    // Anything in between ends it.
    assert_eq!(host.status(&mut sim, LIST, &hex!("4F00")), 0x6310);
    assert_eq!(host.status(&mut sim, hex!("80F22003"), &hex!("4F00")), 0x6985);
    assert_eq!(host.status(&mut sim, hex!("80F24003"), &hex!("4F00")), 0x6985);
}
