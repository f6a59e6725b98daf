//! The batch's journal: which card of which row is where (specification 18.3).

use std::collections::{BTreeMap, BTreeSet};

use onecard_wire::number::EnterpriseId;
use serde::{Deserialize, Serialize};

use crate::{journal::Replay, numbers::Number};

/// A line of the journal. `at` is the station's clock, `row` a line of the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// The first: what this batch is. Another profile or list is another batch.
    Begun {
        /// When.
        at: String,
        /// Name of the batch in the ledger of numbers, drawn at random.
        batch: String,
        /// Whose cards.
        enterprise: String,
        /// SHA-256 of the profile.
        profile: String,
        /// SHA-256 of the list.
        list: String,
        /// Rows of the list.
        rows: u64,
    },
    /// Blank cards were handed out to the station.
    Stock {
        /// When.
        at: String,
        /// How many more.
        cards: u64,
    },
    /// A number goes to a row; the first command that writes follows.
    Started {
        /// When.
        at: String,
        /// The row.
        row: u64,
        /// The number.
        number: Number,
        /// What the number becomes on the card.
        serial: String,
    },
    /// The card is good: read back, its MAC1 and its INTERNAL AUTHENTICATE agreed.
    Good {
        /// When.
        at: String,
        /// Its number.
        number: Number,
    },
    /// A card is spoilt, and the number with it.
    Bad {
        /// When.
        at: String,
        /// Its number, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<Number>,
        /// Of a card without a number, the reader it is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reader: Option<String>,
        /// Why.
        why: String,
    },
    /// The spoilt card without a number is no longer in that reader: by nothing else could it be told from another.
    PutAside {
        /// When.
        at: String,
        /// The reader.
        reader: String,
    },
    /// A number's card did not come back. The number is not used again.
    GivenUp {
        /// When.
        at: String,
        /// The number.
        number: Number,
    },
    /// Blank cards that are left were counted.
    Counted {
        /// When.
        at: String,
        /// How many.
        left: u64,
    },
    /// Nothing follows.
    Closed {
        /// When.
        at: String,
    },
}

/// What became of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Its card was begun.
    Begun,
    /// Its card is good.
    Good,
    /// Its card is spoilt.
    Bad,
    /// Its card did not come back.
    GivenUp,
}

/// A number of this batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbered {
    /// The row it went to.
    pub row: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What a batch is, as its first line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Name of the batch in the ledger of numbers.
    pub batch: String,
    /// Whose cards.
    pub enterprise: EnterpriseId,
    /// SHA-256 of the profile, in hexadecimal digits.
    pub profile: String,
    /// SHA-256 of the list.
    pub list: String,
    /// Rows of the list.
    pub rows: u64,
}

/// What the journal's lines amount to.
#[derive(Default, Debug)]
pub struct Books {
    identity: Option<Identity>,
    numbers: BTreeMap<Number, Numbered>,
    /// The number that each row has now: begun or good.
    rows: BTreeMap<u64, Number>,
    begun: BTreeSet<Number>,
    given_up: BTreeSet<Number>,
    spoilt: BTreeSet<Number>,
    /// Readers in which a spoilt card without a number may still be.
    nameless: BTreeSet<String>,
    first_stock: Option<u64>,
    stock: u64,
    good: u64,
    bad: u64,
    counted: Option<u64>,
    closed: bool,
}

/// How the stock of blank cards stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Stock {
    /// Handed out.
    pub handed_out: u64,
    /// Good cards.
    pub good: u64,
    /// Spoilt cards.
    pub bad: u64,
    /// Begun and not finished.
    pub begun: u64,
    /// Numbers whose card did not come back.
    pub given_up: u64,
    /// Blank cards left, as counted.
    pub counted: Option<u64>,
}

impl Books {
    /// What this batch is; `None` before its first line.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What became of a number; `None`: it is not this batch's, or not used yet.
    #[must_use]
    pub fn number(&self, number: Number) -> Option<Numbered> {
        self.numbers.get(&number).copied()
    }

    /// The number that a row has now, begun or good.
    #[must_use]
    pub fn row(&self, row: u64) -> Option<Number> {
        self.rows.get(&row).copied()
    }

