//! The UICC side of a RFID-SIM: files, rights, PINs, authentication.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod authentication;
mod boot;
mod pins;
mod records;
mod rights;
mod selection;
mod sim;
mod tears;
