//! What a terminal vendor links: a card, a SAM, and one function for each business operation.
#![forbid(unsafe_code)]

pub mod sam;
pub mod transport;
