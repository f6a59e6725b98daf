//! `onecard wash first card`.

use std::fmt;

use clap::Args;
use onecard_host::{
    issuing::{examine, wash_card_to_operator},
    key_store::KeyTarget,
    keys::Purpose,
};
use onecard_simulator::chip::Blank;
use onecard_station::washing::FirstNotes;
use onecard_wire::number::ApplicationSerial;
use serde::Serialize;

use super::{
    book::BookPlace,
    operator::{CardKeys, First, OperatorKeys, Purposes},
};
use crate::{
    commands::card::{DIRECTORY, serial},
    consent::Consent,
    output::{Exit, Output},
    reader::CardReader,
};

/// Options of `wash first card`.
#[derive(Args, Debug)]
pub(crate) struct FirstCard {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    keys: OperatorKeys,
    /// The member's number, 1 to 10 digits: the card number is made from it, and used once only.
    #[arg(long, value_name = "NUMBER", value_parser = serial)]
    number: ApplicationSerial,
    #[command(flatten)]
    book: BookPlace,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(options: &FirstCard) -> anyhow::Result<Output> {
    let (place, serial) = (options.card.place()?, options.number);
    let purposes = Purposes {
        control: Purpose::CardControl,
        maintenance: Purpose::CardMaintenance,
        management: Purpose::Management,
    };
    let CardKeys { enterprise, mf, management } = options.keys.of(purposes, serial.to_bytes())?;
    let plan = vec![
        "a blank card's master file gets the operator's keys 主文件换运营方密钥".to_owned(),
        format!(
            "the application of enterprise {enterprise}, card number 卡号 {serial}: its files, empty, and one key 空文件与主控密钥"
        ),
    ];
    let target = KeyTarget::Application(serial);
    let mut book = options.book.open_for(target)?;
    let is_given = book.replayed().is_given(target);
    let first = First { place, blank: Blank::CpuCard, consent: &options.consent, mf: &mf, plan, target, is_given };
    let known = book.replayed().known_first(target);
    let mut notes = FirstNotes::of(&mut book, target);
    let application = (enterprise, serial, DIRECTORY);
    first.wash(
        |card| examine(card, enterprise, Some(&mf)),
        |card| wash_card_to_operator(card, &mf, &management, application, known, &mut notes),
    )?;
    let facts = FirstWashed { enterprise: enterprise.to_string(), serial: serial.to_string(), state: "operator" };
    Output::new("onecard.wash-first-card/1", Exit::Done, &facts)
}

#[derive(Serialize)]
struct FirstWashed {
    enterprise: String,
    serial: String,
    state: &'static str,
}

impl fmt::Display for FirstWashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enterprise, serial, .. } = self;
        writeln!(f, "Card {serial} has the operator's management key for enterprise {enterprise}, and no other.")?;
        writeln!(f, "卡{serial}已完成一次洗卡（单位{enterprise}）。Next 下一步: onecard wash second card")
    }
}
