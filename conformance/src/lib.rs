//! Holds a card to the rules of the specification, clause by clause: a simulated card or a real one, of this profile or a
//! plain FMCOS wallet.
//!
//! The rules are data of `onecard-vectors`: what is sent, and what may come back, stated for whatever random the card gives.
//! This crate computes what they name with the host's ciphers, sends, compares and reports. It knows nothing of the card's
//! own code: the judge is never the card.
//!
//! **What is done to a card.** By default it is only read: no command that writes, counts a try or could block anything
//! leaves, whatever a rule says. With [`Mode::Write`] a blank card gets a test application with keys of the tester's own
//! making, money is moved and tries are spent in it, and the card is made blank again. A card whose key is not the
//! transport key loses one try by that, and is left alone. In no mode is a try spent that is known to be the last, nor anything
//! blocked for good: a [guard] looks at each command before it leaves.
//!
//! ```
//! # use onecard_conformance::{Order, RunError, TestedCard};
//! fn judge(card: &mut dyn TestedCard) -> Result<(), RunError> {
//!     let report = Order::default().run(card, &mut rand::rng(), &mut |_, _| ())?;
//!     print!("{}", report.text());
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

mod attempt;
mod blank;
mod card;
mod card_keys;
pub mod guard;
mod known;
mod language;
pub mod report;
mod run;
mod survey;
mod write;

use onecard_vectors::conformance::{Conformance, ConformanceDefect};

pub use card::TestedCard;
pub use card_keys::named_keys;
pub use guard::Mode;
pub use language::value::{Names, Value};
pub use report::{Report, RuleResult, Verdict};
pub use run::{Order, Progress, RunError};
pub use survey::{ApplicationFacts, Facts, ListedKey};

/// Every rule there is.
///
/// # Errors
/// Never, as long as this project's tests pass.
pub fn rules() -> Result<Conformance, ConformanceDefect> {
    Conformance::embedded()
}
