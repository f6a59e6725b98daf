//! A chip's non-volatile memory: its bytes, what is programmed, and where the power goes.

use onecard_applet::{PAGE_SIZE, PowerLost};

use crate::{
    image_file::{ImageFile, ImageFileError},
    tear::{Cut, Tear},
};

/// Why a chip answers nothing more, although nobody cut its power.
#[derive(Debug, thiserror::Error)]
pub enum ChipFailure {
    /// The card's software programs what one operation cannot reach.
    #[error("the card programmed {length} bytes at {address:#06X}: not within one page of {PAGE_SIZE}, aligned")]
    AcrossPages {
        /// Of the first byte.
        address: usize,
        /// Bytes.
        length: usize,
    },
    /// The card's software programs beyond the end.
    #[error("the card programmed {length} bytes at {address:#06X}: the memory has {size}")]
    OutsideMemory {
        /// Of the first byte.
        address: usize,
        /// Bytes.
        length: usize,
        /// Bytes there are.
        size: usize,
    },
    /// A SIM's data are not what they must be.
    #[error(
        "a SIM is not made of these data: a key has a length its kind has not, or there are more key sets than fit"
    )]
    Unmade(onecard_applet::Unmade),
    /// The image file took no more bytes. It is as a power cut left it: open it again.
    #[error(transparent)]
    ImageFile(#[from] ImageFileError),
}

/// A programming operation that took place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Of the first byte.
    pub address: usize,
    /// Bytes.
    pub length: usize,
}

/// Chip memory in RAM, and in an image file too if it has one.
#[derive(Debug)]
pub(crate) struct ChipMemory {
    bytes: Box<[u8]>,
    /// Operations on each page.
    wear: Box<[u32]>,
    /// Operations since the power-up.
    operations: u64,
    /// From this operation on nothing is programmed as asked.
    power_ends_at: u64,
    /// What the operation leaves behind at which the power ends; taken as it happens.
    tear: Option<Tear>,
    recorded: Option<Vec<Operation>>,
    failure: Option<ChipFailure>,
    file: Option<ImageFile>,
}

impl ChipMemory {
    pub(crate) fn new(bytes: Box<[u8]>, file: Option<ImageFile>) -> Self {
        let wear = vec![0; bytes.len().div_ceil(PAGE_SIZE)].into_boxed_slice();
        let (recorded, failure) = (None, None);
        Self { bytes, wear, operations: 0, power_ends_at: u64::MAX, tear: None, recorded, failure, file }
    }

