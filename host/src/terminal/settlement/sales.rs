//! Which sequence of the card each sale has, where a changed copy claims another's.
//!
//! A sale is what a purchase's TAC covers; the card's sequence is not in it, and a card gives each sequence to one sale. So
//! sales are matched with the sequences their records name: all that can be, whatever order they came in. Of sales that
//! are more than their sequences one was changed, and only the card's log tells which.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// For each sale, by its index, the sequence it has; `None` if it is one of too many for theirs. `named` are the sequences
/// that its records name.
pub(super) fn assigned(named: &[BTreeSet<usize>]) -> Vec<Option<usize>> {
    let mut matched = Matched::default();
    let mut too_many = BTreeSet::new();
    for sale in 0..named.len() {
        if let Err(sales) = matched.place(sale, named) {
            too_many.extend(sales);
        }
    }
    let of = |sale| matched.sequence_of.get(&sale).copied().filter(|_| !too_many.contains(&sale));
    (0..named.len()).map(of).collect()
}

/// Sales and sequences, one for one.
#[derive(Default)]
struct Matched {
    sequence_of: HashMap<usize, usize>,
    sale_of: HashMap<usize, usize>,
}

impl Matched {
    /// Gives `sale` a sequence, and others of theirs to those that must move for it; else the sales that are too many for what
    /// they name.
    fn place(&mut self, sale: usize, named: &[BTreeSet<usize>]) -> Result<(), BTreeSet<usize>> {
        // From which sale each sequence was reached: the way back along which they are given anew.
        let mut reached_from = HashMap::new();
        let (mut seen, mut waiting) = (BTreeSet::from([sale]), VecDeque::from([sale]));
        while let Some(asking) = waiting.pop_front() {
            for sequence in named.get(asking).into_iter().flatten().copied() {
                if reached_from.contains_key(&sequence) {
                    continue;
                }
                reached_from.insert(sequence, asking);
                match self.sale_of.get(&sequence).copied() {
                    Some(holder) if seen.insert(holder) => waiting.push_back(holder),
                    Some(_) => {}
                    None => {
                        self.give(sequence, &reached_from);
                        return Ok(());
                    }
                }
            }
        }
        Err(seen)
    }

    /// Gives the free `sequence` to the sale it was reached from, what that had to the sale before, and so on.
    fn give(&mut self, sequence: usize, reached_from: &HashMap<usize, usize>) {
        let mut free = Some(sequence);
        while let Some((sequence, sale)) = free.and_then(|free| Some((free, *reached_from.get(&free)?))) {
            self.sale_of.insert(sequence, sale);
            free = self.sequence_of.insert(sale, sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const SALES: usize>(named: [&[usize]; SALES]) -> Vec<Option<usize>> {
        assigned(&named.map(|named| named.iter().copied().collect()))
    }

    #[test]
    fn sales_move_for_those_that_have_no_other_sequence() {
        assert_eq!(of([&[1], &[2]]), [Some(1), Some(2)]);
        assert_eq!(of([&[1, 2], &[1]]), [Some(2), Some(1)]);
        assert_eq!(of([&[1, 2], &[1, 3], &[1]]), [Some(2), Some(3), Some(1)]);
        assert_eq!(of([&[1, 2], &[2, 3], &[3, 4], &[1]]), [Some(2), Some(3), Some(4), Some(1)]);
    }

    #[test]
    fn sales_that_are_too_many_have_none_and_take_nobody_with_them() {
        assert_eq!(of([&[1], &[1]]), [None, None]);
        assert_eq!(of([&[1, 2], &[1], &[2], &[5]]), [None, None, None, Some(5)]);
        // The third may have the second sequence, whoever of the first two has the first.
        assert_eq!(of([&[1], &[1], &[1, 2]]), [None, None, Some(2)]);
        assert_eq!(of([&[1, 2], &[1], &[1]]), [Some(2), None, None]);
    }
}
