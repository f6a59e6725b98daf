//! Every vector of the data files is shown right by the card and, separately, by the host library; and every construction is
//! vouched for by somebody else than this code.

use std::collections::{BTreeMap, BTreeSet};

use onecard_host::crypto::{Key, LineKey};
use onecard_vectors::{
    Vectors,
    block_cipher::BlockCipher,
    construction::{Construction, constructions, without_published},
    vector::{Body, Vector, Verdict},
};

use onecard_wire::key::{Algorithm, AlgorithmId};

use crate::{probe::line_key, vectors_card, vectors_host};

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

/// The host library's word for a vector's cipher.
pub(crate) const fn algorithm(cipher: BlockCipher) -> Algorithm {
    AlgorithmId(cipher.byte()).algorithm()
}

/// A key of 16 bytes.
pub(crate) fn whole_key(cipher: BlockCipher, value: &[u8]) -> Key {
    Key::new(algorithm(cipher), value.try_into().unwrap())
}

/// A key of 16 bytes, or 8 of DES.
pub(crate) fn keyed(cipher: BlockCipher, value: &[u8]) -> LineKey {
    if value.len() == 8 { line_key(value) } else { whole_key(cipher, value).into() }
}

#[test]
fn every_vector_is_shown_by_both_sides() {
    let vectors = Vectors::embedded().unwrap();
    let (card, host) = (&*vectors_card::TALLY, &*vectors_host::TALLY);
    let all = names(&vectors);
    assert!(all.len() > 260, "{} vectors", all.len());
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

/// Adds each kind under its name.
macro_rules! add_each {
    ($all:ident: $($kind:ident),*) => {
        $(add(&mut $all, stringify!($kind), $kind);)*
    };
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
        unload,
        overdraft,
        access_right,
        sam_purchase,
        sam_load,
        des_crypt,
        sam_mark,
        // Card and host show each of them, in their own tests: the keys of a channel cannot be had from here.
        scp02_session: _,
        scp02_keys: _,
        scp02_challenge: _,
        scp02_chain: _,
        scp02_sensitive_data: _,
        scp02_put_key: _,
        scp03_session: _,
        scp03_keys: _,
        scp03_challenge: _,
        scp03_derivation: _,
        scp03_chain: _,
        scp03_sensitive_data: _,
        scp03_put_key: _,
        // Card and host show them, in their own tests: the keys of a set cannot be had from here.
        command_packet: _,
        response_packet: _,
        // Inside the card alone, where its own test shows them: no answer has a MAC-S or an AK bare.
        milenage: _,
        // Of the key master card: its own tests show them, as the host's store and driver show theirs.
        key_wrap: _,
        exported_key: _,
        // No key is in them: the phone's half is shown by the simulated handset, the card's by its toolkit.
        toolkit_text: _,
        toolkit_command: _,
        toolkit_response: _,
        toolkit_envelope: _,
        toolkit_report: _,
        toolkit_profile: _,
        // Nor in these: a phone's reading is shown by the handset, the operator's by the host, what a SIM does with commands by the
        // card.
        uicc_parameters: _,
        gp_production_data: _,
        gp_recognition_data: _,
        gp_key_information: _,
        gp_registry: _,
        gp_command: _,
    } = vectors;
    let mut all = BTreeSet::new();
    add_each!(all:
        ecb, mac, diversify, key_check_value, authentication, line_protection, encipherment,
        wrapped_key, reload_pin, pin_unblock, load, purchase, unload, overdraft, access_right,
        sam_purchase, sam_load, des_crypt, sam_mark
    );
    all
}

fn add<B: Body>(all: &mut BTreeSet<String>, kind: &str, vectors: &[Vector<B>]) {
    all.extend(vectors.iter().map(|vector| name(kind, vector)));
}

fn name<B>(kind: &str, vector: &Vector<B>) -> String {
    format!("{kind} {:?}", vector.name)
}
