//! Batches of a personalisation station: from a list of people to a drawer of cards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod lost_ledger;
mod lying_cards;
mod mishaps;
mod power_cut;
mod sams;
mod school;
mod second_wash;
mod sims;
mod speed;
mod stack;
mod tries;
mod whole;
