//! Contents of an application's files.

mod holder;
mod log;
mod parameters;
mod public_data;

pub use holder::Holder;
pub use log::LogRecord;
pub use parameters::{CardStatus, Parameters};
pub use public_data::{ApplicationType, PublicData};
