//! What is known of a purse from the answers seen.

use onecard_wire::{
    amount::Amount,
    wallet::{Debited, Proof, Purse, TransactionType},
};

use super::Contradiction;
use crate::trace::{
    transaction::{Begun, Second, TransactionKind},
    whole::Whole,
};

/// Proofs that a purse keeps (clause 6.1.1).
const PROOFS: usize = 8;

/// What is known of one purse.
#[derive(Clone, Default, Debug)]
pub struct PurseState {
    balance: Option<Amount>,
    /// Online and offline.
    sequences: [Option<u16>; 2],
    /// Whether the card stayed in the reader since: else it may have been used elsewhere.
    stayed: bool,
    done: Vec<Deal>,
    doubt: Option<Deal>,
}

/// A transaction with the exchanges that tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::trace) struct Deal {
    pub(in crate::trace) begun: Begun,
    pub(in crate::trace) initialize: Whole,
    /// Once it was sent.
    pub(in crate::trace) second: Option<(Second, Whole)>,
    /// MAC2 or MAC3, and TAC, as GET TRANSACTION PROVE answers them; once they were answered.
    pub(in crate::trace) proof: Option<Proof>,
}

impl PurseState {
    /// The balance, if the answers tell it.
    #[must_use]
    pub const fn balance(&self) -> Option<Amount> {
        self.balance
    }

    /// The sequence that the next INITIALIZE should answer.
    #[must_use]
    pub const fn sequence(&self, online: bool) -> Option<u16> {
        let [of_online, of_offline] = self.sequences;
        if online { of_online } else { of_offline }
    }

    /// The transaction of which nobody has seen the end.
    #[must_use]
    pub fn in_doubt(&self) -> Option<&Begun> {
        self.doubt.as_ref().map(|deal| &deal.begun)
    }

    /// A transaction of this trace that GET TRANSACTION PROVE may be asked for.
    pub(in crate::trace) fn deal(&self, transaction_type: TransactionType, sequence: u16) -> Option<&Deal> {
        self.done.iter().rev().chain(&self.doubt).find(|deal| deal.is(transaction_type, sequence))
    }

    /// The card left the reader: its sequences do not fall, and nothing else is sure.
    pub(super) fn leave(&mut self) {
        self.balance = None;
        self.stayed = false;
    }

    /// INITIALIZE was answered.
    pub(super) fn begun(&mut self, begun: &Begun) -> Vec<Contradiction> {
        let online = begun.kind.is_online();
        let same_counter = self.doubt.as_ref().filter(|deal| deal.begun.kind.is_online() == online);
        // If it stayed in the reader the sequence itself tells.
        if self.stayed && same_counter.is_some_and(|deal| begun.sequence == deal.begun.sequence.wrapping_add(1)) {
            self.doubt_happened();
        } else if same_counter.is_some_and(|deal| begun.sequence == deal.begun.sequence) {
            self.doubt = None;
        }
        let mut against: Vec<_> = self.told_sequence(online, begun.sequence).into_iter().collect();
        against.extend(self.told_balance(begun.purse, begun.old_balance));
        self.stayed = true;
        if takes(begun.kind) && begun.amount > begun.old_balance {
            against.push(Contradiction::AboveBalance);
        }
        against
    }

    /// A balance was answered.
    pub(super) fn told_balance(&mut self, purse: Purse, found: Amount) -> Option<Contradiction> {
        let expected = self.balance.replace(found);
        let (expected, doubted) = match (expected, &self.doubt) {
            (Some(expected), Some(deal)) => (expected, deal.new_balance()),
            (expected, _) => (expected?, None),
        };
        if doubted == Some(found) && found != expected {
            self.doubt_happened();
            return None;
        }
        if expected == found && doubted.is_some_and(|doubted| doubted != found) {
            self.doubt = None;
        }
        (expected != found).then_some(Contradiction::Balance { purse, expected, found })
    }

