//! The list a terminal has, in one file: the whole list as it was received, and behind it the changes since, each with its
//! signature.
//!
//! The file is replaced in one step: the new one is written beside it as `<name>.new`, made durable, and then takes the
//! name. After any cut there is the old list or the new one. Whoever can write to the terminal's disk can put an older list
//! of the enterprise there; anything else he puts there is refused.

use std::{
    io,
    path::{Path, PathBuf},
};

use onecard_wire::number::EnterpriseId;

use super::{Blacklist, BlacklistError, ListKey, layout};
use crate::disk::{Disk, DiskFile, SystemDisk};

/// A terminal's list on disk and in memory.
#[derive(Debug)]
pub struct BlacklistFile<D = SystemDisk> {
    disk: D,
    path: PathBuf,
    enterprise: EnterpriseId,
    key: ListKey,
    list: Option<Blacklist>,
}

impl BlacklistFile {
    /// Opens the file at `path`, which need not be there yet, and checks everything in it.
    ///
    /// # Errors
    /// [`BlacklistFileError::Stored`] if it holds anything that is not the enterprise's list, [`BlacklistFileError::Io`].
    pub fn open(path: impl AsRef<Path>, enterprise: EnterpriseId, key: ListKey) -> Result<Self, BlacklistFileError> {
        Self::open_on(SystemDisk, path, enterprise, key)
    }
}

impl<D: Disk> BlacklistFile<D> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`BlacklistFile::open`].
    pub fn open_on(
        disk: D,
        path: impl AsRef<Path>,
        enterprise: EnterpriseId,
        key: ListKey,
    ) -> Result<Self, BlacklistFileError> {
        let path = path.as_ref().to_path_buf();
        let mut file = Self { disk, path, enterprise, key, list: None };
        file.load()?;
        Ok(file)
    }

    /// The list; `None` before the first was received.
    #[must_use]
    pub fn list(&self) -> Option<&Blacklist> {
        self.list.as_ref()
    }

    /// Takes a whole list or changes, once they are on the disk.
    ///
    /// # Errors
    /// [`BlacklistFileError`]; unless the disk's list is at fault, the terminal goes on with the list it has.
    pub fn receive(&mut self, update: &[u8]) -> Result<(), BlacklistFileError> {
        // An earlier attempt may have got further than it could tell.
        let stored = self.load()?;
        if stored.is_empty() && self.list.is_some() && !layout::is_whole(update) {
            let source = BlacklistError::Malformed("it was removed or put back while the terminal ran");
            return Err(BlacklistFileError::Stored { path: self.name(), source });
        }
        let list = self.after(self.list.as_ref(), update)?;
        let new = if layout::is_whole(update) { update.to_vec() } else { [&stored, update].concat() };
        self.replace(&new)?;
        self.list = Some(list);
        Ok(())
    }

    /// Takes the list that is on the disk, and tells its bytes.
    fn load(&mut self) -> Result<Vec<u8>, BlacklistFileError> {
        let stored = match self.disk.read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|source| self.io_error("reading", source))?,
        };
        // A list that does not read is no reason to serve everybody: the one in hand stays until another is whole.
        let mut loaded = None;
        let mut rest = &stored[..];
        while !rest.is_empty() {
            let length = layout::first_length(rest).unwrap_or(rest.len());
            let (update, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let list = self.after(loaded.as_ref(), update);
            loaded = Some(list.map_err(|source| BlacklistFileError::Stored { path: self.name(), source })?);
            rest = behind;
        }
        let version = |list: Option<&Blacklist>| list.map(Blacklist::version);
        if version(self.list.as_ref()) > version(loaded.as_ref()) {
            // Removed or put back under a running terminal. Nothing is added to it; a whole list takes its place.
            return Ok(Vec::new());
        }
        self.list = loaded;
        Ok(stored)
    }

    fn after(&self, list: Option<&Blacklist>, update: &[u8]) -> Result<Blacklist, BlacklistError> {
        match list {
            Some(list) => list.updated(update, &self.key),
            None => Blacklist::received(update, self.enterprise, &self.key),
        }
    }

    fn replace(&self, stored: &[u8]) -> Result<(), BlacklistFileError> {
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let mut new = self.disk.open(beside).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => BlacklistFileError::InUse(self.name()),
            _ => self.io_error("making", source),
        })?;
        // What a cut left of an earlier attempt goes first.
        let written = new.cut(0).and_then(|()| new.append(stored)).and_then(|()| new.sync());
        written.map_err(|source| self.io_error("writing", source))?;
        let replaced = self.disk.rename(beside, &self.path);
        let durable = replaced.and_then(|()| self.disk.sync_directory_of(&self.path));
        durable.map_err(|source| self.io_error("replacing", source))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn io_error(&self, doing: &str, source: io::Error) -> BlacklistFileError {
        BlacklistFileError::Io { what: format!("{doing} {}", self.name()), source }
    }
}

/// Why a list was not kept.
#[derive(Debug, thiserror::Error)]
pub enum BlacklistFileError {
    /// What was offered is not taken.
    #[error(transparent)]
    Refused(#[from] BlacklistError),
    /// What is on the disk is not the enterprise's list.
    #[error("the blacklist in {path} is not to be trusted; remove it and fetch the newest whole list")]
    Stored {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: BlacklistError,
    },
    /// Somebody else is replacing it.
    #[error("{0} is being replaced by another process: each terminal has its own")]
    InUse(String),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done to which file.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}
