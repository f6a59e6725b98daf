//! Error counters. A try is spent before the secret is compared, so cutting the power gives none for free.

use onecard_wire::{layout::Writer, status::StatusWord};

use super::KeyRecord;
use crate::{
    cos::Cos,
    failure::{Failure, refuse},
    nvm::{
        Journal, Memory, Transaction,
        ring::{Cell, GENERATION_LEN},
    },
    platform::Platform,
};

/// Generation, then the tries left.
pub(crate) const TRIES_CELL_LEN: usize = GENERATION_LEN + 2;

/// What comparing a secret gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong { tries_left: u16 },
}

impl KeyRecord {
    /// Tries left before the key is blocked.
    pub(crate) fn tries<M: Memory>(&self, nvm: &Journal<M>) -> u16 {
        self.tries_ring().newest(nvm).map_or(0, |cell| u16::from_be_bytes(nvm.array(self.tries_ring().content(cell))))
    }

    /// Stages the error counter.
    pub(super) fn stage_tries<M: Memory>(
        &self,
        nvm: &Journal<M>,
        tries: u16,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        let ring = self.tries_ring();
        self.stage_tries_after(ring.newest(nvm), tries, transaction)
    }

    fn stage_tries_after(
        &self,
        newest: Option<Cell>,
        tries: u16,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        let ring = self.tries_ring();
        let cell = ring.next(newest);
        let bytes: [u8; TRIES_CELL_LEN] = Writer::new().u32(cell.generation).u16(tries).finish();
        transaction.write(ring.address(cell), &bytes)
    }
}

impl<P: Platform> Cos<'_, P> {
    /// Compares a secret of `record`: spends a try, compares, and gives the tries back if it was right.
    ///
    /// # Errors
    /// 6983 if no try is left. Power lost after the comparison: the try stays spent.
    pub(crate) fn compare(
        &mut self,
        record: &KeyRecord,
        is_right: impl FnOnce(&Journal<P>) -> Result<bool, StatusWord>,
    ) -> Result<Verdict, Failure> {
        let tries = record.tries(self.nvm);
        let Some(tries_left) = tries.checked_sub(1) else {
            return refuse(StatusWord::AUTHENTICATION_BLOCKED);
        };
        self.commit_tries(record, tries_left)?;
        if !is_right(self.nvm)? {
            return Ok(Verdict::Wrong { tries_left });
        }
        self.commit_tries(record, record.tries_max().max(tries))?;
        Ok(Verdict::Right)
    }

    fn commit_tries(&mut self, record: &KeyRecord, tries: u16) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        record.stage_tries(self.nvm, tries, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}
