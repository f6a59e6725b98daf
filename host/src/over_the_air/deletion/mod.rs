//! A deletion over the air (空中注销): the balance is made final, refunded, and the application deleted (specification 19.9).
//!
//! Nothing here sends, waits or keeps. [`Deletion`] is what waits for the answer to one packet, as
//! [`Recharge`](super::recharge::Recharge) is. It begins by asking who is on the card. A status other than 00 with the balance
//! behind it, from one packet, is what is refunded: nothing can be paid or loaded from then on. Only then DELETE goes out, and where
//! its proof is missing the issuer domain is asked.

mod decision;

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    globalplatform::life_cycle::ApplicationState,
    number::{ApplicationSerial, EnterpriseId},
    record::CardStatus,
    status::StatusWord,
    wallet::Purse,
};
use serde::{Deserialize, Serialize};

pub use decision::Decision;

use super::{
    Form, MaintenanceKey, Obstacle, PacketCounter, PlaceError, PlacedMac, Proven, Script, ScriptAnswer, ScriptError,
    Tar, Tries, commands,
    placed::with_placed_mac,
    shown::{Shown, proven_answer, read, shown},
};
use crate::terminal::stored::amount;

/// Which application goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionTerms {
    /// Whose application.
    #[serde(with = "crate::as_text")]
    pub enterprise: EnterpriseId,
    /// Its serial.
    #[serde(with = "crate::as_text")]
    pub serial: ApplicationSerial,
    /// What the ED holds by the issuer's books: no packet reads it, for it wants the PIN (6.7).
    #[serde(with = "amount")]
    pub deposit: Amount,
}

/// A deletion that waits for the answer to a packet; as data it is the token that resumes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    terms: DeletionTerms,
    tries: Tries,
    step: Step,
    /// Packets of this step that were given up.
    unanswered: u8,
    /// Suspensions that have gone out, and DELETEs, since it began or was resumed.
    suspensions: u8,
    deletes: u8,
    /// Whether one of either has gone out ever.
    suspending: bool,
    deleting: bool,
    refund: Option<Refund>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Refund(#[serde(with = "amount")] Amount);

/// Which packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Step {
    /// Serial, status, balance and which maintenance key there is.
    Ask,
    /// Status 01 and the balance behind it, made for one counter.
    Suspend { counter: PacketCounter, script: Script },
    /// DELETE.
    Delete,
    /// Whether the domain knows the application.
    Registry,
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The script goes out: under [`Deletion::counter`] if it was made for one, else under a new one.
    Send(Deletion),
    /// A counter is reserved, and whoever has the maintenance key makes the MAC of the suspension for it.
    Suspend(Suspension),
    /// The balance is final: it is refunded, in the books, once.
    Settle(Settlement),
    /// It has ended.
    Ended(Decision),
}

/// An application that is to be suspended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspension {
    deletion: Deletion,
    key: MaintenanceKey,
}

/// An application whose balance is final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    balance: Amount,
    deletion: Deletion,
}

/// A deletion that is none over the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TermsError {
    /// Money in the ED.
    #[error(
        "the deposit (ED) holds {0}, which wants the PIN: settle it at the service desk first 存折有余额，请先到服务点结清"
    )]
    Deposit(Amount),
}

impl Deletion {
    /// The first packet.
    ///
    /// # Errors
    /// [`TermsError`].
    pub fn begin(terms: DeletionTerms, tries: Tries) -> Result<Self, TermsError> {
        if terms.deposit != Amount::ZERO {
            return Err(TermsError::Deposit(terms.deposit));
        }
        Ok(Self {
            terms,
            tries,
            step: Step::Ask,
            unanswered: 0,
            suspensions: 0,
            deletes: 0,
            suspending: false,
            deleting: false,
            refund: None,
        })
    }

    /// What is deleted.
    #[must_use]
    pub const fn terms(&self) -> &DeletionTerms {
        &self.terms
    }

    /// What was refunded, once it was. From then on the application must not be used again, whether it is still there or not.
    #[must_use]
    pub fn refund(&self) -> Option<Amount> {
        self.refund.map(|Refund(balance)| balance)
    }

    /// Whether a suspension has gone out, or something is refunded: until then the card is as it was.
    #[must_use]
    pub const fn may_have_begun(&self) -> bool {
        self.suspending || self.refund.is_some()
    }

