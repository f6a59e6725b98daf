//! The second wash (二次洗卡) of one key file: the control key first, under itself, then all others under it.

use onecard_wire::status::StatusWord;

use super::{
    GUESSES_MAX, Known, Note, Reached, WashingJournal,
    standing::{Basis, Owner, Presence, Standing},
};
use crate::{
    apdu::{CommandName, Refusal},
    issuing::{Cause, IssuingError, Step, script::Script},
    key_store::{Freshness, KeyStore, KeyTarget, Manner, Payload, WrapperKey, WriteKeyOrder},
    transport::Transport,
};

/// The keys of one directory, as they are to be.
pub(super) struct Plan<'p> {
    pub(super) target: KeyTarget,
    /// The operator's control key.
    pub(super) management: WrapperKey,
    /// The enterprise's.
    pub(super) own: WrapperKey,
    /// The enterprise's as what is written.
    pub(super) control: Planned<'p>,
    /// All other keys in the order of washing.
    pub(super) others: Vec<Planned<'p>>,
}

/// One WRITE KEY.
#[derive(Clone, Copy)]
pub(super) struct Planned<'p> {
    pub(super) step: Step,
    pub(super) payload: Payload<'p>,
}

/// A wash on its way.
pub(super) struct Washing<'w, 't, T: ?Sized, K: ?Sized> {
    pub(super) script: Script<'t, T>,
    pub(super) store: &'w mut K,
    pub(super) journal: &'w mut dyn WashingJournal,
    pub(super) known: Known,
    pub(super) standing: Standing,
    /// Tries of the control key that this run has spent.
    failed: u8,
    /// Whether the card took a MAC by it in this run. What shows whose key it has does not show that the store has the same one.
    proven: bool,
}

impl<'w, 't, T: Transport + ?Sized, K: KeyStore + ?Sized> Washing<'w, 't, T, K> {
    pub(super) fn new(
        script: Script<'t, T>,
        store: &'w mut K,
        journal: &'w mut dyn WashingJournal,
        known: Known,
        standing: Standing,
    ) -> Self {
        Self { script, store, journal, known, standing, failed: 0, proven: false }
    }

    /// Writes what is missing of the plan.
    pub(super) fn keys(&mut self, plan: &Plan<'_>) -> Result<(), IssuingError> {
        if self.standing.owner == Owner::Operator {
            self.wash_control(plan)?;
        }
        for (number, planned) in (0u8..).zip(&plan.others) {
            let Some(planned) = self.missing(number, *planned) else { continue };
            let mut written = self.write(plan, plan.own, planned)?;
            if written == Written::WrongMac && self.doubt(planned.step)? == Owner::Operator {
                return self.keys(plan);
            }
            if written == Written::Refused(StatusWord::WRONG_P1P2) {
                written = self.write_over(plan, planned)?;
            }
            self.done(planned.step, written)?;
            self.note(planned.step, Note::Reached(Reached::Keys(number.saturating_add(1))))?;
        }
        Ok(())
    }

    /// The control key under the operator's, which it ends.
    fn wash_control(&mut self, plan: &Plan<'_>) -> Result<(), IssuingError> {
        let step = plan.control.step;
        // The card that came so far has the enterprise's key for good.
        if self.known.may_be_whole {
            return Err(self.script.failed(step, Cause::AnotherCard));
        }
        self.note(step, Note::Reached(Reached::ControlSent))?;
        let written = self.write(plan, plan.management, plan.control)?;
        // It was washed before, then: what follows shows it.
        if written == Written::WrongMac && self.doubt(step)? == Owner::Enterprise {
            return Ok(());
        }
        self.done(step, written)?;
        self.standing.owner = Owner::Enterprise;
        self.note(step, Note::Reached(Reached::Keys(0)))
    }

