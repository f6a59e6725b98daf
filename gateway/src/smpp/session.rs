//! One connection's conversation with a message centre: bytes and time go in, bytes and events come out.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use onecard_host::over_the_air::message::Address;
use onecard_wire::{
    ota::{DCS_DATA_CLASS_2, PID_DOWNLOAD, USER_DATA_MAX},
    smpp::{
        CommandId, CommandStatus, RECEIPT_WANTED, SEQUENCE_MAX, VERSION, esm_class,
        pdu::{self, Bind, Body, Frame, Malformed, Party, Pdu, Role},
        validity::RelativeTime,
    },
};
use zeroize::{Zeroize, Zeroizing};

use super::{
    account::{Account, LinkTerms},
    inbound::Inbound,
    pace::Rate,
};
use crate::carrier::{Delivery, Event, NoRoom, ShortMessage, Ticket};

/// More than this that the centre does not read, and it is gone.
const OUTPUT_MAX: usize = 1 << 20;
/// Room for a bind, so that the buffer does not grow, and leave its password behind.
const BIND_ROOM: usize = 256;
/// A hold grows to 2 to this of the first.
const HOLD_DOUBLINGS_MAX: u32 = 4;

/// A conversation, from the bind to its end.
#[derive(Debug)]
pub struct Session {
    state: State,
    role: Role,
    terms: LinkTerms,
    rate: Rate,
    input: Vec<u8>,
    /// Erased when it is dropped: the bind's password is in it.
    output: Zeroizing<Vec<u8>>,
    last_sequence: u32,
    /// Requests without an answer, by their sequence number.
    asked: BTreeMap<u32, Asked>,
    submitted: usize,
    /// Whether enquire_link is among them.
    enquires: bool,
    /// Sequence numbers of deliver_sm that wait for their answer.
    unacknowledged: HashMap<Delivery, u32>,
    last_delivery: u64,
    events: Vec<Event>,
    /// When the last PDU came.
    heard: Duration,
    held_until: Duration,
    holds: u32,
    passed_over: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Binding,
    Bound,
    Unbinding,
    Ended(Ended),
}

