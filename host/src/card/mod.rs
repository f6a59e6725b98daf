//! A member's card: selection, typed reads, PIN.

mod file;
mod pin;
mod select;

pub use file::{Access, ReadError, balance, holder, log, log_record, parameters, read_binary, read_record};
pub use pin::{Pin, PinError, PinTextError, verify_pin};
pub use select::{SelectError, Selected, select};
