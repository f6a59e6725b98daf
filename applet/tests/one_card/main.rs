//! The whole enterprise application, the card alone: every transaction, the limits of EF 0017, access rights of the
//! files. What a terminal computes is computed here by hand.
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

mod account;
mod application;
mod compound;
mod deal;
mod deposit;
mod desk;
mod limits;
mod model;
mod rights;
mod states;
mod tears;
mod undo;
mod unload;
