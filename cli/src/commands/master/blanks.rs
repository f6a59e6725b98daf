//! `onecard master blanks`.

use std::fmt;

use anyhow::ensure;
use clap::Args;
use onecard_simulator::chip::{Blank, Chip};
use rand::RngExt;
use serde::Serialize;

use crate::{
    args::ChipFile,
    output::{Exit, Output},
    reader::store_chip,
};

/// Options of `master blanks`.
#[derive(Args, Debug)]
pub(crate) struct MakeBlanks {
    /// The key master card's new file, sim:FILE.
    #[arg(long, value_name = "CHIP")]
    reader: ChipFile,
    /// The mother authentication card's new file, sim:FILE.
    #[arg(long, value_name = "CHIP")]
    mother: ChipFile,
}

pub(super) fn run(MakeBlanks { reader, mother }: &MakeBlanks) -> anyhow::Result<Output> {
    for ChipFile(path) in [reader, mother] {
        ensure!(!path.exists(), "{} exists already: only a new chip is written, name another file", path.display());
    }
    for (file, blank) in [(reader, Blank::KeyMaster), (mother, Blank::MotherAuthentication)] {
        store_chip(&mut Chip::blank(blank, rand::rng().random())?, file)?;
    }
    let name = |ChipFile(path): &ChipFile| path.display().to_string();
    let made = Made { key_master_card: name(reader), mother_card: name(mother) };
    Output::new("onecard.master-blanks/1", Exit::Done, &made)
}

#[derive(Serialize)]
struct Made {
    key_master_card: String,
    mother_card: String,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key_master_card, mother_card } = self;
        writeln!(
            f,
            "A blank key master card 空白密钥母卡: {key_master_card}; a blank mother card 空白认证卡: {mother_card}."
        )?;
        writeln!(f, "Next: onecard master new 下一步：个人化")
    }
}
