//! What must be true at the end, from the books and the cards alone.

use std::io;

use onecard_gateway::campaign::{CampaignId, Ended, Ending, EngineError, OrderError, Store, StoreError};
use onecard_host::card::{balance, select};
use onecard_simulator::{message_centre::network::Network, sample::SampleError};
use onecard_wire::{aid, amount::Amount, wallet::Purse};

use super::people::People;

/// What must not be.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// The gateway's file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The world could not be made.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The same.
    #[error("the world could not be made: {0}")]
    World(&'static str),
    /// Money is wrong.
    #[error("card {card}: the book says {ending:?} of {ordered} fen, and the card has {found:?} fen")]
    Money {
        /// Which card.
        card: u32,
        /// What the book says.
        ending: Ending,
        /// What was ordered.
        ordered: u32,
        /// What is on the card; `None`: it cannot be read.
        found: Option<u32>,
    },
    /// A task that nobody knows, twice, or none for a card.
    #[error("order {0}: the book has not just one end of it")]
    Ends(String),
    /// The sum is another.
    #[error("the cards hold {cards} fen and the book {book}")]
    Sum {
        /// On all cards.
        cards: u64,
        /// Of what was committed.
        book: u64,
    },
}

/// Each order has ended, once, and each card has what the book says; nothing that is still under way changes it.
pub(super) fn recharges(
    store: &Store,
    campaign: CampaignId,
    mut network: Network,
    people: &People,
) -> Result<(), Violation> {
    // Whatever is still under way arrives.
    while let Some(at) = network.next_arrival() {
        network.run_until(at);
    }
    let mut seen = vec![false; people.numbers().len()];
    let (mut cards, mut book) = (0_u64, 0_u64);
    store.each_ended::<Violation>(campaign, |ended| {
        let number = People::number_of(&ended.order_number);
        let place = number.and_then(|number| seen.get_mut(number as usize));
        let (Some(number), Some(place @ false)) = (number, place) else {
            return Err(Violation::Ends(ended.order_number));
        };
        *place = true;
        let found = balance_of(&mut network, people, number)?;
        let ordered = People::amount(number);
        let right = match ended.ending {
            Ending::Committed => found == Some(ordered),
            Ending::NotCommitted => found == Some(Amount::ZERO),
            Ending::Unknown => false,
        };
        if !right || ended.amount_fen != Some(ordered.fen()) {
            return Err(money(number, &ended, ordered, found));
        }
        cards += found.map_or(0, |found| u64::from(found.fen()));
        book += if ended.ending == Ending::Committed { u64::from(ordered.fen()) } else { 0 };
        Ok(())
    })?;
    if let Some(number) = seen.iter().position(|seen| !seen) {
        return Err(Violation::Ends(format!("R{number}")));
    }
    if cards == book { Ok(()) } else { Err(Violation::Sum { cards, book }) }
}

fn money(card: u32, ended: &Ended, ordered: Amount, found: Option<Amount>) -> Violation {
    Violation::Money { card, ending: ended.ending, ordered: ordered.fen(), found: found.map(Amount::fen) }
}

/// By radio.
fn balance_of(network: &mut Network, people: &People, number: u32) -> Result<Option<Amount>, Violation> {
    let name = aid::enterprise_application(people.enterprise());
    let read = network.tap(&People::phone(number)?, |reader| {
        let card = select(reader, &name).ok()?;
        balance(reader, &card, Purse::Ep).ok()
    });
    Ok(read.flatten())
}
