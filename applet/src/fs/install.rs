//! Applications of a RFID-SIM: made and removed whole, by the issuer domain (profile §3.1, §6).
//!
//! An application that is being made or removed is marked in its directory's entry; power-up removes what there is of it. The
//! last commit of an INSTALL puts the control key in and takes the mark off, so the key is never there without the whole.

use onecard_wire::{
    fid::Fid,
    file::{AccessRight, CreateElementary, FileKind, WRITE_NEEDS_MAC},
    globalplatform::life_cycle::ApplicationState,
    key::{Algorithm, CONTROL_KEY_ID, KeyType},
    status::StatusWord,
};

use super::{
    File, FileIndex,
    create::{body_len, free_extent},
    entry::state,
    erase::finish_erasing,
    table::{file, files_below},
};
use crate::{
    failure::{Failure, refuse},
    keys::{Family, NewKey, stage_new},
    nvm::{
        Journal, Memory, PAGE_SIZE, Transaction,
        map::{BODY_PAGES, FILES_MAX},
    },
};

/// What INSTALL makes.
pub(crate) struct NewApplication<'a> {
    pub(crate) name: [u8; 14],
    /// Of the control key, and of all keys 36 to 39.
    pub(crate) algorithm: Algorithm,
    pub(crate) control_key: &'a [u8; 16],
    pub(crate) life_cycle: ApplicationState,
}

/// Most applications the file table has room for.
pub(crate) const APPLICATIONS_MAX: usize = (FILES_MAX - 1) / FILES_OF_APPLICATION;
/// A directory, its key file, and [`FILES`].
const FILES_OF_APPLICATION: usize = 2 + FILES.len();

/// The 18 keys of profile §3.2 and room for seven more, so that keys can roll while old terminals still work.
const KEY_FILE_SIZE: u16 = 25 * 24;
/// F1: the PIN, the reading key or the control key.
const ANY_STATE: AccessRight = AccessRight(0xF1);
/// 22: the PIN alone.
const PIN_VERIFIED: AccessRight = AccessRight(0x22);
/// FF: state F, which the control key leaves.
const CONTROL: AccessRight = AccessRight(0xFF);
/// State and error counter of the control key.
const CONTROL_STATE: u8 = 0x0F;
const COUNTER_FULL: u8 = 0xFF;
/// SFI byte of the directory: an application whose FCI carries EF 0015.
const FCI_FILE: u8 = 0x95;
/// First identifier tried for a directory.
const DIRECTORY_FIRST: u16 = 0xDF01;

/// The files of profile §3.1 but for the key file.
const FILES: [(Fid, CreateElementary); 10] = [
    (Fid::ED, purse(PIN_VERIFIED)),
    (Fid::EP, purse(AccessRight::FREE)),
    (Fid::PUBLIC_DATA, data_file(FileKind::Binary, [0x00, 0x1E], AccessRight::FREE, 0xFF)),
    (Fid::HOLDER, data_file(FileKind::Binary, [0x00, 0x37], ANY_STATE, 0xFF)),
    (Fid::PARAMETERS, data_file(FileKind::Binary, [0x00, 0x24], AccessRight::FREE, 0xFF)),
    (Fid::LOG, LOG),
    (Fid::ACCESS_RIGHTS, data_file(FileKind::Binary, [0x00, 0xE0], AccessRight::FREE, 0xFF)),
    (Fid::ATTENDANCE_LOG, data_file(FileKind::Cyclic, [0x20, 0x10], ANY_STATE, 0xFD)),
    (Fid::ACCESS_LOG, data_file(FileKind::Cyclic, [0x10, 0x10], ANY_STATE, 0xFC)),
    (Fid::CAPP, data_file(FileKind::Variable, [0x01, 0x00], AccessRight::FREE, 0xFF)),
];

/// Written by the card alone.
const LOG: CreateElementary = CreateElementary {
    type_byte: FileKind::Cyclic as u8,
    write: AccessRight::NEVER,
    ..data_file(FileKind::Cyclic, [0x14, 0x17], ANY_STATE, 0xFF)
};

const fn data_file(kind: FileKind, size: [u8; 2], read: AccessRight, last: u8) -> CreateElementary {
    let type_byte = kind as u8 | WRITE_NEEDS_MAC;
    CreateElementary { type_byte, size, read, write: AccessRight::FREE, reserved: 0xFF, last }
}

const fn purse(use_right: AccessRight) -> CreateElementary {
    CreateElementary {
        type_byte: FileKind::Purse as u8,
        size: [0x02, 0x08],
        read: use_right,
        write: AccessRight(0x00),
        reserved: 0xFF,
        last: Fid::LOG.0 as u8,
    }
}

/// The applications there are, whatever their life cycle.
pub(crate) fn applications<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = (FileIndex, File)> {
    files_below(nvm, FileIndex::MF).filter(|(_, file)| file.is_directory() && file.state == state::IN_USE)
}

