//! The flow against a card and a network that lose, repeat, delay and tear.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use onecard_wire::{
    amount::Amount,
    date::Moment,
    ins,
    key::{AlgorithmId, KeyVersion},
    number::TerminalNumber,
    ota::packet_status,
    status::StatusWord,
    wallet::{CreditForLoad, Initialize, LoadInitialized, Purse, TransactionType},
};
use proptest::{collection::vec, prelude::*};

use super::{
    BALANCES_TRIED, Begun, Decision, Judgement, Next, Obstacle, Patience, Recharge, RechargeTerms, TermsError,
    UNDONE_TRIED,
};
use crate::{
    apdu::Response,
    crypto::{Key, SessionKey, TransactionTerms, load_tac},
    over_the_air::{
        Answer, CommandPacket, OpenedCommand, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, Script, Spi,
        Tar, commands,
        tests::card::{answered, every_set},
    },
};

const LOAD_KEY: Key = Key::from_bytes(*b"the load key, 11");
const TAC_KEY: Key = Key::from_bytes(*b"the tac key  ...");
const OURS: TerminalNumber = TerminalNumber([0x31, 0, 0, 0, 0, 1]);
const STATION: TerminalNumber = TerminalNumber([0x31, 0, 0, 0, 0, 2]);
const AMOUNT: Amount = Amount::from_fen(5_000);
/// Proofs that a card keeps besides the last load's.
const PROOFS: usize = 8;

fn terms() -> RechargeTerms {
    let enterprise = "1000000000000001".parse().unwrap();
    RechargeTerms { enterprise, purse: Purse::Ep, key_id: 0x11, amount: AMOUNT, terminal: OURS }
}

fn noon() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap()
}

/// The purse by chapter 6, and what is pending by 19.6.
#[derive(Default)]
struct Card {
    counter: u64,
    balance: u32,
    online: u16,
    offline: u16,
    random: u8,
    pending: Option<(Initialize, SessionKey)>,
    /// Type, sequence behind, TAC.
    proofs: Vec<(u8, u16, [u8; 4])>,
    last_load: Option<(u8, u16, [u8; 4])>,
    /// Loads of ours and of the station.
    credited: [u32; 2],
}

impl Card {
    /// Takes a packet; the power goes before the command of that number, if there is one.
    fn take(&mut self, keys: &PacketKeys, packet: &[u8], torn_at: Option<usize>) -> Option<Vec<u8>> {
        let opened = OpenedCommand::read(keys, packet).unwrap();
        let counter = opened.terms.counter.number();
        if counter <= self.counter {
            return Some(answered(keys, &opened.terms, packet_status::COUNTER_LOW, &[]));
        }
        self.counter = counter;
        let script = Script::parse(opened.terms.tar, &opened.data).unwrap();
        let (mut inside, mut executed) = (Vec::new(), 0);
        for (command, number) in script.commands().iter().zip(1..) {
            if torn_at == Some(number) {
                return None;
            }
            let response = self.execute(command.header(), command.data());
            executed = number;
            let apdu = [&response.data[..], &response.status.to_bytes()].concat();
            inside.extend([&[0x23, apdu.len() as u8][..], &apdu].concat());
            if !response.status.is_ok() {
                break;
            }
        }
        let inside = [&[0x80, 0x01, executed as u8][..], &inside].concat();
        let data = [&[0xAB, inside.len() as u8][..], &inside].concat();
        Some(answered(keys, &opened.terms, packet_status::OK, &data))
    }

