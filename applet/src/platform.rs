//! All that a port to a chip supplies.

use crate::nvm::Memory;

/// A chip: its non-volatile memory and its random number generator.
pub trait Platform: Memory {
    /// Fills `into` with random bytes that do not repeat, after a power-off neither.
    fn random(&mut self, into: &mut [u8]);
}
