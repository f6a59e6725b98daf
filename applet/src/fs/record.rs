//! READ RECORD, UPDATE RECORD, APPEND RECORD (FMCOS 2.0 user manual p. 43-44, 61-68).

use onecard_wire::{file::FileKind, status::StatusWord};

use super::{File, FileIndex};
use crate::{
    apdu::{Command, Response},
    cos::{Challenge, Cos},
    failure::{Failure, refuse},
    line_protection::ANSWER_DATA_MAX,
    nvm::{
        Journal, Memory, Transaction,
        ring::{GENERATION_LEN, Ring},
    },
    platform::Platform,
};

mod variable;

use variable::VariableRecords;

/// Low bits of P2: P1 is a record number.
const BY_NUMBER: u8 = 0x04;
/// Low bits of P2: P1 is a record's tag, the first with it.
const BY_TAG: u8 = 0x00;
/// Low bits of P2: next; with P1 00 a new record.
const NEXT: u8 = 0x02;
/// Low bits of P2: previous; with P1 00 a new record of a cyclic file.
const PREVIOUS: u8 = 0x03;

/// Longest record.
const RECORD_MAX: usize = ANSWER_DATA_MAX;

pub(crate) type Record = heapless::Vec<u8, RECORD_MAX>;

/// How a record file's body is laid out.
#[derive(Clone, Copy)]
pub(crate) enum RecordLayout {
    /// Each record behind a byte that says it was written.
    Fixed { count: usize, length: usize },
    /// A ring: each record behind its generation.
    Cyclic { count: usize, length: usize },
    /// Used length 2, then the records.
    Variable { size: usize },
}

impl RecordLayout {
    /// `None` for files without records and impossible sizes: fewer than two records, or none that fits an answer.
    pub(crate) fn of(file: &File) -> Option<Self> {
        let [count, length] = file.size.map(usize::from);
        let possible = count >= 2 && (1..=RECORD_MAX).contains(&length);
        match file.kind()? {
            FileKind::Fixed => possible.then_some(Self::Fixed { count, length }),
            FileKind::Cyclic => possible.then_some(Self::Cyclic { count, length }),
            FileKind::Variable => Some(Self::Variable { size: file.size_bytes() }),
            _ => None,
        }
    }

    /// Bytes the body takes in memory.
    pub(crate) const fn body_len(self) -> usize {
        match self {
            Self::Fixed { count, length } => count * (1 + length),
            Self::Cyclic { count, length } => count * (GENERATION_LEN + length),
            Self::Variable { size } => VariableRecords::body_len(size),
        }
    }
}

/// The ring of a cyclic file and the length of its records; `None` for any other file.
pub(crate) fn cyclic_ring(file: &File) -> Option<(Ring, usize)> {
    match RecordLayout::of(file)? {
        RecordLayout::Cyclic { count, length } => {
            let ring = Ring { address: file.body(), cell_len: GENERATION_LEN + length, cells: count };
            Some((ring, length))
        }
        _ => None,
    }
}

