//! `onecard issue batch`.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use onecard_host::disk::SystemDisk;
use onecard_simulator::paced::Link;
use onecard_station::{
    batch::{self, Entry, Order, Outcome, Surroundings},
    numbers::NumberError,
};
use rand::RngExt;
use serde::Serialize;

use super::{
    Inputs, KEY,
    explain::rehearse,
    feeders::{ReaderNames, Readers},
    outputs::{self, Files},
    screen::Screen,
};
use crate::{
    args::At,
    clock,
    journal::beside,
    output::{Exit, Output},
    private_file, signing_key,
    table::pairs,
};

/// Options of `issue batch`.
#[derive(Args, Debug)]
pub(crate) struct IssueBatch {
    #[command(flatten)]
    inputs: Inputs,
    /// A reader: pcsc:NAME, a part of a PC/SC reader's name; pcsc: for all of them; or sim:FOLDER, whose files are blank cards.
    /// Several are served at once, each in a thread of its own.
    #[arg(long = "reader", value_name = "READER", required = true)]
    readers: Vec<ReaderNames>,
    /// The key that the report is signed by, of `issue new-key`.
    #[arg(long, value_name = "FILE")]
    sign_key: PathBuf,
    /// The batch's journal [default: LIST.journal]; the report stands beside it.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Begin the ledger of numbers (新建号段台账): once for a series that no card has a number of yet.
    #[arg(long)]
    new_ledger: bool,
    /// Give everybody on a list that was issued to before a further card (同一名单再发一批).
    #[arg(long)]
    list_again: bool,
    /// Blank cards handed out for a new batch (领用空白卡数) [default: those in the folders]; with PC/SC readers it is needed.
    #[arg(long, value_name = "CARDS")]
    stock: Option<u64>,
    /// Further blank cards handed out for a batch that was begun (追加领用).
    #[arg(long, value_name = "CARDS")]
    add_stock: Option<u64>,
    /// Blank cards left, as counted (剩余卡数) [default: those in the folders]; it closes a batch that is done.
    #[arg(long, value_name = "CARDS")]
    left: Option<u64>,
    /// Stop after so many failures in a row (连续失败停机).
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    failures: u32,
    /// Language of what is told on the way.
    #[arg(long, value_enum, default_value_t = Language::Zh)]
    language: Language,
    /// Simulated cards answer as slowly as a contact link of 115,200 bits a second.
    #[arg(long)]
    paced: bool,
    #[command(flatten)]
    at: At,
}

/// Language of what is told on the way.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    /// 中文
    Zh,
    /// English
    En,
}

