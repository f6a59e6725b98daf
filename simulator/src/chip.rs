//! A chip: what the applet runs on.

use std::{collections::VecDeque, path::Path};

use onecard_applet::{
    IMAGE_SIZE, KEY_MASTER_IMAGE_SIZE, MOTHER_AUTHENTICATION_IMAGE_SIZE, Memory, Platform, PowerLost,
    RFID_SIM_IMAGE_SIZE, manufacture,
};

use crate::{
    image_file::{Durability, Header, ImageFile, ImageFileError},
    memory::{ChipFailure, ChipMemory, Operation},
    random::RandomStream,
    tear::Cut,
};

pub use onecard_applet::{Blank, Kind};

/// A chip without power: its memory, and what a test wants to happen to it.
#[derive(Debug)]
pub struct Chip {
    kind: Kind,
    seed: u64,
    /// Power-ups so far; outside the card's memory, so that no cut turns the random numbers back.
    boots: u64,
    memory: ChipMemory,
    injected: VecDeque<u8>,
}

/// A chip with power. Its random numbers belong to this power-up alone.
#[derive(Debug)]
pub struct PoweredChip {
    chip: Chip,
    random: RandomStream,
}

impl Chip {
    /// A new chip as its maker delivers it; `seed` decides its random numbers.
    ///
    /// # Errors
    /// [`ChipFailure`]: the applet's blank image does not fit the memory, or a SIM's data are not what they must be.
    pub fn blank(blank: Blank<'_>, seed: u64) -> Result<Self, ChipFailure> {
        let kind = blank.kind();
        let memory = vec![0; image_size(kind)].into_boxed_slice();
        let mut chip = Self::with_memory(Header { kind, seed, boots: 0 }, memory, None).power_on();
        let made = manufacture(&mut chip, blank).map(drop);
        let mut chip = chip.power_off();
        match (chip.memory.take_failure(), made) {
            (Some(failure), _) => Err(failure),
            (None, Err(unmade)) => Err(ChipFailure::Unmade(unmade)),
            (None, Ok(())) => Ok(chip),
        }
    }

    /// Moves the chip into a new image file, which it keeps locked until it is dropped.
    ///
    /// # Errors
    /// [`ImageFileError`]: above all, a file of that name exists. The chip stays where it was.
    pub fn store(&mut self, path: &Path, durability: Durability) -> Result<(), ImageFileError> {
        let Self { kind, seed, boots, .. } = *self;
        let file = ImageFile::create(path, durability, Header { kind, seed, boots }, self.memory.bytes())?;
        self.memory.attach(file);
        Ok(())
    }

    /// The chip of an image file, which it keeps locked until it is dropped.
    ///
    /// # Errors
    /// [`ImageFileError`].
    pub fn open(path: &Path, durability: Durability) -> Result<Self, ImageFileError> {
        let (file, header, memory) = ImageFile::open(path, durability)?;
        Ok(Self::with_memory(header, memory, Some(file)))
    }

    /// A second chip with the same past and, from here, the same random numbers, without the file: what a sweep starts
    /// each of its runs from.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self { memory: self.memory.snapshot(), injected: self.injected.clone(), ..*self }
    }

    /// Power on. A cut ordered before counts its operations from here.
    #[must_use]
    pub fn power_on(mut self) -> PoweredChip {
        self.boots += 1;
        self.memory.power_on(self.boots);
        PoweredChip { random: RandomStream::new(self.seed, self.boots), chip: self }
    }

    /// What it was made as.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its memory, to compare and to look for what must not be there.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        self.memory.bytes()
    }

    /// Programming operations on each page, since it was made or its file opened.
    #[must_use]
    pub fn wear(&self) -> &[u32] {
        self.memory.wear()
    }

    /// Programming operations completed since the last power-up; one cut short is not counted.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.memory.operations()
    }

    /// From now on the operations of each power-up are kept for [`Self::recorded`].
    pub fn record_operations(&mut self) {
        self.memory.record_operations();
    }

    /// The operations since the last power-up, one cut short included, if [`Self::record_operations`] asked for them.
    #[must_use]
    pub fn recorded(&self) -> &[Operation] {
        self.memory.recorded()
    }

    /// Cuts the power at that operation of this power-up, or of the next if it is off. The last order counts; power-off
    /// ends it.
    pub fn cut_power_at(&mut self, cut: Cut) {
        self.memory.cut_power_at(cut);
    }

    /// These come before all other random numbers, to replay a card whose random numbers are known.
    pub fn inject_random(&mut self, bytes: &[u8]) {
        self.injected.extend(bytes);
    }

    /// Why it answers nothing more; the failure is for good.
    #[must_use]
    pub fn failure(&self) -> Option<&ChipFailure> {
        self.memory.failure()
    }

    pub(crate) fn with_memory(header: Header, memory: Box<[u8]>, file: Option<ImageFile>) -> Self {
        let Header { kind, seed, boots } = header;
        Self { kind, seed, boots, memory: ChipMemory::new(memory, file), injected: VecDeque::new() }
    }

    /// No chip at all: what stands in a reader's slot while the chip is on its way.
    pub(crate) fn none() -> Self {
        Self::with_memory(Header { kind: Kind::CpuCard, seed: 0, boots: 0 }, Box::default(), None)
    }
}

