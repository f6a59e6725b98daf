//! A station's side of the key master card (密钥母卡) and its mother authentication card (母卡认证卡) (own, specification
//! chapter 16).
//!
//! ```text
//! blank ──personalise──► ClosedKeyMaster ──open: mother card and PIN──► OpenKeyMaster ──► bodies of WRITE KEY, copies
//!                              ▲                                             │
//!                              └──────── select again ◄──── power, silence ──┘
//! ```
//!
//! The challenge by which the mother card opens it is lost with the power, so both cards are in a reader at the same time.
//! An open one is a [`KeyStore`](crate::key_store::KeyStore), and a [`MasterKeySource`] for another one.

mod bodies;
mod error;
mod export;
mod fill;
mod key_wrap;
mod names;
mod personalise;
mod session;
mod source;

pub use bodies::{LoadBody, Recipient};
pub use error::{KeyMasterCommand, KeyMasterError};
pub use fill::{Filled, fill, move_allowance};
pub use names::{code_of, purpose_of};
pub use onecard_wire::key_master::{LifeCycle, LoadAllowance, LogEntry, LogEvent, MotherStatus, Status};
pub use personalise::{KeyMasterOrder, Personalised, personalise_key_master, personalise_mother};
pub use session::{
    ClosedKeyMaster, LastTry, MasterPin, MasterPinError, OpenKeyMaster, key_master_status, mother_status,
};
pub use source::{CeremonyKeys, MasterKeySource, TransportKeys};
