//! INITIALIZE of each kind: commands that change nothing (JR/T 0025.2; FMCOS 2.0 user manual p. 89 to 118).

use onecard_wire::{
    amount::Amount,
    ins,
    key::{AlgorithmId, KeyVersion},
    wallet::{
        Initialize, InitializeUpdate, LoadInitialized, OverdraftLimit, PurchaseInitialized, Purse, UpdateInitialized,
    },
};

use super::{Cause, Kind};
use crate::{
    apdu::{Command, CommandName, exchange},
    transport::Transport,
};

impl Kind {
    /// What its INITIALIZE is called.
    pub(super) const fn initialize_name(self) -> CommandName {
        match self {
            Self::PurchaseEd | Self::PurchaseEp | Self::CashWithdraw | Self::Capp => CommandName::InitializeForPurchase,
            Self::LoadEd | Self::LoadEp => CommandName::InitializeForLoad,
            Self::Undo => CommandName::InitializeForUndo,
            Self::UnloadEd | Self::UnloadEp => CommandName::InitializeForUnload,
            Self::Overdraft => CommandName::InitializeForUpdate,
        }
    }

    const fn initialize_p1(self) -> u8 {
        match self {
            Self::PurchaseEd | Self::PurchaseEp => ins::INITIALIZE_PURCHASE,
            Self::CashWithdraw => ins::INITIALIZE_CASH_WITHDRAW,
            Self::Capp => ins::INITIALIZE_CAPP,
            Self::LoadEd | Self::LoadEp => ins::INITIALIZE_LOAD,
            Self::Undo => ins::INITIALIZE_UNDO,
            Self::UnloadEd | Self::UnloadEp => ins::INITIALIZE_UNLOAD,
            Self::Overdraft => ins::INITIALIZE_UPDATE,
        }
    }
}

/// The answer to INITIALIZE of an online kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OnlineInitialized {
    pub(super) old_balance: Amount,
    pub(super) online_sequence: u16,
    /// Zero but for an overdraft update.
    pub(super) old_limit: OverdraftLimit,
    pub(super) key_version: KeyVersion,
    pub(super) algorithm: AlgorithmId,
    pub(super) random: [u8; 4],
    pub(super) mac1: [u8; 4],
}

/// Of a kind that moves the offline sequence.
pub(super) fn initialize_offline<C: Transport + ?Sized>(
    card: &mut C,
    kind: Kind,
    field: &Initialize,
) -> Result<PurchaseInitialized, Cause> {
    let data = initialize(card, kind, field, PurchaseInitialized::LEN)?;
    PurchaseInitialized::parse(&data).ok_or(Cause::Malformed { command: kind.initialize_name(), length: data.len() })
}

/// Of a kind that moves the online sequence. An overdraft update's says no amount.
pub(super) fn initialize_online<C: Transport + ?Sized>(
    card: &mut C,
    kind: Kind,
    field: &Initialize,
) -> Result<OnlineInitialized, Cause> {
    let (data, parsed) = if kind == Kind::Overdraft {
        let data = initialize(card, kind, field, UpdateInitialized::LEN)?;
        let parsed = UpdateInitialized::parse(&data).map(OnlineInitialized::from);
        (data, parsed)
    } else {
        let data = initialize(card, kind, field, LoadInitialized::LEN)?;
        let parsed = LoadInitialized::parse(&data).map(OnlineInitialized::from);
        (data, parsed)
    };
    parsed.ok_or(Cause::Malformed { command: kind.initialize_name(), length: data.len() })
}

impl From<LoadInitialized> for OnlineInitialized {
    fn from(answer: LoadInitialized) -> Self {
        let LoadInitialized { old_balance, online_sequence, key_version, algorithm, random, mac1 } = answer;
        let old_limit = OverdraftLimit::default();
        Self { old_balance, online_sequence, old_limit, key_version, algorithm, random, mac1 }
    }
}

impl From<UpdateInitialized> for OnlineInitialized {
    fn from(answer: UpdateInitialized) -> Self {
        let UpdateInitialized { old_balance, online_sequence, old_limit, key_version, algorithm, random, mac1 } =
            answer;
        Self { old_balance, online_sequence, old_limit, key_version, algorithm, random, mac1 }
    }
}

fn initialize<C: Transport + ?Sized>(
    card: &mut C,
    kind: Kind,
    field: &Initialize,
    length: usize,
) -> Result<Vec<u8>, Cause> {
    let command = kind.initialize_name();
    let p2: Purse = kind.purse();
    let sent = Command::new(ins::CLA_PBOC, ins::INITIALIZE, kind.initialize_p1(), p2 as u8);
    let Initialize { key_id, terminal, .. } = *field;
    let sent = match kind {
        Kind::Overdraft => sent.with_data(&InitializeUpdate { key_id, terminal }.emit()),
        _ => sent.with_data(&field.emit()),
    };
    let sent = sent.expecting(u8::try_from(length).unwrap_or_default());
    let response = exchange(card, &sent).map_err(|error| Cause::NoAnswer { command, error })?;
    response.done().map_err(|status| Cause::Refused { command, status })
}
