//! Washing (洗卡): torn at every command, resumed, and what comes out is the card of an undisturbed wash; no last try is spent on the way.

mod another_order;
mod last_try;
mod random;
pub(crate) mod stand;
mod sweep;
mod tries;
