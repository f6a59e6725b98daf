//! Phones behind a message centre: the network by itself, and over links. Its own binary: a gateway is built without the rest.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod campaign;
#[cfg(feature = "smpp-peers")]
mod foreign;
mod loopback;
mod network;
