//! Where the phone's card sits, and what crosses its contacts.

use std::time::Duration;

use onecard_host::{
    apdu::{Command, Response, exchange},
    transport::{Transport, TransportError},
};
use onecard_wire::{status::StatusWord, toolkit::SW1_PROACTIVE};

use super::error::{Complaint, HandsetError, Hex};
use crate::{phone_slot::Contacts, reader::Reader};

/// A card slot of a phone: a transport that can be reset.
pub trait Socket: Transport {
    /// Power on, or the reset contact: the card's session begins anew.
    ///
    /// # Errors
    /// [`TransportError`]: no card came up.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// The phone is switched off.
    fn power_off(&mut self) {}
}

impl<S: Socket + ?Sized> Socket for &mut S {
    fn reset(&mut self) -> Result<(), TransportError> {
        (**self).reset()
    }

    fn power_off(&mut self) {
        (**self).power_off();
    }
}

impl<S: Socket + ?Sized> Socket for Box<S> {
    fn reset(&mut self) -> Result<(), TransportError> {
        (**self).reset()
    }

    fn power_off(&mut self) {
        (**self).power_off();
    }
}

impl Socket for Reader {
    fn reset(&mut self) -> Result<(), TransportError> {
        self.tap();
        match self.silence() {
            None => Ok(()),
            Some(_) => Err(TransportError::NoAnswer),
        }
    }
}

impl Socket for Contacts {
    fn reset(&mut self) -> Result<(), TransportError> {
        Self::reset(self);
        Ok(())
    }

    fn power_off(&mut self) {
        Self::power_off(self);
    }
}

/// One command and its answer, as the log shows them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crossing {
    /// Since the phone was switched on.
    pub at: Duration,
    /// Command and file, or what it carries: `FETCH DISPLAY TEXT`.
    pub name: String,
    /// The command; of one that carries a secret its header and Lc alone.
    pub command: Vec<u8>,
    /// Data bytes of the command that are not shown.
    pub withheld: usize,
    /// Data and status word.
    pub answer: Vec<u8>,
}

impl Crossing {
    /// The command in hexadecimal; what is withheld as dots.
    #[must_use]
    pub fn command_text(&self) -> String {
        format!("{}{}", Hex(&self.command), "··".repeat(self.withheld))
    }

    /// The answer in hexadecimal.
    #[must_use]
    pub fn answer_text(&self) -> String {
        Hex(&self.answer).to_string()
    }
}

/// Whether a command carries what nobody may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Discretion {
    Open,
    Secret,
}

/// The contacts and what has crossed them.
#[derive(Debug)]
pub(super) struct Line<S> {
    socket: S,
    pub(super) log: Vec<Crossing>,
    pub(super) complaints: Vec<Complaint>,
    pub(super) now: Duration,
    /// Length of the proactive command that waits.
    pub(super) waiting: Option<usize>,
    /// Whether TERMINAL PROFILE was sent in this session.
    pub(super) profile_sent: bool,
}

impl<S: Socket> Line<S> {
    pub(super) fn new(socket: S) -> Self {
        Self {
            socket,
            log: Vec::new(),
            complaints: Vec::new(),
            now: Duration::ZERO,
            waiting: None,
            profile_sent: false,
        }
    }

    pub(super) fn reset(&mut self) -> Result<(), HandsetError> {
        (self.waiting, self.profile_sent) = (None, false);
        Ok(self.socket.reset()?)
    }

    pub(super) fn power_off(&mut self) {
        (self.waiting, self.profile_sent) = (None, false);
        self.socket.power_off();
    }

    pub(super) fn into_socket(self) -> S {
        self.socket
    }

    /// Sends a command; 91xx is taken as 9000, and remembered.
    pub(super) fn send(
        &mut self,
        name: &str,
        command: &Command,
        discretion: Discretion,
    ) -> Result<Response, HandsetError> {
        let answered = exchange(&mut self.socket, command);
        let mut response = answered.map_err(|source| HandsetError::Exchange { command: name.to_owned(), source })?;
        self.remember(name, command, &response, discretion);
        if let [SW1_PROACTIVE, length] = response.status.to_bytes() {
            if !self.profile_sent {
                self.complaints.push(Complaint::ProactiveTooEarly(name.to_owned()));
            }
            self.waiting = Some(if length == 0 { 256 } else { length.into() });
            response.status = StatusWord::OK;
        }
        Ok(response)
    }

    fn remember(&mut self, name: &str, command: &Command, response: &Response, discretion: Discretion) {
        let mut bytes = command.to_bytes().to_vec();
        let withheld = match discretion {
            Discretion::Open => 0,
            Discretion::Secret => command.data().len(),
        };
        if withheld > 0 {
            bytes.truncate(5);
        }
        let answer = [response.data.as_slice(), &response.status.to_bytes()].concat();
        self.log.push(Crossing { at: self.now, name: name.to_owned(), command: bytes, withheld, answer });
    }

    /// Says of the last command what it turned out to carry.
    pub(super) fn rename_last(&mut self, name: String) {
        if let Some(last) = self.log.last_mut() {
            last.name = name;
        }
    }
}
