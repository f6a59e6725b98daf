//! One turn after the other.

use std::collections::HashMap;

use onecard_host::over_the_air::{BuildError, PacketCounter, ScriptError, message::TooManyParts};

use super::{
    arrivals::Arrivals,
    desk::{Desk, PacketKeyStore},
    store::{Store, StoreError, TaskId},
    throttle::Throttle,
    time::UnixMillis,
    turning::Turning,
};
use crate::carrier::{Carrier, Delivery, Event, ShortMessage, Ticket};

/// Runs the campaigns of one store.
#[derive(Debug)]
pub struct Engine<K, D> {
    store: Store,
    keys: K,
    desk: D,
    memory: Memory,
}

/// What may be lost at any moment.
#[derive(Debug, Default)]
pub(super) struct Memory {
    next_ticket: u64,
    /// When the last turn was; none: whoever was not there before may have come with this gateway.
    last_turn: Option<UnixMillis>,
    flights: HashMap<Ticket, Flight>,
    pub(super) throttle: Throttle,
    /// Whom something waited for last.
    pub(super) waits_for: Option<String>,
    pub(super) arrivals: Arrivals,
    /// When the store's log was emptied last.
    log_emptied: Option<UnixMillis>,
}

/// How long the store's log grows, in milliseconds.
const LOG_KEPT_MILLIS: u64 = 60_000;

/// A message that was handed over and whose answer has not come.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) task: TaskId,
    pub(super) counter: PacketCounter,
    pub(super) message: ShortMessage,
    /// Until when its proof is waited for.
    pub(super) until: UnixMillis,
}

/// What a turn did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// Messages handed over.
    pub messages: usize,
    /// Packets made.
    pub packets: usize,
    /// Packets whose bytes went out again.
    pub repeats: usize,
    /// Proofs taken.
    pub proofs: usize,
    /// Requests of cards taken.
    pub requests: usize,
    /// Messages of phones that were none of those: late, repeated, forged.
    pub strays: usize,
    /// Tasks ended.
    pub ended: usize,
    /// What nobody could say or make now: tried again later.
    pub unavailable: usize,
    /// Messages that the message centre throttled or refused.
    pub turned_away: usize,
}

/// Why an engine stops: the store holds everything up to the turn before.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A flow whose packet cannot be made.
    #[error("task {task}: {source}")]
    Script {
        /// Which.
        task: i64,
        /// Why.
        source: ScriptError,
    },
    /// A packet that cannot be.
    #[error("task {task}: {source}")]
    Packet {
        /// Which.
        task: i64,
        /// Why.
        source: BuildError,
    },
    /// A flow whose packet fits no message.
    #[error("task {task}: {source}")]
    Parts {
        /// Which.
        task: i64,
        /// Why.
        source: TooManyParts,
    },
    /// The clock.
    #[error("the clock shows a year that no card can hold: set it")]
    Clock,
}

impl EngineError {
    /// Whether the others can go on without it.
    pub(super) const fn is_of_one_task(&self) -> bool {
        match self {
            Self::Store(StoreError::CounterAtEnd { .. }) => true,
            Self::Script { .. } | Self::Packet { .. } | Self::Parts { .. } => true,
            Self::Store(_) | Self::Clock => false,
        }
    }
}

impl<K: PacketKeyStore, D: Desk> Engine<K, D> {
    /// Goes on with whatever the store holds.
    #[must_use]
    pub fn new(store: Store, keys: K, desk: D) -> Self {
        Self { store, keys, desk, memory: Memory::default() }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// For whom something waited last, who has to say or make something.
    #[must_use]
    pub fn waits_for(&self) -> Option<&str> {
        self.memory.waits_for.as_deref()
    }

    /// The store, for new campaigns between two turns.
    pub const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Takes what the carrier tells and does what is due at `now`. What it hands over has been committed before.
    ///
    /// # Errors
    /// [`EngineError`]: nothing left the gateway, and nothing was acknowledged.
    pub fn turn(&mut self, now: UnixMillis, carrier: &mut impl Carrier) -> Result<Turn, EngineError> {
        let Self { store, keys, desk, memory } = self;
        let writing = store.write()?;
        // Or it is earlier than it was.
        if memory.last_turn.replace(now).is_none_or(|last| now < last) {
            writing.ask_at_once(now)?;
        }
        let mut turning = Turning::begin(writing, keys, desk, memory, now);
        let mut kept = Vec::new();
        for event in carrier.events() {
            kept.extend(turning.event(event)?);
        }
        turning.due(carrier.room())?;
        let (outbox, mut turn) = turning.commit()?;
        store.witness()?;
        kept.into_iter().for_each(|delivery: Delivery| carrier.acknowledge(delivery));
        for flight in outbox {
            let ticket = memory.ticket();
            match carrier.submit(ticket, &flight.message, flight.until.since(now)) {
                Ok(()) => {
                    turn.messages += 1;
                    memory.flights.insert(ticket, flight);
                }
                Err(crate::carrier::NoRoom) => memory.throttle.hold(flight, now),
            }
        }
        self.forget(now, turn.ended > 0)?;
        Ok(turn)
    }

    /// What orders that have ended worked with leaves the disk: soon, and at once when no other is under way.
    fn forget(&mut self, now: UnixMillis, has_ended: bool) -> Result<(), EngineError> {
        let Self { store, memory, .. } = self;
        // Whichever way the clock was set.
        let is_time = memory.log_emptied.is_none_or(|at| now.0.abs_diff(at.0) >= LOG_KEPT_MILLIS);
        if (is_time || has_ended && store.is_at_rest()?) && store.empty_log()? {
            memory.log_emptied = Some(now);
        }
        Ok(())
    }

    /// When the next turn has something to do, if nothing comes before: the first moment at which something can leave, or its time is
    /// over. What waits for another order, a pause or somebody's answer has none.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn next_due(&mut self, now: UnixMillis) -> Result<Option<UnixMillis>, EngineError> {
        let throttle = &self.memory.throttle;
        // Until then nothing is done for any order.
        let (from, mut earliest) = (throttle.opens(now), throttle.next_due(now));
        let writing = self.store.write()?;
        for running in writing.running()? {
            if earliest.is_some_and(|earliest| earliest <= from) {
                break;
            }
            earliest = [earliest, writing.next_due(&running, from)?].into_iter().flatten().min();
        }
        Ok(earliest.map(|earliest| earliest.max(now)))
    }
}

impl Memory {
    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// The message whose answer this is.
    pub(super) fn landed(&mut self, event: &Event) -> Option<Flight> {
        match event {
            Event::Accepted { ticket, .. }
            | Event::Throttled { ticket }
            | Event::Refused { ticket, .. }
            | Event::Unanswered { ticket } => self.flights.remove(ticket),
            Event::Receipt { .. } | Event::Received { .. } => None,
        }
    }
}
