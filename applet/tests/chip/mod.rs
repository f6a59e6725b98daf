//! A chip in RAM for the card's own tests: no host, no simulator.

pub mod tear;

use std::{cell::RefCell, rc::Rc};

use onecard_applet::{
    Blank, Card, Cause, IMAGE_SIZE, Kind, Memory, PAGE_SIZE, Platform, PowerLost, Response, manufacture,
};

/// What outlives a power-off, and what ends the power.
#[derive(Clone)]
pub struct Chip {
    pub bytes: Vec<u8>,
    pub random: Vec<u8>,
    /// Programming operations until the power goes.
    pub operations_left: usize,
    /// How many bytes of the operation that is cut short still land.
    pub landing: usize,
    pub operations: usize,
}

#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<Chip>>);

impl Memory for Shared {
    fn size(&self) -> usize {
        IMAGE_SIZE
    }
    fn read(&self, address: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.0.borrow().bytes[address..address + into.len()]);
    }
    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        assert_eq!(address / PAGE_SIZE, (address + bytes.len() - 1) / PAGE_SIZE, "crosses a page");
        let mut chip = self.0.borrow_mut();
        let torn = chip.operations_left == 0;
        let landing = if torn { chip.landing.min(bytes.len()) } else { bytes.len() };
        chip.bytes[address..address + landing].copy_from_slice(&bytes[..landing]);
        if torn {
            chip.landing = 0;
            return Err(PowerLost);
        }
        chip.operations_left -= 1;
        chip.operations += 1;
        Ok(())
    }
}

impl Platform for Shared {
    fn random(&mut self, into: &mut [u8]) {
        let mut chip = self.0.borrow_mut();
        for byte in into {
            *byte = if chip.random.is_empty() { 0x5A } else { chip.random.remove(0) };
        }
    }
}

pub fn blank(kind: Kind) -> Chip {
    let chip =
        Chip { bytes: vec![0; IMAGE_SIZE], random: Vec::new(), operations_left: usize::MAX, landing: 0, operations: 0 };
    let shared = Shared(Rc::new(RefCell::new(chip)));
    let blank = if kind == Kind::Sam { Blank::Sam } else { Blank::CpuCard };
    let manufactured = manufacture(shared, blank).unwrap();
    manufactured.0.borrow().clone()
}

/// What a chip is put into: a reader, or a phone.
pub trait Slot: Sized {
    /// Powers the chip up; the chip again if the power goes in recovery.
    fn try_insert(chip: Chip) -> Result<Self, Chip>;
    fn chip(&self) -> &Shared;
    fn remove(self) -> Chip;

    fn insert(chip: Chip) -> Self {
        Self::try_insert(chip).map_err(|_| "power lost").unwrap()
    }
}

impl Slot for Reader {
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

/// A card in a reader.
pub struct Reader {
    pub chip: Shared,
    pub card: Card<Shared>,
}

impl Reader {
    /// Powers the chip up; `None` if the power goes in recovery.
    pub fn try_insert(chip: Chip) -> Result<Self, Chip> {
        let chip = Shared(Rc::new(RefCell::new(chip)));
        match Card::power_up(chip.clone()) {
            Ok(card) => Ok(Self { chip, card }),
            Err(dead) => {
                assert_eq!(dead.cause, Cause::PowerLost);
                let chip = chip.0.borrow().clone();
                Err(chip)
            }
        }
    }

    pub fn insert(chip: Chip) -> Self {
        Self::try_insert(chip).map_err(|_| "power lost").unwrap()
    }

    pub fn remove(self) -> Chip {
        drop(self.card.power_down());
        let mut chip = self.chip.0.borrow().clone();
        chip.operations_left = usize::MAX;
        chip
    }

    pub fn try_send(&mut self, command: &[u8]) -> Result<Vec<u8>, PowerLost> {
        let mut answer = Response::new();
        self.card.process(command, &mut answer).map(|()| answer.to_vec())
    }

    /// The whole answer.
    pub fn send(&mut self, command: &[u8]) -> Vec<u8> {
        self.try_send(command).unwrap()
    }

    /// The answer's data; the status must be 9000.
    pub fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.send(command);
        let status = answer.split_off(answer.len() - 2);
        assert_eq!(status, [0x90, 0x00], "{command:02X?}");
        answer
    }

    pub fn random(&self, bytes: &[u8]) {
        self.chip.0.borrow_mut().random.extend(bytes);
    }

    pub fn write_key(&mut self, key_type: u8, id: u8, b4b5: [u8; 2], value: &[u8]) {
        self.write_key_for(0xF0, key_type, id, b4b5, value);
    }

    /// A key with a use right.
    pub fn write_key_for(&mut self, use_right: u8, key_type: u8, id: u8, b4b5: [u8; 2], value: &[u8]) {
        let data = [&[key_type, use_right, 0xF0][..], &b4b5, value].concat();
        self.ok(&[&[0x80, 0xD4, 0x01, id, data.len() as u8][..], &data].concat());
    }
}
