//! Over the air, the card alone: messages, packets, commands, proofs of receipt. What a platform computes is computed here by hand,
//! from the bare ciphers.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

#[path = "../one_card/application.rs"]
mod application;
#[path = "../chip/mod.rs"]
mod chip;
#[path = "../one_card/deal.rs"]
mod deal;
#[path = "../rfid_sim/host.rs"]
mod host;
#[path = "../toolkit/image.rs"]
mod image;
#[path = "../toolkit/phone.rs"]
mod phone;
#[path = "../rfid_sim/sim.rs"]
mod sim;

mod carriage;
mod checks;
mod domain;
mod enterprise;
mod files;
mod loads;
mod platform;
mod proofs;
mod scripts;
mod tears;
