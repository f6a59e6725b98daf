//! SMPP 3.4 from the platform's side.
//!
//! ```text
//! Carrier ◄──► Link: socket, clock, reconnects ◄──bytes──► message centre
//!                 │ bytes, now
//!                 ▼
//!              Session: bind, window, rate, answers; closed once, closed for good
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`session`] | one connection's conversation: bytes and time in, bytes and events out; no socket, no clock |
//! | [`link`] | sockets under it, one for both ways or one for each, and another session when one has ended |
//! | [`receipt`] | delivery receipts, as text or parameters |
//! | [`pace`] | how many messages a second, and how long to wait after a failure |
//! | [`account`] | who binds, and under which terms |

pub mod account;
mod inbound;
mod line;
pub mod link;
pub mod pace;
pub mod receipt;
pub mod session;
#[cfg(test)]
mod tests;
