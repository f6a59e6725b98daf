#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod conversations;
mod others;

use std::time::Duration;

use onecard_wire::smpp::{
    CommandStatus,
    pdu::{Body, Frame, Pdu, Role, ShortMessage},
};

use super::{
    account::{Account, LinkTerms, Password},
    session::Session,
};
use crate::carrier;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn account() -> Account {
    Account::new("gateway", Password::from_text(b"s3cret!!\n").unwrap()).unwrap()
}

fn terms() -> LinkTerms {
    LinkTerms { window: 3, deliveries_max: 2, receipts: true, ..LinkTerms::new("10086".parse().unwrap()) }
}

fn opened(terms: LinkTerms) -> Session {
    Session::open((&account(), Role::Transceiver), terms, 0, Duration::ZERO)
}

fn bound(terms: LinkTerms) -> Session {
    let mut session = opened(terms);
    assert_eq!(said(&mut session).len(), 1);
    hear(
        &mut session,
        &Pdu::response(1, CommandStatus::OK, Body::BindResponse(Role::Transceiver, "centre")),
        Duration::ZERO,
    );
    assert!(session.is_bound());
    session
}

fn bytes_of(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pdu.write(|piece| bytes.extend_from_slice(piece));
    bytes
}

fn hear(session: &mut Session, pdu: &Pdu<'_>, now: Duration) {
    session.read(&bytes_of(pdu), now);
}

/// The frames that it wants written, which are taken as written.
fn said(session: &mut Session) -> Vec<Vec<u8>> {
    let mut rest = session.output();
    let mut frames = Vec::new();
    while let Frame::Whole(length) = Frame::first_of(rest) {
        let (frame, behind) = rest.split_at(length);
        frames.push(frame.to_vec());
        rest = behind;
    }
    assert!(rest.is_empty(), "{rest:02X?} is no PDU");
    session.written(session.output().len());
    frames
}

fn message() -> carrier::ShortMessage {
    carrier::ShortMessage { phone: "+8613800000001".parse().unwrap(), user_data: vec![0x02, 0x70, 0x00, 0x55] }
}

/// A proof in a deliver_sm.
fn proof() -> ShortMessage<'static> {
    use onecard_wire::smpp::pdu::Party;
    ShortMessage {
        source: Party { type_of_number: 1, numbering_plan: 1, number: "8613800000001" },
        destination: Party { type_of_number: 0, numbering_plan: 1, number: "10086" },
        esm_class: 0x40,
        protocol_id: 0x7F,
        validity_period: "",
        registered_delivery: 0,
        data_coding: 0xF6,
        short_message: &[0x02, 0x71, 0x00, 0x00],
        payload: None,
        receipted_message_id: None,
        message_state: None,
    }
}
