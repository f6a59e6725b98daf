//! SELECT and STATUS (TS 102 221 clauses 8.4, 11.1.1, 11.1.2).

use onecard_wire::{
    fid::Fid,
    status::StatusWord,
    uicc::{USIM_AID, by, fcp},
};

use super::{
    Uicc,
    fcp::put_directory,
    files::{Directory, File, MF, USIM},
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    platform::Platform,
};

/// Where a channel is: directory, file, record, application.
#[derive(Clone, Copy)]
pub(crate) struct Selection {
    pub(super) directory: &'static Directory,
    pub(super) file: Option<&'static File>,
    /// Current record, 0 = none.
    pub(super) record: u8,
    /// See [`Self::has_application`].
    pub(super) application: bool,
}

/// What SELECT found.
#[derive(Clone, Copy)]
enum Found {
    Directory(&'static Directory),
    File(&'static Directory, &'static File),
}

/// P2 of SELECT.
#[derive(Clone, Copy)]
struct Wanted {
    parameters: bool,
    /// The application's session is to end.
    ending: bool,
}

impl Selection {
    /// At the MF, as after a reset.
    pub(crate) const MF: Self = Self { directory: &MF, file: None, record: 0, application: false };

    /// In the USIM, as if it had been selected by its AID.
    pub(crate) const USIM: Self = Self { directory: &USIM, file: None, record: 0, application: true };

    /// The EF of that FID in the current directory or, in the USIM's ADF, of the current application.
    fn find(&self, fid: Fid) -> Option<Found> {
        let here = self.directory;
        let around = here.parent;
        let in_here = |fid| {
            let file = here.file(fid).map(|file| Found::File(here, file));
            file.or_else(|| here.directory(fid).map(Found::Directory))
        };
        match fid {
            Fid::MF => Some(Found::Directory(&MF)),
            Fid::CURRENT_ADF => self.application.then_some(Found::Directory(&USIM)),
            _ => in_here(fid)
                .or_else(|| (fid == here.fid).then_some(Found::Directory(here)))
                .or_else(|| around.filter(|around| around.fid == fid).map(Found::Directory))
                .or_else(|| around.and_then(|around| around.directory(fid)).map(Found::Directory)),
        }
    }

    /// Goes down a path of FIDs from `start`.
    fn follow(&self, start: &'static Directory, path: &[u8]) -> Result<Found, StatusWord> {
        let (steps, []) = path.as_chunks::<2>() else { return Err(StatusWord::WRONG_LENGTH) };
        let (last, inner) = steps.split_last().ok_or(StatusWord::WRONG_LENGTH)?;
        let mut directory = start;
        let step = |from: &'static Directory, fid: Fid| match fid {
            Fid::CURRENT_ADF if from.fid == Fid::MF && self.application => Some(&USIM),
            _ => from.directory(fid),
        };
        for fid in inner {
            directory = step(directory, fid_of(fid)).ok_or(StatusWord::FILE_NOT_FOUND)?;
        }
        let last = fid_of(last);
        let file = directory.file(last).map(|file| Found::File(directory, file));
        file.or_else(|| step(directory, last).map(Found::Directory)).ok_or(StatusWord::FILE_NOT_FOUND)
    }

    fn go(&mut self, found: Found) {
        let (directory, file) = match found {
            Found::Directory(directory) => (directory, None),
            Found::File(directory, file) => (directory, Some(file)),
        };
        (self.directory, self.file, self.record) = (directory, file, 0);
    }

    /// An EF of the current directory becomes current.
    pub(super) fn enter_file(&mut self, file: &'static File) {
        (self.file, self.record) = (Some(file), 0);
    }

    /// Whether the USIM was selected by its AID, and not ended since.
    pub(crate) const fn has_application(&self) -> bool {
        self.application
    }

    /// The 2G class knows no ADF: a channel that is in one is at the MF for it.
    pub(super) fn leave_adf(&mut self) {
        if self.directory.aid.is_some() {
            self.go(Found::Directory(&MF));
        }
    }

    /// SELECT as the 2G class has it, which finds a file as SELECT by FID does, but for the ADF.
    ///
    /// # Errors
    /// 6A82, and the selection is as it was.
    pub(super) fn go_to(&mut self, fid: Fid) -> Result<(), StatusWord> {
        let found = self.find(fid).filter(|_| fid != Fid::CURRENT_ADF).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.go(found);
        Ok(())
    }
}

