//! A card reported lost over the air (空中挂失), and the reverse (空中解挂): the status in EF 0017 (specification 19.10).
//!
//! Nothing here sends, waits or keeps: [`Lock`] is what waits for the answer to one packet. It begins by asking, writes under the
//! maintenance key's MAC, reads back in the same packet, and asks again where a proof is missing.

use onecard_wire::{
    fid::Fid,
    number::{ApplicationSerial, EnterpriseId},
    record::CardStatus,
};
use serde::{Deserialize, Serialize};

use super::{
    Form, MaintenanceKey, Obstacle, PacketCounter, PlaceError, PlacedMac, Proven, Script, ScriptAnswer, ScriptError,
    Tar, Tries, commands,
    placed::with_placed_mac,
    shown::{Shown, proven_answer, read, shown},
};

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Way {
    /// From 00 to 03.
    Lost,
    /// From 03 to 00. Whoever takes a card off the blacklist does that first, or the next terminal marks it again.
    Found,
}

/// Which application, and what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockTerms {
    /// Whose application.
    #[serde(with = "crate::as_text")]
    pub enterprise: EnterpriseId,
    /// Its serial.
    #[serde(with = "crate::as_text")]
    pub serial: ApplicationSerial,
    /// Lost or found.
    pub way: Way,
}

/// A lock that waits for the answer to a packet; as data it is the token that resumes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    terms: LockTerms,
    tries: Tries,
    step: Step,
    /// Packets of this step that were given up.
    unanswered: u8,
    /// Writes that have gone out since it began or was resumed.
    writes: u8,
    /// Whether one has gone out ever.
    written: bool,
}

/// Which packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Step {
    /// Serial, status and which maintenance key there is.
    Ask,
    /// The new status, made for one counter.
    Write { counter: PacketCounter, script: Script },
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The script goes out: under [`Lock::counter`] if it was made for one, else under a new one.
    Send(Lock),
    /// A counter is reserved, and whoever has the maintenance key makes the MAC for it.
    Write(Writing),
    /// It has ended.
    Ended(Decision),
}

/// A status that is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writing {
    lock: Lock,
    key: MaintenanceKey,
}

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The card says so.
    Done,
    /// The card is as it was.
    NotDone(Obstacle),
    /// Not known: sending the token's script goes on by asking.
    Unknown {
        /// To be kept.
        token: Box<Lock>,
        /// What stood in the way.
        obstacle: Obstacle,
    },
}

impl Way {
    const fn from(self) -> CardStatus {
        match self {
            Self::Lost => CardStatus::NORMAL,
            Self::Found => CardStatus::LOST,
        }
    }

    const fn to(self) -> CardStatus {
        match self {
            Self::Lost => CardStatus::LOST,
            Self::Found => CardStatus::NORMAL,
        }
    }
}

impl Lock {
    /// The first packet.
    #[must_use]
    pub const fn begin(terms: LockTerms, tries: Tries) -> Self {
        Self { terms, tries, step: Step::Ask, unanswered: 0, writes: 0, written: false }
    }

    /// What is locked, or unlocked.
    #[must_use]
    pub const fn terms(&self) -> &LockTerms {
        &self.terms
    }

    /// Whether a new status has gone out: until then the card is as it was.
    #[must_use]
    pub const fn may_have_written(&self) -> bool {
        self.written
    }

    /// The counter that the packet must have; `None`: any new one.
    #[must_use]
    pub const fn counter(&self) -> Option<PacketCounter> {
        match self.step {
            Step::Write { counter, .. } => Some(counter),
            Step::Ask => None,
        }
    }

    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn script(&self) -> Result<Script, ScriptError> {
        match &self.step {
            Step::Ask => {
                let select = commands::select_application(self.terms.enterprise);
                // Last, for a card that does not know it ends the script there.
                let commands = vec![select, read_status(), commands::maintenance_check_value()];
                Script::new(Tar::ENTERPRISE, Form::EXPANDED, commands)
            }
            Step::Write { script, .. } => Ok(script.clone()),
        }
    }

    /// Whether the packet that is due changes the card: after a time without its proof the card is asked, and no second one sent.
    #[must_use]
    pub const fn changes_value(&self) -> bool {
        matches!(self.step, Step::Write { .. })
    }

