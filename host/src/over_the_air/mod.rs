//! Secured packets over the air (空中), the platform's side (specification 19): ETSI TS 102 225 and 226, 3GPP TS 31.115.
//!
//! Pure functions: bytes in, bytes out. A [`CommandPacket`] is built once under a counter that the caller has reserved and kept,
//! and sent again byte for byte. What comes back is [`Proven`] only by a right checksum; any other answer is a [`Hint`].

mod check;
mod command_packet;
pub mod commands;
pub mod deletion;
pub mod issue;
mod keys;
pub mod lock;
mod maintenance_key;
pub mod message;
mod obstacle;
mod placed;
pub mod recharge;
mod request;
mod response_packet;
mod script;
mod security;
mod shown;
#[cfg(test)]
mod tests;

pub use command_packet::{BuildError, CommandHeader, CommandPacket, OpenedCommand, PacketTerms, ReadError};
pub use keys::{NotOverTheAir, OtaKeySet, PacketKeys};
pub use maintenance_key::MaintenanceKey;
pub use obstacle::{Obstacle, Tries};
pub use placed::{KeyInHand, PlaceError, PlacedMac};
pub use request::{
    DeleteRequest, PasswordTries, PasswordVerdict, RequestError, RequestOutcome, RequestsTaken, ServicePassword,
};
pub use response_packet::{Answer, Hint, PacketStatus, Proven, ResponseError};
pub use script::{
    AnswerError, BadFormat, Chaining, ChainingError, Ending, Form, Script, ScriptAnswer, ScriptError, ScriptParseError,
    TemplateLength,
};
pub use security::{
    CounterMode, Integrity, PacketCounter, ProofOfReceipt, ProofWay, ProofWhen, RedundancyCheck, SetVersion, Spi, Tar,
};
