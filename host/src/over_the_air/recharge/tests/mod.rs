//! The flow against a card and a network that lose, repeat, delay and tear.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod card;
mod world;

use onecard_wire::amount::Amount;
use proptest::{collection::vec, prelude::*};

use super::{Asking, Begun, Decision, Judgement, Next, Obstacle, Patience, Recharge, RechargeTerms, Tac, TermsError};
use crate::crypto::Key;
use card::{AMOUNT, PROOFS, noon, terms};
use world::{Fate, World};

fn begun() -> Next {
    Next::Send(Recharge::begin(terms(), Patience { packets: 3, credits: 2 }).unwrap())
}

#[test]
fn a_good_network_credits_once() {
    let mut world = World::new(700, true);
    let Decision::Credited { tac: Some(tac), balance } = world.run(begun(), &mut core::iter::empty()) else {
        panic!("credited");
    };
    assert_eq!((balance, world.card.balance, world.counter), (Some(Amount::from_fen(5_700)), 5_700, 2));
    assert_eq!(world.card.last_load.unwrap().2, tac);
}

fn fate(copies: &[u8], proof_lost: bool) -> Fate {
    Fate { copies: copies.to_vec(), proof_lost, torn_at: None, used: None, undone: 0 }
}

#[test]
fn a_lost_credit_is_sent_anew_and_a_lost_proof_is_not() {
    let mut world = World::new(0, true);
    let fates = [fate(&[0], false), fate(&[], true)];
    assert!(matches!(world.run(begun(), &mut fates.into_iter()), Decision::Credited { .. }));
    // INITIALIZE, CREDIT that is lost, the question, CREDIT.
    assert_eq!((world.counter, world.card.credited), (4, [1, 0]));
    let mut world = World::new(0, true);
    let fates = [fate(&[0], false), fate(&[0], true)];
    let decision = world.run(begun(), &mut fates.into_iter());
    // INITIALIZE, CREDIT, the question: that is enough.
    assert_eq!((world.counter, world.card.credited), (3, [1, 0]));
    assert!(matches!(decision, Decision::Credited { balance: Some(balance), .. } if balance == AMOUNT));
}

/// The refusal of a repeated CREDIT is proven, and says nothing about the first.
#[test]
fn a_repeated_credit_is_asked_about() {
    let mut world = World::new(0, true);
    let fates = [fate(&[0], false), fate(&[0, 0], false)];
    assert!(matches!(world.run(begun(), &mut fates.into_iter()), Decision::Credited { .. }));
    assert_eq!((world.counter, world.card.credited), (3, [1, 0]));
}

#[test]
fn two_lost_credits_are_ended_before_the_money_goes_back() {
    let mut world = World::new(0, false);
    let lost = || fate(&[], true);
    let fates = [fate(&[0], false), lost(), fate(&[0], false), lost()];
    let decision = world.run(begun(), &mut fates.into_iter());
    assert_eq!(decision, Decision::NotCredited(Obstacle::Ended));
    world.attack();
    assert_eq!(world.card.credited, [0, 0]);
}

/// The station's load takes the same online sequence, and its proof is of the same type and sequence.
#[test]
fn the_proof_of_another_load_is_not_taken_for_this_ones() {
    let mut world = World::new(0, true);
    let station = Fate { used: Some(true), ..fate(&[0], true) };
    let decision = world.run(begun(), &mut [fate(&[0], false), station].into_iter());
    // Nor for nobody's: only the log says that it is another's.
    assert!(matches!(decision, Decision::Unknown { obstacle: Obstacle::Unchecked, .. }), "{decision:?}");
    assert_eq!(world.card.credited, [0, 1]);
}

/// Chance finds one balance in four thousand million right for another's load: only those are tried that the books make possible.
#[test]
fn a_tac_is_tried_with_the_balances_of_the_books_alone() {
    let judgement = Judgement {
        tac: Some(Tac([0; 4])),
        asking: Asking {
            begun: Begun { old_balance: Amount::from_fen(700), online_sequence: 0, moment: noon(), mac2: [0; 4] },
            moved: false,
            logs: 0,
            maintenance: None,
        },
        has_key: true,
        recharge: Recharge::begin(terms(), Patience { packets: 1, credits: 1 }).unwrap(),
    };
    assert_eq!(judgement.expected_balance(), Some(Amount::from_fen(5_700)));
    let mut tried = Vec::new();
    let books = [5_700, 5_690, 5_800].map(Amount::from_fen);
    let next = judgement.clone().decide(books, |balance| {
        tried.push(*balance);
        false
    });
    assert_eq!(tried, books);
    assert!(matches!(next, Next::Ended(Decision::Unknown { obstacle: Obstacle::Unchecked, .. })), "{next:?}");
    for right in books {
        let next = judgement.clone().decide(books, |balance| *balance == right);
        let credited =
            matches!(next, Next::Ended(Decision::Credited { balance: Some(balance), .. }) if balance == right);
        assert!(credited, "{next:?}");
    }
}

