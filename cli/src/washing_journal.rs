//! The station's washing journal (洗卡日志), which is begun on somebody's word alone.

use std::path::Path;

use anyhow::ensure;
use onecard_host::{disk::SystemDisk, key_store::KeyTarget};
use onecard_station::{
    journal::{ChainFile, JournalError},
    washing::Washings,
};

use crate::private_file;

/// A journal that is open, and locked while it is.
pub(crate) type WashingJournalFile = ChainFile<Washings>;

/// How its file and its beginning are named on the command line.
pub(crate) struct Named<'n> {
    /// The file.
    pub(crate) path: &'n Path,
    /// The option that names the file.
    pub(crate) option: &'n str,
    /// The option that begins a new one.
    pub(crate) new_option: &'n str,
    /// Whether that was given.
    pub(crate) new: bool,
}

impl Named<'_> {
    /// Opens it.
    ///
    /// # Errors
    /// If it is missing or empty, and is not to be begun.
    pub(crate) fn open(&self) -> anyhow::Result<WashingJournalFile> {
        let &Self { path, option, new_option, new } = self;
        if new {
            private_file::create_if_missing(path, "journal")?;
            return Ok(ChainFile::open_on(&SystemDisk, path)?);
        }
        ChainFile::open_begun_on(&SystemDisk, path).map_err(|error| match error {
            JournalError::NotBegun(file) => anyhow::anyhow!(
                "there is no washing journal {file} 无洗卡日志: {new_option} begins one, once, at a station that has washed no card. The \
                 tries that were spent on a card and how far its wash has come are in it alone: if it was lost, bring it back from its \
                 copy; if it is elsewhere, name it by {option}"
            ),
            other => other.into(),
        })
    }

    /// Refuses to begin one where washes are: of others than `target`, with which a command that was cut may have begun it.
    pub(crate) fn is_new_if_said(&self, washings: &Washings, target: Option<KeyTarget>) -> anyhow::Result<()> {
        let &Self { path, new_option, new, .. } = self;
        ensure!(
            !new || !washings.knows_others(target),
            "washing journal {} is there 洗卡日志已存在, and has washes in it: leave {new_option} out",
            path.display()
        );
        Ok(())
    }
}
