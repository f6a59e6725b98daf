//! `onecard readers`: PC/SC readers, and what is in them.

#[cfg(feature = "pcsc")]
mod listing;

use clap::Args;

use crate::{args::Enterprise, output::Output};

/// Options of `readers`.
#[derive(Args, Debug)]
pub(crate) struct Readers {
    /// Ask each card that nobody else uses what it is, by SELECT: no key is tried.
    #[arg(long)]
    look: bool,
    #[command(flatten)]
    enterprise: Enterprise,
    /// Wait until a card is in some reader, at most so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60")]
    wait: Option<u32>,
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  onecard readers
  onecard readers --look
  # until a card is presented 等待放卡
  onecard readers --wait --look
  onecard --json readers | jq -r '.readers[].name'";

/// Lists them.
#[cfg(feature = "pcsc")]
pub(crate) fn run(options: &Readers) -> anyhow::Result<Output> {
    listing::run(options)
}

/// Says how to build a program that can.
#[cfg(not(feature = "pcsc"))]
pub(crate) fn run(_options: &Readers) -> anyhow::Result<Output> {
    anyhow::bail!("{}", crate::reader::HOW)
}
