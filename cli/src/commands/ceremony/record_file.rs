//! The file of a ceremony's record, and the files of its components.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use onecard_station::{
    ceremony::{Component, Plan, Record, SealedComponent},
    store::{Cost, Passphrase, SealedFile},
};

use crate::{journal::beside, private_file};

/// A ceremony's record in its file, held by this process alone.
pub(super) struct RecordFile {
    path: PathBuf,
    /// What has happened.
    pub(super) record: Record,
    _lock: File,
}

const WHAT: &str = "ceremony";
/// What a component's sealed file says that it holds.
pub(super) const COMPONENT: &str = "component of a key ceremony";

impl RecordFile {
    /// A new one.
    pub(super) fn create(path: &Path, record: &Record) -> anyhow::Result<()> {
        private_file::create(path, WHAT, &record.to_text()?)
    }

    /// The one at `path`.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let lock = lock_beside(path)?;
        let (_, text) = private_file::read(path, WHAT)?;
        let record = Record::from_text(&text).with_context(|| format!("{WHAT} {}", path.display()))?;
        Ok(Self { path: path.to_path_buf(), record, _lock: lock })
    }

    /// Makes what was noted durable.
    pub(super) fn store(&self) -> anyhow::Result<()> {
        private_file::replace(&self.path, WHAT, &self.record.to_text()?)
    }
}

/// Beside the record, whose own file is another one after each change.
fn lock_beside(path: &Path) -> anyhow::Result<File> {
    if !path.exists() {
        bail!("there is no {WHAT} {}: begin one by `onecard ceremony new`", path.display());
    }
    let lock = beside(path, ".lock");
    private_file::create_if_missing(&lock, "lock of the ceremony")?;
    let file = File::open(&lock).with_context(|| format!("{} cannot be opened", lock.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("{WHAT} {} is in use: wait until the other holder has done", path.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{} cannot be locked", lock.display())),
    }
}

/// Whose component a sealed file holds, as it says in clear.
pub(super) fn owner(plan: &Plan, holder: &str) -> String {
    format!("{holder}, ceremony {}", plan.id())
}

/// Where a new component may go: no file yet, or one that a broken run left behind, whose component is recorded nowhere.
pub(super) fn check_place(plan: &Plan, holder: &str, path: &Path) -> anyhow::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let (_, text) = private_file::read(path, "file")?;
    let left_behind = SealedFile::from_text(&text)
        .is_ok_and(|file| file.content() == COMPONENT && file.owner() == owner(plan, holder));
    if !left_behind {
        bail!(
            "{} is there already, and is no component of {holder}'s in this ceremony: name another file",
            path.display()
        );
    }
    Ok(())
}

/// Seals a component into its file.
pub(super) fn keep(plan: &Plan, component: &Component, passphrase: &Passphrase, path: &Path) -> anyhow::Result<()> {
    let holder = plan.holder(component.number()).unwrap_or_default();
    let text = SealedComponent::new(plan, holder, component).to_text()?;
    let names = (COMPONENT, owner(plan, holder));
    let sealed = SealedFile::seal((names.0, &names.1), text.as_bytes(), passphrase, Cost::USUAL, &mut rand::rng())?;
    private_file::replace(path, "component", &sealed.to_text()?)
}
