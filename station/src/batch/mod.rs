//! A batch (批量发卡): every row of a list gets a good card, whatever happens to cards, readers, the program or the power on the way
//! (specification 18.5).
//!
//! ```text
//! card in the reader ─► look: blank, begun, whole, not ours          nothing is written
//!        │                     │
//!        │              number for a row ──► ledger, journal: on the disk
//!        ▼                     ▼
//!      make ──────────────► check: files, MAC1 of a load, INTERNAL AUTHENTICATE ──► journal: on the disk ──► tray
//! ```
//!
//! A number goes on with the card that has its keys, or is given up: a blank card never takes a number that was begun.

mod books;
mod craft;
mod desk;
mod event;
mod feeder;
mod serve;

use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use onecard_host::disk::{Disk, DiskFile};
use onecard_wire::number::EnterpriseId;

pub use books::{Books, Entry, Fate, Identity, Numbered, Stock};
pub use craft::{Craft, Found, Job, Setback, Unfinished};
use desk::Desk;
pub use event::Event;
pub use feeder::{Call, Fed, Feeder, NoTap, Tray};

use crate::{
    journal::{ChainFile, JournalError},
    numbers::{Number, NumberError, Series},
};

/// An open journal of a batch.
pub type BatchJournal<F> = ChainFile<Books, F>;

/// What a batch is made of.
pub struct Order<'o> {
    /// Whose cards.
    pub enterprise: EnterpriseId,
    /// SHA-256 of the profile, in hexadecimal digits.
    pub profile: String,
    /// SHA-256 of the list.
    pub list: String,
    /// The rows of the list, by their lines, ascending.
    pub rows: &'o [u64],
    /// The numbers.
    pub series: &'o Series,
    /// The ledger of numbers.
    pub ledger: &'o Path,
    /// Whether it may be begun, if there is none.
    pub new_ledger: bool,
    /// Whether another batch may have issued to the same list.
    pub list_again: bool,
    /// Failures in a row that stop the batch.
    pub failures_max: u32,
    /// Numbers whose card somebody says is lost; those that were given up before are no matter.
    pub give_up: &'o [Number],
}

/// What a batch needs of the world around it.
pub struct Surroundings<'s, D> {
    /// Where journal and ledger are.
    pub disk: &'s D,
    /// The station's clock: date and time as text.
    pub clock: &'s (dyn Fn() -> String + Sync),
    /// Who is told what happens.
    pub tell: &'s (dyn Fn(Event) + Sync),
    /// Set by who wants the batch to stop after the cards in the readers.
    pub stop: &'s AtomicBool,
}

/// Why a batch cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Its journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its numbers.
    #[error(transparent)]
    Numbers(#[from] NumberError),
    /// The journal is of another batch.
    #[error(
        "the journal {journal} is of another batch: its {what} differs. Name the {what} it was begun with, or another journal"
    )]
    OtherBatch {
        /// The journal.
        journal: String,
        /// Profile, list or enterprise.
        what: &'static str,
    },
    /// A number that was said to be lost is not.
    #[error("number {} cannot be given up: {why}", number.0)]
    NotGivenUp {
        /// The number.
        number: Number,
        /// Why.
        why: &'static str,
    },
    /// A reader failed.
    #[error("reader {reader}: {why}")]
    Reader {
        /// The reader.
        reader: String,
        /// Why.
        why: String,
    },
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Rows without a good card.
    pub missing_rows: u64,
    /// How the stock stands.
    pub stock: Stock,
    /// Whether it stopped before its end: too many failures, or somebody wished it.
    pub stopped: bool,
}

/// Begins the batch's journal at `path`, or opens it and sees that it is this batch's. `name` names a new batch in the ledger:
/// drawn at random, so that no two are the same.
///
/// # Errors
/// [`BatchError::OtherBatch`], [`BatchError::Journal`].
pub fn open_journal<D: Disk>(
    disk: &D,
    path: &Path,
    order: &Order<'_>,
    name: &str,
    at: String,
) -> Result<BatchJournal<D::File>, BatchError> {
    let mut journal = BatchJournal::open_on(disk, path)?;
    let Some(identity) = journal.replayed().identity() else {
        journal.record(&Entry::Begun {
            at,
            batch: name.to_owned(),
            enterprise: order.enterprise.to_string(),
            profile: order.profile.clone(),
            list: order.list.clone(),
            rows: order.rows.len() as u64,
        })?;
        return Ok(journal);
    };
    let differs = [
        (identity.enterprise != order.enterprise, "enterprise"),
        (identity.profile != order.profile, "profile"),
        (identity.list != order.list, "list"),
    ];
    match differs.into_iter().find(|(differs, _)| *differs) {
        Some((_, what)) => Err(BatchError::OtherBatch { journal: path.display().to_string(), what }),
        None => Ok(journal),
    }
}

/// Issues what is left of the batch, each reader in a thread of its own; returns the journal with how it ended.
///
/// # Errors
/// [`BatchError`]; every card that was good is in the journal, and the same call goes on.
pub fn run<C, D, F>(
    craft: &C,
    order: &Order<'_>,
    journal: BatchJournal<D::File>,
    feeders: &mut [F],
    around: &Surroundings<'_, D>,
) -> Result<(BatchJournal<D::File>, Outcome), BatchError>
where
    C: Craft,
    D: Disk + Sync,
    D::File: DiskFile + Send,
    F: Feeder,
{
    let desk = Mutex::new(Desk::open(order, journal, around)?);
    let begins = {
        let desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Stock { good, begun, .. } = desk.books().stock();
        Event::Begins { rows: order.rows.len() as u64, good, begun }
    };
    (around.tell)(begins);
    let station = serve::Station { craft, desk: &desk, around, failures_max: order.failures_max };
    let served: Vec<Result<(), BatchError>> = match feeders {
        [one] => vec![station.serve(one)],
        many => thread::scope(|scope| {
            let threads: Vec<_> = many.iter_mut().map(|feeder| scope.spawn(|| station.serve(feeder))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(died()))).collect()
        }),
    };
    let desk = desk.into_inner().unwrap_or_else(PoisonError::into_inner);
    served.into_iter().collect::<Result<(), _>>()?;
    let (stock, missing_rows) = (desk.books().stock(), desk.missing_rows());
    (around.tell)(Event::Ends { stock, missing_rows });
    let stopped = desk.stopped() || around.stop.load(Ordering::Relaxed);
    Ok((desk.into_journal(), Outcome { missing_rows, stock, stopped }))
}

fn died() -> BatchError {
    BatchError::Reader {
        reader: "one of them".to_owned(),
        why: "its thread ended: run the same command again".to_owned(),
    }
}
