//! SCP02 and SCP03 (GlobalPlatform Card Specification 2.3.1, annex E and amendment D).
//!
//! Whoever reads them does one half: a host makes the commands and checks the answers, a card makes the answers and checks
//! the commands. A vector's protocol is its kind's; its answer to INITIALIZE UPDATE says so, too.

mod chain;
mod keys;
mod put_key;
mod session;

pub use chain::Chain;
pub use keys::{CardChallenge, Derivation, Scp02Keys, Scp03Keys, SensitiveData, SessionKeys};
pub use put_key::{KeyForm, PutKey};
pub use session::{Exchange, Session};
