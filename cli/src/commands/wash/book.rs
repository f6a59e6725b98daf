//! The station's journal of washes, and how a wash is begun in it.

use std::path::PathBuf;

use clap::Args;
use onecard_host::{disk::SystemDisk, key_store::KeyTarget};
use onecard_station::{journal::ChainFile, washing::Washings};

use super::LeftAlone;
use crate::{args::At, private_file};

/// A journal that is open, and locked while it is.
pub(super) type Book = ChainFile<Washings>;

/// Where the journal is.
#[derive(Args, Debug)]
pub(super) struct BookPlace {
    /// The station's washing journal (洗卡日志): by it a wash that was cut goes on.
    #[arg(long, value_name = "FILE", default_value = "washing.journal")]
    journal: PathBuf,
}

/// Where it is, and the station's clock.
#[derive(Args, Debug)]
pub(super) struct BookOptions {
    #[command(flatten)]
    place: BookPlace,
    #[command(flatten)]
    at: At,
}

/// What a station does with a card, by what the card and the journal say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// It is washed, from the beginning or from where it was cut.
    Wash,
    /// It is good already.
    Nothing,
}

impl BookPlace {
    pub(super) fn open(&self) -> anyhow::Result<Book> {
        private_file::create_if_missing(&self.journal, "journal")?;
        Ok(Book::open_on(&SystemDisk, &self.journal)?)
    }
}

impl BookOptions {
    pub(super) fn open(&self) -> anyhow::Result<Book> {
        self.place.open()
    }

    pub(super) fn now(&self) -> anyhow::Result<String> {
        Ok(self.at.moment()?.to_string())
    }
}

/// Decides about `target`, of which the card says whether it `has_contents`.
///
/// # Errors
/// [`LeftAlone`].
pub(super) fn next(book: &Book, target: KeyTarget, has_contents: bool) -> Result<Next, LeftAlone> {
    let washings = book.replayed();
    match (has_contents, washings.is_good(target), washings.is_begun(target)) {
        (true, true, _) => Ok(Next::Nothing),
        (true, false, false) => Err(LeftAlone(format!(
            "{target} is issued already 已发卡, and {} does not know of it: name the journal of the station that washed it by \
             --journal",
            book.path().display()
        ))),
        (false, true, _) => Err(LeftAlone(format!(
            "{target} was washed before, and this card is not it 并非该卡: a number is given once, name another"
        ))),
        (true, false, true) | (false, false, _) => Ok(Next::Wash),
    }
}
