//! What happens in a batch, for a screen or another program.

use serde::Serialize;

use super::books::Stock;

/// Something happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The batch begins, or goes on.
    Begins {
        /// Rows of the list.
        rows: u64,
        /// Of them good already.
        good: u64,
        /// Of them begun and not finished.
        begun: u64,
    },
    /// A reader wants a blank card for this row, or a begun one of these rows.
    Wants {
        /// The reader.
        reader: String,
        /// The rows.
        rows: Vec<u64>,
        /// Whether they were begun.
        begun: bool,
        /// Of cards that have their numbers before they come: which are wanted, in the order of the rows.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        serials: Vec<String>,
    },
    /// A card is written.
    Writes {
        /// The reader.
        reader: String,
        /// The row.
        row: u64,
        /// Its serial.
        serial: String,
        /// Whether it was begun before.
        again: bool,
    },
    /// A card is good.
    Good {
        /// The reader.
        reader: String,
        /// The row.
        row: u64,
        /// Its serial.
        serial: String,
        /// The number to print on it.
        #[serde(skip_serializing_if = "Option::is_none")]
        printed: Option<String>,
        /// Commands sent to it, in this run.
        commands: u64,
        /// From its coming to its leaving.
        milliseconds: u64,
    },
    /// A card was good before; it was not written.
    GoodAlready {
        /// The reader.
        reader: String,
        /// The row.
        row: u64,
        /// Its serial.
        serial: String,
    },
    /// A try failed; the same card is tried again.
    Failed {
        /// The reader.
        reader: String,
        /// Why.
        why: String,
    },
    /// A card was taken out of the reader before it was told to; whoever puts it back goes on with it.
    Gone {
        /// The reader.
        reader: String,
    },
    /// A card is spoilt.
    Bad {
        /// The reader.
        reader: String,
        /// Its row, if it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        row: Option<u64>,
        /// Why.
        why: String,
    },
    /// A card is not this batch's; it was not written.
    NotOurs {
        /// The reader.
        reader: String,
        /// Why.
        why: String,
    },
    /// A card is not needed; it was not written.
    NotNeeded {
        /// The reader.
        reader: String,
    },
    /// A number's card did not come back; its row gets another.
    GivenUp {
        /// The row.
        row: u64,
        /// The serial that nobody gets.
        serial: String,
    },
    /// The batch stops before its end.
    Stops {
        /// Why, and what to do.
        why: String,
    },
    /// This run is over.
    Ends {
        /// How the stock stands.
        stock: Stock,
        /// Rows without a good card.
        missing_rows: u64,
    },
}
