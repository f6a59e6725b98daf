//! PDUs as the crate rusmpp-core reads and writes them.

use std::str::FromStr;

use onecard_wire::smpp::{
    CommandStatus,
    pdu::{Body, Pdu},
};
use rusmpp_core::{
    CommandId,
    command::owned::Command,
    decode::owned::DecodeWithLength,
    encode::{Length, owned::Encode},
    pdus::owned as theirs,
    tlvs::owned::MessageDeliveryRequestTlvValue,
    types::owned::{COctetString, OctetString},
    values::{DataCoding, EsmClass, MessageState, Npi, Ton},
};

use super::*;
use crate::carrier::{Delivery, Event, Ticket};

fn read(frame: &[u8]) -> Command {
    let mut bytes = bytes::BytesMut::from(&frame[4..]);
    let (command, length) = Command::decode(&mut bytes, frame.len() - 4).unwrap();
    assert_eq!(length, frame.len() - 4);
    command
}

fn write(command: &Command) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    command.encode(&mut bytes);
    let length = u32::try_from(command.length() + 4).unwrap();
    [&length.to_be_bytes()[..], &bytes].concat()
}

#[test]
fn what_the_link_says_is_read_by_others() {
    let mut session = opened(terms());
    let bind = read(&said(&mut session)[0]);
    let Some(theirs::Pdu::BindTransceiver(bind)) = bind.pdu() else { panic!("{bind:?}") };
    assert_eq!((bind.system_id.as_str(), bind.password.as_str()), ("gateway", "s3cret!!"));
    assert_eq!(u8::from(bind.interface_version), 0x34);

    let mut session = bound(terms());
    session.submit(Ticket(9), &message(), seconds(5_400), Duration::ZERO).unwrap();
    let command = read(&said(&mut session)[0]);
    assert_eq!(command.sequence_number(), 2);
    let Some(theirs::Pdu::SubmitSm(submit)) = command.pdu() else { panic!("{command:?}") };
    assert_eq!(
        (submit.source_addr_ton, submit.source_addr_npi, submit.source_addr.as_str()),
        (Ton::Unknown, Npi::Isdn, "10086")
    );
    let destination = (submit.dest_addr_ton, submit.dest_addr_npi, submit.destination_addr.as_str());
    assert_eq!(destination, (Ton::International, Npi::Isdn, "8613800000001"));
    assert_eq!((u8::from(submit.esm_class), submit.protocol_id, u8::from(submit.data_coding)), (0x40, 0x7F, 0xF6));
    assert_eq!(
        (u8::from(submit.registered_delivery), AsRef::<[u8]>::as_ref(submit.short_message())),
        (1, &[0x02, 0x70, 0x00, 0x55][..])
    );

    assert_eq!(submit.validity_period.as_str(), "000000013000000R");

    session.unbind(Duration::ZERO);
    assert_eq!(read(&said(&mut session)[0]).id(), CommandId::Unbind);
}

#[test]
fn how_long_a_message_is_kept_is_read_by_others() {
    let validity_period = |validity_min, validity| {
        let mut session = bound(LinkTerms { validity_min, ..terms() });
        session.submit(Ticket(9), &message(), validity, Duration::ZERO).unwrap();
        let command = read(&said(&mut session)[0]);
        let Some(theirs::Pdu::SubmitSm(submit)) = command.pdu() else { panic!("{command:?}") };
        submit.validity_period.as_str().to_owned()
    };
    let usual = terms().validity_min;
    assert_eq!(validity_period(usual, seconds(1)), "000000000100000R");
    assert_eq!(validity_period(usual, seconds(1_800)), "000000003000000R");
    assert_eq!(validity_period(usual, Duration::from_millis(90_001)), "000000000131000R");
    assert_eq!(validity_period(Some(seconds(90_000)), seconds(1)), "000001010000000R");
    assert_eq!(validity_period(usual, Duration::MAX), "000030000000000R");
    // As long as the centre keeps one by itself.
    assert_eq!(validity_period(None, seconds(1_800)), "");
}

