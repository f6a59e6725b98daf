//! Keys in the current directory's key file.

mod list;
mod tries;
mod write_key;

use onecard_wire::{
    file::AccessRight,
    key::{Algorithm, AlgorithmId, KeyType, PIN_LEN_MAX, RECORD_OVERHEAD, tries_at_first, tries_max},
    layout::{Reader, Writer},
    sam::{Usage, UsageKind},
    status::StatusWord,
};
use zeroize::Zeroizing;

use crate::{
    crypto::Key,
    fs::File,
    nvm::{Journal, Memory, Transaction, ring::Ring},
};

use tries::TRIES_CELL_LEN;
pub(crate) use tries::Verdict;
pub(crate) use write_key::{NewKey, stage_new, stage_replacement};

/// A record: state, type, id, rights, b4, b5, length, replacements, value; then the error counter's ring.
pub(crate) const KEY_RECORD_LEN: usize = TRIES_AT + TRIES_CELLS * TRIES_CELL_LEN;
const HEADER_LEN: usize = 9;
const VALUE_LEN: usize = 16;
const TRIES_AT: usize = HEADER_LEN + VALUE_LEN;
const TRIES_CELLS: usize = 4;
/// The least a record takes of its key file as FMCOS counts: an 8-byte value.
const COUNTED_LEN_MIN: usize = 16;

/// Byte 0 of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Family {
    /// Written by FMCOS's WRITE KEY: type and id.
    Card = 1,
    /// A SAM's working key: type is its usage, id its version.
    Sam = 2,
}

/// A key's record, without the value.
#[derive(Clone, Copy)]
pub(crate) struct KeyRecord {
    address: usize,
    family: Family,
    type_byte: u8,
    pub(crate) id: u8,
    pub(crate) use_right: AccessRight,
    pub(crate) change_right: AccessRight,
    /// Version, or follow-up state.
    pub(crate) b4: u8,
    /// Algorithm, or error counter as written.
    pub(crate) b5: u8,
    value_len: u8,
    replaced: u8,
    /// The last byte of its key file: the algorithm of 36 to 39.
    file_algorithm: u8,
}

impl KeyRecord {
    /// Type byte as written; usage of a SAM's working key.
    pub(crate) const fn type_byte(&self) -> u8 {
        self.type_byte
    }

    pub(crate) const fn key_type(&self) -> KeyType {
        KeyType::split(self.type_byte).0
    }

    pub(crate) const fn is_protected(&self) -> bool {
        KeyType::split(self.type_byte).1
    }

    pub(crate) const fn value_len(&self) -> usize {
        self.value_len as usize
    }

    /// The cipher it is a key of.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm_id().algorithm()
    }

    fn algorithm_id(&self) -> AlgorithmId {
        match self.family {
            Family::Card => algorithm_id(self.key_type(), self.b5, self.file_algorithm),
            Family::Sam => AlgorithmId(self.b5),
        }
    }

    /// The key.
    ///
    /// # Errors
    /// 6A88 if the value is no key (it is a PIN).
    pub(crate) fn key<M: Memory>(&self, nvm: &Journal<M>) -> Result<Key, StatusWord> {
        let value = Zeroizing::new(nvm.array::<VALUE_LEN>(self.address + HEADER_LEN));
        let value = value.get(..self.value_len());
        value.and_then(|value| Key::from_value(self.algorithm(), value)).ok_or(StatusWord::KEY_NOT_FOUND)
    }

    /// The PIN, padded by FF.
    pub(crate) fn pin<M: Memory>(&self, nvm: &Journal<M>) -> Zeroizing<[u8; PIN_LEN_MAX]> {
        let mut pin = Zeroizing::new(nvm.array::<PIN_LEN_MAX>(self.address + HEADER_LEN));
        pin.iter_mut().skip(self.value_len()).for_each(|byte| *byte = 0xFF);
        pin
    }

    /// Stages another PIN and a full error counter.
    ///
    /// # Errors
    /// 6700 for a length no PIN has.
    pub(crate) fn stage_pin<M: Memory>(
        &self,
        nvm: &Journal<M>,
        pin: &[u8],
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        if !(2..=PIN_LEN_MAX).contains(&pin.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let record = Self { value_len: pin.len() as u8, replaced: self.replaced.saturating_add(1), ..*self };
        transaction.write(self.address, &record.emit(pin))?;
        self.stage_tries(nvm, self.tries_max(), transaction)
    }

    fn tries_max(&self) -> u16 {
        tries_max(self.key_type(), self.b5)
    }

    fn tries_at_first(&self) -> u16 {
        tries_at_first(self.key_type(), self.b5)
    }

    const fn tries_ring(&self) -> Ring {
        Ring { address: self.address + TRIES_AT, cell_len: TRIES_CELL_LEN, cells: TRIES_CELLS }
    }

    fn read<M: Memory>(nvm: &Journal<M>, keys: &File, address: usize) -> Option<Self> {
        let header = nvm.array::<HEADER_LEN>(address);
        let mut reader = Reader::new(&header);
        Some(Self {
            address,
            family: match reader.u8()? {
                1 => Family::Card,
                2 => Family::Sam,
                _ => return None,
            },
            type_byte: reader.u8()?,
            id: reader.u8()?,
            use_right: AccessRight(reader.u8()?),
            change_right: AccessRight(reader.u8()?),
            b4: reader.u8()?,
            b5: reader.u8()?,
            value_len: reader.u8()?,
            replaced: reader.u8()?,
            file_algorithm: keys.last,
        })
    }

    fn emit(&self, value: &[u8]) -> [u8; HEADER_LEN + VALUE_LEN] {
        Writer::new()
            .put(&[self.family as u8, self.type_byte, self.id, self.use_right.0, self.change_right.0])
            .put(&[self.b4, self.b5, self.value_len, self.replaced])
            .put(value)
            .finish()
    }
}

