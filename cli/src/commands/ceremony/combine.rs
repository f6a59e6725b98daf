//! `onecard ceremony combine`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_station::ceremony::{Combination, Record};
use serde::Serialize;

use super::{
    destination::{Destination, Kept},
    entering::{Brought, Entered},
    record_file::RecordFile,
};
use crate::{
    args::At,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
};

/// Options of `ceremony combine`.
#[derive(Args, Debug)]
pub(crate) struct Combine {
    /// The ceremony's file.
    file: PathBuf,
    #[command(flatten)]
    brought: Brought,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    at: At,
}

/// Puts the components together, and the roots into the store.
pub(super) fn run(combine: &Combine) -> anyhow::Result<Output> {
    let mut file = RecordFile::open(&combine.file)?;
    let record = file.record.clone();
    let mut combination = Combination::new(&record);
    let Entered { present, warnings } = combine.brought.enter(&record, &mut combination)?;
    let base = combination.finish()?;
    let plan = record.plan();
    let roots = base.roots(plan.version(), plan.cipher().into())?;
    record.agrees_with(&roots)?;
    let keys = DevelopmentKeys { enterprise: plan.enterprise()?, roots, sealed: true };
    let Kept { store, already } = combine.destination.keep(&keys)?;
    if !(already && record.stored().iter().any(|stored| stored.store == store)) {
        file.record.note_stored(&base, &keys.roots, (store.clone(), present.clone()), combine.at.moment()?)?;
        file.store()?;
    }
    let combined = Combined::new(&file.record, store, already, present, warnings);
    Output::new("onecard.ceremony-combine/1", Exit::Done, &combined)
}

#[derive(Serialize)]
struct Combined {
    ceremony: String,
    base_check_value: String,
    store: String,
    already_there: bool,
    present: Vec<String>,
    roots: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Combined {
    fn new(record: &Record, store: String, already_there: bool, present: Vec<String>, warnings: Vec<String>) -> Self {
        Self {
            ceremony: record.plan().id().to_owned(),
            base_check_value: record.base_check_value().map(|value| value.to_string()).unwrap_or_default(),
            store,
            already_there,
            present,
            roots: record.roots().len(),
            warnings,
        }
    }
}

impl fmt::Display for Combined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base_check_value, store, roots, present, .. } = self;
        writeln!(f, "{}: base value 基值, check value 校验值 {base_check_value}.", present.join(", "))?;
        let are = if self.already_there { "are in it already" } else { "are in it" };
        writeln!(f, "{roots} root keys 根密钥 {are}: {store}.")?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "Warning 注意: {warning}."))?;
        writeln!(f, "Next: onecard ceremony minutes, to sign 签署纪要.")
    }
}
