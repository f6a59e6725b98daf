//! The load's online sequence was used: by this load, or by another.

use onecard_wire::{amount::Amount, number::EnterpriseId, wallet::TransactionType};

use super::{Asking, Decision, Next, Obstacle, Recharge, Step, Tac, log};
use crate::{
    crypto::{Key, MAC_LEN, TransactionTerms, load_tac, macs_equal},
    over_the_air::{MaintenanceKey, PacketCounter, PlaceError, PlacedMac},
};

/// The card has executed a load of the online sequence. Another terminal's may have taken it: the TAC tells, or the card's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    pub(super) tac: Option<Tac>,
    pub(super) asking: Asking,
    /// Whether somebody has the key that opens the log, as far as is known.
    pub(super) has_key: bool,
    /// At the question.
    pub(super) recharge: Recharge,
}

impl Judgement {
    /// The TAC; `None`: the card has no proof of that sequence any more.
    #[must_use]
    pub fn tac(&self) -> Option<[u8; MAC_LEN]> {
        self.tac.map(|Tac(tac)| tac)
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
            moment: self.asking.begun.moment,
        };
        (terms, self.asking.begun.online_sequence)
    }

    /// The balance behind the load, unless the holder paid between INITIALIZE and CREDIT, or undid what was paid before; `None`: it is more than a purse holds.
    #[must_use]
    pub fn expected_balance(&self) -> Option<Amount> {
        self.asking.begun.old_balance.plus(self.recharge.terms.amount)
    }

    /// Without the log: whose load it was by its TAC, tried with `balances`, those that may have stood behind the load by the issuer's
    /// books; `is_right` says whether the TAC is this load's with one of them. Each may be right by chance, at 2^-32, for another's
    /// load: a range of all that the holder may have paid would find one. That none is right says nothing: another may have stood
    /// there, or the key of the card's version is missing.
    #[must_use]
    pub fn decide(self, balances: impl IntoIterator<Item = Amount>, is_right: impl FnMut(&Amount) -> bool) -> Next {
        match self.tac().zip(balances.into_iter().find(is_right)) {
            Some((tac, balance)) => Next::Ended(Decision::Credited { tac: Some(tac), balance: Some(balance) }),
            None => self.postponed(),
        }
    }

    /// The same with the expected balance alone, by the card's own TAC key.
    #[must_use]
    pub fn decide_by(self, tac_key: &Key) -> Next {
        let (terms, sequence) = self.terms();
        let (tac, expected) = (self.tac(), self.expected_balance());
        let is_right = |tac, balance| macs_equal(load_tac(tac_key, balance, sequence, &terms), tac);
        self.decide(expected, |balance| tac.is_some_and(|tac| is_right(tac, *balance)))
    }

    /// Whether the card can be asked for its log: it has not said yet that it has forgotten the load, and fewer packets for it were
    /// given up than the recharge has patience for.
    #[must_use]
    pub const fn log_left(&self) -> bool {
        self.asking.logs < self.recharge.patience.packets
    }

    /// Which key opens the log.
    #[must_use]
    pub const fn maintenance_key(&self) -> MaintenanceKey {
        match self.asking.maintenance {
            Some(key) => key,
            None => MaintenanceKey::NotShown,
        }
    }

    /// Nobody has that key: what is not decided without the log waits for it.
    #[must_use]
    pub fn without_key(self) -> Self {
        Self { has_key: false, ..self }
    }

    /// Asks the card for its log, in the packet of `counter`: whose load it was is seen there, and no TAC is tried. If the log says
    /// nothing, or no proof of it comes, this judgement comes again.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn ask_log<M: PlacedMac>(&self, counter: PacketCounter, keeper: &mut M) -> Result<Next, PlaceError<M::Error>> {
        let Self { tac, asking, recharge, .. } = self.clone();
        Ok(match log::script(&recharge.terms, counter, keeper)? {
            Ok(script) => recharge.to(Step::Log { asking, tac, counter, script }),
            Err(_) => self.clone().postponed(),
        })
    }

    /// Nobody can say now.
    #[must_use]
    pub fn postponed(self) -> Next {
        let obstacle = match (self.has_key, self.maintenance_key()) {
            (false, MaintenanceKey::Shown(check_value)) => Obstacle::NoMaintenanceKey(check_value),
            _ if self.tac.is_some() => Obstacle::Unchecked,
            _ => Obstacle::SequenceMoved,
        };
        self.recharge.unknown(obstacle)
    }
}
