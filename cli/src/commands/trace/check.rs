//! `onecard trace check`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_host::trace::{Checker, Entry, Finding, Peer, Place, Report, Side, Verdict, What, Wrong};
use serde::Serialize;

use super::{read, show::Impossible};
use crate::{
    output::{Exit, Output},
    table::{Column, table},
    trace_keys::KeySources,
};

/// Options of `trace check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The trace file.
    file: PathBuf,
    #[command(flatten)]
    keys: KeySources,
}

/// What the keys say.
#[derive(Serialize)]
pub(super) struct Checked {
    pub(super) right: usize,
    pub(super) wrong: usize,
    pub(super) unchecked: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_wrong: Option<Row>,
    findings: Vec<Row>,
    contradictions: Vec<Against>,
    #[serde(skip)]
    no_keys: bool,
}

/// One MAC or cryptogram.
#[derive(Clone, Serialize)]
struct Row {
    /// Of the trace, from 1.
    entry: usize,
    with: Peer,
    command: String,
    name: &'static str,
    clause: &'static str,
    verdict: &'static str,
    /// Where it is wrong, or why nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong_byte: Option<WrongByte>,
    #[serde(skip)]
    chinese: Option<String>,
}

#[derive(Clone, Serialize)]
struct WrongByte {
    entry: usize,
    side: String,
    offset: usize,
    field: &'static str,
    got: String,
    expected: String,
}

#[derive(Serialize)]
struct Against {
    entry: usize,
    #[serde(flatten)]
    told: Impossible,
}

/// Checks it.
pub(super) fn run(check: &Check) -> anyhow::Result<Output> {
    let file = read(&check.file)?;
    let mut checker = Checker::new(check.keys.read()?);
    file.entries.iter().for_each(|entry| checker.push(entry));
    let report = checker.finish();
    let checked = Checked::of(&report, &file.entries, check.keys.is_empty());
    let exit = if report.is_sound() && !checked.fits_no_key() { Exit::Done } else { Exit::Found };
    Output::new("onecard.trace-check/1", exit, &checked)
}

impl Checked {
    pub(super) fn of(report: &Report, entries: &[Entry], no_keys: bool) -> Self {
        let [right, wrong, unchecked] = report.counts();
        Self {
            right,
            wrong,
            unchecked,
            first_wrong: report.first_wrong().map(|finding| Row::of(finding, entries)),
            findings: report.findings.iter().map(|finding| Row::of(finding, entries)).collect(),
            contradictions: report
                .contradictions
                .iter()
                .map(|(at, contradiction)| Against { entry: at + 1, told: Impossible::of(contradiction) })
                .collect(),
            no_keys,
        }
    }

    /// The keys that were named have checked nothing of what there was to check: most likely another card's.
    const fn fits_no_key(&self) -> bool {
        !self.no_keys && self.right == 0 && self.unchecked > 0
    }
}

impl Row {
    fn of(finding: &Finding, entries: &[Entry]) -> Self {
        let Finding { entry, with, name, clause, verdict } = finding;
        let what = entries.get(*entry).map(|entry| &entry.what);
        let command = match what {
            Some(What::Exchange(exchange)) => exchange.decode().name,
            _ => String::new(),
        };
        let (verdict, why, chinese) = match verdict {
            Verdict::Right => ("right", None, None),
            Verdict::Wrong(wrong) => ("wrong", Some(located(wrong, *entry)), Some(in_chinese(wrong))),
            Verdict::Refused(status) => (
                "refused",
                Some(format!("right by these keys, and answered by {:04X}: the card has another key", status.0)),
                Some(format!("按所给密钥正确，但应答为{:04X}：卡内密钥不同", status.0)),
            ),
            Verdict::Unchecked(why) => ("unchecked", Some(why.to_string()), Some(why.chinese())),
        };
        let wrong_byte = match &finding.verdict {
            Verdict::Wrong(wrong) => Some(WrongByte::of(wrong)),
            _ => None,
        };
        let (entry, with) = (entry + 1, *with);
        Self { entry, with, command, name, clause, verdict, why, wrong_byte, chinese }
    }

