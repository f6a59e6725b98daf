//! SELECT (FMCOS 2.0 user manual p. 56-58).

use onecard_wire::{
    aid,
    fid::Fid,
    file::FileKind,
    record::{Parameters, PublicData},
    status::StatusWord,
    wallet::Purse,
};

use super::{
    File, FileIndex, Lock, Window,
    table::{file, files_below, find_child},
};
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    failure::{Failure, refuse},
    manufacture::Kind,
    nvm::{Journal, Memory},
    platform::Platform,
};

/// Longest content that goes into an FCI, so that its lengths stay in one byte.
const FCI_CONTENT_MAX: usize = 96;
/// Bit of a directory's SFI byte: an application (ADF), whose FCI carries the file's content; else a directory of them.
const APPLICATION_BIT: u8 = 0x80;

/// The current directory, with what its commands look up again and again.
#[derive(Clone, Copy)]
pub(crate) struct Directory {
    pub(crate) index: FileIndex,
    pub(crate) file: File,
    /// Its key file.
    pub(crate) keys: Option<File>,
    ed: Option<PurseFiles>,
    ep: Option<PurseFiles>,
    /// EF 0015, if it has the profile's form.
    pub(crate) public_data: Option<File>,
    /// EF 0017, if it has the profile's form.
    pub(crate) parameters: Option<File>,
}

/// A purse and the log named when it was created, if there is a file with that identifier.
#[derive(Clone, Copy)]
pub(crate) struct PurseFiles {
    pub(crate) purse: File,
    pub(crate) log: Option<File>,
}

impl Directory {
    /// Reads a directory from the table; `None` if there is none at that place.
    pub(crate) fn read<M: Memory>(nvm: &Journal<M>, index: FileIndex) -> Option<Self> {
        let entry = file(nvm, index).filter(File::is_directory)?;
        let mut directory =
            Self { index, file: entry, keys: None, ed: None, ep: None, public_data: None, parameters: None };
        for (_, child) in files_below(nvm, index) {
            match (child.kind(), child.fid) {
                (Some(FileKind::Key), _) => directory.keys = Some(child),
                (Some(FileKind::Purse), Fid::ED) => directory.ed = Some(PurseFiles::of(nvm, index, child)),
                (Some(FileKind::Purse), Fid::EP) => directory.ep = Some(PurseFiles::of(nvm, index, child)),
                (Some(FileKind::Binary), Fid::PUBLIC_DATA) if child.size_bytes() == PublicData::LEN => {
                    directory.public_data = Some(child);
                }
                _ if is_parameters(&child) => directory.parameters = Some(child),
                _ => {}
            }
        }
        Some(directory)
    }

    /// The files of a purse.
    pub(crate) const fn purse(&self, purse: Purse) -> Option<&PurseFiles> {
        match purse {
            Purse::Ed => self.ed.as_ref(),
            Purse::Ep => self.ep.as_ref(),
        }
    }
}

impl PurseFiles {
    fn of<M: Memory>(nvm: &Journal<M>, directory: FileIndex, purse: File) -> Self {
        let log = find_child(nvm, directory, Fid(u16::from(purse.last & 0x1F))).map(|(_, log)| log);
        Self { purse, log }
    }
}

/// Whether a file is EF 0017 as the profile has it; what it takes in memory rests on that.
pub(super) fn is_parameters(file: &File) -> bool {
    file.fid == Fid::PARAMETERS && file.kind() == Some(FileKind::Binary) && file.size_bytes() == Parameters::LEN
}

enum Selected {
    Directory(FileIndex),
    Elementary(FileIndex),
}

