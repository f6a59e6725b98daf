//! An append-only file of JSON lines, each durable before anybody is told of it.
//!
//! The first line is the kind of journal and its format, as `onecard-terminal-journal;1`. Each further line is one entry: the CRC-32
//! (ISO-HDLC, 8 hexadecimal digits) of the rest of the line, a space, and the entry as JSON. A line counts when it is
//! complete, its line feed included. It is written by one call and followed by `fdatasync`, so an `Ok` outlives a power
//! cut; a process killed on the way leaves at most a torn last line, whose entry nobody was told of, and which the next
//! opening cuts off. Damage before the last line was no torn write, and is reported instead of being skipped. What a killed
//! process wrote may not be durable yet, so opening makes it that before anything of it is believed. The file is locked
//! while open.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    disk::{Disk, DiskFile},
    terminal::StorageError,
};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// What the lines of a file amount to.
pub(crate) trait Replayed: Default {
    /// The kind of journal, which its first line names.
    const KIND: &'static str;
    /// The format of its lines.
    const FORMAT: u8;
    /// One line.
    type Entry: Serialize + DeserializeOwned;

    /// Why `entry` cannot follow.
    fn check(&self, entry: &Self::Entry) -> Result<(), StorageError>;

    /// Takes `entry` if it can follow; nothing is changed otherwise.
    fn apply(&mut self, entry: Self::Entry) -> Result<(), StorageError>;
}

/// An open file.
#[derive(Debug)]
pub(crate) struct LineFile<R, F = File> {
    path: PathBuf,
    file: F,
    replayed: R,
    usable: bool,
}

impl<R: Replayed, F: DiskFile> LineFile<R, F> {
    /// Opens the file at `path`, or creates it.
    pub(crate) fn open_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref().to_path_buf();
        let mut file = disk.open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => StorageError::InUse(path.display().to_string()),
            _ => io_error("opening", &path, source),
        })?;
        let content = file.content().map_err(|source| io_error("reading", &path, source))?;
        let (replayed, good) = replay::<R>(&path, &content)?;
        if good < content.len() {
            file.cut(good as u64).map_err(|source| io_error("cutting a torn line off", &path, source))?;
        }
        if good == 0 {
            let header = format!("{}\n", first_line::<R>());
            file.append(header.as_bytes()).map_err(|source| io_error("writing", &path, source))?;
        }
        // A killed process may have written what it had no time to make durable.
        let durable = file.sync().and_then(|()| disk.sync_directory_of(&path));
        durable.map_err(|source| io_error("making durable", &path, source))?;
        Ok(Self { path, file, replayed, usable: true })
    }

    /// What its lines amount to.
    pub(crate) const fn replayed(&self) -> &R {
        &self.replayed
    }

    /// Takes `entry` once it is on the disk.
    pub(crate) fn record(&mut self, entry: R::Entry) -> Result<(), StorageError> {
        self.replayed.check(&entry)?;
        let json = serde_json::to_string(&entry).map_err(|error| StorageError::Other(error.into()))?;
        self.append(&format!("{:08x} {json}\n", CRC.checksum(json.as_bytes())))?;
        self.replayed.apply(entry)
    }

    fn append(&mut self, line: &str) -> Result<(), StorageError> {
        if !self.usable {
            return Err(StorageError::Unusable);
        }
        let written = self.file.append(line.as_bytes()).and_then(|()| self.file.sync());
        written.map_err(|source| {
            self.usable = false;
            io_error("writing", &self.path, source)
        })
    }
}

/// What a file's content amounts to, and how many of its bytes are good.
pub(crate) fn replay<R: Replayed>(path: &Path, content: &[u8]) -> Result<(R, usize), StorageError> {
    let mut replayed = R::default();
    let mut good = 0;
    let mut lines = content.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let is_last = lines.peek().is_none();
        let problem = match if at == 0 { header::<R>(line) } else { entry::<R>(line) } {
            Ok(None) => None,
            Ok(Some(entry)) => replayed.apply(entry).err().map(|error| error.to_string()),
            // Never finished, so nobody was told of it.
            Err(Fault::Torn) if is_last => break,
            Err(Fault::Torn) => Some("its checksum is wrong and it is not the last line".to_owned()),
            Err(Fault::Foreign(problem)) => Some(problem),
        };
        if let Some(problem) = problem {
            let place = format!("{}, line {}", path.display(), at + 1);
            return Err(StorageError::Damaged { place, problem });
        }
        good += line.len();
    }
    Ok((replayed, good))
}

/// What is wrong with a line.
enum Fault {
    /// A write that was cut short can have left this.
    Torn,
    /// It was written whole, and not by this release for this kind of journal.
    Foreign(String),
}

fn first_line<R: Replayed>() -> String {
    format!("{};{}", R::KIND, R::FORMAT)
}

fn header<R: Replayed>(line: &[u8]) -> Result<Option<R::Entry>, Fault> {
    let expected = first_line::<R>();
    if line.strip_suffix(b"\n") == Some(expected.as_bytes()) {
        return Ok(None);
    }
    if is_torn_header(line, &expected) {
        return Err(Fault::Torn);
    }
    Err(Fault::Foreign(match first_line_of_a_journal(line) {
        Some((kind, format)) if kind == R::KIND => {
            let reads = R::FORMAT;
            format!(
                "it is of format {format}, this release reads format {reads}: open it with the release that wrote it"
            )
        }
        Some((kind, _)) => format!("it is a {kind}, not a {}: each has a file of its own", R::KIND),
        None => format!("not {expected:?}: another kind of file"),
    }))
}

/// A file can have got its length before its bytes, which are zero until then.
fn is_torn_header(line: &[u8], expected: &str) -> bool {
    let whole = expected.bytes().chain([b'\n']);
    line.len() <= whole.clone().count() && line.iter().zip(whole).all(|(byte, whole)| [0, whole].contains(byte))
}

/// Kind and format of any journal's first line.
fn first_line_of_a_journal(line: &[u8]) -> Option<(&str, &str)> {
    let (kind, format) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.split_once(';')?;
    let is_number = !format.is_empty() && format.bytes().all(|digit| digit.is_ascii_digit());
    (kind.starts_with("onecard-") && is_number).then_some((kind, format))
}

fn entry<R: Replayed>(line: &[u8]) -> Result<Option<R::Entry>, Fault> {
    if let Some((kind, format)) = first_line_of_a_journal(line) {
        return Err(Fault::Foreign(format!(
            "a second journal begins here ({kind};{format}): each has a file of its own"
        )));
    }
    let text = line.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok()).ok_or(Fault::Torn)?;
    let (checksum, json) = text.split_once(' ').ok_or(Fault::Torn)?;
    if u32::from_str_radix(checksum, 16) != Ok(CRC.checksum(json.as_bytes())) {
        return Err(Fault::Torn);
    }
    let parsed = serde_json::from_str(json).map(Some);
    parsed.map_err(|error| Fault::Foreign(format!("not a line of {}: {error}", first_line::<R>())))
}

fn io_error(doing: &str, path: &Path, source: io::Error) -> StorageError {
    StorageError::Io { what: format!("{doing} {}", path.display()), source }
}
