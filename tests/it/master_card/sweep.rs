//! Every command to either card lost on its way or answered in vain, in exports and in copies.

use onecard_host::{
    issuing::Known,
    key_master::{CeremonyKeys, LoadAllowance, fill, move_allowance},
    keys::{EnterpriseKeys, KeySet, Purpose},
};
use onecard_simulator::{
    reader::{Fault, Reader},
    sample::Sample,
};
use onecard_wire::key::Algorithm;

use super::office::{ALLOWANCE, Pair};
use crate::washing::stand::{Kind, Stand};

const FAULTS: [Fault; 2] = [Fault::Removed, Fault::LostAnswer];

#[test]
fn no_cut_yields_an_export_that_is_not_counted() {
    for kind in [Kind::CpuCard, Kind::Sam] {
        let stand = Stand::new(kind, Algorithm::Des);
        let keys = stand.keys();
        let operators = stand.operators();
        let pair = Pair::filled(keys, 1, ALLOWANCE).snapshot();
        let mut undisturbed = pair();
        let mut reader = stand.insert(operators.snapshot());
        stand.second_wash_by(&mut undisturbed.open(keys).unwrap(), &mut reader, Known::default()).0.unwrap();
        let commands = undisturbed.master.exchanges();
        let washed = reader.remove();
        let mut most = 0;
        for (at, fault) in (0..commands).flat_map(|at| FAULTS.map(|fault| (at, fault))) {
            let mut pair = pair();
            let mut reader = stand.insert(operators.snapshot());
            pair.master.fail_at(at, fault);
            let stopped = match pair.open(keys) {
                Ok(mut master) => stand.second_wash_by(&mut master, &mut reader, Known::default()),
                Err(error) => (Err(lost(error)), Known::default()),
            };
            stopped.0.unwrap_err();
            pair.tap();
            reader.tap();
            let (resumed, _) = stand.second_wash_by(&mut pair.open(keys).unwrap(), &mut reader, stopped.1);
            resumed.unwrap_or_else(|error| panic!("{kind:?} {at} {fault:?}: {error}"));
            assert_eq!(stand.portrait(&reader.remove(), false), stand.portrait(&washed, false), "{at} {fault:?}");
            let left = pair.allowance(keys);
            let used = ALLOWANCE.card_exports - left.card_exports + ALLOWANCE.sam_exports - left.sam_exports;
            assert!((stand.exports()..=stand.exports() + 1).contains(&used), "{at} {fault:?}: {used}");
            most = most.max(used);
        }
        println!(
            "exports, {kind:?}: {commands} commands, each lost twice; at most {most} counted of {}",
            stand.exports()
        );
    }
}

/// Nothing reached the card.
fn lost(error: onecard_host::key_master::KeyMasterError) -> onecard_host::issuing::IssuingError {
    use onecard_host::issuing::{IssuingError, Step, Target};
    IssuingError {
        target: Target::Mf,
        step: Step::FindOut,
        cause: onecard_host::key_store::StoreError::from(error).into(),
    }
}

#[test]
fn no_cut_of_a_copy_makes_keys_or_allowances_of_nothing() {
    let keys = few_keys();
    let part = LoadAllowance { card_exports: 60, sam_exports: 5 };
    let (original, copy) = (Pair::filled(&keys, 1, ALLOWANCE), Pair::new(&keys, 2, LoadAllowance::default()));
    let (original, copy) = (original.snapshot(), copy.snapshot());
    let copied = |from: &mut Pair, to: &mut Pair| -> Result<(), String> {
        let mut from = from.open(&keys).map_err(|error| error.to_string())?;
        let mut to = to.open(&keys).map_err(|error| error.to_string())?;
        fill(&mut to, &mut from).map_err(|error| error.to_string())?;
        move_allowance(&mut to, &mut from, part).map_err(|error| error.to_string())?;
        Ok(())
    };
    let (mut from, mut to) = (original(), copy());
    copied(&mut from, &mut to).unwrap();
    type Card = fn(&mut Pair) -> &mut Reader;
    let cards: [Card; 2] = [|pair| &mut pair.master, |pair| &mut pair.mother];
    let mut counts = [0, 0, 0];
    for (of_copy, card) in [false, true].into_iter().flat_map(|of_copy| cards.map(|card| (of_copy, card))) {
        let commands = if of_copy { card(&mut to).exchanges() } else { card(&mut from).exchanges() };
        for (at, fault) in (0..commands).flat_map(|at| FAULTS.map(|fault| (at, fault))) {
            let (mut from, mut to) = (original(), copy());
            card(if of_copy { &mut to } else { &mut from }).fail_at(at, fault);
            copied(&mut from, &mut to).unwrap_err();
            from.tap();
            to.tap();
            let (left, come) = (from.allowance(&keys), to.allowance(&keys));
            let total = [left, come].map(|allowance| allowance.card_exports).iter().sum::<u32>();
            let fate = match (left == ALLOWANCE, come == LoadAllowance::default()) {
                (true, true) => 0,
                // Lost on the way: counted off and gone.
                (false, true) => 1,
                (false, false) => 2,
                (true, false) => panic!("an allowance of nothing: {at} {fault:?}"),
            };
            counts[fate] += 1;
            assert!(
                total == ALLOWANCE.card_exports || fate == 1 && total == ALLOWANCE.card_exports - part.card_exports
            );
            // The keys are brought to an end by doing it again.
            let (mut from, mut to) = (from.open(&keys).unwrap(), to.open(&keys).unwrap());
            fill(&mut to, &mut from).unwrap();
            assert_eq!(to.stored_keys().unwrap(), from.stored_keys().unwrap());
        }
    }
    println!("copies: {counts:?} cuts with the allowance not moved, lost, moved");
    assert!(counts.iter().all(|count| *count > 0));
}

/// Three keys, so that each command can be lost.
fn few_keys() -> EnterpriseKeys {
    let all = Stand::new(Kind::CpuCard, Algorithm::Aes).keys().clone();
    let held = [
        Purpose::Control,
        Purpose::Tac,
        Purpose::SamMaster,
        Purpose::MasterCardWrap,
        Purpose::MasterCardMac,
        Purpose::MotherAuthentication,
    ];
    let keys = held.into_iter().fold(KeySet::default(), |keys, purpose| {
        keys.with(purpose, Sample::KEY_VERSION, all.keys().key(purpose, Sample::KEY_VERSION).unwrap().clone())
    });
    // A ceremony that has them holds them.
    CeremonyKeys::new(EnterpriseKeys::new(all.enterprise(), keys.clone()), Sample::KEY_VERSION).unwrap();
    EnterpriseKeys::new(all.enterprise(), keys)
}
