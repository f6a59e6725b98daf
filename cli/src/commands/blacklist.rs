//! `onecard blacklist`: the enterprise's signed list of cards that are served nowhere.

use std::{
    fmt,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use onecard_host::blacklist::{Blacklist, BlacklistFile, ListKey, ListSigner, ListVersion};
use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use serde::Serialize;

use crate::{
    args::{self, At, Enterprise},
    list_source::{open_list, read_key, read_list},
    output::{Exit, Output},
    signing_key,
    table::pairs,
};

/// What can be done with blacklists.
#[derive(Subcommand, Debug)]
pub(crate) enum BlacklistCommand {
    /// Make a key to sign lists by, and the key to check them by 生成名单密钥
    ///
    /// FILE is readable by its owner alone; FILE.pub goes to every terminal.
    #[command(after_help = "Example:\n  onecard blacklist new-key list.key")]
    NewKey(NewKey),
    /// Sign a list of cards 签发黑名单
    ///
    /// It holds the cards that are named and no others, and its version is its date and time: a file that has a list already
    /// takes newer ones alone.
    #[command(after_help = "\
Examples:
  onecard blacklist make lost.list 3100100000000076 --key list.key
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --blacklist lost.list --list-key list.key.pub")]
    Make(MakeList),
    /// Sign the changes between two lists, a few bytes a card, for terminals that have the older 签发增量
    ///
    /// Terminals take them by `blacklist receive`, in their order and none twice.
    #[command(after_help = "\
Examples:
  onecard blacklist make monday.list 3100100000000076 --key list.key --at 2026-11-02T08:00
  onecard blacklist make tuesday.list 3100100000000084 --key list.key --at 2026-11-03T08:00
  onecard blacklist changes tuesday.changes --since monday.list --to tuesday.list --key list.key
  onecard blacklist receive till.list tuesday.changes --list-key list.key.pub")]
    Changes(MakeChanges),
    /// Take a list or changes into a terminal's list 接收黑名单
    #[command(after_help = "Example:\n  onecard blacklist receive till.list tuesday.changes --list-key list.key.pub")]
    Receive(ReceiveList),
    /// Check a list and show it 查看黑名单
    #[command(after_help = "Example:\n  onecard blacklist show lost.list --list-key list.key.pub")]
    Show(ShowList),
}

/// Options of `blacklist new-key`.
#[derive(Args, Debug)]
pub(crate) struct NewKey {
    /// The file to make.
    file: PathBuf,
}

/// Options of `blacklist make`.
#[derive(Args, Debug)]
pub(crate) struct MakeList {
    /// The list's file.
    list: PathBuf,
    /// Numbers of the cards on it; none: nobody is on it.
    #[arg(value_name = "NUMBER", value_parser = args::card_number)]
    cards: Vec<ApplicationSerial>,
    /// The key to sign by.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    at: At,
}

/// Options of `blacklist changes`.
#[derive(Args, Debug)]
pub(crate) struct MakeChanges {
    /// The file of changes to make.
    changes: PathBuf,
    /// The list that terminals have.
    #[arg(long, value_name = "FILE")]
    since: PathBuf,
    /// The newer list.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The key to sign by.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    enterprise: Enterprise,
}

/// Options of `blacklist receive`.
#[derive(Args, Debug)]
pub(crate) struct ReceiveList {
    /// The terminal's list; begun if missing.
    list: PathBuf,
    /// A whole list, or changes.
    update: PathBuf,
    /// The key to check it by.
    #[arg(long, value_name = "FILE")]
    list_key: PathBuf,
    #[command(flatten)]
    enterprise: Enterprise,
}

/// Options of `blacklist show`.
#[derive(Args, Debug)]
pub(crate) struct ShowList {
    /// The list's file.
    list: PathBuf,
    /// The key to check it by.
    #[arg(long, value_name = "FILE")]
    list_key: PathBuf,
    #[command(flatten)]
    enterprise: Enterprise,
}

const KEY: &str = "list key";

/// Runs one of them.
pub(crate) fn run(command: &BlacklistCommand) -> anyhow::Result<Output> {
    match command {
        BlacklistCommand::NewKey(options) => new_key(options),
        BlacklistCommand::Make(options) => make(options),
        BlacklistCommand::Changes(options) => changes(options),
        BlacklistCommand::Receive(options) => receive(options),
        BlacklistCommand::Show(ShowList { list, list_key, enterprise }) => {
            let list = read_list(list, list_key, enterprise.enterprise)?;
            Output::view("onecard.blacklist-show/1", &ListFacts::of(&list))
        }
    }
}

fn new_key(NewKey { file }: &NewKey) -> anyhow::Result<Output> {
    let signing_key::Made { public_file, public } = signing_key::create(file, KEY)?;
    let made = Made { public: public_file.display().to_string(), key: public };
    Output::new("onecard.blacklist-new-key/1", Exit::Done, &made)
}

fn make(options: &MakeList) -> anyhow::Result<Output> {
    let enterprise = options.enterprise.enterprise;
    let signer = ListSigner::new(enterprise, signing_key::read(&options.key, KEY)?);
    let moment = options.at.moment()?;
    let (date, time) = (moment.date.to_bytes(), moment.time.to_bytes());
    let ([a, b, c, d], [e, f, g]) = (date, time);
    let bytes = signer.whole(ListVersion([a, b, c, d, e, f, g]), options.cards.iter().copied())?;
    let list = store(&options.list, enterprise, signer.key(), &bytes)?;
    Output::new("onecard.blacklist-make/1", Exit::Done, &ListFacts::of(&list))
}

fn changes(options: &MakeChanges) -> anyhow::Result<Output> {
    let enterprise = options.enterprise.enterprise;
    let signer = ListSigner::new(enterprise, signing_key::read(&options.key, KEY)?);
    let [old, new] = [&options.since, &options.to].map(|path| open_list(path, enterprise, signer.key()));
    let (old, new) = (old?, new?);
    ensure!(
        new.version() > old.version(),
        "--to is list {}, not newer than --since, list {}: exchange them",
        new.version(),
        old.version()
    );
    let bytes = signer.changes(&old, &new)?;
    let name = || format!("changes {}", options.changes.display());
    let made =
        File::create_new(&options.changes).and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    made.with_context(|| format!("{} cannot be made", name()))?;
    let differ = |these: &Blacklist, those: &Blacklist| {
        these.iter().filter(|card| !those.lists(*card)).map(|card| card.to_string()).collect()
    };
    let facts = ChangeFacts {
        enterprise: enterprise.to_string(),
        since: old.version().to_string(),
        version: new.version().to_string(),
        added: differ(&new, &old),
        removed: differ(&old, &new),
        bytes: bytes.len(),
    };
    Output::new("onecard.blacklist-changes/1", Exit::Done, &facts)
}

fn receive(options: &ReceiveList) -> anyhow::Result<Output> {
    let name = || format!("update {}", options.update.display());
    let bytes = fs::read(&options.update).with_context(|| format!("{} cannot be read", name()))?;
    let list = store(&options.list, options.enterprise.enterprise, read_key(&options.list_key)?, &bytes)?;
    Output::new("onecard.blacklist-receive/1", Exit::Done, &ListFacts::of(&list))
}

fn store(path: &Path, enterprise: EnterpriseId, key: ListKey, bytes: &[u8]) -> anyhow::Result<Blacklist> {
    let name = || format!("blacklist {}", path.display());
    let mut file = BlacklistFile::open(path, enterprise, key).with_context(name)?;
    file.receive(bytes).with_context(name)?;
    file.list().cloned().with_context(name)
}

/// The key that terminals get.
#[derive(Serialize)]
struct Made {
    public: String,
    key: String,
}

/// A list that was checked.
#[derive(Serialize)]
struct ListFacts {
    enterprise: String,
    version: String,
    cards: Vec<String>,
}

impl ListFacts {
    fn of(list: &Blacklist) -> Self {
        Self {
            enterprise: list.enterprise().to_string(),
            version: list.version().to_string(),
            cards: list.iter().map(|card| card.to_string()).collect(),
        }
    }
}

/// What changes do.
#[derive(Serialize)]
struct ChangeFacts {
    enterprise: String,
    since: String,
    version: String,
    added: Vec<String>,
    removed: Vec<String>,
    bytes: usize,
}

impl fmt::Display for ChangeFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([
            ("enterprise 单位", self.enterprise.clone()),
            ("made for list 适用版本", self.since.clone()),
            ("version 版本", self.version.clone()),
            ("added 新增", self.added.len().to_string()),
            ("removed 移除", self.removed.len().to_string()),
            ("bytes 字节", self.bytes.to_string()),
        ]))?;
        self.added.iter().try_for_each(|card| writeln!(f, "  + {card}"))?;
        self.removed.iter().try_for_each(|card| writeln!(f, "  - {card}"))
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([("for terminals 发给终端", self.public.clone()), ("key 公钥", self.key.clone())]))
    }
}

impl fmt::Display for ListFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([
            ("enterprise 单位", self.enterprise.clone()),
            ("version 版本", self.version.clone()),
            ("cards 卡数", self.cards.len().to_string()),
        ]))?;
        self.cards.iter().try_for_each(|card| writeln!(f, "  {card}"))
    }
}
