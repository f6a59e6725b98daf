//! CREATE FILE (FMCOS 2.0 special manual p. 8-9; user manual p. 77-78).

use onecard_wire::{
    fid::Fid,
    file::{AccessRight, CreateElementary, DEPTH_MAX, EF_HEADER_SIZE, FileKind, PURSE_BODY_SIZE},
    layout::Reader,
    status::StatusWord,
    wallet::Purse,
};

use super::{
    File, FileIndex, Window, find_child,
    record::RecordLayout,
    select::is_parameters,
    table::{depth, file, files_below},
};
use crate::{
    apdu::Command,
    cos::Cos,
    failure::{Failure, refuse},
    keys::KEY_RECORD_LEN,
    nvm::{
        Journal, Memory, PAGE_SIZE, Transaction,
        map::{BODY_PAGES, FILES_MAX},
    },
    platform::Platform,
    wallet::{PARAMETERS_FILE_LEN, PURSE_FILE_LEN},
};

/// A file's size as long as the memory lasts.
const SIZE_UNLIMITED: u16 = 0xFFFF;

impl<P: Platform> Cos<'_, P> {
    /// CREATE FILE in the current directory; P1 P2 is the FID. The new file is not selected.
    pub(crate) fn create_file(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let fid = Fid(u16::from_be_bytes([command.p1, command.p2]));
        let parent = self.session.directory;
        let type_byte = *command.data.first().ok_or(StatusWord::WRONG_LENGTH)?;
        let kind = FileKind::from_type_byte(type_byte).ok_or(StatusWord::WRONG_DATA)?;
        self.session.require(parent.file.first_right)?;
        if fid == Fid::MF {
            return self.create_mf(command.data);
        }
        let created = match kind {
            FileKind::Directory => self.new_directory(fid, command.data)?,
            _ => new_elementary(parent.index, fid, kind, command.data)?,
        };
        let exists = find_child(self.nvm, parent.index, fid).is_some();
        let second_key_file = kind == FileKind::Key && parent.keys.is_some();
        if exists || second_key_file {
            return refuse(StatusWord::WRONG_P1P2);
        }
        self.require_room(&created)?;
        self.put_file(created)
    }

    /// After an ERASE DF the MF is created once more: its rights and SFI byte are set.
    fn create_mf(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut mf = file(self.nvm, FileIndex::MF).ok_or(StatusWord::INTERNAL_ERROR)?;
        let in_use = files_below(self.nvm, FileIndex::MF).next().is_some();
        if in_use || self.session.directory.index != FileIndex::MF {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let mut reader = Reader::new(data);
        let fields = (|| Some((reader.u8()?, reader.array::<2>()?, reader.u8()?, reader.u8()?, reader.u8()?)))();
        let (type_byte, _size, create, erase, sfi) = fields.ok_or(StatusWord::WRONG_LENGTH)?;
        if FileKind::from_type_byte(type_byte) != Some(FileKind::Directory) {
            return refuse(StatusWord::WRONG_DATA);
        }
        (mf.first_right, mf.second_right, mf.last) = (AccessRight(create), AccessRight(erase), sfi);
        self.write_entry(FileIndex::MF, &mf)
    }

    fn new_directory(&self, fid: Fid, data: &[u8]) -> Result<File, StatusWord> {
        let parent = self.session.directory.index;
        let mut reader = Reader::new(data);
        let fields =
            (|| Some((reader.u8()?, reader.array()?, reader.u8()?, reader.u8()?, reader.u8()?, reader.array::<2>()?)))(
            );
        let (type_byte, size, create, erase, sfi, _reserved) = fields.ok_or(StatusWord::WRONG_LENGTH)?;
        let name = reader.rest();
        if !(5..=16).contains(&name.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if depth(self.nvm, parent) >= DEPTH_MAX {
            return Err(StatusWord::WRONG_DATA);
        }
        if FileIndex::all().filter_map(|index| file(self.nvm, index)).any(|other| other.name() == name) {
            return Err(StatusWord::WRONG_P1P2);
        }
        let mut directory = File::new(type_byte, parent, fid);
        directory.size = size;
        directory.first_right = AccessRight(create);
        directory.second_right = AccessRight(erase);
        directory.last = sfi;
        directory.name_len = name.len() as u8;
        directory.name.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Ok(directory)
    }

    /// The directory's own size, by FMCOS's accounting.
    fn require_room(&self, created: &File) -> Result<(), StatusWord> {
        let parent = self.session.directory;
        let limit = u16::from_be_bytes(parent.file.size);
        let used: u32 = files_below(self.nvm, parent.index).map(|(_, child)| declared_size(&child)).sum();
        let fits = limit == SIZE_UNLIMITED || used + declared_size(created) <= u32::from(limit);
        if fits { Ok(()) } else { Err(StatusWord::NOT_ENOUGH_SPACE) }
    }

    /// Finds pages, zeroes them, and only then makes the file exist.
    fn put_file(&mut self, mut created: File) -> Result<(), Failure> {
        let free = FileIndex::all().take(FILES_MAX).find(|index| file(self.nvm, *index).is_none());
        let index = free.ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
        if !created.is_directory() {
            created.pages = body_len(&created)?.div_ceil(PAGE_SIZE) as u16;
            created.first_page = free_extent(self.nvm, created.pages).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
            self.nvm.clear(created.body(), usize::from(created.pages))?;
        }
        self.write_entry(index, &created)?;
        self.refresh_directory();
        Ok(())
    }

    /// Changes one entry of the file table.
    pub(crate) fn write_entry(&mut self, index: FileIndex, entry: &File) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        transaction.write(index.address(), &entry.emit())?;
        self.nvm.commit(transaction)?;
        if index == self.session.directory.index {
            self.session.directory.file = *entry;
        }
        Ok(())
    }

    /// After ERASE DF, rights are not enforced until the directory is left.
    pub(super) fn open_window(&mut self) {
        self.session.window = Window::Open;
    }
}

