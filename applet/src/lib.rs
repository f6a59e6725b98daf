//! The one-card CPU card, SAM, RFID-SIM and key master card, without a heap.
//!
//! [`manufacture`] makes a blank chip, [`Card::power_up`] brings it to life, [`Card::process`] executes one command. A
//! port supplies a [`Platform`]: bytes that survive power-off, and random numbers.
//!
//! | module | what |
//! |---|---|
//! | [`nvm`] | memory; the journal, the only way to write it; rings of cells against wear |
//! | `card`, `dispatch`, `apdu` | power-up and one command after the other |
//! | `fs` | file table, SELECT, CREATE FILE, ERASE DF, binary and record files |
//! | `keys` | key records, error counters, WRITE KEY, the key list |
//! | `line_protection`, `authenticate`, `pin`, `life_cycle` | what opens and closes files and applications |
//! | `wallet` | every transaction, limits, proofs; `wallet::purse` is the only place a balance changes |
//! | `psam` | the SAM's commands |
//! | `cos` | one session of all these, lent the memory for a command |
//! | `rfid_sim` | a SIM: two interfaces, logical channels, which application a command is for |
//! | `issuer_domain` | GlobalPlatform: secure channels, key sets, INSTALL and DELETE |
//! | `uicc` | the SIM's files, PINs, Milenage |
//! | `toolkit` | the phone's menu: proactive commands, balances, requests to the platform |
//! | `key_master` | key master card and mother authentication card: master keys, exports |
//! | `ota` | packets over the air |
//! | `crypto` | DES, triple DES, SM4, AES, MACs |
//!
//! Invariants: nothing here opens a socket, a file or a clock; after manufacture only `nvm::Journal` programs memory; an
//! error counter falls before a secret is compared; a transaction begun belongs to the next command alone, but
//! for UPDATE CAPP DATA CACHE and a load begun over the air, which waits for its CREDIT in memory; a packet's counter is kept
//! before its first command.
#![no_std]
#![forbid(unsafe_code)]

mod apdu;
mod authenticate;
mod card;
mod cos;
mod crypto;
mod dispatch;
mod failure;
mod fs;
mod issuer_domain;
mod key_master;
mod keys;
mod life_cycle;
mod line_protection;
mod manufacture;
pub mod nvm;
mod ota;
mod pin;
mod platform;
mod psam;
mod rfid_sim;
mod toolkit;
mod uicc;
mod wallet;

pub use apdu::{RESPONSE_LEN_MAX, Response};
pub use card::{Card, Cause, Dead};
pub use key_master::{KeyMasterCard, MotherAuthenticationCard};
pub use manufacture::{Blank, Kind, Unmade, manufacture};
pub use nvm::{
    IMAGE_SIZE, KEY_MASTER_IMAGE_SIZE, MOTHER_AUTHENTICATION_IMAGE_SIZE, Memory, PAGE_SIZE, PowerLost,
    RFID_SIM_IMAGE_SIZE,
};
pub use platform::Platform;
pub use rfid_sim::{Codes, Interface, KeySet, KeySetCipher, RfidSim, SimData, Subscriber};
