//! A purchase: SELECT, INITIALIZE FOR PURCHASE, DEBIT FOR PURCHASE (JR/T 0025.2; profile §5).

use onecard_wire::{amount::Amount, date::Moment, number::EnterpriseId, wallet::Purse};

use super::{
    Kind, OrderNumber, StoreError, Tap, TokenStore,
    offline::{Offline, carry_out},
    tap::Request,
};
use crate::{card::Pin, sam::Sam, transport::Transport};

/// What is sold.
#[derive(Clone, Debug)]
pub struct PurchaseOrder {
    /// The till's number of this sale: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application pays.
    pub enterprise: EnterpriseId,
    /// Which purse pays.
    pub purse: Purse,
    /// Index of the purchase key, 01 by the profile.
    pub key_id: u8,
    /// The price.
    pub amount: Amount,
    /// Now, by the till's clock.
    pub moment: Moment,
    /// The PIN, where the purse (the ED) or a limit asks for it.
    pub pin: Option<Pin>,
}

/// Charges the card on the reader for `order`.
///
/// The card is held for three commands; one more where the FCI lacks EF 0015, of a plain wallet, with a PIN, and for each
/// question that an earlier tap left open. The token is in the store before DEBIT leaves. Whatever the card answers, the SAM's word on its
/// MAC2 decides.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn purchase<C, K, S>(card: &mut C, sam: &mut K, store: &mut S, order: &PurchaseOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::purchase(order.purse),
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
        undone: None,
    };
    carry_out(card, sam, store, &Offline { request, key_id: order.key_id, updates: &[] })
}
