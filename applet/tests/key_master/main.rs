//! The key master card and its mother authentication card, alone. What a ceremony, a station and a target compute is
//! computed here by hand.
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
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../rfid_sim/sim.rs"]
mod sim;
#[path = "../rfid_sim/host.rs"]
mod sim_host;

mod ceremony;
mod commands;
mod copies;
mod exports;
mod generated;
mod loading;
mod opening;
mod refusals;
mod slot;
mod strangers;
mod tears;
mod vectors;
mod washing;
