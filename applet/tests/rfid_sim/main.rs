//! The issuer domain of a RFID-SIM, the card alone. What a host computes is computed here by hand.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

#[path = "../chip/mod.rs"]
mod chip;

mod applications;
mod between;
mod channels;
mod counters;
mod eight;
mod generated;
mod host;
mod key_sets;
mod next_command;
mod objects;
mod published;

mod sessions_end;
mod sim;
mod states;
mod tears;
mod worn;
