//! A terminal's journal in a file that its owner alone can read, and the order numbers it hands out.
//!
//! Beside the journal stands `<journal>.orders` with the greatest order number used so far: the journal does not hold
//! orders that were refused before the card was asked to move anything, and their numbers must not become another sale's.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use onecard_host::terminal::{JournalFile, OrderNumber, TokenStore};

use crate::private_file;

const COUNTER: &str = "order counter";

/// Opens the journal at `path`, or begins it.
pub(crate) fn open(path: &Path) -> anyhow::Result<JournalFile> {
    private_file::create_if_missing(path, "journal")?;
    Ok(JournalFile::open(path)?)
}

/// The order number `asked` for, or the next after all that were used; remembered as used before it is handed out.
///
/// `journal` is the one at `path`: while it is open nobody else counts.
pub(crate) fn order_number(asked: Option<u64>, journal: &JournalFile, path: &Path) -> anyhow::Result<OrderNumber> {
    let counter = beside(path, ".orders");
    let counted = read(&counter)?;
    let pending = journal.pending()?.into_iter().map(|token| token.transaction.order.0);
    let settled = journal.settlement().map(|record| record.transaction.order.0);
    // Those of subsidies follow from card and subsidy, not from the counter.
    let own = pending.chain(settled).filter(|number| *number < OrderNumber::SUBSIDIES);
    let last = own.fold(counted, u64::max);
    let number = match asked {
        Some(number) => number,
        None => last.checked_add(1).filter(|next| *next < OrderNumber::SUBSIDIES).with_context(|| {
            format!(
                "no order number is left after {last} in {}: name a free one by --order, or begin a new journal by \
                 --journal once nothing is in doubt",
                path.display()
            )
        })?,
    };
    if number > counted {
        private_file::replace(&counter, COUNTER, &format!("{number}\n"))?;
    }
    Ok(OrderNumber(number))
}

/// Appends one line to `<journal>.decisions`, durably: what the service desk decided, and why.
pub(crate) fn keep_decision(journal: &Path, line: &str) -> anyhow::Result<()> {
    private_file::append(&beside(journal, ".decisions"), "file of decisions", line)
}

/// `journal`'s, or a card's, name with `ending` behind it.
pub(crate) fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn read(counter: &Path) -> anyhow::Result<u64> {
    match fs::read_to_string(counter) {
        Ok(text) => text.trim_end().parse().with_context(|| {
            format!("{COUNTER} {} is damaged: write the greatest order number used so far into it", counter.display())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("{COUNTER} {} cannot be read", counter.display())),
    }
}
