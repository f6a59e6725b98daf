//! Contents of an application's files.

mod access_right;
mod capp;
mod event;
mod holder;
mod log;
mod parameters;
mod public_data;

pub use access_right::{AccessRight, Zone};
pub use capp::CappRecord;
pub use event::{EventCode, EventRecord};
pub use holder::Holder;
pub use log::LogRecord;
pub use parameters::{CardStatus, Parameters};
pub use public_data::{ApplicationType, PublicData, Validity};
