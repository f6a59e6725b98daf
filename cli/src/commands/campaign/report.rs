//! `onecard campaign report`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_gateway::campaign::{Ended, Ending, Store, StoreError};
use serde::Serialize;

use super::{Named, listing::Campaign, look};
use crate::{
    output::Output,
    private_file,
    table::{Column, table},
};

/// Options of `campaign report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    campaign: Named,
    /// Write every order to this new CSV file (UTF-8, mode 0600), instead of showing the first.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// Orders that are shown on a screen.
const SHOWN: usize = 50;

/// Reports.
pub(super) fn run(options: &Report) -> anyhow::Result<Output> {
    let store = look(&options.campaign.book)?;
    let id = store.campaign(&options.campaign.name)?;
    let campaign = store.campaigns()?.iter().find(|it| it.id == id).map(Campaign::of);
    let campaign = campaign.context("the campaign has gone")?;
    let mut facts = ReportFacts { campaign, orders: Vec::new(), file: None };
    match &options.csv {
        Some(path) => {
            write(&store, options, path)?;
            facts.file = Some(path.display().to_string());
        }
        None => store.each_ended::<StoreError>(id, |ended| {
            facts.orders.push(Row::of(ended));
            Ok(())
        })?,
    }
    Output::view("onecard.campaign-report/1", &facts)
}

fn write(store: &Store, options: &Report, path: &Path) -> anyhow::Result<()> {
    let name = || format!("report {}", path.display());
    ensure!(!path.exists(), "{} exists already: name another file 文件已存在", name());
    let file = private_file::open_new(path).with_context(name)?;
    let mut writer = csv::Writer::from_writer(&file);
    let id = store.campaign(&options.campaign.name)?;
    store.each_ended::<anyhow::Error>(id, |ended| writer.serialize(Row::of(ended)).with_context(name))?;
    writer.flush().with_context(name)?;
    drop(writer);
    file.sync_all().with_context(name)
}

#[derive(Serialize)]
struct ReportFacts {
    campaign: Campaign,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    orders: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// An order that has ended.
#[derive(Serialize)]
struct Row {
    order: String,
    iccid: String,
    phone: String,
    /// committed, not-committed, unknown.
    ending: &'static str,
    amount_fen: Option<u32>,
    /// Of an issue.
    serial: Option<String>,
    /// Of an issue: sets of bodies that were made for it.
    sets: Option<u8>,
    balance_fen: Option<u32>,
    tac: Option<String>,
    packets: u32,
    reason: Option<String>,
    /// Of a deletion that was not carried out: the application takes no purchase, and the desk has to write its status back.
    suspended: bool,
    hint: Option<String>,
}

impl Row {
    fn of(ended: Ended) -> Self {
        Self {
            order: ended.order_number,
            iccid: ended.iccid,
            phone: ended.phone,
            ending: match ended.ending {
                Ending::Committed => "committed",
                Ending::NotCommitted => "not-committed",
                Ending::Unknown => "unknown",
            },
            amount_fen: ended.amount_fen,
            serial: ended.report.serial,
            sets: ended.report.sets,
            balance_fen: ended.report.balance_fen,
            tac: ended.report.tac,
            packets: ended.packets,
            reason: ended.report.reason,
            suspended: ended.report.suspended,
            hint: ended.hint,
        }
    }
}

impl Row {
    fn reason_told(&self) -> String {
        let suspended = self.suspended.then_some("it is suspended, write its status back 应用已停用，请恢复状态");
        let told: Vec<&str> = self.reason.as_deref().into_iter().chain(suspended).collect();
        told.join("; ")
    }

    fn ending_told(&self) -> &'static str {
        match self.ending {
            "committed" => "committed 成交",
            "not-committed" => "not committed 未成交",
            _ => "unknown 未知",
        }
    }
}

impl fmt::Display for ReportFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::listing::campaigns_table(core::slice::from_ref(&self.campaign)))?;
        if let Some(file) = &self.file {
            return write!(f, "\n Written 已写入: {file}");
        }
        if self.orders.is_empty() {
            return f.write_str("\n No order has ended yet 尚无结果");
        }
        let shown = self.orders.iter().take(SHOWN);
        // A campaign is of one kind.
        let table = match self.orders.iter().any(|row| row.serial.is_some()) {
            true => issues_table(shown),
            false => money_table(shown),
        };
        write!(f, "\n{table}")?;
        if let Some(more @ 1..) = self.orders.len().checked_sub(SHOWN) {
            write!(f, "\n and {more} more: --csv FILE has them all 其余见CSV")?;
        }
        if self.campaign.unknown > 0 {
            f.write_str(
                "\n Unknown 未知: `onecard campaign resume --unknown` asks those cards again, a lost one once it is found; what no card \
                 can tell, `onecard campaign decide` ends by the issuer's books 再次查询，或按账目裁定",
            )?;
        }
        Ok(())
    }
}

fn issues_table<'r>(orders: impl Iterator<Item = &'r Row>) -> String {
    let columns = [
        Column::Text("order 订单"),
        Column::Text("phone 手机号"),
        Column::Text("serial 应用序列号"),
        Column::Text("ending 结果"),
        Column::Number("sets of bodies 密钥套数"),
        Column::Number("packets 报文"),
        Column::Text("reason 原因"),
    ];
    let rows = orders.map(|row| {
        [
            row.order.clone(),
            row.phone.clone(),
            row.serial.clone().unwrap_or_default(),
            row.ending_told().to_owned(),
            row.sets.map(|sets| sets.to_string()).unwrap_or_default(),
            row.packets.to_string(),
            row.reason_told(),
        ]
    });
    table(&columns, rows)
}

fn money_table<'r>(orders: impl Iterator<Item = &'r Row>) -> String {
    let columns = [
        Column::Text("order 订单"),
        Column::Text("phone 手机号"),
        Column::Text("ending 结果"),
        Column::Number("yuan 金额"),
        Column::Text("TAC"),
        Column::Number("packets 报文"),
        Column::Text("reason 原因"),
    ];
    let rows = orders.map(|row| {
        [
            row.order.clone(),
            row.phone.clone(),
            row.ending_told().to_owned(),
            row.amount_fen.map(|fen| super::listing::yuan(u64::from(fen))).unwrap_or_default(),
            row.tac.clone().unwrap_or_default(),
            row.packets.to_string(),
            row.reason_told(),
        ]
    });
    table(&columns, rows)
}

#[cfg(test)]
mod tests {
    use onecard_gateway::campaign::OutcomeReport;

    use super::*;

    #[test]
    fn a_suspended_application_is_told() {
        let ended = |suspended| Ended {
            order_number: "D1".to_owned(),
            iccid: "89860112340000000011".to_owned(),
            phone: "+8613900000000".to_owned(),
            ending: Ending::NotCommitted,
            amount_fen: None,
            report: OutcomeReport {
                suspended,
                reason: Some("the balance was not refunded".to_owned()),
                ..OutcomeReport::default()
            },
            packets: 3,
            hint: None,
        };
        let told = |suspended| money_table([Row::of(ended(suspended))].iter());
        assert!(told(true).contains("not refunded; it is suspended"), "{}", told(true));
        assert!(!told(false).contains("suspended"), "{}", told(false));
    }
}
