//! Atomic transactions by a redo journal.
//!
//! A transaction is written, with a sequence number and a checksum, to the next slot of a ring; only then to the places
//! it is meant for. Power-up finds the newest slot whose checksum is right and writes its transaction out again, which
//! changes nothing if that was finished. So a transaction counts from the moment its slot is whole, and the slot before
//! it stays valid until then. Nothing is ever marked as done: there is no mark to tear.
//!
//! Two rules make this sound. Places a transaction writes are written by transactions alone; [`Journal::clear`] is for
//! places that belong to no file, and the newest transaction never wrote there, since the one that freed them is newer.

use crc::{CRC_32_ISCSI, Crc, Table};
use onecard_wire::status::StatusWord;
use zeroize::Zeroize;

use super::{
    Memory, PAGE_SIZE, PowerLost,
    map::{JOURNAL, JOURNAL_SLOT_LEN, JOURNAL_SLOTS},
};

/// Sixteen bytes a step: with a table for one byte a step it took a tenth of a purchase. A port whose chip has 1 KiB to
/// spare for it and not 16 takes `Table<1>`.
static CHECKSUM: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Slot header: checksum 4 ‖ sequence 4 ‖ length of the slot's used part 2.
const HEADER_LEN: usize = 10;
/// Where the header's length stands.
const LENGTH_AT: usize = 8;

/// Writes that take effect together or not at all.
pub struct Transaction {
    slot: [u8; JOURNAL_SLOT_LEN],
    used: usize,
}

impl Transaction {
    /// What each write takes beside its bytes: length 1 ‖ address 2.
    pub const WRITE_HEADER_LEN: usize = 3;
    /// What the writes of one transaction take together at most.
    pub const ROOM: usize = JOURNAL_SLOT_LEN - HEADER_LEN;

