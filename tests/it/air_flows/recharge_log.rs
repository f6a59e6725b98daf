//! Whose load it was, by the card's own log.

use onecard_host::{
    crypto::{SessionKey, TransactionTerms, load_tac},
    keys::Purpose,
    over_the_air::{
        KeyInHand, Obstacle,
        recharge::{Decision, Judgement, Next, Patience, Recharge, RechargeTerms},
    },
};
use onecard_simulator::sample::{SIM, Sample};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::TerminalNumber,
    wallet::{Purse, TransactionType},
};

use super::{
    bench::{Bench, Fate, enterprise, serial, with_next_keys},
    till::{LOADED, PRICE, Till},
};

const AMOUNT: Amount = Amount::from_fen(3_000);

/// A card with something in its purse, and its till.
struct Scene {
    bench: Bench,
    till: Till,
}

impl Scene {
    fn new() -> Self {
        let mut sample = with_next_keys();
        let chip = sample.sim(SIM.iccid).unwrap();
        let chip = sample.install(chip, enterprise(), serial()).unwrap();
        let bench = Bench::new(&sample, chip);
        let mut till = Till::new();
        till.load(&bench.slot);
        Self { bench, till }
    }

    fn send(&mut self, recharge: Recharge, fate: Fate) -> Next {
        // As it is kept and read again.
        let recharge: Recharge = serde_json::from_str(&serde_json::to_string(&recharge).unwrap()).unwrap();
        let counter = recharge.counter().unwrap_or_else(|| self.bench.reserve());
        match self.bench.exchange(&recharge.script().unwrap(), counter, recharge.proof_way(), fate) {
            Some(proven) => recharge.answered(&proven),
            None => recharge.timed_out(),
        }
    }

    /// Up to the CREDIT that is due.
    fn approved(&mut self) -> Recharge {
        let terms = RechargeTerms {
            enterprise: enterprise(),
            purse: Purse::Ep,
            key_id: 0x11,
            amount: AMOUNT,
            terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
        };
        let begun = Recharge::begin(terms, Patience { packets: 2, credits: 1 }).unwrap();
        let Next::Approve(approval) = self.send(begun, Fate::Good) else { panic!("the card begins a load") };
        let keys = self.bench.roots.enterprise(enterprise());
        let key = keys.card_key(serial(), Purpose::LoadForAir, Sample::KEY_VERSION).unwrap();
        let moment = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 1]).unwrap();
        let transaction = TransactionTerms {
            amount: AMOUNT,
            transaction_type: TransactionType::LOAD_EP,
            terminal: terms.terminal,
            moment,
        };
        let initialized = approval.initialized;
        let session = SessionKey::of_load(&key, initialized.random, initialized.online_sequence);
        let Next::Send(credit) = approval.approved(moment, session.load_mac2(&transaction)) else { panic!("CREDIT") };
        credit
    }

    /// The CREDIT fares so; the card is asked for its proof.
    fn judgement(&mut self, fate: Fate) -> Judgement {
        let credit = self.approved();
        self.till.sell(&self.bench.slot);
        let Next::Send(ask) = self.send(credit, fate) else { panic!("the card is asked") };
        if fate == Fate::Lost {
            self.till.load(&self.bench.slot);
        }
        let Next::Judge(judgement) = self.send(ask, Fate::Good) else { panic!("it has a proof") };
        judgement
    }

    fn log_asked(&mut self, judgement: &Judgement, fate: Fate) -> Next {
        let counter = self.bench.reserve();
        let mut keeper = self.bench.keeper(judgement.maintenance_key());
        let Next::Send(log) = judgement.ask_log(counter, &mut keeper).unwrap() else { panic!("a packet") };
        self.send(log, fate)
    }
}

fn behind(sold: u32) -> Amount {
    Amount::from_fen(LOADED.fen() + AMOUNT.fen() - sold * PRICE.fen())
}

#[test]
fn this_load_and_the_balance_behind_it_though_the_holder_has_paid() {
    let mut scene = Scene::new();
    let judgement = scene.judgement(Fate::ProofLost);
    scene.till.sell(&scene.bench.slot);
    scene.till.sell(&scene.bench.slot);
    let tac = judgement.tac();
    let Next::Ended(decision) = scene.log_asked(&judgement, Fate::Good) else { panic!("the log says it") };
    assert_eq!(decision, Decision::Credited { tac, balance: Some(behind(1)) });
    assert_eq!(scene.bench.balance_by_radio(), behind(3));
}