/// Memory for bodies that is free, in bytes.
pub(crate) fn free_bytes<M: Memory>(nvm: &Journal<M>) -> usize {
    let files = FileIndex::all().filter_map(|index| file(nvm, index)).filter(|file| !file.is_directory());
    let used: usize = files.map(|file| usize::from(file.pages)).sum();
    BODY_PAGES.saturating_sub(used) * PAGE_SIZE
}

/// Makes an application whose name is not taken, with all its files and its control key.
///
/// # Errors
/// 6A84 if there is no room; nothing is left of it.
pub(crate) fn install<M: Memory>(nvm: &mut Journal<M>, new: &NewApplication<'_>) -> Result<(), Failure> {
    if FileIndex::all().filter(|index| file(nvm, *index).is_none()).count() < FILES_OF_APPLICATION {
        return refuse(StatusWord::NOT_ENOUGH_SPACE);
    }
    let index = free_entry(nvm)?;
    let mut directory = File::new(FileKind::Directory as u8, FileIndex::MF, free_identifier(nvm)?);
    directory.state = state::UNFINISHED;
    directory.size = [0xFF; 2];
    (directory.first_right, directory.second_right, directory.last) = (CONTROL, CONTROL, FCI_FILE);
    directory.life_cycle = new.life_cycle;
    directory.name_len = new.name.len() as u8;
    directory.name.iter_mut().zip(new.name).for_each(|(to, from)| *to = from);
    put_entry(nvm, index, &directory)?;
    match fill(nvm, index, directory, new) {
        Err(Failure::Refused(status)) => {
            finish_erasing(nvm)?;
            refuse(status)
        }
        filled => filled,
    }
}

fn fill<M: Memory>(
    nvm: &mut Journal<M>,
    index: FileIndex,
    directory: File,
    new: &NewApplication<'_>,
) -> Result<(), Failure> {
    let mut keys = File::new(FileKind::Key as u8, index, Fid::KEY);
    keys.size = KEY_FILE_SIZE.to_be_bytes();
    (keys.first_right, keys.second_right, keys.last) = (AccessRight(FCI_FILE), CONTROL, new.algorithm.key_file_byte());
    let keys = add_file(nvm, keys)?;
    for (fid, created) in FILES {
        let mut file = File::new(created.type_byte, index, fid);
        (file.size, file.first_right, file.second_right) = (created.size, created.read, created.write);
        file.last = created.last;
        add_file(nvm, file)?;
    }
    let control = NewKey {
        family: Family::Card,
        type_byte: KeyType::EXTERNAL.0 | KeyType::PROTECTED,
        id: CONTROL_KEY_ID,
        use_right: AccessRight::FREE,
        change_right: AccessRight::FREE,
        b4: CONTROL_STATE,
        b5: COUNTER_FULL,
        value: new.control_key,
    };
    let mut transaction = Transaction::new();
    stage_new(nvm, &keys, &control, &mut transaction)?;
    transaction.write(index.address(), &File { state: state::IN_USE, ..directory }.emit())?;
    Ok(nvm.commit(transaction)?)
}

/// Zeroes pages, and only then makes the file exist.
fn add_file<M: Memory>(nvm: &mut Journal<M>, mut created: File) -> Result<File, Failure> {
    let index = free_entry(nvm)?;
    created.pages = body_len(&created)?.div_ceil(PAGE_SIZE) as u16;
    created.first_page = free_extent(nvm, created.pages).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
    nvm.clear(created.body(), usize::from(created.pages))?;
    put_entry(nvm, index, &created)?;
    Ok(created)
}

/// Removes an application wholly: none of its bytes stays in the memory.
///
/// # Errors
/// The power alone can keep it: power-up goes on.
pub(crate) fn remove<M: Memory>(nvm: &mut Journal<M>, index: FileIndex) -> Result<(), Failure> {
    let directory = file(nvm, index).ok_or(StatusWord::FILE_NOT_FOUND)?;
    put_entry(nvm, index, &File { state: state::UNFINISHED, ..directory })?;
    finish_erasing(nvm)
}

fn free_entry<M: Memory>(nvm: &Journal<M>) -> Result<FileIndex, StatusWord> {
    FileIndex::all().find(|index| file(nvm, *index).is_none()).ok_or(StatusWord::NOT_ENOUGH_SPACE)
}

/// An identifier no other application has. It is seen by nobody who has not selected the application.
fn free_identifier<M: Memory>(nvm: &Journal<M>) -> Result<Fid, StatusWord> {
    let taken = |fid: &Fid| files_below(nvm, FileIndex::MF).any(|(_, file)| file.fid == *fid);
    let mut candidates = (DIRECTORY_FIRST..).take(FILES_MAX).map(Fid);
    candidates.find(|fid| !taken(fid)).ok_or(StatusWord::NOT_ENOUGH_SPACE)
}

fn put_entry<M: Memory>(nvm: &mut Journal<M>, index: FileIndex, entry: &File) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    transaction.write(index.address(), &entry.emit())?;
    Ok(nvm.commit(transaction)?)
}
