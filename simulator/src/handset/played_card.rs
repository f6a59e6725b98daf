//! A card that is played: a few files, and a toolkit that says what it is given. For tests of phones and their screens.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onecard_host::transport::{Transport, TransportError};
use onecard_wire::{
    ins,
    toolkit::{ENVELOPE, FETCH, SW1_PROACTIVE, TERMINAL_PROFILE, TERMINAL_RESPONSE, code::Device, tag},
};

use super::{
    socket::Socket,
    text::{Coding, encode},
    tlv,
};

/// A card that is played; copies are of the handle.
#[derive(Clone, Default, Debug)]
pub struct PlayedCard(Arc<Mutex<Played>>);

/// What the card is given and what it was told.
#[derive(Default, Debug)]
pub struct Played {
    /// Proactive commands, in order.
    pub queue: VecDeque<Vec<u8>>,
    /// Answers to ENVELOPE, data and status word; 9000 if there is none.
    pub envelope_answers: VecDeque<Vec<u8>>,
    /// Data fields of TERMINAL RESPONSE.
    pub responses: Vec<Vec<u8>>,
    /// Data fields of ENVELOPE.
    pub envelopes: Vec<Vec<u8>>,
    /// Data field of TERMINAL PROFILE.
    pub profile: Option<Vec<u8>>,
    /// How often it was reset.
    pub resets: usize,
    /// How often STATUS came.
    pub polls: usize,
    /// It tells of proactive commands before TERMINAL PROFILE, which no card may.
    pub impatient: bool,
    /// It wants PIN 1234.
    pub wants_pin: bool,
    fetching: bool,
    selected: Vec<u8>,
}

impl PlayedCard {
    /// A card whose toolkit wants these proactive commands, one after another.
    #[must_use]
    pub fn wanting<C: AsRef<[u8]>>(commands: &[C]) -> Self {
        let card = Self::default();
        card.give(commands);
        card
    }

    /// Gives its toolkit more.
    pub fn give<C: AsRef<[u8]>>(&self, commands: &[C]) {
        self.played().queue.extend(commands.iter().map(|command| command.as_ref().to_vec()));
    }

    /// What it is given and was told; the card does not answer while this is held.
    pub fn played(&self) -> MutexGuard<'_, Played> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket for PlayedCard {
    fn reset(&mut self) -> Result<(), TransportError> {
        let mut played = self.played();
        played.resets += 1;
        played.fetching = false;
        Ok(())
    }
}

impl Transport for PlayedCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(self.played().answer(command))
    }
}

/// INS of TERMINAL CAPABILITY.
const TERMINAL_CAPABILITY: u8 = 0xAA;
/// INS of STATUS.
const STATUS: u8 = 0xF2;
const NOT_FOUND: [u8; 2] = [0x6A, 0x82];
const NOT_SUPPORTED: [u8; 2] = [0x6D, 0x00];
const OUT_OF_TURN: [u8; 2] = [0x69, 0x85];
/// One record of EF.DIR: a USIM.
const DIR: [u8; 28] = [
    0x61, 0x1A, 0x4F, 0x10, 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0x86, 0xFF, 0xFF, 0x89, 0xFF, 0xFF, 0xFF,
    0xFF, 0x50, 0x06, b'U', b'S', b'I', b'M', b' ', b' ',
];
const ICCID: [u8; 10] = [0x98, 0x68, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10];
const IMSI: [u8; 9] = [0x08, 0x49, 0x06, 0x00, 0x10, 0x32, 0x54, 0x76, 0x98];
const PIN: [u8; 8] = [b'1', b'2', b'3', b'4', 0xFF, 0xFF, 0xFF, 0xFF];

