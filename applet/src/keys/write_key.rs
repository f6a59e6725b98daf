//! WRITE KEY (FMCOS 2.0 special manual p. 4-7; user manual p. 73-76).

use onecard_wire::{
    file::AccessRight,
    ins::CLA_PBOC_SM,
    key::{CONTROL_KEY_ID, KeyType, PIN_LEN_MAX, RECORD_HEADER_LEN},
    status::StatusWord,
};

use super::{Family, KEY_RECORD_LEN, KeyRecord, algorithm_id, counted_len, find, records, records_in};
use crate::{
    apdu::Command,
    cos::{Challenge, Cos},
    crypto::Key,
    failure::{Failure, refuse},
    fs::{Directory, File, FileIndex},
    line_protection::{PlainData, Text},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
};

/// P1: a new key. Any other P1 is the type of the key to replace.
const ADD: u8 = 0x01;
/// No key has this id.
const NO_ID: u8 = 0xFF;

/// What a record will hold.
pub(crate) struct NewKey<'a> {
    pub(crate) family: Family,
    /// Type byte with its protection bits; usage of a SAM's working key.
    pub(crate) type_byte: u8,
    /// Id; version of a SAM's working key.
    pub(crate) id: u8,
    pub(crate) use_right: AccessRight,
    pub(crate) change_right: AccessRight,
    pub(crate) b4: u8,
    pub(crate) b5: u8,
    pub(crate) value: &'a [u8],
}

