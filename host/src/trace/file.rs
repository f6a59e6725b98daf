//! The trace file: JSON lines, the first of which names the format.
//!
//! ```text
//! {"schema":"onecard.trace/1","about":"card pay","began":"2026-11-02 12:00:00"}
//! {"ms":0,"with":"card","event":"power-up","atr":"3B6F"}
//! {"ms":3,"with":"card","command":"0020000003******","answer":"9000"}
//! {"ms":9,"with":"card","command":"805C000204","error":"card-removed"}
//! ```
//!
//! Bytes are hexadecimal. `**` is a byte that was not kept: a PIN, a key, the holder. A file that holds such bytes all the
//! same, because something else wrote it, loses them when it is read.

use std::io::{self, Write};

use onecard_wire::status::StatusWord;
use serde::{Deserialize, Serialize};

use super::{Answer, Discretion, Entry, Exchange, Payload, Peer, Sent, What};
use crate::transport::TransportError;

/// Names the format, in the first line.
pub const SCHEMA: &str = "onecard.trace/1";

/// What the first line says beside the format.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct About {
    /// What was recorded.
    pub about: Option<String>,
    /// When, by the recorder's clock.
    pub began: Option<String>,
}

/// A whole trace.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TraceFile {
    /// Of the first line.
    pub about: About,
    /// In the order they happened.
    pub entries: Vec<Entry>,
}

/// Writes a trace line by line.
#[derive(Debug)]
pub struct TraceWriter<W> {
    to: W,
}

/// A line that is not as the format says; nothing of the file is used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line} of the trace {fault}")]
pub struct DamagedTrace {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: TraceFault,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TraceFault {
    /// No first line, or that of another file or release.
    #[error("does not name the format {SCHEMA}: it is no trace, or one of another release")]
    Schema,
    /// The recorder was killed on the way.
    #[error("is cut off, the recorder was stopped in the middle of it: remove this line")]
    CutOff,
    /// Not JSON, or other fields.
    #[error("is not as the format says ({0}): take the file from where it was recorded")]
    Form(String),
    /// Digits that are none, or a hidden byte where there can be none.
    #[error("has bytes in {0} that are neither hexadecimal nor hidden (**): take the file from where it was recorded")]
    Bytes(&'static str),
    /// Time runs backwards.
    #[error("happened before the line in front of it: lines are missing or were moved")]
    Order,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ms: u64,
    with: Peer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    atr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Silence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    PowerUp,
    Reset,
    PowerOff,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Silence {
    CardRemoved,
    NoAnswer,
    CardReset,
    CardInUse,
    ReaderUnplugged,
    NoReader,
    NoService,
    /// Its `why` is the command's length and the reader's longest, in bytes: `300/261`.
    CommandTooLong,
    Reader,
}

impl<W: Write> TraceWriter<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// Of the writer.
    pub fn begin(mut to: W, About { about, began }: About) -> io::Result<Self> {
        line(&mut to, &FirstLine { schema: SCHEMA.to_owned(), about, began })?;
        Ok(Self { to })
    }

    /// Writes one line, and does not keep it back: whatever stops the recorder, what was written can be read.
    ///
    /// # Errors
    /// Of the writer.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        line(&mut self.to, &Line::of(entry))
    }

    /// Where it was written.
    pub fn into_inner(self) -> W {
        self.to
    }
}

impl TraceFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`DamagedTrace`] names the first line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, DamagedTrace> {
        let mut lines = text.split_inclusive('\n').zip(1..);
        let fail = |line, fault| DamagedTrace { line, fault };
        let first = lines.next().and_then(|(line, _)| serde_json::from_str::<FirstLine>(line).ok());
        let FirstLine { about, began, .. } =
            first.filter(|first| first.schema == SCHEMA).ok_or(fail(1, TraceFault::Schema))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut discretions = [Discretion::NEW, Discretion::NEW];
        for (text, number) in lines {
            if !text.ends_with('\n') && serde_json::from_str::<Line>(text).is_err() {
                return Err(fail(number, TraceFault::CutOff));
            }
            let line: Line = serde_json::from_str(text).map_err(|error| fail(number, form(&error)))?;
            let [card, sam] = &mut discretions;
            let discretion = match line.with {
                Peer::Card => card,
                Peer::Sam => sam,
            };
            let entry = line.entry(discretion).map_err(|fault| fail(number, fault))?;
            if entries.last().is_some_and(|last| last.ms > entry.ms) {
                return Err(fail(number, TraceFault::Order));
            }
            entries.push(entry);
        }
        Ok(Self { about: About { about, began }, entries })
    }
}

impl Line {
    fn of(Entry { ms, with, what }: &Entry) -> Self {
        let nothing = || Self {
            ms: *ms,
            with: *with,
            event: None,
            atr: None,
            command: None,
            answer: None,
            error: None,
            why: None,
        };
        let event = |event, atr: &[u8]| {
            let atr = (!atr.is_empty()).then(|| hex::encode_upper(atr));
            Self { event: Some(event), atr, ..nothing() }
        };
        match what {
            What::PowerUp(atr) => event(Event::PowerUp, atr),
            What::Reset(atr) => event(Event::Reset, atr),
            What::PowerOff => event(Event::PowerOff, &[]),
            What::Exchange(Exchange { sent, received }) => {
                let command = Some(text(&sent.bytes()));
                match received {
                    Ok(answer) => Self { command, answer: Some(text(&answer.bytes())), ..nothing() },
                    Err(error) => {
                        let (error, why) = Silence::of(error);
                        Self { command, error: Some(error), why, ..nothing() }
                    }
                }
            }
        }
    }

