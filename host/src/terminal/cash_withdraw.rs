//! A cash withdrawal from the ED: SELECT, VERIFY PIN, INITIALIZE FOR CASH WITHDRAW, DEBIT (JR/T 0025.2; FMCOS 2.0 user manual
//! p. 100 to 103).

use onecard_wire::{amount::Amount, date::Moment, number::EnterpriseId};

use super::{
    Kind, OrderNumber, StoreError, Tap, TokenStore,
    offline::{Offline, carry_out},
    tap::Request,
};
use crate::{card::Pin, sam::Sam, transport::Transport};

/// What is paid out.
#[derive(Clone, Debug)]
pub struct CashOrder {
    /// The terminal's number of this withdrawal: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application pays.
    pub enterprise: EnterpriseId,
    /// Index of the purchase key, 01 by the profile.
    pub key_id: u8,
    /// What is paid out.
    pub amount: Amount,
    /// Now, by the terminal's clock.
    pub moment: Moment,
    /// The PIN: the ED answers to its holder alone.
    pub pin: Pin,
}

/// Takes `order`'s amount off the ED of the card on the reader, as [`purchase`](super::purchase()) takes a price: pay out on
/// [`Outcome::Committed`](super::Outcome::Committed) alone.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn cash_withdraw<C, K, S>(card: &mut C, sam: &mut K, store: &mut S, order: &CashOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::CashWithdraw,
        amount: order.amount,
        moment: order.moment,
        pin: Some(&order.pin),
        undone: None,
    };
    carry_out(card, sam, store, &Offline { request, key_id: order.key_id, updates: &[] })
}
