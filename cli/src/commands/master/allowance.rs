//! `onecard master allowance`.

use std::fmt;

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::key_master::{KeyMasterError, LoadAllowance, Status, move_allowance};
use onecard_wire::key::KeyVersion;
use serde::Serialize;

use super::facts::MasterFacts;
use crate::{
    key_master_card::MasterReaders,
    master_keys::MasterKeys,
    output::{Exit, Output},
};

/// Options of `master allowance`.
#[derive(Args, Debug)]
pub(crate) struct AddAllowance {
    #[command(flatten)]
    card: MasterReaders,
    #[command(flatten)]
    source: MasterKeys,
    #[command(flatten)]
    part: Part,
    /// Version of the transport keys that the card was personalised with.
    #[arg(long, value_name = "N", default_value_t = 1)]
    transport_version: u8,
}

/// An allowance that is added or moved.
#[derive(Args, Debug)]
pub(super) struct Part {
    /// So many bodies for cards and SIMs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    card_exports: u32,
    /// So many bodies for SAMs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sam_exports: u32,
}

impl Part {
    /// What was named; `None` if nothing was.
    pub(super) fn named(&self) -> Option<LoadAllowance> {
        let Self { card_exports, sam_exports } = *self;
        (card_exports > 0 || sam_exports > 0).then_some(LoadAllowance { card_exports, sam_exports })
    }
}

/// The card was told to take an allowance and has not answered.
#[derive(Debug, thiserror::Error)]
#[error(
    "{source}; outcome unknown 结果未知: card {number} had {cards} and {sams}; `onecard master list` tells what it has now, and what it has not is \
     lost or not moved"
)]
pub(crate) struct InDoubt {
    number: String,
    cards: u32,
    sams: u32,
    source: KeyMasterError,
}

impl InDoubt {
    /// What an error of moving an allowance to the card of `before` leaves.
    pub(super) fn or_error(before: &Status, error: KeyMasterError) -> anyhow::Error {
        let KeyMasterError::Transport(_) = error else { return error.into() };
        let LoadAllowance { card_exports: cards, sam_exports: sams } = before.allowance;
        Self { number: before.number.to_string(), cards, sams, source: error }.into()
    }
}

pub(super) fn run(options: &AddAllowance) -> anyhow::Result<Output> {
    let part = options.part.named();
    ensure!(part.is_some(), "nothing is added: name --card-exports or --sam-exports 请注明额度");
    let part = part.context("no allowance")?;
    let added = options.card.opening().with_open(|card| {
        let version = KeyVersion(options.transport_version);
        let mut source = options.source.to_load_from(card.of_enterprise(), version)?;
        let before = card.status()?;
        let status = move_allowance(card, &mut *source, part).map_err(|error| InDoubt::or_error(&before, error))?;
        Ok(Added { card: MasterFacts::new(&status, &card.stored_keys()?) })
    })?;
    Output::new("onecard.master-allowance/1", Exit::Done, &added)
}

#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    card: MasterFacts,
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The allowance was added. 已增加导出额度。")?;
        self.card.fmt(f)
    }
}
