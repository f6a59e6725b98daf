//! Where a directory stands in the second wash, found out without writing and without a try.

use onecard_wire::{
    key::{CONTROL_KEY_ID, KeyListEntry, KeyType},
    sam::{Usage, UsageKind},
};

use super::{Known, Reached, TRIES_KEPT};
use crate::{
    apdu::{ExchangeError, exchange},
    issuing::{IssuingError, Step, script::Script},
    key_list::{self, Listed},
    key_store::Payload,
    transport::Transport,
};

/// Whose control key the current application lists (own): found out without writing and without a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListedOwner {
    /// The operator's management key, and no other key.
    Operator,
    /// It was replaced, or other keys stand beside it.
    Enterprise,
    /// Nobody's: its first wash stopped in front of it.
    Nobody,
    /// The card lists no keys.
    Untold,
}

/// Whose control key the application that is selected on `transport`'s card lists.
///
/// # Errors
/// The card's silence.
pub fn listed_owner<T: Transport + ?Sized>(transport: &mut T) -> Result<ListedOwner, ExchangeError> {
    let Some(keys) = pages(transport)? else { return Ok(ListedOwner::Untold) };
    if keys.is_empty() {
        return Ok(ListedOwner::Nobody);
    }
    Ok(match Standing::by_list(keys).owner {
        Owner::Operator => ListedOwner::Operator,
        Owner::Enterprise => ListedOwner::Enterprise,
    })
}

/// Whose control key a directory has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    Operator,
    Enterprise,
}

/// What is known of a directory.
pub(super) struct Standing {
    /// Whose control key it has, as far as the evidence goes.
    pub(super) owner: Owner,
    /// Why that is believed.
    pub(super) basis: Basis,
    /// Its keys, if it lists them.
    pub(super) list: Option<Vec<Listed>>,
}

/// How well the owner is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Basis {
    /// The card took a MAC by it, or has a key that is written under it alone.
    Shown,
    /// The card's key list or the journal says so; if the card refuses, it was the other one.
    Likely,
    /// Nothing says so: the new key is tried first.
    Guessed,
    /// The other one was refused.
    LastChance,
}

/// Whether a key is on the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    Absent,
    /// This very key.
    There,
    /// A key, and nothing says of which version.
    Unversioned,
    /// A key of another version.
    Other,
    /// The card does not say.
    Unknown,
}

impl Standing {
    /// From the directory's key list, which is most to be believed; else from the journal; `None` where INTERNAL AUTHENTICATE is
    /// asked next.
    pub(super) fn of(list: Option<Vec<Listed>>, known: Known) -> Option<Self> {
        let owner = match (list, known.reached) {
            (Some(keys), _) => return Some(Self::by_list(keys)),
            (None, Some(Reached::Operator)) => Owner::Operator,
            (None, Some(Reached::Keys(_) | Reached::ContentsSent | Reached::Contents | Reached::Good)) => {
                Owner::Enterprise
            }
            (None, Some(Reached::ControlSent) | None) => return None,
        };
        Some(Self { owner, basis: Basis::Likely, list: None })
    }

    /// All other keys are written under the enterprise's control key; alone, a control key that was replaced is the enterprise's.
    pub(super) fn by_list(keys: Vec<Listed>) -> Self {
        let others = keys.iter().any(|listed| !is_control(listed));
        let replaced = keys.iter().any(|listed| listed.key.version > 0);
        let (owner, basis) = match (others, replaced) {
            (true, _) => (Owner::Enterprise, Basis::Shown),
            (false, true) => (Owner::Enterprise, Basis::Likely),
            (false, false) => (Owner::Operator, Basis::Likely),
        };
        Self { owner, basis, list: Some(keys) }
    }

    /// Without a list: `shown` says that a key of the enterprise answered, and so the control key is the enterprise's.
    pub(super) const fn by_answer(shown: bool) -> Self {
        let basis = if shown { Basis::Shown } else { Basis::Guessed };
        Self { owner: Owner::Enterprise, basis, list: None }
    }

    /// Whether the list says that fewer tries of the control key are left than are ever touched.
    pub(super) fn spares_last_try(&self, failed: u8) -> bool {
        let control = self.list.iter().flatten().find(|listed| is_control(listed));
        control
            .is_none_or(|listed| listed.key.tries == u8::MAX || listed.key.tries.saturating_sub(failed) >= TRIES_KEPT)
    }

    /// Whether the list says that a PIN is there whose next failure blocks it.
    pub(super) fn has_last_pin_try(&self) -> bool {
        let is_pin = |listed: &&Listed| !listed.working && listed.key.key_type == KeyType::PIN;
        self.list.iter().flatten().find(is_pin).is_some_and(|listed| (1..TRIES_KEPT).contains(&listed.key.tries))
    }

    /// Whether a key of the order is on the card.
    pub(super) fn presence(&self, payload: &Payload<'_>) -> Presence {
        let Some(keys) = &self.list else { return Presence::Unknown };
        let own = |key_type: KeyType, id: u8| {
            keys.iter().find(move |listed| !listed.working && (listed.key.key_type, listed.key.id) == (key_type, id))
        };
        match *payload {
            Payload::CardKey { name, id, .. } => {
                let listed = name.purpose.place().and_then(|place| own(place.key_type, id));
                match listed {
                    None => Presence::Absent,
                    Some(listed) if listed.key.key_type.counts_errors() => Presence::Unversioned,
                    Some(listed) if listed.key.version == name.version.0 => Presence::There,
                    Some(_) => Presence::Other,
                }
            }
            Payload::Pin(_) => own(KeyType::PIN, 0x00).map_or(Presence::Absent, |_| Presence::There),
            Payload::SamKey { kind: UsageKind::MASTER, .. } => Presence::Unversioned,
            Payload::SamKey { kind: UsageKind::MAINTENANCE, .. } => {
                own(KeyType::MAINTENANCE, 0x00).map_or(Presence::Absent, |_| Presence::Unversioned)
            }
            Payload::SamKey { kind, version } => {
                let same = |listed: &&Listed| {
                    listed.working && Usage(listed.key.key_type.0).kind() == kind && listed.key.id == version.0
                };
                keys.iter().find(same).map_or(Presence::Absent, |_| Presence::There)
            }
        }
    }
}

fn is_control(listed: &Listed) -> bool {
    !listed.working && listed.key.key_type == KeyType::EXTERNAL && listed.key.id == CONTROL_KEY_ID
}

/// The current directory's keys without their values; `None` from a card that does not list them, or from a directory without a
/// key file.
pub(super) fn all_pages<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    step: Step,
) -> Result<Option<Vec<Listed>>, IssuingError> {
    pages(script.transport).map_err(|error| script.failed(step, error))
}

fn pages<T: Transport + ?Sized>(transport: &mut T) -> Result<Option<Vec<Listed>>, ExchangeError> {
    let mut keys = Vec::new();
    for number in 0..=u8::MAX {
        let answer = exchange(transport, &key_list::page(number))?;
        let Some(page) = answer.done().ok().and_then(|list| key_list::parse(&list)) else { return Ok(None) };
        keys.extend_from_slice(&page);
        if page.len() < KeyListEntry::PAGE {
            break;
        }
    }
    Ok(Some(keys))
}
