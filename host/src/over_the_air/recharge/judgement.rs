//! A proof of the load's online sequence: of this load, or of another.

use onecard_wire::{amount::Amount, number::EnterpriseId, wallet::TransactionType};

use super::{Begun, Decision, Next, Obstacle, Recharge, Tac};
use crate::{
    crypto::{Key, TransactionTerms, load_tac},
    over_the_air::{PacketCounter, PlaceError, PlacedMac},
};

/// Most balances that a TAC is tried with: what a holder may have paid meanwhile, 10,000 yuan in fen. By chance one of them is right
/// for another's load once in 4,294 times.
pub const BALANCES_TRIED: u32 = 1_000_000;

/// Most balances above the expected one: a purchase of before INITIALIZE that was undone before CREDIT, 1,000 yuan in fen.
pub const UNDONE_TRIED: u32 = 100_000;

/// The card has executed a load of the online sequence. Another terminal's may have taken it: the TAC tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    pub(super) tac: [u8; 4],
    pub(super) recharge: Recharge,
    pub(super) begun: Begun,
}

impl Judgement {
    /// The TAC.
    #[must_use]
    pub const fn tac(&self) -> [u8; 4] {
        self.tac
    }

    /// Whose application.
    #[must_use]
    pub const fn enterprise(&self) -> EnterpriseId {
        self.recharge.terms.enterprise
    }

    /// What the TAC is over, with the balance behind the load.
    #[must_use]
    pub const fn terms(&self) -> (TransactionTerms, u16) {
        let terms = self.recharge.terms;
        let terms = TransactionTerms {
            amount: terms.amount,
            transaction_type: TransactionType::load(terms.purse),
            terminal: terms.terminal,
            moment: self.begun.moment,
        };
        (terms, self.begun.online_sequence)
    }

    /// The balance behind the load, unless the holder paid between INITIALIZE and CREDIT, or undid what was paid before; `None`: it is more than a purse holds.
    #[must_use]
    pub fn expected_balance(&self) -> Option<Amount> {
        self.begun.old_balance.plus(self.recharge.terms.amount)
    }

    /// `is_right` says of a balance behind the load whether the TAC is this load's with it. The expected one comes first: it is right
    /// unless the holder paid between INITIALIZE and CREDIT, or a purchase of before was undone there. Each further one may be right
    /// by chance, at 2^-32, so that no more are asked about than [`BALANCES_TRIED`], and [`UNDONE_TRIED`] above. That none is right
    /// says nothing: more may have been undone, or the key of the card's version is missing. The log tells, or the issuer's books.
    #[must_use]
    pub fn decide(self, mut is_right: impl FnMut(Amount) -> bool) -> Next {
        let Some(expected) = self.expected_balance() else {
            return self.postponed();
        };
        let expected = expected.fen();
        let paid = (expected.saturating_sub(BALANCES_TRIED - 1)..=expected).rev();
        let undone = expected.saturating_add(1)..=expected.saturating_add(UNDONE_TRIED);
        match paid.chain(undone).map(Amount::from_fen).find(|balance| is_right(*balance)) {
            Some(balance) => Next::Ended(Decision::Credited { tac: Some(self.tac), balance: Some(balance) }),
            None => self.postponed(),
        }
    }

    /// Asks the card for its log first, in the packet of `counter`: whose load it was is seen there, and no TAC is tried. If the log
    /// says nothing, or no proof of it comes, this judgement comes again.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn ask_log<M: PlacedMac>(&self, counter: PacketCounter, keeper: &mut M) -> Result<Next, PlaceError<M::Error>> {
        self.recharge.clone().ask_log_with(Some(Tac(self.tac)), counter, keeper)
    }

    /// The same by the card's own TAC key.
    #[must_use]
    pub fn decide_by(self, tac_key: &Key) -> Next {
        let (terms, sequence) = self.terms();
        let tac = self.tac;
        self.decide(|balance| crate::crypto::macs_equal(load_tac(tac_key, balance, sequence, &terms), tac))
    }

    /// Nobody can say now.
    #[must_use]
    pub fn postponed(self) -> Next {
        Next::Ended(Decision::Unknown { token: self.recharge, obstacle: Obstacle::Unchecked })
    }
}
