//! The steps of an issue: INSTALL, the packets of the plan, and what is done when one of them is not answered.
//!
//! Each packet waits for the proof of the one before. Where a proof is missing the card is asked, under a higher counter, so that
//! nothing of what is still under way counts any more; what the card shows then decides. An application without a serial is no use
//! to anybody: nothing can be loaded onto it. If it has its first key alone the packets are made again, for new counters; if more
//! was written it is deleted and installed anew. That is the simplest way that is always right: which of the keys are there would
//! have to be read, and a store makes no body under a control key that may be the old one or the new. An application with a serial is
//! never deleted here. One that may have had it and is not there any more has been deleted by somebody else, and is never installed
//! again; nor is any whose issue had ended as not known.

use onecard_wire::{
    key::{CONTROL_KEY_ID, KeyType},
    number::{ApplicationSerial, EnterpriseId},
    record::PublicData,
    status::StatusWord,
};
use serde::{Deserialize, Serialize};

use super::{Decision, IssuePacket, NotIssued};
use crate::{
    apdu::Command,
    key_list,
    over_the_air::{
        Form, Obstacle, PacketCounter, ProofWay, Proven, Script, ScriptAnswer, ScriptError, Tar, Tries, commands,
        shown::{Shown, proven_answer, shown},
    },
    terminal::stored::bytes,
};

/// An issue that waits for the answer to a packet; as data it is the token that resumes it. While packets of the plan are due it holds
/// them, with the holder's data in clear; their keys are enciphered for the card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    #[serde(with = "crate::as_text")]
    enterprise: EnterpriseId,
    #[serde(with = "crate::as_text")]
    serial: ApplicationSerial,
    /// EF 0015 of the application when it is issued.
    #[serde(with = "bytes")]
    public: [u8; PublicData::LEN],
    install: Script,
    tries: Tries,
    step: Step,
    /// Packets of this question that were given up.
    unanswered: u8,
    installs: u8,
    sets: u8,
    deletes: u8,
    /// What is on the card without a serial is not to be built upon: it goes.
    spoilt: bool,
    /// The last thing that stood in the way.
    obstacle: Option<Obstacle>,
    /// What is on the card goes, and then it has ended.
    giving_up: bool,
    /// Packets of the plan have gone out, and what the card shows since is not known.
    #[serde(default)]
    written: bool,
    /// It had ended as not known: whoever was told so may have done something about it since.
    #[serde(default)]
    was_unknown: bool,
}

/// Which packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Step {
    /// INSTALL.
    Install,
    /// The first of these, under the counter it was made for.
    Write(Vec<IssuePacket>),
    /// What SELECT and the list of keys show.
    Look,
    /// Whether the domain knows the application, which SELECT does not find.
    Registry,
    /// DELETE.
    Delete,
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The script goes out: under [`Issue::counter`] if it was made for one, else under a new one.
    Send(Issue),
    /// Counters are reserved, higher than any so far, and whoever has the keys makes the packets of the plan for them.
    Make(Making),
    /// It has ended.
    Ended(Decision),
}

/// An application that is installed and has its first key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Making {
    issue: Issue,
}

impl Issue {
    /// The first packet, of an application whose EF 0015 is `public` once it is
    /// [issued](crate::issuing::issued_public_data). `install` is that of [`install_command`](super::install_command).
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn begin(public: &PublicData, install: Command, tries: Tries) -> Result<Self, ScriptError> {
        Ok(Self {
            enterprise: public.enterprise,
            serial: public.serial,
            public: public.emit(),
            install: domain(install)?,
            tries,
            step: Step::Install,
            unanswered: 0,
            installs: 1,
            sets: 0,
            deletes: 0,
            spoilt: false,
            obstacle: None,
            giving_up: false,
            written: false,
            was_unknown: false,
        })
    }

    /// Whose application.
    #[must_use]
    pub const fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    /// Its serial.
    #[must_use]
    pub const fn serial(&self) -> ApplicationSerial {
        self.serial
    }

    /// Sets of bodies that were made for it so far.
    #[must_use]
    pub const fn sets(&self) -> u8 {
        self.sets
    }

    /// Whether nothing was installed for it so far: INSTALL is due, for the first time.
    #[must_use]
    pub const fn is_at_its_beginning(&self) -> bool {
        matches!(self.step, Step::Install) && self.installs == 1
    }

    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn script(&self) -> Result<Script, ScriptError> {
        let select = commands::select_application(self.enterprise);
        match &self.step {
            Step::Install => Ok(self.install.clone()),
            Step::Write(packets) => packets.first().map(|packet| packet.script.clone()).ok_or(ScriptError::Empty),
            Step::Look => Script::new(Tar::ENTERPRISE, Form::EXPANDED, vec![select, commands::key_list()]),
            Step::Registry => domain(commands::application_status(self.enterprise)),
            Step::Delete => domain(commands::delete_application(self.enterprise)),
        }
    }

