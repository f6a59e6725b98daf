//! What carries short messages between the gateway and phones.
//!
//! A carrier promises little: what it accepted may be lost, repeated or reordered, and so may be what comes back. It keeps nothing
//! over its own end.

use std::time::Duration;

use onecard_host::over_the_air::message::Address;

/// A short message that goes to a phone, or came from one: its user data with the header (TP-UD), at most 140 bytes. TP-PID is 7F
/// and TP-DCS F6 (specification 19.1.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShortMessage {
    /// The phone.
    pub phone: Address,
    /// Header and what is behind it.
    pub user_data: Vec<u8>,
}

/// The caller's name of a message that was handed over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// The carrier's name of a message that came in, until it is [acknowledged](Carrier::acknowledge).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Delivery(pub u64);

/// A link to a message centre, or several. No call blocks.
pub trait Carrier {
    /// How many messages it would take now: what is free of its window, within its rate; 0 without a link.
    fn room(&mut self) -> usize;

    /// Hands a message over, which nobody waits for any more after `validity`: the message centre need not deliver it then. What
    /// becomes of it is told by an [`Event`] with its ticket, just once.
    ///
    /// # Errors
    /// [`NoRoom`]: nothing was sent.
    fn submit(&mut self, ticket: Ticket, message: &ShortMessage, validity: Duration) -> Result<(), NoRoom>;

    /// What has happened since the last call, in order; empty if nothing did.
    fn events(&mut self) -> Vec<Event>;

    /// What came in is kept: until then the message centre delivers it again over the next link. One that is not known any more
    /// (its link has ended) is passed over.
    fn acknowledge(&mut self, delivery: Delivery);
}

/// The window is full, the rate used up, or no link up: later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the carrier takes no message now: ask for its room first")]
pub struct NoRoom;

/// What a carrier tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The message centre has taken the message.
    Accepted {
        /// Which.
        ticket: Ticket,
        /// The message centre's name of it, which a receipt tells.
        message_id: String,
    },
    /// The message centre did not take it and may later: throttled, or its queue is full.
    Throttled {
        /// Which.
        ticket: Ticket,
    },
    /// The message centre takes no such message.
    Refused {
        /// Which.
        ticket: Ticket,
        /// command_status of submit_sm_resp (SMPP 3.4, 5.1.3).
        status: u32,
    },
    /// The link ended before an answer: the message centre may have taken it, or not.
    Unanswered {
        /// Which.
        ticket: Ticket,
    },
    /// A delivery receipt: a hint, and no proof of anything.
    Receipt {
        /// The message centre's name of the message.
        message_id: String,
        /// Whether the phone took it; otherwise the message centre has given it up.
        delivered: bool,
        /// To be acknowledged.
        delivery: Delivery,
    },
    /// A message of a phone.
    Received {
        /// What it is.
        message: ShortMessage,
        /// To be acknowledged once it is kept.
        delivery: Delivery,
    },
}
