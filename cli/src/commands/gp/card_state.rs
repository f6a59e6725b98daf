//! `onecard gp card-state`.

use std::fmt;

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_host::globalplatform::management::{Kind, ManagementError, registry, set_card_state};
use onecard_wire::{globalplatform::life_cycle::CardState, status::StatusWord};
use serde::Serialize;

use super::access::{Access, OpenSession, changed};
use crate::{
    consent::Consent,
    output::{Exit, Output},
};

/// Options of `gp card-state`.
#[derive(Args, Debug)]
pub(crate) struct SetCardState {
    /// What the SIM becomes.
    #[arg(value_enum, value_name = "STATE")]
    state: Target,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    /// From OP_READY 初始化
    Initialized,
    /// From INITIALIZED: as it goes to its holder 安全
    Secured,
}

#[derive(Serialize)]
struct Done {
    state: &'static str,
}

/// The SIM would move from another state than the command is for: it is not asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OtherState(pub(super) &'static str);

pub(super) fn run(options: &SetCardState) -> anyhow::Result<Output> {
    let (state, name) = match options.state {
        Target::Initialized => (CardState::INITIALIZED, "INITIALIZED"),
        Target::Secured => (CardState::SECURED, "SECURED"),
    };
    let plan = [format!("the SIM becomes {name}, for good 卡片状态改为{name}，不可恢复")];
    options.consent.ask(options.access.card.place()?, "a SIM", &plan)?;
    options.access.in_session(|session| {
        // SECURED is where unlocking leads too.
        if state_of(session)? == Some(CardState::CARD_LOCKED) {
            return Err(OtherState("the SIM is locked: `onecard gp unlock --card` comes first 请先解锁").into());
        }
        let moved = set_card_state(session, state);
        or_way_there(moved, session)
    })?;
    Output::new("onecard.gp-card-state/1", Exit::Done, &Done { state: name })
}

/// The SIM's life cycle.
pub(super) fn state_of(session: &mut OpenSession<'_>) -> anyhow::Result<Option<CardState>> {
    Ok(registry(session, Kind::IssuerDomain)?.first().map(|domain| CardState(domain.life_cycle)))
}

/// With a refusal goes what the SIM's state is, and which command comes first.
pub(super) fn or_way_there(result: Result<(), ManagementError>, session: &mut OpenSession<'_>) -> anyhow::Result<()> {
    let refused = matches!(&result, Err(ManagementError::Refused(refusal)) if refusal.status == StatusWord::CONDITIONS_NOT_SATISFIED);
    let error = match changed(result) {
        Ok(()) => return Ok(()),
        Err(error) if refused => error,
        Err(error) => return Err(error),
    };
    // The refusal counts for more than a state that is not to be had.
    let way = match state_of(session).ok().flatten() {
        Some(CardState::OP_READY) => {
            "the SIM is OP_READY: `onecard gp card-state initialized` comes first, then `secured` 请先初始化"
        }
        Some(CardState::INITIALIZED) => {
            "the SIM is INITIALIZED: `onecard gp card-state secured` comes first 请先改为安全状态"
        }
        Some(CardState::SECURED) => "the SIM is SECURED, and no state before it comes back 状态不可恢复",
        Some(CardState::CARD_LOCKED) => "the SIM is locked: `onecard gp unlock --card` comes first 请先解锁",
        _ => return Err(error),
    };
    Err(error).context(way)
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The SIM is {}. 卡片状态已更改。", self.state)
    }
}
