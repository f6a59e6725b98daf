//! One command and its answer, as much of them as may be kept.

use core::fmt;

use onecard_wire::{ins, status::StatusWord};

use super::{Decoded, Field, answer, command};
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
    /// Keeps of an exchange what may be kept.
    #[must_use]
    pub fn record(command: &[u8], answer: Result<&[u8], &TransportError>) -> Self {
        let sent = Sent::record(command);
        let received = answer.map(|bytes| Answer::record(sent.header, bytes)).map_err(Clone::clone);
        Self { sent, received }
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
    fn record(command: &[u8]) -> Self {
        let Some((header, rest)) = command.split_first_chunk::<4>() else {
            return Self { header: None, data: Payload::Shown(command.to_vec()), le: None };
        };
        let header = Some(*header);
        let keep = |data: &[u8]| if is_hidden(header, data.len()) { Payload::hide(data) } else { Payload::show(data) };
        match rest {
            [] => Self { header, data: Payload::show(&[]), le: None },
            [le] => Self { header, data: Payload::show(&[]), le: Some(*le) },
            [lc, data @ ..] if data.len() == usize::from(*lc) => Self { header, data: keep(data), le: None },
            [lc, data @ .., le] if data.len() == usize::from(*lc) => Self { header, data: keep(data), le: Some(*le) },
            all => Self { header, data: keep(all), le: None },
        }
    }
}

impl Answer {
    fn record(header: Option<[u8; 4]>, bytes: &[u8]) -> Self {
        let Some((data, status)) = bytes.split_last_chunk::<2>() else {
            return Self { data: Payload::show(bytes), status: None };
        };
        let personal = names_holder(header) && data.len() > TERMINAL_LEN;
        let data = if personal { Payload::hide(data) } else { Payload::show(data) };
        Self { data, status: Some(StatusWord(u16::from_be_bytes(*status))) }
    }
}

impl Payload {
    fn show(bytes: &[u8]) -> Self {
        Self::Shown(bytes.to_vec())
    }

    fn hide(bytes: &[u8]) -> Self {
        Self::Hidden(bytes.len())
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

/// A SAM's MF has 6 bytes of terminal number where a card has its holder.
const TERMINAL_LEN: usize = 6;
const MAC_LEN: usize = 4;
/// UNBLOCK (80 2C) stands in FMCOS's list of commands, with a PIN for all that is known.
const UNBLOCK: u8 = 0x2C;

/// Whether a command's data are a PIN, a key (enciphered too: a blank card's transport key is known to all) or the
/// holder's. CLA does not matter: a malformed command has a PIN in it all the same.
fn is_hidden(header: Option<[u8; 4]>, length: usize) -> bool {
    let secret = matches!(
        header,
        Some([_, ins::VERIFY | ins::CHANGE_OR_RELOAD_PIN | ins::PIN_UNBLOCK | ins::WRITE_KEY | UNBLOCK, _, _])
    );
    secret || (names_holder(header) && length > TERMINAL_LEN + MAC_LEN)
}

/// READ or UPDATE BINARY of SFI 16.
fn names_holder(header: Option<[u8; 4]>) -> bool {
    matches!(header, Some([_, ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY, 0x96, _]))
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
            Payload::Shown(bytes) => write!(f, "{:02X} {} ", bytes.len(), self.data)?,
            Payload::Hidden(length) => write!(f, "{length:02X} {} ", self.data)?,
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
