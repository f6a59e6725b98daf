//! A card of a few files, whose toolkit says what a test gives it.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use hex_literal::hex;
use onecard_host::transport::{Transport, TransportError};

use super::super::socket::Socket;

/// What a test gives the card and what the card was told; shared with the phone's end of it.
#[derive(Clone, Default)]
pub(super) struct FakeCard(Rc<RefCell<State>>);

#[derive(Default)]
pub(super) struct State {
    /// Proactive commands, in order.
    pub(super) queue: VecDeque<Vec<u8>>,
    /// Answers to ENVELOPE; 9000 if there is none.
    pub(super) envelope_answers: VecDeque<Vec<u8>>,
    /// Data fields of TERMINAL RESPONSE.
    pub(super) responses: Vec<Vec<u8>>,
    /// Data fields of ENVELOPE.
    pub(super) envelopes: Vec<Vec<u8>>,
    /// Data field of TERMINAL PROFILE.
    pub(super) profile: Option<Vec<u8>>,
    pub(super) resets: usize,
    pub(super) status_polls: usize,
    /// A 91xx that comes too early.
    pub(super) impatient: bool,
    /// PIN 1234 is wanted.
    pub(super) pin: bool,
    fetching: bool,
    selected: Vec<u8>,
}

impl FakeCard {
    /// A card whose toolkit wants these, one after another.
    pub(super) fn wanting(commands: &[&[u8]]) -> Self {
        let card = Self::default();
        card.queue(commands);
        card
    }

    pub(super) fn queue(&self, commands: &[&[u8]]) {
        self.0.borrow_mut().queue.extend(commands.iter().map(|command| command.to_vec()));
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.0.borrow_mut())
    }

    /// The last TERMINAL RESPONSE behind the device identities.
    pub(super) fn last_result(&self) -> Vec<u8> {
        self.with(|state| state.responses.last().unwrap()[9..].to_vec())
    }
}

impl Socket for FakeCard {
    fn reset(&mut self) -> Result<(), TransportError> {
        self.with(|state| {
            state.resets += 1;
            state.fetching = false;
        });
        Ok(())
    }
}

impl Transport for FakeCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(self.with(|state| state.answer(command)))
    }
}

impl State {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let data = || command[5..5 + usize::from(command[4])].to_vec();
        match command[1] {
            0xA4 => self.select(&data()),
            0xB0 => self.read(),
            0xB2 => [&hex!("611A 4F10 A0000000871002FF86FFFF89FFFFFFFF 50065553494D2020")[..], &hex!("9000")].concat(),
            0x20 if command.len() > 5 => {
                assert_eq!(data(), *b"1234\xFF\xFF\xFF\xFF");
                self.done(&[])
            }
            0x20 => hex!("63C3").to_vec(),
            0x10 => {
                self.profile = Some(data());
                self.done(&[])
            }
            0xAA => self.done(&[]),
            0xF2 => {
                self.status_polls += 1;
                self.done(&[])
            }
            0x12 => {
                self.fetching = true;
                let waiting = self.queue.pop_front().unwrap();
                assert_eq!(usize::from(command[4]), waiting.len());
                [&waiting[..], &[0x90, 0x00]].concat()
            }
            0x14 => {
                assert!(self.fetching);
                self.fetching = false;
                self.responses.push(data());
                self.done(&[])
            }
            0xC2 => {
                self.envelopes.push(data());
                match self.envelope_answers.pop_front() {
                    Some(answer) => answer,
                    None => self.done(&[]),
                }
            }
            _ => hex!("6D00").to_vec(),
        }
    }

    fn select(&mut self, file: &[u8]) -> Vec<u8> {
        self.selected = file.to_vec();
        let pin = if self.pin { 0x80 } else { 0x00 };
        match file {
            [0x3F, 0x00] => {
                self.done(&[&hex!("6211 8202 7821 C606 9001")[..], &[pin], &hex!("830101 A503 870101")].concat())
            }
            [0x2F, 0x00] => self.done(&hex!("6207 8205 4221001C01")),
            [0x2F, 0xE2] => self.done(&hex!("6208 82024121 8002000A")),
            [0xA0, ..] => self.done(&hex!("6204 82027821")),
            [0x6F, 0x07] => self.done(&hex!("6208 82024121 80020009")),
            _ => hex!("6A82").to_vec(),
        }
    }

    fn read(&mut self) -> Vec<u8> {
        match self.selected[..] {
            [0x2F, 0xE2] => self.done(&hex!("98680000000000000010")),
            _ => self.done(&hex!("084906001032547698")),
        }
    }

    fn done(&self, data: &[u8]) -> Vec<u8> {
        let welcome = (self.profile.is_some() || self.impatient) && !self.fetching;
        let status = match self.queue.front().filter(|_| welcome) {
            Some(waiting) => [0x91, u8::try_from(waiting.len()).unwrap_or_default()],
            None => [0x90, 0x00],
        };
        [data, &status].concat()
    }
}

/// A proactive command of number 1.
pub(super) fn proactive(kind: u8, qualifier: u8, to: u8, objects: &[(u8, &[u8])]) -> Vec<u8> {
    let mut inside = [&[0x81, 0x03, 0x01, kind, qualifier, 0x82, 0x02, 0x81, to][..]].concat();
    for (tag, value) in objects {
        inside.extend([*tag, u8::try_from(value.len()).unwrap()]);
        inside.extend_from_slice(value);
    }
    [&[0xD0, u8::try_from(inside.len()).unwrap()][..], &inside].concat()
}

/// An item with a text in UCS2.
pub(super) fn item(id: u8, text: &str) -> Vec<u8> {
    [&[id, 0x80][..], &ucs2(text)].concat()
}

/// A text string in UCS2.
pub(super) fn chinese(text: &str) -> Vec<u8> {
    [&[0x08][..], &ucs2(text)].concat()
}

/// A text string in the default alphabet.
pub(super) fn english(text: &str) -> Vec<u8> {
    [&[0x04][..], text.as_bytes()].concat()
}

fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// SET UP MENU of 一卡通 with one item, number 1.
pub(super) fn menu() -> Vec<u8> {
    proactive(0x25, 0x80, 0x82, &[(0x85, &item(0x80, "一卡通")[1..]), (0x8F, &item(1, "一卡通"))])
}
