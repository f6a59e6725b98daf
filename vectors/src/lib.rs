//! Test vectors: traces of real cards, worked examples of standards and manuals, and what a second implementation in
//! another language makes where nothing is published.
//!
//! [`Vectors::embedded`] loads them, strictly: a vector without a source, with a field nobody knows or with a
//! degenerate key does not load. `SOURCES.md` says where each file comes from. Card and host library read the same
//! vectors and are judged by them separately; this crate computes nothing.
//!
//! Answers are without their status word; every exchange ended with 9000 unless a vector is
//! [invalid](vector::Verdict::Invalid). All bytes are as on the wire: numbers big-endian, dates and times BCD.
//!
//! | module | vectors |
//! |---|---|
//! | [`ecb`], [`mac`] | one cipher call; MACs of ISO/IEC 9797-1, CMAC |
//! | [`diversify`], [`key_check_value`] | keys from keys |
//! | [`authentication`] | EXTERNAL and INTERNAL AUTHENTICATE |
//! | [`line_protection`], [`wrapped_key`], [`pin`] | commands under line protection, WRITE KEY, RELOAD PIN, PIN UNBLOCK |
//! | [`key_master`] | key wrap; bodies of WRITE KEY that a key master card exports |
//! | [`load`], [`purchase`], [`unload`], [`overdraft`] | the wallet; compound purchase, cash withdrawal and undo are with the purchases |
//! | [`access_right`] | an entry of the access rights |
//! | [`sam`], [`sam_crypt`] | the SAM's commands |
//! | [`secured_packet`] | command packets over the air |
//! | [`secure_channel`] | SCP02 and SCP03: sessions, keys, chains of commands, PUT KEY |
//! | [`toolkit`] | what card and phone say to each other |
//! | [`card_management`] | GlobalPlatform commands and answers without protection |
//! | [`uicc`] | file control parameters of UICCs |
//! | [`milenage`] | the authentication algorithms of a USIM |
//! | [`conformance`] | rules that a card is held to |
#![forbid(unsafe_code)]

pub mod access_right;
pub mod authentication;
pub mod block_cipher;
pub mod card_management;
pub mod conformance;
pub mod construction;
pub mod diversify;
pub mod ecb;
mod hex_field;
pub mod key_check_value;
pub mod key_defect;
pub mod key_master;
pub mod line_protection;
pub mod load;
mod loader;
pub mod mac;
pub mod milenage;
pub mod overdraft;
pub mod pin;
pub mod purchase;
pub mod sam;
pub mod sam_crypt;
pub mod secure_channel;
pub mod secured_packet;
pub mod toolkit;
pub mod uicc;
pub mod unload;
pub mod vector;
pub mod wrapped_key;

pub use loader::{LoadError, VectorDefect, Vectors};
