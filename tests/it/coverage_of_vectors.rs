//! Every vector of the data files is shown right by the card and, separately, by the host library; and every construction is
//! vouched for by somebody else than this code.

use std::collections::{BTreeMap, BTreeSet};

use onecard_vectors::{
    Vectors,
    construction::{Construction, constructions, without_published},
    vector::{Body, Vector, Verdict},
};

use crate::{vectors_card, vectors_host};

/// The vectors one side has shown right.
#[derive(Default)]
pub(crate) struct Tally {
    shown: BTreeSet<String>,
    counts: BTreeMap<Construction, usize>,
    invalid: usize,
}

impl Tally {
    /// Runs `show` on each vector; it panics at one that is not as it says.
    pub(crate) fn each<B: Body>(&mut self, kind: &str, vectors: &[Vector<B>], show: impl Fn(&Vector<B>)) {
        for vector in vectors {
            println!("{kind} {:?}", vector.name);
            show(vector);
            self.shown.insert(name(kind, vector));
            match vector.verdict {
                Verdict::Valid => {
                    vector.body.constructions().into_iter().for_each(|it| *self.counts.entry(it).or_default() += 1);
                }
                Verdict::Invalid => self.invalid += 1,
            }
        }
    }

    /// Prints how many vectors each construction has.
    pub(crate) fn print(&self, side: &str) {
        for construction in Construction::ALL {
            let count = self.counts.get(construction).copied().unwrap_or_default();
            println!("{side}: {} {count}", construction.name());
        }
        println!("{side}: {} vectors in all, of which {} must be refused", self.shown.len(), self.invalid);
    }
}

#[test]
fn every_vector_is_shown_by_both_sides() {
    let vectors = Vectors::embedded().unwrap();
    let (card, host) = (&*vectors_card::TALLY, &*vectors_host::TALLY);
    let all = names(&vectors);
    assert!(all.len() > 90, "{} vectors", all.len());
    for (side, tally) in [("card", card), ("host", host)] {
        let missing: Vec<_> = all.difference(&tally.shown).collect();
        assert_eq!(missing, Vec::<&String>::new(), "not shown by the {side}");
        for construction in Construction::ALL {
            assert!(tally.counts.contains_key(construction), "{side}: nothing shows {}", construction.name());
        }
        assert!(tally.invalid >= 2, "{side}: the published vectors that are wrong must be refused");
    }
}

#[test]
fn every_construction_has_a_good_vector_of_somebody_elses() {
    let coverage = constructions(&Vectors::embedded().unwrap());
    assert_eq!(coverage.len(), Construction::ALL.len());
    for row in &coverage {
        assert!(row.published + row.second_implementation > 0, "{}", row.construction.name());
    }
    let by_the_second: Vec<_> = without_published(&coverage).map(|row| row.construction.name()).collect();
    println!("vouched for by the second implementation alone: {}", by_the_second.join(", "));
}

/// All vectors. A kind that is added to the data does not compile until it stands here.
fn names(vectors: &Vectors) -> BTreeSet<String> {
    let Vectors {
        ecb,
        mac,
        diversify,
        key_check_value,
        authentication,
        line_protection,
        encipherment,
        wrapped_key,
        reload_pin,
        pin_unblock,
        load,
        purchase,
        sam_purchase,
        sam_load,
        des_crypt,
    } = vectors;
    let mut all = BTreeSet::new();
    all.extend(ecb.iter().map(|vector| name("ecb", vector)));
    all.extend(mac.iter().map(|vector| name("mac", vector)));
    all.extend(diversify.iter().map(|vector| name("diversify", vector)));
    all.extend(key_check_value.iter().map(|vector| name("key_check_value", vector)));
    all.extend(authentication.iter().map(|vector| name("authentication", vector)));
    all.extend(line_protection.iter().map(|vector| name("line_protection", vector)));
    all.extend(encipherment.iter().map(|vector| name("encipherment", vector)));
    all.extend(wrapped_key.iter().map(|vector| name("wrapped_key", vector)));
    all.extend(reload_pin.iter().map(|vector| name("reload_pin", vector)));
    all.extend(pin_unblock.iter().map(|vector| name("pin_unblock", vector)));
    all.extend(load.iter().map(|vector| name("load", vector)));
    all.extend(purchase.iter().map(|vector| name("purchase", vector)));
    all.extend(sam_purchase.iter().map(|vector| name("sam_purchase", vector)));
    all.extend(sam_load.iter().map(|vector| name("sam_load", vector)));
    all.extend(des_crypt.iter().map(|vector| name("des_crypt", vector)));
    all
}

fn name<B>(kind: &str, vector: &Vector<B>) -> String {
    format!("{kind} {:?}", vector.name)
}
