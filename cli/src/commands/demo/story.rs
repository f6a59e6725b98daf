//! What happened, as data: every number of the printed story is one of these.

use serde::Serialize;

use crate::{
    commands::{sam::SamFacts, settlement::Listing},
    ending::TapEnding,
    trace::TraceLine,
};

/// The whole story; amounts in fen.
#[derive(Serialize)]
pub(super) struct Story {
    pub(super) date: String,
    pub(super) seed: Option<u64>,
    pub(super) enterprise: String,
    /// Where the people come from.
    pub(super) list: String,
    pub(super) root_keys: usize,
    /// As they are after the day.
    pub(super) sams: Sams,
    /// One for each person of the list.
    pub(super) members: Vec<MemberAccount>,
    pub(super) recharges: Round,
    pub(super) purchases: Round,
    pub(super) incidents: Vec<Incident>,
    pub(super) settlement: Listing,
    pub(super) totals: Totals,
    /// The folder, with --out.
    pub(super) kept: Option<String>,
}

/// The two terminals' SAMs.
#[derive(Serialize)]
pub(super) struct Sams {
    /// Its load limit before the day.
    pub(super) recharge_limit_at_issue_fen: u32,
    pub(super) recharge: SamFacts,
    pub(super) till: SamFacts,
}

/// One member at the end of the day.
#[derive(Serialize)]
pub(super) struct MemberAccount {
    pub(super) serial: String,
    pub(super) name: String,
    pub(super) department: String,
    pub(super) valid_to: String,
    pub(super) loaded_fen: u64,
    pub(super) paid_fen: u64,
    /// As the card says.
    pub(super) balance_fen: u32,
}

/// The same thing with everybody.
#[derive(Serialize)]
pub(super) struct Round {
    pub(super) served: Vec<Served>,
    pub(super) committed: usize,
    pub(super) committed_fen: u64,
    pub(super) refused: usize,
}

/// One member's turn.
#[derive(Serialize)]
pub(super) struct Served {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) tap: TapEnding,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) trace: Vec<TraceLine>,
}

/// Something that went wrong, and how it was put right.
#[derive(Serialize)]
pub(super) struct Incident {
    pub(super) title: &'static str,
    pub(super) title_chinese: &'static str,
    pub(super) name: String,
    pub(super) serial: String,
    pub(super) steps: Vec<Step>,
}

/// One tap of an incident.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) what: String,
    #[serde(flatten)]
    pub(super) tap: TapEnding,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) trace: Vec<TraceLine>,
}

/// What must agree to the fen.
#[derive(Serialize, Debug)]
pub(super) struct Totals {
    pub(super) loaded_fen: u64,
    pub(super) paid_fen: u64,
    pub(super) balances_fen: u64,
    /// Loaded = paid + balances, in sum and on each card.
    pub(super) exact: bool,
}

impl Round {
    pub(super) fn of(served: Vec<Served>) -> Self {
        let records = || served.iter().filter_map(|served| served.tap.ending.record());
        let (committed, committed_fen) = records()
            .fold((0, 0), |(count, fen), record| (count + 1, fen + u64::from(record.transaction.amount.fen())));
        let refused = served.len() - committed;
        Self { served, committed, committed_fen, refused }
    }
}
