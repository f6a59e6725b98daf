//! World, auditor and strategies: what a test of cards and terminals needs, for this project and for vendors.
//!
//! ```text
//! strategies ──Step──► Scenario ──tap──► TerminalUnderTest ◄──► card, SAM
//!                         │ what was heard
//!                         ▼
//!                      Auditor: what must be true from the replies alone
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`world`] | personalised cards and SAMs, made once, and their issuer |
//! | [`terminal`] | the trait a terminal is tested through, and this project's terminals behind it |
//! | [`lifeline`] | killing a terminal between any two things it does |
//! | [`disk`] | a disk of which a power cut leaves less than was written |
//! | [`interleaving`] | two programs at two interfaces of one chip, in every order of their commands |
//! | [`relay`] | changing what a card answers on the way |
//! | [`simulated_carrier`] | a network of phones with RFID-SIMs as a gateway's link, without sockets |
//! | [`strategies`] | generated steps: taps with everything that can go wrong |
//! | [`scenario`] | carries steps out |
//! | [`auditor`] | judges what was heard |
//! | [`air`] | campaigns over the air: gateway, network, phones, power cuts; one seed |
//! | [`campaign`] | many cases, and the shortest steps that fail |
//!
//! A vendor implements [`TerminalUnderTest`](terminal::TerminalUnderTest) for his own terminal and lets
//! [`Scenario`](scenario::Scenario) run generated steps against it: `examples/own_terminal.rs`.
#![forbid(unsafe_code)]

pub mod air;
pub mod auditor;
pub mod campaign;
pub mod interleaving;
pub mod lifeline;
pub mod relay;
pub mod scenario;
pub mod simulated_carrier;
pub mod strategies;
pub mod terminal;
pub mod world;

pub use onecard_simulator::fragile_disk as disk;
