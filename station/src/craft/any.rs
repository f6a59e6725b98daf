//! Whichever kind a profile issues.

use onecard_host::{crypto::LineKey, transport::Transport};

use super::{CpuCardCraft, SamCraft};
use crate::{
    batch::{Craft, Found, Job, Setback},
    numbers::Number,
};

/// The making of a batch of any kind.
#[derive(Debug)]
pub enum AnyCraft<'c> {
    /// CPU cards.
    CpuCard(CpuCardCraft<'c>),
    /// SAMs.
    Sam(SamCraft<'c>),
}

impl Craft for AnyCraft<'_> {
    type Opening = LineKey;

    fn look(&self, card: &mut dyn Transport, unfinished: &[Number]) -> Result<Found<LineKey>, Setback> {
        match self {
            Self::CpuCard(craft) => craft.look(card, unfinished),
            Self::Sam(craft) => craft.look(card, unfinished),
        }
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, opening: LineKey) -> Result<(), Setback> {
        match self {
            Self::CpuCard(craft) => craft.make(card, job, opening),
            Self::Sam(craft) => craft.make(card, job, opening),
        }
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        match self {
            Self::CpuCard(craft) => craft.check(card, job),
            Self::Sam(craft) => craft.check(card, job),
        }
    }
}
