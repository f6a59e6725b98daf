//! The command line as its users meet it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod campaign;
mod cards;
mod ceremony;
mod doors;
mod doubts;
mod issue;
mod messages;
mod mishaps;
mod passphrase;
mod phone;
mod restore;
mod run;
mod service;
mod settlement;
mod simulated;
mod station;
mod steps;
mod story;
mod terminal;
#[cfg(feature = "hsm")]
mod token;
mod traces;
mod washing;

/// Every transcript, typed and compared.
#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