    /// Numbers that nobody has: those given up, then those of spoilt cards.
    pub fn void(&self) -> impl Iterator<Item = Number> {
        self.given_up.iter().chain(&self.spoilt).copied()
    }

    /// Numbers whose card was begun and is not finished.
    pub fn begun(&self) -> impl DoubleEndedIterator<Item = Number> {
        self.begun.iter().copied()
    }

    /// The last number used from `first` on, and below `end`.
    #[must_use]
    pub fn last_within(&self, first: Number, end: Number) -> Option<Number> {
        self.numbers.range(first..end).next_back().map(|(number, _)| *number)
    }

    /// Every number and what became of it, in their order.
    pub fn numbers(&self) -> impl Iterator<Item = (Number, Numbered)> {
        self.numbers.iter().map(|(number, numbered)| (*number, *numbered))
    }

    /// How the stock stands.
    #[must_use]
    pub fn stock(&self) -> Stock {
        let Self { stock, good, bad, counted, .. } = *self;
        let (begun, given_up) = (self.begun.len() as u64, self.given_up.len() as u64);
        Stock { handed_out: stock, good, bad, begun, given_up, counted }
    }

    /// How many blank cards were handed out first; `None`: nothing was said yet.
    #[must_use]
    pub const fn first_stock(&self) -> Option<u64> {
        self.first_stock
    }

    /// Whether a spoilt card without a number was counted in that reader, and may still be in it.
    #[must_use]
    pub fn has_nameless(&self, reader: &str) -> bool {
        self.nameless.contains(reader)
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    fn begin(&mut self, entry: &Entry) -> Result<(), String> {
        let Entry::Begun { batch, enterprise, profile, list, rows, .. } = entry else {
            return Err("the first line says what the batch is".to_owned());
        };
        let enterprise = enterprise.parse().map_err(|_| "the enterprise has 16 digits".to_owned())?;
        self.identity = Some(Identity {
            batch: batch.clone(),
            enterprise,
            profile: profile.clone(),
            list: list.clone(),
            rows: *rows,
        });
        Ok(())
    }

    fn start(&mut self, row: u64, number: Number) -> Result<(), String> {
        if self.numbers.contains_key(&number) {
            return Err(format!("number {} is given a second time", number.0));
        }
        if let Some(has) = self.rows.get(&row) {
            return Err(format!("row {row} has number {} already", has.0));
        }
        self.numbers.insert(number, Numbered { row, fate: Fate::Begun });
        self.begun.insert(number);
        self.rows.insert(row, number);
        Ok(())
    }

    fn end(&mut self, number: Number, fate: Fate) -> Result<(), String> {
        match self.numbers.get_mut(&number) {
            Some(numbered) if numbered.fate == Fate::Begun => {
                numbered.fate = fate;
                self.begun.remove(&number);
                if fate != Fate::Good {
                    self.rows.remove(&numbered.row);
                }
                Ok(())
            }
            // It came back when no row needed it.
            Some(numbered) if numbered.fate == Fate::GivenUp && fate == Fate::Bad => {
                numbered.fate = fate;
                self.given_up.remove(&number);
                Ok(())
            }
            Some(Numbered { fate, .. }) => Err(format!("number {} is {fate:?} already", number.0)),
            None => Err(format!("number {} was never started", number.0)),
        }
    }
}

impl Stock {
    /// Blank cards that should be left: what was handed out, without good, spoilt and begun ones. `None`: more were used than
    /// handed out.
    #[must_use]
    pub const fn expected_left(&self) -> Option<u64> {
        self.handed_out.checked_sub(self.good + self.bad + self.begun)
    }

    /// Cards that were handed out and are nowhere: at most those that did not come back. `None` before they were counted, or if
    /// the books do not add up.
    #[must_use]
    pub fn missing(&self) -> Option<u64> {
        let missing = self.expected_left()?.checked_sub(self.counted?)?;
        (missing <= self.given_up).then_some(missing)
    }
}

impl Replay for Books {
    const KIND: &'static str = "onecard-batch-journal";
    const FORMAT: u8 = 1;
    type Entry = Entry;

    fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        if self.identity.is_none() {
            return self.begin(entry);
        }
        if self.closed {
            return Err("the batch is closed".to_owned());
        }
        match entry {
            Entry::Begun { .. } => return Err("a batch begins once".to_owned()),
            Entry::Stock { cards, .. } => {
                let stock = self.stock.checked_add(*cards);
                self.stock = stock.ok_or_else(|| format!("{cards} cards more than {} cannot be", self.stock))?;
                self.first_stock.get_or_insert(*cards);
            }
            Entry::Started { row, number, .. } => self.start(*row, *number)?,
            Entry::Good { number, .. } => {
                self.end(*number, Fate::Good)?;
                self.good += 1;
            }
            Entry::Bad { number, reader, .. } => {
                if number.is_none() {
                    self.nameless.extend(reader.clone());
                }
                number.map_or(Ok(()), |number| self.end(number, Fate::Bad))?;
                self.spoilt.extend(number);
                self.bad += 1;
            }
            Entry::PutAside { reader, .. } => {
                if !self.nameless.remove(reader) {
                    return Err(format!("no spoilt card without a number was in reader {reader}"));
                }
            }
            Entry::GivenUp { number, .. } => {
                self.end(*number, Fate::GivenUp)?;
                self.given_up.insert(*number);
            }
            Entry::Counted { left, .. } => self.counted = Some(*left),
            Entry::Closed { .. } => self.closed = true,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at() -> String {
        "2026-11-29 10:00:00".to_owned()
    }

    fn begun() -> Books {
        let mut books = Books::default();
        let (enterprise, empty) = ("1000000000000001".to_owned(), String::new());
        let entry =
            Entry::Begun { at: at(), batch: "b".to_owned(), enterprise, profile: empty.clone(), list: empty, rows: 3 };
        books.apply(&entry).unwrap();
        assert!(books.apply(&entry).is_err());
        books.apply(&Entry::Stock { at: at(), cards: 5 }).unwrap();
        assert!(books.apply(&Entry::Stock { at: at(), cards: u64::MAX }).is_err());
        assert_eq!(books.stock().handed_out, 5);
        books
    }

    fn started(row: u64, number: u64) -> Entry {
        Entry::Started { at: at(), row, number: Number(number), serial: String::new() }
    }

    #[test]
    fn a_number_is_given_once_and_a_row_has_one() {
        let mut books = begun();
        books.apply(&started(2, 7)).unwrap();
        for wrong in [started(3, 7), started(2, 8)] {
            assert!(books.apply(&wrong).is_err());
        }
        let good = Entry::Good { at: at(), number: Number(7) };
        books.apply(&good).unwrap();
        assert!(books.apply(&good).is_err() && books.apply(&started(2, 9)).is_err());
        assert!(books.apply(&Entry::Good { at: at(), number: Number(8) }).is_err());
    }

    #[test]
    fn the_stock_adds_up_or_says_that_it_does_not() {
        let mut books = begun();
        for (row, number) in [(2, 7), (3, 8), (4, 9)] {
            books.apply(&started(row, number)).unwrap();
        }
        books.apply(&Entry::Good { at: at(), number: Number(7) }).unwrap();
        books.apply(&Entry::Bad { at: at(), number: Some(Number(8)), reader: None, why: String::new() }).unwrap();
        assert_eq!(books.stock().expected_left(), Some(2));
        books.apply(&Entry::GivenUp { at: at(), number: Number(9) }).unwrap();
        assert_eq!((books.row(3), books.row(4), books.void().collect()), (None, None, vec![Number(9), Number(8)]));
        for (left, missing) in [(3, Some(0)), (2, Some(1)), (1, None), (4, None)] {
            books.apply(&Entry::Counted { at: at(), left }).unwrap();
            assert_eq!(books.stock().missing(), missing, "{left}");
        }
        // The card that was given up comes back, and no row needs it: no card is missing by it any more.
        let back = Entry::Bad { at: at(), number: Some(Number(9)), reader: None, why: String::new() };
        books.apply(&back).unwrap();
        assert!(books.apply(&back).is_err());
        for (left, missing) in [(2, Some(0)), (1, None)] {
            books.apply(&Entry::Counted { at: at(), left }).unwrap();
            assert_eq!(books.stock().missing(), missing, "{left}");
        }
        books.apply(&Entry::Closed { at: at() }).unwrap();
        assert!(books.apply(&started(5, 10)).is_err());
    }
}
