//! The only seam between this library and a card.

#[cfg(feature = "pcsc")]
pub mod pcsc;

/// Sends command APDUs to one card and returns its answers.
pub trait Transport {
    /// Sends `command`, returns the answer's data followed by its two status bytes.
    ///
    /// # Errors
    /// [`TransportError`]: the card may or may not have executed the command, unless the error [says](TransportError::is_unsent)
    /// that it was not sent.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).transmit(command)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).transmit(command)
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TransportError {
    /// No card in the reader, or it left the field.
    #[error("the card has left the reader: present the same card again")]
    CardRemoved,
    /// The card is there and silent.
    #[error("the card did not answer: present the same card again")]
    NoAnswer,
    /// The card was reset in the middle, by another program or by the reader: what was begun on it has ended.
    #[error(
        "the card was reset by another program, what was begun has ended: close that program, present the same card again"
    )]
    CardReset,
    /// Another program has the card for itself.
    #[error("another program uses the card: close it, then present the card again")]
    CardInUse,
    /// The reader is gone.
    #[error("the reader is not connected any more: connect it, then present the same card again")]
    ReaderUnplugged,
    /// No reader is connected.
    #[error("no reader is connected: connect one, then present the card")]
    NoReader,
    /// The system's PC/SC service does not run, or has ended.
    #[error("the PC/SC service does not answer: start it (Linux: pcscd), then present the same card again")]
    NoService,
    /// The command is longer than the reader takes, and was **not** sent. In bytes, header and lengths included.
    #[error("a command of {length} bytes was not sent, the reader takes at most {longest}: use another reader")]
    CommandTooLong {
        /// The command's length.
        length: usize,
        /// The longest that the reader takes.
        longest: usize,
    },
    /// The reader itself failed.
    #[error("the reader failed ({0}): check its connection, then present the same card again")]
    Reader(String),
}

impl TransportError {
    /// Whether the command surely never left: only then is it known that the card has not executed it.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::CommandTooLong { .. })
    }
}

#[cfg(test)]
pub(crate) use scripted::Scripted;

/// A card that knows its part by heart.
#[cfg(test)]
mod scripted {
    use super::{Transport, TransportError};
    use std::collections::VecDeque;

    /// Answers a list of commands in order and fails the test at any other.
    pub(crate) struct Scripted(VecDeque<(Vec<u8>, Vec<u8>)>);

    impl Scripted {
        pub(crate) fn new(exchanges: &[(&[u8], &[u8])]) -> Self {
            Self(exchanges.iter().map(|(command, answer)| (command.to_vec(), answer.to_vec())).collect())
        }

        pub(crate) fn finish(self) {
            assert!(self.0.is_empty(), "{} commands were not sent", self.0.len());
        }
    }

    impl Transport for Scripted {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let Some((expected, answer)) = self.0.pop_front() else {
                assert_eq!(hex::encode_upper(command), "", "nothing more was expected");
                return Err(TransportError::NoAnswer);
            };
            assert_eq!(hex::encode_upper(command), hex::encode_upper(expected));
            Ok(answer)
        }
    }
}
