//! Trying every cut, and every cut in what follows.
//!
//! An image that has been looked at is not looked at again: two chips whose memories are equal have the same future. So
//! the product of cuts stays exhaustive and becomes small enough to try in every run.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    time::Instant,
};

use onecard_simulator::{
    chip::Chip,
    memory::Operation,
    reader::{Reader, Silence},
    tear::{Cut, Rest, Tear, cuts_of, tears_of},
};

/// What is torn, and what must be true afterwards.
pub(super) struct Flow<'a, A> {
    /// What is printed.
    pub(super) name: &'a str,
    /// The chip before.
    pub(super) chip: &'a Chip,
    /// Does what is torn, with a chip whose cut is ordered already, and takes the chip out.
    pub(super) run: &'a dyn Fn(Chip) -> (Chip, A),
    /// Whether it happened, judged by APDUs to the recovered chip; fails if it happened in part.
    pub(super) judge: &'a dyn Fn(Chip, &A) -> Fate,
    /// How much of the recoveries is torn.
    pub(super) recoveries: Recoveries,
}

/// How much of the recoveries is torn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recoveries {
    /// Each cut of the recovery in every way, and each cut of the recovery after that in the ways of [`few_tears`].
    Twice,
    /// After the outer cuts of [`few_tears`]: each cut of the recovery in those ways.
    Few,
}

/// What has become of what was torn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fate {
    /// It has not happened.
    NotBegun,
    /// It has happened.
    Finished,
    /// A first half that stands for itself: a try that is spent.
    Half,
}

/// What was tried.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// Cuts of the run.
    pub(super) cuts: u64,
    /// Cuts of recoveries.
    pub(super) recovery_cuts: u64,
    /// Cuts of recoveries from those.
    pub(super) second_recovery_cuts: u64,
    /// Distinct memories that came out, by fate.
    pub(super) fates: BTreeMap<Fate, u64>,
}

impl<A> Flow<'_, A> {
    /// Tries everything, prints how much that was, and fails unless each of `expected` came out, and nothing else.
    pub(super) fn sweep(&self, expected: &[Fate]) -> Count {
        let started = Instant::now();
        let mut dry = self.chip.snapshot();
        dry.record_operations();
        let (dry, aftermath) = (self.run)(dry);
        let operations = dry.recorded().to_vec();
        assert!(!operations.is_empty(), "{}: nothing is written", self.name);
        assert_eq!((self.judge)(dry, &aftermath), Fate::Finished, "{}: undisturbed", self.name);

        let lengths: Vec<usize> = operations.iter().map(|operation| operation.length).collect();
        let footprint = footprint(&operations);
        let mut sweep =
            Sweep { flow: self, footprint, count: Count::default(), swept: HashMap::new(), judged: HashSet::new() };
        for cut in cuts_of(&lengths) {
            sweep.count.cuts += 1;
            let mut chip = self.chip.snapshot();
            chip.cut_power_at(cut);
            let (chip, aftermath) = (self.run)(chip);
            assert_eq!(chip.operations(), cut.operation, "{}: {cut:?} did not happen", self.name);
            let follow = self.recoveries == Recoveries::Twice
                || few_tears(lengths[cut.operation as usize]).any(|t| t == cut.tear);
            sweep.recover(chip, &aftermath, cut.operation, if follow { 1 } else { NO_MORE_CUTS });
        }
        let Count { cuts, recovery_cuts, second_recovery_cuts, fates } = &sweep.count;
        println!(
            "{}: {} operations, {cuts} cuts, {recovery_cuts} in recovery, {second_recovery_cuts} in the second recovery, \
             {fates:?} in {:.1?}",
            self.name,
            operations.len(),
            started.elapsed()
        );
        assert_eq!(fates.keys().copied().collect::<Vec<_>>(), expected, "{}", self.name);
        sweep.count
    }
}

/// Nothing landed, half, all but the last byte, or everything; the rest old, erased, random or caught in between.
pub(super) fn few_tears(length: usize) -> impl Iterator<Item = Tear> {
    let whole = 1u64.checked_shl(length as u32).unwrap_or(0).wrapping_sub(1);
    let interesting = [0, whole & 0xFFFF_FFFF >> 1, whole >> 1, whole];
    tears_of(length).filter(move |tear| interesting.contains(&tear.landed) && tear.rest != Rest::Erased(0x00))
}

const NO_MORE_CUTS: usize = 3;

struct Sweep<'a, A> {
    flow: &'a Flow<'a, A>,
    /// The only places where the memory can differ from the chip's before.
    footprint: Vec<Range<usize>>,
    count: Count,
    /// Memories from which recoveries have been torn, with the least number of cuts before them.
    swept: HashMap<(u64, Vec<u8>), usize>,
    /// Recovered memories that have been judged.
    judged: HashSet<(u64, Vec<u8>)>,
}

impl<A> Sweep<'_, A> {
    /// `phase` tells apart what the run's caller knows; `cuts` is how many went before.
    fn recover(&mut self, chip: Chip, aftermath: &A, phase: u64, cuts: usize) {
        let key = (phase, self.written(&chip));
        match self.swept.get(&key) {
            Some(before) if *before <= cuts => return,
            _ => self.swept.insert(key, cuts),
        };
        let mut dry = chip.snapshot();
        dry.record_operations();
        let recovered = Reader::insert(dry);
        assert_eq!(recovered.silence(), None, "{}: the card does not come up any more", self.flow.name);
        let recovered = recovered.remove();
        let lengths: Vec<usize> = recovered.recorded().iter().map(|operation| operation.length).collect();
        self.judge(recovered, aftermath, phase);
        for (operation, length) in (0..).zip(lengths) {
            let all = self.flow.recoveries == Recoveries::Twice && cuts == 1;
            let tears: Vec<Tear> = match cuts {
                1 if all => tears_of(length).collect(),
                1 => few_tears(length).collect(),
                2 if self.flow.recoveries == Recoveries::Twice => few_tears(length).collect(),
                _ => return,
            };
            for tear in tears {
                match cuts {
                    1 => self.count.recovery_cuts += 1,
                    _ => self.count.second_recovery_cuts += 1,
                }
                let mut torn = chip.snapshot();
                torn.cut_power_at(Cut { operation, tear });
                let torn = Reader::insert(torn);
                assert!(matches!(torn.silence(), Some(Silence::NotUp(_))), "{}: recovery was not cut", self.flow.name);
                self.recover(torn.remove(), aftermath, phase, cuts + 1);
            }
        }
    }

    fn judge(&mut self, recovered: Chip, aftermath: &A, phase: u64) {
        let key = (phase, self.written(&recovered));
        if self.judged.contains(&key) {
            return;
        }
        self.assert_nothing_else_changed(&recovered);
        let fate = (self.flow.judge)(recovered, aftermath);
        self.judged.insert(key);
        *self.count.fates.entry(fate).or_default() += 1;
    }

    fn written(&self, chip: &Chip) -> Vec<u8> {
        self.footprint.iter().flat_map(|range| &chip.image()[range.clone()]).copied().collect()
    }

    fn assert_nothing_else_changed(&self, chip: &Chip) {
        let (mut now, mut before) = (chip.image().to_vec(), self.flow.chip.image().to_vec());
        for range in &self.footprint {
            now[range.clone()].fill(0);
            before[range.clone()].fill(0);
        }
        assert!(now == before, "{}: a recovery wrote where the run did not", self.flow.name);
    }
}

/// The bytes these operations write, without overlaps.
fn footprint(operations: &[Operation]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> =
        operations.iter().map(|operation| operation.address..operation.address + operation.length).collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}
