//! Reads file after file, with or without MACs, and remembers what it was not given.

use std::collections::BTreeMap;

use onecard_host::{
    card::{Access, ReadError, Selected, read_binary_from, read_record},
    sam::Sam,
    transport::Transport,
};
use onecard_wire::{fid::Fid, status::StatusWord};
use serde::{Deserialize, Serialize};

/// Bytes read at once: a SAM makes a MAC over that much.
const PART: usize = 112;

/// A card on the way through its files.
pub(super) struct Reading<'r> {
    pub(super) card: &'r mut dyn Transport,
    pub(super) application: &'r Selected,
    sam: Option<&'r mut dyn Sam>,
    pub(super) files: BTreeMap<String, Content>,
    pub(super) not_read: Vec<NotRead>,
}

/// A file as it stands on the card, in hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(in crate::commands::card) enum Content {
    /// A binary file.
    Binary(String),
    /// Records, in a cyclic file the newest first.
    Records(Vec<String>),
}

/// A file that was not shown.
#[derive(Serialize)]
pub(super) struct NotRead {
    pub(super) file: String,
    /// The card's word.
    pub(super) status: String,
    /// Whether the PIN or the desk's SAM would open it.
    pub(super) protected: bool,
}

impl<'r> Reading<'r> {
    /// Begins, with the application selected. `sam` makes the MACs of every read.
    pub(super) fn new(card: &'r mut dyn Transport, application: &'r Selected, sam: Option<&'r mut dyn Sam>) -> Self {
        Self { card, application, sam, files: BTreeMap::new(), not_read: Vec::new() }
    }

    /// Whether a MAC proves each file.
    pub(super) fn proves(&self) -> bool {
        self.sam.is_some()
    }

    /// The first `length` bytes of a binary file; `None` if the card does not show it.
    pub(super) fn binary(&mut self, file: Fid, length: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let mut content = Vec::with_capacity(length);
        while content.len() < length {
            let part = u8::try_from((length - content.len()).min(PART)).unwrap_or_default();
            let offset = u8::try_from(content.len()).unwrap_or_default();
            let read = read_binary_from(&mut *self.card, self.application, file, offset, part, access(&mut self.sam));
            match self.given(file, read)? {
                Some(read) if !read.is_empty() => content.extend(read),
                _ => return Ok(None),
            }
        }
        self.files.insert(name(file), Content::Binary(hex::encode_upper(&content)));
        Ok(Some(content))
    }

    /// Every record of a file, of `length` bytes each or of any length if 0; `None` if the card does not show them.
    pub(super) fn records(&mut self, file: Fid, length: usize) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        let length = u8::try_from(length).unwrap_or_default();
        let mut records = Vec::new();
        for number in 1..=u8::MAX {
            let read = read_record(&mut *self.card, self.application, file, number, length, access(&mut self.sam));
            match read {
                Err(ReadError::Refused { status: StatusWord::RECORD_NOT_FOUND, .. }) => break,
                read => match self.given(file, read)? {
                    Some(record) => records.push(record),
                    None => return Ok(None),
                },
            }
        }
        let digits = records.iter().map(hex::encode_upper).collect();
        self.files.insert(name(file), Content::Records(digits));
        Ok(Some(records))
    }

    /// A refusal is noted and is no error: the other files are shown all the same.
    fn given<T>(&mut self, file: Fid, read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
        match read {
            Ok(content) => Ok(Some(content)),
            Err(ReadError::Refused { status, .. }) => {
                let protected = status == StatusWord::SECURITY_NOT_SATISFIED;
                self.not_read.push(NotRead { file: name(file), status: format!("{:04X}", status.0), protected });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn name(file: Fid) -> String {
    format!("{:04X}", file.0)
}

fn access<'a>(sam: &'a mut Option<&mut dyn Sam>) -> Access<'a> {
    match sam {
        Some(sam) => Access::WithMac(&mut **sam),
        None => Access::Plain,
    }
}