#[derive(Debug)]
struct Asked {
    what: Request,
    at: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Request {
    Bind,
    Submit { ticket: Ticket, is_timed: bool },
    EnquireLink,
    Unbind,
}

/// Why a conversation has ended, for good.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ended {
    /// The centre does not let this account in.
    #[error("the message centre refuses the bind ({0}): check system_id and password")]
    BindRefused(CommandStatus),
    /// As this side asked.
    #[error("unbound")]
    Unbound,
    /// As the centre asked.
    #[error("the message centre has unbound")]
    UnboundByCentre,
    /// An answer is overdue.
    #[error("the message centre has not answered {0} in time")]
    Silent(&'static str),
    /// The connection is gone.
    #[error("the connection to the message centre is lost: {0}")]
    Lost(String),
    /// Where the next PDU begins cannot be known.
    #[error("the message centre sent a command_length of {0}: no PDU has that")]
    Broken(u32),
    /// What no centre may do.
    #[error("the message centre misbehaves: {0}")]
    Misbehaved(&'static str),
}

impl Session {
    /// Begins on a new connection, with the bind to that role. Its deliveries are numbered behind `last_delivery`.
    #[must_use]
    pub fn open((account, role): (&Account, Role), terms: LinkTerms, last_delivery: u64, now: Duration) -> Self {
        let mut session = Self {
            state: State::Binding,
            role,
            rate: Rate::new(terms.rate),
            terms,
            input: Vec::new(),
            output: Zeroizing::new(Vec::with_capacity(BIND_ROOM)),
            last_sequence: 0,
            asked: BTreeMap::new(),
            submitted: 0,
            enquires: false,
            unacknowledged: HashMap::new(),
            last_delivery,
            events: Vec::new(),
            heard: now,
            held_until: Duration::ZERO,
            holds: 0,
            passed_over: 0,
        };
        let (system_id, password) = (account.system_id(), account.password().as_bytes());
        let bind = Bind { system_id, password, system_type: "", version: VERSION };
        session.ask(Request::Bind, Body::Bind(role, bind), now);
        session
    }

    /// Bytes from the centre, in whatever pieces they come.
    pub fn read(&mut self, bytes: &[u8], now: Duration) {
        if self.ended().is_some() {
            return;
        }
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut rest = input.as_slice();
        while self.ended().is_none() {
            match Frame::first_of(rest) {
                Frame::Partial => break,
                Frame::Broken(length) => {
                    self.answer(0, CommandStatus::INVALID_COMMAND_LENGTH, Body::GenericNack);
                    self.end(Ended::Broken(length));
                }
                Frame::Whole(length) => {
                    let (frame, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                    rest = behind;
                    self.heard = now;
                    match Pdu::parse(frame) {
                        Ok(pdu) => self.serve(&pdu, now),
                        Err(malformed) => self.serve_malformed(malformed),
                    }
                }
            }
        }
        self.input = rest.to_vec();
    }

    /// Does what is due by then.
    pub fn tick(&mut self, now: Duration) {
        if self.ended().is_some() {
            return;
        }
        // Numbers go up, so the first is the oldest.
        if let Some(Asked { what, at }) = self.asked.values().next()
            && *at + self.terms.answer_within <= now
        {
            return self.end(Ended::Silent(what.name()));
        }
        if self.state == State::Bound && !self.enquires && self.heard + self.terms.enquire_after <= now {
            self.enquires = true;
            self.ask(Request::EnquireLink, Body::EnquireLink, now);
        }
    }

    /// What is to be written to the connection.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many of these bytes are written.
    pub fn written(&mut self, count: usize) {
        if count < self.output.len() {
            drop(self.output.drain(..count));
        } else if self.state == State::Binding {
            // The password was in it.
            self.output.zeroize();
        } else {
            self.output.clear();
        }
    }

    /// How many messages it takes now.
    #[must_use]
    pub fn room(&self, now: Duration) -> usize {
        if self.role == Role::Receiver || self.state != State::Bound || now < self.held_until {
            return 0;
        }
        self.rate.allows(now, self.terms.window.saturating_sub(self.submitted))
    }

    /// Hands a message over, which is of use for so long.
    ///
    /// # Errors
    /// [`NoRoom`]: nothing was sent.
    pub fn submit(
        &mut self,
        ticket: Ticket,
        message: &ShortMessage,
        validity: Duration,
        now: Duration,
    ) -> Result<(), NoRoom> {
        if self.room(now) == 0 {
            return Err(NoRoom);
        }
        let numbers = self.terms.platform.digits().zip(message.phone.digits());
        let Some((from, to)) = numbers else {
            self.refuse(ticket, CommandStatus::INVALID_DESTINATION);
            return Ok(());
        };
        if message.user_data.len() > USER_DATA_MAX {
            self.refuse(ticket, CommandStatus::INVALID_MESSAGE_LENGTH);
            return Ok(());
        }
        let platform = self.terms.platform.clone();
        let validity = self.terms.validity_min.map(|least| RelativeTime::of(validity.max(least)));
        let body = Body::SubmitSm(pdu::ShortMessage {
            source: party(&platform, &from),
            destination: party(&message.phone, &to),
            esm_class: esm_class::HEADER,
            protocol_id: PID_DOWNLOAD,
            validity_period: validity.as_ref().map(RelativeTime::as_str).unwrap_or_default(),
            registered_delivery: if self.terms.receipts { RECEIPT_WANTED } else { 0 },
            data_coding: DCS_DATA_CLASS_2,
            short_message: &message.user_data,
            payload: None,
            receipted_message_id: None,
            message_state: None,
        });
        self.rate.take(now);
        self.submitted += 1;
        self.ask(Request::Submit { ticket, is_timed: validity.is_some() }, body, now);
        Ok(())
    }

    /// Answers a deliver_sm; one that is not known any more is passed over.
    pub fn acknowledge(&mut self, delivery: Delivery) {
        if let Some(sequence) = self.unacknowledged.remove(&delivery) {
            self.answer(sequence, CommandStatus::OK, Body::DeliverSmResponse);
        }
    }

    /// What has happened since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Ends it in order: nothing is sent any more, and what is under way is waited for.
    pub fn unbind(&mut self, now: Duration) {
        match self.state {
            State::Bound => {
                self.state = State::Unbinding;
                self.ask(Request::Unbind, Body::Unbind, now);
            }
            State::Binding => self.end(Ended::Unbound),
            State::Unbinding | State::Ended(_) => {}
        }
    }

    /// Ends it at once: whatever had no answer is told as [`Event::Unanswered`]. What has ended stays as it is.
    pub fn end(&mut self, why: Ended) {
        if self.ended().is_some() {
            return;
        }
        self.state = State::Ended(why);
        self.unacknowledged.clear();
        self.submitted = 0;
        for asked in std::mem::take(&mut self.asked).into_values() {
            if let Request::Submit { ticket, .. } = asked.what {
                self.events.push(Event::Unanswered { ticket });
            }
        }
    }

    /// Why it has ended; `None` while it goes on.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        match &self.state {
            State::Ended(why) => Some(why),
            _ => None,
        }
    }

    /// Whether the centre has let this account in, and nothing has ended that.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.state == State::Bound
    }

