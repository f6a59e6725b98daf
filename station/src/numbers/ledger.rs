//! The ledger of the numbers handed out: one file for each series, blocks of numbers by batch, each durable before a number of
//! it is used.

use std::{path::Path, thread, time::Duration};

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

/// Why there are no numbers.
#[derive(Debug, thiserror::Error)]
pub enum NumberError {
    /// The ledger's file.
    #[error(transparent)]
    Ledger(#[from] JournalError),
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

/// Hands `count` numbers of `series` to `batch` and returns every block it has, durably. Who finds the ledger in use waits a
/// moment.
///
/// # Errors
/// [`NumberError`]; then no number was handed out.
pub fn reserve<D: Disk>(
    disk: &D,
    path: &Path,
    series: &Series,
    batch: &str,
    count: u64,
) -> Result<Vec<Block>, NumberError> {
    let mut ledger = open_patiently(disk, path)?;
    let expected = series.name();
    match ledger.replayed().series.clone() {
        None => ledger.record(&LedgerEntry::Series { name: expected })?,
        Some(found) if found == expected => {}
        Some(found) => return Err(NumberError::OtherSeries { file: path.display().to_string(), found, expected }),
    }
    if count > 0 {
        let first = ledger.replayed().next.max(series.first);
        let left = (series.last + 1).saturating_sub(first);
        if count > left {
            let file = path.display().to_string();
            return Err(NumberError::UsedUp { file, wanted: count, left, last: series.last });
        }
        ledger.record(&LedgerEntry::Block(Block {
            batch: batch.to_owned(),
            first: Number(first),
            count,
            printed: series.printed(),
        }))?;
    }
    Ok(ledger.replayed().blocks_of(batch))
}

impl Block {
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
    const FORMAT: u8 = 1;
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::collections::BTreeSet;

    use onecard_host::disk::SystemDisk;

    use super::*;
    use crate::numbers::{Printed, Serials};

    fn series(last: u64) -> Series {
        Series { serials: Serials::Sam { prefix: "0".repeat(10) }, first: 5, last }
    }

    #[test]
    fn batches_share_a_ledger_and_never_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let batches: Vec<_> = (0..8).map(|batch| format!("batch {batch}")).collect();
        let blocks: Vec<Block> = thread::scope(|scope| {
            let threads: Vec<_> = batches
                .iter()
                .map(|batch| {
                    let path = &path;
                    scope.spawn(move || {
                        (0..4).for_each(|_| drop(reserve(&SystemDisk, path, &series(9_999), batch, 3).unwrap()));
                        reserve(&SystemDisk, path, &series(9_999), batch, 0).unwrap()
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
        reserve(&SystemDisk, &path, &series(9), "a", 3).unwrap();
        let error = reserve(&SystemDisk, &path, &series(9), "a", 3).unwrap_err();
        assert!(matches!(error, NumberError::UsedUp { wanted: 3, left: 2, last: 9, .. }), "{error}");
        assert_eq!(reserve(&SystemDisk, &path, &series(9), "a", 2).unwrap().len(), 2);
        // The same last eight digits under the same year are not printed twice, under another year they are.
        let cards = |year, first| {
            let printed = Printed { year, vendor: 1, version: 1, card_type: 1 };
            let serials = Serials::Application { province: 31, attribute: 1, printed };
            Series { serials, first, last: first + 9 }
        };
        let cards_path = folder.path().join("cards");
        reserve(&SystemDisk, &cards_path, &cards(26, 5), "a", 3).unwrap();
        assert!(reserve(&SystemDisk, &cards_path, &cards(26, 100_000_007), "b", 1).is_err());
        reserve(&SystemDisk, &cards_path, &cards(27, 100_000_007), "b", 1).unwrap();
        let other = Series { serials: Serials::Sam { prefix: "1".repeat(10) }, first: 5, last: 9 };
        assert!(matches!(reserve(&SystemDisk, &path, &other, "a", 1), Err(NumberError::OtherSeries { .. })));
    }
}
