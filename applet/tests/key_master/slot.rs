//! A key master card or its mother card in a reader.

use std::{cell::RefCell, rc::Rc};

use onecard_applet::{
    Blank, Cause, KEY_MASTER_IMAGE_SIZE, KeyMasterCard, MOTHER_AUTHENTICATION_IMAGE_SIZE, MotherAuthenticationCard,
    PowerLost, Response, manufacture,
};

use super::chip::{Chip, Shared, Slot};

/// A card under power.
pub struct In<C> {
    pub chip: Shared,
    card: C,
}

pub type Master = In<KeyMasterCard<Shared>>;
pub type Mother = In<MotherAuthenticationCard<Shared>>;

/// What both cards are to a reader.
pub trait Card: Sized {
    const BLANK: Blank<'static>;
    const IMAGE_SIZE: usize;
    fn up(chip: Shared) -> Result<Self, Cause>;
    fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost>;
    fn down(self);
}

impl Card for KeyMasterCard<Shared> {
    const BLANK: Blank<'static> = Blank::KeyMaster;
    const IMAGE_SIZE: usize = KEY_MASTER_IMAGE_SIZE;
    fn up(chip: Shared) -> Result<Self, Cause> {
        Self::power_up(chip).map_err(|dead| dead.cause)
    }
    fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        self.process(command, answer)
    }
    fn down(self) {
        drop(self.power_down());
    }
}

impl Card for MotherAuthenticationCard<Shared> {
    const BLANK: Blank<'static> = Blank::MotherAuthentication;
    const IMAGE_SIZE: usize = MOTHER_AUTHENTICATION_IMAGE_SIZE;
    fn up(chip: Shared) -> Result<Self, Cause> {
        Self::power_up(chip).map_err(|dead| dead.cause)
    }
    fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        self.process(command, answer)
    }
    fn down(self) {
        drop(self.power_down());
    }
}

impl<C: Card> Slot for In<C> {
    fn try_insert(chip: Chip) -> Result<Self, Chip> {
        let chip = Shared(Rc::new(RefCell::new(chip)));
        match C::up(chip.clone()) {
            Ok(card) => Ok(Self { chip, card }),
            Err(cause) => {
                assert_eq!(cause, Cause::PowerLost);
                let chip = chip.0.borrow().clone();
                Err(chip)
            }
        }
    }

    fn chip(&self) -> &Shared {
        &self.chip
    }

    fn remove(self) -> Chip {
        self.card.down();
        let mut chip = self.chip.0.borrow().clone();
        chip.operations_left = usize::MAX;
        chip
    }
}

impl<C: Card> In<C> {
    /// As its maker delivers it.
    pub fn blank() -> Self {
        let bytes = vec![0; C::IMAGE_SIZE];
        let chip = Chip { bytes, random: Vec::new(), operations_left: usize::MAX, landing: 0, operations: 0 };
        let made = manufacture(Shared(Rc::new(RefCell::new(chip))), C::BLANK).unwrap();
        let chip = made.0.borrow().clone();
        Self::insert(chip)
    }

    pub fn power_cycled(self) -> Self {
        Self::insert(self.remove())
    }

    pub fn try_send(&mut self, command: &[u8]) -> Result<Vec<u8>, PowerLost> {
        let mut answer = Response::new();
        self.card.process(command, &mut answer).map(|()| answer.to_vec())
    }

    /// The answer's data and its status word.
    pub fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut answer = self.try_send(command).unwrap();
        let status = answer.split_off(answer.len() - 2);
        (answer, u16::from_be_bytes([status[0], status[1]]))
    }

    pub fn status(&mut self, command: &[u8]) -> u16 {
        let (data, status) = self.send(command);
        assert!(status == 0x9000 || data.is_empty(), "a refusal with data");
        status
    }

    pub fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let (data, status) = self.send(command);
        assert_eq!(status, 0x9000, "{command:02X?}");
        data
    }

    /// GET CHALLENGE; each is another.
    pub fn challenge(&mut self) -> [u8; 8] {
        self.try_challenge().unwrap()
    }

    pub fn try_challenge(&mut self) -> Option<[u8; 8]> {
        thread_local!(static DRAWN: RefCell<u64> = const { RefCell::new(0x0102_0304_0506_0700) });
        let random = DRAWN.with_borrow_mut(|drawn| {
            *drawn += 1;
            drawn.to_be_bytes()
        });
        self.chip.0.borrow_mut().random = random.to_vec();
        let answer = self.try_send(&[0x00, 0x84, 0x00, 0x00, 0x08]).ok()?;
        assert_eq!(answer[8..], [0x90, 0x00]);
        Some(random)
    }

    pub fn operations(&self) -> usize {
        self.chip.0.borrow().operations
    }
}
