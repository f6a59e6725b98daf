#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub(super) mod card;
mod editions;
mod flows;
mod packets;
mod requests;
