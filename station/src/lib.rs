//! The personalisation station (个人化): from key components to a drawer of issued cards.
//!
//! `onecard_host::issuing` issues one card; here are what a room full of them needs: keys that people make together and no
//! one knows alone, and batches that survive anything. Files, clocks and generators come in from the program.
//!
//! | module | what |
//! |---|---|
//! | [`ceremony`] | root keys from the components of several people, and the minutes |
//! | [`store`] | where keys are: a file sealed by a passphrase |
#![forbid(unsafe_code)]

pub mod ceremony;
pub mod store;
