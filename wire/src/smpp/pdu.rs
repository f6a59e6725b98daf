//! PDUs (clause 4): read from one frame, and written.

use core::fmt;

use super::{CommandId, CommandStatus, HEADER_LEN, PDU_LEN_MAX, SEQUENCE_MAX, VERSION, tag};
use crate::layout::Reader;

/// A PDU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pdu<'a> {
    /// command_status; 0 in a request.
    pub status: CommandStatus,
    /// sequence_number.
    pub sequence: u32,
    /// What it is.
    pub body: Body<'a>,
}

/// What a PDU is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// bind_receiver, bind_transmitter, bind_transceiver.
    Bind(Role, Bind<'a>),
    /// Its answer; with the message centre's name.
    BindResponse(Role, &'a str),
    /// submit_sm.
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp, with the message's name; empty in an error, or if it cannot be read.
    SubmitSmResponse(&'a str),
    /// deliver_sm.
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp.
    DeliverSmResponse,
    /// unbind.
    Unbind,
    /// unbind_resp.
    UnbindResponse,
    /// enquire_link.
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResponse,
    /// generic_nack.
    GenericNack,
    /// One that is not served here.
    Other(CommandId),
}

/// What a bind is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// deliver_sm alone.
    Receiver,
    /// submit_sm alone.
    Transmitter,
    /// Both.
    Transceiver,
}

/// Who binds. What a bind can do is in its [`Role`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// system_id.
    pub system_id: &'a str,
    /// password: not printed.
    pub password: &'a [u8],
    /// system_type.
    pub system_type: &'a str,
    /// interface_version.
    pub version: u8,
}

/// submit_sm and deliver_sm, which have one layout (clauses 4.4.1, 4.6.1). Fields that are not here are empty or 0 when written,
/// and not looked at when read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShortMessage<'a> {
    /// source_addr.
    pub source: Party<'a>,
    /// destination_addr.
    pub destination: Party<'a>,
    /// esm_class.
    pub esm_class: u8,
    /// protocol_id: TP-PID.
    pub protocol_id: u8,
    /// validity_period: empty, or a time as [`super::validity`] writes it; always empty in a deliver_sm.
    pub validity_period: &'a str,
    /// registered_delivery.
    pub registered_delivery: u8,
    /// data_coding: TP-DCS, of messages for cards.
    pub data_coding: u8,
    /// short_message.
    pub short_message: &'a [u8],
    /// message_payload, in its place.
    pub payload: Option<&'a [u8]>,
    /// receipted_message_id.
    pub receipted_message_id: Option<&'a str>,
    /// message_state.
    pub message_state: Option<u8>,
}

/// An address: type of number, numbering plan, digits (clauses 5.2.5 to 5.2.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Party<'a> {
    /// Type of number: 1 is international.
    pub type_of_number: u8,
    /// Numbering plan: 1 is telephone.
    pub numbering_plan: u8,
    /// At most 20 characters.
    pub number: &'a str,
}

/// What the first bytes of a stream are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Not whole yet.
    Partial,
    /// So many bytes are one PDU.
    Whole(usize),
    /// command_length is one that no PDU has here: where the next begins nobody knows.
    Broken(u32),
}

/// A frame that is no PDU of its kind: which it is, whose answer it wants, and the field where reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// command_id.
    pub command: CommandId,
    /// sequence_number.
    pub sequence: u32,
    /// The field.
    pub field: &'static str,
}

impl Frame {
    /// Of a stream's first bytes.
    #[must_use]
    pub fn first_of(bytes: &[u8]) -> Self {
        let Some(said) = bytes.first_chunk().map(|length| u32::from_be_bytes(*length)) else { return Self::Partial };
        match usize::try_from(said) {
            Ok(length @ HEADER_LEN..=PDU_LEN_MAX) if bytes.len() >= length => Self::Whole(length),
            Ok(HEADER_LEN..=PDU_LEN_MAX) => Self::Partial,
            _ => Self::Broken(said),
        }
    }
}

impl Role {
    const fn of(command: CommandId) -> Option<Self> {
        match command {
            CommandId::BIND_RECEIVER => Some(Self::Receiver),
            CommandId::BIND_TRANSMITTER => Some(Self::Transmitter),
            CommandId::BIND_TRANSCEIVER => Some(Self::Transceiver),
            _ => None,
        }
    }

    const fn command(self) -> CommandId {
        match self {
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }
}

impl<'a> Pdu<'a> {
    /// A request.
    #[must_use]
    pub const fn request(sequence: u32, body: Body<'a>) -> Self {
        Self { status: CommandStatus::OK, sequence, body }
    }

    /// An answer.
    #[must_use]
    pub const fn response(sequence: u32, status: CommandStatus, body: Body<'a>) -> Self {
        Self { status, sequence, body }
    }

