//! READ BINARY and UPDATE BINARY (FMCOS 2.0 user manual p. 59-64).

use onecard_wire::{file::FileKind, status::StatusWord};

use super::{File, FileIndex, Lock, table::file};
use crate::{
    apdu::{Command, Response},
    cos::{Challenge, Cos},
    failure::{Failure, refuse},
    line_protection::ANSWER_DATA_MAX,
    nvm::Transaction,
    platform::Platform,
};

/// Bit of P1 that says: short file identifier in P1, offset in P2.
const P1_SFI: u8 = 0x80;

impl<P: Platform> Cos<'_, P> {
    /// READ BINARY. Le 00 reads to the end of the file.
    pub(crate) fn read_binary(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let (index, file, offset) = self.binary_file(command)?;
        let protection = self.open_read(command, challenge, &file)?;
        let left = file.size_bytes().checked_sub(offset).filter(|left| *left > 0).ok_or(StatusWord::WRONG_OFFSET)?;
        let most = left.min(ANSWER_DATA_MAX);
        let wanted = match command.le {
            None | Some(0) => most,
            Some(le) if usize::from(le) <= most => usize::from(le),
            Some(_) => return refuse(StatusWord::right_length(most as u8)),
        };
        self.session.elementary = Some(index);
        let mut data = [0; ANSWER_DATA_MAX];
        let data = data.get_mut(..wanted).unwrap_or_default();
        self.nvm.read(file.body() + offset, data);
        self.show_account(&file, offset, data);
        Ok(protection.answer(data, answer)?)
    }

    /// UPDATE BINARY: all of it or nothing.
    pub(crate) fn update_binary(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let (index, file, offset) = self.binary_file(command)?;
        let data = self.open_write(command, challenge, &file)?;
        if data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        if offset + data.len() > file.size_bytes() {
            return refuse(StatusWord::WRONG_OFFSET);
        }
        let mut transaction = Transaction::new();
        transaction.write(file.body() + offset, &data)?;
        self.stage_clearing(&file, offset, data.len(), &mut transaction)?;
        self.nvm.commit(transaction)?;
        self.session.elementary = Some(index);
        Ok(())
    }

    fn binary_file(&self, command: &Command<'_>) -> Result<(FileIndex, File, usize), StatusWord> {
        let (index, file, offset) = if command.p1 & P1_SFI == 0 {
            let (index, file) = self.current_elementary()?;
            (index, file, u16::from_be_bytes([command.p1, command.p2]))
        } else if command.p1 & 0x60 == 0 {
            let (index, file) = self.find_sfi(command.p1 & 0x1F).ok_or(StatusWord::FILE_NOT_FOUND)?;
            (index, file, u16::from(command.p2))
        } else {
            return Err(StatusWord::WRONG_P1P2);
        };
        if file.kind() != Some(FileKind::Binary) {
            return Err(StatusWord::WRONG_FILE_KIND);
        }
        Ok((index, file, usize::from(offset)))
    }

    /// The selected elementary file.
    pub(super) fn current_elementary(&self) -> Result<(FileIndex, File), StatusWord> {
        debug_assert!(self.session.directory.file.lock == Lock::Open, "dispatch serves no blocked directory");
        let index = self.session.elementary.ok_or(StatusWord::FILE_NOT_FOUND)?;
        file(self.nvm, index).map(|file| (index, file)).ok_or(StatusWord::FILE_NOT_FOUND)
    }
}
