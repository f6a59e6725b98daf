//! READ RECORD and UPDATE RECORD (TS 102 221 clauses 11.1.5, 11.1.6).

use onecard_wire::status::StatusWord;

use super::{
    Uicc,
    files::{Body, File, Structure},
};
use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

/// Low bits of P2.
const NEXT: u8 = 0x02;
const PREVIOUS: u8 = 0x03;
const ABSOLUTE: u8 = 0x04;

/// A file's records.
#[derive(Clone, Copy)]
pub(super) struct Records {
    pub(super) file: &'static File,
    pub(super) len: usize,
    pub(super) count: u8,
    cyclic: bool,
}

impl Records {
    /// # Errors
    /// 6981: the file has none.
    pub(super) fn of(file: &'static File) -> Result<Self, StatusWord> {
        let (record_len, cyclic) = match file.structure {
            Structure::Transparent => return Err(StatusWord::WRONG_FILE_KIND),
            Structure::LinearFixed { record_len } => (record_len, false),
            Structure::Cyclic { record_len } => (record_len, true),
        };
        let len = usize::from(record_len);
        let count = file.size().checked_div(len).unwrap_or_default() as u8;
        Ok(Self { file, len, count, cyclic })
    }

    /// The record P1 and P2 name.
    ///
    /// # Errors
    /// 6A83: there is none; 6A86: P1 and P2 name nothing.
    fn named(&self, p1: u8, p2: u8, current: u8) -> Result<u8, StatusWord> {
        let number = match (p2 & 0x07, p1) {
            (ABSOLUTE, 0) => current,
            (ABSOLUTE, number) => number,
            (NEXT, 0) if current == self.count && self.cyclic => 1,
            (NEXT, 0) => current + 1,
            (PREVIOUS, 0) if current == 0 || (current == 1 && self.cyclic) => self.count,
            (PREVIOUS, 0) => current - 1,
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        if (1..=self.count).contains(&number) { Ok(number) } else { Err(StatusWord::RECORD_NOT_FOUND) }
    }
}

impl<P: Platform> Uicc<'_, P> {
    /// READ RECORD; the next or previous one becomes current, one named by its number does not.
    pub(super) fn read_record(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_data_len(0)?;
        let records = self.records(command.p2)?;
        self.require(records.file.rule.read)?;
        let number = records.named(command.p1, command.p2, self.selection.record)?;
        command.require_answer_len(records.len)?;
        self.put_record(&records, number, answer)?;
        if command.p2 & 0x07 != ABSOLUTE {
            self.selection.record = number;
        }
        Ok(StatusWord::OK)
    }

    /// UPDATE RECORD. In a cyclic file the oldest record is overwritten and becomes the newest, by PREVIOUS alone.
    pub(super) fn update_record(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        command.require_no_answer()?;
        let records = self.records(command.p2)?;
        self.require(records.file.rule.update)?;
        let number = if records.cyclic {
            if (command.p1, command.p2 & 0x07) != (0, PREVIOUS) {
                return refuse(StatusWord::WRONG_FILE_KIND);
            }
            records.count
        } else {
            records.named(command.p1, command.p2, self.selection.record)?
        };
        command.require_data_len(records.len)?;
        let Body::Memory(place) = records.file.body else { return refuse(StatusWord::INTERNAL_ERROR) };
        let mut transaction = Transaction::new();
        transaction.write(self.record_address(&records, place.address, number), command.data)?;
        if records.cyclic {
            // The oldest one stands in front of the newest.
            let newest = self.newest(place.address);
            let oldest = if newest == 0 { records.count - 1 } else { newest - 1 };
            transaction.write(place.address, &[oldest])?;
        }
        self.nvm.commit(transaction)?;
        if records.cyclic {
            self.selection.record = 1;
        } else if command.p2 & 0x07 != ABSOLUTE {
            self.selection.record = number;
        }
        Ok(StatusWord::OK)
    }

    /// The records of the current EF, or of the one of the SFI in P2, which becomes current.
    pub(super) fn records(&mut self, p2: u8) -> Result<Records, StatusWord> {
        let file = match p2 >> 3 {
            0 => self.current()?,
            sfi => self.enter_by_sfi(sfi)?,
        };
        Records::of(file)
    }

    /// Appends a record that is there.
    pub(super) fn put_record(&self, records: &Records, number: u8, answer: &mut Response) -> Result<(), StatusWord> {
        match records.file.body {
            Body::Memory(place) if records.cyclic => {
                let start = answer.len();
                answer.resize(start + records.len, 0).map_err(|_| StatusWord::INTERNAL_ERROR)?;
                let room = answer.get_mut(start..).ok_or(StatusWord::INTERNAL_ERROR)?;
                self.nvm.read(self.record_address(records, place.address, number), room);
                Ok(())
            }
            _ => self.put_body(records.file, usize::from(number - 1) * records.len, records.len, answer),
        }
    }

    /// Where the record of that number lies, of a file whose body begins at `body`.
    fn record_address(&self, records: &Records, body: usize, number: u8) -> usize {
        let behind = usize::from(number - 1);
        if records.cyclic {
            let place = (usize::from(self.newest(body)) + behind) % usize::from(records.count);
            body + 1 + place * records.len
        } else {
            body + behind * records.len
        }
    }

    /// Which of a cyclic file's places has the newest record, counted from 0.
    fn newest(&self, body: usize) -> u8 {
        let [newest] = self.nvm.array(body);
        newest
    }
}
