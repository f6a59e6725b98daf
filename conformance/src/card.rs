//! The card under test.

use onecard_host::transport::{Transport, TransportError};

/// A card in a reader that can take its power away.
pub trait TestedCard: Transport {
    /// Power off and on: what is volatile is gone. On a real reader: a reset, or out of the field and back.
    ///
    /// # Errors
    /// [`TransportError`] if the card does not come up again.
    fn power_cycle(&mut self) -> Result<(), TransportError>;

    /// Whether a command's data field and its Le both reach the card. By T=0 they do not: Le stays with the reader, and a
    /// command without data is told the right one by 6Cxx (ISO/IEC 7816-3 clause 12.2).
    fn carries_le(&self) -> bool {
        true
    }

    /// Its answer to reset, if the reader tells it.
    fn answer_to_reset(&self) -> Option<Vec<u8>> {
        None
    }
}
