//! A recharge over the air (空中圈存): the four steps of specification 19.6, which credit once or not at all.
//!
//! Nothing here sends, waits or keeps. [`Recharge`] is what waits for the answer to one packet: its [script](Recharge::script) goes
//! out in a packet of a counter that was reserved for it, it is stored beside that packet, and it takes the packet's proof or the
//! end of the caller's patience. Whatever is lost, repeated or late, the next packet has a higher counter, so what came before it
//! is worthless; of proofs only those of the last packet are handed in.

mod decision;
mod judgement;
mod log;
#[cfg(test)]
mod tests;

use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{EnterpriseId, TerminalNumber},
    status::StatusWord,
    wallet::{LoadInitialized, Purse, TransactionType},
};
use serde::{Deserialize, Serialize};

pub use decision::Decision;
pub use judgement::Judgement;
use log::Logged;

use super::{
    Form, MaintenanceKey, Obstacle, PacketCounter, ProofWay, Proven, Script, ScriptAnswer, Tar, commands,
    shown::proven_answer,
};
use crate::{
    apdu::Command,
    terminal::stored::{amount, four_bytes, moment, purse},
};

/// Lowest id of a load key without PIN, which a load over the air needs (6.3).
pub const KEY_ID_MIN: u8 = 0x11;

/// What is loaded, and onto what. The money has been taken already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RechargeTerms {
    /// Whose application is loaded.
    #[serde(with = "crate::as_text")]
    pub enterprise: EnterpriseId,
    /// Which purse.
    #[serde(with = "purse")]
    pub purse: Purse,
    /// Id of the load key, [`KEY_ID_MIN`] or more.
    pub key_id: u8,
    /// What is loaded, more than nothing.
    #[serde(with = "amount")]
    pub amount: Amount,
    /// Number of the platform's load SAM or server.
    #[serde(with = "crate::as_text")]
    pub terminal: TerminalNumber,
}

/// How often a packet goes out that is not answered, and the CREDIT that is shown not to have been executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// Packets of one step, each with its own counter, before that step is given up: 1 or more.
    pub packets: u8,
    /// CREDITs: 1 or more.
    pub credits: u8,
}

/// A recharge that waits for the answer to a packet; as data it is the token that resumes it. It holds a MAC2, which is good for
/// this one load on this one card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recharge {
    terms: RechargeTerms,
    patience: Patience,
    step: Step,
    /// Packets of this step that were given up.
    unanswered: u8,
    /// CREDITs that have gone out.
    credits: u8,
}

/// Which packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Step {
    /// (1) INITIALIZE FOR LOAD.
    Initialize,
    /// (2) CREDIT FOR LOAD.
    Credit(Begun),
    /// (3) GET TRANSACTION PROVE.
    Ask(Asking),
    /// (3) The card's log, in a packet made for one counter; the proof of before, if there was one.
    Log { asking: Asking, tac: Option<Tac>, counter: PacketCounter, script: Script },
    /// (3) Which key opens the log, of a card whose proof is gone, so that the packet that asks for it ends there.
    Key(Asking),
    /// (4) INITIALIZE of nothing, which ends the pending load.
    End(Begun),
}

/// A load that may have been executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    begun: Begun,
    /// The online sequence was seen not to be the load's any more.
    moved: bool,
    /// Packets for the log that were given up; [`LOG_READ`].
    #[serde(default)]
    logs: u8,
    /// Which key opens the log; `None`: the card was not asked, as by an earlier edition.
    #[serde(default)]
    maintenance: Option<MaintenanceKey>,
}

