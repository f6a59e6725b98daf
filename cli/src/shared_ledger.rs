//! The passback ledger of a zone's doors, in a file that nobody else changes while it is open.

use std::{fs::File, path::Path};

use anyhow::Context;
use onecard_host::access::PassbackLedger;

use crate::{journal::beside, private_file};

/// Who is inside.
pub(crate) struct SharedLedger<'p> {
    pub(crate) ledger: PassbackLedger,
    file: Option<LockedFile<'p>>,
}

struct LockedFile<'p> {
    path: &'p Path,
    before: PassbackLedger,
    /// Beside the ledger: the ledger's own file is another one after each change.
    _lock: File,
}

const LEDGER: &str = "passback ledger";

impl<'p> SharedLedger<'p> {
    /// The ledger at `path`, empty if it is missing; without a path nobody is remembered.
    pub(crate) fn open(path: Option<&'p Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { ledger: PassbackLedger::new(), file: None }) };
        let lock = beside(path, ".lock");
        private_file::create_if_missing(&lock, "lock of the passback ledger")?;
        // Another door's tap takes less than a second.
        let locked = File::open(&lock).and_then(|file| file.lock().map(|()| file));
        let locked = locked.with_context(|| format!("{LEDGER} {} cannot be locked", path.display()))?;
        let ledger: PassbackLedger = private_file::read_json(path, LEDGER)?.unwrap_or_default();
        let file = LockedFile { path, before: ledger.clone(), _lock: locked };
        Ok(Self { ledger, file: Some(file) })
    }

    /// The ledger at `path`, which is there.
    pub(crate) fn open_existing(path: &'p Path) -> anyhow::Result<Self> {
        anyhow::ensure!(path.exists(), "there is no {LEDGER} {}: name the one the zone's doors share", path.display());
        Self::open(Some(path))
    }

    /// Stores it if it has changed.
    pub(crate) fn keep(self) -> anyhow::Result<()> {
        match self.file {
            Some(file) if file.before != self.ledger => {
                let text = serde_json::to_string(&self.ledger).context("the ledger cannot be written as JSON")?;
                private_file::replace(file.path, LEDGER, &text)
            }
            _ => Ok(()),
        }
    }
}
