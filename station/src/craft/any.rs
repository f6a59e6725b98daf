//! Whichever kind a profile issues.

use onecard_host::{crypto::LineKey, transport::Transport};

use super::{CpuCardCraft, KeysOf, SamCraft, SecondWashCraft, SimCraft, Standing};
use crate::batch::{Craft, Found, Job, Setback, Unfinished};

/// The making of a batch of any kind.
#[derive(Debug)]
pub enum AnyCraft<'c, 'k> {
    /// CPU cards.
    CpuCard(CpuCardCraft<'c>),
    /// RFID-SIMs.
    RfidSim(SimCraft<'c>),
    /// SAMs.
    Sam(SamCraft<'c>),
    /// Cards and SIMs after the operator's wash.
    SecondWash(SecondWashCraft<'c, 'k>),
}

/// What opens a card of its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyOpening {
    /// The MF of a CPU card or SAM.
    MasterFile(LineKey),
    /// A SIM, by its issuer domain.
    Sim(Standing),
    /// An application, by its control key.
    Washed(KeysOf),
}

impl Craft for AnyCraft<'_, '_> {
    type Opening = AnyOpening;

    fn comes_numbered(&self) -> bool {
        match self {
            Self::CpuCard(craft) => craft.comes_numbered(),
            Self::RfidSim(craft) => craft.comes_numbered(),
            Self::Sam(craft) => craft.comes_numbered(),
            Self::SecondWash(craft) => craft.comes_numbered(),
        }
    }

    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<AnyOpening>, Setback> {
        Ok(match self {
            Self::CpuCard(craft) => craft.look(card, unfinished)?.map(AnyOpening::MasterFile),
            Self::RfidSim(craft) => craft.look(card, unfinished)?.map(AnyOpening::Sim),
            Self::Sam(craft) => craft.look(card, unfinished)?.map(AnyOpening::MasterFile),
            Self::SecondWash(craft) => craft.look(card, unfinished)?.map(AnyOpening::Washed),
        })
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, opening: AnyOpening) -> Result<(), Setback> {
        match (self, opening) {
            (Self::CpuCard(craft), AnyOpening::MasterFile(key)) => craft.make(card, job, key),
            (Self::RfidSim(craft), AnyOpening::Sim(standing)) => craft.make(card, job, standing),
            (Self::Sam(craft), AnyOpening::MasterFile(key)) => craft.make(card, job, key),
            (Self::SecondWash(craft), AnyOpening::Washed(has)) => craft.make(card, job, has),
            _ => Err(Setback::Station("a card was looked at as one kind and is to be made as another".to_owned())),
        }
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        match self {
            Self::CpuCard(craft) => craft.check(card, job),
            Self::RfidSim(craft) => craft.check(card, job),
            Self::Sam(craft) => craft.check(card, job),
            Self::SecondWash(craft) => craft.check(card, job),
        }
    }
}