    /// The counter that the packet must have; `None`: any new one.
    #[must_use]
    pub const fn counter(&self) -> Option<PacketCounter> {
        match self.step {
            Step::Suspend { counter, .. } => Some(counter),
            _ => None,
        }
    }

    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn script(&self) -> Result<Script, ScriptError> {
        let enterprise = self.terms.enterprise;
        let domain = |command| Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, vec![command]);
        match &self.step {
            Step::Ask => {
                let (status, balance) = (commands::read_binary(Fid::PARAMETERS, 1), commands::balance(Purse::Ep));
                // Last, for a card that does not know it ends the script there.
                let key = commands::maintenance_check_value();
                let commands = vec![commands::select_application(enterprise), status, balance, key];
                Script::new(Tar::ENTERPRISE, Form::EXPANDED, commands)
            }
            Step::Suspend { script, .. } => Ok(script.clone()),
            Step::Delete => domain(commands::delete_application(enterprise)),
            Step::Registry => domain(commands::application_status(enterprise)),
        }
    }

    /// Whether the packet that is due changes the card: after a time without its proof the card is asked, and no second one sent.
    #[must_use]
    pub const fn changes_value(&self) -> bool {
        !matches!(self.step, Step::Ask | Step::Registry)
    }

    /// The proof of the last packet that went out for this step.
    #[must_use]
    pub fn answered(self, proven: &Proven) -> Next {
        let answer = match proven_answer(self.script(), proven) {
            Ok(answer) => answer,
            Err(obstacle) => return self.given_up(obstacle),
        };
        match self.step {
            Step::Ask => self.asked(&answer),
            Step::Suspend { .. } => self.suspended(&answer),
            Step::Delete => self.deleted(&answer),
            Step::Registry => self.registered(&answer),
        }
    }

    /// No proof came of the last packet, in the time that the caller gives it; it may still be under way.
    #[must_use]
    pub fn timed_out(self) -> Next {
        self.given_up(Obstacle::NoProof)
    }

    fn given_up(mut self, obstacle: Obstacle) -> Next {
        self.unanswered = self.unanswered.saturating_add(1);
        match self.step {
            // Never again before the card was asked.
            Step::Suspend { .. } => self.to(Step::Ask),
            Step::Delete => self.to(Step::Registry),
            Step::Ask | Step::Registry if self.unanswered < self.tries.packets => Next::Send(self),
            // Nothing that changes the card has gone out.
            Step::Ask if !self.may_have_begun() => self.not_deleted(obstacle, false),
            Step::Ask | Step::Registry => self.unknown(obstacle),
        }
    }

    fn asked(self, answer: &ScriptAnswer) -> Next {
        match shown(self.terms.enterprise, answer) {
            Shown::Issued(public) if public.serial == self.terms.serial => {}
            // A terminal may find another application under the name, if ours is deleted: then it is gone.
            Shown::Issued(_) | Shown::Unissued if self.deleting => return self.gone(),
            Shown::Issued(public) => return self.not_deleted(Obstacle::Other(public.serial), false),
            Shown::Unissued => return self.not_deleted(Obstacle::Unissued, false),
            Shown::Absent if self.deleting => return self.to(Step::Registry),
            Shown::Absent => return self.ended_here(Obstacle::Absent),
            Shown::Refused(status) => return self.ended_here(Obstacle::Refused { command: 1, status }),
            Shown::Unreadable => return self.given_up(Obstacle::Unreadable),
        }
        match (read(answer, 2), read(answer, 3).map(Amount::from_bytes)) {
            (Ok([status]), Ok(balance)) => self.seen(CardStatus(status), balance, MaintenanceKey::told(answer, 4)),
            (Err(obstacle), _) | (_, Err(obstacle)) => self.ended_here(obstacle),
        }
    }

    /// The application is there and says that of itself.
    fn seen(self, status: CardStatus, balance: Amount, key: Option<MaintenanceKey>) -> Next {
        match self.refund() {
            // Somebody has taken the mark off, or moved money: it is not to be deleted as if nothing had happened.
            Some(refund) if status == CardStatus::NORMAL || balance != refund => self.unknown(Obstacle::Moved),
            Some(_) => self.delete(),
            None if status != CardStatus::NORMAL => self.settle(balance),
            None if self.suspensions >= self.tries.attempts => self.not_deleted(Obstacle::NoProof, false),
            None => match key {
                Some(key) => Next::Suspend(Suspension { deletion: self, key }),
                // An earlier edition's packet, which did not ask.
                None => self.given_up(Obstacle::Unreadable),
            },
        }
    }

    fn suspended(self, answer: &ScriptAnswer) -> Next {
        match shown(self.terms.enterprise, answer) {
            Shown::Issued(public) if public.serial == self.terms.serial => {}
            Shown::Issued(_) | Shown::Unissued | Shown::Absent => return self.to(Step::Ask),
            Shown::Refused(status) => return self.ended_here(Obstacle::Refused { command: 1, status }),
            Shown::Unreadable => return self.to(Step::Ask),
        }
        match (read::<0>(answer, 2), read(answer, 3).map(Amount::from_bytes)) {
            (Ok([]), Ok(balance)) => self.settle(balance),
            // The script stops there: the status is as it was.
            (Err(obstacle @ Obstacle::Refused { .. }), _) => self.not_deleted(obstacle, false),
            _ => self.to(Step::Ask),
        }
    }

    fn deleted(mut self, answer: &ScriptAnswer) -> Next {
        match answer.to_command(1).map(|response| response.status) {
            Some(StatusWord::OK | StatusWord::KEY_NOT_FOUND) => self.gone(),
            // A terminal has it selected, at this moment.
            Some(_) if self.unanswered.saturating_add(1) < self.tries.packets => {
                self.unanswered += 1;
                Next::Send(self)
            }
            Some(status) => self.unknown(Obstacle::Refused { command: 1, status }),
            None => self.to(Step::Registry),
        }
    }

    fn registered(self, answer: &ScriptAnswer) -> Next {
        match answer.to_command(1).map(|response| response.status) {
            Some(StatusWord::KEY_NOT_FOUND) => self.gone(),
            // It is there, and DELETE goes out again only if it is what was refunded.
            Some(StatusWord::OK) if is_locked(answer) => self.unknown(Obstacle::Locked),
            Some(StatusWord::OK) => self.to(Step::Ask),
            Some(status) => self.unknown(Obstacle::Refused { command: 1, status }),
            None => self.given_up(Obstacle::Unreadable),
        }
    }

    fn settle(self, balance: Amount) -> Next {
        Next::Settle(Settlement { balance, deletion: self })
    }

    fn delete(mut self) -> Next {
        if self.deletes >= self.tries.attempts {
            return self.unknown(Obstacle::NoProof);
        }
        self.deletes += 1;
        self.deleting = true;
        self.to(Step::Delete)
    }

    fn to(self, step: Step) -> Next {
        Next::Send(Self { step, unanswered: 0, ..self })
    }

    fn gone(self) -> Next {
        match self.refund() {
            Some(refund) => Next::Ended(Decision::Deleted { refund }),
            None => self.not_deleted(Obstacle::Absent, false),
        }
    }

    /// The card says something that this flow cannot go on from.
    fn ended_here(self, obstacle: Obstacle) -> Next {
        if !self.may_have_begun() { self.not_deleted(obstacle, false) } else { self.unknown(obstacle) }
    }

    fn not_deleted(self, obstacle: Obstacle, suspended: bool) -> Next {
        if self.refund.is_some() {
            self.unknown(obstacle)
        } else {
            Next::Ended(Decision::NotDeleted { obstacle, suspended })
        }
    }

    fn unknown(self, obstacle: Obstacle) -> Next {
        let step = if self.deleting { Step::Registry } else { Step::Ask };
        let token = Box::new(Self { step, unanswered: 0, suspensions: 0, deletes: 0, ..self });
        Next::Ended(Decision::Unknown { token, obstacle })
    }
}

