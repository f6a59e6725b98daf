//! What EF 0015 and EF 0017 allow (own, profile §3.1): the card itself refuses, whatever a terminal thinks.

use onecard_wire::{
    amount::Amount,
    date::Date,
    file::AccessRight,
    record::{CardStatus, Parameters, PublicData, Validity},
    status::StatusWord,
    wallet::TransactionType,
};

use super::Order;
use crate::{
    cos::{Cos, Session},
    manufacture::Kind,
    platform::Platform,
};

/// The PIN alone meets it.
const PIN_RIGHT: AccessRight = AccessRight(0x22);

/// Limits of the current application.
pub(crate) struct Limits {
    validity: Validity,
    parameters: Parameters,
}

impl Limits {
    /// Status, and what can be asked without a date: at INITIALIZE, and again at completion. An unload is always allowed,
    /// so that a balance can be settled.
    ///
    /// # Errors
    /// 6985.
    pub(super) fn permit(&self, order: &Order, balance: Amount, pin_verified: bool) -> Result<(), StatusWord> {
        let Parameters { balance_max, purchase_max, day_total_max, pin_threshold, .. } = self.parameters;
        let Order { amount, transaction_type, .. } = *order;
        let limited = match transaction_type {
            TransactionType::UNLOAD_ED | TransactionType::UNLOAD_EP => return Ok(()),
            TransactionType::LOAD_ED | TransactionType::LOAD_EP => {
                balance.plus(amount).is_some_and(|balance| within(balance, balance_max))
            }
            TransactionType::UNDO | TransactionType::OVERDRAFT => true,
            _ => {
                within(amount, purchase_max)
                    && within(amount, day_total_max)
                    && (within(amount, pin_threshold) || pin_verified)
            }
        };
        require(limited && self.in_use())
    }

    /// The date of a purchase. `day` is the card's own, before the purchase moves it: an expired balance stays so under a
    /// clock turned back.
    ///
    /// # Errors
    /// 6985.
    pub(super) fn permit_on(&self, date: Date, day: [u8; 4]) -> Result<(), StatusWord> {
        let date = date.to_bytes();
        let expiry = self.parameters.balance_expiry;
        let valid = (self.validity.valid_from..=self.validity.valid_to).contains(&date);
        require(valid && (expiry == [0; 4] || (expiry >= date && expiry >= day)))
    }

    /// What both purses have spent on the card's day.
    ///
    /// # Errors
    /// 6985.
    pub(super) fn permit_total(&self, spent: Amount) -> Result<(), StatusWord> {
        require(within(spent, self.parameters.day_total_max))
    }

    fn in_use(&self) -> bool {
        self.parameters.status == CardStatus::NORMAL
    }
}

impl<P: Platform> Cos<'_, P> {
    /// Limits of the current application. `None` unless its EF 0015 says that this profile's own parts are there: any
    /// other is a plain FMCOS wallet.
    pub(super) fn limits(&self) -> Option<Limits> {
        let public_data = self.session.directory.public_data.as_ref()?;
        let validity = Validity::parse(&self.nvm.array(public_data.body()))?;
        if validity.version != PublicData::VERSION_OWN {
            return None;
        }
        let stored = self.session.directory.parameters.as_ref();
        let parameters = stored.and_then(|file| Parameters::parse(&self.nvm.array::<{ Parameters::LEN }>(file.body())));
        Some(Limits { validity, parameters: parameters.unwrap_or(Parameters::UNLIMITED) })
    }

    /// An application of a RFID-SIM is there before it has a serial: INSTALL makes it with all zeros (own, profile §3).
    ///
    /// # Errors
    /// 6985.
    pub(super) fn require_issued(&self) -> Result<(), StatusWord> {
        if self.kind != Kind::RfidSim {
            return Ok(());
        }
        let public_data = self.session.directory.public_data.as_ref().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        require(self.nvm.array::<10>(public_data.body() + PublicData::SERIAL_AT) != [0; 10])
    }

    /// # Errors
    /// 6985 if the application is suspended or reported lost.
    pub(crate) fn require_in_use(&self) -> Result<(), StatusWord> {
        require(self.limits().is_none_or(|limits| limits.in_use()))
    }
}

impl Session {
    /// Whether the PIN has been verified since the directory was entered.
    pub(super) fn pin_verified(&self) -> bool {
        self.require(PIN_RIGHT).is_ok()
    }
}

/// A limit of zero is none.
fn within(amount: Amount, limit: Amount) -> bool {
    limit == Amount::ZERO || amount <= limit
}

fn require(allowed: bool) -> Result<(), StatusWord> {
    if allowed { Ok(()) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
}