    fn mark(&self) -> &'static str {
        match self.verdict {
            "right" => "right 正确",
            "unchecked" => "unchecked 未校验",
            "refused" => "REFUSED 被拒",
            _ => "WRONG 错误",
        }
    }
}

/// The byte may stand in another exchange than the MAC.
fn located(wrong: &Wrong, mac_at: usize) -> String {
    let Wrong { at: Place { entry, .. }, .. } = wrong;
    if *entry == mac_at { wrong.to_string() } else { format!("in entry {}: {wrong}", entry + 1) }
}

fn in_chinese(wrong: &Wrong) -> String {
    let Wrong { at: Place { entry, side, offset }, fit, got, expected, .. } = wrong;
    let half = match side {
        Side::Command => "命令",
        Side::Answer => "应答",
    };
    let place = format!("第{}条{half}第{offset}字节（自0起）", entry + 1);
    match fit {
        Some(fit) => format!("{place}为{:02X}，而MAC按{:02X}计算", fit.is, fit.should_be),
        None => format!("{place}：记录为{}，应为{}", hex::encode_upper(got), hex::encode_upper(expected)),
    }
}

impl WrongByte {
    fn of(wrong: &Wrong) -> Self {
        let Wrong { at: Place { entry, side, offset }, field, got, expected, .. } = wrong;
        let (got, expected) = (hex::encode_upper(got), hex::encode_upper(expected));
        Self { entry: entry + 1, side: side.to_string(), offset: *offset, field, got, expected }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.findings.is_empty() {
            let columns = [
                Column::Number("entry"),
                Column::Text("with"),
                Column::Text("command"),
                Column::Text("what"),
                Column::Text("clause"),
                Column::Text("verdict 结论"),
            ];
            let rows = self.findings.iter().map(|row| {
                let (entry, mark) = (row.entry.to_string(), row.mark().to_owned());
                [entry, row.with.to_string(), row.command.clone(), row.name.to_owned(), row.clause.to_owned(), mark]
            });
            writeln!(f, "{}", table(&columns, rows))?;
        }
        for row in self.findings.iter().filter(|row| matches!(row.verdict, "wrong" | "refused")) {
            let what = if self.first_wrong.as_ref().is_some_and(|first| first.is(row)) {
                "First wrong 首个错误: "
            } else {
                ""
            };
            writeln!(f, "{what}entry {}, {}, {} (clause {}):", row.entry, row.command, row.name, row.clause)?;
            row.why.iter().chain(&row.chinese).try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        for Against { entry, told } in &self.contradictions {
            writeln!(f, "Entry {entry} contradicts what went before 前后矛盾:\n{told}")?;
        }
        self.reasons(f)?;
        let Self { right, wrong, unchecked, .. } = self;
        writeln!(f, "{right} right, {wrong} wrong, {unchecked} unchecked 正确{right}，错误{wrong}，未校验{unchecked}")?;
        if self.no_keys {
            writeln!(f, "No keys were given: name them by --keys or --card-keys 未给密钥")?;
        } else if self.fits_no_key() {
            writeln!(f, "No key given could check anything of this trace: are they this card's? 所给密钥均不适用")?;
        }
        Ok(())
    }
}

impl Checked {
    /// Why something is unchecked, each reason once.
    fn reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.no_keys {
            return Ok(());
        }
        let mut told: Vec<&String> = Vec::new();
        for row in self.findings.iter().filter(|row| row.verdict == "unchecked") {
            if let (Some(why), Some(chinese)) = (&row.why, &row.chinese)
                && !told.contains(&why)
            {
                writeln!(f, "Unchecked 未校验: {why} {chinese}")?;
                told.push(why);
            }
        }
        Ok(())
    }
}

impl Row {
    fn is(&self, other: &Self) -> bool {
        (self.entry, self.name) == (other.entry, other.name)
    }
}
