//! SELECT: where it looks, what begins and ends the USIM's session, and what class A0 does not know.

use hex_literal::hex;

use super::sim::{DATA, PIN1, PIN2, Phone, delivered, sim};

const USIM: [u8; 21] = hex!("00A4040C10A0000000871002FF86FFFF89FFFFFFFF");
/// The same, to end the session: P2 40 is deactivation with a FCP wanted, 4C without.
const END: [u8; 21] = hex!("00A4044C10A0000000871002FF86FFFF89FFFFFFFF");

fn on(channel: u8, command: &[u8]) -> Vec<u8> {
    [&[command[0] | channel], &command[1..]].concat()
}

/// The FID of the current directory, or `None` in the ADF.
fn directory(sim: &mut Phone, channel: u8) -> Option<u16> {
    let parameters = sim.ok(&on(channel, &hex!("80F2000000")));
    let [tag, _, value @ ..] = &parameters[6..] else { panic!("{parameters:02X?}") };
    (*tag == 0x83).then(|| u16::from_be_bytes([value[0], value[1]]))
}

#[test]
fn each_way_of_selecting_looks_where_the_standard_says() {
    let mut sim = sim();
    for (command, status, now) in [
        // P1 01: a directory in the current one, no EF, not the ADF by its number.
        (&hex!("00A4010C027F10")[..], hex!("9000"), Some(0x7F10)),
        (&hex!("00A4010C027F20"), hex!("6A82"), Some(0x7F10)),
        (&hex!("00A4010C026F3C"), hex!("6A82"), Some(0x7F10)),
        (&hex!("00A4010C01"), hex!("6700"), Some(0x7F10)),
        // P1 03: the directory around, of the MF none; no data.
        (&hex!("00A4030C023F00"), hex!("6700"), Some(0x7F10)),
        (&hex!("00A4030C"), hex!("9000"), Some(0x3F00)),
        (&hex!("00A4030C"), hex!("6A82"), Some(0x3F00)),
        (&hex!("00A4010C027FFF"), hex!("6A82"), Some(0x3F00)),
        // P1 09: from the current directory down.
        (&hex!("00A4090C047F106F44"), hex!("9000"), Some(0x7F10)),
        (&hex!("00A4090C026F3C"), hex!("9000"), Some(0x7F10)),
        (&hex!("00A4090C047F206F07"), hex!("6A82"), Some(0x7F10)),
        (&hex!("00A4090C036F3C00"), hex!("6700"), Some(0x7F10)),
        (&hex!("00A4090C"), hex!("6700"), Some(0x7F10)),
        // P1 08: from the MF down, whose own FID is not in it.
        (&hex!("00A4080C027F20"), hex!("9000"), Some(0x7F20)),
        (&hex!("00A4080C063F007F206F07"), hex!("6A82"), Some(0x7F20)),
        (&hex!("00A4080C047FFF6F07"), hex!("6A82"), Some(0x7F20)),
        // P1 00: here, beside, around, the MF.
        (&hex!("00A4000C026F07"), hex!("9000"), Some(0x7F20)),
        (&hex!("00A4000C027F10"), hex!("9000"), Some(0x7F10)),
        (&hex!("00A4000C"), hex!("9000"), Some(0x3F00)),
        (&hex!("00A4000C027FFF"), hex!("6A82"), Some(0x3F00)),
        (&USIM, hex!("9000"), None),
        (&hex!("00A4080C047FFF6F07"), hex!("9000"), None),
        (&hex!("00A4030C"), hex!("9000"), Some(0x3F00)),
        (&hex!("00A4000C027FFF"), hex!("9000"), None),
        (&hex!("00A4090C026F07"), hex!("9000"), None),
        (&hex!("00A4010C027F10"), hex!("6A82"), None),
        (&hex!("00A4020C026F07"), hex!("6A86"), None),
        (&hex!("00A4000D026F07"), hex!("6A86"), None),
        (&hex!("00A4004C026F07"), hex!("6A86"), None),
        (&hex!("00A4000802 6F07"), hex!("6A86"), None),
    ] {
        assert_eq!(sim.send(command), status, "{command:02X?}");
        assert_eq!(directory(&mut sim, 0), now, "{command:02X?}");
    }
}

