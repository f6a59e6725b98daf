//! A phone without a screen: a script, and its transcript.

use std::{fmt, fs, path::Path};

use anyhow::Context;
use onecard_simulator::handset::{
    Handset,
    script::{Counter, Failure, Played, Script},
    socket::Socket,
};
use serde::Serialize;

use super::Lacking;
use crate::{
    output::{Exit, Output},
    table::indented,
};

/// What is printed.
#[derive(Serialize, Debug)]
struct Transcript {
    lacking: Vec<Lacking>,
    steps: Vec<Step>,
    /// Short messages that left the phone.
    sent: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

#[derive(Serialize, Debug)]
struct Step {
    line: usize,
    step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
}

#[derive(Serialize, Debug)]
struct Message {
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tar: Option<String>,
    tpdu: String,
}

#[derive(Serialize, Debug)]
struct Failed {
    line: usize,
    step: String,
    problem: String,
    shown: String,
}

/// The script in the file at `path`.
pub(super) fn read(path: &Path) -> anyhow::Result<Script> {
    let text = fs::read_to_string(path).with_context(|| format!("script {} cannot be read", path.display()))?;
    Script::parse(&text).with_context(|| format!("script {}", path.display()))
}

/// Plays the script.
pub(super) fn run<S: Socket>(
    script: &Script,
    handset: &mut Handset<S>,
    till: &mut dyn Counter,
) -> anyhow::Result<Output> {
    let mut steps = Vec::new();
    let played = script.play(handset, till, &mut |played: &Played| {
        let Played { line, step, shown } = played.clone();
        steps.push(Step { line, step, shown });
    });
    let transcript = Transcript {
        lacking: Lacking::of(&handset.settings().profile),
        steps,
        sent: handset.sent().iter().map(Message::of).collect(),
        failed: played.err().map(|Failure { line, step, problem, shown }| Failed { line, step, problem, shown }),
    };
    let exit = if transcript.failed.is_some() { Exit::Found } else { Exit::Done };
    Output::report("onecard.phone-script/1", exit, &transcript)
}

impl Message {
    fn of(sent: &onecard_simulator::handset::short_message::Sent) -> Self {
        Self {
            destination: sent.submit.destination.clone(),
            tar: sent.submit.tar().map(hex::encode_upper),
            tpdu: hex::encode_upper(&sent.tpdu),
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Lacking { name, meaning } in &self.lacking {
            writeln!(f, "This phone lacks 此手机没有 {name}: {meaning}")?;
        }
        for Step { step, shown, .. } in &self.steps {
            writeln!(f, "> {step}")?;
            if let Some(shown) = shown.as_ref().filter(|shown| !shown.is_empty()) {
                f.write_str(&indented(shown))?;
            }
        }
        for Message { destination, tar, tpdu } in &self.sent {
            let tar = tar.as_ref().map(|tar| format!(" TAR {tar}")).unwrap_or_default();
            writeln!(f, "Sent 已发短信 to {destination}{tar}: {tpdu}")?;
        }
        match &self.failed {
            None => f.write_str("As written 与脚本一致"),
            Some(Failed { line, step, problem, shown }) => {
                writeln!(f, "Line {line} 第{line}行: {step}\n  {problem}")?;
                writeln!(f, "The phone shows 手机显示:")?;
                f.write_str(&indented(shown))
            }
        }
    }
}
