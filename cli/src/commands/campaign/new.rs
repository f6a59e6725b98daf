//! `onecard campaign new`.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_gateway::campaign::{Flow, NewTask, OrderError, Settings, Store, Window};
use onecard_host::over_the_air::{
    Tries,
    deletion::{Deletion, DeletionTerms},
    lock::{Lock, LockTerms, Way},
    recharge::{KEY_ID_MIN, Patience, Recharge, RechargeTerms},
};
use onecard_wire::{
    number::{EnterpriseId, TerminalNumber},
    wallet::Purse,
};
use serde::Serialize;

use super::{
    issues::{IssueTerms, Issues},
    now,
    orders::{self, Beside, Order, Orders},
};
use crate::{
    args,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    table,
};

/// Options of `campaign new`.
#[derive(Args, Debug)]
pub(crate) struct New {
    /// The gateway's book.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The campaign's name, by which it is paused, resumed and reported.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    list: List,
    /// The key file, clear or sealed, of the enterprise whose applications these are.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Of recharges: the number of the load server (圈存主机终端号), which goes into every MAC: 12 digits.
    #[arg(long, value_name = "NUMBER", value_parser = args::terminal_number, required_unless_present_any = ["deletions", "lost", "found", "issues"])]
    terminal: Option<TerminalNumber>,
    /// Begin the book, too.
    #[arg(long)]
    new_book: bool,
    #[command(flatten)]
    issue_terms: IssueTerms,
    #[command(flatten)]
    manner: Manner,
}

/// What is done to the cards of which list.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct List {
    /// Issue an application onto each 空中发卡.
    #[arg(long, value_name = "FILE", requires = "profile")]
    issues: Option<PathBuf>,
    /// Recharge them 空中圈存.
    #[arg(long, value_name = "FILE")]
    recharges: Option<PathBuf>,
    /// Delete their applications: each balance is made final, is in the report as a refund, and then the application goes 空中注销.
    #[arg(long, value_name = "FILE")]
    deletions: Option<PathBuf>,
    /// Report them lost 空中挂失.
    #[arg(long, value_name = "FILE")]
    lost: Option<PathBuf>,
    /// Report them found, once they are off the blacklist 空中解挂.
    #[arg(long, value_name = "FILE")]
    found: Option<PathBuf>,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Issue,
    Recharge,
    Delete,
    Lock(Way),
}

/// How the cards are treated.
#[derive(Args, Debug)]
#[command(next_help_heading = "Each card 每张卡")]
struct Manner {
    /// When messages may go out, by China's clock [default: always].
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = window)]
    window: Option<Window>,
    /// How long a proof is waited for at first; twice as long each time none came, up to 15 times as long.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    proof_within: u32,
    /// How often the bytes of a packet that moves no money go out before another is made.
    #[arg(long, value_name = "TIMES", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    sends: u32,
    /// How many packets a question is given, each with its own counter.
    #[arg(long, value_name = "PACKETS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
    packets: u8,
    /// How often what changes the card is made anew, each time only after the card has shown that it has not done it.
    #[arg(long, value_name = "ATTEMPTS", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    attempts: u8,
}

/// Takes it.
pub(super) fn run(options: &New) -> anyhow::Result<Output> {
    let keys = DevelopmentKeys::read(&options.keys, &options.passphrase)?;
    let (kind, list) = options.list.named()?;
    let (orders, content) = orders::read(list, kind.beside())?;
    let total_fen = orders.iter().map(|(_, order)| u64::from(order.money.fen())).sum();
    let (mut store, flows) = match kind {
        Kind::Issue => options.issues(list, (orders, &content), &keys)?,
        _ => {
            let flows = options.flows(kind, orders, keys.enterprise)?;
            (options.open()?, flows)
        }
    };
    let tasks: Vec<NewTask> = flows
        .into_iter()
        .map(|(order, flow)| NewTask { order_number: order.number, card: order.card, flow, not_before: now() })
        .collect();
    let orders = tasks.len();
    let settings = options.manner.settings();
    store
        .new_campaign(&options.name, &settings, tasks)
        .with_context(|| format!("list {}: nothing of it was taken", list.display()))?;
    let name = options.name.clone();
    let taken = Taken { name, kind: kind.name(), enterprise: keys.enterprise.to_string(), orders, total_fen };
    Output::new("onecard.campaign-new/1", Exit::Done, &taken)
}

impl Kind {
    /// What its list has beside orders and cards.
    const fn beside(self) -> Beside {
        match self {
            Self::Issue => Beside::People,
            Self::Recharge => Beside::Amount,
            Self::Delete => Beside::Deposit,
            Self::Lock(_) => Beside::Nothing,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issues",
            Self::Recharge => "recharges",
            Self::Delete => "deletions",
            Self::Lock(Way::Lost) => "lost",
            Self::Lock(Way::Found) => "found",
        }
    }
}

