//! A compound purchase (复合消费): SELECT, INITIALIZE FOR CAPP PURCHASE, UPDATE CAPP DATA CACHE, DEBIT (JR/T 0025.9; FMCOS 2.0
//! user manual p. 104 to 110). What the cache holds is written with the debit or not at all.

use onecard_wire::{amount::Amount, date::Moment, fid::Fid, ins, number::EnterpriseId, record::CappRecord};

use super::{
    Cause, Kind, OrderNumber, StoreError, Tap, TokenStore,
    offline::{Offline, carry_out},
    tap::Request,
};
use crate::{
    apdu::{Command, CommandName, exchange},
    card::Pin,
    sam::Sam,
    transport::Transport,
};

/// What is sold, and what the application writes beside it: an entry and an exit gate, a parking time.
#[derive(Clone, Debug)]
pub struct CappOrder {
    /// The till's number of this sale: present the same number again after anything but
    /// [`Outcome::NotCommitted`](super::Outcome::NotCommitted).
    pub number: OrderNumber,
    /// Whose application pays.
    pub enterprise: EnterpriseId,
    /// Index of the purchase key, 01 by the profile.
    pub key_id: u8,
    /// The price; nothing is legal, say at an entry.
    pub amount: Amount,
    /// Now, by the till's clock.
    pub moment: Moment,
    /// The PIN, where a limit asks for it.
    pub pin: Option<Pin>,
    /// Records of EF 001C that are replaced with the debit. A reader that relays the card can change them: MAC1 does not cover
    /// the cache.
    pub updates: Vec<CappUpdate>,
}

/// A record of EF 001C as it is to be: `type id ‖ length ‖ lock ‖ data`, as long as the one it replaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CappUpdate(Command);

/// More than a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} bytes do not fit a record of EF 001C, which holds at most {max}", max = CappUpdate::DATA_MAX)]
pub struct RecordTooLong(pub usize);

impl CappUpdate {
    /// Most data bytes of one record: what a command carries without the record's head.
    pub const DATA_MAX: usize = ins::DATA_MAX - CappRecord::HEAD_LEN;

    /// The open record of `type_id` with `data`.
    ///
    /// # Errors
    /// [`RecordTooLong`].
    pub fn new(type_id: u8, data: &[u8]) -> Result<Self, RecordTooLong> {
        /// P2: SFI of EF 001C, the record named by its tag.
        const BY_TAG: u8 = ((Fid::CAPP.0 & 0x1F) as u8) << 3;
        let too_long = RecordTooLong(data.len());
        let length = u8::try_from(data.len() + 1).map_err(|_| too_long)?;
        let record = [&[type_id, length, CappRecord::OPEN][..], data].concat();
        let command = Command::new(ins::CLA_PBOC, ins::UPDATE_CAPP_DATA_CACHE, type_id, BY_TAG).with_bytes(&record);
        command.map(Self).map_err(|_| too_long)
    }
}

/// Charges the card on the reader and writes the records, both or neither. The card is held for three commands and one more
/// for each record; ends as [`purchase`](super::purchase()).
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn capp_purchase<C, K, S>(card: &mut C, sam: &mut K, store: &mut S, order: &CappOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::Capp,
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
        undone: None,
    };
    carry_out(card, sam, store, &Offline { request, key_id: order.key_id, updates: &order.updates })
}

/// UPDATE CAPP DATA CACHE: changes nothing until DEBIT.
pub(super) fn update_cache<C: Transport + ?Sized>(card: &mut C, update: &CappUpdate) -> Result<(), Cause> {
    let command = CommandName::UpdateCappDataCache;
    let response = exchange(card, &update.0).map_err(|error| Cause::NoAnswer { command, error })?;
    response.done().map(drop).map_err(|status| Cause::Refused { command, status })
}
