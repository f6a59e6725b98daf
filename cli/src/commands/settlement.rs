//! `onecard settlement`: records of what terminals completed.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use onecard_host::terminal::{
    IssuerKeys, JournalFile, Kind, SettlementRecord,
    settlement::{self, Audit, Gap, Objection},
};
use serde::Serialize;

use crate::{
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    table::{Column, table},
};

/// What can be done with settlement records.
#[derive(Subcommand, Debug)]
pub(crate) enum SettlementCommand {
    /// Write the completed transactions of a terminal's journal to a settlement file 导出结算文件
    #[command(after_help = "\
Examples:
  onecard settlement export wang.card.journal --to today.settlement
  onecard settlement export wang.card.journal --to today.csv --as csv")]
    Export(Export),
    /// Show a settlement file 查看结算文件
    #[command(after_help = "Example:\n  onecard settlement show today.settlement")]
    Show(Show),
    /// Check the TAC of every record, as the issuer does before paying 验证TAC
    ///
    /// A purchase's TAC covers card, type, amount, terminal and its sequence, date and time. It does NOT cover balances,
    /// card sequence, order number, key version and evidence: a copy with other ones has a genuine TAC too. So a record
    /// is paid once for each card sequence and once for each set of what its TAC covers, in all files given here; give
    /// everything that was not paid yet in one go. A load's TAC covers the new balance and the card sequence as well.
    ///
    /// Sequences missing between the records (缺号) are told, and are no fault by themselves: the card was used elsewhere,
    /// or a terminal has not handed in a transaction.
    ///
    /// Exit code 5 if a record is not proven or comes twice.
    #[command(after_help = "\
Examples:
  onecard settlement verify today.settlement --keys dev.keys
  onecard settlement verify till1.settlement till2.settlement --keys dev.keys")]
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
    /// Its form: for the issuer, for spreadsheets, for other programs.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t)]
    form: Form,
}

/// Forms of a settlement file.
#[derive(ValueEnum, Clone, Copy, Default, Debug)]
enum Form {
    #[default]
    Settlement,
    Csv,
    Json,
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
    /// The settlement files, judged together.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The development key file of the issuer.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// Runs one of them.
pub(crate) fn run(command: &SettlementCommand) -> anyhow::Result<Output> {
    match command {
        SettlementCommand::Export(Export { journal, to, form }) => {
            if !journal.exists() {
                bail!("there is no journal {}", journal.display());
            }
            let journal = JournalFile::open(journal)?;
            let records: Vec<SettlementRecord> = journal.settlement().copied().collect();
            write_new(to, &form.text(&records)?)?;
            Output::new("onecard.settlement-export/1", Exit::Done, &Listing::plain(&records))
        }
        SettlementCommand::Show(Show { file }) => {
            Output::view("onecard.settlement-show/1", &Listing::plain(&read(file)?))
        }
        SettlementCommand::Verify(Verify { files, keys, passphrase }) => {
            let issuer = DevelopmentKeys::read(keys, passphrase)?.issuer();
            let handed = files.iter().map(|file| {
                let name = (files.len() > 1).then(|| file.display().to_string());
                Ok(Handed { file: name, records: read(file)? })
            });
            let listing = Listing::audited(handed.collect::<anyhow::Result<_>>()?, &issuer);
            let exit = if listing.unproven == Some(0) { Exit::Done } else { Exit::Unproven };
            Output::new("onecard.settlement-verify/1", exit, &listing)
        }
    }
}

/// Writes a new settlement file.
pub(crate) fn write(path: &Path, records: &[SettlementRecord]) -> anyhow::Result<()> {
    write_new(path, &settlement::write(records))
}

impl Form {
    fn text(self, records: &[SettlementRecord]) -> anyhow::Result<String> {
        Ok(match self {
            Self::Settlement => settlement::write(records),
            Self::Csv => settlement::to_csv(records)?,
            Self::Json => settlement::to_json(records),
        })
    }
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("settlement file {} cannot be made", path.display()))
}

/// Records that were handed in.
pub(crate) struct Handed {
    /// The file, if there are several.
    pub(crate) file: Option<String>,
    pub(crate) records: Vec<SettlementRecord>,
}

/// Records, and what the issuer says of them if it was asked.
#[derive(Serialize)]
pub(crate) struct Listing {
    records: Vec<Row>,
    /// Of all records; once the issuer was asked, of those that are paid.
    loaded_fen: u64,
    /// The same, less what was undone.
    paid_fen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unproven: Option<usize>,
    /// Sequences missing between the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    gaps: Option<Vec<Gap>>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    record: SettlementRecord,
    /// `genuine`, or why it is not paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
}

/// Where a record stands.
#[derive(Clone, Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Counted from 1, the two header lines too.
    line: usize,
}

const GENUINE: &str = "genuine";
const HEADER_LINES: usize = 2;

impl Listing {
    /// Records as they stand.
    fn plain(records: &[SettlementRecord]) -> Self {
        let handed = Handed { file: None, records: records.to_vec() };
        Self::new(handed.rows().collect())
    }

