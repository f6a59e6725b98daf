//! What phones and SIM tools ask first, as it was seen on the wire.

use hex_literal::hex;

use super::sim::{PIN1, sim};

#[test]
fn the_mf_its_directory_and_the_iccid() {
    let mut sim = sim();
    assert_eq!(
        sim.ok(&hex!("00A40004023F00")),
        hex!("622682027821 83023F00 A506800171870101 8A0105 8B032F0607 C60C9001E083010183018183010A")
    );
    assert_eq!(sim.ok(&hex!("00A40004022F00")), hex!("621A82054221002601 83022F00 8A0105 8B032F0601 80020026 8801F0"));
    assert_eq!(
        sim.ok(&hex!("00B2010426")),
        hex!("61184F10A0000000871002FF86FFFF89FFFFFFFF50045553494D FFFFFFFFFFFFFFFFFFFFFFFF")
    );
    assert_eq!(sim.ok(&hex!("00A40804022FE2")), hex!("621782024121 83022FE2 8A0105 8B032F0601 8002000A 880110"));
    assert_eq!(sim.ok(&hex!("00B000000A")), hex!("986800622143658709F0"));
    assert_eq!(sim.ok(&hex!("00B0850000")), *b"zhen");
}

#[test]
fn the_usim_is_found_by_its_aid_and_its_identity_needs_pin1() {
    let mut sim = sim();
    assert_eq!(
        sim.select_usim(),
        hex!(
            "623482027821 8410A0000000871002FF86FFFF89FFFFFFFF A506800171870101 8A0105 8B032F0607 C60C9001E083010183018183010A"
        )
    );
    assert_eq!(sim.select(0x6F07), hex!("621782024121 83026F07 8A0105 8B036F0604 80020009 880138"));
    assert_eq!(sim.send(&hex!("00B0000009")), hex!("6982"));
    assert_eq!(sim.send(&hex!("0020000100")), hex!("63C3"));
    assert_eq!(sim.pin(0x20, 0x01, b"0000\xFF\xFF\xFF\xFF"), 0x63C2);
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.send(&hex!("00200001")), hex!("63C3"));
    assert_eq!(sim.ok(&hex!("00B0000009")), hex!("084906002143658709"));
    assert_eq!(sim.ok(&hex!("80F2000100")), hex!("8410A0000000871002FF86FFFF89FFFFFFFF"));
    sim.reset();
    sim.select_usim();
    sim.select(0x6F07);
    assert_eq!(sim.send(&hex!("00B0000009")), hex!("6982"));
}

/// Other applications a reader may look for are not there, and a look at them changes nothing.
#[test]
fn what_is_not_there_is_6a82() {
    let mut sim = sim();
    sim.select_usim();
    for absent in [
        &hex!("00A4040410A0000005591010FFFFFFFF8900000100")[..],
        &hex!("00A4040409A00000015141434C00"),
        &hex!("00A404040CA0000000871004FFFFFFFF89"),
        &hex!("00A4040404A0000000"),
        &hex!("00A40404067FFFA0000000"),
        &hex!("00A40004027FE0"),
        &hex!("00A40004027F25"),
        &hex!("00A40804047FFF6F14"),
        &hex!("00A40004022F16"),
    ] {
        assert_eq!(sim.send(absent), hex!("6A82"), "{absent:02X?}");
    }
    assert_eq!(sim.ok(&hex!("80F2000100")), hex!("8410A0000000871002FF86FFFF89FFFFFFFF"));
    assert_eq!(sim.send(&hex!("0003000000")), hex!("6D00"));
    assert_eq!(sim.send(&hex!("00F2000000")), hex!("6E00"));
    assert_eq!(sim.send(&hex!("04B0000000")), hex!("6882"));
    assert_eq!(sim.send(&hex!("20B0000000")), hex!("6E00"));
}

/// What a tool that does not know the ATR does: class A0 alone.
#[test]
fn the_2g_class_reads_the_same_files() {
    let mut sim = sim();
    assert_eq!(sim.ok(&hex!("A0A40000023F00")), hex!("00000000 3F00 01 0000000000 09 01 02 04 04 00 838A838A"));
    assert_eq!(sim.ok(&hex!("A0A40000022FE2")), hex!("0000 000A 2FE2 04 00 0FFFFF 01 02 00 00"));
    assert_eq!(sim.ok(&hex!("A0B000000A")), hex!("986800622143658709F0"));
    assert_eq!(sim.ok(&hex!("A0A40000027F20")), hex!("00000000 7F20 02 0000000000 09 01 00 0B 04 00 838A838A"));
    assert_eq!(sim.ok(&hex!("A0A40000026F07")), hex!("0000 0009 6F07 04 00 14FFFF 01 02 00 00"));
    assert_eq!(sim.send(&hex!("A0B0000009")), hex!("9804"));
    assert_eq!(sim.send(&hex!("A020000108 3030303030303030")), hex!("9804"));
    assert_eq!(sim.ok(&[&hex!("A020000108")[..], &PIN1].concat()), [0; 0]);
    assert_eq!(sim.ok(&hex!("A0B0000009")), hex!("084906002143658709"));
    assert_eq!(sim.ok(&hex!("A0A40000026F78")), hex!("0000 0002 6F78 04 00 14FFFF 01 02 00 00"));
    assert_eq!(sim.ok(&hex!("A0B0000002")), hex!("0001"));
    assert_eq!(sim.ok(&hex!("A0A40000026F38")).len(), 15);
    // Menu selection and proactive SIM, services 26 and 29, are not promised, nor by the phase: class A0 serves no toolkit.
    let services = sim.ok(&hex!("A0B0000008"));
    assert_eq!((services[6] & 0x3C, services[7] & 0x03), (0, 0));
    sim.ok(&hex!("A0A40000026FAE"));
    assert_eq!(sim.ok(&hex!("A0B0000001")), hex!("02"));
    assert_eq!(sim.send(&hex!("A010000001FF")), hex!("6D00"));
    assert_eq!(sim.ok(&hex!("A0A40000027F10"))[..7], hex!("00000000 7F10 02"));
    assert_eq!(sim.ok(&hex!("A0A40000026F42")), hex!("0000 002A 6F42 04 00 11FFFF 01 02 01 2A"));
    assert_eq!(
        sim.ok(&hex!("A0B201042A")),
        hex!("FFFFFFFFFFFFFFFFFFFFFFFFFFFF E1 FFFFFFFFFFFFFFFFFFFFFFFF 0891683108100005F0FFFFFF 000000")
    );
    assert_eq!(sim.ok(&hex!("A0F2000016"))[..7], hex!("00000000 7F10 02"));
    for (command, refusal) in [
        (&hex!("A0A40000026F99")[..], hex!("9404")),
        (&hex!("A0B202042A"), hex!("9402")),
        (&hex!("A0B0000001"), hex!("9408")),
        (&hex!("A0B2010410"), hex!("672A")),
        (&hex!("A0B2013C2A"), hex!("6B00")),
        (&hex!("A070000001"), hex!("6D00")),
    ] {
        assert_eq!(sim.send(command), refusal, "{command:02X?}");
    }
    sim.ok(&hex!("A0A40000027F20"));
    assert_eq!(sim.send(&hex!("A0B0000001")), hex!("9400"));
}
