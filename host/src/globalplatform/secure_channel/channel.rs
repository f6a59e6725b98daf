//! An open channel: commands go in plain and come out protected, answers the other way. No transport is in it.

use core::fmt;

use zeroize::Zeroizing;

use super::{
    level::Level,
    opening::Peer,
    scp02::Scp02,
    scp03::{AnswerDefect, Scp03},
    wrapping::TooLong,
};
use crate::{
    apdu::{Command, Response},
    crypto::padding::WideBlock,
};

/// A channel that the card has opened. The first failure closes it for good, and its keys are gone: the error is its state.
pub struct SecureChannel {
    state: Result<Protocol, Closed>,
    level: Level,
    peer: Peer,
    /// A command is on its way: nothing else may be wrapped before its answer is here.
    awaits_answer: bool,
}

pub(super) enum Protocol {
    Scp02(Scp02),
    Scp03(Box<Scp03>),
}

/// Why a channel is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Closed {
    /// An answer's MAC is wrong or missing.
    #[error(
        "the MAC of the card's answer is wrong: somebody stands between, or an answer was lost; open a new session"
    )]
    AnswerMac,
    /// An answer is not as the session's level asks.
    #[error(
        "the card's answer is not protected as agreed: somebody stands between, or it is faulty; open a new session"
    )]
    AnswerForm,
    /// A command has had no answer: whether it was done is not known, and how the card counts.
    #[error("a command had no answer: look whether it was done in a new session")]
    NoAnswer,
}

/// A command that was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrapError {
    /// The channel is closed.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The channel is as it was.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl SecureChannel {
    pub(super) const fn new(protocol: Protocol, level: Level, peer: Peer) -> Self {
        Self { state: Ok(protocol), level, peer, awaits_answer: false }
    }

    /// What it protects.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Who is at its other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Why it is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.state.as_ref().err().copied()
    }

    /// `command` as it is sent; its answer goes to [`unwrap`](Self::unwrap) before the next one.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn wrap(&mut self, command: &Command) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        if self.awaits_answer {
            self.close(Closed::NoAnswer);
        }
        let encipher = self.level.enciphers_commands();
        let wrapped = match self.open()? {
            Protocol::Scp02(session) => session.wrap(command, encipher)?,
            Protocol::Scp03(session) => session.wrap(command, encipher)?,
        };
        self.awaits_answer = true;
        Ok(wrapped)
    }

    /// The answer without its protection. 6982 is an answer, too: the card refuses what the command asks, or has ended the
    /// session and refuses every further one.
    ///
    /// # Errors
    /// [`Closed`]: the answer is not to be believed, and nothing more is sent.
    pub fn unwrap(&mut self, answer: Response) -> Result<Response, Closed> {
        let level = self.level;
        let answer = match self.open()? {
            Protocol::Scp02(_) => Ok(answer),
            Protocol::Scp03(session) => session.unwrap(answer, level),
        };
        self.awaits_answer = false;
        match answer {
            Ok(answer) => Ok(answer),
            Err(AnswerDefect::Mac) => Err(self.close(Closed::AnswerMac)),
            Err(AnswerDefect::Form) => Err(self.close(Closed::AnswerForm)),
        }
    }

    /// Ends it; its keys are erased. The first reason stays.
    pub fn close(&mut self, reason: Closed) -> Closed {
        match self.state {
            Ok(_) => {
                self.state = Err(reason);
                reason
            }
            Err(earlier) => earlier,
        }
    }

    /// Keys on their way to the card, under the DEK. `blocks` is as long as both ciphers' blocks allow.
    ///
    /// # Errors
    /// [`Closed`].
    pub(in crate::globalplatform) fn sensitive(
        &mut self,
        blocks: Zeroizing<Vec<WideBlock>>,
    ) -> Result<Zeroizing<Vec<u8>>, Closed> {
        Ok(match self.open()? {
            Protocol::Scp02(session) => session.sensitive(blocks.as_flattened()),
            Protocol::Scp03(session) => session.sensitive(blocks),
        })
    }

    /// EXTERNAL AUTHENTICATE has a MAC, whatever the level, and its data are in clear.
    pub(super) fn authenticate(&mut self, command: &Command) -> Option<Zeroizing<Vec<u8>>> {
        match self.open().ok()? {
            Protocol::Scp02(session) => session.wrap(command, false).ok(),
            Protocol::Scp03(session) => session.authenticate(command).ok(),
        }
    }

    fn open(&mut self) -> Result<&mut Protocol, Closed> {
        self.state.as_mut().map_err(|closed| *closed)
    }
}

impl fmt::Debug for SecureChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.closed().map_or_else(|| "open".to_owned(), |closed| format!("{closed:?}"));
        write!(f, "SecureChannel(SCP{:02X}, level {}, {state})", self.peer.protocol.0, self.level)
    }
}

/// A channel of these keys in which nothing has happened, without a card.
#[cfg(test)]
pub(in crate::globalplatform) fn fixed_channel(keys: &super::super::ChannelKeys, sequence: [u8; 2]) -> SecureChannel {
    use super::super::keys::Suite;
    let protocol = match &keys.suite {
        Suite::Scp02(triple) => Protocol::Scp02(Scp02::new(triple, sequence)),
        Suite::Scp03(triple) => Protocol::Scp03(Box::new(Scp03::new(triple, &[0; 8], &[0; 8]))),
    };
    let peer = Peer {
        diversification: [0; 10],
        key_version: keys.version,
        protocol: keys.protocol(),
        option: None,
        sequence: None,
    };
    SecureChannel::new(protocol, Level::Mac, peer)
}
