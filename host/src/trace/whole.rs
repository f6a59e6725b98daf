//! Commands with their whole answers: 61xx is followed, and each byte keeps its place in the trace.

use onecard_wire::{ins, status::StatusWord};

use super::{Answer, Entry, Exchange, Payload, Peer, Sent, What};
use crate::transport::TransportError;

/// A command and all that was answered to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Whole {
    /// Which entry of the trace the command is, from 0.
    pub(super) at: usize,
    pub(super) sent: Sent,
    pub(super) answer: Result<WholeAnswer, TransportError>,
}

/// An answer, in one piece or several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct WholeAnswer {
    pub(super) data: Payload,
    pub(super) pieces: Vec<Piece>,
    pub(super) status: Option<StatusWord>,
}

/// Bytes that one entry holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub(super) entry: usize,
    pub(super) length: usize,
}

/// What a trace comes to, step by step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A command with its whole answer.
    Whole(Peer, Box<Whole>),
    /// Power on, off or a reset: what was in the peer's memory alone is gone. Whether it has power now.
    Power(Peer, bool),
}

/// Joins GET RESPONSE to its command.
#[derive(Clone, Default, Debug)]
pub(super) struct Joiner {
    seen: usize,
    /// Answered 61xx; the rest is still in the card or SAM.
    waiting: [Option<Box<Whole>>; 2],
}

impl Joiner {
    /// What is complete with `entry`.
    pub(super) fn push(&mut self, entry: &Entry) -> Vec<Step> {
        let at = self.seen;
        self.seen += 1;
        let peer = entry.with;
        let slot = self.slot(peer);
        let Exchange { sent, received } = match &entry.what {
            What::Exchange(exchange) => exchange,
            what @ (What::PowerUp(_) | What::Reset(_) | What::PowerOff) => {
                let on = *what != What::PowerOff;
                let left = slot.take().map(|whole| Step::Whole(peer, whole));
                return left.into_iter().chain([Step::Power(peer, on)]).collect();
            }
        };
        let fetches = matches!(sent.header, Some([_, ins::GET_RESPONSE, ..]));
        let (left, mut whole) = match slot.take() {
            Some(mut waiting) if fetches => {
                waiting.add(at, received);
                (None, waiting)
            }
            left => (left, Box::new(Whole::begun(at, sent, received))),
        };
        let left = left.map(|whole| Step::Whole(peer, whole));
        if whole.has_more() {
            // If it is not fetched, the command was done all the same.
            if let Ok(answer) = &mut whole.answer {
                answer.status = Some(StatusWord::OK);
            }
            *slot = Some(whole);
            return left.into_iter().collect();
        }
        left.into_iter().chain([Step::Whole(peer, whole)]).collect()
    }

    /// What waits for GET RESPONSE when the trace ends.
    pub(super) fn finish(&mut self) -> Vec<Step> {
        [Peer::Card, Peer::Sam]
            .into_iter()
            .filter_map(|peer| self.slot(peer).take().map(|whole| Step::Whole(peer, whole)))
            .collect()
    }

    fn slot(&mut self, peer: Peer) -> &mut Option<Box<Whole>> {
        let [card, sam] = &mut self.waiting;
        match peer {
            Peer::Card => card,
            Peer::Sam => sam,
        }
    }
}

impl Whole {
    fn begun(at: usize, sent: &Sent, received: &Result<Answer, TransportError>) -> Self {
        let answer = received.clone().map(|Answer { data, status }| {
            let pieces = vec![Piece { entry: at, length: data.len() }];
            WholeAnswer { data, pieces, status }
        });
        Self { at, sent: sent.clone(), answer }
    }

    /// CLA, INS, P1, P2.
    pub(super) const fn header(&self) -> Option<[u8; 4]> {
        self.sent.header
    }

    /// The command's data.
    pub(super) fn data(&self) -> &[u8] {
        self.sent.data.bytes()
    }

    /// What was answered with 9000.
    pub(super) fn done(&self) -> Option<&[u8]> {
        let answer = self.answer.as_ref().ok()?;
        answer.status.filter(|status| status.is_ok()).map(|_| answer.data.bytes())
    }

    /// The status word, if there was an answer.
    pub(super) fn status(&self) -> Option<StatusWord> {
        self.answer.as_ref().ok()?.status
    }

    /// Whether the card said that Le was wrong: it has not executed the command.
    pub(super) fn wrong_le(&self) -> bool {
        self.status().is_some_and(|status| matches!(status.to_bytes(), [0x6C, _]))
    }

    fn has_more(&self) -> bool {
        self.status().is_some_and(|status| matches!(status.to_bytes(), [0x61, _]))
    }

    fn add(&mut self, entry: usize, received: &Result<Answer, TransportError>) {
        match (&mut self.answer, received) {
            (Ok(answer), Ok(more)) => {
                answer.data = match (&answer.data, &more.data) {
                    (Payload::Shown(first), Payload::Shown(rest)) => Payload::Shown([&first[..], rest].concat()),
                    (first, rest) => Payload::Hidden(first.len() + rest.len()),
                };
                answer.pieces.push(Piece { entry, length: more.data.len() });
                answer.status = more.status;
            }
            (_, Err(error)) => self.answer = Err(error.clone()),
            (Err(_), Ok(_)) => {}
        }
    }
}
