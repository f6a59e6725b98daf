//! Non-volatile memory: bytes, and what survives when the power goes.
//!
//! Everything the card remembers is in [`Memory`], and after manufacture only [`Journal`] writes there: either a whole
//! [`Transaction`] takes effect or none of it, wherever the power goes, during recovery too.

mod journal;
pub(crate) mod map;
pub(crate) mod ring;

pub use journal::{Journal, Transaction};

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

/// Size of a CPU card's or SAM's memory image in bytes: room for eight enterprise applications.
pub const IMAGE_SIZE: usize = map::IMAGE_SIZE;

/// Size of a RFID-SIM's memory image in bytes: room for as many, and for what a SIM is beside them.
pub const RFID_SIM_IMAGE_SIZE: usize = map::RFID_SIM_IMAGE_SIZE;

/// Size of a key master card's memory image in bytes.
pub const KEY_MASTER_IMAGE_SIZE: usize = map::KEY_MASTER_IMAGE_SIZE;

/// Size of a mother authentication card's memory image in bytes.
pub const MOTHER_AUTHENTICATION_IMAGE_SIZE: usize = map::MOTHER_AUTHENTICATION_IMAGE_SIZE;
