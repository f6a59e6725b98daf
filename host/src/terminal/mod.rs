//! Recharge and purchase, each one function, safe to tear at any point.
//!
//! [`purchase()`] and [`recharge()`] end as [`Outcome::Committed`], [`Outcome::NotCommitted`] or [`Outcome::Unknown`] and in
//! no other way. What is unknown is in the caller's [`TokenStore`] since before DEBIT or CREDIT left, so a killed terminal
//! forgets nothing either; the next tap of the same card resolves it, inside the next purchase or recharge or by
//! [`resolve`]. What no card and no issuer can end, the service desk does: [`conclude_by_desk`]. An order keeps its
//! [`OrderNumber`] until it has ended, and is settled at most once under that number; a load is also executed at most once.
//! What someone between card and reader can still do to a purchase, `in_doubt` says.
//!
//! | module | what |
//! |---|---|
//! | `purchase`, `recharge` | the two operations and their orders |
//! | `listed` | a card on the blacklist: refused, and marked |
//! | `in_doubt`, `desk` | what a card proves of a transaction in doubt, and what a person decides |
//! | `token`, `token_store`, `journal_file` | what is remembered, the rules of remembering, a file that does |
//! | `witness`, `issuer` | who can tell a genuine answer: SAM, server, issuer |
//! | `transaction`, [`settlement`], `receipt` | what was moved, for the issuer and for people |
//! | `outcome`, `reason`, `doubt`, `rule` | how it ended and what the cashier does next, in English and Chinese |

mod chinese;
mod completing;
mod desk;
mod doubt;
mod in_doubt;
mod initialize;
mod issuer;
mod journal_file;
mod language;
mod listed;
mod log_evidence;
mod outcome;
mod purchase;
mod reason;
mod receipt;
mod recharge;
mod refusal;
mod rule;
pub mod settlement;
mod stored;
mod tap;
mod token;
mod token_store;
mod transaction;
mod witness;

pub use desk::{DeskDecision, conclude_by_desk};
pub use doubt::{Decider, Doubt, InDoubt};
pub use in_doubt::{resolve, resolve_by_issuer};
pub use issuer::{IssuerCheck, IssuerKeys, Unproven};
pub use journal_file::JournalFile;
pub use language::Language;
pub use listed::{MarkError, WithBlacklist, mark_listed};
pub use outcome::{Earlier, Outcome, Stage, StoreError, Tap};
pub use purchase::{PurchaseOrder, purchase};
pub use reason::{Cause, Reason};
pub use receipt::Receipt;
pub use recharge::{RechargeOrder, recharge};
pub use rule::Rule;
pub use settlement::{Evidence, SettlementKey, SettlementRecord};
pub use token::{InvalidToken, Token};
pub use token_store::{Conclusion, InMemoryStore, StorageError, TokenStore};
pub use transaction::{Kind, OrderNumber, Transaction};
pub use witness::{LoadApprover, Server, WithIssuer, Witness};

#[cfg(test)]
mod tests;
