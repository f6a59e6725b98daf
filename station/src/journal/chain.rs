//! The file itself.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use onecard_host::disk::{Disk, DiskFile};

use super::{
    ChainHash, JournalError, Replay,
    verify::{first_hash, first_line, read_lines, step},
};

/// An open file, locked while it is.
#[derive(Debug)]
pub struct ChainFile<R, F = File> {
    path: PathBuf,
    file: F,
    replayed: R,
    head: ChainHash,
    lines: usize,
    usable: bool,
}

impl<R: Replay, F: DiskFile> ChainFile<R, F> {
    /// Opens the file at `path`, or begins it.
    ///
    /// # Errors
    /// [`JournalError`]: in use, or the first line that does not fit.
    pub fn open_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open(disk, path.as_ref(), true)
    }

    /// Opens the file at `path`, which was begun before: one that was lost is not begun in its place.
    ///
    /// # Errors
    /// [`JournalError::NotBegun`], and then nothing is written; otherwise as [`ChainFile::open_on`].
    pub fn open_begun_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        // Opening would make it.
        if disk.read(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(JournalError::NotBegun(path.display().to_string()));
        }
        Self::open(disk, path, false)
    }

    fn open<D: Disk<File = F>>(disk: &D, path: &Path, may_begin: bool) -> Result<Self, JournalError> {
        let path = path.to_path_buf();
        let mut file = disk.open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => JournalError::InUse(path.display().to_string()),
            _ => io_error("opening", &path, source),
        })?;
        let content = file.content().map_err(|source| io_error("reading", &path, source))?;
        let mut replayed = R::default();
        let read = read_lines::<R>(&path.display().to_string(), &content, |entry| replayed.apply(&entry))?;
        if read.head.is_none() && !may_begin {
            return Err(JournalError::NotBegun(path.display().to_string()));
        }
        if read.good < content.len() {
            file.cut(read.good as u64).map_err(|source| io_error("cutting a torn line off", &path, source))?;
        }
        let (head, lines) = match read.head {
            Some(head) => (head, read.lines),
            None => {
                let header = format!("{}\n", first_line::<R>());
                file.append(header.as_bytes()).map_err(|source| io_error("writing", &path, source))?;
                (first_hash(&first_line::<R>()), 1)
            }
        };
        // A killed process may have written what it had no time to make durable.
        let durable = file.sync().and_then(|()| disk.sync_directory_of(&path));
        durable.map_err(|source| io_error("making durable", &path, source))?;
        Ok(Self { path, file, replayed, head, lines, usable: true })
    }

    /// What its lines amount to.
    pub const fn replayed(&self) -> &R {
        &self.replayed
    }

    /// The hash of its last line.
    pub const fn head(&self) -> ChainHash {
        self.head
    }

    /// Lines there are, the first included.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds `entry`: on `Ok` it is on the disk, by one write and one sync.
    ///
    /// # Errors
    /// [`JournalError::Refused`] if it cannot follow; after any other error the file must be opened anew.
    pub fn record(&mut self, entry: &R::Entry) -> Result<(), JournalError> {
        let name = || self.path.display().to_string();
        if !self.usable {
            return Err(JournalError::Unusable(name()));
        }
        let refused = |problem: String| JournalError::Refused { file: name(), problem };
        let json = serde_json::to_string(entry).map_err(|error| refused(error.to_string()))?;
        self.replayed.apply(entry).map_err(refused)?;
        let head = step(self.head, &json);
        let written = self.file.append(format!("{head} {json}\n").as_bytes()).and_then(|()| self.file.sync());
        written.map_err(|source| {
            self.usable = false;
            io_error("writing", &self.path, source)
        })?;
        (self.head, self.lines) = (head, self.lines + 1);
        Ok(())
    }
}

fn io_error(doing: &str, path: &Path, source: io::Error) -> JournalError {
    JournalError::Io { what: format!("{doing} {}", path.display()), source }
}
