//! READ BINARY and UPDATE BINARY (TS 102 221 clauses 11.1.3, 11.1.4).

use onecard_wire::status::StatusWord;

use super::{
    Uicc,
    access::Right,
    files::{Body, File, Structure},
};
use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

/// P1: an SFI is in its low bits, and P2 is the offset.
const BY_SFI: u8 = 0x80;

impl<P: Platform> Uicc<'_, P> {
    /// READ BINARY. Le 00 reads to the end; more than there is: 6Cxx.
    pub(super) fn read_binary(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_data_len(0)?;
        let (file, offset) = self.transparent(command)?;
        self.require(file.rule.read)?;
        let left = file.size().checked_sub(offset).filter(|left| *left != 0).ok_or(StatusWord::WRONG_OFFSET)?;
        let length = match command.le {
            None | Some(0) => left.min(256),
            Some(le) if usize::from(le) <= left => usize::from(le),
            Some(_) => return refuse(StatusWord::right_length(left as u8)),
        };
        self.put_body(file, offset, length, answer)?;
        Ok(StatusWord::OK)
    }

    /// UPDATE BINARY.
    pub(super) fn update_binary(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        command.require_no_answer()?;
        let (file, offset) = self.transparent(command)?;
        self.require(file.rule.update)?;
        if offset >= file.size() {
            return refuse(StatusWord::WRONG_OFFSET);
        }
        if command.data.is_empty() || command.data.len() > file.size() - offset {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let Body::Memory(place) = file.body else { return refuse(StatusWord::INTERNAL_ERROR) };
        let mut transaction = Transaction::new();
        transaction.write(place.address + offset, command.data)?;
        self.nvm.commit(transaction)?;
        Ok(StatusWord::OK)
    }

    /// The current EF, or the one of the SFI in P1, which becomes current; and the offset.
    fn transparent(&mut self, command: &Command<'_>) -> Result<(&'static File, usize), StatusWord> {
        let (file, offset) = if command.p1 & BY_SFI == 0 {
            (self.current()?, u16::from_be_bytes([command.p1, command.p2]).into())
        } else {
            if command.p1 & 0x60 != 0 {
                return Err(StatusWord::WRONG_P1P2);
            }
            (self.enter_by_sfi(command.p1 & 0x1F)?, usize::from(command.p2))
        };
        if file.structure == Structure::Transparent { Ok((file, offset)) } else { Err(StatusWord::WRONG_FILE_KIND) }
    }

    /// # Errors
    /// 6986: no EF is selected.
    pub(super) fn current(&self) -> Result<&'static File, StatusWord> {
        self.selection.file.ok_or(StatusWord::NO_CURRENT_FILE)
    }

    /// # Errors
    /// 6A82: the current directory has no EF of that SFI.
    pub(super) fn enter_by_sfi(&mut self, sfi: u8) -> Result<&'static File, StatusWord> {
        let file = self.selection.directory.file_by_sfi(sfi).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.selection.enter_file(file);
        Ok(file)
    }

    /// # Errors
    /// 6982: the right is not there.
    pub(super) fn require(&mut self, right: Right) -> Result<(), StatusWord> {
        if self.pins.allows(right, self.nvm) { Ok(()) } else { Err(StatusWord::SECURITY_NOT_SATISFIED) }
    }

    /// Appends `length` bytes of the body from `offset` on; they are there.
    pub(super) fn put_body(
        &self,
        file: &File,
        offset: usize,
        length: usize,
        answer: &mut Response,
    ) -> Result<(), StatusWord> {
        let start = answer.len();
        match file.body {
            Body::Constant(bytes) => {
                let part = bytes.get(offset..offset + length).ok_or(StatusWord::INTERNAL_ERROR)?;
                answer.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)
            }
            Body::Memory(place) => {
                answer.resize(start + length, 0).map_err(|_| StatusWord::INTERNAL_ERROR)?;
                let room = answer.get_mut(start..).ok_or(StatusWord::INTERNAL_ERROR)?;
                self.nvm.read(place.address + offset, room);
                Ok(())
            }
        }
    }
}