impl<P: Platform> Cos<'_, P> {
    /// SELECT by FID (P1 00) or by name (P1 04). A blocked directory becomes current and answers 6A81; so does one whose FCI
    /// has another length than Le, and answers 6Cxx.
    pub(crate) fn select(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let found = match (command.p1, command.p2) {
            (0x00, 0x00) => self.find_by_fid(command.data)?,
            (0x04, 0x00) => self.find_by_name(command.data)?,
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        match found {
            Some(Selected::Directory(index)) => {
                self.enter(index)?;
                if self.session.directory.file.lock != Lock::Open {
                    return refuse(StatusWord::FUNCTION_NOT_SUPPORTED);
                }
                self.describe(answer)?;
                Ok(command.require_answer_len(answer.len())?)
            }
            Some(Selected::Elementary(_)) if self.session.directory.file.lock != Lock::Open => {
                refuse(StatusWord::FUNCTION_NOT_SUPPORTED)
            }
            Some(Selected::Elementary(_)) if !matches!(command.le, None | Some(0)) => refuse(StatusWord::WRONG_LENGTH),
            Some(Selected::Elementary(index)) => {
                self.session.elementary = Some(index);
                Ok(())
            }
            None => refuse(StatusWord::FILE_NOT_FOUND),
        }
    }

    /// Makes a directory current. Its security state starts at 0; the MF's own is kept until power-off.
    pub(crate) fn enter(&mut self, index: FileIndex) -> Result<(), Failure> {
        let directory = Directory::read(self.nvm, index).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.session.window = Window::on_entry(self.nvm, index);
        self.session.df_state = if index == FileIndex::MF { self.session.mf_state } else { 0 };
        self.session.directory = directory;
        self.session.elementary = None;
        self.session.working_key = None;
        Ok(())
    }

    /// Reads the current directory anew after its files changed.
    pub(crate) fn refresh_directory(&mut self) {
        if let Some(directory) = Directory::read(self.nvm, self.session.directory.index) {
            self.session.directory = directory;
        }
    }

    /// The file with this short identifier in the current directory.
    pub(crate) fn find_sfi(&self, sfi: u8) -> Option<(FileIndex, File)> {
        let fid = Fid(u16::from(sfi));
        fid.sfi().and_then(|_| find_child(self.nvm, self.session.directory.index, fid))
    }

    fn find_by_fid(&self, data: &[u8]) -> Result<Option<Selected>, StatusWord> {
        let fid = match data {
            [] => Fid::MF,
            [high, low] => Fid(u16::from_be_bytes([*high, *low])),
            _ => return Err(StatusWord::WRONG_LENGTH),
        };
        let current = &self.session.directory;
        if self.kind == Kind::RfidSim {
            return Ok(self.find_in_application(fid));
        }
        if fid == Fid::MF {
            return Ok(Some(Selected::Directory(FileIndex::MF)));
        }
        // A real FM1208 finds the current directory before its files of the same identifier.
        if fid == current.file.fid {
            return Ok(Some(Selected::Directory(current.index)));
        }
        let selectable = |(index, child): (FileIndex, File)| match child.kind() {
            Some(FileKind::Directory) if self.is_found_by_name_alone(index, &child) => None,
            Some(FileKind::Directory) => Some(Selected::Directory(index)),
            Some(FileKind::Key | FileKind::Purse) | None => None,
            Some(_) => Some(Selected::Elementary(index)),
        };
        let child = find_child(self.nvm, current.index, fid).and_then(selectable);
        if child.is_some() {
            return Ok(child);
        }
        // And then the directory's siblings.
        let sibling = find_child(self.nvm, current.file.parent, fid).filter(|(_, file)| file.is_directory());
        Ok(sibling.and_then(selectable))
    }

    /// On a RFID-SIM identifiers reach no further than the application: it, and its files.
    fn find_in_application(&self, fid: Fid) -> Option<Selected> {
        let current = &self.session.directory;
        if current.index == FileIndex::MF || !current.file.is_selectable() {
            return None;
        }
        if fid == current.file.fid {
            return Some(Selected::Directory(current.index));
        }
        let (index, child) = find_child(self.nvm, current.index, fid)?;
        let is_data = !matches!(child.kind(), Some(FileKind::Key | FileKind::Purse | FileKind::Directory) | None);
        is_data.then_some(Selected::Elementary(index))
    }

    /// Whether a directory is an enterprise's application with the own parts: those are found by their names alone, or
    /// whoever tries all identifiers would learn to which enterprises the holder belongs (own).
    fn is_found_by_name_alone(&self, index: FileIndex, directory: &File) -> bool {
        let version = |file: File| self.nvm.array::<1>(file.body() + PublicData::VERSION_AT);
        aid::is_enterprise_application(directory.name())
            && find_child(self.nvm, index, Fid::PUBLIC_DATA)
                .filter(|(_, file)| file.kind() == Some(FileKind::Binary) && file.size_bytes() == PublicData::LEN)
                .is_some_and(|(_, file)| version(file) == [PublicData::VERSION_OWN])
    }

    /// Names are matched whole: nobody can list the applications by asking for the first bytes they share.
    fn find_by_name(&self, name: &[u8]) -> Result<Option<Selected>, StatusWord> {
        if !(5..=16).contains(&name.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if self.kind == Kind::RfidSim {
            let mut applications = files_below(self.nvm, FileIndex::MF);
            let found = applications.find(|(_, file)| file.is_selectable() && file.name() == name);
            return Ok(found.map(|(index, _)| Selected::Directory(index)));
        }
        let current = &self.session.directory;
        let reachable = [(FileIndex::MF, file(self.nvm, FileIndex::MF)), (current.index, Some(current.file))];
        let near = files_below(self.nvm, current.index).chain(files_below(self.nvm, current.file.parent));
        let found = reachable
            .into_iter()
            .filter_map(|(index, file)| Some((index, file?)))
            .chain(near)
            .find(|(_, file)| file.is_directory() && file.name() == name);
        Ok(found.map(|(index, _)| Selected::Directory(index)))
    }

    /// FCI: `6F{84 name, A5{88 sfi}}` for a directory of applications, `6F{84 name, A5{9F0C content}}` for an application
    /// whose named file exists and may be read, else `6F{84 name}`.
    fn describe(&self, answer: &mut Response) -> Result<(), StatusWord> {
        let Directory { index, file: entry, .. } = self.session.directory;
        let mut proprietary: heapless::Vec<u8, { FCI_CONTENT_MAX + 3 }> = heapless::Vec::new();
        if entry.last & APPLICATION_BIT == 0 {
            proprietary.extend([0x88, 0x01, entry.last & 0x1F]);
        } else if let Some((_, content)) = find_child(self.nvm, index, Fid(u16::from(entry.last & 0x1F)))
            && content.kind() == Some(FileKind::Binary)
            && content.size_bytes() <= FCI_CONTENT_MAX
            && self.session.require(content.first_right).is_ok()
        {
            proprietary.extend([0x9F, 0x0C, content.size_bytes() as u8]);
            let mut bytes = [0; FCI_CONTENT_MAX];
            let bytes = bytes.get_mut(..content.size_bytes()).unwrap_or_default();
            self.nvm.read(content.body(), bytes);
            proprietary.extend_from_slice(bytes).map_err(|_| StatusWord::INTERNAL_ERROR)?;
        }
        let name = entry.name();
        let proprietary_len = if proprietary.is_empty() { 0 } else { proprietary.len() + 2 };
        put(answer, &[0x6F, (name.len() + 2 + proprietary_len) as u8, 0x84, entry.name_len])?;
        put(answer, name)?;
        if !proprietary.is_empty() {
            put(answer, &[0xA5, proprietary.len() as u8])?;
            put(answer, &proprietary)?;
        }
        Ok(())
    }
}