    /// Number of the last delivery that was told.
    #[must_use]
    pub const fn last_delivery(&self) -> u64 {
        self.last_delivery
    }

    /// Messages that were acknowledged at once since nobody waits for them: texts, intermediate notifications, what cannot be read.
    #[must_use]
    pub const fn passed_over(&self) -> u64 {
        self.passed_over
    }

    fn serve(&mut self, pdu: &Pdu<'_>, now: Duration) {
        let sequence = pdu.sequence;
        match pdu.body {
            Body::EnquireLink => self.answer(sequence, CommandStatus::OK, Body::EnquireLinkResponse),
            Body::Unbind => {
                self.answer(sequence, CommandStatus::OK, Body::UnbindResponse);
                self.end(Ended::UnboundByCentre);
            }
            Body::DeliverSm(ref message) => self.deliver(sequence, message),
            // Neither has an answer.
            Body::Other(CommandId::ALERT_NOTIFICATION | CommandId::OUTBIND) => {}
            Body::Bind(..) | Body::SubmitSm(_) => {
                self.answer(sequence, CommandStatus::INVALID_COMMAND_ID, Body::GenericNack);
            }
            Body::Other(command) if !command.is_response() => {
                self.answer(sequence, CommandStatus::INVALID_COMMAND_ID, Body::GenericNack);
            }
            _ => self.answered(pdu, now),
        }
    }

    fn serve_malformed(&mut self, malformed: Malformed) {
        let Malformed { command, sequence, field: _ } = malformed;
        match command {
            CommandId::DELIVER_SM => {
                self.passed_over += 1;
                self.answer(sequence, CommandStatus::REJECTED, Body::DeliverSmResponse);
            }
            _ if command.is_response() => self.end(Ended::Misbehaved("an answer cannot be read")),
            _ => self.answer(sequence, CommandStatus::INVALID_COMMAND_LENGTH, Body::GenericNack),
        }
    }

    fn deliver(&mut self, sequence: u32, message: &pdu::ShortMessage<'_>) {
        if matches!(self.state, State::Binding) {
            return self.end(Ended::Misbehaved("deliver_sm before the bind was answered"));
        }
        if self.role == Role::Transmitter {
            return self.answer(sequence, CommandStatus::WRONG_BIND_STATE, Body::DeliverSmResponse);
        }
        let inbound = Inbound::of(message);
        if matches!(inbound, Inbound::Nothing) {
            self.passed_over += 1;
            return self.answer(sequence, CommandStatus::OK, Body::DeliverSmResponse);
        }
        if self.unacknowledged.len() >= self.terms.deliveries_max {
            return self.answer(sequence, CommandStatus::TEMPORARY_APPLICATION_ERROR, Body::DeliverSmResponse);
        }
        self.last_delivery += 1;
        let delivery = Delivery(self.last_delivery);
        self.unacknowledged.insert(delivery, sequence);
        self.events.push(match inbound {
            Inbound::Message(message) => Event::Received { message, delivery },
            Inbound::Receipt { message_id, delivered } => Event::Receipt { message_id, delivered, delivery },
            Inbound::Nothing => return,
        });
    }

