//! A RFID-SIM in RAM, and what it is made with.

use std::{cell::RefCell, rc::Rc};

use hex_literal::hex;
use onecard_applet::{
    Blank, Cause, Codes, Interface, KeySet, KeySetCipher, PowerLost, RFID_SIM_IMAGE_SIZE, Response, RfidSim, SimData,
    Subscriber, manufacture,
};

use super::chip::{Chip, Shared, Slot};

pub const ENC: [u8; 16] = hex!("404142434445464748494A4B4C4D4E4F");
pub const MAC: [u8; 16] = hex!("505152535455565758595A5B5C5D5E5F");
pub const DEK: [u8; 16] = hex!("606162636465666768696A6B6C6D6E6F");
pub const ICCID: [u8; 10] = hex!("986800622143658709F0");

pub const KEY_SETS: [KeySet<'static>; 2] = [
    KeySet { version: 0x30, cipher: KeySetCipher::Aes, enc: &ENC, mac: &MAC, dek: &DEK },
    KeySet { version: 0x20, cipher: KeySetCipher::Des, enc: &ENC, mac: &MAC, dek: &DEK },
];

pub fn data<'a>(key_sets: &'a [KeySet<'a>]) -> SimData<'a> {
    SimData {
        iccid: ICCID,
        imsi: hex!("084906002143658709"),
        subscriber: Subscriber { key: [0x46; 16], opc: [0xCD; 16] },
        codes: Codes {
            pin1: *b"1234\xFF\xFF\xFF\xFF",
            pin1_enabled: false,
            puk1: *b"12345678",
            pin2: *b"5678\xFF\xFF\xFF\xFF",
            puk2: *b"87654321",
            adm1: *b"77777777",
        },
        key_sets,
    }
}

pub fn blank() -> Chip {
    try_blank(&KEY_SETS).unwrap()
}

pub fn try_blank(key_sets: &[KeySet<'_>]) -> Option<Chip> {
    let bytes = vec![0; RFID_SIM_IMAGE_SIZE];
    let chip = Chip { bytes, random: Vec::new(), operations_left: usize::MAX, landing: 0, operations: 0 };
    let made = manufacture(Shared(Rc::new(RefCell::new(chip))), Blank::RfidSim(&data(key_sets))).ok()?;
    Some(made.0.borrow().clone())
}

impl Slot for Sim {
    fn try_insert(chip: Chip) -> Result<Self, Chip> {
        Self::try_insert(chip)
    }

    fn chip(&self) -> &Shared {
        &self.chip
    }

    fn remove(self) -> Chip {
        self.remove()
    }
}

/// A SIM under power from both sides.
pub struct Sim {
    pub chip: Shared,
    card: RfidSim<Shared>,
}

impl Sim {
    /// Powers the chip up; the chip again if the power goes in recovery.
    pub fn try_insert(chip: Chip) -> Result<Self, Chip> {
        let chip = Shared(Rc::new(RefCell::new(chip)));
        match RfidSim::power_up(chip.clone()) {
            Ok(card) => Ok(Self { chip, card }),
            Err(dead) => {
                assert_eq!(dead.cause, Cause::PowerLost);
                Err(chip.0.borrow().clone())
            }
        }
    }

    pub fn insert(chip: Chip) -> Self {
        Self::try_insert(chip).map_err(|_| "power lost").unwrap()
    }

    pub fn new() -> Self {
        Self::insert(blank())
    }

    pub fn remove(self) -> Chip {
        drop(self.card.power_down());
        let mut chip = self.chip.0.borrow().clone();
        chip.operations_left = usize::MAX;
        chip
    }

    pub fn power_cycled(self) -> Self {
        Self::insert(self.remove())
    }

    pub fn reset(&mut self) {
        self.card.end_session(Interface::Contact);
    }

    pub fn leave_field(&mut self) {
        self.card.end_session(Interface::Radio);
    }

    pub fn try_send(&mut self, command: &[u8]) -> Result<Vec<u8>, PowerLost> {
        let mut answer = Response::new();
        self.card.process(Interface::Contact, command, &mut answer).map(|()| answer.to_vec())
    }

    /// The whole answer, over the contacts.
    pub fn send(&mut self, command: &[u8]) -> Vec<u8> {
        self.try_send(command).unwrap()
    }

    /// The whole answer, by radio.
    pub fn radio(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = Response::new();
        self.card.process(Interface::Radio, command, &mut answer).unwrap();
        answer.to_vec()
    }

    /// The answer's data; the status must be 9000.
    pub fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.send(command);
        let status = answer.split_off(answer.len() - 2);
        assert_eq!(status, [0x90, 0x00], "{command:02X?}");
        answer
    }

    /// Whether these bytes stand anywhere in the memory.
    pub fn remembers(&self, secret: &[u8]) -> bool {
        self.chip.0.borrow().bytes.windows(secret.len()).any(|window| window == secret)
    }
}

impl Sim {
    /// A chip whose key set 20 shares no value with 30.
    pub fn with_own_scp02() -> Chip {
        let [b1, b2, b3] = OWN_SCP02;
        let own = KeySet { version: 0x20, cipher: KeySetCipher::Des, enc: &b1, mac: &b2, dek: &b3 };
        try_blank(&[KEY_SETS[0], own]).unwrap()
    }
}

pub const OWN_SCP02: [[u8; 16]; 3] = [
    hex!("B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"),
    hex!("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"),
    hex!("F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"),
];
