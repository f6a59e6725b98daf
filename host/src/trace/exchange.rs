//! One command and its answer, as much of them as may be kept.

use core::fmt;

use onecard_wire::status::StatusWord;

use super::{Decoded, Discretion, Field, answer, command};
use crate::{apdu::meaning, transport::TransportError};

/// A command and what came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// The command.
    pub sent: Sent,
    /// The answer, or why there is none.
    pub received: Result<Answer, TransportError>,
}

/// A command APDU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// CLA, INS, P1, P2; `None` if there were fewer than four bytes.
    pub header: Option<[u8; 4]>,
    /// Lc; `None` without a data field, and where the lengths do not fit.
    pub lc: Option<u8>,
    /// The data field; all bytes after the header if their lengths do not fit.
    pub data: Payload,
    /// Le.
    pub le: Option<u8>,
}

/// A response APDU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What precedes the status word.
    pub data: Payload,
    /// The status word; `None` if there were fewer than two bytes.
    pub status: Option<StatusWord>,
}

/// Bytes, unless they are secret or personal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// These.
    Shown(Vec<u8>),
    /// So many that were not kept.
    Hidden(usize),
}

impl Exchange {
    /// Keeps of a single exchange, the first after a power-up, what may be kept; [`Discretion::record`] for those that follow.
    #[must_use]
    pub fn record(command: &[u8], answer: Result<&[u8], &TransportError>) -> Self {
        Discretion::default().record(command, answer)
    }

    /// Command and answer by the names of their fields.
    #[must_use]
    pub fn decode(&self) -> Decoded {
        let command = command::decode(&self.sent);
        let (answer, status) = match &self.received {
            Ok(received) => (answer::decode(&self.sent, received), self.status_text(received)),
            Err(error) => (Vec::new(), format!("no answer: {error}")),
        };
        Decoded { name: command::name(self.sent.header), command, answer, status }
    }

    fn status_text(&self, received: &Answer) -> String {
        let Some(status) = received.status else { return "no status word".to_owned() };
        let narrower = command::command_name(self.sent.header).and_then(|name| meaning(name, status));
        match narrower {
            Some(meaning) => format!("{:04X} {}", status.0, meaning.english),
            None => format!("{:04X} {}", status.0, status.meaning()),
        }
    }
}

impl Sent {
    /// Keeps of a command what may be kept.
    pub(super) fn record(command: &[u8], discretion: &Discretion) -> Self {
        let Some((header, rest)) = command.split_first_chunk::<4>() else {
            return Self { header: None, lc: None, data: Payload::Shown(command.to_vec()), le: None };
        };
        let header = Some(*header);
        let hides = |data: &[u8]| discretion.hides_command(header, data.len());
        let keep = |data: &[u8]| if hides(data) { Payload::hide(data) } else { Payload::show(data) };
        let fits = |lc: u8, data: &[u8]| data.len() == usize::from(lc);
        match rest {
            [] => Self { header, lc: None, data: Payload::show(&[]), le: None },
            [le] => Self { header, lc: None, data: Payload::show(&[]), le: Some(*le) },
            [lc, data @ ..] if fits(*lc, data) => Self { header, lc: Some(*lc), data: keep(data), le: None },
            [lc, data @ .., le] if fits(*lc, data) => Self { header, lc: Some(*lc), data: keep(data), le: Some(*le) },
            all => Self { header, lc: None, data: keep(all), le: None },
        }
    }

    /// The command byte for byte, `None` where a byte was not kept.
    #[must_use]
    pub fn bytes(&self) -> Vec<Option<u8>> {
        let front = self.header.iter().flatten().chain(&self.lc).map(|byte| Some(*byte));
        front.chain(self.data.kept()).chain(self.le.map(Some)).collect()
    }
}

impl Answer {
    /// Keeps of the answer to a command of that header what may be kept.
    pub(super) fn record(header: Option<[u8; 4]>, bytes: &[u8], discretion: &Discretion) -> Self {
        let Some((data, status)) = bytes.split_last_chunk::<2>() else {
            return Self { data: Payload::show(bytes), status: None };
        };
        let hidden = discretion.hides_answer(header, data.len());
        let data = if hidden { Payload::hide(data) } else { Payload::show(data) };
        Self { data, status: Some(StatusWord(u16::from_be_bytes(*status))) }
    }
}

impl Answer {
    /// The answer byte for byte, `None` where a byte was not kept.
    #[must_use]
    pub fn bytes(&self) -> Vec<Option<u8>> {
        self.data.kept().chain(self.status.into_iter().flat_map(|status| status.to_bytes().map(Some))).collect()
    }
}

impl Payload {
    /// Each byte, `None` if it was not kept.
    fn kept(&self) -> impl Iterator<Item = Option<u8>> {
        let hidden = if let Self::Hidden(length) = self { *length } else { 0 };
        self.bytes().iter().map(|byte| Some(*byte)).chain(core::iter::repeat_n(None, hidden))
    }

    fn show(bytes: &[u8]) -> Self {
        Self::Shown(bytes.to_vec())
    }

    fn hide(bytes: &[u8]) -> Self {
        Self::Hidden(bytes.len())
    }

    /// How many bytes there are, kept or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Shown(bytes) => bytes.len(),
            Self::Hidden(length) => *length,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes; none if they are hidden.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Shown(bytes) => bytes,
            Self::Hidden(_) => &[],
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(bytes) => f.write_str(&hex::encode_upper(bytes)),
            Self::Hidden(length) => write!(f, "({length} bytes not shown)"),
        }
    }
}

impl fmt::Display for Sent {
    /// The APDU in hexadecimal, its parts parted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(header) = self.header {
            write!(f, "{} ", hex::encode_upper(header))?;
        }
        match &self.data {
            Payload::Shown(bytes) if bytes.is_empty() => {}
            data => {
                if let Some(lc) = self.lc {
                    write!(f, "{lc:02X} ")?;
                }
                write!(f, "{data} ")?;
            }
        }
        match self.le {
            Some(le) => write!(f, "{le:02X}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Exchange {
    /// Name, APDU, its fields, status, the answer's fields: one line each, the last line ended too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decoded { name, command, answer, status } = self.decode();
        writeln!(f, "{name}")?;
        writeln!(f, "  > {}", self.sent.to_string().trim_end())?;
        write_fields(f, &command)?;
        match &self.received {
            Ok(Answer { data: Payload::Shown(bytes), .. }) if bytes.is_empty() => writeln!(f, "  < {status}")?,
            Ok(Answer { data, .. }) => writeln!(f, "  < {data} {status}")?,
            Err(_) => writeln!(f, "  < {status}")?,
        }
        write_fields(f, &answer)
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[Field]) -> fmt::Result {
    fields.iter().try_for_each(|Field { name, value }| writeln!(f, "      {name:<20} {value}"))
}
