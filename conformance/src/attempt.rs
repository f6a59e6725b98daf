//! One rule tried on a card: its steps, one after another.

use std::collections::{BTreeMap, BTreeSet};

use onecard_host::transport::TransportError;
use onecard_vectors::conformance::{Action, Flaw, Procedure, Send, Step};
use onecard_wire::status::StatusWord;
use rand_core::CryptoRng;

use crate::{
    card::TestedCard,
    guard::{Guard, Withheld},
    language::{
        LanguageError,
        evaluate::{bytes_of, evaluate, flipped},
        expression::Expression,
        pattern::{Compared, Pattern},
        template::{Parts, Template},
        value::Names,
    },
    report::ExchangeRecord,
};

/// A card, and all that is needed to try rules on it.
pub(crate) struct Bench<'b> {
    pub(crate) card: &'b mut dyn TestedCard,
    pub(crate) random: &'b mut dyn CryptoRng,
    pub(crate) guard: Guard,
    pub(crate) procedures: &'b BTreeMap<String, Procedure>,
}

/// The steps of one rule, and what came of them.
pub(crate) struct Attempt<'a, 'b> {
    pub(crate) bench: &'a mut Bench<'b>,
    pub(crate) names: Names,
    pub(crate) exchanges: Vec<ExchangeRecord>,
    /// How deep procedures do procedures.
    depth: u8,
}

