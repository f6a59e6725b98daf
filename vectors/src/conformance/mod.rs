//! Rules that a card is held to, as data: each clause with what is sent and what may come back, stated for whatever random
//! the card gives.
//!
//! A rule is a list of steps. What is sent is hexadecimal, with an expression in braces where a value is computed and with
//! square brackets round a data field, whose Lc is put in front: `80500102 [ 01 {amount} {terminal} ] 0F`. What may come
//! back is a pattern that ends with the status word: `old:4 sequence:2 .. 9000` keeps the first four and the next two
//! bytes under a name; `X` stands for any digit, `..` for any bytes. Who runs the rules gives expressions their meaning;
//! this crate computes nothing.

mod difference;
mod loader;
mod rule;
mod step;

pub use difference::{Difference, Untried};
pub use loader::{Conformance, ConformanceDefect};
pub use rule::{Need, Procedure, Rule, Scope};
pub use step::{Action, Flaw, Send, Step};
