//! What is done to a card, of whichever kind: a packet that is due, an answer that is judged, an end.

use onecard_host::over_the_air::{
    PacketCounter, PacketStatus, ProofOfReceipt, ProofWay, Proven, RequestOutcome, Script, ScriptError, Spi,
    deletion::{self, Deletion},
    issue::{self, Issue},
    lock::{self, Lock, Way},
    recharge::{self, Recharge},
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId},
};
use serde::{Deserialize, Serialize};

use super::{
    content::ApplicationContent,
    desk::{Desk, NotSaid, Place},
};

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
    /// An application issued over the air (空中发卡).
    Issue {
        /// What goes into it.
        content: Box<ApplicationContent>,
        /// How far it got.
        issue: Box<Issue>,
    },
    /// An application deleted over the air (空中注销).
    Deletion(Box<Deletion>),
    /// The same, because its holder asked for it at the phone's menu, who is told.
    RequestedDeletion(Box<Deletion>),
    /// What became of such a request, which the phone shows once (15.6.7).
    Tell {
        /// What.
        outcome: RequestOutcome,
        /// Packets left to tell it by.
        packets_left: u8,
    },
    /// An application reported lost, or found (空中挂失、解挂).
    Lock(Box<Lock>),
}

/// What a flow does next.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// A packet, under a new counter unless it was made for one.
    Packet(Flow),
    /// Nothing any more.
    End(Outcome),
}

/// What came of the last packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Came<'p> {
    /// Its proof.
    Proof(&'p Proven),
    /// Nothing, in the time that it was given.
    Nothing,
}

impl Came<'_> {
    /// Tells a flow.
    fn to<F, N>(self, flow: F, answered: impl FnOnce(F, &Proven) -> N, timed_out: impl FnOnce(F) -> N) -> N {
        match self {
            Self::Proof(proven) => answered(flow, proven),
            Self::Nothing => timed_out(flow),
        }
    }
}

/// How a flow ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Whether what it was for has been done.
    pub ending: Ending,
    /// Of a recharge: what the card got, is to be paid back, or is in doubt. Of a deletion: what is refunded, once.
    pub amount: Option<Amount>,
    /// The rest, for people and for settlement.
    pub report: OutcomeReport,
    /// Unknown: what resumes it.
    pub token: Option<Flow>,
    /// What the holder is told, who asked for it.
    pub tell: Option<RequestOutcome>,
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
    /// Of an issue: the serial of the application.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// Sets of bodies that were made for an issue: a key master card has given as many exports of each key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sets: Option<u8>,
    /// The serial is or may have been on a card, or was reported lost: it is given to nobody else, although this order was not
    /// carried out.
    #[serde(skip_serializing_if = "core::ops::Not::not", default)]
    pub serial_spent: bool,
    /// The application is there and takes no purchase: somebody has to write its status back.
    #[serde(skip_serializing_if = "core::ops::Not::not", default)]
    pub suspended: bool,
    /// What stood in the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Packets by which an outcome is told.
const TELLINGS: u8 = 3;

impl Flow {
    /// The telling of an outcome.
    pub(super) const fn telling(outcome: RequestOutcome) -> Self {
        Self::Tell { outcome, packets_left: TELLINGS }
    }

    /// What its holder is told of that ending, if he asked for it.
    pub(super) const fn told(&self, ending: Ending) -> Option<RequestOutcome> {
        match self {
            Self::RequestedDeletion(_) => told(ending),
            _ => None,
        }
    }

    /// Whether it is a report of loss, and of which application.
    pub(super) fn lost(&self) -> Option<ApplicationSerial> {
        match self {
            Self::Lock(lock) if lock.terms().way == Way::Lost => Some(lock.terms().serial),
            _ => None,
        }
    }

