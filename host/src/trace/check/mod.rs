//! Every MAC and cryptogram of a trace, by known keys: right, wrong and where, or not to be checked and why.

mod claim;
mod keys;
mod layout;
mod recipe;
mod sam;
mod search;
mod verdict;

pub use keys::{GivenKey, TraceKeys};
pub use verdict::{Finding, Fit, Place, Side, Unchecked, Verdict, Wrong};

use std::collections::BTreeSet;

use onecard_wire::status::StatusWord;

use self::{
    claim::{Claim, claims},
    recipe::Card,
};
use super::{
    Contradiction, Discretion, Entry, Peer, Sent,
    follow::Memory,
    whole::{Joiner, Step, Whole},
};

/// What the keys say of a trace.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Each MAC and cryptogram, in the order of the trace.
    pub findings: Vec<Finding>,
    /// Entries whose answer cannot be after what went before: they need no key.
    pub contradictions: Vec<(usize, Contradiction)>,
}

/// Checks a trace, entry by entry.
///
/// ```
/// use onecard_host::{crypto::Key, trace::{Checker, Entry, Exchange, GivenKey, Peer, TraceKeys, Verdict, What}};
/// use onecard_host::wire::key::KeyType;
///
/// // The published load of a real card (clause 12.2.1 of the specification).
/// let key: [u8; 16] = hex::decode("00112233445566778899AABBCCDDEEFF").unwrap().try_into().unwrap();
/// let key = GivenKey { key_type: KeyType::LOAD, id: 0x01, key: Key::from_bytes(key).into() };
/// let mut checker = Checker::new(TraceKeys::new().with_card_key(key));
/// let command = hex::decode("805000020B010000200000112233445510").unwrap();
/// let answer = hex::decode("0000000000000100C903814D03976C229000").unwrap();
/// let exchange = Exchange::record(&command, Ok(&answer));
/// checker.push(&Entry { ms: 0, with: Peer::Card, what: What::Exchange(exchange) });
/// let report = checker.finish();
/// assert_eq!(report.findings[0].name, "MAC1");
/// assert_eq!(report.findings[0].verdict, Verdict::Right);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Checker {
    keys: TraceKeys,
    joiner: Joiner,
    memory: Memory,
    report: Report,
    confirmed: Confirmed,
}

/// Halves of exchanges that a right MAC covers bytes of.
type Confirmed = BTreeSet<(usize, Side)>;

impl Checker {
    /// Checks by these keys.
    #[must_use]
    pub fn new(keys: TraceKeys) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Takes the next entry.
    pub fn push(&mut self, entry: &Entry) {
        for step in self.joiner.push(entry) {
            self.step(&step);
        }
    }

    /// What it came to.
    #[must_use]
    pub fn finish(mut self) -> Report {
        for step in self.joiner.finish() {
            self.step(&step);
        }
        self.report
    }

    /// What it has come to so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// `command` with the MACs that fit what this peer has answered until now, where the keys can make them: how a recorded
    /// command is sent to a card whose random numbers are others.
    ///
    /// # Errors
    /// [`Unchecked`]: the command has a MAC that cannot be made.
    pub fn refit(&self, with: Peer, command: &[u8]) -> Result<Vec<u8>, Unchecked> {
        let sent = Sent::record(command, &Discretion::NEW);
        let whole = Whole { at: 0, sent, answer: Err(crate::transport::TransportError::NoAnswer) };
        let mut fitted = command.to_vec();
        for claimed in claims(&self.memory, with, &whole) {
            let claim = claimed.map_err(|unclaimed| unclaimed.why)?;
            let made = claim.make(&self.keys, self.memory.card.card())?;
            let Some((place, mac)) = fitted.get_mut(claim.range).zip(made.first()) else { continue };
            // A MAC of another length is of another cipher.
            if place.len() != mac.len() {
                return Err(Unchecked::Layout);
            }
            place.copy_from_slice(mac);
        }
        Ok(fitted)
    }

