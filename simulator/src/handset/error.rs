//! What goes wrong between a phone and its card.

use std::fmt;

use onecard_host::{apdu::ExchangeError, transport::TransportError};
use onecard_wire::status::StatusWord;

/// Bytes that are not what was expected.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected {expected}, found {}", Hex(found))]
pub struct Defect {
    /// What should have been there.
    pub expected: &'static str,
    /// What was there, from where the fault can be seen.
    pub found: Vec<u8>,
}

impl Defect {
    pub(super) fn new(expected: &'static str, found: &[u8]) -> Self {
        Self { expected, found: found.to_vec() }
    }
}

/// Why the phone could not go on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HandsetError {
    /// The card gave no answer.
    #[error("{command}: {source}")]
    Exchange {
        /// What was sent.
        command: String,
        /// Why there is none.
        source: ExchangeError,
    },
    /// The card could not be reset.
    #[error("the card does not come up: {0}")]
    Reset(#[from] TransportError),
    /// The card refused a command without which a phone cannot work.
    #[error("{command}: the card answered {status}; {expected}")]
    Refused {
        /// What was sent.
        command: String,
        /// Its answer.
        status: StatusWord,
        /// What a phone needs here.
        expected: &'static str,
    },
    /// What the card sent cannot be read at all.
    #[error("{command}: {defect}")]
    Unreadable {
        /// What was sent.
        command: String,
        /// What is wrong with the answer.
        defect: Defect,
    },
    /// The card wants its PIN and the phone has not been given one.
    #[error("the card wants PIN1 and none was given; its answer to a question for the tries left is {0}")]
    PinWanted(StatusWord),
    /// The PIN is wrong, or blocked.
    #[error("PIN1: the card answered {0}; give the right one before the last try")]
    PinRefused(StatusWord),
    /// One proactive command after another, without end.
    #[error("{0} proactive commands came without the user having done anything: the card's toolkit is in a loop")]
    Endless(usize),
    /// The phone is not on.
    #[error("the phone is off: begin with boot")]
    Off,
    /// The screen does not offer this.
    #[error("{action} does nothing here; the phone shows {screen}")]
    NotOffered {
        /// What the user did.
        action: &'static str,
        /// What is on the screen.
        screen: String,
    },
    /// No item with that text.
    #[error("no item is called {wanted:?}; the phone shows {screen}")]
    NoSuchItem {
        /// What was looked for.
        wanted: String,
        /// What is on the screen.
        screen: String,
    },
    /// What was typed does not fit the input, or the phone's keyboard lacks it.
    #[error("the phone does not take that text: {0}")]
    NotTyped(&'static str),
    /// More than a command carries.
    #[error("{0} bytes do not fit a command")]
    TooLong(usize),
}

/// Something the card did that the standard forbids; the phone went on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Complaint {
    /// 91xx before TERMINAL PROFILE (TS 102 221 clause 14.5.1).
    #[error("{0} was answered by 91xx before TERMINAL PROFILE")]
    ProactiveTooEarly(String),
    /// FETCH gave another length than 91xx had told.
    #[error("FETCH gave {given} bytes and 91xx had told {told}")]
    FetchLength {
        /// What 91xx told.
        told: usize,
        /// What FETCH gave.
        given: usize,
    },
    /// The phone had told that it cannot do this.
    #[error("{0}, which the terminal profile does not have")]
    NotInProfile(String),
    /// A part of a proactive command is missing or cannot be read.
    #[error("{command}: {defect}")]
    Command {
        /// Its type.
        command: String,
        /// What is wrong with it.
        defect: Defect,
    },
    /// The card refused what the phone had to tell.
    #[error("{command} was answered by {status}")]
    Refused {
        /// What was sent.
        command: String,
        /// The card's answer.
        status: StatusWord,
    },
    /// A proactive command while another waits for its response.
    #[error("{0} was answered by 91xx while a proactive command had no response yet")]
    TwoAtOnce(String),
}

/// Bytes as text, two digits each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex<'b>(pub(super) &'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
