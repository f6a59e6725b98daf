//! A SIM in RAM, with enterprise applications on it.

use std::{cell::RefCell, rc::Rc};

use hex_literal::hex;
use onecard_applet::{
    Blank, Codes, Interface, Memory, Platform, PowerLost, RFID_SIM_IMAGE_SIZE, Response, RfidSim, SimData, Subscriber,
    manufacture,
};

use crate::chip::{Chip, Reader, blank};

/// What outlives a power-off, and what ends the power.
#[derive(Clone)]
pub struct SimChip {
    pub bytes: Vec<u8>,
    pub operations_left: usize,
    pub landing: usize,
    pub operations: usize,
}

#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<SimChip>>);

impl Memory for Shared {
    fn size(&self) -> usize {
        RFID_SIM_IMAGE_SIZE
    }
    fn read(&self, address: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.0.borrow().bytes[address..address + into.len()]);
    }
    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        let mut chip = self.0.borrow_mut();
        let torn = chip.operations_left == 0;
        let landing = if torn { chip.landing.min(bytes.len()) } else { bytes.len() };
        chip.bytes[address..address + landing].copy_from_slice(&bytes[..landing]);
        if torn {
            return Err(PowerLost);
        }
        chip.operations_left -= 1;
        chip.operations += 1;
        Ok(())
    }
}

impl Platform for Shared {
    fn random(&mut self, into: &mut [u8]) {
        into.fill(0x5A);
    }
}

/// A SIM without applications.
pub fn empty() -> SimChip {
    let codes = Codes {
        pin1: *b"1234\xFF\xFF\xFF\xFF",
        pin1_enabled: false,
        puk1: *b"12345678",
        pin2: *b"5678\xFF\xFF\xFF\xFF",
        puk2: *b"87654321",
        adm1: *b"77777777",
    };
    let data = SimData {
        iccid: hex!("986800622143658709F0"),
        imsi: hex!("084906002143658709"),
        subscriber: Subscriber {
            key: hex!("465B5CE8B199B49FAA5F0A2EE238A6BC"),
            opc: hex!("CD63CB71954A9F4E48A5994E37A02BAF"),
        },
        codes,
        key_sets: &[],
    };
    let chip = SimChip { bytes: vec![0; RFID_SIM_IMAGE_SIZE], operations_left: usize::MAX, landing: 0, operations: 0 };
    let shared = Shared(Rc::new(RefCell::new(chip)));
    let manufactured = manufacture(shared, Blank::RfidSim(&data)).unwrap();
    manufactured.0.borrow().clone()
}

/// File table: behind the header's page and eight journal slots.
const FILE_TABLE: usize = 64 + 8 * 512;
const ENTRY_LEN: usize = 32;
const ENTRIES: usize = 160;
const LIFE_CYCLE_AT: usize = 12;
const SELECTABLE: u8 = 0x07;

/// A SIM with the applications of a CPU card: both keep them in the same places of their memories.
pub fn with_applications_of(card: &Chip) -> SimChip {
    let mut sim = empty();
    let (header, root) = (sim.bytes[..64].to_vec(), sim.bytes[FILE_TABLE..FILE_TABLE + ENTRY_LEN].to_vec());
    sim.bytes[..card.bytes.len()].copy_from_slice(&card.bytes);
    sim.bytes[..64].copy_from_slice(&header);
    sim.bytes[FILE_TABLE..FILE_TABLE + ENTRY_LEN].copy_from_slice(&root);
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
pub fn lock_by_domain(sim: &mut SimChip, nth: usize) {
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

/// A SIM under power.
pub struct Sim {
    pub chip: Shared,
    pub card: RfidSim<Shared>,
}

impl Sim {
    pub fn power_up(chip: SimChip) -> Self {
        Self::try_power_up(chip).map_err(|_| "power lost").unwrap()
    }

    pub fn try_power_up(chip: SimChip) -> Result<Self, SimChip> {
        let chip = Shared(Rc::new(RefCell::new(chip)));
        match RfidSim::power_up(chip.clone()) {
            Ok(card) => Ok(Self { chip, card }),
            Err(_) => Err(chip.0.borrow().clone()),
        }
    }

    pub fn power_down(self) -> SimChip {
        drop(self.card.power_down());
        let mut chip = self.chip.0.borrow().clone();
        chip.operations_left = usize::MAX;
        chip
    }

    pub fn try_send(&mut self, command: &[u8]) -> Result<Vec<u8>, PowerLost> {
        let mut answer = Response::new();
        self.card.process(Interface::Contact, command, &mut answer).map(|()| answer.to_vec())
    }

    pub fn send(&mut self, command: &[u8]) -> Vec<u8> {
        self.try_send(command).unwrap()
    }
}
