//! The phone against a card that is played here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod mutated;
mod published;
mod scripted;
mod sessions;

use super::played_card::PlayedCard;

/// The last TERMINAL RESPONSE behind the device identities.
fn last_result(card: &PlayedCard) -> Vec<u8> {
    card.played().responses.last().unwrap()[9..].to_vec()
}
