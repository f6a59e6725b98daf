//! The key master card (密钥母卡) and its mother authentication card (母卡认证卡): an enterprise's master keys, which leave
//! the one only enciphered for a named card, and the key that opens it (own; chapter 16).
//!
//! Neither has files: their own small command set, their own part of the memory, written by the journal alone.
//!
//! | module | what |
//! |---|---|
//! | `session` | which command is served, what is lost at power-off |
//! | `region` | what is kept: identity, secrets, allowance |
//! | `open` | PIN and mother card, and the tries of both |
//! | `personalise`, `load` | what comes in: transport keys, master keys, allowance |
//! | `export`, `record`, `body` | what goes out: which key to which target, its key record, its encipherment |
//! | `copy` | to another key master card |
//! | `log`, `master_keys` | the log and the keys |
//! | `report` | SELECT, GET DATA |
//! | `proof` | the MAC of what comes in |
//! | `mother` | the mother authentication card |

mod body;
mod copy;
mod export;
mod load;
mod log;
mod master_keys;
mod mother;
mod open;
mod personalise;
mod proof;
mod record;
mod region;
mod report;
mod session;

pub use mother::MotherAuthenticationCard;
pub use session::KeyMasterCard;
