//! What must be true at the end, from the books and the cards alone.

use std::{collections::HashSet, io};

use onecard_gateway::campaign::{CampaignId, Ended, Ending, EngineError, OrderError, Store, StoreError};
use onecard_host::card::{SelectError, balance, select};
use onecard_simulator::{message_centre::network::Network, sample::SampleError};
use onecard_wire::{aid, wallet::Purse};

use super::{people::People, radio::Radio};

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
    /// A card is not what the book says.
    #[error("card {card}: the book says it is {book:?}, and it is {found:?}")]
    Card {
        /// Which card.
        card: u32,
        /// What the book says.
        book: Standing,
        /// What it is.
        found: Standing,
    },
    /// A task whose amount is not its order's.
    #[error("order {order}: the book has {amount:?} fen")]
    Amount {
        /// Which.
        order: String,
        /// What it says.
        amount: Option<u32>,
    },
    /// Nobody knows, though the network has worked to the end.
    #[error("order {order} has ended unknown: {reason:?}")]
    Unknown {
        /// Which.
        order: String,
        /// Why.
        reason: Option<String>,
    },
    /// A task that nobody knows, twice, or none for a card.
    #[error("order {0}: the book has not just one end of it")]
    Ends(String),
    /// More was paid by radio than the card ever had.
    #[error("card {card}: {moved} fen were moved by radio, and by the book it had {had}")]
    Radio {
        /// Which card.
        card: u32,
        /// By the book, in fen.
        had: u32,
        /// By radio, in fen.
        moved: i64,
    },
    /// The sum is another.
    #[error("the cards hold {cards} fen and the book {book}")]
    Sum {
        /// On all cards.
        cards: u64,
        /// Of what was committed.
        book: u64,
    },
}

/// What a card is to the enterprise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It has no application.
    None,
    /// It has the application of its serial, with that balance in fen.
    Issued(u32),
    /// It has one that cannot be used.
    Unusable,
}

/// The three campaigns of a trial.
pub(super) struct Campaigns {
    pub(super) issues: CampaignId,
    pub(super) recharges: CampaignId,
    pub(super) deletions: CampaignId,
}

/// Each order has ended, once, and each card is what the book says; nothing that is still under way changes it.
pub(super) fn judge(
    store: &Store,
    campaigns: &Campaigns,
    mut network: Network,
    (people, radio): (&People, &Radio),
) -> Result<(), Violation> {
    // Whatever is still under way arrives.
    while let Some(at) = network.next_arrival() {
        network.run_until(at);
    }
    let mut book = vec![Standing::None; people.numbers().len()];
    let mut paid_out = 0_u64;
    let everybody: Vec<u32> = people.numbers().collect();
    each(store, campaigns.issues, 'I', &everybody, |number, ended| {
        put(&mut book, number, if ended.ending == Ending::Committed { Standing::Issued(0) } else { Standing::None });
        Ok(())
    })?;
    each(store, campaigns.recharges, 'R', &everybody, |number, ended| {
        let ordered = People::amount(number).fen();
        if ended.amount_fen != Some(ordered) {
            return Err(Violation::Amount { order: ended.order_number.clone(), amount: ended.amount_fen });
        }
        if ended.ending == Ending::Committed {
            put(&mut book, number, Standing::Issued(ordered));
        }
        Ok(())
    })?;
    let by_radio = used(&mut book, people, radio)?;
    let leaving: Vec<u32> = people.numbers().filter(|number| People::is_deleted(*number)).collect();
    each(store, campaigns.deletions, 'D', &leaving, |number, ended| {
        let had = book.get(number as usize).copied();
        match (ended.ending, had) {
            // The refund is what was on the card.
            (Ending::Committed, Some(Standing::Issued(balance))) if ended.amount_fen == Some(balance) => {
                paid_out += u64::from(balance);
                put(&mut book, number, Standing::None);
                Ok(())
            }
            (Ending::Committed, _) => {
                Err(Violation::Amount { order: ended.order_number.clone(), amount: ended.amount_fen })
            }
            (_, Some(Standing::Issued(_))) if ended.report.suspended => {
                put(&mut book, number, Standing::Unusable);
                Ok(())
            }
            _ => Ok(()),
        }
    })?;
    let (mut on_cards, mut in_book) = (0_u64, 0_u64);
    for (number, book) in people.numbers().zip(book) {
        let found = standing(&mut network, people, number)?;
        if found != book {
            return Err(Violation::Card { card: number, book, found });
        }
        let money = |standing| if let Standing::Issued(balance) = standing { u64::from(balance) } else { 0 };
        (on_cards, in_book) = (on_cards + money(found), in_book + money(book));
    }
    let loaded = store.counts(campaigns.recharges)?.committed_fen;
    if on_cards == in_book && loaded.checked_add_signed(by_radio) == Some(in_book + paid_out) {
        Ok(())
    } else {
        Err(Violation::Sum { cards: on_cards + paid_out, book: loaded })
    }
}

/// Adds what was moved by radio to each card of the book; the sum of it.
fn used(book: &mut [Standing], people: &People, radio: &Radio) -> Result<i64, Violation> {
    let mut sum = 0_i64;
    for (card, standing) in people.numbers().zip(book) {
        let moved = radio.moved_fen(card);
        sum += moved;
        let had = if let Standing::Issued(balance) = *standing { balance } else { 0 };
        let has = i32::try_from(moved).ok().and_then(|moved| had.checked_add_signed(moved));
        match (standing, has) {
            (Standing::Issued(balance), Some(has)) => *balance = has,
            (Standing::None | Standing::Unusable, Some(0)) => {}
            _ => return Err(Violation::Radio { card, had, moved }),
        }
    }
    Ok(sum)
}

/// Hands each order of a campaign on, and sees that each number has just one that has ended, and known.
fn each(
    store: &Store,
    campaign: CampaignId,
    kind: char,
    numbers: &[u32],
    mut take: impl FnMut(u32, &Ended) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let mut left: HashSet<u32> = numbers.iter().copied().collect();
    store.each_ended::<Violation>(campaign, |ended| {
        let number = People::number_of(kind, &ended.order_number).filter(|number| left.remove(number));
        let Some(number) = number else { return Err(Violation::Ends(ended.order_number)) };
        if ended.ending == Ending::Unknown {
            return Err(Violation::Unknown { order: ended.order_number, reason: ended.report.reason });
        }
        take(number, &ended)
    })?;
    match left.into_iter().next() {
        Some(number) => Err(Violation::Ends(format!("{kind}{number}"))),
        None => Ok(()),
    }
}

fn put(book: &mut [Standing], number: u32, standing: Standing) {
    if let Some(place) = book.get_mut(number as usize) {
        *place = standing;
    }
}

/// By radio.
fn standing(network: &mut Network, people: &People, number: u32) -> Result<Standing, Violation> {
    let name = aid::enterprise_application(people.enterprise());
    let serial = People::serial(number)?;
    let read = network.tap(&People::phone(number)?, |reader| {
        let card = match select(reader, &name) {
            Ok(card) => card,
            Err(SelectError::NoApplication) => return Standing::None,
            Err(_) => return Standing::Unusable,
        };
        match balance(reader, &card, Purse::Ep) {
            Ok(balance) if card.serial() == serial => Standing::Issued(balance.fen()),
            _ => Standing::Unusable,
        }
    });
    read.ok_or(Violation::World("a phone"))
}