    /// How it ends when a loss of `lost`, reported later, begins before it does; `None`: it goes on behind. Of an issue or a recharge
    /// that any packet was made for nobody can say here that the card has nothing of it.
    pub(super) fn overtaken_by_loss_of(&self, lost: ApplicationSerial, is_untouched: bool) -> Option<Outcome> {
        const BEFORE_IT_BEGAN: &str = "reported lost before it began 先已挂失";
        match self {
            Self::Lock(lock) if lock.terms().way == Way::Found && lock.terms().serial == lost => {
                Some(Outcome::not_committed("a later report of loss has taken its place 已被后来的挂失取代"))
            }
            Self::Recharge { serial, recharge } if is_untouched && *serial == lost => {
                let amount = Some(recharge.terms().amount);
                Some(Outcome { amount, ..Outcome::not_committed(BEFORE_IT_BEGAN) })
            }
            // Whoever got the serial next would have that of a lost card.
            Self::Issue { issue, .. } if is_untouched && issue.serial() == lost => {
                Some(Outcome::not_issued(issue, BEFORE_IT_BEGAN))
            }
            _ => None,
        }
    }

    /// How it ends if somebody gives it up while it waits for whoever has to say or make something: an issue that no body was made
    /// for, or what has written nothing onto the card. `None`: it cannot be given up.
    pub(super) fn given_up(&self) -> Option<Outcome> {
        const BEFORE_IT_WROTE: &str = "given up before anything was written 已放弃";
        match self {
            Self::Lock(lock) if !lock.may_have_written() => Some(Outcome::not_committed(BEFORE_IT_WROTE)),
            Self::Deletion(deletion) | Self::RequestedDeletion(deletion) if !deletion.may_have_begun() => {
                let tell = self.told(Ending::NotCommitted);
                Some(Outcome { tell, ..Outcome::not_committed(BEFORE_IT_WROTE) })
            }
            // An application of that serial, though an empty one, stays on the card.
            Self::Issue { issue, .. } if issue.sets() == 0 => {
                Some(Outcome::not_issued(issue, "given up before anything was made for it 已放弃"))
            }
            _ => None,
        }
    }

    /// The commands of the packet that is due.
    ///
    /// # Errors
    /// [`ScriptError`]: a flow that was not made by this program.
    pub(super) fn script(&self) -> Result<Script, ScriptError> {
        match self {
            Self::Recharge { recharge, .. } => recharge.script(),
            Self::Issue { issue, .. } => issue.script(),
            Self::Deletion(deletion) | Self::RequestedDeletion(deletion) => deletion.script(),
            Self::Tell { outcome, .. } => outcome.script(),
            Self::Lock(lock) => lock.script(),
        }
    }

    /// The counter that the packet was made for; `None`: the next one.
    pub(super) fn counter(&self) -> Option<PacketCounter> {
        match self {
            Self::Recharge { recharge, .. } => recharge.counter(),
            Self::Tell { .. } => None,
            Self::Issue { issue, .. } => issue.counter(),
            Self::Deletion(deletion) | Self::RequestedDeletion(deletion) => deletion.counter(),
            Self::Lock(lock) => lock.counter(),
        }
    }

    /// How the packet is secured, and by which way its proof comes.
    pub(super) fn spi(&self) -> Spi {
        match self {
            Self::Issue { issue, .. } => spi(issue.proof_way()),
            Self::Recharge { recharge, .. } => spi(recharge.proof_way()),
            _ => Spi::FULL,
        }
    }

    /// Whether the packet that is due or out changes the card: it goes out once, and after a time without proof the card is asked.
    pub(super) const fn changes_value(&self) -> bool {
        match self {
            Self::Recharge { recharge, .. } => recharge.changes_value(),
            Self::Issue { issue, .. } => issue.changes_value(),
            Self::Deletion(deletion) | Self::RequestedDeletion(deletion) => deletion.changes_value(),
            // It is shown once: a copy that comes behind it is refused by its counter.
            Self::Tell { .. } => false,
            Self::Lock(lock) => lock.changes_value(),
        }
    }

    /// An issue that has put nothing on the card yet: of which enterprise, and what goes into it.
    pub(super) fn issue_to_begin(&self) -> Option<(EnterpriseId, &ApplicationContent)> {
        match self {
            Self::Issue { content, issue } if issue.is_at_its_beginning() => Some((issue.enterprise(), content)),
            _ => None,
        }
    }

