//! `onecard campaign new`.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_gateway::campaign::{Flow, NewTask, Settings, Store, Window};
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
    now,
    orders::{self, Money, Order},
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
    #[arg(long, value_name = "NUMBER", value_parser = args::terminal_number, required_unless_present_any = ["deletions", "lost", "found"])]
    terminal: Option<TerminalNumber>,
    /// Begin the book, too.
    #[arg(long)]
    new_book: bool,
    #[command(flatten)]
    manner: Manner,
}

/// What is done to the cards of which list.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct List {
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
    let enterprise = DevelopmentKeys::read(&options.keys, &options.passphrase)?.enterprise;
    let (kind, list) = options.list.named()?;
    let money = match kind {
        Kind::Recharge => Some(Money::Amount),
        Kind::Delete => Some(Money::Deposit),
        Kind::Lock(_) => None,
    };
    let orders = orders::read(list, money)?;
    let (count, mut total) = (orders.len(), 0_u64);
    let tasks: Vec<NewTask> = orders
        .into_iter()
        .map(|order| {
            total += u64::from(order.money.fen());
            options.task(kind, order, enterprise)
        })
        .collect::<anyhow::Result<_>>()?;
    let mut store = options.open()?;
    let settings = options.manner.settings();
    store
        .new_campaign(&options.name, &settings, tasks)
        .with_context(|| format!("list {}: nothing of it was taken", list.display()))?;
    let taken =
        Taken { name: options.name.clone(), enterprise: enterprise.to_string(), orders: count, total_fen: total };
    Output::new("onecard.campaign-new/1", Exit::Done, &taken)
}

impl New {
    fn task(&self, kind: Kind, order: Order, enterprise: EnterpriseId) -> anyhow::Result<NewTask> {
        let Manner { packets, attempts, .. } = self.manner;
        let (serial, tries) = (order.serial, Tries { packets, attempts });
        let name = || format!("order {}", order.number);
        let flow = match kind {
            Kind::Recharge => {
                let terminal = self.terminal.context("name the load server by --terminal")?;
                let (key_id, amount) = (KEY_ID_MIN, order.money);
                let terms = RechargeTerms { enterprise, purse: Purse::Ep, key_id, amount, terminal };
                let patience = Patience { packets, credits: attempts };
                Flow::Recharge { serial, recharge: Recharge::begin(terms, patience).with_context(name)? }
            }
            Kind::Delete => {
                let terms = DeletionTerms { enterprise, serial, deposit: order.money };
                Flow::Deletion(Box::new(Deletion::begin(terms, tries).with_context(name)?))
            }
            Kind::Lock(way) => Flow::Lock(Box::new(Lock::begin(LockTerms { enterprise, serial, way }, tries))),
        };
        Ok(orders::task(order, flow, now()))
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
            (Kind::Recharge, &self.recharges),
            (Kind::Delete, &self.deletions),
            (Kind::Lock(Way::Lost), &self.lost),
            (Kind::Lock(Way::Found), &self.found),
        ];
        let named = lists.into_iter().find_map(|(kind, list)| Some((kind, list.as_deref()?)));
        named.context("name a list by --recharges, --deletions, --lost or --found")
    }
}

impl Manner {
    fn settings(&self) -> Settings {
        let proof = Duration::from_secs(u64::from(self.proof_within)).as_millis() as i64;
        Settings {
            proof_millis: proof,
            proof_millis_max: proof.saturating_mul(15),
            sends: self.sends,
            window: self.window,
            ..Settings::DEFAULT
        }
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
    enterprise: String,
    orders: usize,
    total_fen: u64,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Taken: campaign {} 已登记", self.name)?;
        let pairs = [
            ("enterprise 单位", self.enterprise.clone()),
            ("orders 订单数", self.orders.to_string()),
            ("yuan 总金额", super::listing::yuan(self.total_fen)),
        ];
        write!(f, "{}", table::pairs(pairs))
    }
}
