//! A recorded session again, with a card.

use core::{fmt, ops::Range};

use onecard_wire::ins;
use zeroize::Zeroizing;

use super::{
    Checker, Discretion, Entry, Exchange, Payload, Peer, Report, Sent, TraceKeys, Unchecked, What, transaction::Begun,
};
use crate::{
    card::Pin,
    transport::{Transport, TransportError},
};

/// What a session is replayed with.
pub trait ReplayTarget: Transport {
    /// Powers it off and on. From here on its random numbers are these, if it can be told such a thing: a simulated chip
    /// can, and then answers byte for byte.
    ///
    /// # Errors
    /// [`TransportError`].
    fn power_up(&mut self, randoms: &[u8]) -> Result<(), TransportError>;
}

/// How a session is replayed.
#[derive(Clone, Debug)]
pub struct ReplayOrder {
    /// Whose half of the trace.
    pub with: Peer,
    /// With keys the terminal's MACs and cryptograms are made anew for the random numbers of now. Without, every byte is
    /// sent as recorded.
    pub keys: Option<TraceKeys>,
    /// What VERIFY sends: a trace has no PIN.
    pub pin: Option<Pin>,
}

/// How it went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// Each command that was sent.
    pub steps: Vec<ReplayStep>,
    /// Why it ended in front of the trace's end.
    pub stopped: Option<Stopped>,
    /// What happened, as a trace.
    pub entries: Vec<Entry>,
    /// With keys: what they say of the card's own MACs now.
    pub report: Option<Report>,
}

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayStep {
    /// The entry of the recorded trace, from 0.
    pub entry: usize,
    /// What came back.
    pub outcome: ReplayOutcome,
}

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayOutcome {
    /// Every byte as recorded.
    Same,
    /// All but what random numbers decide.
    SameButRandom,
    /// Nothing was recorded to compare with, or too little was kept.
    Uncompared,
    /// Another answer; the first byte that differs, the status word's two counted behind the data.
    Different(usize),
}

/// Why a replay ended early.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stopped {
    /// A command of which something was not kept.
    #[error("entry {} is {name}, whose data were not recorded{}", .entry + 1, hint(name))]
    Hidden {
        /// The entry, from 0.
        entry: usize,
        /// The command.
        name: String,
    },
    /// A MAC that cannot be made anew.
    #[error("entry {} has a MAC that cannot be made anew: {why}", .entry + 1)]
    NoMac {
        /// The entry, from 0.
        entry: usize,
        /// Why not.
        why: Unchecked,
    },
    /// Another answer: what was recorded behind it would not follow.
    #[error("entry {} was answered otherwise than recorded", .entry + 1)]
    Different {
        /// The entry, from 0.
        entry: usize,
    },
    /// No answer.
    #[error("entry {}: {error}", .entry + 1)]
    Silent {
        /// The entry, from 0.
        entry: usize,
        /// What happened.
        error: TransportError,
    },
}

impl ReplayOrder {
    /// Sends `recorded` to `target` until the first answer that is another.
    pub fn replay(&self, recorded: &[Entry], target: &mut dyn ReplayTarget) -> Replay {
        let mut run = Run {
            order: self,
            recorded,
            was: Checker::new(self.keys.clone().unwrap_or_default()),
            now: Checker::new(self.keys.clone().unwrap_or_default()),
            discretion: Discretion::NEW,
            steps: Vec::new(),
            entries: Vec::new(),
        };
        let stopped = run.all(target).err();
        let Run { steps, entries, now, .. } = run;
        let report = self.keys.is_some().then(|| now.finish());
        Replay { steps, stopped, entries, report }
    }
}

impl Replay {
    /// Whether everything was sent and answered as recorded, and no key says otherwise.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.stopped.is_none() && self.report.as_ref().is_none_or(Report::is_sound)
    }
}

struct Run<'r> {
    order: &'r ReplayOrder,
    recorded: &'r [Entry],
    /// What the keys say of the recorded session.
    was: Checker,
    /// What they say of this one.
    now: Checker,
    /// From this one's last power-up on.
    discretion: Discretion,
    steps: Vec<ReplayStep>,
    entries: Vec<Entry>,
}