/// The log has been read, and says nothing.
const LOG_READ: u8 = u8::MAX;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Tac(#[serde(with = "four_bytes")] [u8; 4]);

/// A load that the card has begun and the desk approved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    #[serde(with = "amount")]
    old_balance: Amount,
    online_sequence: u16,
    #[serde(with = "moment")]
    moment: Moment,
    #[serde(with = "four_bytes")]
    mac2: [u8; 4],
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The script goes out under a new counter.
    Send(Recharge),
    /// Whoever has the load key checks MAC1 and makes MAC2.
    Approve(Approval),
    /// Whoever has the TAC key or the maintenance key says whose load it was.
    Judge(Judgement),
    /// It has ended.
    Ended(Decision),
}

/// A load that the card has begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// The card's answer to INITIALIZE FOR LOAD.
    pub initialized: LoadInitialized,
    recharge: Recharge,
}

/// A recharge that no card takes over the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TermsError {
    /// A load key that wants the PIN.
    #[error("load key {0:02X} wants the PIN, which is not there over the air: take one of id 11 or more")]
    KeyId(u8),
    /// Nothing would be loaded: such an INITIALIZE ends a load.
    #[error("an amount of nothing ends a load over the air: load more than 0.00")]
    Nothing,
}

impl Recharge {
    /// The first packet.
    ///
    /// # Errors
    /// [`TermsError`].
    pub fn begin(terms: RechargeTerms, patience: Patience) -> Result<Self, TermsError> {
        if terms.key_id < KEY_ID_MIN {
            return Err(TermsError::KeyId(terms.key_id));
        }
        if terms.amount == Amount::ZERO {
            return Err(TermsError::Nothing);
        }
        Ok(Self { terms, patience, step: Step::Initialize, unanswered: 0, credits: 0 })
    }

    /// What is loaded.
    #[must_use]
    pub const fn terms(&self) -> &RechargeTerms {
        &self.terms
    }

    /// Whether a CREDIT has gone out: from then on the money is given back only by [`Decision::NotCredited`].
    #[must_use]
    pub const fn may_have_credited(&self) -> bool {
        self.credits > 0
    }

