//! A card behind a network that loses, repeats and delays, and a desk.

use onecard_wire::{date::Moment, ins, wallet::TransactionType};

use super::{
    super::{Decision, Next, Recharge},
    card::{AMOUNT, Card, LOAD_KEY, MAINTENANCE_KEY, OURS, TAC_KEY, noon},
};
use crate::{
    crypto::{SessionKey, TransactionTerms},
    over_the_air::{
        Answer, CommandPacket, KeyInHand, MaintenanceKey, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, Spi,
        Tar, commands, tests::card::every_set,
    },
};

/// What becomes of one packet.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// When it arrives: now, or only after so many later packets; or never.
    pub(super) copies: Vec<u8>,
    pub(super) proof_lost: bool,
    pub(super) torn_at: Option<usize>,
    /// By radio, before it arrives.
    pub(super) used: Option<bool>,
    /// In fen: a purchase of before, undone by radio before it arrives.
    pub(super) undone: u32,
}

pub(super) struct World {
    keys: PacketKeys,
    pub(super) card: Card,
    pub(super) counter: u64,
    /// Packets under way, and after how many further ones they arrive.
    late: Vec<(u8, Vec<u8>)>,
    every: Vec<Vec<u8>>,
    mac2: Vec<(Moment, [u8; 4])>,
    /// Whose desk reads the card's log.
    maintenance: Option<KeyInHand>,
}

impl World {
    pub(super) fn new(balance: u32, aes: bool) -> Self {
        let keys = every_set().swap_remove(if aes { 2 } else { 0 });
        // One of each edition.
        let mut card = Card::with_balance(balance);
        card.shows_key = aes;
        Self { keys, card, counter: 0, late: Vec::new(), every: Vec::new(), mac2: Vec::new(), maintenance: None }
    }

    /// With a desk that has the maintenance key.
    pub(super) fn with_log(balance: u32, aes: bool) -> Self {
        Self { maintenance: Some(KeyInHand(MAINTENANCE_KEY)), ..Self::new(balance, aes) }
    }

    /// Sends the packet that is due; what came back in time.
    pub(super) fn send(&mut self, recharge: Recharge, fate: &Fate) -> Next {
        self.counter += 1;
        let counter = PacketCounter::new(self.counter).unwrap();
        assert!(
            recharge.counter().is_none_or(|made_for| made_for == counter),
            "a packet goes out under its own counter"
        );
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

    fn next_counter(&self) -> PacketCounter {
        PacketCounter::new(self.counter + 1).unwrap()
    }

    pub(super) fn arrive_late(&mut self) {
        for (packets, packet) in core::mem::take(&mut self.late) {
            if packets > 1 {
                self.late.push((packets - 1, packet));
            } else {
                self.card.take(&self.keys, &packet, None);
            }
        }
    }

    /// Goes on until it ends, by the fates of its packets; a network without fates is good.
    pub(super) fn run(&mut self, mut next: Next, fates: &mut impl Iterator<Item = Fate>) -> Decision {
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
                Next::Judge(judgement) => match judgement.clone().decide_by(&TAC_KEY) {
                    Next::Ended(Decision::Unknown { .. })
                        if matches!(judgement.maintenance_key(), MaintenanceKey::Shown(_)) != self.card.shows_key =>
                    {
                        panic!("the card was not asked which key it has")
                    }
                    Next::Ended(Decision::Unknown { .. }) if judgement.log_left() && self.maintenance.is_some() => {
                        let counter = self.next_counter();
                        judgement.ask_log(counter, self.maintenance.as_mut().unwrap()).unwrap()
                    }
                    decided => decided,
                },
                Next::Ended(decision) => return decision,
            };
        }
        panic!("it does not end");
    }

    /// Whoever has seen everything does what he can: sends all packets again, and CREDITs of his own in new ones.
    pub(super) fn attack(&mut self) {
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

impl World {
    /// Up to a CREDIT that was executed and whose proof was lost.
    pub(super) fn run_until_credit_is_lost(&mut self) -> Next {
        let Next::Send(first) = super::begun() else { panic!("it begins by a packet") };
        let Next::Approve(approval) = self.send(first, &super::fate(&[0], false)) else { panic!("the card answers") };
        let session = SessionKey::of_load(&LOAD_KEY, approval.initialized.random, 0);
        let terms = TransactionTerms {
            amount: AMOUNT,
            transaction_type: TransactionType::LOAD_EP,
            terminal: OURS,
            moment: noon(),
        };
        let Next::Send(credit) = approval.approved(noon(), session.load_mac2(&terms)) else { panic!("CREDIT follows") };
        assert!(credit.may_have_credited());
        let next = self.send(credit, &super::fate(&[0], true));
        assert_eq!(self.card.credited, [1, 0]);
        next
    }
}