/// The algorithm byte of a card's key: that of its key file for the types whose record holds an error counter instead (own).
const fn algorithm_id(key_type: KeyType, b5: u8, of_file: u8) -> AlgorithmId {
    AlgorithmId(if key_type.counts_errors() { of_file } else { b5 })
}

/// How many records a key file has room for.
pub(crate) const fn records_in(keys: &File) -> usize {
    keys.size_bytes() / COUNTED_LEN_MIN
}

/// The records of a key file.
pub(crate) fn records<M: Memory>(nvm: &Journal<M>, keys: &File) -> impl Iterator<Item = KeyRecord> {
    (0..records_in(keys)).filter_map(move |place| KeyRecord::read(nvm, keys, keys.body() + place * KEY_RECORD_LEN))
}

/// The key of this type and id.
pub(crate) fn find<M: Memory>(nvm: &Journal<M>, keys: &File, key_type: KeyType, id: u8) -> Option<KeyRecord> {
    find_where(nvm, keys, |[family, type_byte, stored_id]| {
        family == Family::Card as u8 && KeyType::split(type_byte).0 == key_type && stored_id == id
    })
}

/// A SAM's working key whose usage and version are as asked.
pub(crate) fn find_sam<M: Memory>(nvm: &Journal<M>, keys: &File, wanted: impl Fn(u8, u8) -> bool) -> Option<KeyRecord> {
    find_where(nvm, keys, |[family, usage, version]| family == Family::Sam as u8 && wanted(usage, version))
}

/// The versions of a SAM's working keys of a kind.
pub(crate) fn sam_versions<M: Memory>(nvm: &Journal<M>, keys: &File, kind: UsageKind) -> impl Iterator<Item = u8> {
    let of_kind = move |record: &KeyRecord| record.family == Family::Sam && Usage(record.type_byte).kind() == kind;
    records(nvm, keys).filter(of_kind).map(|record| record.id)
}

fn find_where<M: Memory>(nvm: &Journal<M>, keys: &File, wanted: impl Fn([u8; 3]) -> bool) -> Option<KeyRecord> {
    let body = keys.body();
    (0..records_in(keys))
        .map(|place| body + place * KEY_RECORD_LEN)
        .find(|address| wanted(nvm.array(*address)))
        .and_then(|address| KeyRecord::read(nvm, keys, address))
}

/// Bytes a record takes of its key file, as FMCOS counts: a PIN has room for 8 bytes.
fn counted_len(key_type: KeyType, value_len: usize) -> usize {
    let value = if key_type == KeyType::PIN { PIN_LEN_MAX } else { value_len };
    value + usize::from(RECORD_OVERHEAD)
}