    fn told_sequence(&mut self, online: bool, found: u16) -> Option<Contradiction> {
        let stayed = self.stayed;
        let expected = self.counter(online).replace(found)?;
        // Elsewhere it may have risen.
        let fits = if stayed { found == expected } else { found >= expected };
        (!fits).then_some(Contradiction::Sequence { online, expected, found })
    }

    /// The second command was done.
    pub(super) fn done(&mut self, deal: Deal) {
        *self.counter(deal.begun.kind.is_online()) = Some(deal.begun.sequence.wrapping_add(1));
        self.balance = deal.new_balance();
        self.doubt = None;
        self.done.push(deal);
        if self.done.len() > PROOFS {
            self.done.remove(0);
        }
    }

    /// The second command had no answer.
    pub(super) fn doubt(&mut self, deal: Deal) {
        self.doubt = Some(deal);
    }

    fn doubt_happened(&mut self) {
        if let Some(deal) = self.doubt.take() {
            self.done(deal);
        }
    }

    /// GET TRANSACTION PROVE was answered by a proof, or by 9406.
    pub(super) fn proof(
        &mut self,
        transaction_type: TransactionType,
        sequence: u16,
        proof: Option<Proof>,
    ) -> Option<Contradiction> {
        let doubted = self.doubt.as_ref().is_some_and(|deal| deal.is(transaction_type, sequence));
        let Some(proof) = proof else {
            if doubted {
                self.doubt = None;
                return None;
            }
            return (self.stayed && self.deal(transaction_type, sequence).is_some())
                .then_some(Contradiction::ProofMissing);
        };
        if doubted {
            if let Some(deal) = &mut self.doubt {
                deal.proof = Some(proof);
            }
            self.doubt_happened();
            return None;
        }
        if let Some(answered) = self.deal(transaction_type, sequence).and_then(|deal| deal.proof) {
            return (answered != proof).then_some(Contradiction::ProofDiffers);
        }
        let last = self.sequence(transaction_type.is_online()).filter(|_| self.stayed)?;
        (sequence > last).then_some(Contradiction::ProofOfNothing { transaction_type, sequence })
    }

    const fn counter(&mut self, online: bool) -> &mut Option<u16> {
        let [of_online, of_offline] = &mut self.sequences;
        if online { of_online } else { of_offline }
    }
}

impl Deal {
    /// Whether GET TRANSACTION PROVE of that type and sequence asks for it.
    fn is(&self, transaction_type: TransactionType, sequence: u16) -> bool {
        let of = self.begun.transaction_type();
        // A compound purchase answers to 09 and 06 (clause 6.8.2).
        let compound = of == TransactionType::CAPP && transaction_type == TransactionType::PURCHASE_EP;
        (of == transaction_type || compound) && sequence == self.begun.sequence.wrapping_add(1)
    }

    pub(super) fn new_balance(&self) -> Option<Amount> {
        self.second.as_ref().and_then(|(second, _)| self.begun.new_balance(second))
    }
}

/// What a proof of the transaction will be, from the answer to its second command; `None` if it is not laid out so.
pub(super) fn proof_of(kind: TransactionKind, answer: &[u8]) -> Option<Proof> {
    let four = || <[u8; 4]>::try_from(answer).ok();
    Some(match kind {
        TransactionKind::Load | TransactionKind::OverdraftUpdate => Proof { mac: [0; 4], tac: four()? },
        TransactionKind::Unload => Proof { mac: four()?, tac: [0; 4] },
        _ => {
            let Debited { tac, mac2 } = Debited::parse(answer)?;
            Proof { mac: mac2, tac }
        }
    })
}

const fn takes(kind: TransactionKind) -> bool {
    matches!(
        kind,
        TransactionKind::Purchase
            | TransactionKind::CashWithdrawal
            | TransactionKind::CompoundPurchase
            | TransactionKind::Unload
    )
}