    /// Whether the packet that is due or out is a CREDIT: it goes out once, and without a proof the card is asked.
    #[must_use]
    pub const fn changes_value(&self) -> bool {
        matches!(self.step, Step::Credit(_))
    }

    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`](super::ScriptError): never.
    pub fn script(&self) -> Result<Script, super::ScriptError> {
        match &self.step {
            Step::Log { script, .. } => Ok(script.clone()),
            step => Script::new(Tar::ENTERPRISE, Form::EXPANDED, self.commands(step)),
        }
    }

    /// The counter that the packet must have; `None`: any new one.
    #[must_use]
    pub const fn counter(&self) -> Option<PacketCounter> {
        match self.step {
            Step::Log { counter, .. } => Some(counter),
            _ => None,
        }
    }

    /// How the proof has to travel: a log does not fit a delivery report (19.5.5).
    #[must_use]
    pub const fn proof_way(&self) -> ProofWay {
        match self.step {
            Step::Log { .. } => ProofWay::Submit,
            _ => ProofWay::Report,
        }
    }

    fn commands(&self, step: &Step) -> Vec<Command> {
        let RechargeTerms { enterprise, purse, key_id, amount, terminal } = self.terms;
        let select = commands::select_application(enterprise);
        let initialize = |amount| commands::initialize_for_load(purse, key_id, amount, terminal);
        // Last, for a card that does not know it ends the script there.
        let key = commands::maintenance_check_value();
        match step {
            Step::Initialize => vec![select, initialize(amount)],
            Step::Credit(Begun { moment, mac2, .. }) => {
                vec![select, commands::credit_for_load(*moment, *mac2), commands::balance(purse)]
            }
            Step::Ask(Asking { begun, .. }) | Step::Log { asking: Asking { begun, .. }, .. } => {
                let sequence = begun.online_sequence.wrapping_add(1);
                vec![select, commands::transaction_prove(TransactionType::load(purse), sequence), key]
            }
            Step::Key(_) => vec![select, key],
            Step::End(_) => vec![select, initialize(Amount::ZERO), key],
        }
    }

    /// The proof of the last packet that went out for this step.
    #[must_use]
    pub fn answered(self, proven: &Proven) -> Next {
        let answer = match proven_answer(self.script(), proven) {
            Ok(answer) => answer,
            Err(obstacle) => return self.given_up(obstacle),
        };
        match self.step {
            Step::Initialize => self.initialized(&answer),
            Step::Credit(begun) => self.credited(begun, &answer),
            Step::Ask(asking) => self.asked(asking, &answer),
            Step::Log { asking, tac, .. } => self.logged(asking, tac, &answer),
            Step::Key(asking) => match MaintenanceKey::told(&answer, 2) {
                Some(key) => self.judged(Asking { maintenance: Some(key), ..asking }, None),
                None => self.given_up(Obstacle::Unreadable),
            },
            Step::End(begun) => self.ended(begun, &answer),
        }
    }

    /// No proof came of the last packet, in the time that the caller gives it; it may still be under way.
    #[must_use]
    pub fn timed_out(self) -> Next {
        self.given_up(Obstacle::NoProof)
    }

    fn given_up(mut self, obstacle: Obstacle) -> Next {
        self.unanswered = self.unanswered.saturating_add(1);
        let patient = self.unanswered < self.patience.packets;
        match self.step {
            // Never again before the card was asked.
            Step::Credit(begun) => self.to(Step::Ask(Asking { begun, moved: false, logs: 0, maintenance: None })),
            // The packet may have come; it reads, and is made for its counter: another one has to be made.
            Step::Log { asking, tac, .. } => {
                let asking = Asking { logs: asking.logs.saturating_add(1), ..asking };
                if asking.maintenance.is_some() { self.judged(asking, tac) } else { self.to(Step::Ask(asking)) }
            }
            _ if patient => Next::Send(self),
            // There is no MAC2 that a late packet could meet.
            Step::Initialize => Next::Ended(Decision::NotCredited(obstacle)),
            Step::Ask(_) | Step::Key(_) | Step::End(_) => self.unknown(obstacle),
        }
    }

    fn initialized(self, answer: &ScriptAnswer) -> Next {
        let initialized = match outcome(answer) {
            Ok(data) => LoadInitialized::parse(data).filter(|it| it.online_sequence != u16::MAX),
            Err(obstacle) => return Next::Ended(Decision::NotCredited(obstacle)),
        };
        match initialized {
            Some(initialized) => Next::Approve(Approval { initialized, recharge: self }),
            None => Next::Ended(Decision::NotCredited(Obstacle::Unreadable)),
        }
    }

    fn credited(self, begun: Begun, answer: &ScriptAnswer) -> Next {
        match outcome(answer) {
            Ok(tac) => {
                let balance = answer.to_command(3).and_then(|response| response.data.as_slice().try_into().ok());
                let (tac, balance) = (tac.try_into().ok(), balance.map(Amount::from_bytes));
                Next::Ended(Decision::Credited { tac, balance })
            }
            // Not executed, by the card's own word; but MAC2 is out in the world, and the load is still pending.
            Err(_) => self.to(Step::End(begun)),
        }
    }

    fn asked(self, asking: Asking, answer: &ScriptAnswer) -> Next {
        let maintenance = MaintenanceKey::told(answer, 3).or(asking.maintenance);
        let asking = Asking { maintenance, ..asking };
        match outcome(answer) {
            // An earlier edition's packet, which did not ask for the key.
            Ok(_) if maintenance.is_none() => self.given_up(Obstacle::Unreadable),
            Ok(&[0, 0, 0, 0, a, b, c, d]) => self.judged(asking, Some(Tac([a, b, c, d]))),
            Ok(_) => self.unknown(Obstacle::Unreadable),
            Err(Obstacle::Refused { command: 2, status: StatusWord::NO_MAC_AVAILABLE }) if asking.moved => {
                if maintenance.is_some() {
                    self.judged(asking, None)
                } else {
                    self.to(Step::Key(asking))
                }
            }
            Err(Obstacle::Refused { command: 2, status: StatusWord::NO_MAC_AVAILABLE }) => {
                if self.credits < self.patience.credits {
                    let credits = self.credits.saturating_add(1);
                    Self { credits, ..self }.to(Step::Credit(asking.begun))
                } else {
                    self.to(Step::End(asking.begun))
                }
            }
            Err(obstacle) => self.unknown(obstacle),
        }
    }

    fn logged(self, asking: Asking, tac: Option<Tac>, answer: &ScriptAnswer) -> Next {
        match log::logged(&self.terms, &asking.begun, answer) {
            Logged::Ours(balance) => Next::Ended(Decision::Credited { tac: tac.map(|Tac(tac)| tac), balance }),
            Logged::Other => Next::Ended(Decision::NotCredited(Obstacle::OtherLoad)),
            Logged::Gone => self.judged(Asking { logs: LOG_READ, ..asking }, tac),
        }
    }

    /// Some load has taken the sequence; its proof, if the card has it still.
    fn judged(self, asking: Asking, tac: Option<Tac>) -> Next {
        Next::Judge(Judgement { tac, asking, has_key: true, recharge: self.fresh(Step::Ask(asking)) })
    }

    fn ended(self, begun: Begun, answer: &ScriptAnswer) -> Next {
        match outcome(answer).map(LoadInitialized::parse) {
            Ok(Some(now)) if now.online_sequence == begun.online_sequence => {
                Next::Ended(Decision::NotCredited(Obstacle::Ended))
            }
            // Some load has taken the sequence: its proof says which.
            Ok(Some(_)) => match MaintenanceKey::told(answer, 3) {
                Some(key) => self.to(Step::Ask(Asking { begun, moved: true, logs: 0, maintenance: Some(key) })),
                None => self.given_up(Obstacle::Unreadable),
            },
            Ok(None) => self.unknown(Obstacle::Unreadable),
            Err(obstacle) => self.unknown(obstacle),
        }
    }

    fn to(self, step: Step) -> Next {
        Next::Send(self.fresh(step))
    }

    fn fresh(self, step: Step) -> Self {
        Self { step, unanswered: 0, ..self }
    }

    fn unknown(self, obstacle: Obstacle) -> Next {
        let step = match self.step {
            Step::Ask(asking) | Step::Key(asking) => Step::Ask(Asking { logs: 0, maintenance: None, ..asking }),
            step => step,
        };
        let token = Self { step, unanswered: 0, ..self };
        Next::Ended(Decision::Unknown { token, obstacle })
    }
}

impl Approval {
    /// With the desk's MAC2 over the terms and `moment`.
    #[must_use]
    pub fn approved(self, moment: Moment, mac2: [u8; 4]) -> Next {
        let LoadInitialized { old_balance, online_sequence, .. } = self.initialized;
        let begun = Begun { old_balance, online_sequence, moment, mac2 };
        Recharge { credits: 1, ..self.recharge }.to(Step::Credit(begun))
    }

    /// The desk refuses: MAC1 is not a genuine card's, or the order is not to be carried out. There is no MAC2.
    #[must_use]
    pub fn refused(self) -> Decision {
        Decision::NotCredited(Obstacle::NotApproved)
    }

    /// What is loaded.
    #[must_use]
    pub const fn terms(&self) -> &RechargeTerms {
        &self.recharge.terms
    }
}

/// What the second command answered; every script's first is SELECT.
fn outcome(answer: &ScriptAnswer) -> Result<&[u8], Obstacle> {
    let refused = |command: usize, status| Err(Obstacle::Refused { command, status });
    match (answer.to_command(1), answer.to_command(2)) {
        (_, Some(response)) if response.status.is_ok() => Ok(&response.data),
        (_, Some(response)) => refused(2, response.status),
        (Some(response), None) => refused(1, response.status),
        (None, None) => Err(Obstacle::Unreadable),
    }
}
