//! An entry of the file table.

use onecard_wire::{
    fid::Fid,
    file::{AccessRight, FileKind, LineKeys},
    globalplatform::life_cycle::ApplicationState,
    layout::{Reader, Writer},
};

use crate::nvm::map::{FILE_ENTRY_LEN, FILE_TABLE, FILES_MAX};

/// Place in the file table; the MF has the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileIndex(pub(crate) u8);

impl FileIndex {
    /// Master file.
    pub(crate) const MF: Self = Self(0);

    /// Where the entry lies.
    pub(crate) const fn address(self) -> usize {
        FILE_TABLE + self.0 as usize * FILE_ENTRY_LEN
    }

    /// Every place there is.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..FILES_MAX as u8).map(Self)
    }
}

/// Byte 0 of an entry.
pub(crate) mod state {
    /// Not a file.
    pub(crate) const FREE: u8 = 0;
    /// A file.
    pub(crate) const IN_USE: u8 = 1;
    /// A directory whose files are being erased; power-up goes on with it.
    pub(crate) const ERASING: u8 = 2;
    /// An application of a RFID-SIM that is being made or removed; power-up removes what there is of it.
    pub(crate) const UNFINISHED: u8 = 3;
}

/// Whether a directory is blocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Lock {
    Open = 0,
    /// APPLICATION UNBLOCK opens it.
    Temporary = 1,
    /// For good.
    Permanent = 2,
}

/// A file: what CREATE FILE said, and where its body lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) state: u8,
    /// Type byte with its protection bits.
    pub(crate) type_byte: u8,
    pub(crate) parent: FileIndex,
    pub(crate) fid: Fid,
    /// As created: bytes, or count ‖ length.
    pub(crate) size: [u8; 2],
    /// Read, use or create right; `dfSfi` of a key file.
    pub(crate) first_right: AccessRight,
    /// Write, erase or add right.
    pub(crate) second_right: AccessRight,
    /// Key byte; log SFI of a purse; SFI of the FCI's file for a directory.
    pub(crate) last: u8,
    /// Of a directory.
    pub(crate) lock: Lock,
    /// Of a blocked directory: APPLICATION UNBLOCKs that may still fail.
    pub(crate) unblock_tries: u8,
    /// Of an application of a RFID-SIM; 0 on other cards.
    pub(crate) life_cycle: ApplicationState,
    /// First page of the body.
    pub(crate) first_page: u16,
    pub(crate) pages: u16,
    /// Name of a directory.
    pub(crate) name: [u8; 16],
    pub(crate) name_len: u8,
}

/// APPLICATION UNBLOCKs in a row that may fail before the block is for good.
pub(crate) const UNBLOCK_TRIES: u8 = 3;

impl File {
    /// A file that has no body yet.
    pub(crate) const fn new(type_byte: u8, parent: FileIndex, fid: Fid) -> Self {
        Self {
            state: state::IN_USE,
            type_byte,
            parent,
            fid,
            size: [0; 2],
            first_right: AccessRight::FREE,
            second_right: AccessRight::FREE,
            last: 0xFF,
            lock: Lock::Open,
            unblock_tries: UNBLOCK_TRIES,
            life_cycle: ApplicationState(0),
            first_page: 0,
            pages: 0,
            name: [0; 16],
            name_len: 0,
        }
    }

    /// From the table; `None` for a free entry.
    pub(crate) fn parse(bytes: &[u8; FILE_ENTRY_LEN]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let state = reader.u8().filter(|state| *state != state::FREE)?;
        let mut file = Self::new(reader.u8()?, FileIndex(reader.u8()?), Fid(reader.u16()?));
        file.state = state;
        file.size = reader.array()?;
        file.first_right = AccessRight(reader.u8()?);
        file.second_right = AccessRight(reader.u8()?);
        file.last = reader.u8()?;
        if file.is_directory() {
            file.lock = match reader.u8()? {
                0 => Lock::Open,
                1 => Lock::Temporary,
                _ => Lock::Permanent,
            };
            file.unblock_tries = reader.u8()?;
            file.life_cycle = ApplicationState(reader.u8()?);
            file.name_len = reader.u8()?;
            file.name = reader.array()?;
        } else {
            file.first_page = reader.u16()?;
            file.pages = reader.u16()?;
        }
        Some(file)
    }

    /// As in the table.
    pub(crate) fn emit(&self) -> [u8; FILE_ENTRY_LEN] {
        let entry = Writer::new()
            .put(&[self.state, self.type_byte, self.parent.0])
            .u16(self.fid.0)
            .put(&self.size)
            .put(&[self.first_right.0, self.second_right.0, self.last]);
        if self.is_directory() {
            entry.put(&[self.lock as u8, self.unblock_tries, self.life_cycle.0, self.name_len]).put(&self.name).finish()
        } else {
            entry.u16(self.first_page).u16(self.pages).finish()
        }
    }

    pub(crate) const fn kind(&self) -> Option<FileKind> {
        FileKind::from_type_byte(self.type_byte)
    }

    pub(crate) const fn is_directory(&self) -> bool {
        matches!(self.kind(), Some(FileKind::Directory))
    }

    /// Whether an application of a RFID-SIM may be selected.
    pub(crate) const fn is_selectable(&self) -> bool {
        self.state == state::IN_USE && self.life_cycle.is_selectable()
    }

    /// Size in bytes, of kinds whose size is one number.
    pub(crate) const fn size_bytes(&self) -> usize {
        u16::from_be_bytes(self.size) as usize
    }

    /// Which 36 keys protect it.
    pub(crate) const fn line_keys(&self) -> LineKeys {
        LineKeys(self.last)
    }

    /// Name of a directory.
    pub(crate) fn name(&self) -> &[u8] {
        self.name.get(..usize::from(self.name_len)).unwrap_or_default()
    }

    /// Where the body begins.
    pub(crate) const fn body(&self) -> usize {
        crate::nvm::map::BODIES + self.first_page as usize * crate::nvm::PAGE_SIZE
    }
}

const _: () = assert!(3 + 2 + 2 + 3 + 4 + 16 <= FILE_ENTRY_LEN, "a directory's entry fits");