/// Bytes of memory of a chip.
const fn image_size(kind: Kind) -> usize {
    match kind {
        Kind::CpuCard | Kind::Sam => IMAGE_SIZE,
        Kind::RfidSim => RFID_SIM_IMAGE_SIZE,
        Kind::KeyMaster => KEY_MASTER_IMAGE_SIZE,
        Kind::MotherAuthentication => MOTHER_AUTHENTICATION_IMAGE_SIZE,
    }
}

impl PoweredChip {
    /// Power off: whatever was only in RAM is gone, and an image file is on the disk.
    #[must_use]
    pub fn power_off(mut self) -> Chip {
        self.chip.memory.power_off();
        self.chip
    }

    /// The chip as it stands.
    #[must_use]
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// The chip as it stands, for orders while it runs.
    pub fn chip_mut(&mut self) -> &mut Chip {
        &mut self.chip
    }
}

impl Memory for PoweredChip {
    fn size(&self) -> usize {
        self.chip.memory.bytes().len()
    }

    #[inline]
    fn read(&self, address: usize, into: &mut [u8]) {
        self.chip.memory.read(address, into);
    }

    #[inline]
    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        self.chip.memory.program(address, bytes)
    }
}

impl Platform for PoweredChip {
    fn random(&mut self, into: &mut [u8]) {
        self.random.fill(&mut self.chip.injected, into);
    }
}

/// Lent to the applet, so that the chip is still here when its power is lost.
impl Memory for &mut PoweredChip {
    fn size(&self) -> usize {
        (**self).size()
    }

    fn read(&self, address: usize, into: &mut [u8]) {
        (**self).read(address, into);
    }

    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        (**self).program(address, bytes)
    }
}

