//! The file beside a book: it keeps a second gateway out, and tells an old copy of the book.

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    io::{Error, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::StoreError;

/// The lock of a gateway that runs. In it stands how many counters the book had reserved when messages left last, in decimal digits.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    name: PathBuf,
    reserved: u64,
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
        let reserved = if text.is_empty() { 0 } else { text.parse().map_err(no_number)? };
        Ok(Self { file, name, reserved })
    }

    /// That a book which has reserved so many counters is not an old copy.
    ///
    /// # Errors
    /// [`StoreError::OldCopy`].
    pub(super) fn admit(&self, book: &Path, reserved: u64) -> Result<(), StoreError> {
        if reserved >= self.reserved {
            return Ok(());
        }
        Err(StoreError::OldCopy { book: book.to_owned(), lock: self.name.clone(), has: reserved, had: self.reserved })
    }

    /// So many are reserved by now. It is not synced: a gateway that is killed leaves it to the system, which writes it.
    ///
    /// # Errors
    /// [`StoreError::Lock`].
    pub(super) fn keep(&mut self, reserved: u64) -> Result<(), StoreError> {
        if reserved == self.reserved {
            return Ok(());
        }
        let written = self.file.rewind().and_then(|()| self.file.write_all(format!("{reserved:020}\n").as_bytes()));
        written.map_err(|source| StoreError::Lock { path: self.name.clone(), source })?;
        self.reserved = reserved;
        Ok(())
    }
}
