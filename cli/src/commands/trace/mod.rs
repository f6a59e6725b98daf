//! `onecard trace`: what went over the wire, from a file.

mod check;
mod record;
mod replay;
mod show;

use std::{fs, path::Path};

use anyhow::Context;
use clap::Subcommand;
use onecard_host::trace::TraceFile;

use crate::output::Output;

/// What can be done with traces.
#[derive(Subcommand, Debug)]
pub(crate) enum TraceCommand {
    /// Record what any program says to the card or SAM in a reader 记录
    ///
    /// The card is shown in a virtual reader (vsmartcard's vpcd) as well, where the program to be listened to takes it from;
    /// each command goes on to the real one and its answer back, and both into the file as they come. PINs, keys and the
    /// holder's data are not kept. This program's own commands record by --trace-file.
    #[command(after_help = record::EXAMPLES)]
    Record(record::Record),
    /// Tell a trace field by field, with the state of card and SAM that it implies 解读
    ///
    /// Lines that begin with = are what card and SAM must have in their memory from there on, lines that begin with ! are
    /// answers that cannot be after what went before.
    #[command(after_help = "\
Examples:
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --trace-file sale.trace
  onecard trace show sale.trace
  onecard trace show sale.trace | less")]
    Show(show::Show),
    /// Make every MAC of a trace anew by known keys, and point at the first wrong byte 校验
    ///
    /// MAC1, MAC2, MAC3 and TAC of every transaction, proofs, line protection, authentication, and a SAM's. Where a MAC is
    /// wrong because one byte that it covers was changed, that byte is found. Exit code 6 if anything is wrong, if an answer
    /// cannot be after what went before, or if the keys that were named could check nothing.
    #[command(after_help = "\
Examples:
  onecard trace check sale.trace --keys dev.keys
  # without keys: what contradicts itself 无密钥时只查前后矛盾
  onecard trace check sale.trace
  # keys of one card, as they stand in it: mode 0600
  onecard trace check robur.trace --card-keys robur.keys

A card key file; type and id as WRITE KEY has them, 16 digits are a DES key:
  format = \"onecard-card-keys;1\"
  [[card]]
  type = \"3F\"
  id = \"00\"
  key = \"3F3F3F3F3F3F3F3F1122334455667788\"
  [[sam]]
  kind = \"02\"
  algorithm = \"sm4\"
  key = \"00112233445566778899AABBCCDDEEFF\"")]
    Check(check::Check),
    /// Send a recorded session to a card again 重放
    ///
    /// With keys the terminal's MACs and cryptograms are made anew for the card's random numbers of now, and the card's are
    /// checked. Without keys every byte is sent as recorded, and a simulated chip draws the random numbers of then: if it is
    /// as it was then, it answers byte for byte. It ends at the first other answer, and where something was not recorded.
    /// Exit code 6 unless all was answered as recorded. The card does what it is told: money moves.
    #[command(after_help = "\
Examples:
  # a copy of the card as it was before 先留副本
  cp wang.card before.card
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --trace-file sale.trace
  onecard trace replay sale.trace --reader sim:before.card --copy
  # another card, or the same later: new MACs
  onecard trace replay sale.trace --reader sim:before.card --copy --keys dev.keys")]
    Replay(replay::Replay),
}

/// Runs one of them.
pub(crate) fn run(command: &TraceCommand, json: bool) -> anyhow::Result<Output> {
    match command {
        TraceCommand::Record(record) => record::run(record, json),
        TraceCommand::Show(show) => show::run(show),
        TraceCommand::Check(check) => check::run(check),
        TraceCommand::Replay(replay) => replay::run(replay),
    }
}

/// The trace in `path`, whole.
fn read(path: &Path) -> anyhow::Result<TraceFile> {
    let name = || format!("trace {}", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", name()))?;
    TraceFile::parse(&text).with_context(name)
}
