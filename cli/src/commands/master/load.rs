//! `onecard master load`.

use std::fmt;

use clap::Args;
use onecard_host::key_master::{Filled, fill};
use onecard_wire::key::KeyVersion;
use serde::Serialize;

use super::facts::MasterFacts;
use crate::{
    key_master_card::MasterReaders,
    master_keys::MasterKeys,
    output::{Exit, Output},
};

/// Options of `master load`.
#[derive(Args, Debug)]
pub(crate) struct LoadKeys {
    #[command(flatten)]
    card: MasterReaders,
    #[command(flatten)]
    source: MasterKeys,
    /// Version of the transport keys that the card was personalised with.
    #[arg(long, value_name = "N", default_value_t = 1)]
    transport_version: u8,
}

pub(super) fn run(options: &LoadKeys) -> anyhow::Result<Output> {
    let loaded = options.card.opening().with_open(|card| {
        let version = KeyVersion(options.transport_version);
        let mut source = options.source.to_load_from(card.of_enterprise(), version)?;
        let Filled { loaded, there } = fill(card, &mut *source)?;
        Ok(Loaded { loaded, there, card: MasterFacts::new(&card.status()?, &card.stored_keys()?) })
    })?;
    Output::new("onecard.master-load/1", Exit::Done, &loaded)
}

#[derive(Serialize)]
struct Loaded {
    loaded: usize,
    there: usize,
    #[serde(flatten)]
    card: MasterFacts,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loaded, there, card } = self;
        writeln!(f, "{loaded} master keys were loaded, {there} were there. 装载{loaded}个主密钥，已有{there}个。")?;
        card.fmt(f)
    }
}
