//! `onecard master copy`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_host::key_master::{Filled, LoadAllowance, fill, move_allowance};
use serde::Serialize;

use super::{
    allowance::{InDoubt, Part},
    facts::MasterFacts,
};
use crate::{
    key_master_card::{MasterReaders, OpenCard, Opening},
    output::{Exit, Output},
    reader::ReaderName,
};

/// Options of `master copy`.
#[derive(Args, Debug)]
pub(crate) struct CopyMaster {
    #[command(flatten)]
    from: MasterReaders,
    /// Reader of the key master card that becomes the copy, personalised.
    #[arg(long, value_name = "READER")]
    to: ReaderName,
    /// Reader of the copy's own mother authentication card.
    #[arg(long, value_name = "READER")]
    to_mother: ReaderName,
    /// File with the copy's own PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE")]
    to_pin_file: Option<PathBuf>,
    #[command(flatten)]
    part: Part,
}

pub(super) fn run(options: &CopyMaster) -> anyhow::Result<Output> {
    let from = options.from.opening();
    let to = Opening {
        master: &options.to,
        mother: &options.to_mother,
        pin_file: options.to_pin_file.as_deref(),
        pin_option: "--to-pin-file",
        ..from
    };
    let copied = from.with_open(|from| to.with_open(|to| copy(from, to, options.part.named())))?;
    Output::new("onecard.master-copy/1", Exit::Done, &copied)
}

fn copy(from: &mut OpenCard<'_>, to: &mut OpenCard<'_>, part: Option<LoadAllowance>) -> anyhow::Result<Copied> {
    let Filled { loaded, there } = fill(to, from)?;
    if let Some(part) = part {
        let before = to.status()?;
        move_allowance(to, from, part).map_err(|error| InDoubt::or_error(&before, error))?;
    }
    let left = from.status()?;
    Ok(Copied {
        loaded,
        there,
        from: left.number.to_string(),
        from_card_exports: left.allowance.card_exports,
        from_sam_exports: left.allowance.sam_exports,
        copy: MasterFacts::new(&to.status()?, &to.stored_keys()?),
    })
}

#[derive(Serialize)]
struct Copied {
    loaded: usize,
    there: usize,
    from: String,
    from_card_exports: u32,
    from_sam_exports: u32,
    copy: MasterFacts,
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loaded, there, from, from_card_exports, from_sam_exports, copy } = self;
        writeln!(f, "{loaded} master keys were copied, {there} were there. 复制{loaded}个主密钥，已有{there}个。")?;
        writeln!(f, "Left on {from} 原卡剩余额度: cards 卡 {from_card_exports}, SAMs {from_sam_exports}.")?;
        copy.fmt(f)
    }
}
