//! What a power cut leaves of one programming operation.

use std::collections::BTreeSet;

use onecard_applet::PAGE_SIZE;
use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// A power cut during one programming operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Which operation, counted from 0 at the power-up.
    pub operation: u64,
    /// What it leaves behind.
    pub tear: Tear,
}

/// The state of the bytes of an interrupted operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tear {
    /// Bit i is set if byte i of the operation already has its new value.
    pub landed: u64,
    /// What the other bytes hold.
    pub rest: Rest,
}

/// What the bytes hold that have not landed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Their old values.
    Old,
    /// The erased state: FF, or 00 on other chips.
    Erased(u8),
    /// Random bits.
    Random {
        /// Decides the bits.
        seed: u64,
    },
    /// Their old values but for one byte, caught between the two: it has neither its old nor its new value.
    OldButOne {
        /// Which byte of the operation.
        byte: u8,
        /// Decides its value.
        seed: u64,
    },
}

impl Tear {
    /// The power goes before the first byte lands.
    pub const BEFORE: Self = Self { landed: 0, rest: Rest::Old };

    /// The power goes when every byte has landed, before the card knows it.
    pub const AFTER: Self = Self { landed: u64::MAX, rest: Rest::Old };

    /// Turns `cells`, which hold the old bytes, into what is left of programming `new` over them.
    pub(crate) fn apply(self, cells: &mut [u8], new: &[u8]) {
        let mut random = ChaCha8Rng::seed_from_u64(match self.rest {
            Rest::Random { seed } | Rest::OldButOne { seed, .. } => seed,
            Rest::Old | Rest::Erased(_) => 0,
        });
        for (i, (cell, new)) in (0u8..).zip(cells.iter_mut().zip(new)) {
            if self.landed >> i & 1 == 1 {
                *cell = *new;
                continue;
            }
            match self.rest {
                Rest::Old => {}
                Rest::Erased(erased) => *cell = erased,
                Rest::Random { .. } => *cell = random_byte(&mut random),
                Rest::OldButOne { byte, .. } if byte == i => {
                    let old = *cell;
                    while *cell == old || *cell == *new {
                        *cell = random_byte(&mut random);
                    }
                }
                Rest::OldButOne { .. } => {}
            }
        }
    }
}

/// Every tear of an operation of `length` bytes (at most [`PAGE_SIZE`]), in an order that never changes.
///
/// The bytes may land in any order. Up to 8 bytes: all 2^n subsets. Beyond: prefixes, suffixes, single bytes and 64
/// seeded subsets. [`Tear::BEFORE`]'s and [`Tear::AFTER`]'s effects are among them. Then, after each prefix: the rest
/// erased to FF, to 00, random bits, or its first byte caught in between; and each byte caught in between as the last.
pub fn tears_of(length: usize) -> impl Iterator<Item = Tear> + use<> {
    let length = length.min(PAGE_SIZE);
    let subsets = if length <= ALL_SUBSETS_LENGTH { (0..1u64 << length).collect() } else { subsets_beyond(length) };
    let whole = prefix(length);
    let after_prefixes = (0u8..).take(length).flat_map(|byte| {
        let landed = prefix(usize::from(byte));
        let seed = u64::from(byte);
        [Rest::Erased(0xFF), Rest::Erased(0x00), Rest::Random { seed }, Rest::OldButOne { byte, seed }]
            .map(|rest| Tear { landed, rest })
    });
    // The last byte as the last one is the tear after the longest prefix, above.
    let last = (0u8..).take(length.saturating_sub(1)).map(move |byte| Tear {
        landed: whole & !(1 << byte),
        rest: Rest::OldButOne { byte, seed: 0x100 + u64::from(byte) },
    });
    subsets.into_iter().map(|landed| Tear { landed, rest: Rest::Old }).chain(after_prefixes).chain(last)
}

/// Every cut of a session that programmed operations of these lengths: what a sweep tries after a dry run.
pub fn cuts_of(lengths: &[usize]) -> impl Iterator<Item = Cut> + '_ {
    (0u64..).zip(lengths).flat_map(|(operation, &length)| tears_of(length).map(move |tear| Cut { operation, tear }))
}

/// Up to this many bytes every subset is tried.
const ALL_SUBSETS_LENGTH: usize = 8;

/// How many seeded subsets are tried of a longer operation.
const SEEDED_SUBSETS: usize = 64;

const _: () = assert!(PAGE_SIZE <= u64::BITS as usize, "a set of landed bytes is the bits of a u64");

