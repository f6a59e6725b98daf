//! A recharge: SELECT, VERIFY PIN, INITIALIZE FOR LOAD, CREDIT FOR LOAD (JR/T 0025.2; profile §5).

use onecard_wire::{amount::Amount, date::Moment, number::EnterpriseId, wallet::Purse};

use super::{
    Kind, LoadApprover, OrderNumber, StoreError, Tap, TokenStore,
    online::{Online, carry_out},
    tap::Request,
};
use crate::{card::Pin, transport::Transport};

/// What is loaded. The money has been taken already.
#[derive(Clone, Debug)]
pub struct RechargeOrder {
    /// The terminal's number of this recharge: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application is loaded.
    pub enterprise: EnterpriseId,
    /// Which purse is loaded.
    pub purse: Purse,
    /// Index of the load key, 01 by the profile.
    pub key_id: u8,
    /// What is loaded.
    pub amount: Amount,
    /// Now, by the terminal's or server's clock.
    pub moment: Moment,
    /// The PIN: the card asks for it before a load with key 01.
    pub pin: Option<Pin>,
}

/// Loads the card on the reader for `order`.
///
/// The approver, a load SAM or a server, checks the card's MAC1 and makes MAC2. The token is in the store before CREDIT
/// leaves. The same order presented again begins anew only if the genuine card has just shown that it did not execute the
/// earlier CREDIT; where that cannot be shown it is bound to the same online sequence, of which a card takes one CREDIT
/// only. Either way it is loaded once, however often it is tried.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn recharge<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    order: &RechargeOrder,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: LoadApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::load(order.purse),
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
        undone: None,
    };
    carry_out(card, approver, store, &Online { request, key_id: order.key_id }, |approver, order, initialized| {
        approver.approve(order, initialized.old_balance, initialized.mac1)
    })
}
