//! Command and response APDUs (ISO/IEC 7816-3 clause 12, short lengths) and the one place where they are exchanged.

mod command;
mod exchange;
mod meaning;
mod response;

pub use command::{Command, DataTooLong};
pub(crate) use exchange::exchange_bytes;
pub use exchange::{ExchangeError, exchange};
pub use meaning::{CommandName, Meaning, Refusal, meaning, meanings};
pub use response::Response;
