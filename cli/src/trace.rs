//! What went over the wire, for `--trace` and `--trace-file`: decoded field by field, without secrets.

use std::{
    cell::RefCell,
    fmt,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    rc::Rc,
    time::Instant,
};

use anyhow::Context;
use clap::Args;
pub(crate) use onecard_host::trace::Peer;
use onecard_host::trace::{About, Entry, Exchange, Field, TraceWriter, What};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::clock;

/// Whether and where a trace is wanted.
#[derive(Args, Clone, Debug)]
pub(crate) struct TraceOption {
    /// Show what card and SAM said, field by field; PINs and keys are left out.
    #[arg(long)]
    trace: bool,
    /// Record the same to a new file, for `onecard trace`.
    #[arg(long, value_name = "FILE")]
    trace_file: Option<PathBuf>,
}

/// Collects the exchanges of a card and its terminal's SAM in the order they happen; a clone collects into the same.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    lines: Option<Rc<RefCell<Vec<TraceLine>>>>,
    recording: Option<Rc<RefCell<Recording>>>,
}

/// A trace file that is being written.
#[derive(Debug)]
pub(crate) struct Recording {
    began: Instant,
    writer: TraceWriter<File>,
    /// A transaction is not given up because its trace cannot be written.
    failed: Option<io::Error>,
}

/// One exchange.
#[derive(Clone, Serialize, Debug)]
pub(crate) struct TraceLine {
    with: Peer,
    name: String,
    #[serde(serialize_with = "by_name")]
    command: Vec<Field>,
    #[serde(serialize_with = "by_name")]
    answer: Vec<Field>,
    status: String,
    #[serde(skip)]
    text: String,
}

impl TraceOption {
    /// Begins what is wanted.
    pub(crate) fn begin(&self) -> anyhow::Result<Trace> {
        let recording = self.trace_file.as_deref().map(|path| Recording::begin(path, None)).transpose()?;
        let recording = recording.map(|recording| Rc::new(RefCell::new(recording)));
        Ok(Trace { recording, ..Trace::new(self.trace) })
    }
}

impl Trace {
    /// A trace that collects, or one that does not.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { lines: wanted.then(Rc::default), recording: None }
    }

    /// Where exchanges with `peer` go.
    pub(crate) fn sink(&self, peer: Peer) -> impl FnMut(&Exchange) + use<> {
        let trace = self.clone();
        move |exchange| {
            if let Some(lines) = &trace.lines {
                lines.borrow_mut().push(TraceLine::of(peer, exchange));
            }
            trace.record(peer, || What::Exchange(exchange.clone()));
        }
    }

    /// What happened to the peer's power.
    pub(crate) fn power(&self, peer: Peer, what: What) {
        self.record(peer, || what);
    }

    /// What was collected since the last time.
    pub(crate) fn take(&self) -> Vec<TraceLine> {
        let mut lines = self.lines.as_ref().map(|lines| lines.take()).unwrap_or_default();
        let failed = self.recording.as_ref().and_then(|recording| recording.borrow_mut().failed.take());
        lines.extend(failed.map(|error| TraceLine::unwritten(&error)));
        lines
    }

    fn record(&self, peer: Peer, what: impl FnOnce() -> What) {
        if let Some(recording) = &self.recording {
            recording.borrow_mut().add(peer, what());
        }
    }
}

impl Recording {
    /// Begins a new file.
    pub(crate) fn begin(path: &Path, about: Option<String>) -> anyhow::Result<Self> {
        let failed = || format!("trace file {} cannot be made", path.display());
        let file = OpenOptions::new().write(true).create_new(true).open(path).with_context(failed)?;
        let about = About { about, began: Some(clock::now()?.to_string()) };
        let writer = TraceWriter::begin(file, about).with_context(failed)?;
        Ok(Self { began: Instant::now(), writer, failed: None })
    }

    /// Adds what happened before, with its own times.
    pub(crate) fn add_all(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        entries.iter().try_for_each(|entry| self.writer.write(entry)).context("the trace file could not be written")
    }

    /// Tells whether it could be written to the end.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        self.failed.take().map_or(Ok(()), |error| Err(error).context("the trace file could not be written any further"))
    }

    /// Adds what happened now.
    pub(crate) fn add(&mut self, with: Peer, what: What) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.failed.is_none() {
            self.failed = self.writer.write(&Entry { ms, with, what }).err();
        }
    }
}

impl TraceLine {
    fn unwritten(error: &io::Error) -> Self {
        let status = format!("the trace file could not be written any further: {error}");
        let (command, answer) = (Vec::new(), Vec::new());
        Self { with: Peer::Card, name: "trace file".to_owned(), command, answer, text: format!("{status}\n"), status }
    }

    pub(crate) fn of(with: Peer, exchange: &Exchange) -> Self {
        let decoded = exchange.decode();
        let text = exchange.to_string();
        Self {
            with,
            name: decoded.name,
            command: decoded.command,
            answer: decoded.answer,
            status: decoded.status,
            text,
        }
    }
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.with, self.text)
    }
}

/// Fields as an object.
pub(crate) fn by_name<S: Serializer>(fields: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for Field { name, value } in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}
