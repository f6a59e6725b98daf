//! Power cut everywhere: at every programming operation, after every number of its bytes.
//!
//! A memory that has been looked at is not looked at again: two chips whose memories are equal have the same future.

use std::collections::HashSet;

use onecard_applet::PAGE_SIZE;

use super::{Chip, Slot};

/// Cuts `flow` at every operation and byte, then the recovery at every operation. `look` reads all that must move together;
/// `flow` says whether every command was answered by 9000.
pub fn sweep<R: Slot, S: PartialEq + std::fmt::Debug>(
    chip: &Chip,
    look: impl Fn(&mut R) -> S,
    flow: impl Fn(&mut R) -> bool,
) {
    let run = |mut chip: Chip, operations_left, landing| {
        chip.random.clear();
        let mut reader = R::insert(chip);
        let before = reader.chip().0.borrow().operations;
        {
            let mut chip = reader.chip().0.borrow_mut();
            (chip.operations_left, chip.landing) = (operations_left, landing);
        }
        let answered = flow(&mut reader);
        let operations = reader.chip().0.borrow().operations - before;
        (reader.remove(), answered, operations)
    };
    let before = look(&mut R::insert(chip.clone()));
    let (done, answered, operations) = run(chip.clone(), usize::MAX, 0);
    assert!(answered);
    let after = look(&mut R::insert(done));
    assert_ne!(before, after);
    let (mut not_committed, mut committed, mut cuts) = (0, 0, 0);
    let mut torn_before = HashSet::new();
    let mut judged = [HashSet::new(), HashSet::new()];
    for operation in 0..operations {
        for landing in 0..=PAGE_SIZE {
            let (torn, answered, _) = run(chip.clone(), operation, landing);
            assert!(!answered, "an answer after the power went");
            cuts += 1;
            if !torn_before.insert(digest(&torn)) {
                continue;
            }
            let seen = look(&mut R::insert(torn.clone()));
            assert!(seen == before || seen == after, "operation {operation}, {landing} bytes: {seen:?}");
            if seen == before {
                not_committed += 1
            } else {
                committed += 1
            }
            let judged = &mut judged[usize::from(seen == after)];
            cuts += sweep_recovery::<R, S>(&torn, &look, &seen, judged);
        }
    }
    assert!(not_committed > 0 && committed > 0);
    println!("{operations} operations, {cuts} cuts: {not_committed} not committed, {committed} committed");
}

fn sweep_recovery<R: Slot, S: PartialEq + std::fmt::Debug>(
    torn: &Chip,
    look: impl Fn(&mut R) -> S,
    seen: &S,
    judged: &mut HashSet<u64>,
) -> usize {
    let mut cuts = 0;
    for operation in 0.. {
        for landing in [0, 1, 7, 30] {
            let mut chip = torn.clone();
            (chip.operations_left, chip.landing) = (operation, landing);
            match R::try_insert(chip) {
                Ok(_) => return cuts,
                Err(mut again) => {
                    again.operations_left = usize::MAX;
                    if judged.insert(digest(&again)) {
                        assert_eq!(look(&mut R::insert(again)), *seen);
                    }
                    cuts += 1;
                }
            }
        }
    }
    cuts
}

/// Of a memory, eight bytes a step.
pub fn digest(chip: &Chip) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let words = chip.bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    words.fold(0, |digest: u64, word| (digest.rotate_left(29) ^ word).wrapping_mul(PRIME))
}