    /// Reads one frame. The body of an answer that is an error is not looked at, for it may have any or none; nor is a message_id that
    /// cannot be read. Unknown optional parameters are passed over.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(frame);
        let none = Malformed { command: CommandId::GENERIC_NACK, sequence: 0, field: "the header" };
        let length = reader.u32().ok_or(none)?;
        let (command, status) = (CommandId(reader.u32().ok_or(none)?), CommandStatus(reader.u32().ok_or(none)?));
        let sequence = reader.u32().ok_or(none)?;
        let malformed = |field| Malformed { command, sequence, field };
        if usize::try_from(length) != Ok(frame.len()) {
            return Err(malformed("command_length"));
        }
        let body = Self::body(command, status, reader).map_err(malformed)?;
        if !command.is_response() && !(1..=SEQUENCE_MAX).contains(&sequence) {
            return Err(malformed("sequence_number"));
        }
        Ok(Self { status, sequence, body })
    }

    fn body(command: CommandId, status: CommandStatus, mut reader: Reader<'a>) -> Result<Body<'a>, &'static str> {
        let request = CommandId(command.0 & 0x7FFF_FFFF);
        let refused = status != CommandStatus::OK;
        Ok(match (Role::of(request), command) {
            (Some(role), _) if !command.is_response() => Body::Bind(role, Bind::take(&mut reader)?),
            (Some(role), _) if refused => Body::BindResponse(role, ""),
            (Some(role), _) => Body::BindResponse(role, text(&mut reader, 16).ok_or("system_id")?),
            (None, CommandId::SUBMIT_SM) => Body::SubmitSm(ShortMessage::take(reader)?),
            (None, CommandId::DELIVER_SM) => Body::DeliverSm(ShortMessage::take(reader)?),
            (None, _) if command == CommandId::SUBMIT_SM.response() => {
                // The status says whether it was taken; the name is a receipt's, which moves nothing.
                Body::SubmitSmResponse(text(&mut reader, 65).filter(|_| !refused).unwrap_or_default())
            }
            (None, _) if command == CommandId::DELIVER_SM.response() => Body::DeliverSmResponse,
            (None, CommandId::UNBIND) => Body::Unbind,
            (None, _) if command == CommandId::UNBIND.response() => Body::UnbindResponse,
            (None, CommandId::ENQUIRE_LINK) => Body::EnquireLink,
            (None, _) if command == CommandId::ENQUIRE_LINK.response() => Body::EnquireLinkResponse,
            (None, CommandId::GENERIC_NACK) => Body::GenericNack,
            (None, other) => Body::Other(other),
        })
    }

    /// Writes it, piece by piece. A bind or a submit_sm that is refused is answered without a body (SMPP 3.4, 4.1 and 4.4.2).
    pub fn write(&self, mut put: impl FnMut(&[u8])) {
        let named = matches!(self.body, Body::BindResponse(..) | Body::SubmitSmResponse(_));
        let body =
            if named && self.status != CommandStatus::OK { &Body::Other(self.body.command()) } else { &self.body };
        let mut length = HEADER_LEN;
        body.write(&mut |bytes| length += bytes.len());
        // No field is long enough for more than 32 bits.
        put(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        put(&self.body.command().0.to_be_bytes());
        put(&self.status.0.to_be_bytes());
        put(&self.sequence.to_be_bytes());
        body.write(&mut put);
    }
}

impl Body<'_> {
    /// Its command_id.
    #[must_use]
    pub const fn command(&self) -> CommandId {
        match self {
            Self::Bind(role, _) => role.command(),
            Self::BindResponse(role, _) => role.command().response(),
            Self::SubmitSm(_) => CommandId::SUBMIT_SM,
            Self::SubmitSmResponse(_) => CommandId::SUBMIT_SM.response(),
            Self::DeliverSm(_) => CommandId::DELIVER_SM,
            Self::DeliverSmResponse => CommandId::DELIVER_SM.response(),
            Self::Unbind => CommandId::UNBIND,
            Self::UnbindResponse => CommandId::UNBIND.response(),
            Self::EnquireLink => CommandId::ENQUIRE_LINK,
            Self::EnquireLinkResponse => CommandId::ENQUIRE_LINK.response(),
            Self::GenericNack => CommandId::GENERIC_NACK,
            Self::Other(command) => *command,
        }
    }

    fn write(&self, put: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Bind(_, bind) => bind.write(put),
            Self::BindResponse(_, system_id) => {
                put_text(put, system_id.as_bytes());
                put_parameter(put, tag::INTERFACE_VERSION, &[VERSION]);
            }
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.write(put),
            Self::SubmitSmResponse(id) => put_text(put, id.as_bytes()),
            // message_id, which is not used.
            Self::DeliverSmResponse => put(&[0]),
            _ => {}
        }
    }
}

