//! Washing (洗卡): torn at every command, resumed, and what comes out is the card of an undisturbed wash.

mod random;
pub(crate) mod stand;
mod sweep;
