//! SEARCH RECORD (TS 102 221 clause 11.1.7): the numbers of the records in which the pattern stands.

use onecard_wire::{status::StatusWord, uicc::status::SEARCH_UNSUCCESSFUL};

use super::{Uicc, record::Records};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    platform::Platform,
};

/// Low bits of P2.
const FORWARD: u8 = 0x04;
const BACKWARD: u8 = 0x05;
const ENHANCED: u8 = 0x06;

/// What to look for, and where.
struct Search<'a> {
    pattern: &'a [u8],
    /// Where in the record it stands.
    offset: Offset,
    first: u8,
    forward: bool,
}

#[derive(Clone, Copy)]
enum Offset {
    At(usize),
    /// Behind the first byte of that value.
    Behind(u8),
}

impl<'a> Search<'a> {
    /// # Errors
    /// 6700: no pattern; 6A80: the search indication says nothing; 6A83: no such record; 6A86.
    fn parse(command: &Command<'a>, count: u8, current: u8) -> Result<Self, StatusWord> {
        let named = if command.p1 == 0 { current } else { command.p1 };
        let (pattern, offset, first, forward) = match command.p2 & 0x07 {
            FORWARD => (command.data, Offset::At(0), named, true),
            BACKWARD => (command.data, Offset::At(0), named, false),
            ENHANCED => {
                let ([how, place], pattern) = command.data.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
                let offset = if how & 0x08 == 0 { Offset::At(usize::from(*place)) } else { Offset::Behind(*place) };
                let (first, forward) = match how & 0xF7 {
                    0x04 => (named, true),
                    0x05 => (named, false),
                    0x06 => (current.saturating_add(1), true),
                    0x07 => (if current == 0 { count } else { current - 1 }, false),
                    _ => return Err(StatusWord::WRONG_DATA),
                };
                (pattern, offset, first, forward)
            }
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        if pattern.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if (1..=count).contains(&first) {
            Ok(Self { pattern, offset, first, forward })
        } else {
            Err(StatusWord::RECORD_NOT_FOUND)
        }
    }

    fn matches(&self, record: &[u8]) -> bool {
        let at = match self.offset {
            Offset::At(at) => Some(at),
            Offset::Behind(value) => record.iter().position(|byte| *byte == value).map(|at| at + 1),
        };
        at.and_then(|at| record.get(at..)).is_some_and(|rest| rest.starts_with(self.pattern))
    }
}

impl<P: Platform> Uicc<'_, P> {
    /// SEARCH RECORD. The first record found becomes current; none: 6282, and the current record is as before.
    pub(super) fn search_record(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let records = self.records(command.p2)?;
        self.require(records.file.rule.read)?;
        let search = Search::parse(command, records.count, self.selection.record)?;
        if search.pattern.len() > records.len {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        if search.forward {
            self.search(&records, &search, search.first..=records.count, answer)?;
        } else {
            self.search(&records, &search, (1..=search.first).rev(), answer)?;
        }
        let Some(found) = answer.first().copied() else { return refuse(SEARCH_UNSUCCESSFUL) };
        command.require_answer_len(answer.len())?;
        self.selection.record = found;
        Ok(StatusWord::OK)
    }

    fn search(
        &self,
        records: &Records,
        search: &Search<'_>,
        numbers: impl Iterator<Item = u8>,
        answer: &mut Response,
    ) -> Result<(), StatusWord> {
        for number in numbers {
            let mut record = Response::new();
            self.put_record(records, number, &mut record)?;
            if search.matches(&record) {
                put(answer, &[number])?;
            }
        }
        Ok(())
    }
}
