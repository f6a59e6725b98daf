//! `onecard ceremony deal`.

use std::{fmt, path::PathBuf};

use anyhow::{bail, ensure};
use clap::Args;
use onecard_station::{
    ceremony::{HowKept, Record},
    store::Passphrase,
};
use serde::Serialize;

use super::record_file::{self, RecordFile};
use crate::{
    args::At,
    output::{Exit, Output},
    passphrase,
    table::{Column, table},
};

/// Options of `ceremony deal`.
#[derive(Args, Debug)]
pub(crate) struct Deal {
    /// The ceremony's file.
    file: PathBuf,
    /// The sealed files to make, once for each holder, in their order.
    #[arg(long, value_name = "FILE", required = true)]
    out: Vec<PathBuf>,
    /// Files with the holders' new passphrases (口令), in the same order, mode 0600; without them the passphrases are asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    #[command(flatten)]
    at: At,
}

/// Deals every share.
pub(super) fn run(deal: &Deal) -> anyhow::Result<Output> {
    let mut file = RecordFile::open(&deal.file)?;
    let plan = file.record.plan().clone();
    let shares = file.record.deal(&mut rand::rng())?;
    let holders = plan.holders();
    ensure!(
        deal.out.len() == holders.len(),
        "{} holders need --out FILE once each: {}",
        holders.len(),
        holders.join(", ")
    );
    let places = holders.iter().zip(&deal.out);
    places.clone().try_for_each(|(holder, path)| record_file::check_place(&plan, holder, path))?;
    for (path, at) in deal.out.iter().zip(0..) {
        ensure!(!deal.out.iter().take(at).any(|other| other == path), "{} is named twice", path.display());
    }
    let passphrases = passphrases(deal, &file.record)?;
    for ((share, path), passphrase) in shares.iter().zip(&deal.out).zip(&passphrases) {
        record_file::keep(&plan, share, passphrase, path)?;
    }
    let moment = deal.at.moment()?;
    shares.iter().for_each(|share| file.record.note(share, HowKept::SealedFile, moment));
    file.store()?;
    let shares = file.record.components().iter().map(|made| Share {
        number: made.number(),
        holder: made.holder().to_owned(),
        check_value: made.check_value().to_string(),
    });
    let dealt = Dealt { ceremony: plan.id().to_owned(), need: plan.need(), shares: shares.collect() };
    Output::new("onecard.ceremony-deal/1", Exit::Done, &dealt)
}

/// Each holder's own: nobody knows two.
fn passphrases(deal: &Deal, record: &Record) -> anyhow::Result<Vec<Passphrase>> {
    let holders = record.plan().holders();
    let files = &deal.passphrase_file;
    if !files.is_empty() && files.len() != holders.len() {
        bail!("{} passphrase files are named for {} holders: name one for each, or none", files.len(), holders.len());
    }
    let mut passphrases: Vec<Passphrase> = Vec::new();
    for (holder, at) in holders.iter().zip(0..) {
        let file = files.get(at).map(PathBuf::as_path);
        let passphrase = passphrase::chosen(file, &format!("{holder}'s share"), "--passphrase-file")?;
        if let Some((other, _)) = holders.iter().zip(&passphrases).find(|(_, other)| **other == passphrase) {
            bail!("{holder} and {other} chose the same passphrase: each needs one that the other does not know");
        }
        passphrases.push(passphrase);
    }
    Ok(passphrases)
}

#[derive(Serialize)]
struct Dealt {
    ceremony: String,
    need: u8,
    shares: Vec<Share>,
}

#[derive(Serialize)]
struct Share {
    number: u8,
    holder: String,
    check_value: String,
}

impl fmt::Display for Dealt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} shares are dealt; any {} of them give the root keys.", self.shares.len(), self.need)?;
        let columns = [Column::Number("no. 序号"), Column::Text("holder 持有人"), Column::Text("check value 校验值")];
        let row = |share: &Share| [share.number.to_string(), share.holder.clone(), share.check_value.clone()];
        f.write_str(&table(&columns, self.shares.iter().map(row)))
    }
}