#[test]
fn another_load_of_the_same_sequence() {
    let mut scene = Scene::new();
    let judgement = scene.judgement(Fate::Lost);
    let next = scene.log_asked(&judgement, Fate::Good);
    assert_eq!(next, Next::Ended(Decision::NotCredited(Obstacle::OtherLoad)));
}

/// Without the log the TAC says it, with what the books say may have stood behind the load: it is lost, or has forgotten the load.
#[test]
fn a_log_that_says_nothing_leaves_it_to_the_tac() {
    for forgotten in [false, true] {
        let mut scene = Scene::new();
        let judgement = scene.judgement(Fate::ProofLost);
        if forgotten {
            for _ in 0..10 {
                scene.till.load(&scene.bench.slot);
                assert!(scene.till.sell(&scene.bench.slot) && scene.till.sell(&scene.bench.slot));
            }
        }
        let next = scene.log_asked(&judgement, if forgotten { Fate::Good } else { Fate::Lost });
        let Next::Judge(again) = next else { panic!("{next:?}") };
        assert_eq!((again.tac(), again.terms()), (judgement.tac(), judgement.terms()));
        // It has been read, or one of two packets for it is lost.
        assert_eq!(again.log_left(), !forgotten);
        let keys = scene.bench.roots.enterprise(enterprise());
        let key = keys.card_key(serial(), Purpose::Tac, Sample::KEY_VERSION).unwrap();
        let next = again.clone().decide_by(&key);
        assert!(matches!(next, Next::Ended(Decision::Unknown { obstacle: Obstacle::Unchecked, .. })), "{next:?}");
        let ((terms, sequence), tac) = (again.terms(), again.tac());
        let next =
            again.decide([behind(0), behind(1)], |balance| Some(load_tac(&key, *balance, sequence, &terms)) == tac);
        let Next::Ended(Decision::Credited { balance, .. }) = next else { panic!("{next:?}") };
        assert_eq!(balance, Some(behind(1)));
    }
}

/// Eight purchases and another load later the card has no proof any more, but its log still has the record.
#[test]
fn the_log_remembers_what_the_proofs_have_forgotten() {
    let mut scene = Scene::new();
    let credit = scene.approved();
    let mut next = scene.send(credit, Fate::ProofLost);
    scene.till.load(&scene.bench.slot);
    (0..8).for_each(|_| assert!(scene.till.sell(&scene.bench.slot)));
    let judgement = loop {
        next = match next {
            Next::Send(recharge) => scene.send(recharge, Fate::Good),
            Next::Judge(judgement) if judgement.tac().is_none() => break judgement,
            other => panic!("{other:?}"),
        };
    };
    let next = judgement.clone().postponed();
    assert!(matches!(next, Next::Ended(Decision::Unknown { obstacle: Obstacle::SequenceMoved, .. })), "{next:?}");
    let next = scene.log_asked(&judgement, Fate::Good);
    assert_eq!(next, Next::Ended(Decision::Credited { tac: None, balance: Some(behind(0)) }));
}

/// Read by another key than the card's the log says nothing, and so does not give the money back.
#[test]
fn a_log_that_is_asked_for_by_another_key_decides_nothing() {
    let mut scene = Scene::new();
    let judgement = scene.judgement(Fate::ProofLost);
    let keys = scene.bench.roots.enterprise(enterprise());
    let newest = keys.card_key(serial(), Purpose::Maintenance, Sample::NEXT_KEY_VERSION).unwrap();
    let counter = scene.bench.reserve();
    let Next::Send(log) = judgement.ask_log(counter, &mut KeyInHand(newest)).unwrap() else { panic!("a packet") };
    let Next::Judge(again) = scene.send(log, Fate::Good) else { panic!("no record is read") };
    assert!(!again.log_left());
    let tac_key = keys.card_key(serial(), Purpose::Tac, Sample::KEY_VERSION).unwrap();
    let Next::Ended(Decision::Unknown { token, .. }) = again.decide_by(&tac_key) else { panic!("nobody knows") };
    let Next::Judge(resumed) = scene.send(token, Fate::Good) else { panic!("it has a proof") };
    let next = scene.log_asked(&resumed, Fate::Good);
    assert!(matches!(next, Next::Ended(Decision::Credited { .. })), "{next:?}");
}
