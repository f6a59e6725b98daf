//! What was withdrawn before its last day (profile §3.1, own): a static MAC shows that the issuer made an access right, not
//! that it has not taken it back.

use std::collections::{BTreeMap, BTreeSet};

use onecard_wire::{date::Date, number::ApplicationSerial, record::AccessRight};
use serde::{Deserialize, Serialize};

use super::Serial;

/// Withdrawn access rights, until their last day, and cards that are not to be served at all.
///
/// A right is known by its card and what its MAC covers; so the same right given again must be taken off the list.
///
/// Stored as text by serde; [`DenyList::VERSION`] is part of it, and a list of another version does not parse.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct DenyList {
    rights: BTreeMap<[u8; AccessRight::MAC_INPUT_LEN], Date>,
    cards: BTreeSet<ApplicationSerial>,
}

impl DenyList {
    /// Version of the stored form.
    pub const VERSION: u8 = 1;

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

/// A list as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    /// Serial and bytes 1–12 of each entry, in hexadecimal.
    rights: Vec<String>,
    cards: Vec<Serial>,
}

impl From<DenyList> for Stored {
    fn from(list: DenyList) -> Self {
        Self {
            version: DenyList::VERSION,
            rights: list.rights.keys().map(hex::encode_upper).collect(),
            cards: list.cards.into_iter().map(Serial).collect(),
        }
    }
}

impl TryFrom<Stored> for DenyList {
    type Error = InvalidDenyList;

    fn try_from(stored: Stored) -> Result<Self, InvalidDenyList> {
        let Stored { version, rights, cards } = stored;
        if version != Self::VERSION {
            return Err(InvalidDenyList::Version(version));
        }
        let rights = rights.into_iter().map(|text| right(&text).ok_or(InvalidDenyList::NoRight(text)));
        Ok(Self {
            rights: rights.collect::<Result<_, _>>()?,
            cards: cards.into_iter().map(|Serial(card)| card).collect(),
        })
    }
}

fn right(text: &str) -> Option<([u8; AccessRight::MAC_INPUT_LEN], Date)> {
    let mut right = [0; AccessRight::MAC_INPUT_LEN];
    hex::decode_to_slice(text, &mut right).ok()?;
    AccessRight::holder_and_last_day(&right).map(|(_, last_day)| (right, last_day))
}

/// Why a stored deny list is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidDenyList {
    /// Written by another release.
    #[error("the deny list is of version {0}, this release reads version {version}: use the release that wrote it", version = DenyList::VERSION)]
    Version(u8),
    /// Not what an access right's MAC covers.
    #[error("{0:?} on the deny list is no serial followed by bytes 1-12 of an access right: fetch the list again")]
    NoRight(String),
}
