//! Cards in a reader: chips in files, and what may go wrong with them.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use onecard_host::{
    trace::{Traced, What},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Chip, Kind},
    image_file::Durability,
    reader::Reader,
    tear::{Cut, Rest, Tear},
};
use onecard_wire::ins;

use crate::{
    args::ChipFile,
    trace::{Peer, Trace},
};

/// What goes wrong at this tap, to try it out.
#[derive(Args, Clone, Default, Debug)]
#[command(next_help_heading = "Try it (故障演练)")]
pub(crate) struct Faults {
    /// Tear the card out at the N-th programming operation of its memory, counted from 0; some bytes of it have landed.
    #[arg(long, value_name = "N")]
    pub(crate) tear: Option<u64>,
    /// Lose the card's answer to DEBIT or CREDIT: the card has done it and the terminal does not know.
    #[arg(long)]
    pub(crate) lose_answer: bool,
}

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
    };
    if chip.kind() != kind {
        bail!("{} is {}, not {}", path.display(), name(chip.kind()), name(kind));
    }
    Ok(chip)
}

/// Moves a finished chip into a new file.
pub(crate) fn store_chip(chip: &mut Chip, file: &ChipFile) -> anyhow::Result<()> {
    chip.store(&file.0, Durability::ProcessKill).context("nothing was kept")
}

/// Presents the card in `file` to a terminal, with `faults`, and takes it away again.
///
/// # Errors
/// [`ChipFailed`], above all.
pub(crate) fn tap<R>(
    file: &ChipFile,
    faults: &Faults,
    trace: &Trace,
    terminal: impl FnOnce(&mut dyn Transport) -> R,
) -> anyhow::Result<R> {
    let mut chip = open_chip(file, Kind::CpuCard)?;
    faults.order(&mut chip);
    let mut reader = Reader::insert(chip);
    trace.power(Peer::Card, What::PowerUp(Vec::new()));
    let mut watched = Watched { card: faults.between(&mut reader, trace), told_to_move: false };
    let result = terminal(&mut watched);
    let told_to_move = watched.told_to_move;
    drop(watched);
    trace.power(Peer::Card, What::PowerOff);
    let chip = reader.remove();
    match chip.failure() {
        Some(failure) => Err(ChipFailed { file: file.0.clone(), failure: failure.to_string(), told_to_move }.into()),
        None => Ok(result),
    }
}

/// The chip or its file failed during a tap, so what the terminal heard of it may not be what is on it.
#[derive(Debug, thiserror::Error)]
#[error("the chip of {} failed: {failure}{}", file.display(), next(*told_to_move))]
pub(crate) struct ChipFailed {
    file: PathBuf,
    failure: String,
    /// Whether DEBIT or CREDIT had left, so that money may have moved.
    pub(crate) told_to_move: bool,
}

const fn next(told_to_move: bool) -> &'static str {
    if told_to_move {
        "; outcome unknown 结果未知: it may have executed DEBIT or CREDIT. Mend that and present the same card again, by \
         `onecard card resolve` or the same --order"
    } else {
        ""
    }
}

impl Faults {
    /// Orders the cut of the chip's next power-up.
    pub(crate) fn order(&self, chip: &mut Chip) {
        if let Some(operation) = self.tear {
            // Half of a journal record's bytes, and noise: what a real tear leaves.
            let tear = Tear { landed: 0x0F, rest: Rest::Random { seed: operation } };
            chip.cut_power_at(Cut { operation, tear });
        }
    }

    /// The card behind what loses its answer, as the terminal sees it.
    pub(crate) fn between<T: Transport>(&self, card: T, trace: &Trace) -> impl Transport + use<T> {
        Traced::new(LosesAnswer { card, loses: self.lose_answer }, trace.sink(Peer::Card))
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

/// A reader that loses the answer to DEBIT or CREDIT.
struct LosesAnswer<T> {
    card: T,
    loses: bool,
}

impl<T: Transport> Transport for LosesAnswer<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        if self.loses && moves_money(command) { Err(TransportError::NoAnswer) } else { Ok(answer) }
    }
}

const fn moves_money(command: &[u8]) -> bool {
    matches!(command, [ins::CLA_PBOC, ins::DEBIT | ins::CREDIT_FOR_LOAD, ..])
}
