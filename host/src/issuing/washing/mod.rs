//! Washing (洗卡): a directory's keys become the operator's, then the enterprise's (profile §3.4, specification 11.4).
//!
//! | function | from | to |
//! |---|---|---|
//! | [`wash_card_to_operator`] | the operator's MF of a CPU card | the application with its files and one key, the management key |
//! | [`wash_sam_to_operator`] | the operator's MF of a SAM | the same of a SAM's application |
//! | [`wash_card_to_enterprise`] | that, or what INSTALL left on a RFID-SIM | the application with the enterprise's keys, contents and PIN, found good |
//! | [`wash_sam_to_enterprise`] | a SAM's application with its management key | the enterprise's SAM |
//!
//! Each may be begun again after any loss of power or of an answer, as often as one likes. The second wash takes its keys from a
//! [`KeyStore`](crate::key_store::KeyStore), as ready commands: no key of a card is in the host.

mod card;
mod engine;
mod founding;
mod good;
mod sam;
mod standing;

use serde::{Deserialize, Serialize};

pub use card::{CardWash, wash_card_to_enterprise, washed_keys};
pub use founding::{wash_card_to_operator, wash_sam_to_operator};
pub use sam::{SamWash, wash_sam_to_enterprise};
pub use standing::{ListedOwner, listed_owner};

/// How far the second wash of a card has come, as its station writes it down: at least so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// The control key is the operator's management key, and no other key is there.
    Operator,
    /// WRITE KEY of the enterprise's control key was about to be sent: the card has the old one or the new one.
    ControlSent,
    /// The control key is the enterprise's, and so many keys are there beside it, in the order of washing; the PIN is the last.
    Keys(u8),
    /// All keys are there, and the contents were about to be written: from here on a card of this number may be whole.
    ContentsSent,
    /// All keys and the contents are there.
    Contents,
    /// Read back, and a load's MAC1 and INTERNAL AUTHENTICATE agree.
    Good,
}

/// What a station knows of a card before it goes on. A station without a journal knows [`Known::default`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The last note of this card and **this order**.
    pub reached: Option<Reached>,
    /// How often [`Note::Guess`] came since the control key last showed itself.
    pub guesses: u8,
    /// Whether a card of this number, washed by whatever order, came to [`Reached::ContentsSent`].
    pub may_be_whole: bool,
}

/// What the station writes down of a card, before the wash goes on.
///
/// A station may keep what it likes of it: the wash finds out by the card what the journal does not say. A card without a key
/// list needs at least [`Note::Guess`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// So far.
    Reached(Reached),
    /// One try of a control key that has not shown itself is about to be spent. See [`GUESSES_MAX`].
    Guess,
}

impl Known {
    /// With one more note.
    #[must_use]
    pub const fn with(self, note: Note) -> Self {
        match note {
            Note::Reached(reached @ Reached::ControlSent) => Self { reached: Some(reached), ..self },
            Note::Reached(reached @ Reached::ContentsSent) => {
                Self { reached: Some(reached), may_be_whole: true, ..self }
            }
            Note::Reached(reached) => Self { reached: Some(reached), guesses: 0, ..self },
            Note::Guess => Self { guesses: self.guesses.saturating_add(1), ..self },
        }
    }
}

/// Failures of a control key that FMCOS allows.
const CONTROL_TRIES: u8 = 15;

/// No key is tried with fewer tries left.
const TRIES_KEPT: u8 = 2;

/// Most guesses in a row on a card that lists no keys and so does not tell its tries.
pub const GUESSES_MAX: u8 = CONTROL_TRIES - TRIES_KEPT;

/// Where notes go.
pub trait WashingJournal {
    /// Writes a note down for good.
    ///
    /// # Errors
    /// [`NotWritten`]: the wash then stops, and the card may be presented again.
    fn note(&mut self, note: Note) -> Result<(), NotWritten>;
}

/// A note was not written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the station's journal was not written ({0}): make room for it or repair it, then present the card again")]
pub struct NotWritten(pub String);

/// The notes of one run, for a station that has its card still at hand.
impl WashingJournal for Known {
    fn note(&mut self, note: Note) -> Result<(), NotWritten> {
        *self = self.with(note);
        Ok(())
    }
}
