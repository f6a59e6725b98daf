//! Everything that moves money, each operation one function, safe to tear at any point.
//!
//! [`purchase()`], [`undo()`], [`capp_purchase`], [`cash_withdraw()`], [`recharge()`], [`unload()`] and [`update_overdraft`] end
//! as [`Outcome::Committed`], [`Outcome::NotCommitted`] or [`Outcome::Unknown`] and in
//! no other way. What is unknown is in the caller's [`TokenStore`] since before DEBIT or CREDIT left, so a killed terminal
//! forgets nothing either; the next tap of the same card resolves it, inside the next operation or by
//! [`resolve`]. What no card and no issuer can end, the service desk does: [`conclude_by_desk`]. An order keeps its
//! [`OrderNumber`] until it has ended, and is settled at most once under that number; a load is also executed at most once.
//! What someone between card and reader can still do to a purchase, `in_doubt` says.
//!
//! | module | what |
//! |---|---|
//! | `purchase`, `undo`, `capp`, `cash_withdraw` | orders that a SAM approves; `offline` is their one course |
//! | `recharge`, `unload`, `overdraft` | orders that a load SAM, a server or a desk approves; `online` is their one course |
//! | `subsidy` | a recharge that each card of a list gets once |
//! | `listed` | a card on the blacklist: refused, and marked |
//! | `plain_wallet` | a card that does not enforce its status and limits: the terminal does |
//! | `in_doubt`, `desk` | what a card proves of a transaction in doubt, and what a person decides |
//! | `token`, `token_store`, `journal_file` | what is remembered, the rules of remembering, a file that does |
//! | `witness`, `desk_approver`, `issuer` | who can tell a genuine answer: SAM, server, desk, issuer |
//! | `transaction`, [`settlement`], `receipt` | what was moved, for the issuer and for people |
//! | `outcome`, `reason`, `doubt`, `rule` | how it ended and what the cashier does next, in English and Chinese |

mod capp;
mod cash_withdraw;
pub(crate) mod chinese;
mod completing;
mod desk;
mod desk_approver;
mod doubt;
mod in_doubt;
mod initialize;
mod issuer;
mod journal_file;
mod language;
mod listed;
mod log_evidence;
mod offline;
mod online;
mod outcome;
mod overdraft;
mod plain_wallet;
mod purchase;
mod reason;
mod receipt;
mod recharge;
mod refusal;
mod rule;
pub mod settlement;
pub(crate) mod stored;
mod subsidy;
mod tap;
mod token;
mod token_store;
mod transaction;
mod undo;
mod unload;
mod witness;

pub use capp::{CappOrder, CappUpdate, RecordTooLong, capp_purchase};
pub use cash_withdraw::{CashOrder, cash_withdraw};
pub use desk::{DeskDecision, conclude_by_desk};
pub use desk_approver::{DeskApprover, DeskClaim, DeskKeys};
pub use doubt::{Decider, Doubt, InDoubt};
pub use in_doubt::{resolve, resolve_by_issuer};
pub use issuer::{IssuerCheck, IssuerKeys, Unproven};
pub use journal_file::JournalFile;
pub use language::Language;
pub(crate) use listed::blacklisted;
pub use listed::{MarkError, WithBlacklist, mark_listed};
pub use outcome::{Earlier, Outcome, Stage, StoreError, Tap};
pub use overdraft::{OverdraftOrder, update_overdraft};
pub use purchase::{PurchaseOrder, purchase};
pub use reason::{Cause, Reason};
pub use receipt::Receipt;
pub use recharge::{RechargeOrder, recharge};
pub use rule::Rule;
pub use settlement::{Evidence, SettlementKey, SettlementRecord};
pub use subsidy::{Subsidy, SubsidyNumber, subsidise};
pub use token::{InvalidToken, Token};
pub use token_store::{Conclusion, InMemoryStore, StorageError, TokenStore};
pub use transaction::{Counter, Direction, Kind, OrderNumber, Transaction};
pub use undo::{UndoOrder, undo};
pub use unload::{UnloadOrder, unload};
pub use witness::{LoadApprover, Server, WithIssuer, Witness};

#[cfg(test)]
mod tests;
