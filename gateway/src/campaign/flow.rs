//! What is done to a card, of whichever kind: a packet that is due, an answer that is judged, an end.

use onecard_host::over_the_air::{
    Proven, Script, ScriptError, Spi,
    recharge::{Decision, Next, Recharge},
};
use onecard_wire::{amount::Amount, date::Moment, number::ApplicationSerial};
use serde::{Deserialize, Serialize};

use super::desk::{LoadDesk, Unavailable};

/// A flow that waits for its packet to be sent, or answered. As data it is what is kept of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// A recharge over the air (空中圈存).
    Recharge {
        /// Of which application.
        #[serde(with = "onecard_host::as_text")]
        serial: ApplicationSerial,
        /// How far it got.
        recharge: Recharge,
    },
}

/// What a flow does next.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// A packet, under a new counter.
    Packet(Flow),
    /// Nothing any more.
    End(Outcome),
}

/// How a flow ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Whether what it was for has been done.
    pub ending: Ending,
    /// Committed: what the card got. Not committed: what is to be paid back. Unknown: what is in doubt.
    pub amount: Option<Amount>,
    /// The rest, for people and for settlement.
    pub report: OutcomeReport,
    /// Unknown: what resumes it.
    pub token: Option<Flow>,
}

/// Whether it has been done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ending {
    /// It has, once.
    Committed = 0,
    /// It has not, and never will be.
    NotCommitted = 1,
    /// Not known yet: nothing is paid back, nothing ordered anew.
    Unknown = 2,
}

/// What an outcome says besides.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OutcomeReport {
    /// The card's TAC, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tac: Option<String>,
    /// The balance that the card told, in fen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub balance_fen: Option<u32>,
    /// What stood in the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Flow {
    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`]: a flow that was not made by this program.
    pub(super) fn script(&self) -> Result<Script, ScriptError> {
        match self {
            Self::Recharge { recharge, .. } => recharge.script(),
        }
    }

    /// How the packet is secured, and by which way its proof comes.
    pub(super) const fn spi(&self) -> Spi {
        match self {
            Self::Recharge { .. } => Spi::FULL,
        }
    }

    /// Whether the packet that is due or out changes anything of value: it goes out once, and after a time without proof the card
    /// is asked.
    pub(super) const fn changes_value(&self) -> bool {
        match self {
            Self::Recharge { recharge, .. } => recharge.changes_value(),
        }
    }

    /// The proof of the last packet came.
    ///
    /// # Errors
    /// [`Unavailable`]: whoever has to judge it is not there. The same proof is handed in again later.
    pub(super) fn answered(
        self,
        proven: &Proven,
        desk: &mut impl LoadDesk,
        moment: Moment,
    ) -> Result<Step, Unavailable> {
        match self {
            Self::Recharge { serial, recharge } => {
                let order = (serial, recharge.terms().amount);
                of_recharge(order, recharge.answered(proven), desk, moment)
            }
        }
    }

    /// Nothing came of the last packet.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(super) fn timed_out(self, desk: &mut impl LoadDesk, moment: Moment) -> Result<Step, Unavailable> {
        match self {
            Self::Recharge { serial, recharge } => {
                let order = (serial, recharge.terms().amount);
                of_recharge(order, recharge.timed_out(), desk, moment)
            }
        }
    }
}

fn of_recharge(
    (serial, amount): (ApplicationSerial, Amount),
    mut next: Next,
    desk: &mut impl LoadDesk,
    moment: Moment,
) -> Result<Step, Unavailable> {
    loop {
        next = match next {
            Next::Send(recharge) => return Ok(Step::Packet(Flow::Recharge { serial, recharge })),
            Next::Approve(approval) => desk.approve(serial, approval, moment)?,
            Next::Judge(judgement) => desk.judge(serial, judgement)?,
            Next::Ended(decision) => return Ok(Step::End(recharged(serial, amount, decision))),
        };
    }
}

fn recharged(serial: ApplicationSerial, amount: Amount, decision: Decision) -> Outcome {
    let (ending, report, token) = match decision {
        Decision::Credited { tac, balance } => {
            let (tac, balance_fen) = (tac.map(hex::encode_upper), balance.map(Amount::fen));
            (Ending::Committed, OutcomeReport { tac, balance_fen, reason: None }, None)
        }
        Decision::NotCredited(obstacle) => (Ending::NotCommitted, OutcomeReport::because(obstacle), None),
        Decision::Unknown { token, obstacle } => {
            let token = Flow::Recharge { serial, recharge: token };
            (Ending::Unknown, OutcomeReport::because(obstacle), Some(token))
        }
    };
    Outcome { ending, amount: Some(amount), report, token }
}

impl OutcomeReport {
    fn because(reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::default() }
    }
}
