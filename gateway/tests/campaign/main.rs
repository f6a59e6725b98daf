//! Campaigns against real cards behind a network that can be bad.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asking;
mod direct;
mod discipline;
mod dues;
mod losses;
mod recharges;
mod requests;
mod restored;
mod unknowns;
