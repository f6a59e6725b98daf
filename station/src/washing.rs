//! The journal of a station that washes (洗卡日志): how far each card and SAM has come, so that a wash goes on wherever it was cut
//! (specification 11.4.5, 18.7).
//!
//! A file of [`journal`](crate::journal) lines. It holds numbers, check values' hash and states: no key, no PIN, no person.

use std::collections::BTreeMap;

use onecard_host::{
    disk::DiskFile,
    issuing::{Known, NotWritten, Note, Reached, WashingJournal},
    key_store::{KeyTarget, StoredKey},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::journal::{ChainFile, JournalError, Replay};

/// What the lines of a journal amount to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Washings(BTreeMap<String, Washing>);

/// One card or SAM.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Washing {
    /// Of its second wash, if that was begun.
    order: Option<OrderHash>,
    known: Known,
    /// Bodies of WRITE KEY that a batch has asked a key master card for.
    exports: u32,
}

/// SHA-256 of what says which keys an order writes: other keys, versions or places are another order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct OrderHash(String);

/// A line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Line {
    /// A wash begins, by this order.
    Begun {
        /// The station's clock.
        at: String,
        /// Card or SAM, by its number.
        target: String,
        /// Its order.
        order: OrderHash,
    },
    /// So far it has come.
    Reached {
        /// Card or SAM.
        target: String,
        /// Where it stands.
        reached: Reached,
    },
    /// A key master card is about to be asked for a body of WRITE KEY, which it counts.
    Export {
        /// Card.
        target: String,
    },
    /// A try of its control key is about to be spent on a guess.
    Guess {
        /// Card or SAM.
        target: String,
    },
    /// The same in its first wash, which has no order of keys.
    FirstGuess {
        /// Card.
        target: String,
    },
    /// In its first wash the operator's key was right: it has all its tries again.
    FirstShown {
        /// Card.
        target: String,
    },
}

/// A journal that takes the notes of one first wash: nothing, if nothing has to be guessed.
#[derive(Debug)]
pub struct FirstNotes<'j, F> {
    file: &'j mut ChainFile<Washings, F>,
    target: KeyTarget,
}

/// A journal that takes the notes of one wash.
#[derive(Debug)]
pub struct Notes<'j, F> {
    file: &'j mut ChainFile<Washings, F>,
    target: String,
}

impl OrderHash {
    /// Of the keys that there are, and whatever else says which of them go where.
    #[must_use]
    pub fn of(keys: &[StoredKey], places: &str) -> Self {
        let mut keys: Vec<String> =
            keys.iter().map(|key| format!("{:?} {} {}", key.algorithm, key.name, key.check_value)).collect();
        keys.sort();
        let hash = Sha256::digest(format!("{}\n{places}", keys.join("\n")).as_bytes());
        Self(hex::encode(hash))
    }
}

impl Washings {
    /// What is known of `target`, if it was begun by `order`. Guesses count whatever the order was. Contents that were written are not
    /// relied upon: they are written again, as this order has them.
    #[must_use]
    pub fn known(&self, target: KeyTarget, order: &OrderHash) -> Known {
        match self.0.get(&target.to_string()) {
            None => Known::default(),
            Some(washing) if washing.order.as_ref() != Some(order) => Known { reached: None, ..washing.known },
            Some(washing) => match washing.known.reached {
                Some(Reached::Contents) => Known { reached: Some(Reached::Keys(u8::MAX)), ..washing.known },
                _ => washing.known,
            },
        }
    }

    /// What a first wash must know of `target`: the guesses, whichever wash they were of.
    #[must_use]
    pub fn known_first(&self, target: KeyTarget) -> Known {
        let known = self.0.get(&target.to_string()).map(|washing| washing.known).unwrap_or_default();
        Known { reached: None, ..known }
    }

    /// Whether anything was written down of another card or SAM than `target`.
    #[must_use]
    pub fn knows_others(&self, target: Option<KeyTarget>) -> bool {
        let target = target.map(|target| target.to_string());
        self.0.keys().any(|known| Some(known) != target.as_ref())
    }

    /// How far `target` has come, by whatever order.
    #[must_use]
    pub fn reached(&self, target: KeyTarget) -> Option<Reached> {
        self.0.get(&target.to_string()).and_then(|washing| washing.known.reached)
    }

    /// Bodies of WRITE KEY that batches have asked a key master card for, for `target`: at most one more than it counted for each
    /// time a station died.
    #[must_use]
    pub fn exports(&self, target: KeyTarget) -> u32 {
        self.0.get(&target.to_string()).map_or(0, |washing| washing.exports)
    }

    /// Whether `target` is good, by whatever order.
    #[must_use]
    pub fn is_good(&self, target: KeyTarget) -> bool {
        self.0.get(&target.to_string()).is_some_and(|washing| washing.known.reached == Some(Reached::Good))
    }

    /// Whether the number of `target` was given: a card of it is good, or may be whole.
    #[must_use]
    pub fn is_given(&self, target: KeyTarget) -> bool {
        self.is_good(target) || self.known_first(target).may_be_whole
    }

