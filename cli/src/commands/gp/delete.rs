//! `onecard gp delete`.

use std::fmt;

use clap::Args;
use onecard_host::globalplatform::management::delete;
use serde::Serialize;

use super::{
    access::{Access, Application, changed},
    names,
};
use crate::{
    consent::Consent,
    output::{Exit, Output},
};

/// Options of `gp delete`.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    application: Application,
    /// Of a load file: what was made of it, too.
    #[arg(long)]
    with_related: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

#[derive(Serialize)]
struct Deleted {
    aid: String,
}

pub(super) fn run(options: &Delete) -> anyhow::Result<Output> {
    let aid = options.application.aid()?;
    let plan = [format!("{aid} {} is erased, with everything in it 删除全部内容", names::name(&aid))];
    options.consent.ask(options.access.card.place()?, "a SIM", &plan)?;
    options.access.in_session(|session| changed(delete(session, &aid, options.with_related)))?;
    Output::new("onecard.gp-delete/1", Exit::Done, &Deleted { aid: aid.to_string() })
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is gone from the SIM.\n应用已从卡上删除。", self.aid)
    }
}
