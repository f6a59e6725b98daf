//! The blacklist a terminal is told to consult, and the key that it checks it by.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::blacklist::{Blacklist, BlacklistFile, ListKey};
use onecard_wire::number::EnterpriseId;

use crate::signing_key;

/// Which list, if any.
#[derive(Args, Debug)]
pub(crate) struct ListSource {
    /// The enterprise's blacklist (黑名单): a card on it is refused and marked [default: none].
    #[arg(long, value_name = "FILE", requires = "list_key")]
    blacklist: Option<PathBuf>,
    /// The key to check the blacklist by, of `blacklist new-key`.
    #[arg(long, value_name = "FILE", requires = "blacklist")]
    list_key: Option<PathBuf>,
}

impl ListSource {
    /// The list that was named.
    pub(crate) fn read(&self, enterprise: EnterpriseId) -> anyhow::Result<Option<Blacklist>> {
        match (&self.blacklist, &self.list_key) {
            (Some(list), Some(key)) => read_list(list, key, enterprise).map(Some),
            _ => Ok(None),
        }
    }
}

/// The list in the file at `list`, everything in it checked.
pub(crate) fn read_list(list: &Path, key: &Path, enterprise: EnterpriseId) -> anyhow::Result<Blacklist> {
    open_list(list, enterprise, read_key(key)?)
}

/// The same with the key at hand.
pub(crate) fn open_list(list: &Path, enterprise: EnterpriseId, key: ListKey) -> anyhow::Result<Blacklist> {
    ensure!(list.exists(), "there is no blacklist {}: fetch it again", list.display());
    let name = || format!("blacklist {}", list.display());
    let file = BlacklistFile::open(list, enterprise, key).with_context(name)?;
    file.list().cloned().with_context(|| format!("{} is empty: fetch it again", name()))
}

/// The key in the file at `path`.
pub(crate) fn read_key(path: &Path) -> anyhow::Result<ListKey> {
    let key = signing_key::read_public(path, "list key")?;
    ListKey::from_bytes(&key).with_context(|| format!("list key {}", path.display()))
}
