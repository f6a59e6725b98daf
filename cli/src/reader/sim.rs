//! Cards and SAMs that are chips in files.

use std::path::PathBuf;

use anyhow::{Context, bail};
use onecard_host::{
    trace::What,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Chip, Kind},
    image_file::Durability,
    reader::{Interface, Reader},
};

use super::faults::{Faults, moves_money};
use crate::{
    args::ChipFile,
    trace::{Peer, Trace},
};

/// The chip of a card or SAM in `file`.
///
/// # Errors
/// With the file, if it is in use, missing, or a chip of another kind.
pub(crate) fn open_chip(file: &ChipFile, kind: Kind) -> anyhow::Result<Chip> {
    let ChipFile(path) = file;
    let chip = Chip::open(path, Durability::ProcessKill)?;
    let name = |kind| match kind {
        Kind::CpuCard => "a member's card",
        Kind::Sam => "a SAM",
        Kind::RfidSim => "a SIM",
        Kind::KeyMaster => "a key master card",
        Kind::MotherAuthentication => "a mother authentication card",
    };
    // A terminal sees of a SIM in its field what it sees of a card.
    let tapped = (kind, chip.kind()) == (Kind::CpuCard, Kind::RfidSim);
    if chip.kind() != kind && !tapped {
        bail!("{} is {}, not {}", path.display(), name(chip.kind()), name(kind));
    }
    Ok(chip)
}

/// What is in `file` for a reader of cards: a key master or mother authentication card is one as well as a member's.
///
/// # Errors
/// As [`open_chip`].
pub(crate) fn card_kind(file: &ChipFile) -> anyhow::Result<Kind> {
    match Chip::open(&file.0, Durability::ProcessKill)?.kind() {
        kind @ (Kind::KeyMaster | Kind::MotherAuthentication) => Ok(kind),
        Kind::CpuCard | Kind::Sam | Kind::RfidSim => Ok(Kind::CpuCard),
    }
}

/// Moves a finished chip into a new file.
pub(crate) fn store_chip(chip: &mut Chip, file: &ChipFile) -> anyhow::Result<()> {
    chip.store(&file.0, Durability::ProcessKill).context("nothing was kept")
}

/// Presents the chip in `file` to a terminal, with `faults`, and takes it away again.
///
/// # Errors
/// [`ChipFailed`], above all.
pub(super) fn tap<R>(
    file: &ChipFile,
    peer: Peer,
    faults: &Faults,
    trace: &Trace,
    terminal: impl FnOnce(&mut dyn Transport) -> R,
) -> anyhow::Result<R> {
    present(open_chip(file, kind_of(peer))?, Interface::Radio, file, peer, faults, trace, terminal)
}

/// The same of a SIM in `file`, at its contacts.
///
/// # Errors
/// [`ChipFailed`], above all.
pub(super) fn tap_contacts<R>(
    file: &ChipFile,
    faults: &Faults,
    trace: &Trace,
    terminal: impl FnOnce(&mut dyn Transport) -> R,
) -> anyhow::Result<R> {
    present(open_chip(file, Kind::RfidSim)?, Interface::Contact, file, Peer::Card, faults, trace, terminal)
}

fn present<R>(
    mut chip: Chip,
    interface: Interface,
    file: &ChipFile,
    peer: Peer,
    faults: &Faults,
    trace: &Trace,
    terminal: impl FnOnce(&mut dyn Transport) -> R,
) -> anyhow::Result<R> {
    faults.order(&mut chip);
    let mut reader = Reader::insert_at(chip, interface);
    trace.power(peer, What::PowerUp(Vec::new()));
    let mut watched = Watched { card: faults.between(&mut reader, trace, peer), told_to_move: false };
    let result = terminal(&mut watched);
    let told_to_move = watched.told_to_move;
    drop(watched);
    trace.power(peer, What::PowerOff);
    let chip = reader.remove();
    match chip.failure() {
        Some(failure) => Err(ChipFailed { file: file.0.clone(), failure: failure.to_string(), told_to_move }.into()),
        None => Ok(result),
    }
}

/// What a chip must be to be talked to as `peer`.
pub(super) const fn kind_of(peer: Peer) -> Kind {
    match peer {
        Peer::Card => Kind::CpuCard,
        Peer::Sam => Kind::Sam,
    }
}

/// The chip or its file failed during a tap, so what the terminal heard of it may not be what is on it.
#[derive(Debug, thiserror::Error)]
#[error("the chip of {} failed: {failure}{}", file.display(), next(*told_to_move))]
pub(crate) struct ChipFailed {
    file: PathBuf,
    failure: String,
    /// Whether the command that moves money had left, so that it may have moved.
    pub(crate) told_to_move: bool,
}

const fn next(told_to_move: bool) -> &'static str {
    if told_to_move {
        "; outcome unknown 结果未知: it may have executed it. Mend that and present the same card again, by \
         `onecard card resolve` or the same --order"
    } else {
        ""
    }
}

/// A card, and whether it was told to move money.
struct Watched<T> {
    card: T,
    told_to_move: bool,
}

impl<T: Transport> Transport for Watched<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.told_to_move |= moves_money(command);
        self.card.transmit(command)
    }
}