impl Played {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let ins = command.get(1).copied().unwrap_or_default();
        let data = match command.get(4..) {
            Some([length, data @ ..]) => data.get(..usize::from(*length)).unwrap_or_default(),
            _ => &[],
        };
        match ins {
            ins::SELECT => self.select(data),
            ins::READ_BINARY if self.selected == [0x2F, 0xE2] => self.done(&ICCID),
            ins::READ_BINARY => self.done(&IMSI),
            ins::READ_RECORD => self.done(&DIR),
            ins::VERIFY if data.is_empty() => vec![0x63, 0xC3],
            ins::VERIFY if data != PIN => vec![0x63, 0xC2],
            TERMINAL_PROFILE => {
                self.profile = Some(data.to_vec());
                self.done(&[])
            }
            STATUS => {
                self.polls += 1;
                self.done(&[])
            }
            FETCH => self.fetched(command.get(4).copied()),
            TERMINAL_RESPONSE if !self.fetching => OUT_OF_TURN.to_vec(),
            TERMINAL_RESPONSE => {
                self.fetching = false;
                self.responses.push(data.to_vec());
                self.done(&[])
            }
            ENVELOPE => {
                self.envelopes.push(data.to_vec());
                self.envelope_answers.pop_front().unwrap_or_else(|| self.done(&[]))
            }
            ins::VERIFY | TERMINAL_CAPABILITY => self.done(&[]),
            _ => NOT_SUPPORTED.to_vec(),
        }
    }

    fn fetched(&mut self, length: Option<u8>) -> Vec<u8> {
        match self.queue.pop_front() {
            Some(waiting) if length.map(usize::from) == Some(waiting.len() % 256) => {
                self.fetching = true;
                [waiting.as_slice(), &[0x90, 0x00]].concat()
            }
            _ => OUT_OF_TURN.to_vec(),
        }
    }

    fn select(&mut self, file: &[u8]) -> Vec<u8> {
        self.selected = file.to_vec();
        let pin = if self.wants_pin { 0x80 } else { 0x00 };
        match file {
            // PIN status, and "TERMINAL CAPABILITY, please".
            [0x3F, 0x00] => self.done(&[
                0x62, 0x11, 0x82, 0x02, 0x78, 0x21, 0xC6, 0x06, 0x90, 0x01, pin, 0x83, 0x01, 0x01, 0xA5, 0x03, 0x87,
                0x01, 0x01,
            ]),
            [0x2F, 0x00] => self.done(&[0x62, 0x07, 0x82, 0x05, 0x42, 0x21, 0x00, 0x1C, 0x01]),
            [0x2F, 0xE2] => self.done(&[0x62, 0x08, 0x82, 0x02, 0x41, 0x21, 0x80, 0x02, 0x00, 0x0A]),
            [0xA0, ..] => self.done(&[0x62, 0x04, 0x82, 0x02, 0x78, 0x21]),
            [0x6F, 0x07] => self.done(&[0x62, 0x08, 0x82, 0x02, 0x41, 0x21, 0x80, 0x02, 0x00, 0x09]),
            _ => NOT_FOUND.to_vec(),
        }
    }

    fn done(&self, data: &[u8]) -> Vec<u8> {
        let welcome = (self.profile.is_some() || self.impatient) && !self.fetching;
        let status = match self.queue.front().filter(|_| welcome) {
            Some(waiting) => {
                let [.., length] = waiting.len().to_be_bytes();
                [SW1_PROACTIVE, length]
            }
            None => [0x90, 0x00],
        };
        [data, &status].concat()
    }
}

/// A proactive command of number 1: type, qualifier, receiver, data objects by tag.
#[must_use]
pub fn proactive(kind: u8, qualifier: u8, to: u8, objects: &[(u8, &[u8])]) -> Vec<u8> {
    let mut inside = vec![0x81, 0x03, 0x01, kind, qualifier, 0x82, 0x02, Device::UICC.0, to];
    for (tag, value) in objects {
        tlv::push(&mut inside, *tag, value);
    }
    let mut command = Vec::new();
    tlv::push(&mut command, tag::PROACTIVE_COMMAND, &inside);
    command
}

/// An item: identifier, and a text in UCS2.
#[must_use]
pub fn item(id: u8, text: &str) -> Vec<u8> {
    [&[id], alpha(text).as_slice()].concat()
}

/// An alpha identifier in UCS2.
#[must_use]
pub fn alpha(text: &str) -> Vec<u8> {
    let mut alpha = chinese(text);
    if let Some(form) = alpha.first_mut() {
        *form = 0x80;
    }
    alpha
}

/// A text string in UCS2.
#[must_use]
pub fn chinese(text: &str) -> Vec<u8> {
    encode(text, Coding::Ucs2).unwrap_or_default()
}

/// A text string in the default alphabet.
#[must_use]
pub fn english(text: &str) -> Vec<u8> {
    encode(text, Coding::EightBit).unwrap_or_default()
}

/// SET UP MENU of 一卡通 with one item, number 1.
#[must_use]
pub fn menu() -> Vec<u8> {
    proactive(0x25, 0x80, 0x82, &[(0x85, &alpha("一卡通")), (0x8F, &item(1, "一卡通"))])
}