    /// The counter that the packet must have; `None`: any new one.
    #[must_use]
    pub fn counter(&self) -> Option<PacketCounter> {
        match &self.step {
            Step::Write(packets) => packets.first().map(|packet| packet.counter),
            _ => None,
        }
    }

    /// How the proof has to travel: what is read back does not fit a delivery report (19.5.5).
    #[must_use]
    pub const fn proof_way(&self) -> ProofWay {
        match self.step {
            Step::Write(_) => ProofWay::Submit,
            _ => ProofWay::Report,
        }
    }

    /// Whether the packet that is due changes the card: after a time without its proof the card is asked, and no second one sent.
    #[must_use]
    pub const fn changes_value(&self) -> bool {
        !matches!(self.step, Step::Look | Step::Registry)
    }

    /// The proof of the last packet that went out for this step.
    #[must_use]
    pub fn answered(self, proven: &Proven) -> Next {
        let answer = match proven_answer(self.script(), proven) {
            Ok(answer) => answer,
            Err(obstacle) => return self.given_up(obstacle),
        };
        match self.step {
            Step::Install => self.installed(&answer),
            Step::Write(_) => self.written(proven),
            Step::Look => self.looked(&answer),
            Step::Registry => self.registered(&answer),
            Step::Delete => self.deleted(&answer),
        }
    }

    /// No proof came of the last packet, in the time that the caller gives it; it may still be under way.
    #[must_use]
    pub fn timed_out(self) -> Next {
        self.given_up(Obstacle::NoProof)
    }

    fn given_up(mut self, obstacle: Obstacle) -> Next {
        match self.step {
            Step::Look | Step::Registry => {
                self.unanswered = self.unanswered.saturating_add(1);
                if self.unanswered < self.tries.packets { Next::Send(self) } else { self.unknown(obstacle) }
            }
            Step::Install | Step::Write(_) | Step::Delete => self.look(obstacle),
        }
    }

    fn installed(mut self, answer: &ScriptAnswer) -> Next {
        match status(answer, 1) {
            Some(StatusWord::OK) => self.make(),
            Some(status) => {
                // What is there under the name is not this INSTALL's.
                self.spoilt = true;
                self.look(Obstacle::Refused { command: 1, status })
            }
            None => self.look(Obstacle::Unreadable),
        }
    }

    fn written(mut self, proven: &Proven) -> Next {
        let Step::Write(packets) = &mut self.step else { return self.look(Obstacle::Unreadable) };
        let Some(checked) = packets.first().map(|packet| packet.check(proven)) else {
            return self.look(Obstacle::Unreadable);
        };
        match checked {
            Ok(()) => {
                packets.remove(0);
                if packets.is_empty() { self.issued() } else { Next::Send(self) }
            }
            Err(NotIssued::Different(_)) => {
                self.obstacle = Some(Obstacle::Different);
                self.unknown(Obstacle::Different)
            }
            Err(NotIssued::Ended(super::Ending::Stopped { command, status: Some(status) })) => {
                self.spoilt = true;
                self.look(Obstacle::Refused { command, status })
            }
            Err(NotIssued::Ended(_) | NotIssued::Unreadable) => self.look(Obstacle::Unreadable),
        }
    }

    fn looked(mut self, answer: &ScriptAnswer) -> Next {
        let shown = shown(self.enterprise, answer);
        // What has not arrived by now is worth nothing any more.
        self.written &= shown != Shown::Unissued;
        match shown {
            Shown::Absent => self.to(Step::Registry),
            Shown::Unissued if self.giving_up || self.spoilt || !has_first_key_alone(answer) => self.delete(),
            Shown::Unissued => self.make(),
            Shown::Issued(public) if public.emit() == self.public && self.sets > 0 => match self.obstacle {
                Some(Obstacle::Different) => self.unknown(Obstacle::Different),
                _ => self.issued(),
            },
            Shown::Issued(public) => {
                self.obstacle = Some(Obstacle::Other(public.serial));
                self.not_issued()
            }
            Shown::Refused(status) => self.unknown(Obstacle::Refused { command: 1, status }),
            Shown::Unreadable => self.given_up(Obstacle::Unreadable),
        }
    }