    fn execute(&mut self, header: [u8; 4], data: &[u8]) -> Response {
        let ok = |data: Vec<u8>| Response { data, status: StatusWord::OK };
        let refused = |status| Response { data: Vec::new(), status: StatusWord(status) };
        match header[1] {
            ins::SELECT => ok(Vec::new()),
            ins::INITIALIZE => ok(self.initialize(Initialize::parse(data).unwrap()).emit().to_vec()),
            ins::CREDIT_FOR_LOAD => match self.credit(CreditForLoad::parse(data).unwrap()) {
                Ok(tac) => ok(tac.to_vec()),
                Err(status) => refused(status),
            },
            ins::GET_BALANCE => ok(self.balance.to_be_bytes().to_vec()),
            ins::GET_TRANSACTION_PROVE => {
                let asked = (header[3], u16::from_be_bytes(data.try_into().unwrap()));
                let kept = self.proofs.iter().chain(&self.last_load).find(|proof| (proof.0, proof.1) == asked);
                kept.map_or_else(|| refused(0x9406), |proof| ok([&[0; 4], &proof.2[..]].concat()))
            }
            other => panic!("{other:02X}"),
        }
    }

    fn initialize(&mut self, order: Initialize) -> LoadInitialized {
        self.random = self.random.wrapping_add(1);
        let random = [self.random; 4];
        let session = SessionKey::of_load(&LOAD_KEY, random, self.online);
        self.pending = (order.amount != Amount::ZERO).then_some((order, session));
        LoadInitialized {
            old_balance: Amount::from_fen(self.balance),
            online_sequence: self.online,
            key_version: KeyVersion(1),
            algorithm: AlgorithmId(0),
            random,
            mac1: [0; 4],
        }
    }

    fn credit(&mut self, credit: CreditForLoad) -> Result<[u8; 4], u16> {
        let (order, session) = self.pending.clone().ok_or(0x6901_u16)?;
        let terms = TransactionTerms {
            amount: order.amount,
            transaction_type: TransactionType::LOAD_EP,
            terminal: order.terminal,
            moment: Moment { date: credit.date, time: credit.time },
        };
        if session.load_mac2(&terms) != credit.mac2 {
            return Err(0x9302);
        }
        Ok(self.loaded(&terms))
    }

    fn loaded(&mut self, terms: &TransactionTerms) -> [u8; 4] {
        self.pending = None;
        self.balance += terms.amount.fen();
        let tac = load_tac(&TAC_KEY, Amount::from_fen(self.balance), self.online, terms);
        self.online += 1;
        self.last_load = Some((TransactionType::LOAD_EP.0, self.online, tac));
        self.keep((TransactionType::LOAD_EP.0, self.online, tac));
        self.credited[usize::from(terms.terminal != OURS)] += 1;
        tac
    }

    fn keep(&mut self, proof: (u8, u16, [u8; 4])) {
        self.proofs.insert(0, proof);
        self.proofs.truncate(PROOFS);
    }

    /// By radio: a purchase of little, or the station's load.
    fn used(&mut self, station: bool) {
        if station {
            let terms = TransactionTerms {
                amount: Amount::from_fen(1_000),
                transaction_type: TransactionType::LOAD_EP,
                terminal: STATION,
                moment: noon(),
            };
            self.loaded(&terms);
        } else if self.balance >= 10 {
            self.balance -= 10;
            self.offline += 1;
            self.keep((TransactionType::PURCHASE_EP.0, self.offline, [1; 4]));
        }
    }
}

/// What becomes of one packet.
#[derive(Clone, Debug)]
struct Fate {
    /// When it arrives: now, or only after so many later packets; or never.
    copies: Vec<u8>,
    proof_lost: bool,
    torn_at: Option<usize>,
    /// By radio, before it arrives.
    used: Option<bool>,
    /// In fen: a purchase of before, undone by radio before it arrives.
    undone: u32,
}

struct World {
    keys: PacketKeys,
    card: Card,
    counter: u64,
    /// Packets under way, and after how many further ones they arrive.
    late: Vec<(u8, Vec<u8>)>,
    every: Vec<Vec<u8>>,
    mac2: Vec<(Moment, [u8; 4])>,
}

impl World {
    fn new(balance: u32, aes: bool) -> Self {
        let keys = every_set().swap_remove(if aes { 2 } else { 0 });
        let card = Card { balance, ..Card::default() };
        Self { keys, card, counter: 0, late: Vec::new(), every: Vec::new(), mac2: Vec::new() }
    }

