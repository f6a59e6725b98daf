//! The power goes everywhere: before, inside and after every programming operation, torn in every way, and again during
//! each recovery, and once more during the recovery after that. Whatever was cut has happened whole or not at all.

mod commands;
mod money;
mod pins;
mod sam_undo;
mod sweep;
pub(crate) mod till;
mod wallet;
