//! The ledger of the numbers handed out: one file for each series, blocks of numbers by batch, each durable before a number of
//! it is used.

use std::{io::ErrorKind, path::Path, thread, time::Duration};

use onecard_host::disk::{Disk, DiskFile};
use serde::{Deserialize, Serialize};

use super::{Number, PRINTED_SERIALS, Series};
use crate::journal::{ChainFile, JournalError, Replay};

/// An open ledger.
pub type Ledger<F> = ChainFile<LedgerState, F>;

/// Numbers that one batch alone hands out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The batch.
    pub batch: String,
    /// The first number.
    pub first: Number,
    /// How many.
    pub count: u64,
    /// What is printed in front of the last eight digits; `None`: nothing is printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
    /// SHA-256 of the list that the batch issues to, in hexadecimal digits.
    pub list: String,
}

/// A line of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LedgerEntry {
    /// The first: whose numbers these are.
    Series {
        /// [`Series::name`].
        name: String,
    },
    /// A block was handed to a batch.
    Block(Block),
}

/// What a ledger says.
#[derive(Default, Debug)]
pub struct LedgerState {
    series: Option<String>,
    blocks: Vec<Block>,
    /// Behind the last number handed out.
    next: u64,
}

/// Who asks a ledger for numbers.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'c> {
    /// Of which series.
    pub series: &'c Series,
    /// The batch.
    pub batch: &'c str,
    /// SHA-256 of its list, in hexadecimal digits.
    pub list: &'c str,
    /// Whether the ledger may be begun, if there is none.
    pub new_ledger: bool,
    /// Whether another batch may have been given numbers for the same list.
    pub list_again: bool,
}

/// Why there are no numbers.
#[derive(Debug, thiserror::Error)]
pub enum NumberError {
    /// The ledger's file.
    #[error(transparent)]
    Ledger(#[from] JournalError),
    /// It is not there.
    #[error(
        "there is no ledger of numbers {0}: put it back where it was, or every number would be given again; begin one by \
         --new-ledger for a series that no card has a number of"
    )]
    NoLedger(String),
    /// It is there.
    #[error("the ledger {0} has numbers of other batches: leave --new-ledger out")]
    LedgerThere(String),
    /// It is another than the one that the batch was begun with, or an older copy of it.
    #[error(
        "the ledger {file} does not say that number {} is this batch's: put the ledger back that the batch was begun with, or another \
         batch will be given its numbers",
        number.0
    )]
    NotGiven {
        /// The ledger.
        file: String,
        /// The first number that it lacks.
        number: Number,
    },
    /// Everybody would get a second card.
    #[error(
        "by the ledger {file}, batch {batch} issued to this list already: go on with that batch's --journal; --list-again gives \
         everybody a further card"
    )]
    ListIssued {
        /// The ledger.
        file: String,
        /// The other batch, as its journal names it.
        batch: String,
    },
    /// Its numbers are others.
    #[error("the ledger {file} is of the series {found:?}, the profile has {expected:?}: name a ledger of its own")]
    OtherSeries {
        /// The ledger.
        file: String,
        /// What it is of.
        found: String,
        /// What the profile says.
        expected: String,
    },
    /// The range is used up.
    #[error(
        "{wanted} numbers are needed and {left} are left up to {last}, by the ledger {file}: widen the profile's range, which must \
         not overlap another's"
    )]
    UsedUp {
        /// The ledger.
        file: String,
        /// How many were asked for.
        wanted: u64,
        /// How many are left.
        left: u64,
        /// The range's last.
        last: u64,
    },
}

/// Hands `count` numbers to the batch of `claim` and returns every block it has, durably. Who finds the ledger in use waits a
/// moment.
///
/// # Errors
/// [`NumberError`]; then no number was handed out.
pub fn reserve<D: Disk>(disk: &D, path: &Path, claim: &Claim<'_>, count: u64) -> Result<Vec<Block>, NumberError> {
    let &Claim { series, batch, list, new_ledger, list_again } = claim;
    let file = || path.display().to_string();
    // Opening would make it.
    if !new_ledger && disk.read(path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Err(NumberError::NoLedger(file()));
    }
    let mut ledger = open_patiently(disk, path)?;
    let expected = series.name();
    match ledger.replayed().series.clone() {
        None if new_ledger => ledger.record(&LedgerEntry::Series { name: expected })?,
        None => return Err(NumberError::NoLedger(file())),
        Some(found) if found == expected => {}
        Some(found) => return Err(NumberError::OtherSeries { file: file(), found, expected }),
    }
    let others: Vec<&Block> = ledger.replayed().blocks.iter().filter(|block| block.batch != batch).collect();
    if new_ledger && !others.is_empty() {
        return Err(NumberError::LedgerThere(file()));
    }
    let is_new = others.len() == ledger.replayed().blocks.len();
    if let Some(other) = others.iter().find(|other| is_new && !list_again && other.list == list) {
        return Err(NumberError::ListIssued { file: file(), batch: other.batch.clone() });
    }
    if count > 0 {
        let first = ledger.replayed().next.max(series.first);
        let left = (series.last + 1).saturating_sub(first);
        if count > left {
            return Err(NumberError::UsedUp { file: file(), wanted: count, left, last: series.last });
        }
        ledger.record(&LedgerEntry::Block(Block {
            batch: batch.to_owned(),
            first: Number(first),
            count,
            printed: series.printed(),
            list: list.to_owned(),
        }))?;
    }
    Ok(ledger.replayed().blocks_of(batch))
}

