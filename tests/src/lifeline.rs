//! The life of a terminal's process, and the points at which it ends.

use std::{cell::Cell, rc::Rc};

use onecard_host::{
    sam::CardFactors,
    terminal::{Conclusion, Counter, OrderNumber, SettlementRecord, StorageError, Token, TokenStore},
    transport::{Transport, TransportError},
};

/// Counts what a terminal does, so that it can be killed before or after any of it.
///
/// Points are passed by each command to the card or SAM, before it leaves and after its answer, and by each write of a
/// [`MortalStore`], before and after. A dead terminal reaches nothing any more: what it still says, nobody hears.
#[derive(Clone, Debug, Default)]
pub struct Lifeline(Rc<Life>);

#[derive(Debug, Default)]
struct Life {
    passed: Cell<u64>,
    ends_at: Cell<Option<u64>>,
}

/// The terminal is dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the terminal was killed")]
pub struct Killed;

impl Lifeline {
    /// One that never ends.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts from 0 again; the terminal dies at point `ends_at`, if it gets there.
    pub fn renew(&self, ends_at: Option<u64>) {
        self.0.passed.set(0);
        self.0.ends_at.set(ends_at);
    }

    /// Passes a point.
    ///
    /// # Errors
    /// [`Killed`] at the last point and ever after.
    pub fn pass(&self) -> Result<(), Killed> {
        if self.is_over() {
            return Err(Killed);
        }
        self.0.passed.set(self.0.passed.get() + 1);
        Ok(())
    }

    /// Whether the terminal is dead.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.ends_at.get().is_some_and(|end| self.0.passed.get() >= end)
    }

    /// Points passed since [`Self::renew`].
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.0.passed.get()
    }
}

/// A card or SAM as a mortal terminal reaches it.
pub struct MortalTransport<'a> {
    /// The card or SAM.
    pub transport: &'a mut dyn Transport,
    /// The terminal's life.
    pub lifeline: Lifeline,
}

impl Transport for MortalTransport<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let killed = |Killed| TransportError::Reader(Killed.to_string());
        self.lifeline.pass().map_err(killed)?;
        let answer = self.transport.transmit(command);
        self.lifeline.pass().map_err(killed)?;
        answer
    }
}

/// A token store that dies with its terminal and keeps what it had written by then.
#[derive(Debug)]
pub struct MortalStore<'a, S> {
    /// The store that survives.
    pub store: &'a mut S,
    /// The terminal's life.
    pub lifeline: Lifeline,
}

impl<S> MortalStore<'_, S> {
    fn write(&mut self, write: impl FnOnce(&mut S) -> Result<(), StorageError>) -> Result<(), StorageError> {
        let killed = |killed: Killed| StorageError::Other(killed.into());
        self.lifeline.pass().map_err(killed)?;
        let written = write(self.store);
        self.lifeline.pass().map_err(killed)?;
        written
    }
}

impl<S: TokenStore> TokenStore for MortalStore<'_, S> {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        self.write(|store| store.begin(token))
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        self.write(|store| store.conclude(token, conclusion))
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        self.store.pending()
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        self.store.committed(order)
    }

    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError> {
        self.store.last_of_counter(card, counter)
    }
}
