//! Whichever kind a profile issues.

use onecard_host::{crypto::LineKey, transport::Transport};

use super::{CpuCardCraft, SamCraft, SimCraft, Standing};
use crate::{
    batch::{Craft, Found, Job, Setback},
    numbers::Number,
};

/// The making of a batch of any kind.
#[derive(Debug)]
pub enum AnyCraft<'c> {
    /// CPU cards.
    CpuCard(CpuCardCraft<'c>),
    /// RFID-SIMs.
    RfidSim(SimCraft<'c>),
    /// SAMs.
    Sam(SamCraft<'c>),
}

/// What opens a card of its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyOpening {
    /// The MF of a CPU card or SAM.
    MasterFile(LineKey),
    /// A SIM, by its issuer domain.
    Sim(Standing),
}

impl Craft for AnyCraft<'_> {
    type Opening = AnyOpening;

    fn look(&self, card: &mut dyn Transport, unfinished: &[Number]) -> Result<Found<AnyOpening>, Setback> {
        Ok(match self {
            Self::CpuCard(craft) => craft.look(card, unfinished)?.map(AnyOpening::MasterFile),
            Self::RfidSim(craft) => craft.look(card, unfinished)?.map(AnyOpening::Sim),
            Self::Sam(craft) => craft.look(card, unfinished)?.map(AnyOpening::MasterFile),
        })
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, opening: AnyOpening) -> Result<(), Setback> {
        match (self, opening) {
            (Self::CpuCard(craft), AnyOpening::MasterFile(key)) => craft.make(card, job, key),
            (Self::RfidSim(craft), AnyOpening::Sim(standing)) => craft.make(card, job, standing),
            (Self::Sam(craft), AnyOpening::MasterFile(key)) => craft.make(card, job, key),
            _ => Err(Setback::Station("a card was looked at as one kind and is to be made as another".to_owned())),
        }
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        match self {
            Self::CpuCard(craft) => craft.check(card, job),
            Self::RfidSim(craft) => craft.check(card, job),
            Self::Sam(craft) => craft.check(card, job),
        }
    }
}
