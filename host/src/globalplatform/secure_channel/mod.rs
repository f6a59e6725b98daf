//! Secure channels to a domain: SCP02 (i 15, 55) and SCP03 (every key length, S8 and S16 mode), written from GlobalPlatform
//! Card Specification 2.3.1, annex E, and its amendment D.
//!
//! [`open`] makes a [`Session`] out of a transport; [`Opening`], [`Authenticating`] and [`SecureChannel`] are the same steps
//! without one. Each step consumes the one before it, so that nothing is protected by keys the card has not shown to have.

mod channel;
mod level;
mod opening;
mod scp02;
mod scp03;
mod session;
mod wrapping;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(in crate::globalplatform) use channel::fixed_channel;
pub use channel::{Closed, SecureChannel, WrapError};
pub use level::{Level, LevelTextError};
pub use opening::{Authenticating, HostChallenge, OpenError, Opening, Peer, Request};
pub use session::{Session, SessionError, open};
pub use wrapping::TooLong;
