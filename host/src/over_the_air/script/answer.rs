//! What a script was answered (ETSI TS 102 226 clauses 5.1.2, 5.2.2).

use onecard_wire::{
    layout::Reader,
    ota::script::{self, bad_format, chaining_error},
    status::StatusWord,
};

use super::{Form, Script, ber};
use crate::apdu::Response;

/// What came back, in order: of the expanded format each command's answer, of the compact one the last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptAnswer {
    /// How many commands were executed, the one that failed included.
    pub executed: usize,
    /// The answers there are; the last is that of the last command executed.
    pub responses: Vec<Response>,
    /// How the script ended.
    pub ending: Ending,
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ending {
    /// All its commands were executed, and none failed.
    Complete,
    /// It stopped behind this command, from 1, which answered that.
    Stopped {
        /// The last command executed; 0 if there is none.
        command: usize,
        /// Its status word.
        status: Option<StatusWord>,
    },
    /// It is not of the format, behind what was executed.
    BadFormat(BadFormat),
    /// It does not go on from another; nothing was executed.
    Unchained(ChainingError),
}

/// Why a script is not of the format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BadFormat {
    /// A tag that is not known.
    UnknownTag,
    /// A length that is wrong.
    WrongLength,
    /// A length that is missing.
    LengthMissing,
    /// A value that the standard has not.
    Other(u8),
}

/// Why a script does not go on from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChainingError {
    /// There is none to go on from.
    NoPrevious,
    /// The receiver chains no scripts.
    NotSupported,
    /// The receiver cannot chain this one.
    Unable,
    /// A value that the standard has not.
    Other(u8),
}

/// An answer that cannot be one to the script.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not of the script's format.
    #[error("the answer is not of the {0} format, in which the script was sent")]
    Form(&'static str),
    /// More than there were.
    #[error("the answer says {executed} commands executed, the script has {sent}: it is another script's")]
    TooMany {
        /// By the answer.
        executed: usize,
        /// In the script.
        sent: usize,
    },
    /// As many answers as commands executed.
    #[error("{executed} commands were executed, and {answers} answers came")]
    Answers {
        /// By their number.
        executed: usize,
        /// That are there.
        answers: usize,
    },
}

impl Script {
    /// Reads the data of a response packet as the answer to this script.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn read_answer(&self, data: &[u8]) -> Result<ScriptAnswer, AnswerError> {
        let answer = match self.form {
            Form::Compact => compact(data).ok_or(AnswerError::Form("compact"))?,
            Form::Expanded { .. } => expanded(data).ok_or(AnswerError::Form("expanded"))?,
        };
        let Raw { executed, responses, ended } = answer;
        let sent = self.commands.len();
        if executed > sent {
            return Err(AnswerError::TooMany { executed, sent });
        }
        let expected = if self.form == Form::Compact { 1 } else { executed };
        if responses.len() != expected {
            return Err(AnswerError::Answers { executed, answers: responses.len() });
        }
        let status = responses.last().map(|last| last.status);
        let went_on = status.is_none_or(goes_on);
        let ending = match ended {
            Some(ending) => ending,
            None if executed == sent && went_on => Ending::Complete,
            None => Ending::Stopped { command: executed, status },
        };
        Ok(ScriptAnswer { executed, responses, ending })
    }
}

impl ScriptAnswer {
    /// The answer to a command, from 1, if it is there.
    #[must_use]
    pub fn to_command(&self, number: usize) -> Option<&Response> {
        let first = self.executed + 1 - self.responses.len().min(self.executed);
        number.checked_sub(first).and_then(|at| self.responses.get(at))
    }
}

struct Raw {
    executed: usize,
    responses: Vec<Response>,
    ended: Option<Ending>,
}

/// Whether a script goes on behind a status word (specification 19.5.3).
const fn goes_on(status: StatusWord) -> bool {
    matches!(status.0, 0x9000) || matches!(status.0 >> 8, 0x91 | 0x9F | 0x61 | 0x62 | 0x63)
}

/// `number of commands executed 1 ‖ status word ‖ data`.
fn compact(data: &[u8]) -> Option<Raw> {
    let mut reader = Reader::new(data);
    let executed = usize::from(reader.u8()?);
    let status = StatusWord(reader.u16()?);
    let last = Response { data: reader.rest().to_vec(), status };
    Some(Raw { executed, responses: vec![last], ended: None })
}

fn expanded(data: &[u8]) -> Option<Raw> {
    let (_, inside) = ber::template(data, [script::RESPONSES, script::RESPONSES_INDEFINITE])?;
    let mut reader = Reader::new(inside);
    let (mut executed, mut responses, mut ended) = (None, Vec::new(), None);
    while let Some(tag) = reader.u8() {
        let value = ber::value(&mut reader)?;
        match (tag, value) {
            // Nothing is behind what ended it, and the number is said once.
            _ if matches!(ended, Some(Ending::BadFormat(_))) => return None,
            (script::EXECUTED, &[number]) if executed.is_none() => executed = Some(usize::from(number)),
            (script::R_APDU, bytes) if ended.is_none() => responses.push(Response::parse(bytes.to_vec())?),
            (script::CHAINING, &[code]) if executed.is_none() && ended.is_none() => {
                ended = Some(Ending::Unchained(ChainingError::from_code(code)));
            }
            (script::BAD_FORMAT, &[code]) if ended.is_none() => {
                ended = Some(Ending::BadFormat(BadFormat::from_code(code)));
            }
            _ => return None,
        }
    }
    // An indefinite template has no number: as many as answered were executed (clause 5.2.2).
    let executed = executed.unwrap_or(responses.len());
    Some(Raw { executed, responses, ended })
}

impl BadFormat {
    const fn from_code(code: u8) -> Self {
        match code {
            bad_format::UNKNOWN_TAG => Self::UnknownTag,
            bad_format::WRONG_LENGTH => Self::WrongLength,
            bad_format::LENGTH_MISSING => Self::LengthMissing,
            other => Self::Other(other),
        }
    }
}

impl ChainingError {
    const fn from_code(code: u8) -> Self {
        match code {
            chaining_error::NO_PREVIOUS => Self::NoPrevious,
            chaining_error::NOT_SUPPORTED => Self::NotSupported,
            chaining_error::UNABLE => Self::Unable,
            other => Self::Other(other),
        }
    }
}