/// A purchase made before INITIALIZE and undone before CREDIT lifts the balance above what is expected, and one in between lowers it:
/// the money must not go back, and the log says that it is there.
#[test]
fn another_balance_behind_it_does_not_make_it_anothers_load() {
    for changed in [Fate { undone: 1, ..fate(&[0], true) }, Fate { used: Some(false), ..fate(&[0], true) }] {
        let mut world = World::new(700, true);
        let decision = world.run(begun(), &mut [fate(&[0], false), changed.clone()].into_iter());
        assert_eq!(world.card.credited, [1, 0]);
        assert!(matches!(decision, Decision::Unknown { obstacle: Obstacle::Unchecked, .. }), "{decision:?}");
        let mut world = World::with_log(700, true);
        let decision = world.run(begun(), &mut [fate(&[0], false), changed].into_iter());
        assert!(matches!(decision, Decision::Credited { .. }), "{decision:?}");
        assert_eq!(world.card.credited, [1, 0]);
    }
}

/// Whoever has no key of the card's version finds no TAC right: that says nothing of the load.
#[test]
fn a_tac_key_that_is_missing_decides_nothing() {
    let mut world = World::new(0, true);
    let Next::Send(ask) = world.run_until_credit_is_lost() else { panic!("the card is asked") };
    let Next::Judge(judgement) = world.send(ask, &fate(&[0], false)) else { panic!("it has a proof") };
    let next = judgement.decide_by(&Key::from_bytes(*b"another version."));
    assert!(matches!(next, Next::Ended(Decision::Unknown { obstacle: Obstacle::Unchecked, .. })), "{next:?}");
}

/// Eight purchases and another load later the card has no proof of either: 9406 alone would give the money away.
#[test]
fn a_proof_that_is_gone_is_no_proof_of_nothing() {
    let mut world = World::new(10_000, true);
    let next = world.run_until_credit_is_lost();
    world.card.used(true);
    (0..8).for_each(|_| world.card.used(false));
    let decision = world.run(next, &mut core::iter::empty());
    assert!(matches!(&decision, Decision::Unknown { obstacle: Obstacle::SequenceMoved, .. }), "{decision:?}");
}

#[test]
fn what_is_not_begun() {
    let patience = Patience { packets: 1, credits: 1 };
    let begin = |key_id, amount| Recharge::begin(RechargeTerms { key_id, amount, ..terms() }, patience).unwrap_err();
    assert_eq!(begin(0x01, AMOUNT), TermsError::KeyId(1));
    assert_eq!(begin(0x11, Amount::ZERO), TermsError::Nothing);
    let mut world = World::new(0, true);
    let nothing_arrives = (0..3).map(|_| fate(&[], true));
    let decision = world.run(begun(), &mut nothing_arrives.into_iter());
    assert_eq!((decision, world.counter), (Decision::NotCredited(Obstacle::NoProof), 3));
}

prop_compose! {
    fn any_fate()(
        copies in vec(prop_oneof![3 => Just(0_u8), 2 => 1_u8..4], 0..3), proof_lost: bool,
        torn in 0_usize..8, used in prop_oneof![4 => Just(None), 2 => Just(Some(false)), 1 => Just(Some(true))],
    ) -> Fate {
        Fate { copies, proof_lost, torn_at: (1..=3).contains(&torn).then_some(torn), used, undone: 0 }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever the network does: credited means once, not credited means never, and in doubt a good network resolves.
    #[test]
    fn credited_once_or_never(fates in vec(any_fate(), 0..14), balance in 0_u32..200, aes: bool) {
        let mut world = World::with_log(balance, aes);
        let decision = world.run_and_resolve(fates);
        match decision {
            Decision::Credited { .. } => prop_assert_eq!(world.card.credited[0], 1),
            Decision::NotCredited(_) => prop_assert_eq!(world.card.credited[0], 0),
            Decision::Unknown { .. } => prop_assert!(false, "the log would have said it: {:?}", decision),
        }
        world.nothing_credits_any_more()?;
    }

    /// The same where nobody has the maintenance key, so that the log stays closed: what is said is true all the same, and what is
    /// left unknown is for the books.
    #[test]
    fn without_the_log_it_is_true_or_unknown(fates in vec(any_fate(), 0..14), balance in 0_u32..200, aes: bool) {
        let mut world = World::new(balance, aes);
        let decision = world.run_and_resolve(fates);
        match decision {
            Decision::Credited { .. } => prop_assert_eq!(world.card.credited[0], 1),
            Decision::NotCredited(_) => prop_assert_eq!(world.card.credited[0], 0),
            // Another's load took the sequence, or the holder paid in between.
            Decision::Unknown { obstacle: Obstacle::Unchecked, .. } => {
                prop_assert!(world.card.credited == [1, 0] && world.card.log.len() > 1 || world.card.credited[1] > 0);
            }
            Decision::Unknown { obstacle, .. } => {
                // The card has used up its proofs meanwhile.
                prop_assert_eq!(obstacle, Obstacle::SequenceMoved);
                prop_assert!(world.card.proofs.len() == PROOFS);
            }
        }
        world.nothing_credits_any_more()?;
    }
}

impl World {
    /// By those fates, and what is in doubt behind them over a good network.
    fn run_and_resolve(&mut self, fates: Vec<Fate>) -> Decision {
        match self.run(begun(), &mut fates.into_iter()) {
            Decision::Unknown { token, .. } => self.run(Next::Send(token), &mut core::iter::empty()),
            decision => decision,
        }
    }

    fn nothing_credits_any_more(&mut self) -> Result<(), TestCaseError> {
        let before = self.card.credited[0];
        self.arrive_late();
        self.attack();
        prop_assert_eq!(self.card.credited[0], before, "nothing credits behind the decision");
        Ok(())
    }
}
