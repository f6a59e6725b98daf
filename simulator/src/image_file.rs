//! A chip in a file.
//!
//! The file is locked while the chip is in use, and every programming operation reaches it, in order, before the card
//! goes on: killing the process is a power cut. The operating system outlives the process, so a kill loses nothing that
//! was programmed; it does not outlive a power loss of the *host*, which [`Durability`] is about.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | magic `1CARDNVM` |
//! | 8–9 | version of this layout, 0001 |
//! | 10 | kind of chip |
//! | 11 | zero |
//! | 12–15 | bytes of memory |
//! | 16–23 | random seed |
//! | 24–31 | power-ups so far |
//! | 32– | memory |
//!
//! Numbers are big-endian. The file holds the card's keys in clear: it is made readable by its owner alone.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::chip::Kind;

/// What a chip's image file survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Its process being killed at any moment: each operation is with the operating system before the next begins; the
    /// disk has them all when the card is powered off.
    #[default]
    ProcessKill,
    /// The host losing power too: each operation is on the disk before the next begins. Slow.
    HostPowerLoss,
}

/// Why there is no chip from this file.
#[derive(Debug, thiserror::Error)]
pub enum ImageFileError {
    /// Another process, or another chip of this one, holds the lock.
    #[error("chip image {path} is in use: take this card out of its other reader first")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A new chip never overwrites a file.
    #[error("chip image {path} exists already: name another file or delete this one")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Other first bytes.
    #[error("{path} is not a chip image: it does not begin with 1CARDNVM")]
    NotAnImage {
        /// The file.
        path: PathBuf,
    },
    /// From another release.
    #[error("chip image {path} has layout version {found}, this program reads {VERSION}: use the program that made it")]
    Version {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: u16,
    },
    /// A kind of chip this release does not know.
    #[error("chip image {path} is of kind {found}, this program knows 1 (CPU card), 2 (SAM) and 3 (RFID-SIM)")]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: u8,
    },
    /// Cut short, or something follows.
    #[error("chip image {path} has {found} bytes, {expected} were expected: its making was interrupted, make it anew")]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes it has.
        found: u64,
        /// Bytes its header asks for, or the header's own length.
        expected: u64,
    },
    /// The operating system refused.
    #[error("cannot {doing} chip image {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

/// All that is outside the memory and outlives a power-off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) boots: u64,
}

/// An open and locked image file.
#[derive(Debug)]
pub(crate) struct ImageFile {
    file: File,
    path: PathBuf,
    durability: Durability,
}

impl ImageFile {
    /// Makes a file that is not there yet.
    pub(crate) fn create(
        path: &Path,
        durability: Durability,
        header: Header,
        memory: &[u8],
    ) -> Result<Self, ImageFileError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = Self::open_locked(path, durability, &options)?;
        let image = [emit(header, memory.len()).as_slice(), memory].concat();
        file.write_at(0, &image).and_then(|()| file.file.sync_all()).map_err(|error| file.failed("write", error))?;
        Ok(file)
    }

    /// Opens a file and reads its header and memory.
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<(Self, Header, Box<[u8]>), ImageFileError> {
        let mut file = Self::open_locked(path, durability, OpenOptions::new().read(true).write(true))?;
        let mut image = Vec::new();
        file.file.read_to_end(&mut image).map_err(|error| file.failed("read", error))?;
        let (header, memory) = parse(path, &image)?;
        Ok((file, header, memory))
    }

    /// One programming operation.
    pub(crate) fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), ImageFileError> {
        self.write_through(HEADER_LENGTH + address, bytes)
    }

    pub(crate) fn write_boots(&mut self, boots: u64) -> Result<(), ImageFileError> {
        self.write_through(field::BOOTS, &boots.to_be_bytes())
    }

    pub(crate) fn sync(&mut self) -> Result<(), ImageFileError> {
        self.file.sync_data().map_err(|error| self.failed("write", error))
    }

    fn open_locked(path: &Path, durability: Durability, options: &OpenOptions) -> Result<Self, ImageFileError> {
        let owned = || path.to_owned();
        let file = options.open(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => ImageFileError::Exists { path: owned() },
            _ => ImageFileError::Io { path: owned(), doing: "open", source },
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path: owned(), durability }),
            Err(TryLockError::WouldBlock) => Err(ImageFileError::InUse { path: owned() }),
            Err(TryLockError::Error(source)) => Err(ImageFileError::Io { path: owned(), doing: "lock", source }),
        }
    }

    fn write_through(&mut self, position: usize, bytes: &[u8]) -> Result<(), ImageFileError> {
        let written = self.write_at(position, bytes).and_then(|()| match self.durability {
            Durability::ProcessKill => Ok(()),
            Durability::HostPowerLoss => self.file.sync_data(),
        });
        written.map_err(|error| self.failed("write", error))
    }

    fn write_at(&mut self, position: usize, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position as u64))?;
        self.file.write_all(bytes)
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> ImageFileError {
        ImageFileError::Io { path: self.path.clone(), doing, source }
    }
}

