//! The only seam between this library and a card.

/// Sends command APDUs to one card and returns its answers.
pub trait Transport {
    /// Sends `command`, returns the answer's data followed by its two status bytes.
    ///
    /// # Errors
    /// [`TransportError`]: in every case the card may or may not have executed the command.
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
    /// The reader itself failed.
    #[error("the reader failed ({0}): check its connection, then present the same card again")]
    Reader(String),
}