impl<P: Platform> Cos<'_, P> {
    /// WRITE KEY, in clear (80) or enciphered and MACed by the control key (84).
    pub(crate) fn write_key(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let keys = self.session.directory.keys.ok_or(StatusWord::FILE_NOT_FOUND)?;
        let protected = command.cla == CLA_PBOC_SM;
        let body = if protected {
            self.unwrap_key_body(command, challenge, &keys)?
        } else {
            PlainData::from_slice(command.data)?
        };
        let new = parse_card_key(&keys, command.p2, &body)?;
        match command.p1 {
            ADD => self.add_key(&keys, &new, protected),
            old_type => self.replace_key(&keys, KeyType::split(old_type).0, &new, protected),
        }
    }

    /// Enciphered and MACed by the directory's control key; before it has one, by the MF's.
    pub(crate) fn unwrap_key_body(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        keys: &File,
    ) -> Result<PlainData, Failure> {
        let control = find(self.nvm, keys, KeyType::EXTERNAL, CONTROL_KEY_ID);
        let control = control.or_else(|| self.mf_control_key()).ok_or(StatusWord::KEY_NOT_FOUND)?;
        self.unwrap(command, challenge, &control, Text::Enciphered, StatusWord::MAC_WRONG)
    }

    fn mf_control_key(&self) -> Option<KeyRecord> {
        let mf = Directory::read(self.nvm, FileIndex::MF)?;
        find(self.nvm, &mf.keys?, KeyType::EXTERNAL, CONTROL_KEY_ID)
    }

    fn add_key(&mut self, keys: &File, new: &NewKey<'_>, protected: bool) -> Result<(), Failure> {
        let (key_type, protected_type) = KeyType::split(new.type_byte);
        if protected {
            // Under the MF's control key nothing but the directory's own is accepted.
            let first = find(self.nvm, keys, KeyType::EXTERNAL, CONTROL_KEY_ID).is_none();
            if first && (key_type, new.id) != (KeyType::EXTERNAL, CONTROL_KEY_ID) {
                return refuse(StatusWord::SECURITY_NOT_SATISFIED);
            }
        } else {
            self.session.require(keys.second_right)?;
            if protected_type {
                return refuse(StatusWord::SECURITY_NOT_SATISFIED);
            }
        }
        if find(self.nvm, keys, key_type, new.id).is_some() {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let mut transaction = Transaction::new();
        stage_new(self.nvm, keys, new, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }

    fn replace_key(
        &mut self,
        keys: &File,
        old_type: KeyType,
        new: &NewKey<'_>,
        protected: bool,
    ) -> Result<(), Failure> {
        let old = find(self.nvm, keys, old_type, new.id).ok_or(StatusWord::KEY_NOT_FOUND)?;
        let (key_type, protected_type) = KeyType::split(new.type_byte);
        if key_type != old_type {
            return refuse(StatusWord::WRONG_DATA);
        }
        if protected {
            if !old.change_right.can_be_met() {
                return refuse(StatusWord::SECURITY_NOT_SATISFIED);
            }
        } else {
            if old.is_protected() || protected_type {
                return refuse(StatusWord::SECURITY_NOT_SATISFIED);
            }
            self.session.require(old.change_right)?;
        }
        if new.value.len() != old.value_len() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let mut transaction = Transaction::new();
        stage_replacement(self.nvm, &old, new, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

fn parse_card_key<'a>(keys: &File, id: u8, body: &'a [u8]) -> Result<NewKey<'a>, StatusWord> {
    let ([type_byte, use_right, change_right, b4, b5], value) =
        body.split_first_chunk::<RECORD_HEADER_LEN>().ok_or(StatusWord::WRONG_LENGTH)?;
    let (key_type, _) = KeyType::split(*type_byte);
    if !key_type.is_known() {
        return Err(StatusWord::WRONG_DATA);
    }
    let right_length = match key_type {
        KeyType::PIN => (2..=PIN_LEN_MAX).contains(&value.len()),
        _ => Key::has_len(algorithm_id(key_type, *b5, keys.last).algorithm(), value.len()),
    };
    if !right_length {
        return Err(StatusWord::WRONG_LENGTH);
    }
    if id == NO_ID {
        return Err(StatusWord::WRONG_P1P2);
    }
    Ok(NewKey {
        family: Family::Card,
        type_byte: *type_byte,
        id,
        use_right: AccessRight(*use_right),
        change_right: AccessRight(*change_right),
        b4: *b4,
        b5: *b5,
        value,
    })
}

/// Stages a key in a free place of the key file.
///
/// # Errors
/// 6A84 if the key file is full, as FMCOS counts.
pub(crate) fn stage_new<M: Memory>(
    nvm: &Journal<M>,
    keys: &File,
    new: &NewKey<'_>,
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    let used: usize = records(nvm, keys).map(|record| counted_len(record.key_type(), record.value_len())).sum();
    if used + counted_len(KeyType::split(new.type_byte).0, new.value.len()) > keys.size_bytes() {
        return Err(StatusWord::NOT_ENOUGH_SPACE);
    }
    let address = (0..records_in(keys))
        .map(|place| keys.body() + place * KEY_RECORD_LEN)
        .find(|address| KeyRecord::read(nvm, keys, *address).is_none())
        .ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
    stage(nvm, &new.record(address, keys.last, 0), new.value, transaction)
}

/// Stages a key in the place of another.
///
/// # Errors
/// 6F00 as [`Transaction::write`].
pub(crate) fn stage_replacement<M: Memory>(
    nvm: &Journal<M>,
    old: &KeyRecord,
    new: &NewKey<'_>,
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    stage(nvm, &new.record(old.address, old.file_algorithm, old.replaced.saturating_add(1)), new.value, transaction)
}

fn stage<M: Memory>(
    nvm: &Journal<M>,
    record: &KeyRecord,
    value: &[u8],
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    transaction.write(record.address, &record.emit(value))?;
    record.stage_tries(nvm, record.tries_at_first(), transaction)
}

impl NewKey<'_> {
    const fn record(&self, address: usize, file_algorithm: u8, replaced: u8) -> KeyRecord {
        KeyRecord {
            address,
            family: self.family,
            type_byte: self.type_byte,
            id: self.id,
            use_right: self.use_right,
            change_right: self.change_right,
            b4: self.b4,
            b5: self.b5,
            value_len: self.value.len() as u8,
            replaced,
            file_algorithm,
        }
    }
}
