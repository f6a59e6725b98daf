//! The station's journal of washes, and how a wash is begun in it.

use std::path::PathBuf;

use clap::Args;
use onecard_host::key_store::KeyTarget;

use super::LeftAlone;
use crate::{
    args::At,
    washing_journal::{Named, WashingJournalFile as Book},
};

/// Where the journal is.
#[derive(Args, Debug)]
pub(super) struct BookPlace {
    /// The station's washing journal (洗卡日志): by it a wash that was cut goes on.
    #[arg(long, value_name = "FILE", default_value = "washing.journal")]
    journal: PathBuf,
    /// Begin that journal (新建洗卡日志): once, at a station that has washed no card.
    #[arg(long)]
    new_journal: bool,
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
    /// Opens it for the wash of `target` alone.
    pub(super) fn open_for(&self, target: KeyTarget) -> anyhow::Result<Book> {
        let book = self.named().open()?;
        self.named().is_new_if_said(book.replayed(), Some(target))?;
        Ok(book)
    }

    fn named(&self) -> Named<'_> {
        let &Self { ref journal, new_journal: new } = self;
        Named { path: journal, option: "--journal", new_option: "--new-journal", new }
    }
}

impl BookOptions {
    pub(super) fn open(&self) -> anyhow::Result<Book> {
        self.place.named().open()
    }

    /// Decides about `target`, of which the card says whether it `has_contents`.
    ///
    /// # Errors
    /// [`LeftAlone`]; a new journal that is none.
    pub(super) fn next(&self, book: &Book, target: KeyTarget, has_contents: bool) -> anyhow::Result<Next> {
        self.place.named().is_new_if_said(book.replayed(), Some(target))?;
        Ok(next(book, target, has_contents)?)
    }

    pub(super) fn now(&self) -> anyhow::Result<String> {
        Ok(self.at.moment()?.to_string())
    }
}

fn next(book: &Book, target: KeyTarget, has_contents: bool) -> Result<Next, LeftAlone> {
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