    /// Whether the second wash of `target` was begun and it is not good.
    #[must_use]
    pub fn is_begun(&self, target: KeyTarget) -> bool {
        self.0.get(&target.to_string()).is_some_and(|washing| washing.order.is_some()) && !self.is_good(target)
    }

    fn first(&mut self, target: &str) -> &mut Washing {
        let new = || Washing { order: None, known: Known::default(), exports: 0 };
        self.0.entry(target.to_owned()).or_insert_with(new)
    }

    fn of(&mut self, target: &str) -> Result<&mut Washing, String> {
        let begun = self.0.get_mut(target).filter(|washing| washing.order.is_some());
        begun.ok_or_else(|| format!("{target} was not begun"))
    }
}

impl Replay for Washings {
    const KIND: &'static str = "onecard-washing-journal";
    const FORMAT: u8 = 1;
    type Entry = Line;

    fn apply(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Begun { target, order, .. } => {
                let washing = self.first(target);
                if washing.order.as_ref() != Some(order) {
                    let known = Known { reached: None, ..washing.known };
                    *washing = Washing { order: Some(order.clone()), known, ..*washing };
                }
            }
            Line::FirstGuess { target } => {
                let washing = self.first(target);
                washing.known = washing.known.with(Note::Guess);
            }
            Line::FirstShown { target } => {
                let washing = self.first(target);
                washing.known.guesses = 0;
                // A number that was given stays given: the card that shows the operator's key now is another one.
                if !washing.known.may_be_whole && washing.known.reached != Some(Reached::Good) {
                    (washing.order, washing.known.reached) = (None, None);
                }
            }
            Line::Reached { target, reached } => {
                let washing = self.of(target)?;
                washing.known = washing.known.with(Note::Reached(*reached));
            }
            Line::Export { target } => {
                let washing = self.of(target)?;
                washing.exports = washing.exports.saturating_add(1);
            }
            Line::Guess { target } => {
                let washing = self.of(target)?;
                washing.known = washing.known.with(Note::Guess);
            }
        }
        Ok(())
    }
}

impl<'j, F: DiskFile> Notes<'j, F> {
    /// Begins, or goes on with, the wash of `target` by `order` at the time `at`.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn begin(
        file: &'j mut ChainFile<Washings, F>,
        target: KeyTarget,
        order: OrderHash,
        at: String,
    ) -> Result<Self, JournalError> {
        let target = target.to_string();
        file.record(&Line::Begun { at, target: target.clone(), order })?;
        Ok(Self { file, target })
    }
}

impl<'j, F: DiskFile> FirstNotes<'j, F> {
    /// Of the first wash of `target`.
    pub const fn of(file: &'j mut ChainFile<Washings, F>, target: KeyTarget) -> Self {
        Self { file, target }
    }
}

impl<F: DiskFile> WashingJournal for FirstNotes<'_, F> {
    fn note(&mut self, note: Note) -> Result<(), NotWritten> {
        let target = self.target.to_string();
        let line = match note {
            Note::Guess => Line::FirstGuess { target },
            Note::Reached(_) => Line::FirstShown { target },
        };
        self.file.record(&line).map_err(|error| NotWritten(error.to_string()))
    }
}