/// The message is taken all the same, and the next ones too.
#[test]
fn a_centre_that_takes_no_validity_period_gets_none() {
    let mut session = bound(terms());
    let submitted = |session: &mut Session, ticket| {
        session.submit(Ticket(ticket), &message(), seconds(1), Duration::ZERO).unwrap();
        let command = read(&said(session)[0]);
        let Some(theirs::Pdu::SubmitSm(submit)) = command.pdu() else { panic!("{command:?}") };
        (command.sequence_number(), submit.validity_period.as_str().to_owned())
    };
    let refused = |session: &mut Session, sequence| {
        let refusal = Pdu::response(sequence, CommandStatus::INVALID_EXPIRY, Body::SubmitSmResponse(""));
        session.read(&bytes_of(&refusal), Duration::ZERO);
        session.events()
    };
    // Two under way.
    let [one, two] = [1, 2].map(|ticket| (ticket, submitted(&mut session, ticket)));
    for (ticket, (sequence, validity_period)) in [one, two] {
        assert_eq!(validity_period, "000000000100000R");
        assert_eq!(refused(&mut session, sequence), [Event::Throttled { ticket: Ticket(ticket) }]);
    }
    let (sequence, validity_period) = submitted(&mut session, 1);
    assert_eq!(validity_period, "");
    // One that refuses what has none refuses the message.
    assert_eq!(refused(&mut session, sequence), [Event::Refused { ticket: Ticket(1), status: 0x62 }]);
}

#[test]
fn what_others_say_is_read_by_the_link() {
    let mut session = bound(terms());
    let deliver = theirs::DeliverSm::builder()
        .source_addr_ton(Ton::International)
        .source_addr_npi(Npi::Isdn)
        .source_addr(COctetString::from_str("8613800000001").unwrap())
        .destination_addr(COctetString::from_str("10086").unwrap());
    let proof = deliver
        .esm_class(EsmClass::from(0x40))
        .protocol_id(0x7F)
        .data_coding(DataCoding::from(0xF6))
        .short_message(OctetString::from_static_slice(&[0x02, 0x71, 0x00, 0x07]).unwrap())
        .build();
    session.read(&write(&Command::new(rusmpp_core::CommandStatus::EsmeRok, 77, proof)), seconds(1));
    let receipt = theirs::DeliverSm::builder()
        .esm_class(EsmClass::from(0x04))
        .tlvs(vec![
            MessageDeliveryRequestTlvValue::ReceiptedMessageId(COctetString::from_str("A1").unwrap()),
            MessageDeliveryRequestTlvValue::MessageState(MessageState::Undeliverable),
        ])
        .build();
    session.read(&write(&Command::new(rusmpp_core::CommandStatus::EsmeRok, 78, receipt)), seconds(1));
    let message = carrier::ShortMessage { user_data: vec![0x02, 0x71, 0x00, 0x07], ..message() };
    let received = Event::Received { message, delivery: Delivery(1) };
    let receipt = Event::Receipt { message_id: "A1".to_owned(), delivered: false, delivery: Delivery(2) };
    assert_eq!(session.events(), [received, receipt]);
    session.acknowledge(Delivery(1));
    let answer = read(&said(&mut session)[0]);
    assert_eq!((answer.id(), answer.sequence_number()), (CommandId::DeliverSmResp, 77));

    session.submit(Ticket(5), &super::message(), seconds(1), seconds(1)).unwrap();
    let taken = theirs::SubmitSmResp::builder().message_id(COctetString::from_str("B2").unwrap()).build();
    session.read(&write(&Command::new(rusmpp_core::CommandStatus::EsmeRok, 2, taken)), seconds(1));
    assert_eq!(session.events(), [Event::Accepted { ticket: Ticket(5), message_id: "B2".to_owned() }]);
}

#[test]
fn what_the_centre_says_is_read_by_others() {
    for body in [Body::EnquireLink, Body::Unbind] {
        assert_eq!(read(&bytes_of(&Pdu::request(3, body))).sequence_number(), 3);
    }
    let deliver = ShortMessage { receipted_message_id: Some("0A"), message_state: Some(2), ..proof() };
    let command = read(&bytes_of(&Pdu::request(3, Body::DeliverSm(deliver))));
    let Some(theirs::Pdu::DeliverSm(deliver)) = command.pdu() else { panic!("{command:?}") };
    assert_eq!(deliver.tlvs().len(), 2);
    assert!(deliver.tlvs().iter().all(|tlv| tlv.value().is_some()));
    let command =
        read(&bytes_of(&Pdu::response(4, CommandStatus::OK, Body::BindResponse(Role::Transceiver, "centre"))));
    let Some(theirs::Pdu::BindTransceiverResp(answer)) = command.pdu() else { panic!("{command:?}") };
    assert_eq!(answer.sc_interface_version().map(u8::from), Some(0x34));
    for body in [Body::BindResponse(Role::Transceiver, "centre"), Body::SubmitSmResponse("0A")] {
        let refused = bytes_of(&Pdu::response(4, CommandStatus::ALREADY_BOUND, body));
        assert_eq!(refused.len(), 16, "a refusal has no body (SMPP 3.4, 4.1 and 4.4.2)");
        assert_eq!(read(&refused).status(), rusmpp_core::CommandStatus::EsmeRalybnd);
    }
}
