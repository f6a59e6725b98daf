//! `onecard issue blanks`: simulated blank cards for a batch.

use std::{fmt, fs, path::PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::globalplatform::OperatorsKeys;
use onecard_simulator::{
    chip::{Blank, Chip},
    sample::{SCP03_VERSION, SIM, sim_of},
};
use onecard_wire::{globalplatform::secure_channel::ProtocolId, uicc::iccid as iccid_of};
use rand::RngExt;
use serde::Serialize;

use crate::{
    args::ChipFile,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::store_chip,
};

/// Options of `issue blanks`.
#[derive(Args, Debug)]
pub(crate) struct MakeBlanks {
    /// The new folder.
    folder: PathBuf,
    /// How many.
    #[arg(value_parser = clap::value_parser!(u32).range(1..=9_999))]
    count: u32,
    /// Blank SAMs instead of blank CPU cards.
    #[arg(long, conflicts_with = "sim")]
    sam: bool,
    /// SIMs as their maker delivers them, each with its own keys of the operator (--keys), or with test keys 手机卡
    #[arg(long)]
    sim: bool,
    /// The key file that the SIMs' keys come from; without it they have test keys, which everybody has.
    #[arg(long, value_name = "FILE", requires = "sim")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(super) fn run(options: &MakeBlanks) -> anyhow::Result<Output> {
    let folder = &options.folder;
    ensure!(!folder.exists(), "{} exists already: name a new folder", folder.display());
    fs::create_dir_all(folder).with_context(|| format!("folder {} cannot be made", folder.display()))?;
    let keys = options.keys.as_deref().map(|file| DevelopmentKeys::read(file, &options.passphrase)).transpose()?;
    for number in 1..=options.count {
        let mut chip = match (options.sam, options.sim) {
            (true, _) => Chip::blank(Blank::Sam, rand::rng().random())?,
            (_, true) => sim(number, keys.as_ref())?,
            _ => Chip::blank(Blank::CpuCard, rand::rng().random())?,
        };
        store_chip(&mut chip, &ChipFile(folder.join(format!("{number:04}"))))?;
    }
    let made = Made { folder: folder.display().to_string(), cards: options.count };
    Output::new("onecard.issue-blanks/1", Exit::Done, &made)
}

/// The `number`-th of these SIMs; no two of all batches have one ICCID, or so it is drawn.
fn sim(number: u32, keys: Option<&DevelopmentKeys>) -> anyhow::Result<Chip> {
    let drawn: u64 = rand::rng().random_range(0..10_000_000_000_000);
    let digits = format!("898600{drawn:013}");
    let iccid = iccid_of(&digits).with_context(|| format!("SIM {number}: {digits} gives no ICCID"))?;
    let Some(keys) = keys else {
        let mut data = SIM;
        data.iccid = iccid;
        return Ok(Chip::blank(Blank::RfidSim(&data), rand::rng().random())?);
    };
    let [_, _, chip @ ..] = iccid;
    let operator = OperatorsKeys {
        roots: &keys.roots,
        root_version: KEY_VERSION,
        protocol: ProtocolId::SCP03,
        version: SCP03_VERSION,
    };
    Ok(sim_of(iccid, &operator.of_chip(chip)?, rand::rng().random())?)
}

/// What was made.
#[derive(Serialize)]
struct Made {
    folder: String,
    cards: u32,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} simulated blank cards are in {}. 已制作{}张模拟空白卡。", self.cards, self.folder, self.cards)
    }
}
