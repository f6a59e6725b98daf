//! Cards and SAMs in one process: the applet on simulated chips, in readers that the host library talks to.
//!
//! ```text
//! Chip ──insert──► Reader: Transport ──► terminal
//!  ▲                 │ tap, tap_with, fail_at
//!  └─────remove──────┘
//! ```
//!
//! ```
//! use onecard_host::transport::Transport;
//! use onecard_simulator::{
//!     chip::{Blank, Chip},
//!     reader::Reader,
//! };
//!
//! let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, 1)?);
//! let challenge_and_status = reader.transmit(&[0x00, 0x84, 0x00, 0x00, 0x08])?;
//! assert_eq!(challenge_and_status.len(), 8 + 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`chip`], [`image_file`] | a chip, in RAM or in a locked file where killing the process is a power cut |
//! | [`tear`], [`memory`] | every power cut there is: before, inside and after each programming operation |
//! | [`reader`] | a card inserted, removed, torn; lost commands and answers |
//! | [`phone_slot`] | a RFID-SIM between a phone and a terminal's field |
//! | [`population`] | many cards |
//! | [`paced`] | a card behind a link of some speed |
//! | [`fragile_disk`] | a disk of which a power cut leaves less than was written |
//! | [`vpcd`], [`t0`] | the same cards in virtual readers, where pcscd and every PC/SC program finds them |
//! | [`handset`] | a phone that serves the toolkit of the card in it |
//! | [`message_centre`] | a mobile network: many phones with RFID-SIMs behind a message centre |
//! | [`sample`] | ready personalised cards and SAMs under development keys |
//!
//! A tear sweep first runs once with [`Chip::record_operations`](chip::Chip::record_operations), then once for each of
//! the [`cuts_of`](tear::cuts_of) what was recorded, from [`Chip::snapshot`](chip::Chip::snapshot) each time. A recovery
//! is swept in the same way: its operations count from 0 at its power-up.
#![forbid(unsafe_code)]

pub mod chip;
pub mod fragile_disk;
pub mod handset;
pub mod image_file;
pub mod memory;
pub mod message_centre;
pub mod paced;
pub mod phone_slot;
pub mod population;
mod random;
pub mod reader;
pub mod sample;
pub mod t0;
pub mod tear;
pub mod vpcd;