    /// The same bytes in RAM, without the file and without a cut.
    pub(crate) fn snapshot(&self) -> Self {
        Self { wear: self.wear.clone(), ..Self::new(self.bytes.clone(), None) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn wear(&self) -> &[u32] {
        &self.wear
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    pub(crate) fn recorded(&self) -> &[Operation] {
        self.recorded.as_deref().unwrap_or_default()
    }

    pub(crate) fn failure(&self) -> Option<&ChipFailure> {
        self.failure.as_ref()
    }

    pub(crate) fn take_failure(&mut self) -> Option<ChipFailure> {
        self.failure.take()
    }

    /// From here on every operation goes to `file` too, which holds these bytes already.
    pub(crate) fn attach(&mut self, file: ImageFile) {
        self.file = Some(file);
    }

    pub(crate) fn record_operations(&mut self) {
        self.recorded.get_or_insert_default();
    }

    pub(crate) fn cut_power_at(&mut self, cut: Cut) {
        if self.failure.is_none() {
            self.power_ends_at = cut.operation;
            self.tear = Some(cut.tear);
        }
    }

    /// Counts operations from 0 again; a cut that was ordered before applies from here. `boots` outlives a power-off
    /// before the card draws its first random number.
    pub(crate) fn power_on(&mut self, boots: u64) {
        self.operations = 0;
        if let Some(recorded) = &mut self.recorded {
            recorded.clear();
        }
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.write_boots(boots)) {
            self.fail(error.into());
        }
    }

    /// The power is back for whoever comes next; a cut that did not happen is forgotten.
    pub(crate) fn power_off(&mut self) {
        if let Some(Err(error)) = self.file.as_mut().map(ImageFile::sync) {
            self.fail(error.into());
        }
        if self.failure.is_none() {
            self.power_ends_at = u64::MAX;
            self.tear = None;
        }
    }

    #[inline]
    pub(crate) fn read(&self, address: usize, into: &mut [u8]) {
        let end = address.saturating_add(into.len());
        match self.bytes.get(address..end) {
            Some(bytes) => into.copy_from_slice(bytes),
            None => self.read_over_the_end(address, into),
        }
    }

    #[inline]
    pub(crate) fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        if self.operations >= self.power_ends_at {
            return self.lose_power(address, bytes);
        }
        self.write(address, bytes)?;
        self.operations += 1;
        Ok(())
    }

    fn fail(&mut self, failure: ChipFailure) {
        self.failure.get_or_insert(failure);
        self.power_ends_at = 0;
        self.tear = None;
    }

    #[cold]
    fn read_over_the_end(&self, address: usize, into: &mut [u8]) {
        let there = self.bytes.get(address..).unwrap_or_default();
        let beyond = std::iter::repeat(&0xFF);
        into.iter_mut().zip(there.iter().chain(beyond)).for_each(|(to, from)| *to = *from);
    }

    #[cold]
    fn lose_power(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        if let Some(tear) = self.tear.take() {
            let mut left = [0; PAGE_SIZE];
            if let Some(left) = left.get_mut(..bytes.len()) {
                self.read(address, left);
                tear.apply(left, bytes);
                self.write(address, left)?;
            } else {
                self.fail(ChipFailure::AcrossPages { address, length: bytes.len() });
            }
        }
        Err(PowerLost)
    }

    #[inline]
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        let length = bytes.len();
        let size = self.bytes.len();
        let page = self.wear.get_mut(address / PAGE_SIZE);
        let cells = self.bytes.get_mut(address..address.saturating_add(length));
        let failure = match (page, cells) {
            _ if length > PAGE_SIZE - address % PAGE_SIZE => ChipFailure::AcrossPages { address, length },
            (Some(page), Some(cells)) => match self.file.as_mut().map_or(Ok(()), |file| file.program(address, bytes)) {
                Ok(()) => {
                    cells.copy_from_slice(bytes);
                    *page = page.saturating_add(1);
                    if let Some(recorded) = &mut self.recorded {
                        recorded.push(Operation { address, length });
                    }
                    return Ok(());
                }
                Err(error) => error.into(),
            },
            _ => ChipFailure::OutsideMemory { address, length, size },
        };
        self.fail(failure);
        Err(PowerLost)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::tear::Rest;

    fn memory() -> ChipMemory {
        ChipMemory::new(vec![0x11; 4 * PAGE_SIZE].into(), None)
    }

    #[test]
    fn reads_ff_beyond_the_end() {
        let mut bytes = [0; 4];
        memory().read(4 * PAGE_SIZE - 2, &mut bytes);
        assert_eq!(bytes, [0x11, 0x11, 0xFF, 0xFF]);
        memory().read(usize::MAX - 1, &mut bytes);
        assert_eq!(bytes, [0xFF; 4]);
    }

    #[test]
    fn the_power_ends_at_the_ordered_operation_and_stays_off() {
        let mut memory = memory();
        memory.record_operations();
        memory.power_on(1);
        let tear = Tear { landed: 0b01, rest: Rest::Old };
        memory.cut_power_at(Cut { operation: 1, tear });
        memory.program(0, &[1, 2]).unwrap();
        assert_eq!(memory.program(70, &[3, 4]), Err(PowerLost));
        assert_eq!(memory.program(128, &[5]), Err(PowerLost));
        assert_eq!((memory.bytes()[0..2].to_vec(), memory.bytes()[70..72].to_vec()), (vec![1, 2], vec![3, 0x11]));
        assert_eq!(memory.bytes()[128], 0x11);
        assert_eq!(memory.operations(), 1);
        assert_eq!(memory.recorded()[0], Operation { address: 0, length: 2 });
        assert_eq!(memory.wear(), [1, 1, 0, 0]);

        memory.power_off();
        memory.power_on(1);
        memory.program(128, &[5]).unwrap();
        assert_eq!(memory.recorded(), [Operation { address: 128, length: 1 }]);
    }

    #[test]
    fn an_operation_across_pages_or_outside_is_a_failure_for_good() {
        for (address, length) in [(63, 2), (0, 65), (4 * PAGE_SIZE, 1), (usize::MAX, 1)] {
            let mut memory = memory();
            assert_eq!(memory.program(address, &vec![0; length]), Err(PowerLost));
            let across = address < PAGE_SIZE;
            let failure = memory.failure().unwrap();
            assert_eq!(matches!(failure, ChipFailure::AcrossPages { .. }), across, "{failure}");
            assert_eq!(matches!(failure, ChipFailure::OutsideMemory { .. }), !across, "{failure}");
            memory.power_off();
            memory.power_on(1);
            memory.cut_power_at(Cut { operation: 5, tear: Tear::AFTER });
            assert_eq!(memory.program(0, &[1]), Err(PowerLost));
            assert!(memory.bytes().iter().all(|byte| *byte == 0x11));
        }
    }
}
