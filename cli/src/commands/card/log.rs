//! `onecard card log`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{Access, Pin, log_record, select, verify_pin},
    sam::Sam,
    transport::Transport,
};
use onecard_wire::{aid, number::EnterpriseId, record::LogRecord, wallet::TransactionType};
use serde::Serialize;

use crate::{
    args::{Enterprise, SamSource},
    output::Output,
    passphrase::PassphraseSource,
    pin::PinSource,
    reader::{CardReader, Faults, tap},
    table::{Column, table},
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// Options of `card log`.
#[derive(Args, Debug)]
pub(crate) struct Log {
    #[command(flatten)]
    card: CardReader,
    /// Read with a MAC by this SAM (a service desk's) or keys:FILE, instead of the PIN.
    #[arg(long, value_name = "SAM")]
    sam: Option<SamSource>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    pin: PinSource,
}

/// The card's transactions, newest first.
#[derive(Serialize)]
struct LogFacts {
    serial: String,
    records: Vec<Record>,
}

#[derive(Serialize)]
struct Record {
    sequence: u16,
    kind: &'static str,
    amount_fen: u32,
    terminal: String,
    date: String,
    time: String,
    #[serde(skip)]
    yuan: String,
}

pub(super) fn run(options: &Log) -> anyhow::Result<Output> {
    let enterprise = options.enterprise.enterprise;
    let trace = Trace::new(false);
    let open = |source| TerminalSam::open(source, &options.passphrase, enterprise, &trace);
    let mut sam = options.sam.as_ref().map(open).transpose()?;
    let pin = if sam.is_some() { options.pin.offered()? } else { Some(options.pin.required()?) };
    let enterprise = sam.as_ref().map_or(enterprise, |sam| sam.enterprise);
    let facts = tap(&options.card, &Faults::default(), &trace, |mut card| {
        read(&mut card, enterprise, pin.as_ref(), sam.as_mut().map(TerminalSam::sam))
    })?;
    let facts = facts.with_context(|| options.card.to_string())?;
    Output::view("onecard.card-log/1", &facts)
}

fn read<T: Transport>(
    card: &mut T,
    enterprise: EnterpriseId,
    pin: Option<&Pin>,
    mut sam: Option<&mut dyn Sam>,
) -> anyhow::Result<LogFacts> {
    const RECORDS_MAX: u8 = 20;
    let application = select(card, &aid::enterprise_application(enterprise))?;
    if let Some(pin) = pin {
        verify_pin(card, &application, pin)?;
    }
    let mut records = Vec::new();
    for number in 1..=RECORDS_MAX {
        let access = match &mut sam {
            Some(sam) => Access::WithMac(&mut **sam),
            None => Access::Plain,
        };
        match log_record(card, &application, number, access)? {
            Some(record) => records.push(Record::of(&record)),
            None => break,
        }
    }
    Ok(LogFacts { serial: application.serial().to_string(), records })
}

impl Record {
    fn of(record: &LogRecord) -> Self {
        Self {
            sequence: record.sequence,
            kind: kind_of(record.transaction_type),
            amount_fen: record.amount.fen(),
            terminal: record.terminal.to_string(),
            date: record.date.to_string(),
            time: record.time.to_string(),
            yuan: record.amount.to_string(),
        }
    }
}

/// A transaction type in a word.
pub(super) const fn kind_of(transaction_type: TransactionType) -> &'static str {
    match transaction_type {
        TransactionType::LOAD_ED | TransactionType::LOAD_EP => "load",
        TransactionType::PURCHASE_ED | TransactionType::PURCHASE_EP => "purchase",
        TransactionType::UNLOAD_ED | TransactionType::UNLOAD_EP => "unload",
        TransactionType::CASH_WITHDRAW => "cash withdrawal",
        TransactionType::CAPP => "compound purchase",
        TransactionType::UNDO => "undo",
        TransactionType::OVERDRAFT => "overdraft update",
        _ => "unknown",
    }
}

impl fmt::Display for LogFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Card 卡 {}, newest first:", self.serial)?;
        if self.records.is_empty() {
            return writeln!(f, "  no transaction yet 无交易");
        }
        let columns = [
            Column::Text("date 日期"),
            Column::Text("time 时间"),
            Column::Text("kind 类型"),
            Column::Number("yuan 金额"),
            Column::Number("sequence 序号"),
            Column::Text("terminal 终端"),
        ];
        let rows = self.records.iter().map(|record| {
            let Record { date, time, kind, yuan, sequence, terminal, .. } = record;
            [date.clone(), time.clone(), (*kind).to_owned(), yuan.clone(), sequence.to_string(), terminal.clone()]
        });
        f.write_str(&table(&columns, rows))
    }
}