impl Suspension {
    /// What is suspended.
    #[must_use]
    pub const fn terms(&self) -> &DeletionTerms {
        &self.deletion.terms
    }

    /// Which key makes the MAC.
    #[must_use]
    pub const fn maintenance_key(&self) -> MaintenanceKey {
        self.key
    }

    /// With a MAC for the packet of `counter`, which is higher than that of every packet so far.
    ///
    /// # Errors
    /// [`PlaceError`]: then [`Self::refused`], or another time.
    pub fn placed<M: PlacedMac>(&self, counter: PacketCounter, keeper: &mut M) -> Result<Next, PlaceError<M::Error>> {
        let suspend = commands::update_binary(Fid::PARAMETERS, &[CardStatus::SUSPENDED.0]);
        let suspend = with_placed_mac(&suspend, (counter, 2), keeper)?;
        let select = commands::select_application(self.deletion.terms.enterprise);
        let commands = vec![select, suspend, commands::balance(Purse::Ep)];
        let deletion = self.deletion.clone();
        let suspensions = deletion.suspensions.saturating_add(1);
        let Ok(script) = Script::new(Tar::ENTERPRISE, Form::EXPANDED, commands) else {
            return Ok(deletion.ended_here(Obstacle::NotMade));
        };
        Ok(Deletion { suspensions, suspending: true, ..deletion }.to(Step::Suspend { counter, script }))
    }

    /// Nobody makes the MAC. The card was asked a moment ago: it is not suspended.
    #[must_use]
    pub fn refused(self) -> Next {
        self.deletion.not_deleted(Obstacle::NotMade, false)
    }
}

impl Settlement {
    /// What is deleted.
    #[must_use]
    pub const fn terms(&self) -> &DeletionTerms {
        &self.deletion.terms
    }

    /// The balance, which nothing can lower or raise any more but an unload at a desk: the books refuse one from here on.
    #[must_use]
    pub const fn balance(&self) -> Amount {
        self.balance
    }

    /// It is refunded, and the books have it.
    #[must_use]
    pub fn settled(self) -> Next {
        Deletion { refund: Some(Refund(self.balance)), ..self.deletion }.delete()
    }

    /// It is not refunded: the application stays, suspended.
    #[must_use]
    pub fn refused(self) -> Next {
        self.deletion.not_deleted(Obstacle::NotSettled, true)
    }
}

/// Bit 8 of the life cycle, which stands behind `length ‖ AID`.
fn is_locked(answer: &ScriptAnswer) -> bool {
    let data = answer.to_command(1).map(|response| response.data.as_slice()).unwrap_or_default();
    let state = data.first().and_then(|length| data.get(1 + usize::from(*length)));
    state.is_some_and(|state| ApplicationState(*state).is_locked())
}