    /// Goes on with what came of the last packet.
    ///
    /// # Errors
    /// [`NotSaid::Unavailable`]: whoever has to judge it is not there; the same is handed in again later.
    pub(super) fn goes_on(
        self,
        came: Came<'_>,
        desk: &mut impl Desk,
        place: &mut Place<'_>,
        moment: Moment,
    ) -> Result<Step, NotSaid> {
        match self {
            Self::Recharge { serial, recharge } => {
                let amount = recharge.terms().amount;
                let next = came.to(recharge, Recharge::answered, Recharge::timed_out);
                of_recharge((serial, amount), next, desk, (place, moment))
            }
            Self::Issue { content, issue } => {
                let serial = issue.serial();
                let next = came.to(*issue, Issue::answered, Issue::timed_out);
                of_issue((content, serial), next, desk, place)
            }
            Self::Deletion(deletion) => of_deletion((*deletion, came), desk, place, Self::Deletion),
            Self::RequestedDeletion(deletion) => {
                let step = of_deletion((*deletion, came), desk, place, Self::RequestedDeletion)?;
                Ok(match step {
                    Step::End(outcome) => Step::End(Outcome { tell: told(outcome.ending), ..outcome }),
                    step => step,
                })
            }
            Self::Tell { outcome, packets_left } => Ok(of_telling(outcome, packets_left, came)),
            Self::Lock(lock) => of_lock(came.to(*lock, Lock::answered, Lock::timed_out), desk, place),
        }
    }
}

/// Every security, and the proof by that way.
pub(super) const fn spi(way: ProofWay) -> Spi {
    Spi { proof: ProofOfReceipt { way, ..Spi::FULL.proof }, ..Spi::FULL }
}

