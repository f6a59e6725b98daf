//! What a SAM's answers say about its memory.

use onecard_wire::{
    ins,
    layout::Reader,
    number::TerminalNumber,
    sam::{InitSam, InitSamAnswer},
};

use super::Contradiction;
use crate::trace::whole::Whole;

/// What is known of the SAM in its slot.
#[derive(Clone, Default, Debug)]
pub struct SamState {
    /// Name of the current directory, as selected; empty in the master file.
    pub selected: Option<Vec<u8>>,
    terminal: Option<(TerminalNumber, Whole)>,
    /// The terminal sequence that the next purchase or undo should get.
    pub next_sequence: Option<u32>,
    begun: Option<SamDeal>,
}

/// INIT_SAM of a purchase or undo, and its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::trace) struct SamDeal {
    pub(in crate::trace) init: InitSam,
    pub(in crate::trace) answer: InitSamAnswer,
    pub(in crate::trace) whole: Whole,
    pub(in crate::trace) undo: bool,
}

impl SamState {
    /// The purchase or undo that CREDIT_SAM may complete, and what the SAM made for it.
    #[must_use]
    pub fn begun(&self) -> Option<(&InitSam, &InitSamAnswer)> {
        self.begun.as_ref().map(|deal| (&deal.init, &deal.answer))
    }

    /// Its terminal number, once it was read.
    #[must_use]
    pub fn terminal(&self) -> Option<TerminalNumber> {
        self.terminal.as_ref().map(|(number, _)| *number)
    }

    /// The exchange that read it.
    pub(in crate::trace) fn terminal_read(&self) -> Option<&Whole> {
        self.terminal.as_ref().map(|(_, whole)| whole)
    }

    pub(in crate::trace) const fn deal(&self) -> Option<&SamDeal> {
        self.begun.as_ref()
    }

    pub(super) fn power(&mut self) {
        // It may be another SAM.
        *self = Self::default();
    }

    pub(super) fn follow(&mut self, whole: &Whole, first: bool) -> Option<Contradiction> {
        if whole.wrong_le() {
            return None;
        }
        let begun = self.begun.take();
        match whole.header()? {
            [_, ins::SELECT, p1, _] if whole.done().is_some() => {
                let of_directory = p1 == 0x04 || whole.data() == [0x3F, 0x00] || whole.data().is_empty();
                self.selected = if of_directory { Some(whole.data().to_vec()) } else { self.selected.take() };
                None
            }
            // EF 0016 of the MF has these 6 bytes; the card's holder has 55.
            [_, ins::READ_BINARY, 0x96, 0x00] => {
                if let Some(number) = whole.done().and_then(|data| data.try_into().ok()) {
                    self.terminal = Some((TerminalNumber(number), whole.clone()));
                }
                None
            }
            [_, ins::INIT_SAM, p1 @ (ins::SAM_PURCHASE | ins::SAM_UNDO), _] => self.initialize(whole, p1),
            [_, ins::CREDIT_SAM, p1 @ (ins::SAM_PURCHASE | ins::SAM_UNDO), _] => self.credit(whole, p1, begun, first),
            [_, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, _] => {
                // What it recorded shows at the next purchase, unless it was the last one of this trace.
                let past = Reader::new(whole.data()).u32();
                self.next_sequence = match (whole.done(), past) {
                    (Some(_), Some(past)) if self.next_sequence == Some(past) => past.checked_add(1),
                    (Some(_), _) | (None, None) => self.next_sequence,
                    (None, Some(_)) if whole.answer.is_ok() => self.next_sequence,
                    (None, Some(_)) => None,
                };
                None
            }
            _ => None,
        }
    }

    fn initialize(&mut self, whole: &Whole, p1: u8) -> Option<Contradiction> {
        if whole.answer.is_err() {
            self.next_sequence = None;
        }
        let done = whole.done()?;
        let parsed = InitSam::read(&mut Reader::new(whole.data())).zip(InitSamAnswer::parse(done));
        let Some((init, answer)) = parsed else { return Some(Contradiction::Layout) };
        let (found, undo) = (answer.terminal_sequence, p1 == ins::SAM_UNDO);
        let expected = self.next_sequence.replace(if undo { found.wrapping_add(1) } else { found });
        self.begun = Some(SamDeal { init, answer, whole: whole.clone(), undo });
        let expected = expected.filter(|expected| *expected != found)?;
        Some(Contradiction::TerminalSequence { expected, found })
    }

    fn credit(&mut self, whole: &Whole, p1: u8, begun: Option<SamDeal>, first: bool) -> Option<Contradiction> {
        let begun = begun.filter(|deal| deal.undo == (p1 == ins::SAM_UNDO));
        let Some(deal) = begun else {
            return whole.done().filter(|_| !first).map(|_| Contradiction::NotBegun);
        };
        if whole.answer.is_err() {
            self.next_sequence = None;
        } else if whole.done().is_some() && !deal.undo {
            self.next_sequence = deal.answer.terminal_sequence.checked_add(1);
        }
        None
    }
}