    /// The proof of the last packet that went out for this step.
    #[must_use]
    pub fn answered(self, proven: &Proven) -> Next {
        let answer = match proven_answer(self.script(), proven) {
            Ok(answer) => answer,
            Err(obstacle) => return self.given_up(obstacle),
        };
        match shown(self.terms.enterprise, &answer) {
            Shown::Issued(public) if public.serial == self.terms.serial => {}
            Shown::Issued(public) => return self.ended_here(Obstacle::Other(public.serial)),
            Shown::Unissued => return self.ended_here(Obstacle::Unissued),
            Shown::Absent => return self.ended_here(Obstacle::Absent),
            Shown::Refused(status) => return self.ended_here(Obstacle::Refused { command: 1, status }),
            Shown::Unreadable => return self.given_up(Obstacle::Unreadable),
        }
        match self.step {
            Step::Ask => self.asked(&answer),
            Step::Write { .. } => self.wrote(&answer),
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
            Step::Write { .. } => self.to(Step::Ask),
            Step::Ask if self.unanswered < self.tries.packets => Next::Send(self),
            Step::Ask => self.ended_here(obstacle),
        }
    }

    fn asked(self, answer: &ScriptAnswer) -> Next {
        let [status] = match read(answer, 2) {
            Ok(status) => status,
            Err(obstacle) => return self.ended_here(obstacle),
        };
        if status == self.terms.way.to().0 {
            return Next::Ended(Decision::Done);
        }
        // Of a card that says something else a write of before was not executed, and under the higher counter it never is.
        if status != self.terms.way.from().0 {
            return Next::Ended(Decision::NotDone(Obstacle::Status(status)));
        }
        if self.writes >= self.tries.attempts {
            return Next::Ended(Decision::NotDone(Obstacle::NoProof));
        }
        match MaintenanceKey::told(answer, 3) {
            Some(key) => Next::Write(Writing { lock: self, key }),
            // An earlier edition's packet, which did not ask.
            None => self.given_up(Obstacle::Unreadable),
        }
    }

    fn wrote(self, answer: &ScriptAnswer) -> Next {
        match (read::<0>(answer, 2), read(answer, 3)) {
            (Ok([]), Ok([status])) if status == self.terms.way.to().0 => Next::Ended(Decision::Done),
            // The script stops there: the status is as it was.
            (Err(obstacle @ Obstacle::Refused { .. }), _) => Next::Ended(Decision::NotDone(obstacle)),
            _ => self.to(Step::Ask),
        }
    }

    fn to(self, step: Step) -> Next {
        Next::Send(Self { step, unanswered: 0, ..self })
    }

    fn ended_here(self, obstacle: Obstacle) -> Next {
        if !self.written {
            return Next::Ended(Decision::NotDone(obstacle));
        }
        let token = Box::new(Self { step: Step::Ask, unanswered: 0, writes: 0, ..self });
        Next::Ended(Decision::Unknown { token, obstacle })
    }
}

impl Writing {
    /// What is locked, or unlocked.
    #[must_use]
    pub const fn terms(&self) -> &LockTerms {
        &self.lock.terms
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
        let lock = self.lock.clone();
        let write = commands::update_binary(Fid::PARAMETERS, &[lock.terms.way.to().0]);
        let write = with_placed_mac(&write, (counter, 2), keeper)?;
        let commands = vec![commands::select_application(lock.terms.enterprise), write, read_status()];
        let Ok(script) = Script::new(Tar::ENTERPRISE, Form::EXPANDED, commands) else {
            return Ok(lock.ended_here(Obstacle::NotMade));
        };
        let writes = lock.writes.saturating_add(1);
        Ok(Lock { writes, written: true, ..lock }.to(Step::Write { counter, script }))
    }

    /// Nobody makes the MAC. The card was asked a moment ago: it is as it was.
    #[must_use]
    pub fn refused(self) -> Next {
        Next::Ended(Decision::NotDone(Obstacle::NotMade))
    }
}

fn read_status() -> crate::apdu::Command {
    commands::read_binary(Fid::PARAMETERS, 1)
}
