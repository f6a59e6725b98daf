//! `onecard blacklist`: the enterprise's signed list of cards that are served nowhere.

use std::{fmt, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use onecard_host::blacklist::{Blacklist, BlacklistFile, ListKey, ListSigner, ListVersion};
use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use rand::RngExt;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    args::{self, At, Enterprise},
    journal::beside,
    list_source::read_list,
    output::{Exit, Output},
    private_file,
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
  onecard card pay sim:wang.card 12.50 --sam sim:till.sam --blacklist lost.list --list-key list.key.pub")]
    Make(MakeList),
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
        BlacklistCommand::Show(ShowList { list, list_key, enterprise }) => {
            let list = read_list(list, list_key, enterprise.enterprise)?;
            Output::view("onecard.blacklist-show/1", &ListFacts::of(&list))
        }
    }
}

fn new_key(NewKey { file }: &NewKey) -> anyhow::Result<Output> {
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(rand::rng().random());
    let signing = SigningKey::from_bytes(&secret);
    let text = Zeroizing::new(hex::encode(*secret));
    private_file::create(file, KEY, &text)?;
    let public = beside(file, ".pub");
    let key = hex::encode(signing.verifying_key().to_bytes());
    private_file::create(&public, KEY, &format!("{key}\n"))?;
    Output::new("onecard.blacklist-new-key/1", Exit::Done, &Made { public: public.display().to_string(), key })
}

fn make(options: &MakeList) -> anyhow::Result<Output> {
    let enterprise = options.enterprise.enterprise;
    let signer = ListSigner::new(enterprise, read_signing_key(&options.key)?);
    let moment = options.at.moment()?;
    let (date, time) = (moment.date.to_bytes(), moment.time.to_bytes());
    let ([a, b, c, d], [e, f, g]) = (date, time);
    let bytes = signer.whole(ListVersion([a, b, c, d, e, f, g]), options.cards.iter().copied())?;
    let list = store(options, enterprise, signer.key(), &bytes)?;
    Output::new("onecard.blacklist-make/1", Exit::Done, &ListFacts::of(&list))
}

fn store(options: &MakeList, enterprise: EnterpriseId, key: ListKey, bytes: &[u8]) -> anyhow::Result<Blacklist> {
    let name = || format!("blacklist {}", options.list.display());
    let mut file = BlacklistFile::open(&options.list, enterprise, key).with_context(name)?;
    file.receive(bytes).with_context(name)?;
    file.list().cloned().with_context(name)
}

fn read_signing_key(path: &std::path::Path) -> anyhow::Result<SigningKey> {
    let (_, text) = private_file::read(path, KEY)?;
    let mut secret = Zeroizing::new([0; 32]);
    // The error could name a digit.
    hex::decode_to_slice(text.trim_end(), &mut *secret)
        .map_err(|_| anyhow!("{KEY} {} is no key to sign by: expected 64 hexadecimal digits", path.display()))?;
    Ok(SigningKey::from_bytes(&secret))
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
