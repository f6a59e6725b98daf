//! `onecard trace replay`.

use std::{fmt, path::PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};
use onecard_host::trace::{Entry, Peer, Replay as Replayed, ReplayOrder, ReplayOutcome, ReplayStep, Stopped, What};
use onecard_simulator::{chip::Kind, reader::Reader};
use serde::Serialize;

use super::{check::Checked, read};
use crate::{
    args::ChipFile,
    output::{Exit, Output},
    pin::PinSource,
    reader::open_chip,
    table::{Column, table},
    trace::Recording,
    trace_keys::KeySources,
};

/// Options of `trace replay`.
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The trace file.
    file: PathBuf,
    /// Simulated card or SAM to replay it with, sim:FILE.
    #[arg(long, value_name = "CHIP")]
    reader: ChipFile,
    /// Leave the chip in its file as it is: what the replay does to it is forgotten.
    #[arg(long)]
    copy: bool,
    /// Whose half of the trace is sent.
    #[arg(long, value_enum, default_value_t = Half::Card)]
    with: Half,
    #[command(flatten)]
    keys: KeySources,
    #[command(flatten)]
    pin: PinSource,
    /// Record the replay to a new file.
    #[arg(long, value_name = "FILE")]
    trace_file: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Half {
    /// What the member's card was sent 卡
    Card,
    /// What the SAM was sent (SAM卡)
    Sam,
}

/// How it went.
#[derive(Serialize)]
struct Outcome {
    same: bool,
    steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// What the keys say of the MACs of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<Checked>,
    #[serde(skip)]
    left: usize,
    #[serde(skip)]
    chinese: &'static str,
}

#[derive(Serialize)]
struct Step {
    entry: usize,
    command: String,
    outcome: &'static str,
    /// The first byte that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<usize>,
}

/// Replays it.
pub(super) fn run(replay: &Replay) -> anyhow::Result<Output> {
    let file = read(&replay.file)?;
    let keys = if replay.keys.is_empty() { None } else { Some(replay.keys.read()?) };
    let (with, kind) = match replay.with {
        Half::Card => (Peer::Card, Kind::CpuCard),
        Half::Sam => (Peer::Sam, Kind::Sam),
    };
    let order = ReplayOrder { with, keys, pin: replay.pin.offered()? };
    let recording = replay
        .trace_file
        .as_deref()
        .map(|path| Recording::begin(path, Some(format!("replay of {}", replay.file.display()))));
    let recording = recording.transpose()?;
    let chip = open_chip(&replay.reader, kind)?;
    let mut reader = Reader::insert(if replay.copy { chip.snapshot() } else { chip });
    let replayed = order.replay(&file.entries, &mut reader);
    if let Some(failure) = reader.remove().failure() {
        bail!("the chip of {} failed: {failure}", replay.reader.0.display());
    }
    if let Some(mut recording) = recording {
        recording.add_all(&replayed.entries)?;
    }
    let exit = if replayed.is_same() { Exit::Done } else { Exit::Found };
    Output::new("onecard.trace-replay/1", exit, &Outcome::of(&replayed, &file.entries, with))
}

impl Outcome {
    fn of(replayed: &Replayed, recorded: &[Entry], with: Peer) -> Self {
        let exchanges = |entry: &&Entry| entry.with == with && matches!(entry.what, What::Exchange(_));
        let all = recorded.iter().filter(exchanges).count();
        let checked = replayed.report.as_ref().map(|report| Checked::of(report, &replayed.entries, false));
        Self {
            same: replayed.is_same(),
            steps: replayed.steps.iter().map(|step| Step::of(step, recorded)).collect(),
            stopped: replayed.stopped.as_ref().map(ToString::to_string),
            checked,
            left: all.saturating_sub(replayed.steps.len()),
            chinese: replayed.stopped.as_ref().map_or("", in_chinese),
        }
    }
}

impl Step {
    fn of(ReplayStep { entry, outcome }: &ReplayStep, recorded: &[Entry]) -> Self {
        let command = match recorded.get(*entry).map(|entry| &entry.what) {
            Some(What::Exchange(exchange)) => exchange.decode().name,
            _ => String::new(),
        };
        let (outcome, byte) = match outcome {
            ReplayOutcome::Same => ("same", None),
            ReplayOutcome::SameButRandom => ("same but random", None),
            ReplayOutcome::Uncompared => ("uncompared", None),
            ReplayOutcome::Different(byte) => ("different", Some(*byte)),
        };
        Self { entry: entry + 1, command, outcome, byte }
    }

    fn told(&self) -> String {
        match (self.outcome, self.byte) {
            ("same", _) => "same 相同".to_owned(),
            ("same but random", _) => "same but for random numbers 除随机数外相同".to_owned(),
            ("different", Some(byte)) => format!("DIFFERENT from byte {byte} of the answer on 不同"),
            _ => "nothing to compare with 无可比较".to_owned(),
        }
    }
}

const fn in_chinese(stopped: &Stopped) -> &'static str {
    match stopped {
        Stopped::Hidden { .. } => "该命令的数据未记录（密码请用--pin-file给出）",
        Stopped::NoMac { .. } => "无法重新计算该命令的MAC",
        Stopped::Different { .. } => "应答与记录不同",
        Stopped::Silent { .. } => "卡无应答",
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [Column::Number("entry"), Column::Text("command"), Column::Text("answer 应答")];
        let rows = self.steps.iter().map(|step| [step.entry.to_string(), step.command.clone(), step.told()]);
        writeln!(f, "{}", table(&columns, rows))?;
        if let Some(Checked { right, wrong, unchecked, .. }) = &self.checked {
            writeln!(f, "MACs of now, by the keys 新MAC校验: {right} right, {wrong} wrong, {unchecked} unchecked")?;
        }
        match (&self.stopped, self.same) {
            (Some(why), _) => {
                writeln!(f, "Stopped 停止: {why}; {} commands were not sent.", self.left)?;
                writeln!(f, "{}，其后{}条命令未发送。", self.chinese, self.left)
            }
            (None, true) => writeln!(f, "All {} commands were answered as recorded 应答均与记录一致", self.steps.len()),
            (None, false) => writeln!(f, "The answers are as recorded, and the MACs of now are wrong 新MAC有误"),
        }
    }
}
