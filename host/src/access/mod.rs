//! An access terminal (profile §3.1, §5): a door that opens to a genuine card with a right of this enterprise.
//!
//! [`access()`] answers [`Access::Granted`] or [`Access::Denied`] after three commands, or five where the card logs. The door
//! is opened by whoever called it, on `Granted` alone.
//!
//! | module | what |
//! |---|---|
//! | `door` | a door and one tap at it |
//! | `judgement` | which of a card's rights opens it now |
//! | `denied` | why none did, in English and Chinese |
//! | `schedule` | the terminal's schedule table |
//! | `passback` | who is inside which zone |
//! | `rights` | reading rights; writing them, for the service desk |

mod denied;
mod door;
mod judgement;
mod passback;
mod rights;
mod schedule;

pub use denied::{Denial, Denied};
pub use door::{Access, CardLog, Direction, Door, Grant, GrantLog, Records, access};
pub use passback::{InvalidPassback, PassbackLedger};
pub use rights::{RightError, RightTerms, Slot, access_rights, clear_access_right, sealed_right, write_access_right};
pub use schedule::{ScheduleError, ScheduleTable};

#[cfg(test)]
mod tests;
