//! A SIM in a phone, for the card's own tests: no host, no simulator.

use std::{cell::RefCell, rc::Rc};

use hex_literal::hex;
use onecard_applet::{
    Blank, Codes, Interface, Memory, PAGE_SIZE, Platform, PowerLost, RFID_SIM_IMAGE_SIZE, Response, RfidSim, SimData,
    Subscriber, manufacture,
};

pub const PIN1: [u8; 8] = *b"1234\xFF\xFF\xFF\xFF";
pub const PUK1: [u8; 8] = *b"12345678";
pub const PIN2: [u8; 8] = *b"5678\xFF\xFF\xFF\xFF";
pub const PUK2: [u8; 8] = *b"87654321";
pub const ADM1: [u8; 8] = *b"77777777";

/// Test set 1 of TS 35.208.
pub const DATA: SimData<'_> = SimData {
    iccid: hex!("98680062214365870 9F0"),
    imsi: hex!("084906002143658709"),
    subscriber: Subscriber {
        key: hex!("465B5CE8B199B49FAA5F0A2EE238A6BC"),
        opc: hex!("CD63CB71954A9F4E48A5994E37A02BAF"),
    },
    codes: Codes { pin1: PIN1, pin1_enabled: true, puk1: PUK1, pin2: PIN2, puk2: PUK2, adm1: ADM1 },
    key_sets: &[],
};

pub const USIM_AID: [u8; 16] = hex!("A0000000871002FF86FFFF89FFFFFFFF");

/// What outlives a power-off, and what ends the power.
#[derive(Clone)]
pub struct Chip {
    pub bytes: Vec<u8>,
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
        RFID_SIM_IMAGE_SIZE
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
        into.fill(0x5A);
    }
}

/// A SIM as its maker delivers it.
pub fn delivered(data: &SimData<'_>) -> Chip {
    let chip = Chip { bytes: vec![0; RFID_SIM_IMAGE_SIZE], operations_left: usize::MAX, landing: 0, operations: 0 };
    let chip = manufacture(Shared(Rc::new(RefCell::new(chip))), Blank::RfidSim(data)).unwrap();
    chip.0.borrow().clone()
}

/// The SIM of [`DATA`].
pub fn sim() -> Phone {
    Phone::insert(delivered(&DATA))
}

/// A SIM in a phone that is on.
pub struct Phone {
    pub chip: Shared,
    sim: RfidSim<Shared>,
}

impl Phone {
    /// Powers the chip up; `Err` if the power goes in recovery.
    pub fn try_insert(chip: Chip) -> Result<Self, Chip> {
        let chip = Shared(Rc::new(RefCell::new(chip)));
        match RfidSim::power_up(chip.clone()) {
            Ok(sim) => Ok(Self { chip, sim }),
            Err(_) => {
                let chip = chip.0.borrow().clone();
                Err(chip)
            }
        }
    }

    pub fn insert(chip: Chip) -> Self {
        Self::try_insert(chip).map_err(|_| "power lost").unwrap()
    }

    /// The chip, with whatever power is ahead of it.
    pub fn remove(self) -> Chip {
        let mut chip = self.chip.0.borrow().clone();
        chip.operations_left = usize::MAX;
        chip
    }

    /// The same chip after a reset of its contacts.
    pub fn reset(&mut self) {
        self.sim.end_session(Interface::Contact);
    }

    pub fn try_send(&mut self, command: &[u8]) -> Result<Vec<u8>, PowerLost> {
        let mut answer = Response::new();
        self.sim.process(Interface::Contact, command, &mut answer).map(|()| answer.to_vec())
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

    /// The status word of an answer that may have no data unless it is 9000.
    pub fn status(&mut self, command: &[u8]) -> u16 {
        let answer = self.send(command);
        let (data, status) = answer.split_at(answer.len() - 2);
        let status = u16::from_be_bytes(status.try_into().unwrap());
        assert!(status == 0x9000 || data.is_empty(), "{command:02X?} answers {answer:02X?}");
        status
    }

    /// SELECT by FID; its parameters.
    pub fn select(&mut self, fid: u16) -> Vec<u8> {
        let [high, low] = fid.to_be_bytes();
        self.ok(&[0x00, 0xA4, 0x00, 0x04, 0x02, high, low])
    }

    pub fn select_usim(&mut self) -> Vec<u8> {
        self.ok(&[&[0x00, 0xA4, 0x04, 0x04, 0x10][..], &USIM_AID].concat())
    }

    /// One of the PIN commands; its status.
    pub fn pin(&mut self, ins: u8, reference: u8, data: &[u8]) -> u16 {
        let length: &[u8] = if data.is_empty() { &[] } else { &[data.len() as u8] };
        self.status(&[&[0x00, ins, 0x00, reference], length, data].concat())
    }
}
