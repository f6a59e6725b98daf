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
use ed25519_dalek::SigningKey;
use onecard_host::disk::SystemDisk;
use onecard_simulator::paced::Link;
use onecard_station::{
    batch::{self, BatchJournal, Books, Entry, Order, Outcome, Surroundings},
    craft::{AnyCraft, Orders, SecondWashCraft, WashingBook, WashingKeys},
    numbers::{Claim, Number, NumberError, reserve},
    report::Exports,
};
use onecard_wire::number::ApplicationSerial;
use rand::RngExt;
use serde::Serialize;

use super::{
    Inputs, KEY,
    explain::rehearse,
    feeders::{ReaderNames, Readers},
    inputs::Read,
    keys::Keys,
    outputs::{self, Files},
    screen::Screen,
    washing::{self, ExportCount, replayed_or_new},
};
use crate::{
    args::{self, At},
    clock,
    journal::beside,
    output::{Exit, Output},
    private_file, signing_key,
    table::pairs,
    washing_journal::Named,
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
    /// Blank cards handed out for this batch in all (累计领用空白卡数), further ones included [default: at the beginning those in the
    /// folders]; with PC/SC readers it is needed.
    #[arg(long, value_name = "CARDS")]
    stock: Option<u64>,
    /// A card that is lost (卡片遗失): its number is given up, and its row gets another. With --master, the next card's too.
    #[arg(long, value_name = "CARD", value_parser = args::card_number)]
    give_up: Vec<ApplicationSerial>,
    /// With --master, the station's washing journal (洗卡日志), by which a wash that was cut goes on.
    #[arg(long, value_name = "FILE", default_value = "washing.journal")]
    washing_journal: PathBuf,
    /// Begin the washing journal (新建洗卡日志): once, at a station that has washed no card.
    #[arg(long, requires = "master")]
    new_washing_journal: bool,
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
    let sign_key = signing_key::read(&options.sign_key, KEY)?;
    options.inputs.keys.with(&read.profile, |keys| {
        let batch = Batch { options, read: &read, rows: read.lines(), sign_key: &sign_key, json };
        match (keys, &orders) {
            (Keys::Issuing(keys), orders) => {
                let craft = read.craft(keys, orders.as_ref())?;
                // What is wrong with keys or profile shows on a chip in memory, before a card is touched.
                rehearse(&read, keys, &craft, &batch.rows)?;
                batch.run(batch.prepare()?, &craft, &*options.clock()?, None)
            }
            (Keys::Washing(keys), Some(orders)) => batch.wash(keys, orders),
            (Keys::Washing(_), None) => bail!("a key master card washes cards of people, not SAMs"),
        }
    })
}

/// One run.
struct Batch<'b> {
    options: &'b IssueBatch,
    read: &'b Read,
    rows: Vec<u64>,
    sign_key: &'b SigningKey,
    json: bool,
}

/// What is there before anything is written.
struct Prepared {
    journal: PathBuf,
    ledger: PathBuf,
    /// Of a new batch, drawn at random.
    name: String,
    /// `None`: the batch is closed.
    readers: Option<Readers>,
    /// Blank cards to be told of.
    stock: Option<u64>,
    give_up: Vec<Number>,
}

