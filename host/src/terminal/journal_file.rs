//! A [`TokenStore`] in one append-only file.
//!
//! The first line is `onecard-terminal-journal;1`. Each further line is one event: the CRC-32 (ISO-HDLC, 8 hexadecimal digits) of the rest of
//! the line, a space, and the event as JSON. A line counts when it is complete, its line feed included. It is written by
//! one call and followed by `fdatasync`, so an `Ok` outlives a power cut; a process killed on the way leaves at most a torn
//! last line, whose event nobody was told of, and which the next opening cuts off. Damage before the last line was no torn
//! write, and is reported instead of being skipped. What a killed process wrote may not be durable yet, so opening makes it
//! that before anything of it is believed. The file is locked while open. It only grows: begin a new one, say each day,
//! once nothing is pending.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use onecard_wire::wallet::Purse;

use super::{
    Conclusion, OrderNumber, SettlementRecord, StorageError, Token, TokenStore,
    token_store::{Event, Ledger},
};
use crate::{
    disk::{Disk, DiskFile, SystemDisk},
    sam::CardFactors,
};

/// First line of a journal file.
const HEADER: &str = "onecard-terminal-journal;1";

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// An open journal file.
#[derive(Debug)]
pub struct JournalFile<F = File> {
    path: PathBuf,
    file: F,
    ledger: Ledger,
    usable: bool,
}

impl JournalFile {
    /// Opens the file at `path`, or creates it.
    ///
    /// # Errors
    /// [`StorageError::InUse`] if another terminal has it open, [`StorageError::Damaged`] with the line that does not fit,
    /// [`StorageError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::open_on(&SystemDisk, path)
    }
}

impl<F: DiskFile> JournalFile<F> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`JournalFile::open`].
    pub fn open_on<D: Disk<File = F>>(disk: &D, path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref().to_path_buf();
        let mut file = disk.open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => StorageError::InUse(path.display().to_string()),
            _ => io_error("opening", &path, source),
        })?;
        let content = file.content().map_err(|source| io_error("reading", &path, source))?;
        let (ledger, good) = replay(&path, &content)?;
        if good < content.len() {
            file.cut(good as u64).map_err(|source| io_error("cutting a torn line off", &path, source))?;
        }
        if good == 0 {
            let header = format!("{HEADER}\n");
            file.append(header.as_bytes()).map_err(|source| io_error("writing", &path, source))?;
        }
        // A killed process may have written what it had no time to make durable.
        let durable = file.sync().and_then(|()| disk.sync_directory_of(&path));
        durable.map_err(|source| io_error("making durable", &path, source))?;
        Ok(Self { path, file, ledger, usable: true })
    }

    /// Every settlement record, by order number.
    pub fn settlement(&self) -> impl Iterator<Item = &SettlementRecord> {
        self.ledger.settlement()
    }

    fn record(&mut self, event: Event) -> Result<(), StorageError> {
        self.ledger.check(&event)?;
        let json = serde_json::to_string(&event).map_err(|error| StorageError::Other(error.into()))?;
        self.append(&format!("{:08x} {json}\n", CRC.checksum(json.as_bytes())))?;
        self.ledger.apply(event)
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

impl<F: DiskFile> TokenStore for JournalFile<F> {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        self.record(Event::Begin(*token))
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        self.record(Event::Conclude { token: *token, conclusion: conclusion.clone() })
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        Ok(self.ledger.pending())
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.ledger.committed(order))
    }

    fn last_offline(&self, card: CardFactors, purse: Purse) -> Result<Option<SettlementRecord>, StorageError> {
        Ok(self.ledger.last_offline(card, purse))
    }
}

/// The ledger a file's content amounts to, and how many of its bytes are good.
pub(super) fn replay(path: &Path, content: &[u8]) -> Result<(Ledger, usize), StorageError> {
    let mut ledger = Ledger::default();
    let mut good = 0;
    let mut lines = content.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let is_last = lines.peek().is_none();
        let problem = match if at == 0 { header(line) } else { event(line) } {
            Ok(None) => None,
            Ok(Some(event)) => ledger.apply(event).err().map(|error| error.to_string()),
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
    Ok((ledger, good))
}

/// What is wrong with a line.
enum Fault {
    /// A write that was cut short can have left this.
    Torn,
    /// It was written whole, and not by this release.
    Foreign(String),
}

fn header(line: &[u8]) -> Result<Option<Event>, Fault> {
    let text = line.strip_suffix(b"\n");
    match text {
        Some(text) if text == HEADER.as_bytes() => Ok(None),
        _ if is_torn_header(line) => Err(Fault::Torn),
        _ => Err(Fault::Foreign(format!("not {HEADER:?}: another kind of file, or of another release"))),
    }
}

/// A file can have got its length before its bytes, which are zero until then.
fn is_torn_header(line: &[u8]) -> bool {
    let whole = HEADER.bytes().chain([b'\n']);
    line.len() <= whole.clone().count() && line.iter().zip(whole).all(|(byte, whole)| [0, whole].contains(byte))
}

fn event(line: &[u8]) -> Result<Option<Event>, Fault> {
    let text = line.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok()).ok_or(Fault::Torn)?;
    let (checksum, json) = text.split_once(' ').ok_or(Fault::Torn)?;
    if u32::from_str_radix(checksum, 16) != Ok(CRC.checksum(json.as_bytes())) {
        return Err(Fault::Torn);
    }
    serde_json::from_str(json).map(Some).map_err(|error| Fault::Foreign(error.to_string()))
}

fn io_error(doing: &str, path: &Path, source: io::Error) -> StorageError {
    StorageError::Io { what: format!("{doing} {}", path.display()), source }
}