impl Wanted {
    /// # Errors
    /// 6A86: P2 says something else.
    fn parse(p2: u8) -> Result<Self, StatusWord> {
        let parameters = match p2 & 0x1C {
            0x00 | 0x04 => true,
            0x0C => false,
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        match p2 & 0xE0 {
            0x00 => Ok(Self { parameters, ending: false }),
            0x40 => Ok(Self { parameters, ending: true }),
            _ => Err(StatusWord::WRONG_P1P2),
        }
    }
}

impl<P: Platform> Uicc<'_, P> {
    /// SELECT by FID or path. One that fails leaves the selection as it was.
    pub(super) fn select(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        let wanted = Wanted::parse(command.p2)?;
        if command.p2 & 0x43 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let found = match command.p1 {
            by::FID if command.data.is_empty() => Found::Directory(&MF),
            by::FID => self.selection.find(one_fid(command)?).ok_or(StatusWord::FILE_NOT_FOUND)?,
            by::CHILD => {
                let child = self.selection.directory.directory(one_fid(command)?);
                Found::Directory(child.ok_or(StatusWord::FILE_NOT_FOUND)?)
            }
            by::PARENT => {
                command.require_data_len(0)?;
                Found::Directory(self.selection.directory.parent.ok_or(StatusWord::FILE_NOT_FOUND)?)
            }
            by::PATH_FROM_MF => self.selection.follow(&MF, command.data)?,
            by::PATH_FROM_CURRENT => self.selection.follow(self.selection.directory, command.data)?,
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        if wanted.parameters {
            self.put_parameters(found, command, answer)?;
        }
        self.selection.go(found);
        Ok(StatusWord::OK)
    }

    /// SELECT of an application of the UICC by its AID, which may be cut short at its right end; the RID must be whole.
    pub(crate) fn select_application(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        const RID_LEN: usize = 5;
        /// Low bits of P2: the first, last, next, previous application of that name.
        const NEXT: u8 = 0x02;
        let wanted = Wanted::parse(command.p2)?;
        let is_ours = command.data.len() >= RID_LEN && USIM_AID.starts_with(command.data);
        // There is one application, and none before or behind it.
        let beside = command.p2 & NEXT != 0 && self.selection.application;
        if !is_ours || beside {
            return refuse(StatusWord::FILE_NOT_FOUND);
        }
        if wanted.ending {
            command.require_no_answer()?;
            *self.selection = Selection::MF;
            return Ok(StatusWord::OK);
        }
        if wanted.parameters {
            self.put_parameters(Found::Directory(&USIM), command, answer)?;
        }
        self.selection.go(Found::Directory(&USIM));
        self.selection.application = true;
        Ok(StatusWord::OK)
    }

    /// STATUS: where the channel is. P1 says what the phone does with the application, and changes nothing.
    pub(super) fn status(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_data_len(0)?;
        match (command.p1, command.p2) {
            (0x00..=0x02, 0x00) => self.put_parameters(Found::Directory(self.selection.directory), command, answer)?,
            (0x00..=0x02, 0x01) if self.selection.application => {
                command.require_answer_len(2 + USIM_AID.len())?;
                put(answer, &[fcp::AID, USIM_AID.len() as u8])?;
                put(answer, &USIM_AID)?;
            }
            // No application is active.
            (0x00..=0x02, 0x01) => return refuse(StatusWord::DATA_NOT_FOUND),
            (0x00..=0x02, 0x0C) => command.require_answer_len(0)?,
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(StatusWord::OK)
    }

    fn put_parameters(&mut self, found: Found, command: &Command<'_>, answer: &mut Response) -> Result<(), StatusWord> {
        match found {
            Found::File(_, file) => put(answer, file.fcp.bytes())?,
            Found::Directory(directory) => put_directory(directory, self.pins.pin1_enabled(self.nvm), answer)?,
        }
        command.require_answer_len(answer.len())
    }
}

fn fid_of(bytes: &[u8; 2]) -> Fid {
    Fid(u16::from_be_bytes(*bytes))
}

/// # Errors
/// 6700: the data field is no FID.
fn one_fid(command: &Command<'_>) -> Result<Fid, StatusWord> {
    command.data.try_into().map(fid_of).map_err(|_| StatusWord::WRONG_LENGTH)
}