    fn step(&mut self, step: &Step) {
        if let Step::Whole(peer, whole) = step {
            let card = self.memory.card.card();
            for claimed in claims(&self.memory, *peer, whole) {
                let finding = match claimed {
                    Ok(claim) => {
                        let finding = claim.judge(&self.keys, card, whole, &self.confirmed);
                        if finding.verdict == Verdict::Right {
                            self.confirmed.extend(claim.halves());
                        }
                        finding
                    }
                    Err(unclaimed) => {
                        let (name, clause, verdict) =
                            (unclaimed.name, unclaimed.clause, Verdict::Unchecked(unclaimed.why));
                        Finding { entry: whole.at, with: *peer, name, clause, verdict }
                    }
                };
                self.report.findings.push(Finding { with: *peer, ..finding });
            }
        }
        let at = match step {
            Step::Whole(_, whole) => whole.at,
            Step::Power(..) => 0,
        };
        let against = self.memory.step(step);
        self.report.contradictions.extend(against.into_iter().map(|contradiction| (at, contradiction)));
    }
}

impl Report {
    /// The first that is wrong.
    #[must_use]
    pub fn first_wrong(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.verdict.is_wrong())
    }

    /// How many are right, wrong, and unchecked.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let wrong = self.findings.iter().filter(|finding| finding.verdict.is_wrong()).count();
        let right = self.findings.iter().filter(|finding| finding.verdict == Verdict::Right).count();
        [right, wrong, self.findings.len() - right - wrong]
    }

    /// Whether nothing is wrong and nothing contradicts itself.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.first_wrong().is_none() && self.contradictions.is_empty()
    }
}

impl Claim {
    /// What may stand there, by each key it may be.
    fn make(&self, keys: &TraceKeys, card: Card) -> Result<Vec<Vec<u8>>, Unchecked> {
        let parts: Vec<&[u8]> = self.parts.iter().map(|part| part.bytes.as_slice()).collect();
        self.recipe.make(keys, card, &parts)
    }

    fn excuse(&self, keys: &TraceKeys, card: Card) -> Option<Unchecked> {
        let parts: Vec<&[u8]> = self.parts.iter().map(|part| part.bytes.as_slice()).collect();
        self.recipe.excuse(keys, card, &parts)
    }

    /// What stands there.
    fn got(&self) -> &[u8] {
        self.parts.get(self.part).and_then(|part| part.bytes.get(self.range.clone())).unwrap_or_default()
    }

    fn judge(&self, keys: &TraceKeys, card: Card, whole: &Whole, confirmed: &Confirmed) -> Finding {
        let verdict = match (self.make(keys, card), self.excuse(keys, card)) {
            (Ok(made), _) if made.iter().any(|made| made == self.got()) => match refused(whole) {
                Some(status) if self.is_commands() => Verdict::Refused(status),
                _ => Verdict::Right,
            },
            (Ok(_), Some(why)) => Verdict::Unchecked(why),
            (made, _) => search::wrong(self, (keys, card, confirmed), made, whole.status()),
        };
        // Where a wrong byte shows is where the MAC stands.
        let entry = self.place(self.part, self.range.start).map_or(whole.at, |place| place.entry);
        Finding { entry, with: Peer::Card, name: self.name, clause: self.clause, verdict }
    }

    /// Every half of an exchange that it is made of.
    fn halves(&self) -> impl Iterator<Item = (usize, Side)> {
        self.parts.iter().flat_map(|part| part.pieces.iter().map(|piece| (piece.entry, part.side)))
    }

    /// Whether the terminal made it.
    fn is_commands(&self) -> bool {
        self.parts.get(self.part).is_some_and(|part| part.side == Side::Command)
    }

    /// Where in the trace a byte of a part stands.
    fn place(&self, part: usize, offset: usize) -> Option<Place> {
        let part = self.parts.get(part)?;
        let mut begin = 0;
        let piece = part.pieces.iter().find(|piece| {
            let inside = offset < begin + piece.length;
            begin += if inside { 0 } else { piece.length };
            inside
        })?;
        Some(Place { entry: piece.entry, side: part.side, offset: offset - begin })
    }
}

/// What cards and SAMs answer to a MAC or cryptogram that they do not believe.
fn refused(whole: &Whole) -> Option<StatusWord> {
    let wrong = |status: &StatusWord| {
        matches!(*status, StatusWord::MAC_WRONG | StatusWord::SM_DATA_WRONG) || status.tries().is_some()
    };
    whole.status().filter(wrong)
}