    /// Sends the packet that is due; what came back in time.
    fn send(&mut self, recharge: Recharge, fate: &Fate) -> Next {
        self.counter += 1;
        let counter = PacketCounter::new(self.counter).unwrap();
        let terms =
            PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: Tar::ENTERPRISE, counter };
        // As it is kept and read again.
        let recharge: Recharge = serde_json::from_str(&serde_json::to_string(&recharge).unwrap()).unwrap();
        let packet = CommandPacket::build(&self.keys, terms, &recharge.script().unwrap().to_bytes()).unwrap().bytes;
        self.every.push(packet.clone());
        self.arrive_late();
        if let Some(station) = fate.used {
            self.card.used(station);
        }
        self.card.balance += fate.undone;
        let mut proofs = Vec::new();
        for copy in &fate.copies {
            if *copy == 0 {
                proofs.extend(self.card.take(&self.keys, &packet, fate.torn_at));
            } else {
                self.late.push((*copy, packet.clone()));
            }
        }
        // The last copy's proof overtakes.
        let proof = proofs.pop().filter(|_| !fate.proof_lost);
        match proof.map(|proof| Answer::read(&self.keys, &terms, &proof).unwrap()) {
            Some(Answer::Proven(proven)) => recharge.answered(&proven),
            Some(Answer::Hint(_)) => panic!("the card proves all it says"),
            None => recharge.timed_out(),
        }
    }

    fn arrive_late(&mut self) {
        for (packets, packet) in core::mem::take(&mut self.late) {
            if packets > 1 {
                self.late.push((packets - 1, packet));
            } else {
                self.card.take(&self.keys, &packet, None);
            }
        }
    }

    /// Goes on until it ends, by the fates of its packets; a network without fates is good.
    fn run(&mut self, mut next: Next, fates: &mut impl Iterator<Item = Fate>) -> Decision {
        for _ in 0..200 {
            next = match next {
                Next::Send(recharge) => {
                    let good = Fate { copies: vec![0], proof_lost: false, torn_at: None, used: None, undone: 0 };
                    let fate = fates.next().unwrap_or(good);
                    self.send(recharge, &fate)
                }
                Next::Approve(approval) => {
                    let initialized = approval.initialized;
                    let session = SessionKey::of_load(&LOAD_KEY, initialized.random, initialized.online_sequence);
                    let terms = TransactionTerms {
                        amount: AMOUNT,
                        transaction_type: TransactionType::LOAD_EP,
                        terminal: OURS,
                        moment: noon(),
                    };
                    let mac2 = session.load_mac2(&terms);
                    self.mac2.push((noon(), mac2));
                    approval.approved(noon(), mac2)
                }
                Next::Judge(judgement) => judgement.decide_by(&TAC_KEY),
                Next::Ended(decision) => return decision,
            };
        }
        panic!("it does not end");
    }

    /// Whoever has seen everything does what he can: sends all packets again, and CREDITs of his own in new ones.
    fn attack(&mut self) {
        for packet in self.every.clone() {
            self.card.take(&self.keys, &packet, None);
        }
        for (moment, mac2) in self.mac2.clone() {
            self.card.execute([0x00, ins::SELECT, 0x04, 0x00], &[]);
            let credit = commands::credit_for_load(moment, mac2);
            self.card.execute(credit.header(), credit.data());
        }
    }
}

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

