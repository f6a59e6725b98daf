//! `onecard gp lock` and `unlock`.

use std::fmt;

use clap::Args;
use onecard_host::globalplatform::{
    Aid,
    management::{Lock, lock_application, lock_card},
};
use onecard_wire::{globalplatform::life_cycle::CardState, number::EnterpriseId};
use serde::Serialize;

use super::{
    access::{Access, changed},
    card_state::{OtherState, or_way_there, state_of},
    names,
};
use crate::{
    consent::Consent,
    output::{Exit, Output},
};

/// Options of `gp lock` and `gp unlock`.
#[derive(Args, Debug)]
pub(crate) struct SetLock {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

/// What is locked or unlocked.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Target {
    /// The application of this enterprise (单位代码), 16 digits.
    #[arg(long, value_name = "ID")]
    enterprise: Option<EnterpriseId>,
    /// The application of this identifier, in hexadecimal digits.
    #[arg(long, value_name = "AID")]
    aid: Option<Aid>,
    /// The whole SIM.
    #[arg(long)]
    card: bool,
}

#[derive(Serialize)]
struct Done {
    /// `None` for the whole SIM.
    aid: Option<String>,
    locked: bool,
}

pub(super) fn run(options: &SetLock, lock: Lock) -> anyhow::Result<Output> {
    let Target { enterprise, aid, .. } = &options.target;
    let application = enterprise.map(Aid::enterprise).or(*aid);
    let what =
        application.map_or_else(|| "the whole SIM 整卡".to_owned(), |aid| format!("{aid} {}", names::name(&aid)));
    let becomes = match lock {
        Lock::Locked => "locked 锁定",
        Lock::Unlocked => "unlocked 解锁",
    };
    options.consent.ask(options.access.card.place()?, "a SIM", &[format!("{what} is {becomes}")])?;
    options.access.in_session(|session| match &application {
        Some(aid) => changed(lock_application(session, aid, lock)),
        None => {
            // A SIM that was never locked would be SECURED by it, for good. One that does not tell is asked.
            let known = if lock == Lock::Unlocked { state_of(session)? } else { None };
            if known.is_some_and(|state| state != CardState::CARD_LOCKED) {
                return Err(OtherState("the SIM is not locked: nothing to unlock 卡片未锁定").into());
            }
            let locked = lock_card(session, lock);
            or_way_there(locked, session)
        }
    })?;
    let done = Done { aid: application.map(|aid| aid.to_string()), locked: lock == Lock::Locked };
    Output::new("onecard.gp-lock/1", Exit::Done, &done)
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.aid.as_deref().unwrap_or("The SIM");
        let (english, chinese) = if self.locked { ("locked", "已锁定") } else { ("unlocked", "已解锁") };
        writeln!(f, "{what} is {english}. {chinese}")
    }
}