impl New {
    /// The book is there, and takes the campaign, before a number is taken out of a ledger.
    fn issues(
        &self,
        list: &Path,
        (orders, content): (Orders, &[u8]),
        keys: &DevelopmentKeys,
    ) -> anyhow::Result<(Store, Vec<(Order, Flow)>)> {
        let issues = Issues::read(&self.issue_terms, list, content, keys)?;
        issues.check(&orders)?;
        let store = self.open()?;
        if store.campaign(&self.name).is_ok() {
            return Err(OrderError::CampaignTaken(self.name.clone()).into());
        }
        let flows = issues.flows(&self.name, orders, keys, self.manner.tries());
        let flows = if self.new_book {
            flows.with_context(|| {
                format!("book {} was begun, and nothing is in it: leave --new-book out 台账已新建", self.book.display())
            })?
        } else {
            flows?
        };
        Ok((store, flows))
    }

    fn flows(&self, kind: Kind, orders: Orders, enterprise: EnterpriseId) -> anyhow::Result<Vec<(Order, Flow)>> {
        let flow = |(_, order): (u64, Order)| {
            let flow = self.flow(kind, &order, enterprise).with_context(|| format!("order {}", order.number))?;
            Ok((order, flow))
        };
        orders.into_iter().map(flow).collect()
    }

    fn flow(&self, kind: Kind, order: &Order, enterprise: EnterpriseId) -> anyhow::Result<Flow> {
        let tries = self.manner.tries();
        let serial = order.serial.context("no serial")?;
        Ok(match kind {
            Kind::Recharge => {
                let terminal = self.terminal.context("name the load server by --terminal")?;
                let (key_id, amount) = (KEY_ID_MIN, order.money);
                let terms = RechargeTerms { enterprise, purse: Purse::Ep, key_id, amount, terminal };
                let patience = Patience { packets: tries.packets, credits: tries.attempts };
                Flow::Recharge { serial, recharge: Recharge::begin(terms, patience)? }
            }
            Kind::Delete => {
                let terms = DeletionTerms { enterprise, serial, deposit: order.money };
                Flow::Deletion(Box::new(Deletion::begin(terms, tries)?))
            }
            Kind::Lock(way) => Flow::Lock(Box::new(Lock::begin(LockTerms { enterprise, serial, way }, tries))),
            Kind::Issue => bail!("an issue has a profile"),
        })
    }

    fn open(&self) -> anyhow::Result<Store> {
        let name = || format!("book {}", self.book.display());
        if self.new_book {
            return Store::create(&self.book).with_context(name);
        }
        ensure!(
            self.book.exists(),
            "there is no book {}: --new-book begins one. A card's counters are in it: if it is lost, name in the list's column \
             \"counter\" the highest that may have been used 无此文件",
            self.book.display()
        );
        // Beside a gateway that runs: it takes the orders at its next turn.
        Store::look(&self.book).with_context(name)
    }
}

impl List {
    fn named(&self) -> anyhow::Result<(Kind, &Path)> {
        let lists = [
            (Kind::Issue, &self.issues),
            (Kind::Recharge, &self.recharges),
            (Kind::Delete, &self.deletions),
            (Kind::Lock(Way::Lost), &self.lost),
            (Kind::Lock(Way::Found), &self.found),
        ];
        let named = lists.into_iter().find_map(|(kind, list)| Some((kind, list.as_deref()?)));
        named.context("name a list by --issues, --recharges, --deletions, --lost or --found")
    }
}

impl Manner {
    const fn tries(&self) -> Tries {
        Tries { packets: self.packets, attempts: self.attempts }
    }

    fn settings(&self) -> Settings {
        let settings = Settings::DEFAULT.with_proof_within(Duration::from_secs(self.proof_within.into()));
        Settings { sends: self.sends, window: self.window, ..settings }
    }
}

fn window(text: &str) -> Result<Window, String> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
    let (from_minute, until_minute) = read.ok_or("expected two times of day, such as 08:00-21:00")?;
    Ok(Window { from_minute, until_minute })
}

#[derive(Serialize)]
struct Taken {
    name: String,
    /// issues, recharges, deletions, lost, found.
    kind: &'static str,
    enterprise: String,
    orders: usize,
    total_fen: u64,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Taken: campaign {} 已登记", self.name)?;
        let kind = match self.kind {
            "issues" => "issues 空中发卡",
            "recharges" => "recharges 空中圈存",
            "deletions" => "deletions 空中注销",
            "lost" => "lost 空中挂失",
            _ => "found 空中解挂",
        };
        let pairs = [
            ("kind 类型", kind.to_owned()),
            ("enterprise 单位", self.enterprise.clone()),
            ("orders 订单数", self.orders.to_string()),
            ("yuan 总金额", super::listing::yuan(self.total_fen)),
        ];
        write!(f, "{}", table::pairs(pairs))
    }
}
