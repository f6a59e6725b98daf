//! Variable-length records: `tag 1 ‖ length 1 ‖ value`, one after the other.

use onecard_wire::status::StatusWord;

use crate::nvm::{Journal, Memory, Transaction};

/// Length of the used length in front of the records.
const USED_LEN: usize = 2;
/// Tag and length of a record.
const HEAD_LEN: usize = 2;

/// Where a variable file's records lie.
#[derive(Clone, Copy)]
pub(super) struct VariableRecords {
    pub(super) body: usize,
    /// Room for records.
    pub(super) size: usize,
}

impl VariableRecords {
    pub(super) const fn body_len(size: usize) -> usize {
        USED_LEN + size
    }

    /// Address and length of a record, by number from 1 or by tag (the first with it).
    pub(super) fn find<M: Memory>(&self, nvm: &Journal<M>, p1: u8, by_number: bool) -> Option<(usize, usize)> {
        self.records(nvm)
            .zip(1..)
            .find(|((tag, ..), number)| if by_number { *number == u32::from(p1) } else { *tag == p1 })
            .map(|((_, address, length), _)| (address, length))
    }

    pub(super) fn count<M: Memory>(&self, nvm: &Journal<M>) -> usize {
        self.records(nvm).count()
    }

    /// Stages a record behind the last.
    ///
    /// # Errors
    /// 6A84 if there is no room, 6A80 if it is not tag, length and so many bytes.
    pub(super) fn stage_append<M: Memory>(
        &self,
        nvm: &Journal<M>,
        record: &[u8],
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        require_record(record)?;
        let used = self.used(nvm);
        let end = used + record.len();
        if end > self.size {
            return Err(StatusWord::NOT_ENOUGH_SPACE);
        }
        transaction.write(self.body + USED_LEN + used, record)?;
        transaction.write(self.body, &(end as u16).to_be_bytes())
    }

    fn used<M: Memory>(&self, nvm: &Journal<M>) -> usize {
        usize::from(u16::from_be_bytes(nvm.array(self.body)))
    }

    /// Tag, address and total length of each record.
    fn records<M: Memory>(&self, nvm: &Journal<M>) -> impl Iterator<Item = (u8, usize, usize)> {
        let end = self.used(nvm);
        let mut at = 0;
        core::iter::from_fn(move || {
            if at + HEAD_LEN > end {
                return None;
            }
            let address = self.body + USED_LEN + at;
            let [tag, length] = nvm.array(address);
            let total = HEAD_LEN + usize::from(length);
            at += total;
            Some((tag, address, total))
        })
    }
}

/// # Errors
/// 6A80 unless `record` is tag, length and so many bytes.
pub(super) fn require_record(record: &[u8]) -> Result<(), StatusWord> {
    match record {
        [_, length, value @ ..] if usize::from(*length) == value.len() => Ok(()),
        _ => Err(StatusWord::WRONG_DATA),
    }
}