impl Block {
    /// Whether `number` is one of these.
    #[must_use]
    pub fn contains(&self, Number(number): Number) -> bool {
        number.checked_sub(self.first.0).is_some_and(|at| at < self.count)
    }

    /// Whether a printed number of `other` is one of these: the same in front, and the same last eight digits.
    fn prints_one_of(&self, other: &Self) -> bool {
        let last_digits =
            |block: &Self| (block.first.0 % PRINTED_SERIALS, block.first.0 % PRINTED_SERIALS + block.count);
        let ((first, end), (other_first, other_end)) = (last_digits(self), last_digits(other));
        self.printed.is_some() && self.printed == other.printed && first < other_end && other_first < end
    }
}

impl LedgerState {
    /// The blocks of a batch, in their order.
    #[must_use]
    pub fn blocks_of(&self, batch: &str) -> Vec<Block> {
        self.blocks.iter().filter(|block| block.batch == batch).cloned().collect()
    }

    /// How many numbers were handed out.
    #[must_use]
    pub fn handed_out(&self) -> u64 {
        self.blocks.iter().map(|block| block.count).sum()
    }

    /// The first number that was never handed out, at least `first`.
    #[must_use]
    pub fn next(&self, first: u64) -> u64 {
        self.next.max(first)
    }
}

impl Replay for LedgerState {
    const KIND: &'static str = "onecard-number-ledger";
    const FORMAT: u8 = 2;
    type Entry = LedgerEntry;

    fn apply(&mut self, entry: &LedgerEntry) -> Result<(), String> {
        match (entry, &self.series) {
            (LedgerEntry::Series { name }, None) => {
                self.series = Some(name.clone());
                Ok(())
            }
            (LedgerEntry::Series { .. }, Some(_)) => Err("a series is named twice".to_owned()),
            (LedgerEntry::Block(_), None) => Err("a block comes before the series' name".to_owned()),
            (LedgerEntry::Block(block), Some(_)) => {
                let Number(first) = block.first;
                let end = first.checked_add(block.count).filter(|end| *end <= Series::LAST + 1);
                if let Some(other) = self.blocks.iter().find(|other| other.prints_one_of(block)) {
                    return Err(format!("a number printed in the block from {} would be printed again", other.first.0));
                }
                match end {
                    Some(end) if first >= self.next && block.count > 0 => {
                        self.next = end;
                        self.blocks.push(block.clone());
                        Ok(())
                    }
                    _ => Err(format!("a block from {first} follows numbers up to {}: a number came twice", self.next)),
                }
            }
        }
    }
}

