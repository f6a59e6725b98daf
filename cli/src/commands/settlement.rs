//! `onecard settlement`: records of what terminals completed.

use std::{
    collections::HashMap,
    fmt,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use onecard_host::terminal::{IssuerKeys, JournalFile, SettlementRecord, settlement};
use serde::Serialize;

use crate::{
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    table::{Column, table},
};

/// What can be done with settlement records.
#[derive(Subcommand, Debug)]
pub(crate) enum SettlementCommand {
    /// Write the completed transactions of a terminal's journal to a settlement file 导出结算文件
    #[command(after_help = "Example:\n  onecard settlement export wang.card.journal --to today.settlement")]
    Export(Export),
    /// Show a settlement file 查看结算文件
    #[command(after_help = "Example:\n  onecard settlement show today.settlement")]
    Show(Show),
    /// Check the TAC of every record, as the issuer does before paying 验证TAC
    ///
    /// Exit code 5 if a record is not proven or comes twice.
    #[command(after_help = "Example:\n  onecard settlement verify today.settlement --keys dev.keys")]
    Verify(Verify),
}

/// Options of `settlement export`.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The terminal's journal.
    journal: PathBuf,
    /// The settlement file to make.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Options of `settlement show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The settlement file.
    file: PathBuf,
}

/// Options of `settlement verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The settlement file.
    file: PathBuf,
    /// The development key file of the issuer.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// Runs one of them.
pub(crate) fn run(command: &SettlementCommand) -> anyhow::Result<Output> {
    match command {
        SettlementCommand::Export(Export { journal, to }) => {
            if !journal.exists() {
                bail!("there is no journal {}", journal.display());
            }
            let journal = JournalFile::open(journal)?;
            let records: Vec<SettlementRecord> = journal.settlement().copied().collect();
            write(to, &records)?;
            Output::new("onecard.settlement-export/1", Exit::Done, &Listing::new(&records, None))
        }
        SettlementCommand::Show(Show { file }) => {
            Output::new("onecard.settlement-show/1", Exit::Done, &Listing::new(&read(file)?, None))
        }
        SettlementCommand::Verify(Verify { file, keys }) => {
            let issuer = DevelopmentKeys::read(keys)?.issuer();
            let listing = Listing::new(&read(file)?, Some(&issuer));
            let exit = if listing.unproven == Some(0) { Exit::Done } else { Exit::Unproven };
            Output::new("onecard.settlement-verify/1", exit, &listing)
        }
    }
}

/// Writes a new settlement file.
pub(crate) fn write(path: &Path, records: &[SettlementRecord]) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(settlement::write(records).as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("settlement file {} cannot be made", path.display()))
}

/// Records, and what the issuer says of each if it was asked.
#[derive(Serialize)]
pub(crate) struct Listing {
    records: Vec<Row>,
    loaded_fen: u64,
    paid_fen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unproven: Option<usize>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    record: SettlementRecord,
    /// `genuine`, or why it is not paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
}

const GENUINE: &str = "genuine";

impl Listing {
    /// With `issuer`, each record's TAC is checked, and that no two records are the same transaction.
    pub(crate) fn new(records: &[SettlementRecord], issuer: Option<&IssuerKeys>) -> Self {
        let mut seen = HashMap::new();
        let mut verdict = |number: usize, record: &SettlementRecord| {
            let first = *seen.entry(record.key()).or_insert(number);
            issuer.map(|issuer| match issuer.check(record) {
                _ if first != number => format!("the same transaction as record {first}: paid once"),
                Ok(()) => GENUINE.to_owned(),
                Err(unproven) => unproven.to_string(),
            })
        };
        let rows =
            records.iter().zip(1..).map(|(record, number)| Row { record: *record, verdict: verdict(number, record) });
        let records: Vec<Row> = rows.collect();
        let sum = |load| records.iter().filter(|row| row.is_load() == load).map(Row::fen).sum();
        let (loaded_fen, paid_fen) = (sum(true), sum(false));
        let unproven = issuer.map(|_| records.iter().filter(|row| row.verdict.as_deref() != Some(GENUINE)).count());
        Self { records, loaded_fen, paid_fen, unproven }
    }
}

impl Row {
    fn is_load(&self) -> bool {
        self.record.transaction.kind.is_load()
    }

    fn fen(&self) -> u64 {
        u64::from(self.record.transaction.amount.fen())
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<SettlementRecord>> {
    let named = || format!("settlement file {}", path.display());
    let text = fs::read_to_string(path).with_context(named)?;
    settlement::parse(&text).with_context(named)
}

/// Yuan from fen that may be more than a purse holds.
pub(crate) fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// The columns of records as people read them, and one record's cells.
const COLUMNS: [Column; 8] = [
    Column::Number("order"),
    Column::Text("kind"),
    Column::Text("card 卡号"),
    Column::Number("yuan"),
    Column::Number("balance"),
    Column::Number("seq"),
    Column::Text("TAC"),
    Column::Text("evidence"),
];

/// See [`COLUMNS`].
fn cells(record: &SettlementRecord) -> [String; 8] {
    let t = &record.transaction;
    [
        t.order.to_string(),
        if t.kind.is_load() { "充值 load" } else { "消费 pay" }.to_owned(),
        t.serial.to_string(),
        t.amount.to_string(),
        t.new_balance.to_string(),
        t.card_sequence.to_string(),
        record.tac.map_or_else(|| "-".to_owned(), hex::encode_upper),
        record.evidence.to_string(),
    ]
}

impl Listing {
    /// The first and last `shown` records, how many there are between them, sums and verdict.
    pub(crate) fn summary(&self, shown: usize) -> String {
        let between = self.records.len().saturating_sub(shown.saturating_mul(2));
        let first = self.records.iter().take(if between == 0 { usize::MAX } else { shown });
        let last = self.records.iter().skip(if between == 0 { usize::MAX } else { shown + between });
        let dots = (between > 0).then(|| COLUMNS.map(|_| "…".to_owned()));
        let rows = first.map(|row| cells(&row.record)).chain(dots).chain(last.map(|row| cells(&row.record)));
        format!("{}{}", table(&COLUMNS, rows), self.verdict())
    }

    fn verdict(&self) -> String {
        let (loaded, paid) = (yuan(self.loaded_fen), yuan(self.paid_fen));
        let sums = format!("{} records 笔: {loaded} yuan loaded 充值, {paid} yuan paid 消费\n", self.records.len());
        match self.unproven {
            None => sums,
            Some(0) => format!("{sums}Every TAC is genuine. TAC全部正确。\n"),
            Some(count) => {
                let unproven = self.records.iter().filter(|row| row.verdict.as_deref() != Some(GENUINE)).map(|row| {
                    let t = &row.record.transaction;
                    let verdict = row.verdict.as_deref().unwrap_or_default();
                    format!("  order {}, card {}, {} yuan: {verdict}\n", t.order, t.serial, t.amount)
                });
                format!("{sums}{count} NOT PROVEN, do not pay 未通过，不予结算:\n{}", unproven.collect::<String>())
            }
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary(usize::MAX))
    }
}
