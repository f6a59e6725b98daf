//! `onecard trace record`: the card in a reader, shown in a virtual reader to any program, and all that passes recorded.

use std::{fmt, io, path::PathBuf, thread, time::Duration};

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_conformance::TestedCard;
use onecard_host::{
    trace::{Discretion, Exchange, What},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Kind,
    vpcd::{self, End, PORTS, Presented, Protocol, Puller, Slot, slot_name},
};
use serde::Serialize;

use crate::{
    args::VirtualReader,
    output::Output,
    reader::{CardReader, Inserted},
    trace::{Peer, Recording, TraceLine},
};

/// Examples of the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  # the program to be listened to then takes the card from reader \"Virtual PCD 00 00\"
  onecard trace record sale.trace --reader pcsc:ACR122U       # until Ctrl-C 按Ctrl-C结束
  onecard trace record sam.trace --reader pcsc:Omnikey --peer sam
  # the other one of vpcd's two readers, for a minute, a JSON object a line
  onecard trace record sale.trace --reader pcsc:ACR122U --vpcd 127.0.0.1:35964 --for 60 --json
  onecard trace check sale.trace --keys dev.keys";

const SCHEMA: &str = "onecard.trace-record/1";

/// Options of `trace record`.
#[derive(Args, Debug)]
pub(crate) struct Record {
    /// The new trace file.
    file: PathBuf,
    #[command(flatten)]
    reader: CardReader,
    /// What it is.
    #[arg(long, value_enum, default_value_t = Recorded::Card)]
    peer: Recorded,
    /// Where vpcd waits for a card.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:35963")]
    vpcd: VirtualReader,
    /// What the trace is of, for whoever reads it.
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
    /// End after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Recorded {
    /// A member's card 卡
    Card,
    /// A terminal's SAM (SAM卡)
    Sam,
}

/// Records until somebody ends it, or the card leaves.
pub(crate) fn run(record: &Record, json: bool) -> anyhow::Result<Output> {
    let (with, kind) = match record.peer {
        Recorded::Card => (Peer::Card, Kind::CpuCard),
        Recorded::Sam => (Peer::Sam, Kind::Sam),
    };
    let card = record.reader.place()?.inserted(None)?;
    let VirtualReader { host, port } = &record.vpcd;
    let slot = Slot::connect(host, *port)?;
    let recording = Recording::begin(&record.file, record.about.clone())?;
    // A chip in a file tells none: it is shown as the simulator shows it.
    let atr = card.answer_to_reset().unwrap_or_else(|| vpcd::atr(kind, Protocol::T1));
    let passing = Passing {
        card,
        with,
        atr,
        powered: false,
        discretion: Discretion::NEW,
        recording,
        told: 0,
        failed: None,
        json,
    };
    passing.tell(&Line::begun(record, *port))?;
    let puller = slot.puller();
    end_by_signal(puller.clone())?;
    if let Some(seconds) = record.seconds {
        end_after(Duration::from_secs(seconds), puller);
    }
    let (passing, end) = slot.serve(passing);
    passing.finish(record, end)
}

/// A card on its way to a virtual reader.
struct Passing {
    card: Inserted,
    with: Peer,
    atr: Vec<u8>,
    powered: bool,
    discretion: Discretion,
    recording: Recording,
    told: u64,
    failed: Option<String>,
    json: bool,
}

impl Passing {
    fn power_cycle(&mut self, what: fn(Vec<u8>) -> What) {
        if let Err(error) = self.card.power_cycle() {
            self.failed = Some(error.to_string());
        }
        self.powered = true;
        self.discretion = Discretion::NEW;
        self.recording.add(self.with, what(self.atr.clone()));
    }

    fn record(&mut self, command: &[u8], answer: Result<&[u8], &TransportError>) {
        let exchange: Exchange = self.discretion.record(command, answer);
        self.told += 1;
        // Whoever does not get to read it has the file.
        let _ = self.tell(&TraceLine::of(self.with, &exchange));
        self.recording.add(self.with, What::Exchange(exchange));
    }

    fn tell(&self, line: &(impl fmt::Display + Serialize)) -> anyhow::Result<()> {
        Ok(Output::line(SCHEMA, line)?.print(self.json, &mut io::stdout().lock())?)
    }

    fn finish(self, record: &Record, end: End) -> anyhow::Result<Output> {
        let Self { card, mut recording, told, .. } = self;
        recording.finish().with_context(|| format!("trace file {}", record.file.display()))?;
        let by = match end {
            End::Pulled => "ended",
            End::Silent => "the card fell silent",
            End::Failed(why) => return Err(anyhow::anyhow!(why).context(format!("{told} exchanges are recorded"))),
            End::ReaderGone | End::Broken(_) => "the reader service (pcscd) has gone",
        };
        if let Some(failure) = card.remove() {
            anyhow::bail!("the chip of {} failed: {failure}", record.reader);
        }
        Output::line(SCHEMA, &Line::ended(record, told, by))
    }
}

impl Presented for Passing {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {
        self.power_cycle(What::PowerUp);
    }

    fn power_off(&mut self) {
        if self.powered {
            self.powered = false;
            self.recording.add(self.with, What::PowerOff);
        }
    }

    fn reset(&mut self) {
        self.power_cycle(What::Reset);
    }

    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let answer = match self.failed {
            Some(_) => return None,
            None => self.card.transmit(command),
        };
        self.record(command, answer.as_deref());
        answer.map_err(|error| self.failed = Some(error.to_string())).ok()
    }

    fn failure(&self) -> Option<String> {
        self.failed.clone()
    }
}

/// What is told beside the exchanges.
#[derive(Serialize)]
struct Line {
    event: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchanges: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip)]
    text: String,
}

impl Line {
    fn begun(record: &Record, port: u16) -> Self {
        let (file, slot) =
            (record.file.display().to_string(), PORTS.iter().zip(0..).find(|(known, _)| **known == port));
        let reader = slot.map(|(_, slot)| slot_name(slot));
        let where_to = reader.as_deref().unwrap_or("the virtual reader");
        let text =
            format!("Recording {} to {file}; use it in reader {where_to:?} 开始记录，请从该读卡器使用", record.reader);
        Self { event: "recording", file, reader, exchanges: None, by: None, text }
    }

    fn ended(record: &Record, exchanges: u64, by: &'static str) -> Self {
        let file = record.file.display().to_string();
        let text = format!("{exchanges} exchanges are in {file} ({by}) 已记录{exchanges}条");
        Self { event: "recorded", file, reader: None, exchanges: Some(exchanges), by: Some(by), text }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn end_by_signal(puller: Puller) -> anyhow::Result<()> {
    ctrlc::set_handler(move || puller.pull()).context("Ctrl-C cannot be listened for")
}

fn end_after(time: Duration, puller: Puller) {
    thread::spawn(move || {
        thread::sleep(time);
        puller.pull();
    });
}
