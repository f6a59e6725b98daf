//! Non-volatile memory: bytes, and what survives when the power goes.

/// The power went while programming. There is no answer to the command, and nothing but a new power-up follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PowerLost;

/// Byte-addressed non-volatile memory (EEPROM, or flash behind a page buffer).
pub trait Memory {
    /// Size in bytes.
    fn size(&self) -> usize;

    /// Copies from `address` on; bytes beyond the end read FF.
    fn read(&self, address: usize, into: &mut [u8]);

    /// One programming operation: `bytes` lie within one page of [`PAGE_SIZE`] bytes, aligned to it.
    ///
    /// # Errors
    /// [`PowerLost`]: each byte of `bytes` may hold its old value, its new value, or anything.
    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost>;
}

/// Write granularity: the most one programming operation takes, in bytes.
pub const PAGE_SIZE: usize = 64;