impl Run<'_> {
    fn all(&mut self, target: &mut dyn ReplayTarget) -> Result<(), Stopped> {
        let mut powered = false;
        for (at, entry) in self.recorded.iter().enumerate() {
            if entry.with != self.order.with {
                // The other half tells what the SAM made.
                self.was.push(entry);
                continue;
            }
            let on = matches!(entry.what, What::PowerUp(_) | What::Reset(_));
            if on || !powered {
                let session = self.recorded.get(at + usize::from(on)..).unwrap_or_default();
                let randoms = match self.order.keys {
                    Some(_) => Vec::new(),
                    None => randoms(session, self.order.with),
                };
                target.power_up(&randoms).map_err(|error| Stopped::Silent { entry: at, error })?;
                self.discretion = Discretion::NEW;
                self.happened(entry.ms, What::PowerUp(Vec::new()));
                powered = true;
            }
            match &entry.what {
                What::Exchange(exchange) => self.one(at, entry.ms, exchange, target)?,
                What::PowerOff => {
                    self.happened(entry.ms, What::PowerOff);
                    powered = false;
                }
                What::PowerUp(_) | What::Reset(_) => {}
            }
            if !matches!(entry.what, What::Exchange(_)) {
                self.was.push(entry);
            }
        }
        Ok(())
    }

    fn one(&mut self, at: usize, ms: u64, was: &Exchange, target: &mut dyn ReplayTarget) -> Result<(), Stopped> {
        let command = self.command(at, ms, was)?;
        let answer = target.transmit(&command);
        let now = self.discretion.record(&command, answer.as_deref());
        self.happened(ms, What::Exchange(now.clone()));
        let outcome = match (&was.received, &answer) {
            (Ok(_), Err(error)) => return Err(Stopped::Silent { entry: at, error: error.clone() }),
            (Err(_), _) => ReplayOutcome::Uncompared,
            (Ok(_), Ok(_)) => self.compared(was, &now),
        };
        self.steps.push(ReplayStep { entry: at, outcome });
        match outcome {
            ReplayOutcome::Different(_) => Err(Stopped::Different { entry: at }),
            _ => Ok(()),
        }
    }

    /// What is sent for a recorded command.
    fn command(&mut self, at: usize, ms: u64, was: &Exchange) -> Result<Zeroizing<Vec<u8>>, Stopped> {
        let kept = was.sent.bytes().into_iter().collect::<Option<Vec<u8>>>();
        let as_made = kept.as_ref().and_then(|command| self.was.refit(self.order.with, command).ok());
        let guessed = as_made.is_some() && as_made != kept;
        self.was.push(&Entry { ms, with: self.order.with, what: What::Exchange(was.clone()) });
        let Some(command) = kept.map(Zeroizing::new) else { return self.hidden(at, was) };
        // Without keys as it is; and a MAC that was wrong then is meant to be wrong now.
        if self.order.keys.is_none() || guessed {
            return Ok(command);
        }
        match self.now.refit(self.order.with, &command) {
            Ok(fitted) => Ok(Zeroizing::new(fitted)),
            // It was not made by these keys, so it means nothing to them.
            Err(Unchecked::Layout | Unchecked::NoTransaction | Unchecked::NoChallenge) => Ok(command),
            Err(why) => Err(Stopped::NoMac { entry: at, why }),
        }
    }

    /// VERIFY, with the PIN that was given.
    fn hidden(&self, at: usize, was: &Exchange) -> Result<Zeroizing<Vec<u8>>, Stopped> {
        let Sent { header, .. } = &was.sent;
        match (header, &self.order.pin) {
            (Some(header @ [_, ins::VERIFY, ..]), Some(pin)) => {
                let pin = pin.expose();
                let lc = u8::try_from(pin.len()).unwrap_or_default();
                Ok(Zeroizing::new([&header[..], &[lc], pin].concat()))
            }
            _ => Err(Stopped::Hidden { entry: at, name: was.decode().name }),
        }
    }

    fn happened(&mut self, ms: u64, what: What) {
        let entry = Entry { ms, with: self.order.with, what };
        self.now.push(&entry);
        self.entries.push(entry);
    }

    fn compared(&self, was: &Exchange, now: &Exchange) -> ReplayOutcome {
        let (Ok(then), Ok(answer)) = (&was.received, &now.received) else { return ReplayOutcome::Uncompared };
        let (recorded, answered) = (then.bytes(), answer.bytes());
        let differs = |at: &usize| recorded.get(*at) != answered.get(*at);
        let differing = (0..recorded.len().max(answered.len())).filter(differs).collect::<Vec<_>>();
        let random = match self.order.keys {
            Some(_) => random_parts(&was.sent, answer.data.len()),
            None => Vec::new(),
        };
        let by_chance = |at: &usize| random.iter().any(|part| part.contains(at));
        match (differing.iter().find(|at| !by_chance(at)), differing.is_empty()) {
            (Some(at), _) => ReplayOutcome::Different(*at),
            (None, false) => ReplayOutcome::SameButRandom,
            (None, true) if matches!(then.data, Payload::Hidden(_)) => ReplayOutcome::Uncompared,
            (None, true) => ReplayOutcome::Same,
        }
    }
}

