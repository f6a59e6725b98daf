//! What is told while cards are simulated: a line each.

use std::{
    fmt,
    io::{self, Write},
};

use serde::Serialize;

use crate::output::Output;

/// Something happened to a card.
#[derive(Serialize)]
pub(super) struct Event {
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slot: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) atr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// The last line.
#[derive(Serialize)]
pub(super) struct Ended {
    event: &'static str,
    by: &'static str,
    #[serde(skip)]
    text: &'static str,
}

/// Prints each at once.
#[derive(Clone, Copy)]
pub(super) struct Printer {
    pub(super) json: bool,
}

impl Printer {
    pub(super) fn print(self, event: &Event) -> anyhow::Result<()> {
        let mut to = io::stdout().lock();
        Output::line("onecard.simulate/1", event)?.print(self.json, &mut to)?;
        Ok(to.flush()?)
    }
}

impl Event {
    pub(super) fn not_understood(word: &str) -> Self {
        let why = format!("{word:?}; type remove, insert or quit");
        let event = "not understood";
        Self { event, slot: None, reader: None, kind: None, file: None, protocol: None, atr: None, why: Some(why) }
    }

    fn chinese(&self) -> &'static str {
        match self.event {
            "inserted" => "已插入",
            "removed" => "已拔出",
            "silent" => "卡无应答，将重新插入",
            "failed" => "芯片文件故障",
            "reader gone" => "读卡器服务已停止，等待其恢复",
            "not inserted" => "未能插入",
            _ => "无法识别",
        }
    }
}

impl Ended {
    pub(super) const fn by_signal() -> Self {
        Self { event: "ended", by: "signal", text: "Ended 已结束" }
    }

    pub(super) const fn by_quit() -> Self {
        Self { event: "ended", by: "quit", text: "Ended 已结束" }
    }

    pub(super) const fn after_time() -> Self {
        Self { event: "ended", by: "time", text: "The time is over 时间到" }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, reader, file, protocol, atr, why, .. } = self;
        write!(f, "{event} {}", self.chinese())?;
        if let (Some(file), Some(reader)) = (file, reader) {
            write!(f, ": {file}, reader 读卡器 {reader:?}")?;
        }
        if let ("inserted", Some(protocol), Some(atr)) = (*event, protocol, atr) {
            write!(f, ", {protocol}, ATR {atr}")?;
        }
        why.iter().try_for_each(|why| write!(f, ": {why}"))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
