//! A card with one rule broken: a wrapper round a sound one, which changes commands or answers.

use onecard_conformance::TestedCard;
use onecard_host::transport::{Transport, TransportError};

use crate::bench::Simulated;

/// What a fault does to one exchange: it may send the command or another to the card, and answers what it likes.
pub(crate) type Break = Box<dyn FnMut(&mut Seen, &[u8], &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Vec<u8>>;

/// A card with one fault.
pub(crate) struct Faulty {
    card: Simulated,
    fault: Break,
    seen: Seen,
}

/// What a fault may remember of the exchanges since power-up.
#[derive(Default)]
pub(crate) struct Seen {
    /// The command before.
    pub(crate) last: Vec<u8>,
    /// Its answer.
    pub(crate) answer: Vec<u8>,
    /// Exchanges since power-up.
    pub(crate) count: usize,
    /// Whatever the fault keeps, over power-off too.
    pub(crate) kept: Vec<u8>,
}

impl Faulty {
    pub(crate) fn new(card: Simulated, fault: Break) -> Self {
        Self { card, fault, seen: Seen::default() }
    }

    /// The card inside.
    pub(crate) fn into_inner(self) -> Simulated {
        self.card
    }

    /// The memory of the card inside.
    pub(crate) fn image(&mut self) -> Vec<u8> {
        self.card.image()
    }
}

impl Transport for Faulty {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let Self { card, fault, seen } = self;
        let mut failed = None;
        let mut ask = |command: &[u8]| match card.transmit(command) {
            Ok(answer) => answer,
            Err(error) => {
                failed = Some(error);
                vec![0x6F, 0x00]
            }
        };
        let answer = fault(seen, command, &mut ask);
        seen.count += 1;
        seen.last = command.to_vec();
        seen.answer.clone_from(&answer);
        failed.map_or(Ok(answer), Err)
    }
}

impl TestedCard for Faulty {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        let kept = std::mem::take(&mut self.seen.kept);
        self.seen = Seen { kept, ..Seen::default() };
        self.card.power_cycle()
    }
}

/// Whether a command begins with these bytes.
pub(crate) fn is(command: &[u8], start: &[u8]) -> bool {
    command.starts_with(start)
}

/// The status word.
pub(crate) fn word(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk::<2>().unwrap())
}

/// The answer with another status word and no data.
pub(crate) fn says(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

/// Another status word wherever this command is answered that one.
pub(crate) fn other_word(starts: &'static [&'static [u8]], right: u16, wrong: u16) -> Break {
    Box::new(move |_, command, ask| {
        let answer = ask(command);
        let hit = starts.iter().any(|start| is(command, start)) && word(&answer) == right;
        if hit { says(wrong) } else { answer }
    })
}

/// One byte of the answer of these commands changed, where there is one and all went well. Negative places count from the
/// end of the data.
pub(crate) fn other_byte(start: &'static [u8], place: isize) -> Break {
    Box::new(move |_, command, ask| {
        let mut answer = ask(command);
        let data = answer.len() - 2;
        let at = if place < 0 { data.checked_add_signed(place) } else { Some(place.unsigned_abs()) };
        if is(command, start)
            && word(&answer) == 0x9000
            && let Some(at) = at.filter(|at| *at < data)
        {
            answer[at] ^= 0x01;
        }
        answer
    })
}