/// Why a rule ended before its last step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// It is not kept.
    #[error("{0}")]
    NotKept(String),
    /// It could not be tried: a step in front of it does not keep another clause.
    #[error("clause {clause}: {why}")]
    Unready { clause: String, why: String },
    /// The guard let a command not leave. A mistake in the rules, or a card that has failed before.
    #[error("a command was withheld: {0}")]
    Withheld(#[from] Withheld),
    /// The rule itself is wrong.
    #[error("the rule cannot be tried: {0}")]
    Rule(#[from] LanguageError),
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Procedures that do procedures that do procedures.
const DEPTH_MAX: u8 = 8;

impl<'a, 'b> Attempt<'a, 'b> {
    pub(crate) fn new(bench: &'a mut Bench<'b>, names: Names) -> Self {
        Self { bench, names, exchanges: Vec::new(), depth: 0 }
    }

    /// Does the steps in order, up to the first that is not kept.
    pub(crate) fn steps(&mut self, steps: &[Step]) -> Result<(), Stop> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.action {
            Action::Send(send) => self.send_repeatedly(send, step.note.as_deref()),
            Action::Do { procedure, with } => {
                self.set(with)?;
                let steps = self.bench.procedures.get(procedure);
                let steps = steps.ok_or_else(|| LanguageError::Unknown(procedure.clone()))?;
                if self.depth == DEPTH_MAX {
                    return Err(LanguageError::Value(procedure.clone(), "procedures do each other without end").into());
                }
                self.depth += 1;
                let done = self.steps(&steps.steps);
                self.depth -= 1;
                match (done, &steps.clause) {
                    (Err(Stop::NotKept(why)), Some(clause)) => Err(Stop::Unready { clause: clause.clone(), why }),
                    (done, _) => done,
                }
            }
            Action::Set(values) => self.set(values),
            Action::PowerCycle => Ok(self.bench.card.power_cycle()?),
            Action::Equal(left, right) => self.compare_values(left, right, true, step.note.as_deref()),
            Action::Differ(left, right) => self.compare_values(left, right, false, step.note.as_deref()),
        }
    }

    fn compare_values(&mut self, left: &str, right: &str, equal: bool, note: Option<&str>) -> Result<(), Stop> {
        let (one, other) = (self.bytes(left)?, self.bytes(right)?);
        if (one == other) == equal {
            return Ok(());
        }
        let should = if equal { "must be equal" } else { "must differ" };
        let told = note.map_or_else(|| format!("{left} and {right} {should}"), str::to_owned);
        Err(Stop::NotKept(format!("{told}: {} and {}", hex::encode_upper(one), hex::encode_upper(other))))
    }

    fn set(&mut self, values: &BTreeMap<String, String>) -> Result<(), Stop> {
        for (name, text) in values {
            let value = evaluate(&Expression::parse(text)?, &self.names, self.bench.random)?;
            self.names.set(name, value);
        }
        Ok(())
    }

    fn bytes(&mut self, text: &str) -> Result<Vec<u8>, Stop> {
        Ok(bytes_of(&Expression::parse(text)?, &self.names, self.bench.random)?)
    }

    fn send_repeatedly(&mut self, send: &Send, note: Option<&str>) -> Result<(), Stop> {
        let mut seen = BTreeSet::new();
        for _ in 0..send.repeat {
            self.send(send, note)?;
            let Some(name) = &send.distinct else { continue };
            let value = self.names.bytes(name).unwrap_or_default().to_vec();
            if !seen.insert(value) {
                return Err(Stop::NotKept(format!("the same {name} came twice")));
            }
        }
        Ok(())
    }

    fn send(&mut self, send: &Send, note: Option<&str>) -> Result<(), Stop> {
        let command = match &send.mac {
            None => self.template(&send.command)?.to_bytes()?,
            Some(key) => self.protected(send, key)?,
        };
        let mut tries = send.tries.clone();
        tries.extend(send.mac.clone());
        let answer = self.exchange(&command, &tries)?;
        let (compared, expected) = self.compare(&send.expect, &answer)?;
        let sent = if send.secret { without_data(&command) } else { spaced(&command) };
        let answered = answered(&answer);
        self.exchanges.push(ExchangeRecord {
            sent,
            expected: expected.clone(),
            answered: answered.clone(),
            fits: compared.is_some(),
            note: note.map(str::to_owned),
        });
        let Some(compared) = compared else {
            return Err(Stop::NotKept(format!("expected {expected}, the card answered {answered}")));
        };
        self.names = compared.kept;
        if status(&answer).is_ok() {
            send.fresh.iter().for_each(|(name, full)| self.bench.guard.set_tries(name, *full, *full));
        }
        Ok(())
    }

    /// The command with its MAC, behind a challenge asked for by itself.
    fn protected(&mut self, send: &Send, key: &str) -> Result<Vec<u8>, Stop> {
        let challenge = self.exchange(&GET_CHALLENGE, &[])?;
        let (compared, expected) = self.compare(&["challenge:4 9000".to_owned()], &challenge)?;
        self.exchanges.push(ExchangeRecord {
            sent: spaced(&GET_CHALLENGE),
            expected,
            answered: answered(&challenge),
            fits: compared.is_some(),
            note: None,
        });
        let Some(compared) = compared else {
            return Err(Stop::NotKept("the card gave no challenge".to_owned()));
        };
        self.names = compared.kept;
        if send.flaw == Some(Flaw::Challenge) {
            // Any command uses the challenge up.
            self.exchange(&GET_BALANCE, &[])?;
        }
        let mut parts = self.template(&send.command)?;
        let line_key = self.names.key(key)?.clone();
        let data = parts.data.take().unwrap_or_default();
        let data = if send.enciphered {
            let length = u8::try_from(data.len()).map_err(|_| LanguageError::Value(key.to_owned(), "too much data"))?;
            line_key.encipher(&[&[length], data.as_slice()].concat())
        } else {
            data
        };
        parts.data = Some(data);
        if send.flaw == Some(Flaw::NoMac) {
            return Ok(parts.to_bytes()?);
        }
        let lc = parts.lc(MAC_LEN)?;
        let data = parts.data.take().unwrap_or_default();
        let message = [parts.header.as_slice(), &[lc], &data].concat();
        let block = self.names.bytes("challenge").and_then(|bytes| bytes.first_chunk::<4>()).copied();
        let [a, b, c, d] = block.unwrap_or_default();
        let mac = line_key.mac([a, b, c, d, 0, 0, 0, 0], &message).to_vec();
        let mac = if send.flaw == Some(Flaw::Mac) { flipped(&mac) } else { mac };
        parts.data = Some([data, mac].concat());
        Ok(parts.to_bytes()?)
    }

    fn template(&mut self, text: &str) -> Result<Parts, Stop> {
        Ok(Template::parse(text)?.evaluate(&self.names, self.bench.random)?)
    }

    /// The comparison with the first pattern that fits, and all that would have fitted.
    fn compare(&mut self, patterns: &[String], answer: &[u8]) -> Result<(Option<Compared>, String), Stop> {
        let mut expected = Vec::new();
        for text in patterns {
            let compared = Pattern::parse(text)?.compare(answer, &self.names, self.bench.random)?;
            expected.push(compared.expected.clone());
            if compared.fits {
                return Ok((Some(compared), expected.join(" or ")));
            }
        }
        Ok((None, expected.join(" or ")))
    }

    /// One command past the guard, and its whole answer: what the T=0 layer asks by 61xx and, of a command that wants all
    /// there is, by 6Cxx is done.
    pub(crate) fn exchange(&mut self, command: &[u8], tries: &[String]) -> Result<Vec<u8>, Stop> {
        self.bench.guard.check(command, tries)?;
        let mut answer = self.bench.card.transmit(command)?;
        if let Some(header) = wants_all(command)
            && let [0x6C, length] = status(&answer).to_bytes()
            && !self.bench.card.carries_le()
        {
            answer = self.bench.card.transmit(&[header, &[length]].concat())?;
        }
        let mut data = Vec::new();
        for _ in 0..CHAINED_ANSWERS_MAX {
            let [high, low] = status(&answer).to_bytes();
            if high != 0x61 {
                break;
            }
            answer.truncate(answer.len().saturating_sub(2));
            data.append(&mut answer);
            let [cla, ..] = command else { break };
            answer = self.bench.card.transmit(&[cla & 0x03, 0xC0, 0x00, 0x00, low])?;
        }
        data.append(&mut answer);
        self.bench.guard.answered(command, tries, status(&data));
        Ok(data)
    }
}

const MAC_LEN: usize = onecard_host::crypto::MAC_LEN;
const CHAINED_ANSWERS_MAX: usize = 16;
const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x04];
const GET_BALANCE: [u8; 5] = [0x80, 0x5C, 0x00, 0x02, 0x04];

