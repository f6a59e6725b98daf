//! 19.4.2: the UICC's files over the air, and what pySim says to a real card.

use hex_literal::hex;

use crate::{
    platform::{FILES, FILES_2G, FILES_USIM, Platform, answers, deliver, sim},
    sim::Sim,
};

/// What ADM1 opens is open, what PIN2 opens is not; the phone's rights and selection are as they were.
#[test]
fn rights_over_the_air_are_the_operators_alone() {
    let mut sim = sim();
    sim.ok(&hex!("00A4000C022FE2"));
    let mut platform = Platform::new(1);
    // SPN, which ADM1 updates; LI, which PIN1 does; EST, which PIN2 does.
    let mut update = |sim: &mut Sim, fid: [u8; 2], byte: u8| {
        let select = [&hex!("00A4000C02")[..], &fid].concat();
        let answered = platform.script(sim, FILES_USIM, &[&select, &[0x00, 0xD6, 0, 0, 1, byte]]);
        u16::from_be_bytes(answered[1][..].try_into().unwrap())
    };
    assert_eq!(update(&mut sim, hex!("6F46"), 0x01), 0x9000);
    assert_eq!(update(&mut sim, hex!("6F05"), b'e'), 0x9000);
    assert_eq!(update(&mut sim, hex!("6F56"), 0x01), 0x6982);
    assert_eq!(update(&mut sim, hex!("6FAD"), 0x01), 0x9000);
    assert_eq!(sim.ok(&hex!("00B000000A")), crate::sim::ICCID, "the phone is where it was");
    sim.ok(&hex!("00A4040C0C A0000000871002FF86FFFF89"));
    sim.ok(&hex!("00A4000C026F46"));
    assert_eq!(sim.ok(&hex!("00B0000001")), hex!("01"));
    assert_eq!(sim.send(&hex!("00D600000100")), hex!("6982"), "ADM1 is not verified for the phone");
}

/// With PIN1 asked for and not verified, the operator reads what it guards.
#[test]
fn a_pin_of_the_phone_is_not_asked_for() {
    let mut sim = sim();
    sim.ok(&hex!("0028000108 31323334FFFFFFFF"));
    let mut sim = sim.power_cycled();
    sim.ok(&hex!("00A4040C0C A0000000871002FF86FFFF89"));
    sim.ok(&hex!("00A4000C026F07"));
    assert_eq!(sim.send(&hex!("00B0000009")), hex!("6982"));
    let mut platform = Platform::new(1);
    let read = platform.script(&mut sim, FILES_USIM, &[&hex!("00A4000C026F07"), &hex!("00B0000009")]);
    assert_eq!(read[1], hex!("084906002143658709 9000"));
    assert_eq!(sim.send(&hex!("00B0000009")), hex!("6982"), "and the phone reads it no more than before");
}

#[test]
fn where_each_tar_begins() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let imsi = hex!("084906002143658709 9000");
    let mut read = |tar, select: &[u8]| {
        let answered = platform.script(&mut sim, tar, &[select, &hex!("00B0000009")]);
        answered.last().unwrap().clone()
    };
    assert_eq!(read(FILES_USIM, &hex!("00A4000C026F07")), imsi);
    assert_eq!(read(FILES, &hex!("00A4000C026F07")), hex!("6A82"));
    assert_eq!(read([0xB0, 0, 1], &hex!("00A4080C022FE2"))[..9], crate::sim::ICCID[..9]);
    let mut by_name = platform.script(
        &mut sim,
        FILES,
        &[&hex!("00A4040C0C A0000000871002FF86FFFF89"), &hex!("00A4000C026F07"), &hex!("00B0000009")],
    );
    assert_eq!(by_name.pop().unwrap(), imsi);
}

/// The exchange of pySim's manual with a sysmoISIM-SJA2: SELECT of DF GSM in class A0, 22 bytes of its parameters. The packet
/// is the published one; what differs in the answer is what the two cards' directories hold.
#[test]
fn what_pysim_says_to_a_real_card() {
    let (kic, kid) = (hex!("F09C43EE1A0391665CC9F05AF4E0BD10"), hex!("01981F4A20999F62AF99988007BAF6CA"));
    let mut platform = Platform::new(2);
    (platform.set, platform.kic, platform.kid) = (1, kic.to_vec(), kid.to_vec());
    let set = onecard_applet::KeySet {
        version: 1,
        cipher: onecard_applet::KeySetCipher::Des,
        enc: &kic,
        mac: &kid,
        dek: &[0x33; 16],
    };
    let mut sim = Sim::insert(crate::sim::try_blank(&[crate::sim::KEY_SETS[0], crate::sim::KEY_SETS[1], set]).unwrap());
    assert_eq!(crate::image::store(&mut sim, &hex!("5005 01 06")), 0x9000);
    let without_counter = hex!("00281506191515B00010DA1D6CBBD0D11CE4330D844C7408340943E843F67A6D7B0674730881605FD62D");
    let report = deliver(&mut sim, &without_counter);
    let proof = platform.read(0x19, &report);
    assert_eq!((proof.tar, proof.counter, proof.status), (FILES_2G, 0, 0x00));
    assert_eq!((&proof.data[..3], proof.data.len()), (&hex!("029000")[..], 25));
    assert_eq!(proof.data[7..10], hex!("7F2002"));
    // The second one: counter 64 (hex), only if higher, and again.
    let with_counter = hex!("00281516191515B000103A4F599E94F2B5DCFBBDA984761B7977DF6514C57A580FB4844787C436D2EADE");
    let report = deliver(&mut sim, &with_counter);
    let proof = platform.read(0x19, &report);
    assert_eq!((proof.counter, proof.status, &proof.data[..3]), (0x64, 0x00, &hex!("029000")[..]));
    assert_eq!(platform.read(0x19, &deliver(&mut sim, &with_counter)).status, 0x02);
}

#[test]
fn class_a0_in_its_own_words() {
    let mut sim = sim();
    let mut platform = Platform::new(3);
    let compact = platform.send(&mut sim, FILES_2G, &hex!("A0A40000027F20 A0A40000026F07"));
    assert_eq!(compact, hex!("02 9F0F"));
    let fetched = platform.send(&mut sim, FILES_2G, &hex!("A0A40000027F20 A0A40000026F07 A0C000000F A0B0000009"));
    assert_eq!(fetched, hex!("04 9000 084906002143658709"));
    let script = platform.script(&mut sim, FILES_2G, &[&hex!("A0A40000027F20"), &hex!("A0A40000026FEE")]);
    assert_eq!(script[1], hex!("9404"));
    let both =
        platform.send(&mut sim, FILES_2G, &crate::platform::script(&[&hex!("00A40004023F00"), &hex!("A0F2000016")]));
    assert_eq!(answers(&both).len(), 2);
}
