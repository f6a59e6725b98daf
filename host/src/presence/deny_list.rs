//! What was withdrawn before its last day (profile §3.1, own): a static MAC shows that the issuer made an access right, not
//! that it has not taken it back.

use std::collections::{BTreeMap, BTreeSet};

use onecard_wire::{date::Date, number::ApplicationSerial, record::AccessRight};

/// Withdrawn access rights, until their last day, and cards that are not to be served at all.
///
/// A right is known by its card and what its MAC covers; so the same right given again must be taken off the list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DenyList {
    rights: BTreeMap<[u8; AccessRight::MAC_INPUT_LEN], Date>,
    cards: BTreeSet<ApplicationSerial>,
}

impl DenyList {
    /// Nothing is denied.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a right back: no door opens to it, whoever writes it onto the card again.
    pub fn withdraw(&mut self, card: ApplicationSerial, right: &AccessRight) {
        self.rights.insert(right.mac_input(card), right.valid_to);
    }

    /// Gives a withdrawn right back.
    pub fn give_back(&mut self, card: ApplicationSerial, right: &AccessRight) {
        self.rights.remove(&right.mac_input(card));
    }

    /// Serves a card nowhere.
    pub fn deny_card(&mut self, card: ApplicationSerial) {
        self.cards.insert(card);
    }

    /// Serves a card again.
    pub fn admit_card(&mut self, card: ApplicationSerial) {
        self.cards.remove(&card);
    }

    /// Forgets rights whose last day is over: nobody opens anything with them.
    pub fn forget_before(&mut self, today: Date) {
        self.rights.retain(|_, last_day| *last_day >= today);
    }

    /// Whether the card is denied.
    #[must_use]
    pub fn has_card(&self, card: ApplicationSerial) -> bool {
        self.cards.contains(&card)
    }

    /// Whether the right is withdrawn.
    #[must_use]
    pub fn has_right(&self, card: ApplicationSerial, right: &AccessRight) -> bool {
        self.rights.contains_key(&right.mac_input(card))
    }

    /// Rights and cards on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rights.len() + self.cards.len()
    }

    /// Whether nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
