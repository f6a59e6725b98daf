//! What a member's card is to be: whose, with which dates and limits.

use anyhow::ensure;
use clap::Args;
use onecard_host::issuing::CardOrder;
use onecard_wire::{
    amount::Amount,
    date::Date,
    fid::Fid,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
    record::Parameters,
};

use crate::{
    args,
    people::{self, HolderName, IdNumber, holder},
    pin::PinSource,
};

/// The member, and the card's dates.
#[derive(Args, Debug)]
pub(crate) struct Member {
    /// The member's number, 1 to 10 digits: the card number is made from it, and used once only.
    #[arg(long, value_name = "NUMBER", value_parser = serial)]
    pub(crate) number: ApplicationSerial,
    /// The holder's name (姓名).
    #[arg(long, value_parser = args::holder_name)]
    name: HolderName,
    /// The holder's id number (身份证号).
    #[arg(long, value_name = "ID", value_parser = args::id_number)]
    id_number: Option<IdNumber>,
    /// First day of validity.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01", value_parser = args::date)]
    valid_from: Date,
    /// Last day of validity.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2030-12-31", value_parser = args::date)]
    valid_to: Date,
    #[command(flatten)]
    pin: PinSource,
}

impl Member {
    /// The card's order. The PIN is asked for if it is in no file.
    pub(crate) fn order(
        &self,
        enterprise: EnterpriseId,
        key_version: KeyVersion,
        parameters: Parameters,
    ) -> anyhow::Result<CardOrder> {
        ensure!(self.valid_from <= self.valid_to, "--valid-to lies before --valid-from");
        Ok(CardOrder {
            enterprise,
            directory: DIRECTORY,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            holder: holder(&self.name, self.id_number.as_ref()),
            parameters,
            pin: self.pin.chosen()?,
            key_version,
            beside: Vec::new(),
        })
    }
}

/// What the card itself enforces (EF 0017).
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits, none if not named (限额)")]
pub(crate) struct Limits {
    /// Highest balance (余额上限), yuan.
    #[arg(long, value_name = "YUAN", value_parser = args::positive_amount)]
    balance_max: Option<Amount>,
    /// Highest single purchase (单笔限额), yuan.
    #[arg(long, value_name = "YUAN", value_parser = args::positive_amount)]
    purchase_max: Option<Amount>,
    /// Highest total of a day's purchases (当日限额), yuan.
    #[arg(long, value_name = "YUAN", value_parser = args::positive_amount)]
    day_max: Option<Amount>,
    /// A purchase above this needs the PIN (免密限额), yuan.
    #[arg(long, value_name = "YUAN", value_parser = args::positive_amount)]
    pin_above: Option<Amount>,
    /// Last day the balance can be spent (余额有效期) [default: it never expires].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = args::date)]
    balance_until: Option<Date>,
}

impl Limits {
    /// EF 0017.
    pub(crate) fn parameters(&self) -> Parameters {
        let limit = |limit: Option<Amount>| limit.unwrap_or(Amount::ZERO);
        Parameters {
            balance_expiry: self.balance_until.map_or([0; 4], Date::to_bytes),
            balance_max: limit(self.balance_max),
            purchase_max: limit(self.purchase_max),
            day_total_max: limit(self.day_max),
            pin_threshold: limit(self.pin_above),
            ..Parameters::UNLIMITED
        }
    }
}

/// The directory of a card's first application.
pub(crate) const DIRECTORY: Fid = Fid(0xDF01);

/// A card number of a member's number.
pub(crate) fn serial(number: &str) -> Result<ApplicationSerial, String> {
    people::serial(number).ok_or_else(|| "expected 1 to 10 digits".to_owned())
}
