//! Key ceremony (密钥仪式): several people make the root keys together, and none of them knows one (spec 17.1).
//!
//! Each holder has a [`Component`]; what all of them, or enough of them, give together is the [`BaseValue`], from which every
//! root comes one-way by purpose and version. A [`Record`] keeps who did what, by check values and never by secrets, and
//! tells what is next after any break; [`minutes_page`] prints it, to be signed.

mod base_value;
mod combination;
mod component;
mod minutes;
mod plan;
mod record;
#[cfg(test)]
mod tests;

pub use base_value::{BaseValue, WeakBaseValue};
pub use combination::{Combination, CombineError};
pub use component::{Component, ComponentTextError, SealedComponent, parse_check_value};
pub use minutes::minutes_page;
pub use plan::{Plan, PlanError};
pub use record::{HowKept, MadeComponent, NewComponentError, OtherRoots, Record, RecordError, RootCheck, Stored};
