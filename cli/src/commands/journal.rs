//! `onecard journal`: a station's journals.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use onecard_station::{
    journal::{Replay, Verified, verify},
    numbers::LedgerState,
    report::{self, Extent, ReportKey},
};
use serde::Serialize;

use crate::{output::Output, signing_key, table::pairs};

/// What can be done with journals.
#[derive(Subcommand, Debug)]
pub(crate) enum JournalCommand {
    /// Prove a journal's chain and that its lines can be; the first that does not fit is named 验证日志
    ///
    /// Whoever may write the file can make a whole chain anew, or take lines off its end: a signed report tells, which names the
    /// line and hash that the journal had.
    #[command(after_help = "\
Examples:
  onecard journal verify people.csv.journal
  onecard journal verify school.numbers                    # the ledger of numbers 号段台账
  onecard journal verify people.csv.journal --report people.csv.report --key station.key.pub
  onecard journal verify school.numbers --report people.csv.report --key station.key.pub   # the ledger that batch saw")]
    Verify(VerifyJournal),
}

/// Options of `journal verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyJournal {
    /// The journal.
    journal: PathBuf,
    /// The signature of a report made of it: page and list beside it are checked too.
    #[arg(long, value_name = "FILE", requires = "key")]
    report: Option<PathBuf>,
    /// The key to check the report by, of `issue new-key`.
    #[arg(long, value_name = "FILE", requires = "report")]
    key: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(JournalCommand::Verify(options): &JournalCommand) -> anyhow::Result<Output> {
    let file = options.journal.display().to_string();
    let content = fs::read(&options.journal).with_context(|| format!("journal {file} cannot be read"))?;
    let Verified { kind, lines, head, torn_bytes } = verify(&file, &content)?;
    let report = match (&options.report, &options.key) {
        (Some(report), Some(key)) => Some(check_report(report, key, &file, &content)?),
        _ => None,
    };
    let facts = Proof { journal: file, kind, lines, head: head.to_string(), torn_bytes, report };
    Output::view("onecard.journal-verify/1", &facts)
}

/// That the journal, or the ledger of numbers, is the one the report was made of, and page and list are as they were signed.
fn check_report(path: &Path, key: &Path, journal: &str, content: &[u8]) -> anyhow::Result<String> {
    let name = || format!("report {}", path.display());
    let text = fs::read_to_string(path).with_context(name)?;
    let key = ReportKey::from_bytes(&signing_key::read_public(key, "report key")?)?;
    let signed = report::verify(&text, &key).with_context(name)?;
    let then = if content.starts_with(LedgerState::KIND.as_bytes()) { signed.ledger } else { signed.journal };
    let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').take(then.lines).collect();
    let Verified { lines, head, .. } = verify(journal, &lines.concat())?;
    ensure!(
        then == Extent { lines, head },
        "journal {journal} is not the one that {} was made of: lines were taken off its end, or it was made anew",
        name()
    );
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(changed) = signed.changed(|file| fs::read(folder.join(file)).ok()) {
        bail!("{}: {changed} is missing, or is not as it was signed", name());
    }
    Ok(signed.files.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>().join(" "))
}

/// What was proved.
#[derive(Serialize)]
struct Proof {
    journal: String,
    kind: String,
    lines: usize,
    head: String,
    torn_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, lines, head, torn_bytes, report, .. } = self;
        f.write_str(&pairs([
            ("kind 种类", kind.clone()),
            ("lines 行数", lines.to_string()),
            ("last hash 末行摘要", head.clone()),
            ("report 报告", report.clone().unwrap_or_else(|| "-".to_owned())),
        ]))?;
        if *torn_bytes > 0 {
            writeln!(
                f,
                "The last line was torn by a crash ({torn_bytes} bytes); nobody was told of it. 末行未写完，不计。"
            )?;
        }
        writeln!(f, "The chain holds. 日志完整。")
    }
}
