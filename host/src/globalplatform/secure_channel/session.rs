//! A channel and the transport under it.

use core::fmt;

use super::{
    SecureChannel,
    channel::{Closed, WrapError},
    level::Level,
    opening::{OpenError, Opening, Peer, Request},
};
use crate::{
    apdu::{Command, ExchangeError, Response, exchange, exchange_bytes},
    transport::Transport,
};

/// A session with a domain. A transport's error in the middle or a wrong MAC closes it: from then on every call
/// gives the same error, and nothing is sent.
pub struct Session<T> {
    transport: T,
    channel: SecureChannel,
}

/// Opens a session with the domain that is selected: two commands.
///
/// # Errors
/// [`OpenError`].
pub fn open<T: Transport>(mut transport: T, request: &Request<'_>) -> Result<Session<T>, OpenError> {
    let opening = Opening::new(request);
    let answer = exchange(&mut transport, &opening.command()).map_err(OpenError::Exchange)?;
    let authenticating = opening.answered(answer)?;
    let answer = exchange_bytes(&mut transport, authenticating.command())?;
    let channel = authenticating.answered(answer.status)?;
    Ok(Session { transport, channel })
}

/// Why a command in a session has no answer to judge.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SessionError {
    /// No answer, in the middle of the session, which is closed by it.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// It was closed, before or just now.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// Not sent: too long. The session is as it was.
    #[error(transparent)]
    TooLong(#[from] super::TooLong),
}

impl<T> Session<T> {
    /// What it protects.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.channel.level()
    }

    /// Who is at its other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.channel.peer()
    }

    /// Why it is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.channel.closed()
    }

    /// The transport, in whatever state the card is: select again before anything else.
    #[must_use]
    pub fn into_transport(self) -> T {
        self.transport
    }

    pub(in crate::globalplatform) fn channel(&mut self) -> &mut SecureChannel {
        &mut self.channel
    }
}

impl<T: Transport> Session<T> {
    /// Sends one command under the session's protection.
    ///
    /// # Errors
    /// [`SessionError`]: but for [`SessionError::TooLong`] the session has ended, and whether the card has executed the
    /// command is not known.
    pub fn exchange(&mut self, command: &Command) -> Result<Response, SessionError> {
        let wrapped = self.channel.wrap(command).map_err(|error| match error {
            WrapError::Closed(closed) => SessionError::Closed(closed),
            WrapError::TooLong(too_long) => SessionError::TooLong(too_long),
        })?;
        match exchange_bytes(&mut self.transport, &wrapped) {
            Ok(answer) => Ok(self.channel.unwrap(answer)?),
            Err(error) => {
                self.channel.close(Closed::NoAnswer);
                Err(error.into())
            }
        }
    }
}

impl<T> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("channel", &self.channel).finish_non_exhaustive()
    }
}
