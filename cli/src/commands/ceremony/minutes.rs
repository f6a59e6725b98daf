//! `onecard ceremony minutes`.

use std::{fmt, fs, path::PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_station::ceremony::{HowKept, Record, minutes_page};
use serde::Serialize;

use super::record_file::RecordFile;
use crate::{
    output::{Exit, Output},
    table::{Column, pairs, table},
};

/// Options of `ceremony minutes`.
#[derive(Args, Debug)]
pub(crate) struct ShowMinutes {
    /// The ceremony's file.
    file: PathBuf,
    /// Write a page to print and sign, in place of one of that name.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Shows the minutes.
pub(super) fn run(show: &ShowMinutes) -> anyhow::Result<Output> {
    let record = RecordFile::open(&show.file)?.record;
    let minutes = Minutes { record: &record, page: show.html.as_ref().map(|path| path.display().to_string()) };
    let Some(path) = &show.html else { return Output::view(SCHEMA, &minutes) };
    fs::write(path, minutes_page(&record)).with_context(|| format!("{} cannot be written", path.display()))?;
    Output::new(SCHEMA, Exit::Done, &minutes)
}

const SCHEMA: &str = "onecard.ceremony-minutes/1";

#[derive(Serialize)]
struct Minutes<'r> {
    record: &'r Record,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

impl fmt::Display for Minutes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (record, plan) = (self.record, self.record.plan());
        writeln!(f, "Minutes of key ceremony 密钥仪式纪要 {}", plan.id())?;
        let enterprise = plan.enterprise().map_or_else(|error| error.to_string(), |id| id.to_string());
        f.write_str(&pairs([
            ("enterprise 单位", enterprise),
            ("begun 开始", record.begun().to_owned()),
            ("software 软件", record.software().to_owned()),
            ("needed 所需人数", format!("{} of {}", plan.need(), plan.holders().len())),
            ("base value 基值", record.base_check_value().map_or_else(not_yet, |value| value.to_string())),
        ]))?;
        writeln!(f, "\nComponents 密钥分量")?;
        f.write_str(&components(record))?;
        writeln!(f, "\nRoot keys 根密钥")?;
        f.write_str(&roots(record))?;
        writeln!(f, "\nStored 存放")?;
        f.write_str(&stores(record))?;
        if let Some(page) = &self.page {
            writeln!(f, "\nTo print and sign 打印签署: {page}")?;
        }
        Ok(())
    }
}

fn components(record: &Record) -> String {
    let columns = [
        Column::Number("no. 序号"),
        Column::Text("holder 持有人"),
        Column::Text("check value 校验值"),
        Column::Text("made 生成"),
        Column::Text("kept 保管"),
    ];
    let row = |(holder, number): (&String, u8)| {
        let made = record.made(number);
        let kept = made.map_or("", |made| match made.kept() {
            HowKept::SealedFile => "sealed file 密封文件",
            HowKept::Paper => "paper 纸质",
        });
        [
            number.to_string(),
            holder.clone(),
            made.map_or_else(not_yet, |made| made.check_value().to_string()),
            made.map(|made| made.made().to_owned()).unwrap_or_default(),
            kept.to_owned(),
        ]
    };
    table(&columns, record.plan().holders().iter().zip(1..).map(row))
}

fn roots(record: &Record) -> String {
    if record.roots().is_empty() {
        return format!("  {}\n", not_yet());
    }
    let columns = [
        Column::Text("root 用途"),
        Column::Number("version 版本"),
        Column::Text("cipher 算法"),
        Column::Text("check value 校验值"),
    ];
    let rows = record.roots().iter().map(|root| {
        let check_value = root.check_value.to_string();
        [root.purpose.to_string(), root.version.to_string(), root.cipher.to_string(), check_value]
    });
    table(&columns, rows)
}

fn stores(record: &Record) -> String {
    if record.stored().is_empty() {
        return format!("  {}\n", not_yet());
    }
    let columns = [Column::Text("when 时间"), Column::Text("where 位置"), Column::Text("present 到场")];
    let rows = record.stored().iter();
    table(&columns, rows.map(|stored| [stored.moment.clone(), stored.store.clone(), stored.present.join(", ")]))
}

fn not_yet() -> String {
    "not yet 尚未".to_owned()
}