impl Batch<'_> {
    /// By a key master card: no rehearsal, which would cost exports.
    fn wash(&self, keys: &WashingKeys<'_>, orders: &Orders<'_>) -> anyhow::Result<Output> {
        let (options, read) = (self.options, self.read);
        let a_card = washing::ready(keys, orders, read)?;
        let books = options.books()?;
        let named = options.named_washing_journal();
        let washing_journal = named.open()?;
        // Of a batch that has begun cards the journal is its own, and may have been begun by the same command.
        if books.numbers().next().is_none() {
            named.is_new_if_said(washing_journal.replayed(), None)?;
        }
        if !books.is_closed() {
            washing::allowance_covers(keys, orders, read, &books, washing_journal.replayed())?;
        }
        let prepared = self.prepare()?;
        ensure!(
            prepared.readers.as_ref().is_none_or(|readers| readers.feeders.len() == 1),
            "--master serves one --reader: cards come in the order of their numbers, and nothing else tells which is which \
             使用密钥母卡时只用一台读卡器"
        );
        let clock = options.clock()?;
        let book = WashingBook::new(washing_journal, &*clock);
        let series = &read.profile.series;
        let craft = AnyCraft::SecondWash(SecondWashCraft { keys, book: &book, orders, series });
        self.run(prepared, &craft, &*clock, Some(&ExportCount { keys, book: &book, a_card }))
    }

    /// Finds everything that would refuse the batch, so that nothing of it is left behind.
    fn prepare(&self) -> anyhow::Result<Prepared> {
        let (options, read) = (self.options, self.read);
        let ledger = options.inputs.ledger(&read.profile);
        if !options.new_ledger && !ledger.exists() {
            return Err(NumberError::NoLedger(ledger.display().to_string()).into());
        }
        let books = options.books()?;
        let name = hex::encode(rand::rng().random::<[u8; 6]>());
        let (journal, give_up) = (options.journal_path(), options.give_up(read)?);
        if books.is_closed() {
            ensure!(
                options.left.is_none() && options.stock.is_none_or(|stock| stock == books.stock().handed_out),
                "the batch is closed, and its stock added up: --left and --stock come too late"
            );
            return Ok(Prepared { journal, ledger, name, readers: None, stock: None, give_up });
        }
        let link = options.paced.then_some(Link::CONTACT_115200);
        let readers = Readers::open(&options.readers, read.chip(), link)?;
        let stock = options.handed_out(books.first_stock().map(|_| books.stock().handed_out), readers.left())?;
        if books.identity().is_none() {
            if options.new_ledger {
                private_file::create_if_missing(&ledger, "ledger of numbers")?;
            }
            let &IssueBatch { new_ledger, list_again, .. } = options;
            let (series, list) = (&read.profile.series, read.list_hash.as_str());
            reserve(&SystemDisk, &ledger, &Claim { series, batch: &name, list, new_ledger, list_again }, 0)?;
        }
        Ok(Prepared { journal, ledger, name, readers: Some(readers), stock, give_up })
    }

    fn run(
        &self,
        prepared: Prepared,
        craft: &AnyCraft<'_, '_>,
        clock: &(dyn Fn() -> String + Sync),
        exports: Option<&ExportCount<'_, '_>>,
    ) -> anyhow::Result<Output> {
        let (options, read) = (self.options, self.read);
        let Prepared { journal: path, ledger, name, readers, stock, give_up } = prepared;
        let order = Order {
            enterprise: read.profile.enterprise,
            profile: read.profile_hash.clone(),
            list: read.list_hash.clone(),
            rows: &self.rows,
            series: &read.profile.series,
            ledger: &ledger,
            new_ledger: options.new_ledger,
            list_again: options.list_again,
            failures_max: options.failures,
            give_up: &give_up,
        };
        private_file::create_if_missing(&path, "journal")?;
        let mut journal = batch::open_journal(&SystemDisk, &path, &order, &name, clock())?;
        let mut exit = Exit::Done;
        if let Some(mut readers) = readers {
            if let Some(cards) = stock {
                journal.record(&Entry::Stock { at: clock(), cards })?;
            }
            let ran = self.serve(craft, &order, journal, &mut readers, clock)?;
            (journal, exit) = self.counted(ran, &readers, clock)?;
        }
        let files = Files::beside(options.journal.as_deref().unwrap_or_else(|| options.inputs.list_path()));
        let report = outputs::write(&files, options, read, &journal, self.sign_key, clock(), exports)?;
        let facts = BatchFacts { journal: path.display().to_string(), report };
        Output::new("onecard.issue-batch/1", exit, &facts)
    }

    fn serve(
        &self,
        craft: &AnyCraft<'_, '_>,
        order: &Order<'_>,
        journal: Journal,
        readers: &mut Readers,
        clock: &(dyn Fn() -> String + Sync),
    ) -> anyhow::Result<(Journal, Outcome)> {
        let stop = Arc::new(AtomicBool::new(false));
        listen(&stop)?;
        let (rows, language) = (self.rows.len() as u64, self.options.language);
        let hands = (readers.feeders.len(), readers.is_by_hand());
        let screen = Screen::new(self.json, language, self.read, rows, hands)?;
        screen.say(&readers.to_string());
        let tell = |event| screen.tell(event);
        let around = Surroundings { disk: &SystemDisk, clock, tell: &tell, stop: &stop };
        let ran = batch::run(craft, order, journal, &mut readers.feeders, &around);
        screen.end();
        Ok(ran?)
    }

    /// Counts what is left, and closes a batch that is done and adds up.
    fn counted(
        &self,
        (mut journal, Outcome { missing_rows, .. }): (Journal, Outcome),
        readers: &Readers,
        clock: &(dyn Fn() -> String + Sync),
    ) -> anyhow::Result<(Journal, Exit)> {
        if missing_rows > 0 {
            return Ok((journal, Exit::Error));
        }
        let Some(left) = self.options.left.or_else(|| readers.left()) else { return Ok((journal, Exit::Done)) };
        journal.record(&Entry::Counted { at: clock(), left })?;
        // What does not add up is counted again, by the same command.
        if journal.replayed().stock().missing().is_none() {
            return Ok((journal, Exit::Error));
        }
        journal.record(&Entry::Closed { at: clock() })?;
        Ok((journal, Exit::Done))
    }
}

