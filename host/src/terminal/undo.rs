//! Undo of this terminal's last purchase with a card (消费撤销, own, profile §3.3): SELECT, INITIALIZE FOR UNDO, DEBIT FOR UNDO.

use onecard_wire::{date::Moment, number::EnterpriseId};

use super::{
    Cause, Kind, OrderNumber, Outcome, Reason, StoreError, Tap, TokenStore, Transaction,
    offline::{Offline, carry_out},
    tap::Request,
};
use crate::{sam::Sam, transport::Transport};

/// Which purchase is taken back, whole. What was charged too much (多扣了) is sold anew at the right price.
#[derive(Clone, Debug)]
pub struct UndoOrder {
    /// The till's number of this undo, its own: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application it is.
    pub enterprise: EnterpriseId,
    /// The purchase: this terminal's last with its card, and the card's last of all.
    pub purchase: OrderNumber,
    /// Index of the cancel key, 01 by the profile.
    pub key_id: u8,
    /// Now, by the till's clock.
    pub moment: Moment,
}

/// Gives the card on the reader back what `order`'s purchase took.
///
/// The terminal's own store must name that purchase as the last with this card; the SAM must know it as its own last, and the
/// card as its very last. No validity is asked: what was wrongly taken is given back after the last day too. An undo is a
/// transaction with the three endings of a purchase, and a settlement record; it cannot be undone.
///
/// Once its DEBIT has left, no card can show that it did **not** happen, so it stays unknown after a fault until the same order,
/// presented again, or the next sale to the card ends it ([`Doubt::SequenceUnproven`](super::Doubt::SequenceUnproven)):
/// refund nothing in another way meanwhile.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn undo<C, K, S>(card: &mut C, sam: &mut K, store: &mut S, order: &UndoOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let Some(undone) = purchase_of(store, order)? else {
        let reason = Reason { card: None, cause: Cause::NothingToUndo { purchase: order.purchase } };
        return Ok(Outcome::NotCommitted(reason).into());
    };
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::Undo,
        amount: undone.amount,
        moment: order.moment,
        pin: None,
        undone: Some(undone),
    };
    carry_out(card, sam, store, &Offline { request, key_id: order.key_id, updates: &[] })
}

/// The purchase as this terminal knows it, committed or still in doubt: the tap resolves it then.
fn purchase_of<S: TokenStore + ?Sized>(store: &S, order: &UndoOrder) -> Result<Option<Transaction>, StoreError> {
    let committed = store.committed(order.purchase).map_err(StoreError::before_sending)?;
    let known = match committed {
        Some(record) => Some(record.transaction),
        None => {
            let pending = store.pending().map_err(StoreError::before_sending)?;
            pending.iter().map(|token| token.transaction).find(|transaction| transaction.order == order.purchase)
        }
    };
    Ok(known.filter(|transaction| transaction.kind == Kind::PurchaseEp))
}