impl Drop for ImageFile {
    /// Closing the file is not enough while a process that is just being spawned has inherited it.
    fn drop(&mut self) {
        // A lock that cannot be given back ends with the process.
        let _ = self.file.unlock();
    }
}

const MAGIC: [u8; 8] = *b"1CARDNVM";
const VERSION: u16 = 1;
const HEADER_LENGTH: usize = field::BOOTS + 8;

/// Where the fields of the header begin.
mod field {
    pub(super) const VERSION: usize = 8;
    pub(super) const KIND: usize = VERSION + 2;
    pub(super) const SIZE: usize = KIND + 2;
    pub(super) const SEED: usize = SIZE + 4;
    pub(super) const BOOTS: usize = SEED + 8;
}

fn emit(header: Header, size: usize) -> Vec<u8> {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    [
        &MAGIC[..],
        &VERSION.to_be_bytes(),
        &[kind_byte(header.kind), 0],
        &size.to_be_bytes(),
        &header.seed.to_be_bytes(),
        &header.boots.to_be_bytes(),
    ]
    .concat()
}

fn parse(path: &Path, image: &[u8]) -> Result<(Header, Box<[u8]>), ImageFileError> {
    let path = || path.to_owned();
    let found = image.len() as u64;
    let short = || ImageFileError::Length { path: path(), found, expected: HEADER_LENGTH as u64 };
    if !image.starts_with(&MAGIC) {
        // Nothing at all is what remains of a file whose making was interrupted.
        return Err(if image.is_empty() { short() } else { ImageFileError::NotAnImage { path: path() } });
    }
    let version = u16::from_be_bytes(array_at(image, field::VERSION).ok_or_else(short)?);
    if version != VERSION {
        return Err(ImageFileError::Version { path: path(), found: version });
    }
    let [kind] = array_at(image, field::KIND).ok_or_else(short)?;
    let size = u32::from_be_bytes(array_at(image, field::SIZE).ok_or_else(short)?);
    let seed = u64::from_be_bytes(array_at(image, field::SEED).ok_or_else(short)?);
    let boots = u64::from_be_bytes(array_at(image, field::BOOTS).ok_or_else(short)?);
    let kind = kind_of(kind).ok_or_else(|| ImageFileError::Kind { path: path(), found: kind })?;
    let expected = HEADER_LENGTH as u64 + u64::from(size);
    let memory = image.get(HEADER_LENGTH..).filter(|_| found == expected);
    let memory = memory.ok_or_else(|| ImageFileError::Length { path: path(), found, expected })?;
    Ok((Header { kind, seed, boots }, memory.into()))
}

fn array_at<const N: usize>(image: &[u8], position: usize) -> Option<[u8; N]> {
    image.get(position..)?.first_chunk().copied()
}

fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::CpuCard => 1,
        Kind::Sam => 2,
        Kind::RfidSim => 3,
        Kind::KeyMaster => 4,
        Kind::MotherAuthentication => 5,
    }
}

fn kind_of(byte: u8) -> Option<Kind> {
    let kinds = [Kind::CpuCard, Kind::Sam, Kind::RfidSim, Kind::KeyMaster, Kind::MotherAuthentication];
    kinds.into_iter().find(|kind| kind_byte(*kind) == byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::fs;

    use super::*;

    const HEADER: Header = Header { kind: Kind::Sam, seed: 0x0102_0304_0506_0708, boots: 9 };

    fn created() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.nvm");
        ImageFile::create(&path, Durability::ProcessKill, HEADER, &[0xEE; 128]).unwrap();
        (folder, path)
    }

    fn open(path: &Path) -> Result<(ImageFile, Header, Box<[u8]>), ImageFileError> {
        ImageFile::open(path, Durability::ProcessKill)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for durability in [Durability::ProcessKill, Durability::HostPowerLoss] {
            let (_folder, path) = created();
            let (mut file, header, memory) = ImageFile::open(&path, durability).unwrap();
            assert_eq!((header, &memory[..]), (HEADER, &[0xEE; 128][..]));
            file.program(126, &[1, 2]).unwrap();
            file.write_boots(10).unwrap();
            drop(file);
            let (_file, header, memory) = open(&path).unwrap();
            assert_eq!(header, Header { boots: 10, ..HEADER });
            assert_eq!(memory[..], [vec![0xEE; 126], vec![1, 2]].concat());
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let (_folder, path) = created();
        let image = fs::read(path).unwrap();
        assert_eq!(image[..12], *b"1CARDNVM\x00\x01\x02\x00");
        assert_eq!(image[12..32], [0, 0, 0, 128, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(image.len(), 32 + 128);
    }

    #[test]
    fn a_file_in_use_is_refused_by_name_and_free_when_closed() {
        let (_folder, path) = created();
        let first = open(&path).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, ImageFileError::InUse { .. }));
        assert!(error.to_string().contains(path.to_str().unwrap()));
        drop(first);
        open(&path).unwrap();
    }

    #[test]
    fn a_new_chip_overwrites_nothing() {
        let (_folder, path) = created();
        let error = ImageFile::create(&path, Durability::ProcessKill, HEADER, &[]).unwrap_err();
        assert!(matches!(error, ImageFileError::Exists { .. }));
        assert_eq!(open(&path).unwrap().2.len(), 128);
    }

    #[test]
    fn damaged_files_are_told_apart() {
        let (_folder, path) = created();
        let good = fs::read(&path).unwrap();
        let error_after = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut image = good.clone();
            change(&mut image);
            fs::write(&path, image).unwrap();
            let error = open(&path).unwrap_err();
            assert!(error.to_string().contains(path.to_str().unwrap()));
            error
        };
        use ImageFileError as E;
        assert!(matches!(error_after(&|image| image[0] = b'2'), E::NotAnImage { .. }));
        assert!(matches!(error_after(&|image| image.truncate(5)), E::NotAnImage { .. }));
        assert!(matches!(error_after(&|image| image[9] = 2), E::Version { found: 2, .. }));
        assert!(matches!(error_after(&|image| image[10] = 7), E::Kind { found: 7, .. }));
        assert!(matches!(error_after(&|image| image.clear()), E::Length { found: 0, expected: 32, .. }));
        assert!(matches!(error_after(&|image| image.truncate(31)), E::Length { found: 31, expected: 32, .. }));
        assert!(matches!(error_after(&|image| image.truncate(159)), E::Length { found: 159, expected: 160, .. }));
        assert!(matches!(error_after(&|image| image.push(0)), E::Length { found: 161, expected: 160, .. }));
        fs::remove_file(&path).unwrap();
        assert!(matches!(open(&path).unwrap_err(), E::Io { doing: "open", .. }));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        let (_folder, path) = created();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
