//! The personalisation station (个人化): from key components to a drawer of issued cards.
//!
//! `onecard_host::issuing` issues one card; here are what a room full of them needs: keys that people make together and no
//! one knows alone, and batches that survive anything. Files, clocks and generators come in from the program.
//!
//! | module | what |
//! |---|---|
//! | [`ceremony`] | root keys from the components of several people, and the minutes |
//! | [`profile`], [`list`], [`people`], [`numbers`] | what a batch is made of: profile, list, numbers that are given once |
//! | [`batch`], [`journal`] | a batch that survives anything, and its journal |
//! | [`craft`] | how each kind of card is recognised, made and checked |
//! | [`report`] | what a batch ends with, signed |
//! | [`washing`] | the journal of a station that washes |
//! | [`store`] | where keys are: a file sealed by a passphrase |
#![forbid(unsafe_code)]

pub mod batch;
pub mod ceremony;
pub mod craft;
pub mod journal;
pub mod list;
pub mod numbers;
pub mod people;
pub mod profile;
pub mod report;
pub mod store;
pub mod washing;