fn new_elementary(parent: FileIndex, fid: Fid, kind: FileKind, data: &[u8]) -> Result<File, StatusWord> {
    let fields = CreateElementary::parse(data).ok_or(StatusWord::WRONG_LENGTH)?;
    let purse = kind == FileKind::Purse;
    if purse && u8::try_from(fid.0).ok().and_then(Purse::from_p2).is_none() {
        return Err(StatusWord::WRONG_DATA);
    }
    let mut created = File::new(fields.type_byte, parent, fid);
    (created.size, created.first_right, created.second_right) = (fields.size, fields.read, fields.write);
    created.last = fields.last;
    body_len(&created).map(|_| created)
}

/// Bytes the body takes in memory, more than FMCOS counts: what rotates against wear takes room.
pub(super) fn body_len(file: &File) -> Result<usize, StatusWord> {
    Ok(match file.kind().ok_or(StatusWord::WRONG_DATA)? {
        FileKind::Directory => 0,
        FileKind::Binary if is_parameters(file) => PARAMETERS_FILE_LEN,
        FileKind::Binary => file.size_bytes(),
        FileKind::Fixed | FileKind::Cyclic | FileKind::Variable => {
            RecordLayout::of(file).ok_or(StatusWord::WRONG_DATA)?.body_len()
        }
        FileKind::Purse => PURSE_FILE_LEN,
        FileKind::Key => crate::keys::records_in(file) * KEY_RECORD_LEN,
    })
}

/// Bytes a file takes of its directory's size, as FMCOS counts them (user manual p. 43, 78).
fn declared_size(file: &File) -> u32 {
    let [count, length] = file.size;
    let body = match file.kind() {
        Some(FileKind::Fixed | FileKind::Cyclic) => u32::from(count) * (u32::from(length) + 1),
        Some(FileKind::Purse) => u32::from(PURSE_BODY_SIZE),
        Some(FileKind::Directory) => return u32::from(u16::from_be_bytes(file.size)),
        _ => file.size_bytes() as u32,
    };
    body + u32::from(EF_HEADER_SIZE)
}

/// The first gap of so many pages between the bodies there are.
pub(super) fn free_extent<M: Memory>(nvm: &Journal<M>, pages: u16) -> Option<u16> {
    let mut start = 0;
    loop {
        let end = start + pages;
        let in_the_way = FileIndex::all()
            .filter_map(|index| file(nvm, index))
            .filter(|file| !file.is_directory() && file.first_page < end && start < file.first_page + file.pages)
            .map(|file| file.first_page + file.pages)
            .max();
        match in_the_way {
            _ if usize::from(end) > BODY_PAGES => return None,
            None => return Some(start),
            Some(after) => start = after,
        }
    }
}
