//! The master keys: by code and version, each with its cipher. They are put in and never taken out.

use onecard_wire::{
    key::{AlgorithmId, KeyVersion},
    key_master::{KEY_LEN, KEYS_MAX, KeyCode},
    layout::{Reader, Writer},
    status::StatusWord,
};
use zeroize::Zeroizing;

use crate::{
    crypto::Key,
    nvm::{
        Journal, Memory, Transaction,
        map::{MASTER_KEY_LEN, MASTER_KEYS},
    },
};

/// First byte of a place that holds a key; of an empty one it is 00.
const HOLDS_A_KEY: u8 = 0x01;
/// `state 1 ‖ code 1 ‖ version 1 ‖ algorithm 1`.
const HEAD_LEN: usize = 4;
const _: () = assert!(HEAD_LEN + KEY_LEN == MASTER_KEY_LEN);

/// What a key is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) code: KeyCode,
    pub(super) version: KeyVersion,
}

/// A master key.
pub(super) struct MasterKey {
    pub(super) name: Name,
    pub(super) algorithm: AlgorithmId,
    pub(super) value: Zeroizing<[u8; KEY_LEN]>,
}

impl MasterKey {
    /// As a key of its cipher.
    ///
    /// # Errors
    /// 6F00: every cipher's keys have this length.
    pub(super) fn key(&self) -> Result<Key, StatusWord> {
        Key::from_value(self.algorithm.algorithm(), &*self.value).ok_or(StatusWord::INTERNAL_ERROR)
    }

    /// The key of that name.
    ///
    /// # Errors
    /// 6A88.
    pub(super) fn find<M: Memory>(nvm: &Journal<M>, name: Name) -> Result<Self, StatusWord> {
        master_keys(nvm).find(|key| key.name == name).ok_or(StatusWord::KEY_NOT_FOUND)
    }

    /// Stages it in the first empty place.
    ///
    /// # Errors
    /// 6A84 if there is none.
    pub(super) fn stage<M: Memory>(&self, nvm: &Journal<M>, transaction: &mut Transaction) -> Result<(), StatusWord> {
        let is_empty = |address: &usize| nvm.array::<1>(*address) != [HOLDS_A_KEY];
        let address = places().find(is_empty).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
        let head = [HOLDS_A_KEY, self.name.code.to_byte(), self.name.version.0, self.algorithm.0];
        let bytes: Zeroizing<[u8; MASTER_KEY_LEN]> =
            Zeroizing::new(Writer::new().put(&head).put(&*self.value).finish());
        transaction.write(address, &*bytes)
    }

    fn read<M: Memory>(nvm: &Journal<M>, address: usize) -> Option<Self> {
        let bytes = Zeroizing::new(nvm.array::<MASTER_KEY_LEN>(address));
        let mut reader = Reader::new(&*bytes);
        reader.u8().filter(|state| *state == HOLDS_A_KEY)?;
        Some(Self {
            name: Name { code: KeyCode::from_byte(reader.u8()?)?, version: KeyVersion(reader.u8()?) },
            algorithm: AlgorithmId(reader.u8()?),
            value: Zeroizing::new(reader.array()?),
        })
    }
}

/// Every key, in the order they came.
pub(super) fn master_keys<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = MasterKey> {
    places().map_while(|address| MasterKey::read(nvm, address))
}

fn places() -> impl Iterator<Item = usize> {
    (0..KEYS_MAX).map(|place| MASTER_KEYS + place * MASTER_KEY_LEN)
}
