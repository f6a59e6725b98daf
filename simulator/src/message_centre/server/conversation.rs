//! One platform's connection: bytes and time go in, bytes come out; messages go into the network and come out of it.

use std::{collections::BTreeMap, time::Duration};

use onecard_host::over_the_air::message::Address;
use onecard_wire::{
    date::Moment,
    smpp::{
        CommandId, CommandStatus, MessageState, RECEIPT, SEQUENCE_MAX, esm_class,
        pdu::{Bind, Body, Frame, Malformed, Party, Pdu, Role, ShortMessage},
        validity::RelativeTime,
    },
};

use super::CentreTerms;
use crate::message_centre::{
    message::{DeliveryId, Fate, LinkId, MessageId, NotTaken, Submission, ToPlatform},
    network::Network,
};

/// Nothing more is handed over to a platform that reads less than this.
const OUTPUT_MAX: usize = 1 << 18;

/// A platform's connection, from its first byte.
#[derive(Debug)]
pub struct Conversation {
    link: LinkId,
    state: State,
    input: Vec<u8>,
    output: Vec<u8>,
    last_sequence: u32,
    /// deliver_sm without an answer, by sequence number.
    delivering: BTreeMap<u32, (DeliveryId, Duration)>,
    opened: Duration,
    heard: Duration,
    /// Since when an enquire_link has no answer.
    enquires_since: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Open,
    Bound { role: Role, system_id: String },
    Ended,
}

impl Conversation {
    /// Nobody has bound yet.
    #[must_use]
    pub fn new(link: LinkId, now: Duration) -> Self {
        Self {
            link,
            state: State::Open,
            input: Vec::new(),
            output: Vec::new(),
            last_sequence: 0,
            delivering: BTreeMap::new(),
            opened: now,
            heard: now,
            enquires_since: None,
        }
    }

    /// Who is bound.
    #[must_use]
    pub fn system_id(&self) -> Option<&str> {
        match &self.state {
            State::Bound { system_id, .. } => Some(system_id),
            _ => None,
        }
    }

    /// Whether it is over, but for what is still to be written.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it is over, and the platform does not take what was still to be written.
    #[must_use]
    pub fn is_given_up(&self, now: Duration, terms: &CentreTerms) -> bool {
        self.is_ended() && self.heard + terms.answer_within <= now
    }

    /// Whether the platform takes what it is sent; until it does, nothing more is read.
    #[must_use]
    pub fn keeps_up(&self) -> bool {
        self.output.len() < 2 * OUTPUT_MAX
    }

    /// What is to be written to the connection.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many of these bytes are written.
    pub fn written(&mut self, count: usize) {
        drop(self.output.drain(..count.min(self.output.len())));
    }

