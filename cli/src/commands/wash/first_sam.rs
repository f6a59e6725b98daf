//! `onecard wash first sam`.

use std::fmt;

use clap::Args;
use onecard_host::{
    issuing::{SamCardOrder, SamSerial, examine_sam, wash_sam_to_operator},
    key_store::KeyTarget,
    keys::Purpose,
};
use onecard_simulator::chip::Blank;
use onecard_station::washing::FirstNotes;
use onecard_wire::{amount::Amount, number::TerminalNumber};
use serde::Serialize;

use super::{
    book::BookPlace,
    operator::{CardKeys, First, OperatorKeys, Purposes},
};
use crate::{
    args, clock,
    commands::sam,
    consent::Consent,
    development_keys::KEY_VERSION,
    output::{Exit, Output},
    reader::CardReader,
};

/// Options of `wash first sam`.
#[derive(Args, Debug)]
pub(crate) struct FirstSam {
    #[command(flatten)]
    sam: CardReader,
    #[command(flatten)]
    keys: OperatorKeys,
    /// The SAM's own number, 20 digits, used once only.
    #[arg(long, value_name = "NUMBER")]
    serial: SamSerial,
    /// Terminal number (终端机编号), 12 digits.
    #[arg(long, value_name = "NUMBER", value_parser = args::terminal_number)]
    terminal: TerminalNumber,
    #[command(flatten)]
    book: BookPlace,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(options: &FirstSam) -> anyhow::Result<Output> {
    let FirstSam { serial, terminal, .. } = *options;
    let place = options.sam.place()?;
    let purposes = Purposes {
        control: Purpose::SamCardControl,
        maintenance: Purpose::SamCardMaintenance,
        management: Purpose::SamManagement,
    };
    let CardKeys { enterprise, mf, management } = options.keys.of(purposes, serial.factor())?;
    // Keys and contents, dates among them, are the second wash's: none of these is written.
    let today = clock::now()?.date;
    let order = SamCardOrder {
        serial,
        directory: sam::DIRECTORY,
        terminal,
        valid_from: today,
        valid_to: today,
        load_limit: Amount::ZERO,
        own_key_version: KEY_VERSION,
        keys: Vec::new(),
    };
    let plan = vec![
        "a blank SAM's master file gets the operator's keys, its number and its terminal's 主文件换运营方密钥"
            .to_owned(),
        format!("the application of enterprise {enterprise}: its files, empty, and one key 空文件与主控密钥"),
        format!("SAM {serial}, terminal 终端机编号 {terminal}"),
    ];
    let target = KeyTarget::Sam(serial);
    let mut book = options.book.open_for(target)?;
    let is_given = book.replayed().is_given(target);
    let first = First { place, blank: Blank::Sam, consent: &options.consent, mf: &mf, plan, target, is_given };
    let (known, management) = (book.replayed().known_first(target), (&management, KEY_VERSION));
    let mut notes = FirstNotes::of(&mut book, target);
    first.wash(
        |card| examine_sam(card, enterprise, Some(&mf)),
        |card| wash_sam_to_operator(card, &mf, management, enterprise, &order, known, &mut notes),
    )?;
    let facts = FirstWashed {
        enterprise: enterprise.to_string(),
        serial: serial.to_string(),
        terminal: terminal.to_string(),
        state: "operator",
    };
    Output::new("onecard.wash-first-sam/1", Exit::Done, &facts)
}

#[derive(Serialize)]
struct FirstWashed {
    enterprise: String,
    serial: String,
    terminal: String,
    state: &'static str,
}

impl fmt::Display for FirstWashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enterprise, serial, terminal, .. } = self;
        writeln!(
            f,
            "SAM {serial} of terminal {terminal} has the operator's management key for enterprise {enterprise}, and no other."
        )?;
        writeln!(
            f,
            "SAM卡{serial}已完成一次洗卡（终端{terminal}，单位{enterprise}）。Next 下一步: onecard wash second sam"
        )
    }
}
