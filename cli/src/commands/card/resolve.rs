//! `onecard card resolve`.

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::select,
    terminal::{TokenStore, WithIssuer, resolve},
};
use onecard_wire::{aid, number::EnterpriseId};
use serde::Serialize;

use super::till::Till;
use crate::{
    development_keys::DevelopmentKeys,
    ending::{EarlierEnding, Ending},
    output::{Exit, Output},
    pin::PinSource,
    reader::{Faults, tap},
    trace::{Trace, TraceLine},
};

/// Options of `card resolve`.
#[derive(Args, Debug)]
pub(crate) struct Resolve {
    #[command(flatten)]
    till: Till,
    /// The issuer's development key file: decides a recharge by its TAC, which no SAM can check.
    #[arg(long, value_name = "FILE")]
    issuer: Option<PathBuf>,
    #[command(flatten)]
    pin: PinSource,
}

/// What became of this card's transactions in doubt.
#[derive(Serialize)]
struct Resolved {
    serial: String,
    resolved: Vec<EarlierEnding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

pub(super) fn run(options: &Resolve) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace();
    let pin = options.pin.offered()?;
    let mut sam = till.open_sam(&trace)?;
    let issuer =
        options.issuer.as_deref().map(|path| DevelopmentKeys::read(path).map(|keys| keys.issuer())).transpose()?;
    let mut issuer = issuer.or_else(|| sam.issuer.clone()).unwrap_or_default();
    let enterprise = sam.enterprise;
    let mut journal = till.open_journal()?;
    let serial = serial(till, enterprise)?;
    let pending = journal.pending()?.into_iter().filter(|token| token.transaction.serial.to_string() == serial);
    let mut resolved = Vec::new();
    for token in pending {
        let mut witness = WithIssuer { witness: sam.sam(), issuer: &mut issuer };
        let outcome = tap(&till.card, &Faults::default(), &trace, |card| {
            resolve(card, &mut witness, &mut journal, &token, pin.as_ref())
        })??;
        resolved.push(EarlierEnding { order: token.transaction.order.0, ending: Ending::of(&outcome) });
    }
    let still = resolved.iter().any(|earlier| matches!(earlier.ending, Ending::Unknown { .. }));
    let exit = if still { Exit::Unknown } else { Exit::Done };
    Output::new("onecard.card-resolve/1", exit, &Resolved { serial, resolved, trace: trace.take() })
}

fn serial(till: &Till, enterprise: EnterpriseId) -> anyhow::Result<String> {
    let name = aid::enterprise_application(enterprise);
    let selected = tap(&till.card, &Faults::default(), &Trace::new(false), |card| select(card, &name))?;
    Ok(selected.with_context(|| till.card.0.display().to_string())?.serial().to_string())
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        if self.resolved.is_empty() {
            return writeln!(f, "Card {}: nothing is in doubt. 该卡无未决交易。", self.serial);
        }
        for EarlierEnding { order, ending } in &self.resolved {
            writeln!(f, "Order 订单 {order}:\n{ending}")?;
        }
        Ok(())
    }
}
