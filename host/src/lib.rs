//! What a terminal vendor links: a card, a SAM, and one function for each business operation.
#![forbid(unsafe_code)]

pub mod apdu;
mod as_text;
pub mod card;
pub mod crypto;
pub mod issuing;
pub mod keys;
pub mod line_protection;
pub mod sam;
pub mod terminal;
pub mod transport;