fn subsets_beyond(length: usize) -> Vec<u64> {
    let whole = prefix(length);
    let suffixes = (1..length).map(|first| whole & !prefix(first));
    let singles = (0..length).map(|byte| 1 << byte);
    let mut subsets: BTreeSet<u64> = (0..=length).map(prefix).chain(suffixes).chain(singles).collect();
    let wanted = subsets.len() + SEEDED_SUBSETS;
    let mut random = ChaCha8Rng::seed_from_u64(length as u64);
    while subsets.len() < wanted {
        subsets.insert(random.next_u64() & whole);
    }
    subsets.into_iter().collect()
}

/// The first `length` bytes.
fn prefix(length: usize) -> u64 {
    (1u64.checked_shl(u32::try_from(length).unwrap_or(u32::MAX)).unwrap_or(0)).wrapping_sub(1)
}

fn random_byte(random: &mut ChaCha8Rng) -> u8 {
    let [byte, ..] = random.next_u32().to_le_bytes();
    byte
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    const OLD: [u8; PAGE_SIZE] = [0xA5; PAGE_SIZE];
    const NEW: [u8; PAGE_SIZE] = [0x3C; PAGE_SIZE];

    fn left_by(tear: Tear, length: usize) -> Vec<u8> {
        let mut cells = OLD[..length].to_vec();
        tear.apply(&mut cells, &NEW[..length]);
        cells
    }

    #[test]
    fn up_to_eight_bytes_every_subset_lands_once() {
        for length in 0..=8 {
            let left: BTreeSet<Vec<u8>> =
                tears_of(length).filter(|tear| tear.rest == Rest::Old).map(|tear| left_by(tear, length)).collect();
            assert_eq!(left.len(), 1 << length);
            assert!(left.iter().flatten().all(|byte| [0xA5, 0x3C].contains(byte)));
            let others = if length == 0 { 0 } else { 5 * length - 1 };
            assert_eq!(tears_of(length).count(), (1 << length) + others);
        }
    }

    #[test]
    fn beyond_eight_bytes_prefixes_suffixes_singles_and_64_subsets_land() {
        for length in 9..=PAGE_SIZE {
            let left: BTreeSet<Vec<u8>> =
                tears_of(length).filter(|tear| tear.rest == Rest::Old).map(|tear| left_by(tear, length)).collect();
            assert_eq!(left.len(), (length + 1) + (length - 1) + (length - 2) + 64);
            for split in 0..=length {
                assert!(left.contains([&NEW[..split], &OLD[split..length]].concat().as_slice()));
                assert!(left.contains([&OLD[..split], &NEW[split..length]].concat().as_slice()));
            }
            for byte in 0..length {
                let single = [&OLD[..byte], &NEW[..1], &OLD[byte + 1..length]].concat();
                assert!(left.contains(single.as_slice()));
            }
        }
    }

    #[test]
    fn every_kind_of_torn_byte_occurs_after_every_prefix() {
        for length in [1, 2, 8, 9, 33, PAGE_SIZE] {
            let left: Vec<Vec<u8>> = tears_of(length).map(|tear| left_by(tear, length)).collect();
            for split in 0..length {
                let landed = &NEW[..split];
                for erased in [0xFF, 0x00] {
                    assert!(left.contains(&[landed, &vec![erased; length - split]].concat()));
                }
                let in_between = |byte: u8| ![0xA5, 0x3C, 0x00, 0xFF].contains(&byte);
                let caught = |left: &&Vec<u8>| left[..split] == *landed && left[split + 1..] == OLD[split + 1..length];
                assert!(left.iter().filter(caught).any(|left| ![0xA5, 0x3C].contains(&left[split])));
                assert!(
                    length - split < 8
                        || left.iter().any(|left| left[split..].iter().filter(|b| in_between(**b)).count() > 3)
                );
            }
        }
    }

    #[test]
    fn a_byte_is_caught_in_between_even_where_old_and_new_agree() {
        let mut cells = [0x77; 4];
        Tear { landed: 0b0111, rest: Rest::OldButOne { byte: 3, seed: 9 } }.apply(&mut cells, &[0x77; 4]);
        assert_eq!(cells[..3], [0x77; 3]);
        assert_ne!(cells[3], 0x77);
    }

    #[test]
    fn the_order_never_changes() {
        assert!(tears_of(20).eq(tears_of(20)));
        let cuts: Vec<Cut> = cuts_of(&[1, 0, 2]).collect();
        let operations: Vec<u64> = cuts.iter().map(|cut| cut.operation).collect();
        assert_eq!(operations, [vec![0; 6], vec![1; 1], vec![2; 13]].concat());
    }

    #[test]
    fn before_and_after_leave_old_and_new() {
        assert_eq!(left_by(Tear::BEFORE, PAGE_SIZE), OLD);
        assert_eq!(left_by(Tear::AFTER, PAGE_SIZE), NEW);
    }
}
