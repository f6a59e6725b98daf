//! An update of the ED's overdraft limit (修改透支限额): SELECT, VERIFY PIN, INITIALIZE FOR UPDATE, UPDATE OVERDRAW LIMIT (JR/T
//! 0025.2; FMCOS 2.0 user manual p. 117 to 119).

use onecard_wire::{date::Moment, number::EnterpriseId, wallet::OverdraftLimit};

use super::{
    DeskApprover, DeskClaim, Kind, OrderNumber, StoreError, Tap, TokenStore,
    online::{Online, carry_out},
    tap::Request,
};
use crate::{card::Pin, transport::Transport};

/// Which limit the ED gets.
#[derive(Clone, Debug)]
pub struct OverdraftOrder {
    /// The desk's number of this update: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application it is.
    pub enterprise: EnterpriseId,
    /// Index of the overdraft key, 01 by the profile.
    pub key_id: u8,
    /// The limit from now on. What the holder has overdrawn already must fit into it.
    pub limit: OverdraftLimit,
    /// Now, by the desk's or server's clock.
    pub moment: Moment,
    /// The PIN: the ED answers to its holder alone.
    pub pin: Pin,
}

/// Gives the ED of the card on the reader `order`'s limit. The balance moves with the limit; the holder's own money stays.
///
/// It counts when the issuer has found the TAC right: give the approver the issuer too
/// ([`WithIssuer`](super::WithIssuer)), or decide by [`resolve_by_issuer`](super::resolve_by_issuer).
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn update_overdraft<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    order: &OverdraftOrder,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: DeskApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::Overdraft,
        amount: order.limit.amount(),
        moment: order.moment,
        pin: Some(&order.pin),
        undone: None,
    };
    let terminal = approver.terminal_number();
    carry_out(card, approver, store, &Online { request, key_id: order.key_id }, |approver, order, initialized| {
        approver.approve_at_desk(order, &DeskClaim::of(terminal?, initialized))
    })
}