/// Issues what is left of the batch.
pub(super) fn run(options: &IssueBatch, json: bool) -> anyhow::Result<Output> {
    let read = options.inputs.read()?;
    let orders = read.orders(&options.inputs)?;
    let craft = read.craft(orders.as_ref())?;
    let sign_key = signing_key::read(&options.sign_key, KEY)?;
    let rows = read.lines();
    // What is wrong with keys or profile shows on a chip in memory, before a card is touched.
    rehearse(&read, &craft, &rows)?;
    let ledger = options.inputs.ledger(&read.profile);
    let order = Order {
        enterprise: read.profile.enterprise,
        profile: read.profile_hash.clone(),
        list: read.list_hash.clone(),
        rows: &rows,
        series: &read.profile.series,
        ledger: &ledger,
        new_ledger: options.new_ledger,
        list_again: options.list_again,
        failures_max: options.failures,
    };
    let journal_path = options.journal.clone().unwrap_or_else(|| beside(options.inputs.list_path(), ".journal"));
    if !options.new_ledger && !ledger.exists() {
        return Err(NumberError::NoLedger(ledger.display().to_string()).into());
    }
    private_file::create_if_missing(&journal_path, "journal")?;
    if options.new_ledger {
        private_file::create_if_missing(&ledger, "ledger of numbers")?;
    }
    let clock = options.clock()?;
    let name = hex::encode(rand::rng().random::<[u8; 6]>());
    let mut journal = batch::open_journal(&SystemDisk, &journal_path, &order, &name, clock())?;
    let files = Files::beside(options.journal.as_deref().unwrap_or_else(|| options.inputs.list_path()));
    if journal.replayed().is_closed() {
        ensure!(
            options.left.is_none() && options.add_stock.is_none(),
            "the batch is closed, and its stock added up: --left and --add-stock come too late"
        );
        let report = outputs::write(&files, options, &read, &journal, &sign_key, clock())?;
        return finished(&journal_path, &report, Exit::Done);
    }
    let link = options.paced.then_some(Link::CONTACT_115200);
    let mut readers = Readers::open(&options.readers, read.chip(), link)?;
    if let Some(cards) = options.handed_out(journal.replayed().first_stock(), readers.left())? {
        journal.record(&Entry::Stock { at: clock(), cards })?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    listen(&stop)?;
    let screen =
        Screen::new(json, options.language, &read, rows.len() as u64, (readers.feeders.len(), readers.is_by_hand()))?;
    screen.say(&readers.to_string());
    let tell = |event| screen.tell(event);
    let around = Surroundings { disk: &SystemDisk, clock: &*clock, tell: &tell, stop: &stop };
    let ran = batch::run(&craft, &order, journal, &mut readers.feeders, &around);
    screen.end();
    let (mut journal, Outcome { missing_rows, .. }) = ran?;
    let mut exit = if missing_rows == 0 { Exit::Done } else { Exit::Error };
    if missing_rows == 0
        && let Some(left) = options.left.or_else(|| readers.left())
    {
        journal.record(&Entry::Counted { at: clock(), left })?;
        // What does not add up is counted again, by the same command.
        if journal.replayed().stock().missing().is_some() {
            journal.record(&Entry::Closed { at: clock() })?;
        } else {
            exit = Exit::Error;
        }
    }
    let report = outputs::write(&files, options, &read, &journal, &sign_key, clock())?;
    finished(&journal_path, &report, exit)
}

impl IssueBatch {
    /// How many blank cards more the journal is told of; `first` were told of at the beginning, and so many are `in_folders`.
    fn handed_out(&self, first: Option<u64>, in_folders: Option<u64>) -> anyhow::Result<Option<u64>> {
        match (first, self.stock, self.add_stock) {
            (None, _, Some(_)) => {
                bail!("no card was handed out for this batch yet: say by --stock how many, not by --add-stock")
            }
            (None, stock, None) => {
                let stock = stock.or(in_folders);
                stock.map(Some).context(
                    "say by --stock how many blank cards were handed out for this batch 请用--stock填写领用空白卡数",
                )
            }
            (Some(first), Some(stock), _) if stock != first => {
                bail!("this batch was begun with {first} blank cards, not {stock}: tell of further ones by --add-stock")
            }
            (Some(_), _, further) => Ok(further),
        }
    }

    pub(super) const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn clock(&self) -> anyhow::Result<Box<dyn Fn() -> String + Sync>> {
        let told = self.at.moment()?.to_string();
        if self.at.is_given() {
            return Ok(Box::new(move || told.clone()));
        }
        Ok(Box::new(move || clock::now().map_or_else(|_| told.clone(), |now| now.to_string())))
    }
}

/// Ctrl-C and SIGTERM end the batch behind the cards that are in the readers.
fn listen(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed)).context("Ctrl-C cannot be waited for")
}

fn finished(journal: &std::path::Path, report: &outputs::Report, exit: Exit) -> anyhow::Result<Output> {
    let facts = BatchFacts { journal: journal.display().to_string(), report: report.clone() };
    Output::new("onecard.issue-batch/1", exit, &facts)
}

/// How a run ended.
#[derive(Serialize)]
struct BatchFacts {
    journal: String,
    #[serde(flatten)]
    report: outputs::Report,
}

impl fmt::Display for BatchFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs::Report { rows, missing_rows, stock, missing, files, .. } = &self.report;
        let counted = |count: &Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        f.write_str(&pairs([
            ("rows 名单行数", rows.to_string()),
            ("good 合格", stock.good.to_string()),
            ("spoilt 废卡", stock.bad.to_string()),
            ("begun 未完成", stock.begun.to_string()),
            ("handed out 领用", stock.handed_out.to_string()),
            ("left 剩余", counted(&stock.counted)),
            ("missing 缺少", counted(missing)),
            ("journal 日志", self.journal.clone()),
            ("report 报告", files.join(" ")),
        ]))?;
        if *missing_rows > 0 {
            writeln!(
                f,
                "{missing_rows} rows have no card yet: the same command goes on. 尚有{missing_rows}人未发卡，可重复本命令。"
            )
        } else if stock.counted.is_none() {
            writeln!(
                f,
                "Every row has its card. Count the blank cards that are left: the same command with --left closes the batch.\n\
                 发卡完成。请清点剩余空白卡，加--left重复本命令以结束本批。"
            )
        } else if missing.is_none() {
            writeln!(
                f,
                "The stock does not add up: count the cards again; the same command with --left closes the batch.\n\
                 卡片数目不符，请重新清点，加--left重复本命令。"
            )
        } else {
            writeln!(f, "Every row has its card. 发卡完成。")
        }
    }
}