    /// One that changes nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { slot: [0; JOURNAL_SLOT_LEN], used: HEADER_LEN }
    }

    /// Adds a write of at most 255 bytes.
    ///
    /// # Errors
    /// 6F00 if the transaction would outgrow a journal slot: a fault of this program, nothing is changed.
    pub fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), StatusWord> {
        let place = u16::try_from(address).map_err(|_| StatusWord::INTERNAL_ERROR)?;
        let length = u8::try_from(bytes.len()).map_err(|_| StatusWord::INTERNAL_ERROR)?;
        let [high, low] = place.to_be_bytes();
        let end = self.used + Self::WRITE_HEADER_LEN + bytes.len();
        let room = self.slot.get_mut(self.used..end).ok_or(StatusWord::INTERNAL_ERROR)?;
        let (header, body) = room.split_at_mut(Self::WRITE_HEADER_LEN);
        header.copy_from_slice(&[length, high, low]);
        body.copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }

    fn seal(&mut self, sequence: u32) {
        let [s0, s1, s2, s3] = sequence.to_be_bytes();
        let [l0, l1] = (self.used as u16).to_be_bytes();
        let covered = [s0, s1, s2, s3, l0, l1];
        for (to, from) in self.slot.iter_mut().skip(4).zip(covered) {
            *to = from;
        }
        let checksum = CHECKSUM.checksum(self.slot.get(4..self.used).unwrap_or_default());
        for (to, from) in self.slot.iter_mut().zip(checksum.to_be_bytes()) {
            *to = from;
        }
    }

    /// The writes, in order.
    fn writes(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut rest = self.slot.get(HEADER_LEN..self.used).unwrap_or_default();
        core::iter::from_fn(move || {
            let ([length, high, low], tail) = rest.split_first_chunk()?;
            let (bytes, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some((usize::from(u16::from_be_bytes([*high, *low])), bytes))
        })
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Transaction {
    /// It may hold key values.
    fn drop(&mut self) {
        if let Some(used) = self.slot.get_mut(..self.used) {
            used.zeroize();
        }
    }
}

/// The memory, and the only way to write it.
pub struct Journal<M> {
    memory: M,
    /// Sequence of the newest whole slot; its place in the ring is the sequence modulo the number of slots.
    newest: u32,
}

impl<M: Memory> Journal<M> {
    /// Power-up: writes out the newest whole transaction once more.
    ///
    /// # Errors
    /// The memory and [`PowerLost`] if the power goes again; recovery may be tried any number of times.
    pub fn recover(memory: M) -> Result<Self, (M, PowerLost)> {
        let mut journal = Self { memory, newest: 0 };
        let Some((sequence, transaction)) = journal.newest_whole_slot() else {
            return Ok(journal);
        };
        journal.newest = sequence;
        for (address, bytes) in transaction.writes() {
            if let Err(lost) = journal.program_where_different(address, bytes) {
                return Err((journal.memory, lost));
            }
        }
        Ok(journal)
    }

    /// Makes every write of `transaction` take effect.
    ///
    /// # Errors
    /// [`PowerLost`]: at the next power-up all of them have taken effect or none.
    pub fn commit(&mut self, mut transaction: Transaction) -> Result<(), PowerLost> {
        let sequence = self.newest.wrapping_add(1);
        transaction.seal(sequence);
        let slot = slot_address(sequence);
        let used = transaction.slot.get(..transaction.used).unwrap_or_default();
        for (page, bytes) in used.chunks(PAGE_SIZE).enumerate() {
            self.memory.program(slot + page * PAGE_SIZE, bytes)?;
        }
        self.newest = sequence;
        for (address, bytes) in transaction.writes() {
            self.program(address, bytes)?;
        }
        Ok(())
    }

    /// Zeroes whole pages that belong to no file. Not atomic, and need not be.
    ///
    /// # Errors
    /// [`PowerLost`]: some are zeroed.
    pub fn clear(&mut self, address: usize, pages: usize) -> Result<(), PowerLost> {
        for page in 0..pages {
            self.program_where_different(address + page * PAGE_SIZE, &[0; PAGE_SIZE])?;
        }
        Ok(())
    }

    /// Zeroes every slot but the newest, and what an older transaction left behind the newest one's end, so that nothing
    /// deleted remains in the journal.
    ///
    /// # Errors
    /// [`PowerLost`]: some are zeroed.
    pub fn forget_older(&mut self) -> Result<(), PowerLost> {
        for older in 1..JOURNAL_SLOTS as u32 {
            self.clear(slot_address(self.newest.wrapping_sub(older)), JOURNAL_SLOT_LEN / PAGE_SIZE)?;
        }
        // Not covered by the checksum: a tear here does not touch the transaction.
        let newest = slot_address(self.newest);
        let used = usize::from(u16::from_be_bytes(self.array(newest + LENGTH_AT)));
        let tail = [0; JOURNAL_SLOT_LEN];
        self.program_where_different(newest + used, tail.get(used..).unwrap_or_default())
    }

    /// `N` bytes from `address` on.
    #[must_use]
    pub fn array<const N: usize>(&self, address: usize) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read(address, &mut bytes);
        bytes
    }

    /// Copies from `address` on.
    pub fn read(&self, address: usize, into: &mut [u8]) {
        self.memory.read(address, into);
    }

    /// The chip behind the journal, for its other abilities.
    pub fn chip(&mut self) -> &mut M {
        &mut self.memory
    }

    /// Power-off.
    #[must_use]
    pub fn into_memory(self) -> M {
        self.memory
    }

    fn newest_whole_slot(&self) -> Option<(u32, Transaction)> {
        let mut below = None;
        loop {
            let sequence = (0..JOURNAL_SLOTS as u32)
                .map(|slot| u32::from_be_bytes(self.array(JOURNAL + slot as usize * JOURNAL_SLOT_LEN + 4)))
                .filter(|sequence| *sequence != 0 && below.is_none_or(|limit| *sequence < limit))
                .max()?;
            if let Some(transaction) = self.whole_slot(sequence) {
                return Some((sequence, transaction));
            }
            below = Some(sequence);
        }
    }

    /// The slot where `sequence` belongs, if it holds just that, whole.
    fn whole_slot(&self, sequence: u32) -> Option<Transaction> {
        let mut transaction = Transaction::new();
        self.memory.read(slot_address(sequence), &mut transaction.slot);
        let (checksum, rest) = transaction.slot.split_first_chunk()?;
        let (stored_sequence, rest) = rest.split_first_chunk()?;
        let (length, _) = rest.split_first_chunk()?;
        transaction.used = usize::from(u16::from_be_bytes(*length));
        let covered = transaction.slot.get(4..transaction.used).filter(|covered| covered.len() >= HEADER_LEN - 4)?;
        let whole = u32::from_be_bytes(*checksum) == CHECKSUM.checksum(covered);
        (whole && u32::from_be_bytes(*stored_sequence) == sequence).then_some(transaction)
    }

    /// Spares the cells that already hold what they should: most power-ups write nothing.
    fn program_where_different(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        for (at, part) in pages(address, bytes) {
            let mut stored = [0; PAGE_SIZE];
            let stored = stored.get_mut(..part.len()).unwrap_or_default();
            self.memory.read(at, stored);
            if stored != part {
                self.memory.program(at, part)?;
            }
        }
        Ok(())
    }

    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        pages(address, bytes).try_for_each(|(at, part)| self.memory.program(at, part))
    }
}

