//! What passes through a network.

use std::time::Duration;

use onecard_host::over_the_air::message::Address;

use super::message::MessageId;

/// How often each thing has happened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Messages that platforms handed over and the centre took.
    pub taken: u64,
    /// Not taken: throttled, or the queue was full.
    pub throttled: u64,
    /// Not taken: no such phone.
    pub refused: u64,
    /// Messages that reached a card; one that comes twice counts twice.
    pub delivered: u64,
    /// Tries that reached no phone, or no card.
    pub not_reached: u64,
    /// Messages given up.
    pub given_up: u64,
    /// Messages whose validity ended before they were delivered.
    pub expired: u64,
    /// Delivery reports with something in them.
    pub reports: u64,
    /// Messages that cards sent.
    pub sent_by_cards: u64,
    /// Messages and receipts that platforms have acknowledged.
    pub acknowledged: u64,
    /// Messages that vanished, either way.
    pub lost: u64,
    /// Messages that came twice, either way.
    pub repeated: u64,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happening {
    /// When, by the network's clock.
    pub at: Duration,
    /// The phone.
    pub phone: Address,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The centre took a message for the phone.
    Taken {
        /// Its name.
        id: MessageId,
        /// Bytes of user data.
        length: usize,
    },
    /// It did not: too much is being sent.
    Throttled,
    /// The network lost it on its way to the phone, or from it.
    Lost,
    /// It will come twice.
    Repeated,
    /// The card got it, and the delivery report carries so many bytes.
    Delivered {
        /// Its name.
        id: MessageId,
        /// Bytes of user data of the report; 0: the card said nothing.
        report: usize,
    },
    /// The phone could not be reached, or its card was busy or silent.
    NotReached {
        /// Its name.
        id: MessageId,
    },
    /// The centre has given it up.
    GivenUp {
        /// Its name.
        id: MessageId,
    },
    /// It was no longer valid, and the centre has dropped it.
    Expired {
        /// Its name.
        id: MessageId,
    },
    /// The card sent a message to that number.
    Sent {
        /// For whom.
        to: Address,
        /// Bytes of user data.
        length: usize,
    },
}
