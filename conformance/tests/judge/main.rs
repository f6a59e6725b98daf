//! The judge before cards: sound ones, which it must not blame, and ones with a seeded fault, which it must.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bench;
mod blank;
mod coverage;
mod faults;
mod faulty;
mod report;
mod safety;
mod sound;