fn open_patiently<D: Disk>(disk: &D, path: &Path) -> Result<Ledger<D::File>, JournalError>
where
    D::File: DiskFile,
{
    const TRIES: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(20);
    let mut tries = 0;
    loop {
        match ChainFile::open_on(disk, path) {
            Err(JournalError::InUse(_)) if tries < TRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
    use std::collections::BTreeSet;

    use onecard_host::disk::SystemDisk;

    use super::*;
    use crate::numbers::{Printed, Serials};

    fn series(last: u64) -> Series {
        Series { serials: Serials::Sam { prefix: "0".repeat(10) }, first: 5, last }
    }

    fn claim<'c>(series: &'c Series, batch: &'c str) -> Claim<'c> {
        Claim { series, batch, list: batch, new_ledger: false, list_again: false }
    }

    /// The ledger is begun, by a batch that takes no number.
    fn begin(path: &Path, series: &Series) {
        let none = Claim { new_ledger: true, ..claim(series, "none") };
        assert!(reserve(&SystemDisk, path, &none, 0).unwrap().is_empty());
    }

    #[test]
    fn batches_share_a_ledger_and_never_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let series = series(9_999);
        begin(&path, &series);
        let batches: Vec<_> = (0..8).map(|batch| format!("batch {batch}")).collect();
        let blocks: Vec<Block> = thread::scope(|scope| {
            let threads: Vec<_> = batches
                .iter()
                .map(|batch| {
                    let (path, claim) = (&path, claim(&series, batch));
                    scope.spawn(move || {
                        (0..4).for_each(|_| drop(reserve(&SystemDisk, path, &claim, 3).unwrap()));
                        reserve(&SystemDisk, path, &claim, 0).unwrap()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let numbers: BTreeSet<u64> =
            blocks.iter().flat_map(|block| block.first.0..block.first.0 + block.count).collect();
        assert_eq!((blocks.len(), numbers.len()), (32, 96));
        assert_eq!((numbers.first(), numbers.last()), (Some(&5), Some(&100)));
    }

    #[test]
    fn a_range_ends_and_another_series_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let short = series(9);
        begin(&path, &short);
        reserve(&SystemDisk, &path, &claim(&short, "a"), 3).unwrap();
        let error = reserve(&SystemDisk, &path, &claim(&short, "a"), 3).unwrap_err();
        assert!(matches!(error, NumberError::UsedUp { wanted: 3, left: 2, last: 9, .. }), "{error}");
        assert_eq!(reserve(&SystemDisk, &path, &claim(&short, "a"), 2).unwrap().len(), 2);
        // The same last eight digits under the same year are not printed twice, under another year they are.
        let cards = |year, first| {
            let printed = Printed { year, vendor: 1, version: 1, card_type: 1 };
            let serials = Serials::Application { province: 31, attribute: 1, printed };
            Series { serials, first, last: first + 9 }
        };
        let cards_path = folder.path().join("cards");
        begin(&cards_path, &cards(26, 5));
        reserve(&SystemDisk, &cards_path, &claim(&cards(26, 5), "a"), 3).unwrap();
        assert!(reserve(&SystemDisk, &cards_path, &claim(&cards(26, 100_000_007), "b"), 1).is_err());
        reserve(&SystemDisk, &cards_path, &claim(&cards(27, 100_000_007), "b"), 1).unwrap();
        let other = Series { serials: Serials::Sam { prefix: "1".repeat(10) }, first: 5, last: 9 };
        let error = reserve(&SystemDisk, &path, &claim(&other, "a"), 1).unwrap_err();
        assert!(matches!(error, NumberError::OtherSeries { .. }), "{error}");
    }

    #[test]
    fn a_ledger_is_begun_on_the_word_of_somebody_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, series) = (folder.path().join("numbers"), series(99));
        let told = Claim { new_ledger: true, ..claim(&series, "a") };
        // Lost, and emptied.
        for content in [None, Some(""), Some("onecard-number-ledger;2\n")] {
            content.iter().for_each(|content| std::fs::write(&path, content).unwrap());
            let error = reserve(&SystemDisk, &path, &claim(&series, "a"), 1).unwrap_err();
            assert!(matches!(error, NumberError::NoLedger(_)), "{error}");
            assert_eq!(path.exists(), content.is_some());
        }
        // The same command again, after a cut.
        (0..2).for_each(|_| drop(reserve(&SystemDisk, &path, &told, 1).unwrap()));
        let other = Claim { new_ledger: true, ..claim(&series, "b") };
        assert!(matches!(reserve(&SystemDisk, &path, &other, 1), Err(NumberError::LedgerThere(_))));
        reserve(&SystemDisk, &path, &claim(&series, "b"), 1).unwrap();
    }

    #[test]
    fn a_list_gets_numbers_once_unless_somebody_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (path, series) = (folder.path().join("numbers"), series(99));
        begin(&path, &series);
        let of = |batch| Claim { list: "the list", ..claim(&series, batch) };
        // The same batch comes for more.
        (0..2).for_each(|_| drop(reserve(&SystemDisk, &path, &of("a"), 3).unwrap()));
        for count in [0, 3] {
            let error = reserve(&SystemDisk, &path, &of("b"), count).unwrap_err();
            assert!(matches!(&error, NumberError::ListIssued { batch, .. } if batch == "a"), "{error}");
        }
        reserve(&SystemDisk, &path, &Claim { list_again: true, ..of("b") }, 3).unwrap();
        // From then on it is a batch as any other.
        assert_eq!(reserve(&SystemDisk, &path, &of("b"), 0).unwrap().len(), 1);
    }

    #[test]
    fn a_block_of_numbers_that_were_given_is_refused() {
        let mut ledger = LedgerState::default();
        ledger.apply(&LedgerEntry::Series { name: "s".to_owned() }).unwrap();
        let block = |first, count| {
            let (batch, list) = ("b".to_owned(), String::new());
            LedgerEntry::Block(Block { batch, first: Number(first), count, printed: None, list })
        };
        ledger.apply(&block(10, 5)).unwrap();
        for (first, count) in [(14, 1), (10, 5), (1, 9), (15, 0), (Series::LAST, 2), (u64::MAX, 2)] {
            assert!(ledger.apply(&block(first, count)).is_err(), "{first} {count}");
        }
        ledger.apply(&block(15, 1)).unwrap();
        let [first, _] = ledger.blocks.as_slice() else { panic!("{ledger:?}") };
        assert_eq!([9, 10, 14, 15].map(|number| first.contains(Number(number))), [false, true, true, false]);
    }
}