    fn answered(&mut self, pdu: &Pdu<'_>, now: Duration) {
        let status = pdu.status;
        // One that nobody asked for is passed over.
        let Some(Asked { what, at }) = self.asked.remove(&pdu.sequence) else { return };
        match (what, pdu.body) {
            (Request::Bind, Body::BindResponse(role, _)) if status == CommandStatus::OK && role == self.role => {
                self.state = State::Bound;
            }
            (Request::Bind, Body::BindResponse(..) | Body::GenericNack) if status != CommandStatus::OK => {
                self.end(Ended::BindRefused(status));
            }
            (Request::Submit { ticket, .. }, Body::SubmitSmResponse(id)) if status == CommandStatus::OK => {
                self.submitted -= 1;
                if at >= self.held_until {
                    self.holds = 0;
                }
                self.events.push(Event::Accepted { ticket, message_id: id.to_owned() });
            }
            // A centre that knows no such times keeps messages as long as it does by itself: better than none sent.
            (Request::Submit { ticket, is_timed: true }, Body::SubmitSmResponse(_))
                if status == CommandStatus::INVALID_EXPIRY =>
            {
                self.submitted -= 1;
                self.terms.validity_min = None;
                self.events.push(Event::Throttled { ticket });
            }
            (Request::Submit { ticket, .. }, Body::SubmitSmResponse(_) | Body::GenericNack) => {
                self.submitted -= 1;
                self.not_taken(ticket, status, at, now);
            }
            // Whichever way, it is there.
            (Request::EnquireLink, Body::EnquireLinkResponse | Body::GenericNack) => self.enquires = false,
            (Request::Unbind, Body::UnbindResponse | Body::GenericNack) => self.end(Ended::Unbound),
            (what, _) => {
                self.asked.insert(pdu.sequence, Asked { what, at });
                self.end(Ended::Misbehaved("an answer is of another kind than its request"));
            }
        }
    }

    fn not_taken(&mut self, ticket: Ticket, status: CommandStatus, sent: Duration, now: Duration) {
        match status {
            CommandStatus::THROTTLED
            | CommandStatus::QUEUE_FULL
            | CommandStatus::SYSTEM_ERROR
            | CommandStatus::TEMPORARY_APPLICATION_ERROR => {
                // A whole window may be throttled: that is one reason to wait.
                if sent >= self.held_until {
                    self.held_until = now + self.terms.hold * (1 << self.holds.min(HOLD_DOUBLINGS_MAX));
                    self.holds += 1;
                }
                self.events.push(Event::Throttled { ticket });
            }
            _ => self.refuse(ticket, status),
        }
    }

    fn refuse(&mut self, ticket: Ticket, status: CommandStatus) {
        self.events.push(Event::Refused { ticket, status: status.0 });
    }

    fn ask(&mut self, what: Request, body: Body<'_>, now: Duration) {
        self.last_sequence = if self.last_sequence >= SEQUENCE_MAX { 1 } else { self.last_sequence + 1 };
        self.asked.insert(self.last_sequence, Asked { what, at: now });
        self.put(&Pdu::request(self.last_sequence, body));
    }

    fn answer(&mut self, sequence: u32, status: CommandStatus, body: Body<'_>) {
        self.put(&Pdu::response(sequence, status, body));
        if self.output.len() > OUTPUT_MAX {
            self.end(Ended::Misbehaved("it sends, and reads nothing"));
        }
    }

    fn put(&mut self, pdu: &Pdu<'_>) {
        pdu.write(|bytes| self.output.extend_from_slice(bytes));
    }
}

impl Request {
    const fn name(self) -> &'static str {
        match self {
            Self::Bind => "the bind",
            Self::Submit { .. } => "submit_sm",
            Self::EnquireLink => "enquire_link",
            Self::Unbind => "unbind",
        }
    }
}

fn party<'a>(address: &Address, number: &'a str) -> Party<'a> {
    Party { type_of_number: address.type_of_number(), numbering_plan: address.numbering_plan(), number }
}