type Journal = BatchJournal<std::fs::File>;

impl IssueBatch {
    /// How many blank cards more the journal is told of; it was told of so many in all, and so many are `in_folders`. Named in all, a
    /// number that was told before adds nothing, however often the command is repeated.
    fn handed_out(&self, told: Option<u64>, in_folders: Option<u64>) -> anyhow::Result<Option<u64>> {
        match (told, self.stock) {
            (None, stock) => {
                let stock = stock.or(in_folders);
                stock.map(Some).context(
                    "say by --stock how many blank cards were handed out for this batch 请用--stock填写领用空白卡数",
                )
            }
            (Some(_), None) => Ok(None),
            (Some(told), Some(stock)) => match stock.checked_sub(told) {
                Some(further) => Ok((further > 0).then_some(further)),
                None => bail!(
                    "{told} blank cards were handed out for this batch already: --stock names all of them, with further ones, not {stock} \
                     --stock须为累计领用数"
                ),
            },
        }
    }

    fn journal_path(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| beside(self.inputs.list_path(), ".journal"))
    }

    fn named_washing_journal(&self) -> Named<'_> {
        let &Self { washing_journal: ref path, new_washing_journal: new, .. } = self;
        Named { path, option: "--washing-journal", new_option: "--new-washing-journal", new }
    }

    /// What the batch's journal says now, if there is one.
    fn books(&self) -> anyhow::Result<Books> {
        replayed_or_new(&self.journal_path())
    }

    fn give_up(&self, read: &Read) -> anyhow::Result<Vec<Number>> {
        let series = &read.profile.series;
        let number = |serial: &ApplicationSerial| {
            series
                .number_of(*serial)
                .with_context(|| format!("--give-up {serial}: it is no number of the profile's series"))
        };
        let mut numbers = self.give_up.iter().map(number).collect::<anyhow::Result<Vec<_>>>()?;
        numbers.sort();
        Ok(numbers)
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

/// How a run ended.
#[derive(Serialize)]
struct BatchFacts {
    journal: String,
    #[serde(flatten)]
    report: outputs::Report,
}

impl fmt::Display for BatchFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs::Report { rows, missing_rows, stock, missing, files, exports, .. } = &self.report;
        let counted = |count: &Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let mut facts = vec![
            ("rows 名单行数", rows.to_string()),
            ("good 合格", stock.good.to_string()),
            ("spoilt 废卡", stock.bad.to_string()),
            ("begun 未完成", stock.begun.to_string()),
            ("handed out 领用", stock.handed_out.to_string()),
            ("left 剩余", counted(&stock.counted)),
            ("missing 缺少", counted(missing)),
        ];
        if let Some(Exports { asked, beyond, left }) = exports {
            facts.push(("exports 导出", format!("{asked}, left 剩余额度 {left}")));
            facts.push(("beyond need 多余导出", beyond.to_string()));
        }
        facts.push(("journal 日志", self.journal.clone()));
        facts.push(("report 报告", files.join(" ")));
        f.write_str(&pairs(facts))?;
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
