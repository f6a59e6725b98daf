//! What a trace consists of: exchanges with a card or SAM, and what happened to its power.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::Exchange;

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Milliseconds since the trace began.
    pub ms: u64,
    /// To whom.
    pub with: Peer,
    /// What.
    pub what: What,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// The member's card.
    Card,
    /// The terminal's SAM.
    Sam,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A command and its answer.
    Exchange(Exchange),
    /// Power on; the answer to reset, empty if the reader tells none.
    PowerUp(Vec<u8>),
    /// A reset under power, and its answer.
    Reset(Vec<u8>),
    /// Power off, or out of the reader.
    PowerOff,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card => "card",
            Self::Sam => "SAM",
        })
    }
}

impl fmt::Display for What {
    /// As [`Exchange`]'s; an event in one line, ended too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |f: &mut fmt::Formatter<'_>, event, atr: &[u8]| match atr {
            [] => writeln!(f, "{event}"),
            atr => writeln!(f, "{event}, answer to reset {}", hex::encode_upper(atr)),
        };
        match self {
            Self::Exchange(exchange) => exchange.fmt(f),
            Self::PowerUp(atr) => told(f, "power on", atr),
            Self::Reset(atr) => told(f, "reset", atr),
            Self::PowerOff => writeln!(f, "power off"),
        }
    }
}
