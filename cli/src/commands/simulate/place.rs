//! A card, its file, and the virtual reader it is in.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    thread::{self, JoinHandle},
    time::Instant,
};

use onecard_simulator::{
    chip::Kind,
    phone_slot::PhoneSlot,
    vpcd::{End, NOTICED_WITHIN, Protocol, Puller, SimSide, SimulatedCard, Slot, atr, slot_name},
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
    contents: Contents,
    host: String,
    port: u16,
    state: State,
}

/// What is put into a reader.
pub(super) enum Contents {
    /// Its file is open while it is in.
    Chip { file: ChipFile, kind: Kind, protocol: Protocol },
    /// The contacts of a SIM, whose file stays open.
    Contacts { file: ChipFile, slot: PhoneSlot, protocol: Protocol },
    /// The field that the same SIM is in.
    Field { file: ChipFile, slot: PhoneSlot },
}

impl Contents {
    /// A card or SAM; it is opened once to see that it is there.
    pub(super) fn chip(file: &ChipFile, kind: Kind, protocol: Protocol) -> anyhow::Result<Self> {
        open_chip(file, kind)?;
        Ok(Self::Chip { file: file.clone(), kind, protocol })
    }

    /// A SIM at its contacts and in a field.
    pub(super) fn both_sides(file: &ChipFile, protocol: Protocol) -> anyhow::Result<[Self; 2]> {
        let slot = PhoneSlot::new(open_chip(file, Kind::RfidSim)?);
        let contacts = Self::Contacts { file: file.clone(), slot: slot.clone(), protocol };
        Ok([contacts, Self::Field { file: file.clone(), slot }])
    }

    /// Goes into `slot` and is served there until it is out, its file closed if it is its own.
    fn serve(&self, slot: Slot, record: Option<&Record>) -> anyhow::Result<Box<dyn FnOnce() -> End + Send>> {
        let with = self.peer();
        let record = record.cloned();
        let listener = move |what| {
            if let Some(record) = &record {
                record.lock().unwrap_or_else(PoisonError::into_inner).add(with, what);
            }
        };
        Ok(match self {
            Self::Chip { file, kind, protocol } => {
                let card = SimulatedCard::new(open_chip(file, *kind)?, *protocol).heard_by(listener);
                Box::new(move || slot.serve(card).1)
            }
            Self::Contacts { slot: phone, protocol, .. } => {
                let side = SimSide::contacts(phone, *protocol).heard_by(listener);
                Box::new(move || slot.serve(side).1)
            }
            Self::Field { slot: phone, .. } => {
                let side = SimSide::field(phone).heard_by(listener);
                Box::new(move || slot.serve(side).1)
            }
        })
    }

    fn peer(&self) -> Peer {
        match self {
            Self::Chip { kind: Kind::Sam, .. } => Peer::Sam,
            Self::Chip { .. } | Self::Contacts { .. } | Self::Field { .. } => Peer::Card,
        }
    }

    fn file(&self) -> &ChipFile {
        match self {
            Self::Chip { file, .. } | Self::Contacts { file, .. } | Self::Field { file, .. } => file,
        }
    }

    /// What it is called, how it is spoken to, and its answer to reset.
    fn described(&self) -> (&'static str, Protocol, Vec<u8>) {
        match self {
            Self::Chip { kind, protocol, .. } => {
                let name = match kind {
                    Kind::Sam => "sam",
                    Kind::KeyMaster => "key-master",
                    Kind::MotherAuthentication => "mother-card",
                    Kind::CpuCard | Kind::RfidSim => "card",
                };
                (name, *protocol, atr(*kind, *protocol))
            }
            Self::Contacts { protocol, .. } => ("contacts", *protocol, atr(Kind::RfidSim, *protocol)),
            Self::Field { .. } => ("field", Protocol::T1, atr(Kind::CpuCard, Protocol::T1)),
        }
    }
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
    /// For the slot of that number.
    pub(super) fn new(number: u16, contents: Contents, host: &str, port: u16) -> Self {
        Self { number, contents, host: host.to_owned(), port: port + number, state: State::Out }
    }

    /// Puts it in, and serves it in a thread; what it hears is recorded to `record`.
    pub(super) fn insert(&mut self, told: &Sender<Happening>, record: Option<&Record>) -> anyhow::Result<()> {
        let slot = Slot::connect(&self.host, self.port)?;
        let puller = slot.puller();
        let (number, told) = (self.number, told.clone());
        let serve = self.contents.serve(slot, record)?;
        let serving = thread::spawn(move || {
            // Its file is free before anybody hears of it.
            let (event, failed) = match serve() {
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

    pub(super) fn file(&self) -> String {
        self.contents.file().0.display().to_string()
    }

    pub(super) fn event(&self, event: &'static str) -> Event {
        let (kind, protocol, atr) = self.contents.described();
        Event {
            event,
            slot: Some(self.number),
            reader: Some(slot_name(self.number)),
            kind: Some(kind),
            file: Some(self.file()),
            protocol: Some(match protocol {
                Protocol::T0 => "T=0",
                Protocol::T1 => "T=1",
            }),
            atr: Some(hex::encode_upper(atr)),
            why: None,
        }
    }
}