fn slot_address(sequence: u32) -> usize {
    JOURNAL + sequence as usize % JOURNAL_SLOTS * JOURNAL_SLOT_LEN
}

/// Splits a write at page borders.
fn pages(mut address: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    core::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let room = PAGE_SIZE - address % PAGE_SIZE;
        let (part, rest) = bytes.split_at(bytes.len().min(room));
        let at = address;
        (address, bytes) = (address + part.len(), rest);
        Some((at, part))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const WRITE_HEADER_LEN: usize = Transaction::WRITE_HEADER_LEN;

    const SIZE: usize = 8 * 1024;
    const PLACE: usize = 6_000;

    struct Bytes([u8; SIZE]);
    impl Memory for Bytes {
        fn size(&self) -> usize {
            SIZE
        }
        fn read(&self, address: usize, into: &mut [u8]) {
            into.copy_from_slice(&self.0[address..address + into.len()]);
        }
        fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
            assert!(address / PAGE_SIZE == (address + bytes.len() - 1) / PAGE_SIZE, "crosses a page");
            self.0[address..address + bytes.len()].copy_from_slice(bytes);
            Ok(())
        }
    }

    fn journal() -> Journal<Bytes> {
        Journal::recover(Bytes([0; SIZE])).map_err(|(_, lost)| lost).unwrap()
    }

    fn write(journal: &mut Journal<Bytes>, byte: u8) {
        let mut transaction = Transaction::new();
        transaction.write(PLACE, &[byte; 100]).unwrap();
        journal.commit(transaction).unwrap();
    }

    /// The checksum is the published CRC-32C, so writer and reader cannot be wrong together.
    #[test]
    fn the_checksum_has_its_published_check_value() {
        assert_eq!(CHECKSUM.checksum(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn the_newest_whole_slot_is_written_out_again() {
        let mut journal = journal();
        for byte in 1..=20 {
            write(&mut journal, byte);
        }
        let mut memory = journal.into_memory();
        memory.0[PLACE..PLACE + 100].fill(0xEE);
        let journal = Journal::recover(memory).map_err(|(_, lost)| lost).unwrap();
        assert_eq!(journal.array::<100>(PLACE), [20; 100]);
        assert_eq!(journal.newest, 20);
    }

    #[test]
    fn a_slot_with_any_byte_wrong_does_not_count() {
        let mut journal = journal();
        for byte in 1..=9 {
            write(&mut journal, byte);
        }
        let memory = journal.into_memory();
        let slot = slot_address(9);
        for at in 0..HEADER_LEN + WRITE_HEADER_LEN + 100 {
            let mut torn = Bytes(memory.0);
            torn.0[slot + at] ^= 0x10;
            torn.0[PLACE..PLACE + 100].fill(0xEE);
            let journal = Journal::recover(torn).map_err(|(_, lost)| lost).unwrap();
            assert_eq!(journal.newest, 8, "byte {at}");
            assert_eq!(journal.array::<100>(PLACE), [8; 100], "byte {at}");
        }
    }

    #[test]
    fn a_slot_in_another_slots_place_does_not_count() {
        let mut journal = journal();
        write(&mut journal, 1);
        write(&mut journal, 2);
        let mut memory = journal.into_memory();
        let moved: [u8; JOURNAL_SLOT_LEN] =
            memory.0[slot_address(2)..slot_address(2) + JOURNAL_SLOT_LEN].try_into().unwrap();
        memory.0[slot_address(2)..slot_address(2) + JOURNAL_SLOT_LEN].fill(0);
        memory.0[slot_address(3)..slot_address(3) + JOURNAL_SLOT_LEN].copy_from_slice(&moved);
        let journal = Journal::recover(memory).map_err(|(_, lost)| lost).unwrap();
        assert_eq!(journal.newest, 1);
    }

    #[test]
    fn the_smallest_transaction_counts_and_a_shorter_slot_does_not() {
        let mut journal = journal();
        let mut transaction = Transaction::new();
        transaction.write(PLACE, &[7]).unwrap();
        journal.commit(transaction).unwrap();
        let mut memory = journal.into_memory();
        memory.0[PLACE] = 0;
        // A slot of so few bytes that its own header is not all covered, with a checksum that is right.
        for used in 4..HEADER_LEN {
            let slot = slot_address(2);
            memory.0[slot + 4..slot + 10].copy_from_slice(&[0, 0, 0, 2, 0, used as u8]);
            let checksum = CHECKSUM.checksum(&memory.0[slot + 4..slot + used]);
            memory.0[slot..slot + 4].copy_from_slice(&checksum.to_be_bytes());
            let journal = Journal::recover(Bytes(memory.0)).map_err(|(_, lost)| lost).unwrap();
            assert_eq!((journal.newest, journal.array(PLACE)), (1, [7]), "{used}");
        }
    }

    #[test]
    fn a_transaction_cannot_outgrow_its_slot() {
        let mut transaction = Transaction::new();
        assert!(transaction.write(0, &[0; 255]).is_ok());
        let fits = JOURNAL_SLOT_LEN - HEADER_LEN - 2 * WRITE_HEADER_LEN - 255;
        assert_eq!(transaction.write(0, &[0; 255][..fits + 1]), Err(StatusWord::INTERNAL_ERROR));
        assert!(transaction.write(0, &[0; 255][..fits]).is_ok());
        assert_eq!(transaction.write(0, &[]), Err(StatusWord::INTERNAL_ERROR));
        assert_eq!(Transaction::new().write(0x1_0000, &[1]), Err(StatusWord::INTERNAL_ERROR));
        assert_eq!(Transaction::new().write(0, &[0; 256]), Err(StatusWord::INTERNAL_ERROR));
    }

    #[test]
    fn forgetting_keeps_the_newest_alone() {
        let mut journal = journal();
        for byte in 1..=20 {
            write(&mut journal, byte);
        }
        let mut long = Transaction::new();
        long.write(PLACE, &[0xCC; 200]).unwrap();
        journal.commit(long).unwrap();
        for byte in 1..=8 {
            write(&mut journal, byte);
        }
        assert!(journal.array::<JOURNAL_SLOT_LEN>(slot_address(29)).contains(&0xCC), "behind the newest one's end");
        journal.forget_older().unwrap();
        let memory = journal.into_memory();
        assert!(!memory.0[..PLACE].contains(&0xCC));
        let used = memory.0[JOURNAL..JOURNAL + JOURNAL_SLOTS * JOURNAL_SLOT_LEN].chunks(JOURNAL_SLOT_LEN);
        assert_eq!(used.filter(|slot| slot.iter().any(|byte| *byte != 0)).count(), 1);
        assert_eq!(Journal::recover(memory).map_err(|(_, lost)| lost).unwrap().newest, 29);
    }
}
