//! `onecard campaign decide`.

use std::fmt;

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use super::{Named, look, now};
use crate::output::{Exit, Output};

/// Options of `campaign decide`.
#[derive(Args, Debug)]
pub(crate) struct Decide {
    #[command(flatten)]
    campaign: Named,
    /// The order's number.
    #[arg(long, value_name = "NUMBER")]
    order: String,
    #[command(flatten)]
    said: Said,
}

/// What the books say.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Said {
    /// It was done.
    #[arg(long)]
    committed: bool,
    /// It was not done.
    #[arg(long)]
    not_committed: bool,
}

/// Decides it.
pub(super) fn run(options: &Decide) -> anyhow::Result<Output> {
    let (name, order) = (&options.campaign.name, &options.order);
    let mut store = look(&options.campaign.book)?;
    let campaign = store.campaign(name)?;
    let committed = options.said.committed;
    ensure!(
        store.decide_unknown(campaign, order, committed, now())?,
        "campaign {name} has no order {order} of unknown outcome, nor one that waits for a key and of which nothing was made or \
         written: `onecard campaign report` lists the first, `onecard campaign status --of {name}` the others 无此未知订单"
    );
    let facts = Decided { name: name.clone(), order: order.clone(), committed };
    Output::new("onecard.campaign-decide/1", Exit::Done, &facts)
}

#[derive(Serialize)]
struct Decided {
    name: String,
    order: String,
    committed: bool,
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = if self.committed { "committed 成交" } else { "not committed 未成交" };
        write!(f, "Order {} of campaign {}: {ending}, by the books 已裁定", self.order, self.name)
    }
}
