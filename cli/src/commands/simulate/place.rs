//! A card, its file, and the virtual reader it is in.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    thread::{self, JoinHandle},
    time::Instant,
};

use onecard_simulator::{
    chip::Kind,
    vpcd::{End, NOTICED_WITHIN, Protocol, Puller, SimulatedCard, Slot, atr, slot_name},
};

use super::event::Event;
use crate::{
    args::ChipFile,
    reader::open_chip,
    trace::{Peer, Recording},
};

/// A trace file that all cards are recorded to.
pub(super) type Record = Arc<Mutex<Recording>>;

/// One of vpcd's two.
pub(super) struct Place {
    /// Of the slot, from 0.
    pub(super) number: u16,
    chip: ChipFile,
    kind: Kind,
    protocol: Protocol,
    host: String,
    port: u16,
    state: State,
}

enum State {
    In {
        puller: Puller,
        serving: JoinHandle<()>,
    },
    /// Taken out by whoever types.
    Out,
    /// It left by itself, and comes back.
    Away {
        since: Instant,
    },
}

/// What the threads tell.
pub(super) enum Happening {
    /// The end, by signal.
    Signal,
    /// A line of standard input.
    Typed(String),
    /// A card has left by itself.
    Out { number: u16, event: &'static str, failed: Option<String> },
}

impl Place {
    /// A card for the slot of that number; it is opened once to see that it is there.
    pub(super) fn new(
        number: u16,
        chip: &ChipFile,
        kind: Kind,
        protocol: Protocol,
        host: &str,
        port: u16,
    ) -> anyhow::Result<Self> {
        open_chip(chip, kind)?;
        let (chip, host) = (chip.clone(), host.to_owned());
        Ok(Self { number, chip, kind, protocol, host, port: port + number, state: State::Out })
    }

    /// Puts the card in, and serves it in a thread; what it hears is recorded to `record`.
    pub(super) fn insert(&mut self, told: &Sender<Happening>, record: Option<&Record>) -> anyhow::Result<()> {
        let mut card = SimulatedCard::new(open_chip(&self.chip, self.kind)?, self.protocol);
        if let Some(record) = record.cloned() {
            let with = self.peer();
            card = card.heard_by(move |what| record.lock().unwrap_or_else(PoisonError::into_inner).add(with, what));
        }
        let slot = Slot::connect(&self.host, self.port)?;
        let puller = slot.puller();
        let (number, told) = (self.number, told.clone());
        let serving = thread::spawn(move || {
            let (card, end) = slot.serve(card);
            // Its file is free before anybody hears of it.
            drop(card);
            let (event, failed) = match end {
                End::Pulled => return,
                End::Silent => ("silent", None),
                End::Failed(why) => ("failed", Some(why)),
                End::ReaderGone | End::Broken(_) => ("reader gone", None),
            };
            // Nobody listens any more: the end is on its way.
            let _ = told.send(Happening::Out { number, event, failed });
        });
        self.state = State::In { puller, serving };
        Ok(())
    }

    /// Takes the card out, its file closed; whether it was in.
    pub(super) fn remove(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Out) {
            State::In { puller, serving } => {
                puller.pull();
                // A thread that panicked has lost the card's power, and closed its file, too.
                let _ = serving.join();
                true
            }
            State::Out | State::Away { .. } => false,
        }
    }

    /// It has left by itself.
    pub(super) fn left(&mut self) {
        self.state = State::Away { since: Instant::now() };
    }

    pub(super) fn is_out(&self) -> bool {
        !matches!(self.state, State::In { .. })
    }

    /// It left by itself, and whoever looks has seen it.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.state, State::Away { since } if since.elapsed() >= NOTICED_WITHIN)
    }

    fn peer(&self) -> Peer {
        match self.kind {
            Kind::CpuCard | Kind::RfidSim => Peer::Card,
            Kind::Sam => Peer::Sam,
        }
    }

    pub(super) fn file(&self) -> String {
        self.chip.0.display().to_string()
    }

    pub(super) fn event(&self, event: &'static str) -> Event {
        Event {
            event,
            slot: Some(self.number),
            reader: Some(slot_name(self.number)),
            kind: Some(match self.kind {
                Kind::CpuCard => "card",
                Kind::Sam => "sam",
                Kind::RfidSim => "sim",
            }),
            file: Some(self.file()),
            protocol: Some(match self.protocol {
                Protocol::T0 => "T=0",
                Protocol::T1 => "T=1",
            }),
            atr: Some(hex::encode_upper(atr(self.kind, self.protocol))),
            why: None,
        }
    }
}
