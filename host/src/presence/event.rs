//! An event as the terminal's journal keeps it.

use onecard_wire::{
    date::Moment,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::{EventCode, EventRecord},
};
use serde::{Deserialize, Serialize};

use crate::terminal::stored;

/// What happened, before the journal has numbered it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// The enterprise.
    #[serde(with = "crate::as_text")]
    pub enterprise: EnterpriseId,
    /// The terminal.
    #[serde(with = "crate::as_text")]
    pub terminal: TerminalNumber,
    /// Its date and time.
    #[serde(with = "stored::moment")]
    pub moment: Moment,
    /// What happened.
    #[serde(with = "code")]
    pub code: EventCode,
    /// The card, if it told its serial.
    pub card: Option<Serial>,
    /// Why it was denied, in English.
    pub note: Option<String>,
}

/// A serial in stored text: its digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(#[serde(with = "crate::as_text")] pub ApplicationSerial);

/// An event of the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its number in this terminal's journal, from 1 without a gap.
    pub number: u64,
    /// What happened.
    pub what: NewEvent,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether an event counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The card was asked to write its record and has not answered: nobody was let in or clocked in yet.
    Begun,
    /// It counts.
    Counts(OnCard),
    /// It does not; why, in English.
    Void(String),
}

/// Whether the card's log holds an event's record too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCard {
    /// It was not asked.
    NotAsked,
    /// The card says so.
    Written,
    /// The card says that it does not.
    NotWritten,
    /// Its answer was lost.
    Unknown,
}

impl Event {
    /// As the card's log holds it. Its counter is the number's last two bytes, so a record that the card was asked to write
    /// twice is known for the same event.
    #[must_use]
    pub fn record(&self) -> EventRecord {
        let [.., high, low] = self.number.to_be_bytes();
        EventRecord {
            terminal: self.what.terminal,
            moment: self.what.moment,
            event: self.what.code,
            counter: u16::from_be_bytes([high, low]),
        }
    }
}

/// An event's code: its number.
mod code {
    use onecard_wire::record::EventCode;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &EventCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(value.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventCode, D::Error> {
        u8::deserialize(from).map(EventCode)
    }
}