    /// Each record is judged by `issuer`, and all of them together.
    pub(crate) fn audited(handed: Vec<Handed>, issuer: &IssuerKeys) -> Self {
        let records: Vec<SettlementRecord> = handed.iter().flat_map(|one| &one.records).copied().collect();
        let rows: Vec<Row> = handed.into_iter().flat_map(Handed::rows).collect();
        let Audit { verdicts, gaps, totals } = settlement::audit(&records, issuer);
        let place = |index: usize| rows.get(index).map(|row| row.place.to_string()).unwrap_or_default();
        let verdicts: Vec<String> = verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Ok(()) => GENUINE.to_owned(),
                Err(objection) => told(objection, place),
            })
            .collect();
        let unproven = verdicts.iter().filter(|verdict| *verdict != GENUINE).count();
        let rows = rows.into_iter().zip(verdicts).map(|(row, verdict)| Row { verdict: Some(verdict), ..row });
        // What is not paid is in no sum.
        let (loaded_fen, paid_fen) = (totals.loaded, totals.net_spent());
        Self { records: rows.collect(), loaded_fen, paid_fen, unproven: Some(unproven), gaps: Some(gaps) }
    }

    fn new(records: Vec<Row>) -> Self {
        let sum = |wanted: fn(Kind) -> bool| -> u64 {
            records.iter().filter(|row| wanted(row.record.transaction.kind)).map(Row::fen).sum()
        };
        let loaded_fen = sum(Kind::is_load);
        let bought = sum(|kind| matches!(kind, Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp));
        let paid_fen = bought.saturating_sub(sum(|kind| kind == Kind::Undo));
        Self { records, loaded_fen, paid_fen, unproven: None, gaps: None }
    }
}

impl Handed {
    fn rows(self) -> impl Iterator<Item = Row> {
        let Self { file, records } = self;
        records.into_iter().zip(HEADER_LINES + 1..).map(move |(record, line)| Row {
            place: Place { file: file.clone(), line },
            record,
            verdict: None,
        })
    }
}

/// Why a record is not paid.
fn told(objection: Objection, place: impl Fn(usize) -> String) -> String {
    match objection {
        Objection::Contradictory => "old balance, new balance and amount contradict each other".to_owned(),
        Objection::Unproven(unproven) => unproven.to_string(),
        Objection::UndoWithoutPurchase => "the undo of a purchase that is not handed in: hand it in too".to_owned(),
        Objection::SameTransaction { first } => format!("the same card sequence as {}: paid once", place(first)),
        Objection::SequenceConflict { other } => {
            format!(
                "another sale than {}, with its card sequence: neither is paid until the card's log tells",
                place(other)
            )
        }
        Objection::SameTac { first } => {
            format!("the sale of {} again, changed only in what its TAC does not cover: paid once", place(first))
        }
    }
}

impl Row {
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
        match t.kind {
            Kind::LoadEd | Kind::LoadEp => "充值 load",
            Kind::PurchaseEd | Kind::PurchaseEp => "消费 pay",
            Kind::Capp => "复合消费 compound",
            Kind::Undo => "撤销 undo",
            Kind::UnloadEd | Kind::UnloadEp => "圈提 unload",
            Kind::CashWithdraw => "取现 cash",
            Kind::Overdraft => "透支 limit",
        }
        .to_owned(),
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
        let counted = match self.unproven {
            None | Some(0) => String::new(),
            Some(count) => format!(", {} of them proven 其中通过", self.records.len().saturating_sub(count)),
        };
        let count = self.records.len();
        let sums = format!("{count} records 笔{counted}: {loaded} yuan loaded 充值, {paid} yuan paid 消费\n");
        let notes = self.gaps.as_deref().map(notes).unwrap_or_default();
        match self.unproven {
            None => sums,
            Some(0) => format!("{sums}Every TAC is genuine, and no sale comes twice. TAC全部正确，无重复。\n{notes}"),
            Some(count) => {
                let unproven = self.records.iter().filter(|row| row.verdict.as_deref() != Some(GENUINE)).map(|row| {
                    let t = &row.record.transaction;
                    let verdict = row.verdict.as_deref().unwrap_or_default();
                    format!("  {}: order {}, card {}, {} yuan: {verdict}\n", row.place, t.order, t.serial, t.amount)
                });
                let unproven: String = unproven.collect();
                format!("{sums}{count} NOT PROVEN, do not pay 未通过，不予结算:\n{unproven}{notes}")
            }
        }
    }
}

/// Gaps, each a line.
fn notes(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return "No sequence is missing between them. 交易序号无缺号。\n".to_owned();
    }
    let lines = gaps.iter().map(|gap| match gap {
        Gap::Card { serial, ed, online, from, to, .. } => {
            let purse = if *ed { "ED 电子存折" } else { "EP 电子钱包" };
            let what = if *online { "loads 充值" } else { "purchases 消费" };
            format!("  card 卡 {serial}, {purse}, {what}: {}\n", range(*from, *to))
        }
        Gap::Terminal { terminal, from, to } => format!("  terminal 终端 {terminal}: {}\n", range(*from, *to)),
    });
    let lines: String = lines.collect();
    format!("Sequences missing between them 缺号 (used elsewhere, or not handed in):\n{lines}")
}

fn range<N: fmt::Display + PartialEq>(from: N, to: N) -> String {
    if from == to { from.to_string() } else { format!("{from} to {to}") }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}, line {}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary(usize::MAX))
    }
}
