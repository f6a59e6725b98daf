//! `onecard card new`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use onecard_host::{
    issuing::{CardOrder, issue_card, issue_installed},
    keys::Purpose,
};
use onecard_simulator::chip::Chip;
use onecard_wire::{amount::Amount, date::Date, fid::Fid, number::ApplicationSerial, record::Parameters};
use rand::CryptoRng;

use super::{
    CardFacts, show,
    station::{Station, mf_keys, prepared},
};
use crate::{
    args,
    consent::Consent,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    people::{self, HolderName, IdNumber, holder},
    pin::PinSource,
    reader::{CardReader, Faults},
    trace::{Peer, Trace},
};

/// Options of `card new`.
#[derive(Args, Debug)]
pub(crate) struct NewCard {
    #[command(flatten)]
    card: CardReader,
    /// A SIM: the application that `onecard gp install` has put on it, under the same number, is filled 写入SIM卡上已安装的应用.
    #[arg(long)]
    on_sim: bool,
    /// The development key file.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The member's number, 1 to 10 digits: the card number is made from it, and used once only.
    #[arg(long, value_name = "NUMBER", value_parser = serial)]
    number: ApplicationSerial,
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
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    limits: Limits,
}

/// What the card itself enforces (EF 0017).
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits, none if not named (限额)")]
struct Limits {
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
    fn parameters(&self) -> Parameters {
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

pub(super) fn run(new: &NewCard) -> anyhow::Result<Output> {
    ensure!(new.valid_from <= new.valid_to, "--valid-to lies before --valid-from");
    let place = new.card.place()?;
    let keys = DevelopmentKeys::read(&new.keys, &new.passphrase)?;
    let order = CardOrder {
        enterprise: keys.enterprise,
        directory: DIRECTORY,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        holder: holder(&new.name, new.id_number.as_ref()),
        parameters: new.limits.parameters(),
        pin: new.pin.chosen()?,
        key_version: KEY_VERSION,
        beside: Vec::new(),
    };
    if new.on_sim {
        return fill(new, &keys, &order);
    }
    let station = Station { place, consent: &new.consent, keys: &keys, serial: new.number };
    let card_keys = keys.of_enterprise().card(new.number);
    let facts: CardFacts = station.make(&plan(new.number, &order), |mut card, mf| {
        issue_card(&mut card, mf, &card_keys, &order, &mut rand::rng())?;
        show::read(&mut card, keys.enterprise, Some(&order.pin))
    })?;
    Output::new("onecard.card-new/1", Exit::Done, &facts)
}

/// Fills an application that INSTALL has made.
fn fill(new: &NewCard, keys: &DevelopmentKeys, order: &CardOrder) -> anyhow::Result<Output> {
    let of_enterprise = keys.of_enterprise();
    let management = of_enterprise.card_key(new.number, Purpose::Management, KEY_VERSION)?;
    let plan = [
        format!("the application of enterprise {}: its keys, files and PIN 写入单位应用", order.enterprise),
        format!("card number 卡号 {}, valid 有效期 {} to {}", new.number, order.valid_from, order.valid_to),
    ];
    let place = new.card.place()?;
    new.consent.ask(place, "a SIM 手机卡", &plan)?;
    let facts =
        place.tap(Peer::Card, &Faults::default(), &Trace::new(false), |mut card| -> anyhow::Result<CardFacts> {
            issue_installed(&mut card, &management, &of_enterprise.card(new.number), order)?;
            show::read(&mut card, keys.enterprise, Some(&order.pin))
        })??;
    Output::new("onecard.card-new/1", Exit::Done, &facts)
}

/// What is written to a card in a reader, for its owner to agree to.
pub(super) fn plan(serial: ApplicationSerial, order: &CardOrder) -> Vec<String> {
    let CardOrder { enterprise, directory, valid_from, valid_to, .. } = order;
    vec![
        "everything on it is erased 擦除全部内容".to_owned(),
        "the master file's keys become the operator's, of this key file and number 主文件换运营方密钥".to_owned(),
        format!(
            "directory {:04X}: the application of enterprise {enterprise}, with its keys, files and PIN 写入单位应用",
            directory.0
        ),
        format!("card number 卡号 {serial}, valid 有效期 {valid_from} to {valid_to}"),
    ]
}

/// A new chip issued as `order` says, in RAM.
pub(crate) fn issue<R: CryptoRng>(
    keys: &DevelopmentKeys,
    serial: ApplicationSerial,
    order: &CardOrder,
    random: &mut R,
) -> anyhow::Result<Chip> {
    let mf = mf_keys(keys, serial)?;
    let mut reader = prepared(&mf, random)?;
    issue_card(&mut reader, &mf, &keys.of_enterprise().card(serial), order, random)?;
    Ok(reader.remove())
}

/// The directory of a card's first application.
pub(crate) const DIRECTORY: Fid = Fid(0xDF01);

pub(super) fn serial(number: &str) -> Result<ApplicationSerial, String> {
    people::serial(number).ok_or_else(|| "expected 1 to 10 digits".to_owned())
}
