//! `onecard campaign status`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_gateway::campaign::{CampaignListing, UnderWay, UnixMillis};
use serde::Serialize;

use super::{look, now};
use crate::{
    output::{Exit, Output},
    table::{Column, table},
};

/// Options of `campaign status`.
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// The gateway's book.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// This campaign alone, and of it what is under way, the most tried first.
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
}

/// Orders under way that are shown.
const UNDER_WAY_SHOWN: u32 = 20;

/// Shows it.
pub(super) fn run(options: &Status) -> anyhow::Result<Output> {
    let store = look(&options.book)?;
    let mut campaigns = store.campaigns()?;
    let mut under_way = Vec::new();
    if let Some(name) = &options.of {
        let id = store.campaign(name)?;
        campaigns.retain(|campaign| campaign.id == id);
        under_way = store.under_way(id, UNDER_WAY_SHOWN)?;
    }
    let now = now();
    let status = StatusFacts {
        campaigns: campaigns.iter().map(Campaign::of).collect(),
        under_way: under_way.iter().map(|order| Order::of(order, now)).collect(),
    };
    Output::view("onecard.campaign-status/1", &status)
}

/// Fen as yuan, of sums that no purse holds.
pub(super) fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

#[derive(Serialize)]
struct StatusFacts {
    campaigns: Vec<Campaign>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    under_way: Vec<Order>,
}

/// One campaign.
#[derive(Serialize)]
pub(super) struct Campaign {
    name: String,
    paused: bool,
    waiting: u64,
    behind_unknown: u64,
    /// Of those not ended: somebody has to say or make something.
    pub(super) for_somebody: u64,
    under_way: u64,
    committed: u64,
    not_committed: u64,
    pub(super) unknown: u64,
    committed_fen: u64,
    not_committed_fen: u64,
    unknown_fen: u64,
    packets: u64,
}

#[derive(Serialize)]
struct Order {
    order: String,
    iccid: String,
    phone: String,
    packets: u32,
    due_in_seconds: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What `pause` and `resume` did.
#[derive(Serialize)]
pub(super) struct Paused {
    pub(super) name: String,
    pub(super) paused: bool,
    pub(super) resumed: usize,
}

impl Campaign {
    pub(super) fn of(listing: &CampaignListing) -> Self {
        let counts = listing.counts;
        Self {
            name: listing.name.clone(),
            paused: listing.paused,
            waiting: counts.waiting,
            behind_unknown: counts.behind_unknown,
            for_somebody: counts.for_somebody,
            under_way: counts.under_way,
            committed: counts.committed,
            not_committed: counts.not_committed,
            unknown: counts.unknown,
            committed_fen: counts.committed_fen,
            not_committed_fen: counts.not_committed_fen,
            unknown_fen: counts.unknown_fen,
            packets: counts.packets,
        }
    }
}

impl Order {
    fn of(order: &UnderWay, now: UnixMillis) -> Self {
        Self {
            order: order.order_number.clone(),
            iccid: order.iccid.clone(),
            phone: order.phone.clone(),
            packets: order.packets,
            due_in_seconds: (order.due_at.0 - now.0).div_euclid(1_000).max(0),
            waits: order.waits.clone(),
            hint: order.hint.clone(),
        }
    }
}

/// A table of campaigns.
pub(super) fn campaigns_table(campaigns: &[Campaign]) -> String {
    let columns = [
        Column::Text("campaign 批次"),
        Column::Number("waiting 待发"),
        Column::Number("under way 进行"),
        Column::Number("committed 成交"),
        Column::Number("yuan 元"),
        Column::Number("not 未成交"),
        Column::Number("unknown 未知"),
        Column::Number("packets 报文"),
    ];
    let rows = campaigns.iter().map(|it| {
        let name = if it.paused { format!("{} (paused 暂停)", it.name) } else { it.name.clone() };
        let numbers = [it.waiting, it.under_way, it.committed].map(|number| number.to_string());
        let rest = [it.not_committed, it.unknown, it.packets].map(|number| number.to_string());
        [vec![name], numbers.to_vec(), vec![yuan(it.committed_fen)], rest.to_vec()].concat()
    });
    table(&columns, rows)
}

impl fmt::Display for StatusFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.campaigns.is_empty() {
            return f.write_str("No campaign yet: `onecard campaign new` takes a list 尚无批次");
        }
        write!(f, "{}", campaigns_table(&self.campaigns))?;
        if self.under_way.is_empty() {
            return Ok(());
        }
        let columns = [
            Column::Text("under way 进行中"),
            Column::Text("ICCID"),
            Column::Text("phone 手机号"),
            Column::Number("packets 报文"),
            Column::Number("due in s 剩余秒"),
            Column::Text("waits for, or last hint 等待或提示"),
        ];
        let rows = self.under_way.iter().map(|it| {
            let numbers = [it.packets.to_string(), it.due_in_seconds.to_string()];
            let [packets, due] = numbers;
            let hint = it.waits.clone().or_else(|| it.hint.clone()).unwrap_or_default();
            [it.order.clone(), it.iccid.clone(), it.phone.clone(), packets, due, hint]
        });
        write!(f, "\n{}", table(&columns, rows))
    }
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.paused { "paused 已暂停" } else { "goes on 继续" };
        write!(f, "Campaign {}: {what}", self.name)?;
        match self.resumed {
            0 => Ok(()),
            number => write!(f, "; {number} unknown outcomes are asked about again 重新查询"),
        }
    }
}

/// How the process ends when nothing is left to be done.
pub(super) fn exit(campaigns: &[Campaign]) -> Exit {
    if campaigns.iter().any(|campaign| campaign.unknown > 0) { Exit::Unknown } else { Exit::Done }
}

impl Campaign {
    /// Whether something is left to be done; what waits for an outcome that is unknown waits for somebody to resume it.
    pub(super) const fn goes_on(&self) -> bool {
        !self.paused && self.waiting - self.behind_unknown + self.under_way > 0
    }

    /// Orders that have ended, and all.
    pub(super) const fn ended(&self) -> (u64, u64) {
        let ended = self.committed + self.not_committed + self.unknown;
        (ended, ended + self.waiting + self.under_way)
    }
}