    fn registered(self, answer: &ScriptAnswer) -> Next {
        match status(answer, 1) {
            Some(StatusWord::KEY_NOT_FOUND) => self.absent(),
            // A lock hides it from SELECT: whether it is issued is seen when it is unlocked.
            Some(StatusWord::OK) => self.unknown(Obstacle::Locked),
            Some(status) => self.unknown(Obstacle::Refused { command: 1, status }),
            None => self.given_up(Obstacle::Unreadable),
        }
    }

    fn deleted(self, answer: &ScriptAnswer) -> Next {
        match status(answer, 1) {
            Some(StatusWord::OK | StatusWord::KEY_NOT_FOUND) => self.absent(),
            // A terminal has it selected, at this moment; or it has been issued since it was looked at (15.4.5.7.1).
            Some(status) => self.look(Obstacle::Refused { command: 1, status }),
            None => self.look(Obstacle::Unreadable),
        }
    }

    fn make(mut self) -> Next {
        if self.sets < self.tries.attempts {
            return Next::Make(Making { issue: self });
        }
        self.giving_up = true;
        self.delete()
    }

    fn delete(mut self) -> Next {
        if self.deletes >= self.tries.attempts {
            self.deletes = 0;
            let obstacle = self.obstacle.unwrap_or(Obstacle::NoProof);
            return self.unknown(obstacle);
        }
        self.deletes += 1;
        self.to(Step::Delete)
    }

    /// The card is as it was before, unless the application was whole, and somebody has deleted it since.
    fn absent(mut self) -> Next {
        if self.written {
            self.obstacle = Some(Obstacle::Gone);
            return self.not_issued();
        }
        if self.was_unknown || self.giving_up || self.installs >= self.tries.attempts {
            return self.not_issued();
        }
        self.installs += 1;
        (self.spoilt, self.deletes) = (false, 0);
        self.to(Step::Install)
    }

    fn look(mut self, obstacle: Obstacle) -> Next {
        self.obstacle = Some(obstacle);
        self.to(Step::Look)
    }

    fn to(self, step: Step) -> Next {
        Next::Send(Self { step, unanswered: 0, ..self })
    }

    fn issued(self) -> Next {
        Next::Ended(Decision::Issued { sets: self.sets })
    }

    fn not_issued(self) -> Next {
        let obstacle = self.obstacle.unwrap_or(Obstacle::NoProof);
        // Whatever is on the card now: it may have been whole before.
        let serial_spent = self.written || obstacle == Obstacle::Other(self.serial);
        Next::Ended(Decision::NotIssued { obstacle, sets: self.sets, serial_spent })
    }

    fn unknown(self, obstacle: Obstacle) -> Next {
        let token = Box::new(Self { step: Step::Look, unanswered: 0, was_unknown: true, ..self });
        Next::Ended(Decision::Unknown { token, obstacle })
    }
}

impl Making {
    /// Whose application.
    #[must_use]
    pub const fn enterprise(&self) -> EnterpriseId {
        self.issue.enterprise
    }

    /// Its serial.
    #[must_use]
    pub const fn serial(&self) -> ApplicationSerial {
        self.issue.serial
    }

    /// With the [packets](super::IssuePlan::packets) of the plan. Their counters are higher than that of every packet that has
    /// gone out: packets made before a question was asked are of no use.
    #[must_use]
    pub fn made(self, packets: Vec<IssuePacket>) -> Next {
        if packets.is_empty() {
            return self.refused();
        }
        let sets = self.issue.sets.saturating_add(1);
        Issue { sets, written: true, ..self.issue }.to(Step::Write(packets))
    }

    /// Nobody makes them: what INSTALL has made goes again.
    #[must_use]
    pub fn refused(self) -> Next {
        Issue { giving_up: true, obstacle: Some(Obstacle::NotMade), ..self.issue }.delete()
    }
}

/// A script of one command to the issuer domain.
fn domain(command: Command) -> Result<Script, ScriptError> {
    Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, vec![command])
}

fn status(answer: &ScriptAnswer, command: usize) -> Option<StatusWord> {
    answer.to_command(command).map(|response| response.status)
}

/// The list of keys is that behind INSTALL: a control key which nobody has replaced. A longer one does not fit the report (62F1).
fn has_first_key_alone(answer: &ScriptAnswer) -> bool {
    let list = answer.to_command(2).filter(|response| response.status.is_ok());
    let keys = list.and_then(|response| key_list::parse(&response.data)).unwrap_or_default();
    matches!(keys.as_slice(), [only] if only.key.key_type == KeyType::EXTERNAL && only.key.id == CONTROL_KEY_ID && only.key.version == 0)
}