    fn entry(self, discretion: &mut Discretion) -> Result<Entry, TraceFault> {
        let other = || TraceFault::Form("an event, or a command with an answer or an error".to_owned());
        let Self { ms, with, event, atr, command, answer, error, why } = self;
        let what = match (event, command, answer, error) {
            (Some(event), None, None, None) if why.is_none() => {
                *discretion = Discretion::NEW;
                event_of(event, atr)?
            }
            (None, Some(command), answer, error) if atr.is_none() => {
                let sent = sent(&kept(&command, "command")?, discretion)?;
                let received = match (answer, error, why) {
                    (Some(text), None, None) => Ok(answered(&sent, &kept(&text, "answer")?, discretion)?),
                    (None, Some(silence), why) => Err(silence.error(why).ok_or_else(other)?),
                    _ => return Err(other()),
                };
                let exchange = Exchange { sent, received };
                discretion.follow(&exchange);
                What::Exchange(exchange)
            }
            _ => return Err(other()),
        };
        Ok(Entry { ms, with, what })
    }
}

impl Silence {
    fn of(error: &TransportError) -> (Self, Option<String>) {
        match error {
            TransportError::CardRemoved => (Self::CardRemoved, None),
            TransportError::NoAnswer => (Self::NoAnswer, None),
            TransportError::CardReset => (Self::CardReset, None),
            TransportError::CardInUse => (Self::CardInUse, None),
            TransportError::ReaderUnplugged => (Self::ReaderUnplugged, None),
            TransportError::NoReader => (Self::NoReader, None),
            TransportError::NoService => (Self::NoService, None),
            TransportError::CommandTooLong { length, longest } => {
                (Self::CommandTooLong, Some(format!("{length}/{longest}")))
            }
            TransportError::Reader(why) => (Self::Reader, Some(why.clone())),
        }
    }

    /// `None` if `why` does not belong to it.
    fn error(self, why: Option<String>) -> Option<TransportError> {
        Some(match (self, why) {
            (Self::CardRemoved, None) => TransportError::CardRemoved,
            (Self::NoAnswer, None) => TransportError::NoAnswer,
            (Self::CardReset, None) => TransportError::CardReset,
            (Self::CardInUse, None) => TransportError::CardInUse,
            (Self::ReaderUnplugged, None) => TransportError::ReaderUnplugged,
            (Self::NoReader, None) => TransportError::NoReader,
            (Self::NoService, None) => TransportError::NoService,
            (Self::CommandTooLong, Some(lengths)) => {
                let (length, longest) = lengths.split_once('/')?;
                TransportError::CommandTooLong { length: length.parse().ok()?, longest: longest.parse().ok()? }
            }
            (Self::Reader, why) => TransportError::Reader(why.unwrap_or_default()),
            _ => return None,
        })
    }
}

fn event_of(event: Event, atr: Option<String>) -> Result<What, TraceFault> {
    let atr = hex::decode(atr.unwrap_or_default()).map_err(|_| TraceFault::Bytes("atr"))?;
    Ok(match event {
        Event::PowerUp => What::PowerUp(atr),
        Event::Reset => What::Reset(atr),
        Event::PowerOff => What::PowerOff,
    })
}

/// A command of which the file hides some bytes.
fn sent(kept: &[Option<u8>], discretion: &Discretion) -> Result<Sent, TraceFault> {
    if let Some(known) = kept.iter().copied().collect::<Option<Vec<u8>>>() {
        return Ok(Sent::record(&known, discretion));
    }
    let fault = TraceFault::Bytes("command");
    let (header, rest) = kept.split_first_chunk::<4>().ok_or(fault.clone())?;
    let [Some(cla), Some(ins), Some(p1), Some(p2)] = *header else { return Err(fault) };
    let hidden = |lc, length, le| Sent { header: Some([cla, ins, p1, p2]), lc, data: Payload::Hidden(length), le };
    Ok(match rest {
        [Some(lc), data @ ..] if data.len() == usize::from(*lc) => hidden(Some(*lc), data.len(), None),
        [Some(lc), data @ .., Some(le)] if data.len() == usize::from(*lc) => hidden(Some(*lc), data.len(), Some(*le)),
        all => hidden(None, all.len(), None),
    })
}

fn answered(sent: &Sent, kept: &[Option<u8>], discretion: &Discretion) -> Result<Answer, TraceFault> {
    if let Some(known) = kept.iter().copied().collect::<Option<Vec<u8>>>() {
        return Ok(Answer::record(sent.header, &known, discretion));
    }
    match kept {
        [data @ .., Some(high), Some(low)] => {
            let status = Some(StatusWord(u16::from_be_bytes([*high, *low])));
            Ok(Answer { data: Payload::Hidden(data.len()), status })
        }
        _ => Err(TraceFault::Bytes("answer")),
    }
}

const HIDDEN: &str = "**";

fn text(bytes: &[Option<u8>]) -> String {
    bytes.iter().map(|byte| byte.map_or_else(|| HIDDEN.to_owned(), |byte| format!("{byte:02X}"))).collect()
}

fn kept(text: &str, field: &'static str) -> Result<Vec<Option<u8>>, TraceFault> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| match pair {
        b"**" => Some(None),
        digits => {
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok().map(|()| byte.first().copied())
        }
    };
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<_>>>();
    bytes.filter(|_| rest.is_empty()).ok_or(TraceFault::Bytes(field))
}

/// What the parser says, without the line number of its own: there is one line.
fn form(error: &serde_json::Error) -> TraceFault {
    let text = error.to_string();
    TraceFault::Form(text.split(" at line ").next().unwrap_or_default().to_owned())
}

fn line<W: Write>(to: &mut W, content: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string(content)?;
    text.push('\n');
    to.write_all(text.as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests;
