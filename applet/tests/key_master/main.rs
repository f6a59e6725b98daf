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

mod ceremony;
mod exports;
mod loading;
mod opening;
mod slot;
