//! The card under test.

use onecard_host::transport::{Transport, TransportError};

/// A card in a reader that can take its power away.
pub trait TestedCard: Transport {
    /// Power off and on: what is volatile is gone. On a real reader: a reset, or out of the field and back.
    ///
    /// # Errors
    /// [`TransportError`] if the card does not come up again.
    fn power_cycle(&mut self) -> Result<(), TransportError>;

    /// Its answer to reset, if the reader tells it.
    fn answer_to_reset(&self) -> Option<Vec<u8>> {
        None
    }
}

impl<T: TestedCard + ?Sized> TestedCard for &mut T {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        (**self).power_cycle()
    }

    fn answer_to_reset(&self) -> Option<Vec<u8>> {
        (**self).answer_to_reset()
    }
}

impl<T: TestedCard + ?Sized> TestedCard for Box<T> {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        (**self).power_cycle()
    }

    fn answer_to_reset(&self) -> Option<Vec<u8>> {
        (**self).answer_to_reset()
    }
}
