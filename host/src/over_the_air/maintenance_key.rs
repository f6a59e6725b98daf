//! Which maintenance key an application has, as it says in a packet (specification 19.4.5).

use serde::{Deserialize, Serialize};

use super::ScriptAnswer;
use crate::{crypto::Key, keys::CheckValue};

/// What an application says of its maintenance key. Only the proof of its packet vouches for it: who forged it would have a MAC
/// made by another key of the same application, which the card refuses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum MaintenanceKey {
    /// Its check value.
    Shown(#[serde(with = "crate::as_text")] CheckValue),
    /// Nothing: the card has not this clause, the application no such key, or one of 8 bytes.
    NotShown,
}

impl MaintenanceKey {
    /// Whether it may be this one, a card's own key.
    #[must_use]
    pub fn may_be(self, key: &Key) -> bool {
        match self {
            Self::Shown(check_value) => CheckValue::of(key) == check_value,
            Self::NotShown => true,
        }
    }

    /// What the command of that number, from 1, was answered; `None`: it was not executed, as in a packet that did not ask.
    pub(super) fn told(answer: &ScriptAnswer, command: usize) -> Option<Self> {
        let response = answer.to_command(command)?;
        Some(match response.data.as_slice().try_into() {
            Ok(check_value) if response.status.is_ok() => Self::Shown(CheckValue(check_value)),
            _ => Self::NotShown,
        })
    }
}
