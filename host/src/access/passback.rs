//! Who is inside which zone: what the doors of a zone tell each other (anti-passback, profile §3.1).

use std::collections::BTreeMap;

use onecard_wire::{date::Moment, number::ApplicationSerial, record::Zone};

/// Who was let in and not yet out, by zone. One ledger serves all doors of a zone; it must outlive them, or everybody may
/// enter once more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PassbackLedger {
    inside: BTreeMap<(Zone, ApplicationSerial), Moment>,
}

impl PassbackLedger {
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
