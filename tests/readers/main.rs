//! Cards in virtual readers, through a pcscd that runs: `.ci/with-pcscd cargo test -p onecard-tests --features pcsc --test
//! readers --locked -- --test-threads=1`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod batch;
mod card_management;
mod commands;
mod conformance;
mod connection;
mod foreign;
mod key_master;
mod phone_boot;
mod presence;
mod program;
mod pulled;
mod recorded;
mod sessions;
mod stage;
