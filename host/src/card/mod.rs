//! A member's card: selection, typed reads, MACed writes, PIN, authentication, life cycle.

mod authenticate;
mod contents;
mod file;
mod life_cycle;
mod pin;
mod pin_replacement;
mod select;
mod write;

pub use authenticate::{AuthenticateError, external_authenticate, external_authentication, internal_authenticate};
pub use contents::{key_list, load_counter, purchase_counter};
pub use file::{
    Access, ReadError, balance, holder, log, log_record, parameters, read_binary, read_binary_from, read_record,
};
pub use life_cycle::{Block, LifeCycle, LifeCycleError, block_of, change_life_cycle};
pub use pin::{Pin, PinError, PinTextError, verify_pin};
pub use pin_replacement::{PinReplacementError, change_pin, reload_command, reload_pin, unblock_command, unblock_pin};
pub(crate) use select::public_data_of;
#[cfg(test)]
pub(crate) use select::sample;
pub use select::{SelectError, Selected, select};
pub use write::{WriteError, update_binary};