    /// Bytes from the platform, in whatever pieces they come.
    pub fn read(&mut self, bytes: &[u8], now: Duration, terms: &CentreTerms, network: &mut Network) {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut rest = input.as_slice();
        while !self.is_ended() {
            match Frame::first_of(rest) {
                Frame::Partial => break,
                Frame::Broken(_) => {
                    self.put(&Pdu::response(0, CommandStatus::INVALID_COMMAND_LENGTH, Body::GenericNack));
                    self.end(network);
                }
                Frame::Whole(length) => {
                    let (frame, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                    rest = behind;
                    self.heard = now;
                    match Pdu::parse(frame) {
                        Ok(pdu) => self.serve(&pdu, terms, network),
                        Err(malformed) => self.refuse(malformed),
                    }
                }
            }
        }
        self.input = rest.to_vec();
    }

    /// Hands over what waits, asks whether the platform is there, ends if it is not.
    pub fn tick(&mut self, now: Duration, terms: &CentreTerms, network: &mut Network) {
        let State::Bound { role, .. } = &self.state else {
            if self.opened + terms.answer_within <= now {
                self.output.clear();
                self.end(network);
            }
            return;
        };
        let receives = *role != Role::Transmitter;
        let oldest = self.delivering.values().map(|(_, at)| *at).chain(self.enquires_since).min();
        if oldest.is_some_and(|at| at + terms.answer_within <= now) {
            return self.end(network);
        }
        if self.enquires_since.is_none() && self.heard + terms.enquire_after <= now {
            self.enquires_since = Some(now);
            self.ask(Body::EnquireLink);
        }
        while receives && self.delivering.len() < terms.window && self.output.len() < OUTPUT_MAX {
            let Some((id, what)) = network.hand_over(self.link) else { return };
            if self.deliver(&what) {
                self.delivering.insert(self.last_sequence, (id, now));
            } else {
                // A number that has no digits cannot be said.
                network.acknowledge(self.link, id);
            }
        }
    }

    /// The connection is gone, or is to go.
    pub fn end(&mut self, network: &mut Network) {
        self.state = State::Ended;
        self.delivering.clear();
        network.link_lost(self.link);
    }

    fn serve(&mut self, pdu: &Pdu<'_>, terms: &CentreTerms, network: &mut Network) {
        let sequence = pdu.sequence;
        match &pdu.body {
            Body::Bind(role, bind) => self.bind(sequence, *role, bind, terms),
            Body::SubmitSm(message) => {
                let (status, id) = match self.submit(message, network) {
                    Ok(id) => (CommandStatus::OK, id.to_string()),
                    Err(status) => (status, String::new()),
                };
                self.put(&Pdu::response(sequence, status, Body::SubmitSmResponse(&id)));
            }
            Body::EnquireLink => self.put(&Pdu::response(sequence, CommandStatus::OK, Body::EnquireLinkResponse)),
            Body::EnquireLinkResponse => self.enquires_since = None,
            Body::Unbind => {
                self.put(&Pdu::response(sequence, CommandStatus::OK, Body::UnbindResponse));
                self.end(network);
            }
            Body::DeliverSmResponse | Body::GenericNack => {
                let Some((id, _)) = self.delivering.remove(&sequence) else { return };
                match pdu.status {
                    CommandStatus::TEMPORARY_APPLICATION_ERROR
                    | CommandStatus::QUEUE_FULL
                    | CommandStatus::THROTTLED => {
                        network.hand_back(self.link, id);
                    }
                    // One that the platform never takes is not given again.
                    _ => drop(network.acknowledge(self.link, id)),
                }
            }
            Body::Other(command) if command.is_response() => {}
            Body::BindResponse(..) | Body::SubmitSmResponse(_) | Body::UnbindResponse => {}
            Body::Other(_) | Body::DeliverSm(_) => {
                self.put(&Pdu::response(sequence, CommandStatus::INVALID_COMMAND_ID, Body::GenericNack));
            }
        }
    }

    fn bind(&mut self, sequence: u32, role: Role, bind: &Bind<'_>, terms: &CentreTerms) {
        let status = match &self.state {
            State::Open => terms.let_in(bind.system_id, bind.password),
            _ => CommandStatus::ALREADY_BOUND,
        };
        if status == CommandStatus::OK {
            self.state = State::Bound { role, system_id: bind.system_id.to_owned() };
        }
        self.put(&Pdu::response(sequence, status, Body::BindResponse(role, &terms.system_id)));
    }

    fn submit(&self, message: &ShortMessage<'_>, network: &mut Network) -> Result<MessageId, CommandStatus> {
        match &self.state {
            State::Bound { role: Role::Transmitter | Role::Transceiver, .. } => {}
            _ => return Err(CommandStatus::WRONG_BIND_STATE),
        }
        let submission = Submission {
            originator: address(&message.source).ok_or(CommandStatus::INVALID_SOURCE)?,
            phone: address(&message.destination).ok_or(CommandStatus::INVALID_DESTINATION)?,
            protocol: message.protocol_id,
            coding: message.data_coding,
            header: message.esm_class & esm_class::HEADER != 0,
            user_data: message.text().to_vec(),
            validity: validity(message.validity_period).ok_or(CommandStatus::INVALID_EXPIRY)?,
            receipt: message.registered_delivery & RECEIPT != 0,
        };
        network.submit(submission).map_err(|not_taken| match not_taken {
            NotTaken::Throttled => CommandStatus::THROTTLED,
            NotTaken::QueueFull => CommandStatus::QUEUE_FULL,
            NotTaken::NoSuchPhone => CommandStatus::INVALID_DESTINATION,
            NotTaken::TooLong => CommandStatus::INVALID_MESSAGE_LENGTH,
        })
    }

    fn refuse(&mut self, malformed: Malformed) {
        let Malformed { command, sequence, field } = malformed;
        let (status, body) = match command {
            CommandId::SUBMIT_SM => {
                let status = match field {
                    "source_addr" => CommandStatus::INVALID_SOURCE,
                    "destination_addr" => CommandStatus::INVALID_DESTINATION,
                    _ => CommandStatus::INVALID_MESSAGE_LENGTH,
                };
                (status, Body::SubmitSmResponse(""))
            }
            _ if command.is_response() => return,
            _ => (CommandStatus::INVALID_COMMAND_LENGTH, Body::GenericNack),
        };
        self.put(&Pdu::response(sequence, status, body));
    }

    /// False if a number cannot be said.
    fn deliver(&mut self, what: &ToPlatform) -> bool {
        let (ToPlatform::Message { phone, to, .. } | ToPlatform::Receipt { phone, to, .. }) = what;
        let (Some(from_digits), Some(to_digits)) = (phone.digits(), to.digits()) else { return false };
        let message = ShortMessage {
            source: party(phone, &from_digits),
            destination: party(to, &to_digits),
            esm_class: esm_class::DEFAULT,
            protocol_id: 0,
            validity_period: "",
            registered_delivery: 0,
            data_coding: 0,
            short_message: &[],
            payload: None,
            receipted_message_id: None,
            message_state: None,
        };
        match what {
            ToPlatform::Message { protocol, coding, header, user_data, .. } => {
                self.ask(Body::DeliverSm(ShortMessage {
                    esm_class: if *header { esm_class::HEADER } else { esm_class::DEFAULT },
                    protocol_id: *protocol,
                    data_coding: *coding,
                    short_message: user_data,
                    ..message
                }))
            }
            ToPlatform::Receipt { id, fate, times, .. } => {
                let id = id.to_string();
                let (state, text) = receipt(&id, *fate, *times);
                self.ask(Body::DeliverSm(ShortMessage {
                    esm_class: esm_class::DELIVERY_RECEIPT,
                    short_message: text.as_bytes(),
                    receipted_message_id: Some(&id),
                    message_state: Some(state.0),
                    ..message
                }));
            }
        }
        true
    }

    fn ask(&mut self, body: Body<'_>) {
        self.last_sequence = if self.last_sequence >= SEQUENCE_MAX { 1 } else { self.last_sequence + 1 };
        self.put(&Pdu::request(self.last_sequence, body));
    }

    fn put(&mut self, pdu: &Pdu<'_>) {
        pdu.write(|bytes| self.output.extend_from_slice(bytes));
    }
}

/// As appendix B has it.
fn receipt(id: &str, fate: Fate, times: [Moment; 2]) -> (MessageState, String) {
    let (state, count) = match fate {
        Fate::Delivered => (MessageState::DELIVERED, 1),
        Fate::GivenUp => (MessageState::UNDELIVERABLE, 0),
        Fate::Expired => (MessageState::EXPIRED, 0),
    };
    let word = state.text().unwrap_or_default();
    // YYMMDDhhmm: without century and seconds.
    let [taken, done] = times.map(|moment| {
        let bytes = moment.to_bytes();
        bytes.iter().skip(1).take(5).map(|byte| format!("{byte:02X}")).collect::<String>()
    });
    let text =
        format!("id:{id} sub:001 dlvrd:00{count} submit date:{taken} done date:{done} stat:{word} err:000 text:");
    (state, text)
}

/// A relative time, or none: nobody who hands over messages for cards has an absolute one here. The outer `None`: it is neither.
fn validity(period: &str) -> Option<Option<Duration>> {
    if period.is_empty() { Some(None) } else { RelativeTime::read(period).map(Some) }
}

fn address(party: &Party<'_>) -> Option<Address> {
    Address::from_parts(party.type_of_number, party.numbering_plan, party.number).ok()
}

fn party<'a>(address: &Address, number: &'a str) -> Party<'a> {
    Party { type_of_number: address.type_of_number(), numbering_plan: address.numbering_plan(), number }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::message_centre::network::Settings;

    fn written(pdu: &Pdu<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        pdu.write(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    #[test]
    fn who_never_binds_or_never_reads_holds_no_connection() {
        let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0x00, 0x00]).unwrap();
        let mut network = Network::new(Settings::new("+8613800100500".parse().unwrap(), start), 1);
        let (terms, seconds) = (CentreTerms::default(), Duration::from_secs);
        let mut talker = Conversation::new(LinkId(1), Duration::ZERO);
        for second in 0..30 {
            talker.read(&written(&Pdu::request(1, Body::EnquireLink)), seconds(second), &terms, &mut network);
            talker.tick(seconds(second), &terms, &mut network);
            assert!(!talker.is_ended(), "{second}");
        }
        talker.tick(seconds(30), &terms, &mut network);
        assert!(talker.is_ended());
        let mut deaf = Conversation::new(LinkId(2), Duration::ZERO);
        deaf.read(&written(&Pdu::request(1, Body::Unbind)), Duration::ZERO, &terms, &mut network);
        assert!(deaf.is_ended() && !deaf.output().is_empty());
        assert!(!deaf.is_given_up(seconds(29), &terms) && deaf.is_given_up(seconds(30), &terms));
    }
}