/// Stages a new record number 1 of a cyclic file; the oldest is dropped.
///
/// # Errors
/// 6700 if its length is not the file's, 6981 if the file is not cyclic.
pub(crate) fn stage_cyclic<M: Memory>(
    nvm: &Journal<M>,
    file: &File,
    record: &[u8],
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    let (ring, length) = cyclic_ring(file).ok_or(StatusWord::WRONG_FILE_KIND)?;
    if record.len() != length {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let cell = ring.next(ring.newest(nvm));
    let mut bytes: heapless::Vec<u8, { GENERATION_LEN + RECORD_MAX }> = heapless::Vec::new();
    bytes.extend(cell.generation.to_be_bytes());
    bytes.extend_from_slice(record).map_err(|_| StatusWord::WRONG_LENGTH)?;
    transaction.write(ring.address(cell), &bytes)
}

impl<P: Platform> Cos<'_, P> {
    /// READ RECORD by number, or by tag in a variable file.
    pub(crate) fn read_record(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let (index, file, layout) = self.record_file(command)?;
        let protection = self.open_read(command, challenge, &file)?;
        let (_, record) = self.find_record(&file, layout, command.p1, command.p2 & 0x07)?;
        command.require_answer_len(record.len())?;
        self.session.elementary = Some(index);
        Ok(protection.answer(&record, answer)?)
    }

    /// UPDATE RECORD of one that exists, or a new one by the forms FMCOS takes for it.
    pub(crate) fn update_record(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let (index, file, layout) = self.record_file(command)?;
        let data = self.open_write(command, challenge, &file)?;
        let low = command.p2 & 0x07;
        let appends = match layout {
            RecordLayout::Cyclic { .. } => command.p1 == 0 && low == PREVIOUS,
            RecordLayout::Variable { .. } => command.p1 == 0 && low == NEXT,
            RecordLayout::Fixed { .. } => false,
        };
        if appends {
            self.append(&file, layout, &data)?;
        } else {
            self.replace_record(&file, layout, command.p1, low, &data)?;
        }
        self.session.elementary = Some(index);
        Ok(())
    }

    /// APPEND RECORD. A cyclic file drops its oldest; the others answer 6A84 when full.
    pub(crate) fn append_record(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        if command.p1 != 0 || !matches!(command.p2 & 0x07, BY_NUMBER | BY_TAG) {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let (index, file, layout) = self.record_file(command)?;
        let data = self.open_write(command, challenge, &file)?;
        self.append(&file, layout, &data)?;
        self.session.elementary = Some(index);
        Ok(())
    }

    pub(crate) fn record_file(&self, command: &Command<'_>) -> Result<(FileIndex, File, RecordLayout), StatusWord> {
        let (index, file) = match command.p2 >> 3 {
            0 => self.current_elementary()?,
            sfi => self.find_sfi(sfi).ok_or(StatusWord::FILE_NOT_FOUND)?,
        };
        let layout = RecordLayout::of(&file).ok_or(StatusWord::WRONG_FILE_KIND)?;
        Ok((index, file, layout))
    }

    /// Where the record P1 names lies, and the record.
    pub(crate) fn find_record(
        &self,
        file: &File,
        layout: RecordLayout,
        p1: u8,
        low: u8,
    ) -> Result<(usize, Record), StatusWord> {
        let (address, length) = match (layout, low) {
            (RecordLayout::Variable { size }, BY_NUMBER | BY_TAG) => {
                VariableRecords { body: file.body(), size }.find(self.nvm, p1, low == BY_NUMBER)
            }
            (_, BY_NUMBER) => self.numbered(file, layout, p1),
            _ => return Err(StatusWord::WRONG_P1P2),
        }
        .ok_or(StatusWord::RECORD_NOT_FOUND)?;
        let mut record = Record::new();
        record.resize(length, 0).map_err(|_| StatusWord::WRONG_LENGTH)?;
        self.nvm.read(address, &mut record);
        Ok((address, record))
    }

    /// Where record `number` (from 1) of a fixed or cyclic file lies, if it was ever written.
    fn numbered(&self, file: &File, layout: RecordLayout, number: u8) -> Option<(usize, usize)> {
        let before = usize::from(number).checked_sub(1)?;
        match layout {
            RecordLayout::Fixed { count, length } => {
                let address = file.body() + before * (1 + length);
                (before < count && self.nvm.array(address) == [1]).then_some((address + 1, length))
            }
            RecordLayout::Cyclic { length, .. } => {
                let (ring, _) = cyclic_ring(file)?;
                let cell = ring.before(ring.newest(self.nvm)?, before)?;
                Some((ring.content(cell), length))
            }
            RecordLayout::Variable { .. } => None,
        }
    }

    fn replace_record(
        &mut self,
        file: &File,
        layout: RecordLayout,
        p1: u8,
        low: u8,
        data: &[u8],
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        match (layout, low) {
            (RecordLayout::Variable { size }, BY_NUMBER | BY_TAG) => {
                let records = VariableRecords { body: file.body(), size };
                match records.find(self.nvm, p1, low == BY_NUMBER) {
                    Some((address, length)) => {
                        variable::require_record(data)?;
                        if data.len() != length {
                            return refuse(StatusWord::WRONG_LENGTH);
                        }
                        transaction.write(address, data)?;
                    }
                    // Scripts of the trade fill an empty file by number.
                    None if low == BY_NUMBER && records.count(self.nvm) + 1 == usize::from(p1) => {
                        return self.append(file, layout, data);
                    }
                    None => return refuse(StatusWord::RECORD_NOT_FOUND),
                }
            }
            (RecordLayout::Fixed { count, length }, BY_NUMBER) => {
                let number = usize::from(p1);
                if number == 0 || number > count {
                    return refuse(StatusWord::RECORD_NOT_FOUND);
                }
                let exists = self.numbered(file, layout, p1).is_some();
                if !exists && number > 1 && self.numbered(file, layout, p1 - 1).is_none() {
                    return refuse(StatusWord::RECORD_NOT_FOUND);
                }
                stage_fixed(file, number - 1, length, data, &mut transaction)?;
            }
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(self.nvm.commit(transaction)?)
    }

    fn append(&mut self, file: &File, layout: RecordLayout, data: &[u8]) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        match layout {
            RecordLayout::Cyclic { .. } => stage_cyclic(self.nvm, file, data, &mut transaction)?,
            RecordLayout::Fixed { count, length } => {
                let free = (0..count).find(|before| self.nvm.array(file.body() + before * (1 + length)) != [1]);
                let free = free.ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
                stage_fixed(file, free, length, data, &mut transaction)?;
            }
            RecordLayout::Variable { size } => {
                VariableRecords { body: file.body(), size }.stage_append(self.nvm, data, &mut transaction)?;
            }
        }
        Ok(self.nvm.commit(transaction)?)
    }
}

fn stage_fixed(
    file: &File,
    before: usize,
    length: usize,
    data: &[u8],
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    if data.len() != length {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let address = file.body() + before * (1 + length);
    transaction.write(address, &[1])?;
    transaction.write(address + 1, data)
}
