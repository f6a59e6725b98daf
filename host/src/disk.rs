//! What the journals and the blacklist need of a disk, and when it may be believed.
//!
//! [`SystemDisk`] is the real one. Tests put a disk in its place that loses what was not yet made durable.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// A disk: files by name. A name is durable when its directory is, bytes when their file is.
pub trait Disk {
    /// An open file of it.
    type File: DiskFile;

    /// Opens the file at `path` for reading and writing, makes it if it is missing, and keeps everybody else from opening it.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if somebody else has it open.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Gives the file the name `to`, in one step; a file that had it is gone.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in the directory of `path` durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_directory_of(&self, path: &Path) -> io::Result<()>;

    /// The content of the file at `path`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// An open file.
pub trait DiskFile {
    /// All of its content.
    ///
    /// # Errors
    /// The system's.
    fn content(&mut self) -> io::Result<Vec<u8>>;

    /// Writes `bytes` behind its last byte.
    ///
    /// # Errors
    /// The system's; any part of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts it to `length` bytes.
    ///
    /// # Errors
    /// The system's.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Makes its content durable.
    ///
    /// # Errors
    /// The system's; what was written since the last success may be there or not.
    fn sync(&mut self) -> io::Result<()>;
}

/// The operating system's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    type File = File;

    fn open(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            TryLockError::Error(source) => source,
        })?;
        Ok(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory_of(&self, path: &Path) -> io::Result<()> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if cfg!(not(unix)) {
            return Ok(());
        }
        File::open(directory)?.sync_all()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}

impl DiskFile for File {
    fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.seek(SeekFrom::Start(0))?;
        self.read_to_end(&mut content)?;
        Ok(content)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::End(0))?;
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