impl<F: DiskFile> WashingJournal for Notes<'_, F> {
    fn note(&mut self, note: Note) -> Result<(), NotWritten> {
        let target = self.target.clone();
        let line = match note {
            Note::Reached(reached) => Line::Reached { target, reached },
            Note::Guess => Line::Guess { target },
        };
        self.file.record(&line).map_err(|error| NotWritten(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::{replayed, verify};
    use onecard_host::{
        disk::SystemDisk,
        key_store::NamedKey,
        keys::{CheckValue, Purpose},
    };
    use onecard_wire::{
        key::{Algorithm, KeyVersion},
        number::ApplicationSerial,
    };

    fn target(serial: u64) -> KeyTarget {
        KeyTarget::Application(ApplicationSerial::from_parts(31, 1, serial).unwrap())
    }

    fn order(byte: u8) -> OrderHash {
        let name = NamedKey { purpose: Purpose::Control, version: KeyVersion(1) };
        let key = StoredKey { name, algorithm: Algorithm::Des, check_value: CheckValue([byte, 0, 0]) };
        OrderHash::of(&[key], "01")
    }

    #[test]
    fn notes_are_there_when_the_journal_is_opened_again_and_another_order_keeps_the_guesses_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("washing.journal");
        {
            let mut file = ChainFile::<Washings>::open_on(&SystemDisk, &path).unwrap();
            let mut notes = Notes::begin(&mut file, target(1), order(1), "noon".to_owned()).unwrap();
            for note in [Note::Reached(Reached::ControlSent), Note::Guess, Note::Reached(Reached::Keys(3)), Note::Guess]
            {
                notes.note(note).unwrap();
            }
        }
        let content = std::fs::read(&path).unwrap();
        // A line that was torn counts for nothing.
        std::fs::write(&path, [&content[..], b"12ab {\"what\""].concat()).unwrap();
        let mut file = ChainFile::<Washings>::open_on(&SystemDisk, &path).unwrap();
        let known = |file: &ChainFile<Washings>, order| file.replayed().known(target(1), &order);
        assert_eq!(known(&file, order(1)), Known { reached: Some(Reached::Keys(3)), guesses: 1, ..Known::default() });
        assert_eq!(known(&file, order(2)), Known { guesses: 1, ..Known::default() });
        assert_eq!(file.replayed().known(target(2), &order(1)), Known::default());
        // Contents are written again, and good is good.
        let mut notes = Notes::begin(&mut file, target(1), order(1), "one".to_owned()).unwrap();
        notes.note(Note::Reached(Reached::Contents)).unwrap();
        assert_eq!(known(&file, order(1)).reached, Some(Reached::Keys(u8::MAX)));
        assert!(file.replayed().is_begun(target(1)) && !file.replayed().is_begun(target(2)));
        let mut notes = Notes::begin(&mut file, target(1), order(1), "two".to_owned()).unwrap();
        notes.note(Note::Reached(Reached::Good)).unwrap();
        assert!(file.replayed().is_good(target(1)) && !file.replayed().is_begun(target(1)));
        // Begun by another order, it is not good any more, and nothing is known of its keys.
        Notes::begin(&mut file, target(1), order(2), "three".to_owned()).unwrap();
        assert!(file.replayed().is_begun(target(1)));
        assert_eq!(known(&file, order(2)), Known::default());
        drop(file);
        let content = std::fs::read(&path).unwrap();
        assert_eq!(verify("washing.journal", &content).unwrap().kind, "onecard-washing-journal;1");
        assert!(replayed::<Washings>("washing.journal", &content).unwrap().is_begun(target(1)));
        // A note of a card that was not begun does not follow.
        assert!(file_of(&path).record(&Line::Guess { target: target(9).to_string() }).is_err());
    }

    #[test]
    fn guesses_of_both_washes_are_tries_of_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("washing.journal");
        std::fs::write(&path, "").unwrap();
        let mut file = file_of(&path);
        for _ in 0..2 {
            FirstNotes::of(&mut file, target(1)).note(Note::Guess).unwrap();
        }
        drop(file);
        let mut file = file_of(&path);
        assert_eq!(file.replayed().known_first(target(1)), Known { guesses: 2, ..Known::default() });
        assert_eq!(file.replayed().known_first(target(2)), Known::default());
        // A first wash begins no second, and the second goes on counting.
        assert!(!file.replayed().is_begun(target(1)));
        assert!(file.record(&Line::Guess { target: target(1).to_string() }).is_err());
        let mut notes = Notes::begin(&mut file, target(1), order(1), "noon".to_owned()).unwrap();
        notes.note(Note::Guess).unwrap();
        assert!(file.replayed().is_begun(target(1)));
        assert_eq!(file.replayed().known(target(1), &order(1)), Known { guesses: 3, ..Known::default() });
        assert_eq!(file.replayed().known_first(target(1)), Known { guesses: 3, ..Known::default() });
        // The operator's key was right: the card has all tries, and nothing of the enterprise's.
        FirstNotes::of(&mut file, target(1)).note(Note::Reached(Reached::Operator)).unwrap();
        assert_eq!(file.replayed().known_first(target(1)), Known::default());
        assert!(!file.replayed().is_begun(target(1)));
    }

    #[test]
    fn a_number_that_was_given_stays_given_whatever_another_card_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("washing.journal");
        std::fs::write(&path, "").unwrap();
        let mut file = file_of(&path);
        for (serial, last) in [(1, Reached::ContentsSent), (2, Reached::Good)] {
            let mut notes = Notes::begin(&mut file, target(serial), order(1), "noon".to_owned()).unwrap();
            [Reached::ContentsSent, last].into_iter().for_each(|reached| notes.note(Note::Reached(reached)).unwrap());
        }
        for serial in [1, 2] {
            let mut notes = FirstNotes::of(&mut file, target(serial));
            notes.note(Note::Guess).unwrap();
            notes.note(Note::Reached(Reached::Operator)).unwrap();
        }
        let known = |file: &ChainFile<Washings>, serial, by| file.replayed().known(target(serial), &order(by));
        assert!(file.replayed().is_good(target(2)) && !file.replayed().is_good(target(1)));
        assert!([1, 2].into_iter().all(|serial| file.replayed().is_given(target(serial))));
        assert!(!file.replayed().is_given(target(3)));
        assert_eq!(known(&file, 1, 1), Known { reached: Some(Reached::ContentsSent), guesses: 0, may_be_whole: true });
        assert!(file.replayed().is_begun(target(1)));
        drop(Notes::begin(&mut file, target(1), order(2), "one".to_owned()).unwrap());
        assert!(known(&file, 1, 2).may_be_whole && file.replayed().known_first(target(1)).may_be_whole);
        assert!(!known(&file, 3, 1).may_be_whole);
    }

    fn file_of(path: &std::path::Path) -> ChainFile<Washings> {
        ChainFile::open_on(&SystemDisk, path).unwrap()
    }
}
