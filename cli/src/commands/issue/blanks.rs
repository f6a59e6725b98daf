//! `onecard issue blanks`: simulated blank cards for a batch.

use std::{fmt, fs, path::PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_simulator::chip::{Blank, Chip};
use rand::RngExt;
use serde::Serialize;

use crate::{
    args::ChipFile,
    output::{Exit, Output},
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
    #[arg(long)]
    sam: bool,
}

pub(super) fn run(options: &MakeBlanks) -> anyhow::Result<Output> {
    let folder = &options.folder;
    ensure!(!folder.exists(), "{} exists already: name a new folder", folder.display());
    fs::create_dir_all(folder).with_context(|| format!("folder {} cannot be made", folder.display()))?;
    for number in 1..=options.count {
        let blank = if options.sam { Blank::Sam } else { Blank::CpuCard };
        let mut chip = Chip::blank(blank, rand::rng().random())?;
        store_chip(&mut chip, &ChipFile(folder.join(format!("{number:04}"))))?;
    }
    let made = Made { folder: folder.display().to_string(), cards: options.count };
    Output::new("onecard.issue-blanks/1", Exit::Done, &made)
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