/// With a balance so high that chance would find a TAC right, it is not said whose load it was.
#[test]
fn a_tac_is_not_tried_until_chance_finds_it_right() {
    let judgement = |highest: u32| Judgement {
        tac: [0; 4],
        recharge: Recharge::begin(terms(), Patience { packets: 1, credits: 1 }).unwrap(),
        begun: Begun {
            old_balance: Amount::from_fen(highest - AMOUNT.fen()),
            online_sequence: 0,
            moment: noon(),
            mac2: [0; 4],
        },
    };
    for highest in [BALANCES_TRIED - 1, BALANCES_TRIED, u32::MAX] {
        let above = UNDONE_TRIED.min(u32::MAX - highest);
        let mut tried = 0;
        let next = judgement(highest).decide(|_| {
            tried += 1;
            false
        });
        // The highest of all is tried twice.
        assert_eq!(tried, BALANCES_TRIED + above.max(1));
        assert!(matches!(next, Next::Ended(Decision::Unknown { obstacle: Obstacle::Unchecked, .. })), "{next:?}");
        let lowest = highest - (BALANCES_TRIED - 1);
        for right in [lowest, highest + above] {
            let next = judgement(highest).decide(|balance| balance.fen() == right);
            assert!(matches!(next, Next::Ended(Decision::Credited { .. })), "{next:?}");
        }
    }
}

/// A purchase made before INITIALIZE and undone before CREDIT lifts the balance above what is expected: the money must not go back.
#[test]
fn a_purchase_undone_in_between_does_not_make_it_anothers_load() {
    let undone = [1, 4_000, UNDONE_TRIED, UNDONE_TRIED + 1];
    for fen in undone {
        let mut world = World::new(700, true);
        let undo = Fate { undone: fen, ..fate(&[0], true) };
        let decision = world.run(begun(), &mut [fate(&[0], false), undo].into_iter());
        assert_eq!(world.card.credited, [1, 0]);
        let found =
            matches!(decision, Decision::Credited { balance: Some(balance), .. } if balance.fen() == 5_700 + fen);
        let is_unknown = matches!(decision, Decision::Unknown { obstacle: Obstacle::Unchecked, .. });
        assert_eq!((found, is_unknown), (fen <= UNDONE_TRIED, fen > UNDONE_TRIED), "{fen}: {decision:?}");
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

impl World {
    /// Up to a CREDIT that was executed and whose proof was lost.
    fn run_until_credit_is_lost(&mut self) -> Next {
        let Next::Send(first) = begun() else { panic!("it begins by a packet") };
        let Next::Approve(approval) = self.send(first, &fate(&[0], false)) else { panic!("the card answers") };
        let session = SessionKey::of_load(&LOAD_KEY, approval.initialized.random, 0);
        let terms = TransactionTerms {
            amount: AMOUNT,
            transaction_type: TransactionType::LOAD_EP,
            terminal: OURS,
            moment: noon(),
        };
        let Next::Send(credit) = approval.approved(noon(), session.load_mac2(&terms)) else { panic!("CREDIT follows") };
        assert!(credit.may_have_credited());
        let next = self.send(credit, &fate(&[0], true));
        assert_eq!(self.card.credited, [1, 0]);
        next
    }
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
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever the network does: credited means once, not credited means never, and in doubt a good network resolves.
    #[test]
    fn credited_once_or_never(fates in vec(any_fate(), 0..14), balance in 0_u32..200, aes: bool) {
        let mut world = World::new(balance, aes);
        let mut fates = fates.into_iter();
        let mut decision = world.run(begun(), &mut fates);
        if let Decision::Unknown { token, .. } = decision {
            decision = world.run(Next::Send(token), &mut core::iter::empty());
        }
        prop_assert!(world.card.credited[0] <= 1);
        match decision {
            Decision::Credited { .. } => prop_assert_eq!(world.card.credited[0], 1),
            Decision::NotCredited(_) => {
                prop_assert_eq!(world.card.credited[0], 0);
            }
            // Another's load took the sequence, and a TAC does not show whose it is not.
            Decision::Unknown { obstacle: Obstacle::Unchecked, .. } => {
                prop_assert!(world.card.credited[0] == 0 && world.card.credited[1] > 0);
            }
            Decision::Unknown { obstacle, .. } => {
                // The card has used up its proofs meanwhile.
                prop_assert_eq!(obstacle, Obstacle::SequenceMoved);
                prop_assert!(world.card.proofs.len() == PROOFS);
            }
        }
        let before = world.card.credited[0];
        world.arrive_late();
        world.attack();
        prop_assert_eq!(world.card.credited[0], before, "nothing credits behind the decision");
    }
}
