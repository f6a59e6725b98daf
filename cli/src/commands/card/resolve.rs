//! `onecard card resolve`.

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{Pin, SelectError},
    terminal::{
        Cause, Doubt, InDoubt, IssuerKeys, JournalFile, Kind, Outcome, Reason, StoreError, Token, TokenStore,
        WithIssuer, resolve,
    },
};
use onecard_wire::number::ApplicationSerial;
use serde::Serialize;

use super::{desk::Desk, till::Till};
use crate::{
    development_keys::DevelopmentKeys,
    ending::{EarlierEnding, Ending},
    output::{Exit, Output},
    pin::PinSource,
    reader::{Faults, tap},
    terminal_sam::TerminalSam,
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
    #[command(flatten)]
    desk: Desk,
}

/// Whom to ask what became of a transaction.
pub(super) struct Asked<'o> {
    pub(super) till: &'o Till,
    pub(super) trace: Trace,
    sam: TerminalSam,
    issuer: IssuerKeys,
    pin: Option<Pin>,
}

/// What became of this card's transactions in doubt.
#[derive(Serialize)]
struct Resolved {
    /// Absent if the card did not tell it: then everything in doubt at the terminal follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    resolved: Vec<EarlierEnding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

pub(super) fn run(options: &Resolve) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let pin = options.pin.offered()?;
    let sam = till.open_sam(&trace)?;
    let issuer = options.issuer.as_deref().map(|path| DevelopmentKeys::read(path, &till.passphrase)).transpose()?;
    let issuer = issuer.map(|keys| keys.issuer());
    let issuer = issuer.or_else(|| sam.issuer.clone()).unwrap_or_default();
    let enterprise = sam.enterprise;
    let mut asked = Asked { till, trace, sam, issuer, pin };
    if let Some(decision) = options.desk.decision() {
        return decision.run(&mut asked);
    }
    let mut journal = till.open_journal()?;
    let pending = journal.pending()?;
    let (serial, resolved) = match till.select(enterprise)? {
        Ok(application) => (Some(application.serial().to_string()), asked.of_card(&mut journal, application.serial())?),
        Err(error) if pending.is_empty() => return Err(error).with_context(|| till.card.to_string()),
        Err(error) => (None, pending.into_iter().map(|token| unasked(token, &error)).collect()),
    };
    let still = resolved.iter().any(|earlier| matches!(earlier.ending, Ending::Unknown { .. }));
    let exit = if still { Exit::Unknown } else { Exit::Done };
    Output::new("onecard.card-resolve/1", exit, &Resolved { serial, resolved, trace: asked.trace.take() })
}

/// A card that does not tell its number may be any of those that something is in doubt with.
fn unasked(token: Token, error: &SelectError) -> EarlierEnding {
    let reason = Reason { card: None, cause: Cause::Select(error.clone()) };
    ended(&token, &Outcome::Unknown(InDoubt { token, doubt: Doubt::NotReached(Box::new(reason)) }))
}

fn ended(token: &Token, outcome: &Outcome) -> EarlierEnding {
    EarlierEnding { order: token.transaction.order.0, ending: Ending::of(outcome) }
}

impl Asked<'_> {
    /// Everything in doubt with the card of `serial`.
    fn of_card(&mut self, journal: &mut JournalFile, serial: ApplicationSerial) -> anyhow::Result<Vec<EarlierEnding>> {
        let pending = journal.pending()?.into_iter().filter(|token| token.transaction.serial == serial);
        let resolved = pending.map(|token| Ok(ended(&token, &self.resolve(journal, &token)??)));
        resolved.collect()
    }

    /// Asks the card, SAM and issuer. The outer error is the chip's.
    pub(super) fn resolve(
        &mut self,
        journal: &mut JournalFile,
        token: &Token,
    ) -> anyhow::Result<Result<Outcome, StoreError>> {
        let Self { till, trace, sam, issuer, pin } = self;
        if of_desk(token.transaction.kind) {
            // What a desk began, its keys tell.
            let mut desk = till.open_desk()?;
            let approver = &mut desk.approver();
            return tap(&till.card, &Faults::default(), trace, |card| {
                resolve(card, approver, journal, token, pin.as_ref())
            });
        }
        let mut witness = WithIssuer { witness: sam.sam(), issuer };
        tap(&till.card, &Faults::default(), trace, |card| resolve(card, &mut witness, journal, token, pin.as_ref()))
    }
}

/// Whether a desk's keys approve it, instead of a SAM.
const fn of_desk(kind: Kind) -> bool {
    matches!(kind, Kind::UnloadEd | Kind::UnloadEp | Kind::Overdraft)
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match &self.serial {
            Some(serial) if self.resolved.is_empty() => {
                return writeln!(f, "Card {serial}: nothing is in doubt. 该卡无未决交易。");
            }
            Some(_) => {}
            None => f.write_str(
                "The card does not tell its number. In doubt at this terminal 该卡未报卡号，本终端未决交易:\n\n",
            )?,
        }
        for EarlierEnding { order, ending } in &self.resolved {
            writeln!(f, "Order 订单 {order}:\n{ending}")?;
        }
        Ok(())
    }
}