    /// What is to be written of one key: nothing if the card has it.
    fn missing<'p>(&self, number: u8, planned: Planned<'p>) -> Option<Planned<'p>> {
        let written = match self.standing.presence(&planned.payload) {
            Presence::There => true,
            Presence::Absent | Presence::Other => false,
            // The card does not say which it is; the station that wrote it had this very order. Behind what it noted, another's may be.
            Presence::Unversioned | Presence::Unknown => match self.known.reached {
                Some(Reached::Keys(there)) => number < there,
                Some(Reached::ContentsSent | Reached::Contents | Reached::Good) => true,
                Some(Reached::Operator | Reached::ControlSent) | None => false,
            },
        };
        let replaces = matches!(self.standing.presence(&planned.payload), Presence::Unversioned | Presence::Other);
        let manner = if replaces { Manner::Replace } else { Manner::Add };
        (!written).then_some(planned.in_manner(manner))
    }

    /// A card without a list has a key of that name, which no journal knows: an earlier attempt wrote it, by this order or another.
    /// It is written once more. A PIN shows itself when it is verified.
    fn write_over(&mut self, plan: &Plan<'_>, planned: Planned<'_>) -> Result<Written, IssuingError> {
        if matches!(planned.payload, Payload::Pin(_)) {
            return Ok(Written::Done);
        }
        self.write(plan, plan.own, planned.in_manner(Manner::Replace))
    }

    fn write(&mut self, plan: &Plan<'_>, under: WrapperKey, planned: Planned<'_>) -> Result<Written, IssuingError> {
        let Planned { step, payload } = planned;
        self.may_try(step)?;
        let challenge = self.script.challenge(step)?;
        let order = WriteKeyOrder { target: plan.target, payload, under, fresh: Freshness::Challenge(challenge) };
        let body = self.store.write_key(&order).map_err(|error| self.script.failed(step, error))?;
        let command = order.command(&body).map_err(|error| self.script.failed(step, error))?;
        let status = self.script.ask(step, &command)?.status;
        Ok(match status {
            StatusWord::OK => {
                self.prove();
                Written::Done
            }
            StatusWord::MAC_WRONG => {
                self.failed = self.failed.saturating_add(1);
                Written::WrongMac
            }
            // The MAC was right, or it would have been said first.
            StatusWord::WRONG_P1P2 => {
                self.prove();
                Written::Refused(status)
            }
            status => Written::Refused(status),
        })
    }

    fn prove(&mut self) {
        self.standing.basis = Basis::Shown;
        self.proven = true;
    }

    /// A key that may be wrong is tried while two tries remain.
    fn may_try(&mut self, step: Step) -> Result<(), IssuingError> {
        if self.proven {
            return Ok(());
        }
        if !self.standing.spares_last_try(self.failed) {
            return Err(self.script.failed(step, Cause::LastTry));
        }
        // What the journal says may be of another card: without a list every try counts until the key has proven itself.
        if self.standing.list.is_none() {
            if self.known.guesses >= GUESSES_MAX {
                return Err(self.script.failed(step, Cause::LastTry));
            }
            self.note(step, Note::Guess)?;
        }
        Ok(())
    }

    /// The control key was not the one it was taken for: whose it is then.
    fn doubt(&mut self, step: Step) -> Result<Owner, IssuingError> {
        match self.standing.basis {
            Basis::Shown | Basis::LastChance => return Err(self.script.failed(step, Cause::NeitherKey)),
            Basis::Likely | Basis::Guessed => {}
        }
        self.standing.owner = match self.standing.owner {
            Owner::Operator => Owner::Enterprise,
            Owner::Enterprise => Owner::Operator,
        };
        self.standing.basis = Basis::LastChance;
        if self.standing.owner == Owner::Operator {
            // Whatever the journal says: no other key is there.
            self.known.reached = Some(Reached::Operator);
        }
        Ok(self.standing.owner)
    }

    fn done(&self, step: Step, written: Written) -> Result<(), IssuingError> {
        let status = match written {
            Written::Done => return Ok(()),
            Written::WrongMac => StatusWord::MAC_WRONG,
            Written::Refused(status) => status,
        };
        Err(self.script.failed(step, Refusal { command: CommandName::WriteKey, status }))
    }

    pub(super) fn note(&mut self, step: Step, note: Note) -> Result<(), IssuingError> {
        self.journal.note(note).map_err(|error| self.script.failed(step, error))?;
        // What was known before is kept: it says which order is on the card.
        if note == Note::Guess {
            self.known = self.known.with(note);
        }
        Ok(())
    }
}

/// What became of a WRITE KEY.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Done,
    /// The control key is another. The card changed nothing but one try.
    WrongMac,
    Refused(StatusWord),
}

impl<'p> Planned<'p> {
    /// In the place of the key that stands there.
    pub(super) fn replacing(self) -> Self {
        self.in_manner(Manner::Replace)
    }

    fn in_manner(self, wanted: Manner) -> Self {
        let payload = match self.payload {
            Payload::CardKey { name, id, .. } => Payload::CardKey { name, id, manner: wanted },
            other => other,
        };
        Self { payload, ..self }
    }
}
