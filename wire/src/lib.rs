//! What crosses the contacts: names, numbers and layouts that the card and its terminals share.
//!
//! Only facts live here. Whatever authenticates or moves money is written twice, once in the card and once in the
//! host library, and this crate knows neither.
//!
//! | module | what |
//! |---|---|
//! | [`status`], [`ins`] | status words; CLA and INS bytes |
//! | [`aid`], [`fid`], [`mod@file`] | names and identifiers of applications and files; CREATE FILE |
//! | [`number`], [`amount`], [`date`] | enterprise, serial and terminal numbers; fen; BCD date and time |
//! | [`key`], [`sam`] | key types and key records; SAM key usages and commands |
//! | [`key_master`] | key master card and mother authentication card |
//! | [`wallet`] | transaction types; data fields of the wallet's commands and answers |
//! | [`uicc`] | a SIM: file identifiers, file control parameters, PINs, AUTHENTICATE |
//! | [`toolkit`] | card application toolkit: commands, tags, results, terminal profile |
//! | [`ota`] | secured packets over the air |
//! | [`smpp`] | what a platform and a message centre say to each other |
//! | [`globalplatform`] | card management: commands, tags, privileges, life cycles, secure channels |
//! | [`record`] | contents of EF 0015 to 001C |
//! | [`layout`] | reading and writing fixed fields without a panic |
#![no_std]
#![forbid(unsafe_code)]

pub mod aid;
pub mod amount;
pub mod date;
pub mod fid;
pub mod file;
pub mod globalplatform;
pub mod ins;
pub mod key;
pub mod key_master;
pub mod layout;
pub mod number;
pub mod ota;
pub mod record;
pub mod sam;
pub mod smpp;
pub mod status;
pub mod toolkit;
pub mod uicc;
pub mod wallet;