fn of_recharge(
    (serial, amount): (ApplicationSerial, Amount),
    mut next: recharge::Next,
    desk: &mut impl Desk,
    (place, moment): (&mut Place<'_>, Moment),
) -> Result<Step, NotSaid> {
    use recharge::{Decision, Next};
    let decision = loop {
        next = match next {
            Next::Send(recharge) => return Ok(Step::Packet(Flow::Recharge { serial, recharge })),
            Next::Approve(approval) => desk.approve(serial, approval, moment)?,
            Next::Judge(judgement) => desk.judge(serial, judgement, place)?,
            Next::Ended(decision) => break decision,
        };
    };
    let (ending, report, token) = match decision {
        Decision::Credited { tac, balance } => {
            let (tac, balance_fen) = (tac.map(hex::encode_upper), balance.map(Amount::fen));
            (Ending::Committed, OutcomeReport { tac, balance_fen, ..OutcomeReport::default() }, None)
        }
        Decision::NotCredited(obstacle) => (Ending::NotCommitted, OutcomeReport::because(obstacle), None),
        Decision::Unknown { token, obstacle } => {
            let token = Flow::Recharge { serial, recharge: token };
            (Ending::Unknown, OutcomeReport::because(obstacle), Some(token))
        }
    };
    Ok(Step::End(Outcome { ending, amount: Some(amount), report, token, tell: None }))
}

fn of_issue(
    (content, serial): (Box<ApplicationContent>, ApplicationSerial),
    mut next: issue::Next,
    desk: &mut impl Desk,
    place: &mut Place<'_>,
) -> Result<Step, NotSaid> {
    use issue::{Decision, Next};
    let decision = loop {
        next = match next {
            Next::Send(issue) => return Ok(Step::Packet(Flow::Issue { content, issue: Box::new(issue) })),
            Next::Make(making) => desk.make(making, &content, place)?,
            Next::Ended(decision) => break decision,
        };
    };
    let (ending, sets, report, token) = match decision {
        Decision::Issued { sets } => (Ending::Committed, sets, OutcomeReport::default(), None),
        Decision::NotIssued { obstacle, sets, serial_spent } => {
            let report = OutcomeReport { serial_spent, ..OutcomeReport::because(obstacle) };
            (Ending::NotCommitted, sets, report, None)
        }
        Decision::Unknown { token, obstacle } => (
            Ending::Unknown,
            token.sets(),
            OutcomeReport::because(obstacle),
            Some(Flow::Issue { content, issue: token }),
        ),
    };
    let report = OutcomeReport { serial: Some(serial.to_string()), sets: Some(sets), ..report };
    Ok(Step::End(Outcome { ending, amount: None, report, token, tell: None }))
}

fn of_deletion(
    (deletion, came): (Deletion, Came<'_>),
    desk: &mut impl Desk,
    place: &mut Place<'_>,
    flow: fn(Box<Deletion>) -> Flow,
) -> Result<Step, NotSaid> {
    use deletion::{Decision, Next};
    let mut next = came.to(deletion, Deletion::answered, Deletion::timed_out);
    let decision = loop {
        next = match next {
            Next::Send(deletion) => return Ok(Step::Packet(flow(Box::new(deletion)))),
            Next::Suspend(suspension) => desk.suspend(suspension, place)?,
            Next::Settle(settlement) => desk.settle(settlement)?,
            Next::Ended(decision) => break decision,
        };
    };
    Ok(Step::End(match decision {
        Decision::Deleted { refund } => Outcome {
            ending: Ending::Committed,
            amount: Some(refund),
            report: OutcomeReport::default(),
            token: None,
            tell: None,
        },
        Decision::NotDeleted { obstacle, suspended } => {
            let report = OutcomeReport { suspended, ..OutcomeReport::because(obstacle) };
            Outcome { ending: Ending::NotCommitted, amount: None, report, token: None, tell: None }
        }
        Decision::Unknown { token, obstacle } => {
            let refund = token.refund();
            unknown(flow(token), refund, obstacle)
        }
    }))
}

fn of_lock(mut next: lock::Next, desk: &mut impl Desk, place: &mut Place<'_>) -> Result<Step, NotSaid> {
    use lock::{Decision, Next};
    let decision = loop {
        next = match next {
            Next::Send(lock) => return Ok(Step::Packet(Flow::Lock(Box::new(lock)))),
            Next::Write(writing) => desk.write_status(writing, place)?,
            Next::Ended(decision) => break decision,
        };
    };
    let ended = |ending, report| Outcome { ending, amount: None, report, token: None, tell: None };
    Ok(Step::End(match decision {
        Decision::Done => ended(Ending::Committed, OutcomeReport::default()),
        Decision::NotDone(obstacle) => ended(Ending::NotCommitted, OutcomeReport::because(obstacle)),
        Decision::Unknown { token, obstacle } => unknown(Flow::Lock(token), None, obstacle),
    }))
}

/// The phone has got it when its card has answered: whether it was shown nobody is told.
fn of_telling(outcome: RequestOutcome, packets_left: u8, came: Came<'_>) -> Step {
    let ended = |ending, report| Step::End(Outcome { ending, amount: None, report, token: None, tell: None });
    match (came, packets_left) {
        (Came::Proof(proven), _) if proven.status() == PacketStatus::OK => {
            ended(Ending::Committed, OutcomeReport::default())
        }
        (_, packets_left @ 1..) => Step::Packet(Flow::Tell { outcome, packets_left: packets_left - 1 }),
        _ => ended(Ending::NotCommitted, OutcomeReport::because("the phone was not reached 手机未响应")),
    }
}

/// What the holder of an application is told of its deletion.
const fn told(ending: Ending) -> Option<RequestOutcome> {
    match ending {
        Ending::Committed => Some(RequestOutcome::Deleted),
        Ending::NotCommitted => Some(RequestOutcome::NotDeleted),
        // Neither is true yet.
        Ending::Unknown => None,
    }
}

impl Outcome {
    /// Nothing was done, and there is no money in it.
    pub(super) fn not_committed(reason: impl ToString) -> Self {
        let report = OutcomeReport::because(reason);
        Self { ending: Ending::NotCommitted, amount: None, report, token: None, tell: None }
    }

    /// An issue that does not go on; its serial is given to nobody else.
    fn not_issued(issue: &Issue, reason: &str) -> Self {
        let (serial, sets) = (Some(issue.serial().to_string()), Some(issue.sets()));
        let mut outcome = Self::not_committed(reason);
        outcome.report = OutcomeReport { serial, sets, serial_spent: true, ..outcome.report };
        outcome
    }
}

fn unknown(token: Flow, amount: Option<Amount>, obstacle: impl ToString) -> Outcome {
    let report = OutcomeReport::because(obstacle);
    Outcome { ending: Ending::Unknown, amount, report, token: Some(token), tell: None }
}

impl OutcomeReport {
    fn because(reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::default() }
    }
}
