//! Tests that need two crates, one module a subject.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod access;
mod air_flows;
mod air_recharge;
mod apdu_budget;
mod attacks;
mod attendance;
mod books;
mod card_management;
mod cashier;
mod ciphers;
mod commands;
mod coverage_of_vectors;
mod durable;
mod every_operation;
mod foreign_peers;
mod generated_commands;
mod isolation;
mod lost_card;
mod master_card;
mod memory;
mod over_the_air;
mod presence;
mod probe;
mod purse;
mod purse_model;
mod sam_probe;
mod station;
mod status_words;
mod tearing;
mod terminal_kills;
mod tidy;
mod till_example;
mod traces;
mod two_interfaces;
mod uicc_parameters;
mod vectors_card;
mod vectors_host;
mod washing;
mod wear;