/// The header of a command without data that takes whatever there is: without Le, or with Le 00.
const fn wants_all(command: &[u8]) -> Option<&[u8]> {
    match command {
        [_, _, _, _] => Some(command),
        [header @ .., 0x00] if header.len() == 4 => Some(header),
        _ => None,
    }
}

/// The last two bytes.
pub(crate) fn status(answer: &[u8]) -> StatusWord {
    StatusWord(answer.last_chunk::<2>().map_or(0, |bytes| u16::from_be_bytes(*bytes)))
}

fn answered(answer: &[u8]) -> String {
    let (data, status) = answer.split_at(answer.len().saturating_sub(2));
    let text = format!("{} {}", hex::encode_upper(data), hex::encode_upper(status));
    text.trim_start().to_owned()
}

/// Header, Lc, data and Le apart.
fn spaced(command: &[u8]) -> String {
    let (header, rest) = command.split_at(command.len().min(4));
    let parts: Vec<&[u8]> = match rest.split_first() {
        Some((lc, data)) if !data.is_empty() => {
            let (data, le) = data.split_at(data.len().min(usize::from(*lc)));
            vec![header, core::slice::from_ref(lc), data, le]
        }
        _ => vec![header, rest],
    };
    let shown = parts.iter().filter(|part| !part.is_empty()).map(hex::encode_upper);
    shown.collect::<Vec<_>>().join(" ")
}

fn without_data(command: &[u8]) -> String {
    let (shown, hidden) = command.split_at(command.len().min(5));
    format!("{} {}", spaced(shown), "··".repeat(hidden.len()))
}