/// Whether PIN2's right is there: EF EST is updated under it.
fn pin2_opens(sim: &mut Phone, channel: u8) -> bool {
    sim.ok(&on(channel, &USIM));
    sim.ok(&on(channel, &hex!("00A4000C026F56")));
    match sim.status(&on(channel, &hex!("00D600000100"))) {
        0x9000 => true,
        0x6982 => false,
        other => panic!("{other:04X}"),
    }
}

fn pin2_verified() -> Phone {
    let mut sim = Phone::insert(delivered(&DATA));
    sim.ok(&USIM);
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.pin(0x20, 0x81, &PIN2), 0x9000);
    assert!(pin2_opens(&mut sim, 0));
    sim
}

#[test]
fn the_end_of_the_usims_session_closes_pin2_and_not_pin1() {
    for p2 in [0x40, 0x44, 0x4C] {
        let mut sim = pin2_verified();
        let mut end = END;
        end[3] = p2;
        assert_eq!(sim.ok(&end), [0; 0], "{p2:02X}");
        assert_eq!(directory(&mut sim, 0), Some(0x3F00));
        assert_eq!(sim.send(&hex!("80F2000100")), hex!("6A88"), "no application is active");
        assert!(!pin2_opens(&mut sim, 0));
        sim.ok(&hex!("00A4000C026F07"));
        assert_eq!(sim.ok(&hex!("00B0000009")).len(), 9, "PIN1 is the whole card's");
    }
}

/// TS 102 221 clauses 8.4, 9.5.1: what PIN2 opened is the USIM's, as long as it is selected on any channel.
#[test]
fn another_channels_usim_keeps_pin2_open() {
    let mut sim = pin2_verified();
    assert_eq!(sim.ok(&hex!("0070000001")), [1]);
    // It never was selected there.
    sim.ok(&on(1, &END));
    assert!(pin2_opens(&mut sim, 0));
    assert!(pin2_opens(&mut sim, 1), "on that channel too");
    sim.ok(&on(1, &END));
    assert!(pin2_opens(&mut sim, 0), "ended on one channel alone");
    sim.ok(&on(1, &USIM));
    sim.ok(&hex!("00708001"));
    assert!(pin2_opens(&mut sim, 0), "closed on one channel alone");
}

#[test]
fn closing_the_last_channel_with_the_usim_closes_pin2() {
    for keeps in [false, true] {
        let mut sim = Phone::insert(delivered(&DATA));
        assert_eq!(sim.ok(&hex!("0070000001")), [1]);
        sim.ok(&on(1, &USIM));
        if keeps {
            sim.ok(&USIM);
        }
        assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
        assert_eq!(sim.pin(0x20, 0x81, &PIN2), 0x9000);
        sim.ok(&hex!("00708001"));
        assert_eq!(pin2_opens(&mut sim, 0), keeps);
    }
    // A channel without the USIM takes nothing with it.
    let mut sim = Phone::insert(delivered(&DATA));
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.pin(0x20, 0x81, &PIN2), 0x9000);
    assert_eq!(sim.ok(&hex!("0070000001")), [1]);
    sim.ok(&hex!("00708001"));
    assert!(pin2_opens(&mut sim, 0));
}

/// TS 51.011 has no ADF: its files are not reached, nor read on, by class A0.
#[test]
fn class_a0_does_not_reach_the_adf() {
    let mut sim = sim();
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    sim.select_usim();
    assert_eq!(sim.send(&hex!("A0A40000027FFF")), hex!("9404"));
    sim.select_usim();
    // EF Keys is in the ADF alone.
    sim.select(0x6F08);
    assert_eq!(sim.send(&hex!("A0B0000001")), hex!("9400"));
    sim.select_usim();
    assert_eq!(sim.send(&hex!("A0A40000026F08")), hex!("9404"));
    sim.select_usim();
    assert_eq!(sim.ok(&hex!("A0F2000016"))[4..7], hex!("3F0001"));
    // The USIM goes on in its own class.
    assert_eq!(sim.ok(&hex!("80F2000100")).len(), 18);
    sim.select(0x7FFF);
    sim.select(0x6F08);
}
