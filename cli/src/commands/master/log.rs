//! `onecard master log`.

use std::fmt;

use clap::Args;
use onecard_host::{
    key_master::{LoadAllowance, LogEntry, LogEvent, purpose_of},
    keys::Cipher,
};
use onecard_wire::{
    key::{AlgorithmId, KeyVersion},
    key_master::{Exported, KeyCode, Manner},
};
use serde::Serialize;

use crate::{
    key_master_card::MasterReaders,
    output::Output,
    table::{Column, table},
};

/// Options of `master log`.
#[derive(Args, Debug)]
pub(crate) struct ShowLog {
    #[command(flatten)]
    card: MasterReaders,
}

pub(super) fn run(options: &ShowLog) -> anyhow::Result<Output> {
    let shown = options.card.opening().with_open(|card| {
        let entries = card.log()?.iter().map(Entry::of).collect();
        Ok(Shown { number: card.number().to_string(), entries })
    })?;
    Output::view("onecard.master-log/1", &shown)
}

#[derive(Serialize)]
struct Shown {
    number: String,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    number: u32,
    event: &'static str,
    target: String,
    #[serde(flatten)]
    detail: Detail,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail {
    Key { purpose: String, version: u8, cipher: Cipher },
    Allowance { card_exports: u32, sam_exports: u32 },
    Export { what: String, place: u8, replaced: bool, under: String, under_version: u8 },
    Unknown { detail: String },
}

impl Entry {
    fn of(entry: &LogEntry) -> Self {
        let event = match entry.event {
            LogEvent::KeyLoaded => "key-loaded",
            LogEvent::AllowanceLoaded => "allowance-loaded",
            LogEvent::ExportToCard => "export-to-card",
            LogEvent::ExportToSam => "export-to-sam",
            LogEvent::ExportForAir => "export-for-air",
            LogEvent::KeyCopied => "key-copied",
            LogEvent::AllowanceCopied => "allowance-copied",
        };
        let detail = Detail::of(entry).unwrap_or_else(|| Detail::Unknown { detail: hex::encode(entry.detail) });
        Self { number: entry.number, event, target: hex::encode_upper(entry.target), detail }
    }
}

impl Detail {
    fn of(entry: &LogEntry) -> Option<Self> {
        let [a, b, c, d, under, under_version, ..] = entry.detail;
        Some(match entry.event {
            LogEvent::KeyLoaded | LogEvent::KeyCopied => {
                Self::Key { purpose: name(a)?, version: b, cipher: AlgorithmId(c).algorithm().into() }
            }
            LogEvent::AllowanceLoaded | LogEvent::AllowanceCopied => {
                let LoadAllowance { card_exports, sam_exports } = LoadAllowance::parse(&entry.detail)?;
                Self::Allowance { card_exports, sam_exports }
            }
            LogEvent::ExportToCard | LogEvent::ExportToSam | LogEvent::ExportForAir => {
                let (what, place) = match Exported::from_bytes([a, b, c])? {
                    Exported::HolderPin => ("PIN".to_owned(), 0),
                    Exported::Key { code, version: KeyVersion(version), place } => {
                        (format!("{} {version:02X}", name(code.to_byte())?), place)
                    }
                };
                let replaced = Manner::from_byte(d)? == Manner::Replace;
                Self::Export { what, place, replaced, under: name(under)?, under_version }
            }
        })
    }
}

fn name(code: u8) -> Option<String> {
    KeyCode::from_byte(code).and_then(purpose_of).map(|purpose| purpose.to_string())
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { purpose, version, cipher } => write!(f, "{purpose} {version:02X}, {cipher}"),
            Self::Allowance { card_exports, sam_exports } => write!(f, "cards {card_exports}, SAMs {sam_exports}"),
            Self::Export { what, place, replaced, under, under_version } => {
                let at = if *place == 0 { String::new() } else { format!(" at {place:02X}") };
                let manner = if *replaced { ", replacing" } else { "" };
                write!(f, "{what}{at}{manner}, under {under} {under_version:02X}")
            }
            Self::Unknown { detail } => f.write_str(detail),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Log of key master card 母卡日志 {}: {} entries.", self.number, self.entries.len())?;
        let columns = [
            Column::Number("no. 序号"),
            Column::Text("event 事件"),
            Column::Text("target 对象"),
            Column::Text("detail 内容"),
        ];
        let row = |entry: &Entry| {
            [entry.number.to_string(), entry.event.to_owned(), entry.target.clone(), entry.detail.to_string()]
        };
        f.write_str(&table(&columns, self.entries.iter().map(row)))
    }
}
