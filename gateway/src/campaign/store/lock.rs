//! The file beside a book: it keeps a second gateway out, and tells an old copy of the book.

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    io::{Error, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::StoreError;

/// The lock of a gateway that runs. In it stands how many changes the book had seen when a gateway took its last turn, in decimal
/// digits.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    name: PathBuf,
    changes: u64,
}

impl Lock {
    /// A file of its own, since SQLite's locks on the book's file are lost when anything in this process closes it. It stands beside
    /// the book itself, by whatever link that was named.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Lock`].
    pub(super) fn take(book: &Path) -> Result<Self, StoreError> {
        let itself = book.canonicalize().map_err(|source| StoreError::Lock { path: book.to_owned(), source })?;
        let mut name = OsString::from(itself);
        name.push(".lock");
        let name = PathBuf::from(name);
        let lock = |source| StoreError::Lock { path: name.clone(), source };
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&name).map_err(lock)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(book.to_owned())),
            Err(TryLockError::Error(source)) => return Err(lock(source)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(lock)?;
        let no_number = |error| lock(Error::new(ErrorKind::InvalidData, error));
        // Nothing stands in it before the first message; of a first one that a loss of power took, a file system may leave zeros.
        let text = text.trim_matches(['\0', '\n']);
        let changes = if text.is_empty() { 0 } else { text.parse().map_err(no_number)? };
        Ok(Self { file, name, changes })
    }

    /// That a book which has seen so many changes is not an old copy.
    ///
    /// # Errors
    /// [`StoreError::OldCopy`].
    pub(super) fn admit(&self, book: &Path, changes: u64) -> Result<(), StoreError> {
        if changes >= self.changes {
            return Ok(());
        }
        Err(StoreError::OldCopy { book: book.to_owned(), lock: self.name.clone(), has: changes, had: self.changes })
    }

    /// So many changes are in the book by now. It is not synced: a gateway that is killed leaves it to the system, which writes it.
    ///
    /// # Errors
    /// [`StoreError::Lock`].
    pub(super) fn keep(&mut self, changes: u64) -> Result<(), StoreError> {
        if changes == self.changes {
            return Ok(());
        }
        let written = self.file.rewind().and_then(|()| self.file.write_all(format!("{changes:020}\n").as_bytes()));
        written.map_err(|source| StoreError::Lock { path: self.name.clone(), source })?;
        self.changes = changes;
        Ok(())
    }
}