impl Platform for &mut PoweredChip {
    fn random(&mut self, into: &mut [u8]) {
        (**self).random(into);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::{
        collections::HashSet,
        env, fs,
        process::{Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    use onecard_applet::PAGE_SIZE;

    use super::*;
    use crate::tear::Tear;

    const PAGES: usize = 16;

    /// A chip without a card on it.
    fn bare() -> Chip {
        let header = Header { kind: Kind::CpuCard, seed: 5, boots: 0 };
        Chip::with_memory(header, vec![0; PAGES * PAGE_SIZE].into(), None)
    }

    fn bare_in_file() -> (tempfile::TempDir, std::path::PathBuf, Chip) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.nvm");
        let mut chip = bare();
        chip.store(&path, Durability::ProcessKill).unwrap();
        (folder, path, chip)
    }

    fn draw(chip: &mut PoweredChip) -> [u8; 8] {
        let mut bytes = [0; 8];
        chip.random(&mut bytes);
        bytes
    }

    #[test]
    fn random_numbers_never_repeat_however_the_power_goes() {
        let (_folder, path, mut chip) = bare_in_file();
        let mut seen = HashSet::new();
        for round in 0..200 {
            chip.cut_power_at(Cut { operation: 0, tear: Tear::BEFORE });
            let mut powered = chip.power_on();
            assert!(seen.insert(draw(&mut powered)) && seen.insert(draw(&mut powered)));
            if round % 3 == 0 {
                assert_eq!(powered.program(0, &[1]), Err(PowerLost));
            }
            if round % 2 == 0 {
                chip = powered.power_off();
            } else {
                // As when the process dies.
                drop(powered);
                chip = Chip::open(&path, Durability::ProcessKill).unwrap();
            }
        }
        assert_eq!(seen.len(), 400);
    }

    #[test]
    fn a_snapshot_has_the_same_future_and_leaves_the_original_alone() {
        let (_folder, path, chip) = bare_in_file();
        let mut copy = chip.snapshot().power_on();
        let mut original = chip.power_on();
        assert_eq!(draw(&mut copy), draw(&mut original));
        copy.program(0, &[7; 4]).unwrap();
        assert_eq!((copy.chip().image()[0], original.chip().image()[0]), (7, 0));
        drop(original);
        assert_eq!(Chip::open(&path, Durability::ProcessKill).unwrap().image()[0], 0);
    }

    #[test]
    fn a_cut_leaves_the_same_bytes_in_the_file() {
        let (_folder, path, mut chip) = bare_in_file();
        for (i, tear) in crate::tear::tears_of(20).enumerate() {
            chip.cut_power_at(Cut { operation: 1, tear });
            let mut powered = chip.power_on();
            powered.program(0, &[i as u8; 20]).unwrap();
            assert_eq!(powered.program(64, &[i as u8; 20]), Err(PowerLost));
            chip = powered.power_off();
            assert_eq!(&fs::read(&path).unwrap()[32..], chip.image());
        }
        drop(chip);
        Chip::open(&path, Durability::ProcessKill).unwrap();
    }

    #[test]
    fn a_cut_is_over_with_the_power_off_even_if_it_did_not_happen() {
        let mut chip = bare();
        chip.cut_power_at(Cut { operation: 3, tear: Tear::BEFORE });
        let mut powered = chip.power_on().power_off().power_on();
        for _ in 0..10 {
            powered.program(0, &[1]).unwrap();
        }
        assert_eq!(powered.chip().operations(), 10);
    }

    #[test]
    fn a_card_under_power_takes_at_most_64_kib() {
        let chip = Chip::blank(Blank::CpuCard, 1).unwrap();
        let heap = size_of_val(chip.image()) + size_of_val(chip.wear());
        assert!(size_of::<onecard_applet::Card<PoweredChip>>() + heap <= 64 * 1024);
    }

    const KILLED_CHIP: &str = "ONECARD_KILLED_CHIP";

    /// Every operation fills the next page with its number, round and round.
    #[test]
    #[ignore = "what the process does that killing_the_process_is_a_power_cut kills"]
    fn program_until_killed() {
        let Some(path) = env::var_os(KILLED_CHIP) else { return };
        let mut chip = Chip::open(path.as_ref(), Durability::ProcessKill).unwrap().power_on();
        for number in 1u32.. {
            let page = number.to_be_bytes().repeat(PAGE_SIZE / 4);
            chip.program(number as usize % PAGES * PAGE_SIZE, &page).unwrap();
        }
    }

    #[test]
    fn killing_the_process_is_a_power_cut() {
        let (_folder, path, chip) = bare_in_file();
        drop(chip);
        for round in 1..=5u64 {
            let mut process = Command::new(env::current_exe().unwrap())
                .args(["--ignored", "--exact", "chip::tests::program_until_killed"])
                .env(KILLED_CHIP, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let before = pages(&fs::read(&path).unwrap()[32..]);
            let deadline = Instant::now() + Duration::from_secs(60);
            while pages(&fs::read(&path).unwrap()[32..]).iter().zip(&before).any(|(now, before)| now == before) {
                assert!(Instant::now() < deadline, "the other process does not program every page");
                thread::sleep(Duration::from_millis(1));
            }
            assert!(matches!(Chip::open(&path, Durability::ProcessKill), Err(ImageFileError::InUse { .. })));
            thread::sleep(Duration::from_millis(10 + 7 * round));
            process.kill().unwrap();
            process.wait().unwrap();

            let chip = Chip::open(&path, Durability::ProcessKill).unwrap();
            assert_eq!(chip.boots, round);
            assert_eq!(chip.wear(), [0; PAGES]);
            assert_pages_hold_the_last_operations(chip.image());
        }
    }

    fn assert_pages_hold_the_last_operations(image: &[u8]) {
        let numbers: Vec<usize> = pages(image).iter().map(|page| number_in(page)).collect();
        let last = *numbers.iter().max().unwrap();
        for number in last + 1 - PAGES..=last {
            assert_eq!(numbers[number % PAGES], number);
        }
    }

    fn pages(image: &[u8]) -> Vec<Vec<u8>> {
        image.chunks(PAGE_SIZE).map(<[u8]>::to_vec).collect()
    }

    fn number_in(page: &[u8]) -> usize {
        assert!(page.chunks(4).all(|cell| cell == &page[..4]), "a torn page");
        u32::from_be_bytes(page[..4].try_into().unwrap()) as usize
    }
}
