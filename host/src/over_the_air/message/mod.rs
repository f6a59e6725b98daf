//! Short messages that carry packets (3GPP TS 23.040, TS 31.115): divided, put together, their TPDUs.

mod address;
mod parts;
#[cfg(test)]
mod tests;
mod tpdu;
mod user_data;

pub use address::{Address, AddressError};
pub use parts::{Assembly, ForeignPart, Reference, TooManyParts, answer_data_max, data_max, divide};
pub use tpdu::{Deliver, ServiceCentreTime, Submit, TpduError};
pub use user_data::{Concatenation, PacketKind, UserData, UserDataError};