/// Which bytes of an answer of that length random numbers decide.
fn random_parts(sent: &Sent, length: usize) -> Vec<Range<usize>> {
    let Some([cla, ins, p1, _]) = sent.header else { return Vec::new() };
    let last_four = length.saturating_sub(4)..length;
    match ins {
        ins::GET_CHALLENGE => core::iter::once(0..length).collect(),
        // The random, and the MAC1 that it decides.
        ins::INITIALIZE => match p1 {
            ins::INITIALIZE_LOAD | ins::INITIALIZE_UNLOAD | ins::INITIALIZE_UPDATE => {
                core::iter::once(length.saturating_sub(8)..length).collect()
            }
            _ => vec![last_four],
        },
        // MAC2 behind the TAC, which no random number enters; MAC3.
        ins::DEBIT => vec![last_four],
        ins::GET_TRANSACTION_PROVE => core::iter::once(0..4).collect(),
        ins::READ_BINARY | ins::READ_RECORD if cla & ins::CLA_SM_BIT != 0 => vec![last_four],
        ins::INIT_SAM => vec![last_four],
        _ => Vec::new(),
    }
}

/// The random numbers that were drawn up to the next power-up, in order; of lost answers, zeros as many.
fn randoms(recorded: &[Entry], with: Peer) -> Vec<u8> {
    const LOST: [u8; 8] = [0; 8];
    let own = recorded.iter().filter(|entry| entry.with == with);
    let session = own.map_while(|entry| match &entry.what {
        What::Exchange(exchange) => Some(exchange),
        _ => None,
    });
    let mut drawn = Vec::new();
    for Exchange { sent, received } in session {
        let answered = received.as_ref().ok();
        let done = answered.filter(|answer| answer.status.is_some_and(|status| status.is_ok()));
        match (sent.header, done.map(|answer| answer.data.bytes())) {
            (Some([_, ins::GET_CHALLENGE, ..]), Some(random)) => drawn.extend_from_slice(random),
            (Some([_, ins::GET_CHALLENGE, ..]), None) if answered.is_none() => {
                let length = usize::from(sent.le.unwrap_or_default());
                drawn.extend_from_slice(LOST.get(..length).unwrap_or_default());
            }
            (Some(header @ [_, ins::INITIALIZE, ..]), Some(answer)) => {
                drawn
                    .extend(Begun::parse(header, sent.data.bytes(), answer).map(|begun| begun.random).iter().flatten());
            }
            _ => {}
        }
    }
    drawn
}

fn hint(name: &str) -> &'static str {
    if name.starts_with("VERIFY") { ": give the PIN" } else { ": it cannot be sent again" }
}

impl fmt::Display for ReplayOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("the same"),
            Self::SameButRandom => f.write_str("the same but for random numbers"),
            Self::Uncompared => f.write_str("nothing to compare with"),
            Self::Different(at) => write!(f, "another answer, from byte {at} on"),
        }
    }
}
