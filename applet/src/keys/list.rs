//! The key list (own, profile §3.2): what keys a directory has, without their values; and which maintenance key (own, 19.4.5).

use onecard_wire::{
    ins::KEY_LIST,
    key::{KeyListEntry, KeyType},
    status::StatusWord,
};

use super::{Family, KeyRecord, VALUE_LEN, find, records};
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    failure::{Failure, refuse},
    nvm::{Journal, Memory},
    platform::Platform,
};

/// Longest length that BER writes in one byte.
const SHORT_LENGTH_MAX: usize = 0x7F;
/// BER: the length follows in one byte.
const LONG_LENGTH: u8 = 0x81;

impl<P: Platform> Cos<'_, P> {
    /// `80 CA page E0`: `E0{C0 05 …}*` of the current directory. A page behind the last is empty.
    pub(crate) fn key_list(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p2 != KEY_LIST {
            return refuse(StatusWord::WRONG_P1P2);
        }
        command.require_data_len(0)?;
        let keys = self.session.directory.keys.as_ref().ok_or(StatusWord::FILE_NOT_FOUND)?;
        let before = usize::from(command.p1) * KeyListEntry::PAGE;
        let page = || records(self.nvm, keys).skip(before).take(KeyListEntry::PAGE);
        let length = page().count() * (2 + KeyListEntry::LEN);
        if length <= SHORT_LENGTH_MAX {
            put(answer, &[KeyListEntry::LIST_TAG, length as u8])?;
        } else {
            put(answer, &[KeyListEntry::LIST_TAG, LONG_LENGTH, length as u8])?;
        }
        command.require_answer_len(answer.len() + length)?;
        for record in page() {
            put(answer, &[record.list_tag(), KeyListEntry::LEN as u8])?;
            put(answer, &record.list_entry(self.nvm).to_bytes())?;
        }
        Ok(())
    }

    /// `80 CA 00 E2` in a packet: the check value of the maintenance key. One of 8 bytes could be searched for by it.
    pub(crate) fn maintenance_check_value(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p1 != 0x00 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        command.require_data_len(0)?;
        let keys = self.session.directory.keys.as_ref().ok_or(StatusWord::FILE_NOT_FOUND)?;
        let record = find(self.nvm, keys, KeyType::MAINTENANCE, 0x00).ok_or(StatusWord::KEY_NOT_FOUND)?;
        if record.value_len() != VALUE_LEN {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let check_value = record.key(self.nvm)?.check_value();
        command.require_answer_len(check_value.len())?;
        Ok(put(answer, &check_value)?)
    }
}

impl KeyRecord {
    const fn list_tag(&self) -> u8 {
        match self.family {
            Family::Card => KeyListEntry::TAG,
            Family::Sam => KeyListEntry::SAM_TAG,
        }
    }

    fn list_entry<M: Memory>(&self, nvm: &Journal<M>) -> KeyListEntry {
        let algorithm = self.algorithm_id().0;
        let (key_type, version, algorithm, tries) = match self.family {
            Family::Sam => (KeyType(self.type_byte), self.b4, algorithm, u8::MAX),
            Family::Card if self.key_type().counts_errors() => {
                let algorithm = if self.key_type() == KeyType::PIN { 0x00 } else { algorithm };
                let tries = u8::try_from(self.tries(nvm)).unwrap_or(u8::MAX);
                (self.key_type(), self.replaced, algorithm, tries)
            }
            Family::Card => (self.key_type(), self.b4, algorithm, u8::MAX),
        };
        KeyListEntry { key_type, id: self.id, version, algorithm, tries }
    }
}
