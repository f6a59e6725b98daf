//! `onecard issue`: batches of cards, from a list of people to a drawer of cards.

mod batch;
mod blanks;
mod explain;
mod feeders;
mod folder;
mod inputs;
mod keys;
mod outputs;
#[cfg(feature = "pcsc")]
mod pcsc_feeder;
mod screen;
mod washing;

use std::{fmt, path::PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    output::{Exit, Output},
    signing_key,
    table::pairs,
};

/// What can be done with batches.
#[derive(Subcommand, Debug)]
pub(crate) enum IssueCommand {
    /// See whether profile, list and keys make a batch; nothing is written 发卡前检查
    ///
    /// Everything that is wrong with profile and list is told at once, with line or row and column. The first card is issued on a
    /// simulated chip in memory, under its real keys, and checked as every card of a batch is. A key master card counts what it gives
    /// away: its keys, its allowance and the issuing SAM are looked at instead.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckBatch>),
    /// Issue a card for every row of a list 批量发卡
    ///
    /// Run the same command again after a crash, a power cut or Ctrl-C: it skips finished cards, mends half-written ones and gives
    /// no number twice. A card counts as good once its files read as ordered, and a load's MAC1 and INTERNAL AUTHENTICATE agree.
    #[command(after_help = BATCH_EXAMPLES)]
    Batch(Box<batch::IssueBatch>),
    /// Make simulated blank cards, to try a batch on 制作模拟空白卡
    #[command(after_help = BLANKS_EXAMPLES)]
    Blanks(blanks::MakeBlanks),
    /// Make the key that reports are signed by, and the key to check them by 生成报告签名密钥
    #[command(after_help = "Example:\n  onecard issue new-key station.key")]
    NewKey(NewKey),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  onecard issue check school.toml people.csv --keys dev.keys
  onecard issue check school.toml people.csv --keys dev.keys --explain   # every command to the first card 逐步说明";

const BLANKS_EXAMPLES: &str = "\
Examples:
  onecard issue blanks blanks 60
  onecard issue blanks sams 3 --sam
  onecard issue blanks sims 60 --sim --keys dev.keys   # each with its own operator's keys 手机卡";

const BATCH_EXAMPLES: &str = "\
Examples:
  # blank cards that are chips in files, from a folder; good ones go to blanks/good 模拟卡
  onecard issue batch school.toml people.csv --keys dev.keys --reader sim:blanks \\
    --sign-key station.key --new-ledger
  # two readers of it at once, told for another program, an event a line 两台读卡器
  onecard --json issue batch school.toml people.csv --keys dev.keys --reader sim:blanks \\
    --reader sim:blanks --sign-key station.key
  # cards put by hand into every PC/SC reader there is, each asked for with a bell 实体读卡器
  onecard issue batch school.toml people.csv --keys dev.keys --reader pcsc: --stock 60 \\
    --sign-key station.key
  # by the keys of a PKCS#11 token, which do not leave it (a program built with --features hsm) 加密机
  onecard issue batch school.toml people.csv --token roots \\
    --pkcs11 /usr/lib/softhsm/libsofthsm2.so --reader sim:blanks --sign-key station.key
  # by a key master card, for cards after the operator's wash, in the order of their numbers 密钥母卡
  onecard issue batch school.toml people.csv --master sim:school.master --mother sim:school.mother \\
    --sam sim:issuing.sam --reader sim:stack --sign-key station.key
  # further cards were handed out: --stock names all of them, so that it may be repeated 追加领用
  onecard issue batch school.toml people.csv --keys dev.keys --reader sim:blanks --stock 65 \\
    --sign-key station.key
  # the chain and the signature 验证日志与报告
  onecard journal verify people.csv.journal --report people.csv.report --key station.key.pub

The journal people.csv.journal tells how far it is; the ledger that the profile names, which numbers
were given. Behind a whole batch stand people.csv.report (the signature), .report.html (to print)
and .report.csv.";

/// Profile, list and keys.
#[derive(Args, Debug)]
pub(crate) struct Inputs {
    /// The issuing profile (发卡参数), TOML.
    profile: PathBuf,
    /// The list (名单), CSV in UTF-8 or GB18030: people, or terminals where the profile issues SAMs.
    list: PathBuf,
    #[command(flatten)]
    keys: keys::KeyPlace,
    /// File with everybody's first PIN (初始密码), where the profile says pin = "file": 4 to 6 digits, mode 0600.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// Options of `issue check`.
#[derive(Args, Debug)]
pub(crate) struct CheckBatch {
    #[command(flatten)]
    inputs: Inputs,
    /// Tell every command that the first card gets, and what it is for 逐步说明.
    #[arg(long)]
    explain: bool,
}

/// Options of `issue new-key`.
#[derive(Args, Debug)]
pub(crate) struct NewKey {
    /// The file to make.
    file: PathBuf,
}

/// What a report's key is called in messages.
const KEY: &str = "report key";

/// Runs one of them; a batch prints JSON as it goes if `json`.
pub(crate) fn run(command: &IssueCommand, json: bool) -> anyhow::Result<Output> {
    match command {
        IssueCommand::Check(check) => explain::run(check),
        IssueCommand::Batch(options) => batch::run(options, json),
        IssueCommand::Blanks(options) => blanks::run(options),
        IssueCommand::NewKey(NewKey { file }) => {
            let signing_key::Made { public_file, public } = signing_key::create(file, KEY)?;
            let made = Made { public: public_file.display().to_string(), key: public };
            Output::new("onecard.issue-new-key/1", Exit::Done, &made)
        }
    }
}

/// The key that reports are checked by.
#[derive(Serialize)]
struct Made {
    public: String,
    key: String,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([("to check reports 验证用", self.public.clone()), ("key 公钥", self.key.clone())]))
    }
}
