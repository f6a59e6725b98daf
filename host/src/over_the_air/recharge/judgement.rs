//! A proof of the load's online sequence: of this load, or of another.

use onecard_wire::{amount::Amount, number::EnterpriseId, wallet::TransactionType};

use super::{Begun, Decision, Next, Obstacle, Recharge, Tac};
use crate::{
    crypto::{Key, TransactionTerms, load_tac},
    over_the_air::{PacketCounter, PlaceError, PlacedMac},
};

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

    /// Without the log: whose load it was by its TAC, tried with `balances`, those that may have stood behind the load by the issuer's
    /// books; `is_right` says whether the TAC is this load's with one of them. Each may be right by chance, at 2^-32, for another's
    /// load: a range of all that the holder may have paid would find one. That none is right says nothing: another may have stood
    /// there, or the key of the card's version is missing.
    #[must_use]
    pub fn decide(self, balances: impl IntoIterator<Item = Amount>, is_right: impl FnMut(&Amount) -> bool) -> Next {
        match balances.into_iter().find(is_right) {
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

    /// The same with the expected balance alone, by the card's own TAC key.
    #[must_use]
    pub fn decide_by(self, tac_key: &Key) -> Next {
        let (terms, sequence) = self.terms();
        let (tac, expected) = (self.tac, self.expected_balance());
        self.decide(expected, |balance| crate::crypto::macs_equal(load_tac(tac_key, *balance, sequence, &terms), tac))
    }

    /// Nobody can say now.
    #[must_use]
    pub fn postponed(self) -> Next {
        Next::Ended(Decision::Unknown { token: self.recharge, obstacle: Obstacle::Unchecked })
    }
}
