//! Which telephone a card is in: a SIM is replaced under the same number (补卡), or gets another number (换号).

use onecard_host::over_the_air::message::Address;
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, Writing};

/// Why a card's telephone was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The store's own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another card has it.
    #[error(
        "telephone {phone} is card {iccid}'s in the gateway's book: if that was replaced, take it out of service first, by `onecard \
         campaign phone BOOK {iccid} --none` 号码已被占用"
    )]
    Taken {
        /// Which number.
        phone: Address,
        /// Whose it is.
        iccid: String,
    },
    /// Nobody could ask the card any more how they ended.
    #[error(
        "orders of card {iccid} that have not ended, or of unknown outcome: {orders}. Let them end, or say how they did by `onecard \
         campaign decide` 该卡尚有未结订单"
    )]
    NotEnded {
        /// Which card.
        iccid: String,
        /// How many.
        orders: u64,
    },
}

impl From<rusqlite::Error> for PhoneError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// The card is in another telephone from now on, or in one again. What is under way goes on there: only the card itself can make
    /// a proof.
    ///
    /// # Errors
    /// [`PhoneError`]; [`StoreError::NoCard`].
    pub fn set_phone(&mut self, iccid: &str, phone: &Address) -> Result<(), PhoneError> {
        let writing = self.write()?;
        let known = "SELECT iccid FROM card WHERE phone = ?1 AND iccid <> ?2";
        let other = writing.transaction.query_row(known, params![phone.to_string(), iccid], |row| row.get(0));
        if let Some(iccid) = other.optional()? {
            return Err(PhoneError::Taken { phone: phone.clone(), iccid });
        }
        Ok(moved(writing, iccid, &phone.to_string())?)
    }

    /// The card is in no telephone any more: no order is taken for it, and none of its requests; another card can have the number.
    ///
    /// # Errors
    /// [`PhoneError`]; [`StoreError::NoCard`].
    pub fn take_out_of_service(&mut self, iccid: &str) -> Result<(), PhoneError> {
        let writing = self.write()?;
        let open =
            "SELECT count(*) FROM card JOIN task ON task.card = card.id WHERE iccid = ?1 AND (stage < 3 OR ending = 2)";
        let orders = writing.transaction.query_row(open, [iccid], |row| row.get(0))?;
        if orders > 0 {
            return Err(PhoneError::NotEnded { iccid: iccid.to_owned(), orders });
        }
        Ok(moved(writing, iccid, &no_phone(iccid))?)
    }
}

fn moved(writing: Writing<'_>, iccid: &str, phone: &str) -> Result<(), StoreError> {
    let update = "UPDATE card SET phone = ?2 WHERE iccid = ?1";
    if writing.transaction.execute(update, params![iccid, phone])? == 0 {
        return Err(StoreError::NoCard(iccid.to_owned()));
    }
    writing.commit()
}

/// The telephone of a row of cards, as it is told: nothing for one out of service.
pub(super) const TOLD: &str = "iif(card.phone GLOB 'none *', '', card.phone)";

/// What stands for the telephone of a card out of service: no number, and no other card's.
pub(super) fn no_phone(iccid: &str) -> String {
    format!("none {iccid}")
}
