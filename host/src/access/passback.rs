//! Who is inside which zone: what the doors of a zone tell each other (anti-passback, profile §3.1).

use std::collections::BTreeMap;

use onecard_wire::{date::Moment, number::ApplicationSerial, record::Zone};
use serde::{Deserialize, Serialize};

use crate::{presence::Serial, terminal::stored};

/// Who was let in and not yet out, by zone. One ledger serves all doors of a zone; it must outlive them, or everybody may
/// enter once more.
///
/// Stored as text by serde; [`PassbackLedger::VERSION`] is part of it, and a ledger of another version or one that has a card
/// inside a zone twice does not parse.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct PassbackLedger {
    inside: BTreeMap<(Zone, ApplicationSerial), Moment>,
}

impl PassbackLedger {
    /// Version of the stored form.
    pub const VERSION: u8 = 1;

    /// Nobody is inside.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Since when the card is inside the zone; `None` if it is out.
    #[must_use]
    pub fn inside_since(&self, zone: Zone, card: ApplicationSerial) -> Option<Moment> {
        self.inside.get(&(zone, card)).copied()
    }

    /// Every card inside the zone, for a roll call.
    pub fn inside(&self, zone: Zone) -> impl Iterator<Item = (ApplicationSerial, Moment)> {
        self.inside.iter().filter(move |((at, _), _)| *at == zone).map(|((_, card), since)| (*card, *since))
    }

    /// The card was let in.
    pub fn entered(&mut self, zone: Zone, card: ApplicationSerial, at: Moment) {
        self.inside.insert((zone, card), at);
    }

    /// The card was let out, or is forgiven: it left by a window, or turned round in the door.
    pub fn left(&mut self, zone: Zone, card: ApplicationSerial) {
        self.inside.remove(&(zone, card));
    }

    /// Everybody is out: after an evacuation, or each night.
    pub fn reset(&mut self, zone: Zone) {
        self.inside.retain(|(at, _), _| *at != zone);
    }
}

/// A ledger as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    inside: Vec<Inside>,
}

/// A card inside a zone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    zone: u16,
    card: Serial,
    #[serde(with = "stored::moment")]
    since: Moment,
}

impl From<PassbackLedger> for Stored {
    fn from(ledger: PassbackLedger) -> Self {
        let inside = ledger.inside.into_iter();
        let inside = inside.map(|((zone, card), since)| Inside { zone: zone.0, card: Serial(card), since });
        Self { version: PassbackLedger::VERSION, inside: inside.collect() }
    }
}

impl TryFrom<Stored> for PassbackLedger {
    type Error = InvalidPassback;

    fn try_from(stored: Stored) -> Result<Self, InvalidPassback> {
        let Stored { version, inside } = stored;
        if version != Self::VERSION {
            return Err(InvalidPassback::Version(version));
        }
        let mut ledger = Self::new();
        for Inside { zone, card: Serial(card), since } in inside {
            if ledger.inside.insert((Zone(zone), card), since).is_some() {
                return Err(InvalidPassback::InsideTwice { zone, card });
            }
        }
        Ok(ledger)
    }
}

/// Why a stored ledger is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPassback {
    /// Written by another release.
    #[error("the passback ledger is of version {0}, this release reads version {version}: use the release that wrote it", version = PassbackLedger::VERSION)]
    Version(u8),
    /// One card, two times.
    #[error(
        "the passback ledger has card {card} inside zone {zone} twice: it was changed by hand; restore it or empty the zone"
    )]
    InsideTwice {
        /// The zone.
        zone: u16,
        /// The card.
        card: ApplicationSerial,
    },
}
