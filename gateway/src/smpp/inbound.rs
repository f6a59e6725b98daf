//! What a deliver_sm is to a platform of packets.

use onecard_host::over_the_air::message::Address;
use onecard_wire::{
    ota::{RESPONSE_HEADER, USER_DATA_MAX},
    smpp::{esm_class, pdu},
};

use super::receipt::Receipt;
use crate::carrier::ShortMessage;

#[derive(Debug)]
pub(super) enum Inbound {
    /// User data with a header.
    Message(ShortMessage),
    /// What the centre says of a message: the phone has it, or it was given up.
    Receipt { message_id: String, delivered: bool },
    /// A text, something intermediate, or nothing that can be read: nobody waits for it.
    Nothing,
}

impl Inbound {
    pub(super) fn of(message: &pdu::ShortMessage<'_>) -> Self {
        match message.esm_class & esm_class::MESSAGE_TYPE {
            esm_class::DELIVERY_RECEIPT => receipt(message),
            esm_class::DEFAULT | esm_class::DELIVERY_ACKNOWLEDGEMENT | esm_class::USER_ACKNOWLEDGEMENT => {
                packet(message)
            }
            _ => Self::Nothing,
        }
    }
}

fn receipt(message: &pdu::ShortMessage<'_>) -> Inbound {
    let read = Receipt::read(message).and_then(|Receipt { message_id, state }| {
        state.is_delivered().map(|delivered| Inbound::Receipt { message_id, delivered })
    });
    read.unwrap_or(Inbound::Nothing)
}

fn packet(message: &pdu::ShortMessage<'_>) -> Inbound {
    let pdu::Party { type_of_number, numbering_plan, number } = message.source;
    let user_data = message.text();
    // Some centres forget the flag of a delivery report's data. A checksum decides what it is, no flag does.
    let has_header = message.esm_class & esm_class::HEADER != 0 || user_data.starts_with(&RESPONSE_HEADER);
    match Address::from_parts(type_of_number, numbering_plan, number) {
        Ok(phone) if has_header && (1..=USER_DATA_MAX).contains(&user_data.len()) => {
            Inbound::Message(ShortMessage { phone, user_data: user_data.to_vec() })
        }
        _ => Inbound::Nothing,
    }
}
