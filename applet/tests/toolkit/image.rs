//! Memories of SIMs with enterprise applications in them.

use hex_literal::hex;
use onecard_applet::{KeySet, KeySetCipher};

use crate::{
    chip::{Chip, Reader, blank},
    host::Login,
    sim::{KEY_SETS, Sim, try_blank},
};

pub const KIC: [u8; 16] = hex!("1112131415161718191A1B1C1D1E1F10");
pub const KID: [u8; 16] = hex!("2122232425262728292A2B2C2D2E2F20");
/// TON and NPI, then the digits of 10650012345: an odd number of them.
pub const PLATFORM: [u8; 7] = hex!("91 01560021 43F5");

/// A SIM without applications; key set 01 is for packets over the air.
pub fn empty() -> Chip {
    let over_the_air = KeySet { version: 0x01, cipher: KeySetCipher::Aes, enc: &KIC, mac: &KID, dek: &[0x33; 16] };
    try_blank(&[KEY_SETS[0], KEY_SETS[1], over_the_air]).unwrap()
}

/// Tells the toolkit where requests go.
pub fn set_up(chip: Chip) -> Chip {
    let groups = [&hex!("5001 07")[..], &PLATFORM, &hex!("5003 01 01")].concat();
    let mut sim = Sim::insert(chip);
    assert_eq!(store(&mut sim, &groups), 0x9000);
    sim.remove()
}

/// STORE DATA to the applet, in a session of the issuer domain; its status.
pub fn store(sim: &mut Sim, groups: &[u8]) -> u16 {
    let mut host = Login::SCP03.open(sim);
    host.ok(sim, hex!("80E62000"), &hex!("00 00 06 F04F4E454311 00 00 00"));
    host.status(sim, hex!("80E28800"), groups)
}

/// File table: behind the header's page and eight journal slots.
const FILE_TABLE: usize = 64 + 8 * 512;
const ENTRY_LEN: usize = 32;
const ENTRIES: usize = 160;
const LIFE_CYCLE_AT: usize = 12;
const SELECTABLE: u8 = 0x07;

/// A SIM with the applications of a CPU card: both keep them in the same places of their memories.
pub fn with_applications_of(card: &Chip) -> Chip {
    onto(empty(), card)
}

/// Puts the applications of a CPU card onto a SIM without any.
pub fn onto(mut sim: Chip, card: &Chip) -> Chip {
    let (header, root) = (sim.bytes[..64].to_vec(), sim.bytes[FILE_TABLE..FILE_TABLE + ENTRY_LEN].to_vec());
    sim.bytes[..card.bytes.len()].copy_from_slice(&card.bytes);
    sim.bytes[..64].copy_from_slice(&header);
    sim.bytes[FILE_TABLE..FILE_TABLE + ENTRY_LEN].copy_from_slice(&root);
    // Or the newest slot would undo what follows.
    sim.bytes[64..FILE_TABLE].fill(0);
    for entry in 1..ENTRIES {
        let at = FILE_TABLE + entry * ENTRY_LEN;
        let is_directory = sim.bytes[at] == 1 && sim.bytes[at + 1] == 0x38;
        if is_directory {
            sim.bytes[at + LIFE_CYCLE_AT] = SELECTABLE;
        }
    }
    sim
}

/// Bit 8 of the life cycle of the `nth` application: the issuer domain has locked it.
pub fn lock_by_domain(sim: &mut Chip, nth: usize) {
    let directories = (1..ENTRIES).map(|entry| FILE_TABLE + entry * ENTRY_LEN);
    let at = directories.filter(|at| sim.bytes[*at] == 1 && sim.bytes[at + 1] == 0x38).nth(nth).unwrap();
    sim.bytes[at + LIFE_CYCLE_AT] |= 0x80;
}

/// A CPU card with `count` applications that have just been made: no keys, no money.
pub fn card_with(count: u8) -> Chip {
    let mut chip = blank(onecard_applet::Kind::CpuCard);
    for number in 1..=count {
        chip = add_application(chip, number);
    }
    chip
}

/// Adds enterprise `1000 0000 0000 00nn`, issued, both purses empty.
pub fn add_application(chip: Chip, number: u8) -> Chip {
    let mut reader = Reader::insert(chip);
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    let bcd = (number / 10) << 4 | (number % 10);
    let id = [0x10, 0, 0, 0, 0, 0, 0, bcd];
    let aid = [&hex!("F04F4E454301")[..], &id].concat();
    reader.ok(&[&[0x80, 0xE0, 0xDF, 0x10 + number, 0x16][..], &hex!("38 0500 FFFF 95 FFFF"), &aid].concat());
    reader.ok(&[&hex!("00A404000E")[..], &aid].concat());
    for file in [
        hex!("80E0001507 28 001E F0 F0 FF FF"),
        hex!("80E0001707 28 0024 F0 F0 FF FF"),
        hex!("80E0001807 2E 1417 F1 EF FF FF"),
        hex!("80E0000107 2F 0208 22 00 FF 18"),
        hex!("80E0000207 2F 0208 F0 00 FF 18"),
    ] {
        reader.ok(&file);
    }
    let public = [&id[..], &hex!("03 02 0000 3100100000000427 20260101 20281231 0000")].concat();
    reader.ok(&[&hex!("00D695001E")[..], &public].concat());
    reader.remove()
}
