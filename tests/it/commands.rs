//! The commands of the card operating system, one module a group, on one specimen card.

use onecard_applet::Kind;
use onecard_host::{apdu::Command, crypto::LineKey};

use crate::{
    probe::{DIRECTORY, NAME, Probe, Reply, bytes, line_key},
    purse::{KEY_ID, LOAD_KEY, PURCHASE_KEY, TAC_KEY},
};

mod authentication;
mod binary;
mod create;
mod erase;
mod life_cycle;
mod pin;
mod record;
mod rights;
mod sam;
mod sam_load;
mod select;
mod wallet;
mod write_key;

pub(crate) const MF_CONTROL: [u8; 16] = hex_literal::hex!("A0A1A2A3A4A5A6A7B8B9BABBBCBDBEBF");
pub(crate) const MF_MAINTENANCE: [u8; 16] = hex_literal::hex!("C0C1C2C3C4C5C6C7D8D9DADBDCDDDEDF");
pub(crate) const CONTROL: [u8; 16] = hex_literal::hex!("0F1E2D3C4B5A69788796A5B4C3D2E1F1");
pub(crate) const READING: [u8; 16] = hex_literal::hex!("39013901390139010139013901390139");
pub(crate) const MAINTENANCE: [u8; 16] = hex_literal::hex!("3600360036003600DEADBEEFCAFEF00D");
pub(crate) const APPEND: [u8; 16] = hex_literal::hex!("3602360236023602123456789ABCDEF0");
pub(crate) const UNBLOCK: [u8; 16] = hex_literal::hex!("3700370037003700FEDCBA9876543210");
pub(crate) const RELOAD: [u8; 16] = hex_literal::hex!("38003800380038000011223344556677");
pub(crate) const PIN: &str = "123456";
/// The other application beside the specimen's.
pub(crate) const OTHER_NAME: &str = "F04F4E4543012000000000000002";

/// Two applications under an operator's MF. The first has every kind of file and key; rights are enforced, it is selected,
/// its state is 0. Counters of three, so that they can be seen to move.
///
/// | EF | kind | read | write |
/// |---|---|---|---|
/// | 0012 | binary, 8 bytes | never | never |
/// | 0013 | binary, 600 bytes | free | free |
/// | 0014 | binary, 16 bytes | PIN | PIN |
/// | 0015 | binary, 30 bytes, 01 02 … | free | MAC |
/// | 0016 | binary, 55 bytes | any state | MAC |
/// | 0018 | log, 10 records | any state | never |
/// | 0019 | binary, 32 bytes | any state | enciphered |
/// | 001A | cyclic, 3 of 16 bytes | any state | MAC by 36 id 02 |
/// | 001B | fixed, 3 of 8 bytes | free | free |
/// | 001C | variable, 32 bytes | free | free |
/// | 001D | binary, 16 bytes | free, MAC alone | free |
pub(crate) fn specimen() -> Probe {
    let mut probe = Probe::erased(Kind::CpuCard);
    probe.done("80E03F000D 38 FFFF FF FF 01 FFFFFFFFFFFFFF");
    probe.create("0000", "3F 0050 01 FF FF FF");
    probe.key(0x00, "39F0F00F33", &MF_CONTROL);
    probe.key(0x00, "36F0F0FF33", &MF_MAINTENANCE);
    probe.done(&format!("80E0DF0216 38 0100 FFFF 95 FFFF {OTHER_NAME}"));
    probe.done(&format!("80E0{DIRECTORY}16 38 1000 FFFF 95 FFFF {NAME}"));
    probe.done(&format!("00A4000002 {DIRECTORY}"));
    probe.create("0000", "3F 0300 95 FF FF FF");
    for (id, header, value) in [
        (0x00, "39F0F00F33", &CONTROL[..]),
        (0x01, "39F0F00133", &READING),
        (0x00, "36F0F0FF33", &MAINTENANCE),
        (0x02, "36F0F0FF33", &APPEND),
        (0x00, "37F0F0FF33", &UNBLOCK),
        (0x00, "38F0F0FF33", &RELOAD),
        (0x00, "3AF0EF0233", &bytes(PIN)),
        (0x00, "34F0F00100", &TAC_KEY),
        (KEY_ID, "3FF0F00100", &LOAD_KEY),
        (0x01, "3F22F00100", &LOAD_KEY),
        (KEY_ID, "3EF0F00100", &PURCHASE_KEY),
    ] {
        probe.key(id, header, value);
    }
    for (fid, created) in [
        ("0012", "28 0008 EFEF FF FF"),
        ("0013", "28 0258 F0F0 FF FF"),
        ("0014", "28 0010 2222 FF FF"),
        ("0015", "A8 001E F0F0 FF FF"),
        ("0016", "A8 0037 F1F0 FF FF"),
        ("0018", "2E 0A17 F1EF FF FF"),
        ("0019", "E8 0020 F1F0 FF FF"),
        ("001A", "AE 0310 F1F0 FF FD"),
        ("001B", "2A 0308 F0F0 FF FF"),
        ("001C", "2C 0020 F0F0 FF FF"),
        ("001D", "28 0010 F0F0 FF 7F"),
        ("0001", "2F 0208 22 00 FF 18"),
        ("0002", "2F 0208 F0 00 FF 18"),
    ] {
        probe.create(fid, created);
    }
    let content: Vec<u8> = (1..=30).collect();
    let write = Command::new(0x04, 0xD6, 0x95, 0x00).with_bytes(&content).unwrap();
    assert_eq!(probe.send_with_mac(&write, &maintenance()).status, 0x9000);
    probe.done("00A40000023F00");
    select(&mut probe);
    probe
}

/// Leaves and enters the specimen's application: its state is 0 again.
pub(crate) fn select(probe: &mut Probe) -> Vec<u8> {
    probe.done(&format!("00A404000E {NAME} 00"))
}

pub(crate) fn verify_pin(probe: &mut Probe) {
    probe.done(&format!("0020000003 {PIN}"));
}

/// EXTERNAL AUTHENTICATE.
pub(crate) fn authenticate(probe: &mut Probe, id: u8, key: &[u8]) -> Reply {
    let challenge = probe.fresh_challenge();
    probe.send(&onecard_host::card::external_authentication(id, challenge, &line_key(key)).to_bytes())
}

pub(crate) fn maintenance() -> LineKey {
    line_key(&MAINTENANCE)
}

/// A command in hexadecimal as the host library holds it: header, then data.
pub(crate) fn command(text: &str) -> Command {
    let text = bytes(text);
    let (header, data) = text.split_first_chunk::<4>().unwrap();
    let [cla, ins, p1, p2] = *header;
    Command::new(cla, ins, p1, p2).with_bytes(data).unwrap()
}

/// `text` with a wrong MAC, after a GET CHALLENGE of its own.
pub(crate) fn with_wrong_mac(probe: &mut Probe, text: &str) -> Reply {
    probe.send_with_mac(&command(text), &line_key(&[0x77; 16]))
}
