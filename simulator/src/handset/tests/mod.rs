//! The phone against a card that is played here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod fake_card;
mod published;
mod scripted;
mod sessions;