impl<'a> Bind<'a> {
    fn take(reader: &mut Reader<'a>) -> Result<Self, &'static str> {
        let system_id = text(reader, 16).ok_or("system_id")?;
        let password = octets(reader, 9).ok_or("password")?;
        let system_type = text(reader, 13).ok_or("system_type")?;
        let [version, _ton, _npi] = reader.array().ok_or("interface_version")?;
        text(reader, 41).ok_or("address_range")?;
        Ok(Self { system_id, password, system_type, version })
    }

    fn write(&self, put: &mut dyn FnMut(&[u8])) {
        put_text(put, self.system_id.as_bytes());
        put_text(put, self.password);
        put_text(put, self.system_type.as_bytes());
        // Without address_range: what comes in is the account's to say.
        put(&[self.version, 0, 0, 0]);
    }
}

impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bind({}, ..)", self.system_id)
    }
}

impl<'a> ShortMessage<'a> {
    /// What is said, wherever it stands.
    #[must_use]
    pub const fn text(&self) -> &'a [u8] {
        match self.payload {
            Some(payload) if !payload.is_empty() => payload,
            _ => self.short_message,
        }
    }

    fn take(mut reader: Reader<'a>) -> Result<Self, &'static str> {
        text(&mut reader, 6).ok_or("service_type")?;
        let source = Party::take(&mut reader).ok_or("source_addr")?;
        let destination = Party::take(&mut reader).ok_or("destination_addr")?;
        let [esm_class, protocol_id, _priority] = reader.array().ok_or("esm_class")?;
        text(&mut reader, 17).ok_or("schedule_delivery_time")?;
        let validity_period = text(&mut reader, 17).ok_or("validity_period")?;
        let [registered_delivery, _replace, data_coding, _default] = reader.array().ok_or("registered_delivery")?;
        let length = reader.u8().ok_or("sm_length")?;
        let short_message = reader.slice(length.into()).ok_or("short_message")?;
        let mut message = Self {
            source,
            destination,
            esm_class,
            protocol_id,
            validity_period,
            registered_delivery,
            data_coding,
            short_message,
            payload: None,
            receipted_message_id: None,
            message_state: None,
        };
        message.parameters(reader).ok_or("optional parameters")?;
        Ok(message)
    }

    fn parameters(&mut self, mut reader: Reader<'a>) -> Option<()> {
        while !reader.rest().is_empty() {
            let (tag, length) = (reader.u16()?, reader.u16()?);
            let value = reader.slice(length.into())?;
            match (tag, value) {
                (tag::MESSAGE_PAYLOAD, payload) => self.payload = Some(payload),
                (tag::RECEIPTED_MESSAGE_ID, id) => {
                    let id = id.strip_suffix(&[0]).unwrap_or(id);
                    self.receipted_message_id = Some(ascii(id)?);
                }
                (tag::MESSAGE_STATE, [state]) => self.message_state = Some(*state),
                _ => {}
            }
        }
        Some(())
    }

    fn write(&self, put: &mut dyn FnMut(&[u8])) {
        put(&[0]);
        self.source.write(put);
        self.destination.write(put);
        put(&[self.esm_class, self.protocol_id, 0, 0]);
        put_text(put, self.validity_period.as_bytes());
        put(&[self.registered_delivery, 0, self.data_coding, 0]);
        let length = u8::try_from(self.short_message.len()).unwrap_or(u8::MAX);
        put(&[length]);
        put(self.short_message.get(..length.into()).unwrap_or_default());
        if let Some(payload) = self.payload {
            put_parameter(put, tag::MESSAGE_PAYLOAD, payload);
        }
        if let Some(id) = self.receipted_message_id {
            let length = u16::try_from(id.len()).unwrap_or(u16::MAX).saturating_add(1);
            put(&tag::RECEIPTED_MESSAGE_ID.to_be_bytes());
            put(&length.to_be_bytes());
            put_text(put, id.as_bytes());
        }
        if let Some(state) = self.message_state {
            put_parameter(put, tag::MESSAGE_STATE, &[state]);
        }
    }
}

impl<'a> Party<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let [type_of_number, numbering_plan] = reader.array()?;
        Some(Self { type_of_number, numbering_plan, number: text(reader, 21)? })
    }

    fn write(&self, put: &mut dyn FnMut(&[u8])) {
        put(&[self.type_of_number, self.numbering_plan]);
        put_text(put, self.number.as_bytes());
    }
}

/// A C-octet string of at most `max` bytes, its zero included.
fn octets<'a>(reader: &mut Reader<'a>, max: usize) -> Option<&'a [u8]> {
    let length = reader.rest().iter().take(max).position(|byte| *byte == 0)?;
    let octets = reader.slice(length)?;
    reader.u8()?;
    Some(octets)
}

fn text<'a>(reader: &mut Reader<'a>, max: usize) -> Option<&'a str> {
    ascii(octets(reader, max)?)
}

fn ascii(octets: &[u8]) -> Option<&str> {
    core::str::from_utf8(octets).ok().filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
}

fn put_text(put: &mut dyn FnMut(&[u8]), text: &[u8]) {
    put(text);
    put(&[0]);
}

fn put_parameter(put: &mut dyn FnMut(&[u8]), tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    put(&tag.to_be_bytes());
    put(&length.to_be_bytes());
    put(value.get(..length.into()).unwrap_or_default());
}
