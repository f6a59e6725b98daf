//! An unload (圈提): SELECT, \[VERIFY PIN\], INITIALIZE FOR UNLOAD, DEBIT FOR UNLOAD (JR/T 0025.2; FMCOS 2.0 user manual p. 111 to
//! 114; of the EP: own, profile §3.3). It settles a balance at cancellation and replacement.

use onecard_wire::{amount::Amount, date::Moment, number::EnterpriseId, wallet::Purse};

use super::{
    DeskApprover, DeskClaim, Kind, OrderNumber, StoreError, Tap, TokenStore,
    online::{Online, carry_out},
    tap::Request,
};
use crate::{card::Pin, transport::Transport};

/// What is taken off the card and given to its holder.
#[derive(Clone, Debug)]
pub struct UnloadOrder {
    /// The desk's number of this unload: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application it is.
    pub enterprise: EnterpriseId,
    /// Which purse.
    pub purse: Purse,
    /// Index of the unload key: by the profile 01 for the ED, 02 for the EP.
    pub key_id: u8,
    /// What is taken off.
    pub amount: Amount,
    /// Now, by the desk's or server's clock.
    pub moment: Moment,
    /// The PIN: the ED's key asks for it.
    pub pin: Option<Pin>,
}

/// Takes `order`'s amount off the card on the reader: pay it out on
/// [`Outcome::Committed`](super::Outcome::Committed) alone.
///
/// A balance that is only read proves nothing (profile §9): the card's MAC1 is checked before MAC2 is made, and the unload
/// counts when the card's MAC3 is right, in the answer or in the proof of a later tap. It works whatever the card's status,
/// and after its last day.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn unload<C, A, S>(card: &mut C, approver: &mut A, store: &mut S, order: &UnloadOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: DeskApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::unload(order.purse),
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
        undone: None,
    };
    let terminal = approver.terminal_number();
    carry_out(card, approver, store, &Online { request, key_id: order.key_id }, |approver, order, initialized| {
        approver.approve_at_desk(order, &DeskClaim::of(terminal?, initialized))
    })
}
