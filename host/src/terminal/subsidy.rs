//! Subsidies (补贴): a load that each card of a list gets once, whatever terminal of the same store it comes to and however
//! often.
//!
//! Nobody need keep count: a subsidy's order number follows from its number and the card's serial, and no store executes an
//! order number twice. Two stores know nothing of each other, so a subsidy is given out by one store.

use std::collections::BTreeMap;

use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId},
    wallet::Purse,
};

use super::{Cause, LoadApprover, OrderNumber, Outcome, Reason, RechargeOrder, StoreError, Tap, TokenStore, recharge};
use crate::{
    card::{Pin, select},
    transport::Transport,
};

/// Which subsidy of the enterprise: 0 to 8191, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubsidyNumber(u16);

impl SubsidyNumber {
    /// Greatest number.
    pub const MAX: u16 = 0x1FFF;

    /// `None` beyond [`Self::MAX`].
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number <= Self::MAX).then_some(Self(number))
    }

    /// The order number of the load that `serial` gets: bit 64 ‖ subsidy 13 bits ‖ first 15 digits of the serial, 50 bits.
    #[must_use]
    pub fn order(self, serial: ApplicationSerial) -> OrderNumber {
        OrderNumber(OrderNumber::SUBSIDIES | u64::from(self.0) << 50 | crate::blacklist::number(serial))
    }
}

impl OrderNumber {
    /// From here on order numbers are those of subsidies: a terminal numbers its own orders below.
    pub const SUBSIDIES: u64 = 1 << 63;
}

/// Who gets how much.
#[derive(Clone, Debug)]
pub struct Subsidy {
    /// Its number.
    pub number: SubsidyNumber,
    /// Whose application is loaded.
    pub enterprise: EnterpriseId,
    /// Which purse is loaded.
    pub purse: Purse,
    /// Index of the load key, 01 by the profile.
    pub key_id: u8,
    /// The cards, and what each gets.
    pub cards: BTreeMap<ApplicationSerial, Amount>,
}

/// Loads the card on the reader with its share, unless this store has done so before: then the receipt of that time is
/// told again.
///
/// The endings are those of [`recharge`](super::recharge()).
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn subsidise<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    subsidy: &Subsidy,
    moment: Moment,
    pin: Option<Pin>,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: LoadApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let refused = |card, cause| Ok(Outcome::NotCommitted(Reason { card, cause }).into());
    let serial = match select(card, &aid::enterprise_application(subsidy.enterprise)) {
        Ok(application) => application.serial(),
        Err(error) => return refused(None, Cause::Select(error)),
    };
    let Some(amount) = subsidy.cards.get(&serial).copied() else {
        return refused(Some(serial), Cause::NoSubsidy);
    };
    let Subsidy { number, enterprise, purse, key_id, .. } = *subsidy;
    let order = RechargeOrder { number: number.order(serial), enterprise, purse, key_id, amount, moment, pin };
    recharge(card, approver, store, &order)
}
