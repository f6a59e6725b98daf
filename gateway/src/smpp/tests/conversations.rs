//! What a message centre may do, and what it may not.

use onecard_wire::smpp::pdu::Party;
use proptest::prelude::*;

use super::*;
use crate::{
    carrier::{Delivery, Event, NoRoom, Ticket},
    smpp::session::Ended,
};

fn submit(session: &mut Session, ticket: u64, now: Duration) -> Result<(), NoRoom> {
    session.submit(Ticket(ticket), &message(), seconds(120), now)
}

fn answer(session: &mut Session, sequence: u32, status: CommandStatus, now: Duration) {
    hear(session, &Pdu::response(sequence, status, Body::SubmitSmResponse("id")), now);
}

#[test]
fn the_window_is_kept_and_answers_come_in_any_order() {
    let mut session = bound(terms());
    for ticket in 0..3 {
        submit(&mut session, ticket, seconds(1)).unwrap();
    }
    assert_eq!((session.room(seconds(1)), submit(&mut session, 3, seconds(1))), (0, Err(NoRoom)));
    answer(&mut session, 4, CommandStatus::OK, seconds(1));
    answer(&mut session, 2, CommandStatus::REJECTED, seconds(1));
    // Nobody asked, or it was answered.
    for sequence in [4, 77] {
        answer(&mut session, sequence, CommandStatus::OK, seconds(1));
    }
    let id = || "id".to_owned();
    let told =
        [Event::Accepted { ticket: Ticket(2), message_id: id() }, Event::Refused { ticket: Ticket(0), status: 0x66 }];
    assert_eq!((session.events(), session.room(seconds(1))), (told.to_vec(), 2));
    session.end(Ended::Lost("cable".to_owned()));
    assert_eq!(session.events(), [Event::Unanswered { ticket: Ticket(1) }]);
    // Closed is closed.
    answer(&mut session, 3, CommandStatus::OK, seconds(1));
    hear(&mut session, &Pdu::request(9, Body::EnquireLink), seconds(1));
    assert_eq!((session.events(), submit(&mut session, 4, seconds(1))), (vec![], Err(NoRoom)));
    assert_eq!(session.ended(), Some(&Ended::Lost("cable".to_owned())));
}

#[test]
fn what_is_throttled_is_held_longer_each_time_and_a_window_counts_once() {
    let mut session = bound(terms());
    let (mut now, mut sequence) = (seconds(1), 1);
    for hold in [1, 2, 4, 8, 16, 16] {
        for ticket in 0..3 {
            submit(&mut session, ticket, now).unwrap();
        }
        for status in [CommandStatus::THROTTLED, CommandStatus::QUEUE_FULL, CommandStatus::THROTTLED] {
            sequence += 1;
            answer(&mut session, sequence, status, now);
        }
        assert!(session.events().iter().all(|event| matches!(event, Event::Throttled { .. })));
        assert_eq!(session.room(now + seconds(hold) - Duration::from_millis(1)), 0, "{hold}");
        now += seconds(hold);
        assert_eq!(session.room(now), 3);
    }
    submit(&mut session, 0, now).unwrap();
    answer(&mut session, sequence + 1, CommandStatus::OK, now);
    submit(&mut session, 1, now).unwrap();
    answer(&mut session, sequence + 2, CommandStatus::THROTTLED, now);
    assert_eq!((session.room(now), session.room(now + seconds(1))), (0, 3));
}

#[test]
fn the_rate_is_kept() {
    let mut session = bound(LinkTerms { rate: 10, window: 100, ..terms() });
    let mut sent = 0;
    for millis in (0..10_000).step_by(10) {
        while submit(&mut session, sent, Duration::from_millis(millis)).is_ok() {
            sent += 1;
        }
        said(&mut session);
    }
    assert!((99..=101).contains(&sent), "{sent}");
}

#[test]
fn nothing_goes_before_the_bind_is_answered_and_a_refusal_ends_it() {
    let mut session = opened(terms());
    assert_eq!((session.room(seconds(1)), submit(&mut session, 0, seconds(1))), (0, Err(NoRoom)));
    hear(
        &mut session,
        &Pdu::response(1, CommandStatus::INVALID_PASSWORD, Body::BindResponse(Role::Transceiver, "")),
        seconds(1),
    );
    assert_eq!(session.ended(), Some(&Ended::BindRefused(CommandStatus::INVALID_PASSWORD)));
    let mut session = opened(terms());
    hear(&mut session, &Pdu::request(1, Body::DeliverSm(proof())), seconds(1));
    assert!(matches!(session.ended(), Some(Ended::Misbehaved(_))));
    let mut session = opened(terms());
    session.tick(seconds(30));
    assert_eq!(session.ended(), Some(&Ended::Silent("the bind")));
}

#[test]
fn a_password_is_gone_once_it_is_written() {
    let mut session = opened(terms());
    assert!(session.output().windows(8).any(|bytes| bytes == b"s3cret!!"));
    assert!(!format!("{session:?} {:?}", account()).contains("s3cret"));
    let half = session.output().len() / 2;
    session.written(half);
    session.written(session.output().len());
    assert!(session.output().is_empty());
}

#[test]
fn deliveries_are_answered_when_they_are_acknowledged_and_too_many_come_again() {
    let mut session = bound(terms());
    for sequence in 11..14 {
        hear(&mut session, &Pdu::request(sequence, Body::DeliverSm(proof())), seconds(1));
    }
    let statuses = |frames: Vec<Vec<u8>>| {
        let read = |frame: &Vec<u8>| Pdu::parse(frame).map(|pdu| (pdu.sequence, pdu.status)).unwrap();
        frames.iter().map(read).collect::<Vec<_>>()
    };
    assert_eq!(statuses(said(&mut session)), [(13, CommandStatus::TEMPORARY_APPLICATION_ERROR)]);
    assert_eq!(session.events().len(), 2);
    for _ in 0..2 {
        session.acknowledge(Delivery(2));
    }
    assert_eq!(statuses(said(&mut session)), [(12, CommandStatus::OK)]);
    // What nobody waits for is answered at once: a text, a notification, a receipt that says nothing, a sender without number.
    let text = ShortMessage { esm_class: 0, data_coding: 0, protocol_id: 0, short_message: b"hello", ..proof() };
    let nobody = Party { type_of_number: 5, numbering_plan: 0, number: "BANK" };
    for message in [
        text,
        ShortMessage { esm_class: 0x20, ..text },
        ShortMessage { esm_class: 0x04, ..text },
        ShortMessage { source: nobody, ..proof() },
    ] {
        hear(&mut session, &Pdu::request(20, Body::DeliverSm(message)), seconds(1));
        assert_eq!(statuses(said(&mut session)), [(20, CommandStatus::OK)]);
    }
    assert_eq!((session.passed_over(), session.events()), (4, vec![]));
    // A report without the flag of its header is still one.
    hear(&mut session, &Pdu::request(21, Body::DeliverSm(ShortMessage { esm_class: 0, ..proof() })), seconds(1));
    assert_eq!(session.events().len(), 1);
}

#[test]
fn silence_is_asked_about_and_then_ends_it() {
    let mut session = bound(terms());
    session.tick(seconds(14));
    assert!(said(&mut session).is_empty());
    for now in [15, 16] {
        session.tick(seconds(now));
    }
    let [frame] = said(&mut session).try_into().unwrap();
    let asked = Pdu::parse(&frame).unwrap();
    assert_eq!(asked.body, Body::EnquireLink);
    hear(&mut session, &Pdu::response(asked.sequence, CommandStatus::OK, Body::EnquireLinkResponse), seconds(17));
    session.tick(seconds(31));
    assert!(said(&mut session).is_empty());
    session.tick(seconds(32));
    assert_eq!(said(&mut session).len(), 1);
    session.tick(seconds(62));
    assert_eq!(session.ended(), Some(&Ended::Silent("enquire_link")));
}

#[test]
fn unbinding_waits_for_what_is_under_way() {
    let mut session = bound(terms());
    submit(&mut session, 1, seconds(1)).unwrap();
    session.unbind(seconds(1));
    assert_eq!(session.room(seconds(1)), 0);
    answer(&mut session, 2, CommandStatus::OK, seconds(2));
    hear(&mut session, &Pdu::response(3, CommandStatus::OK, Body::UnbindResponse), seconds(2));
    assert_eq!((session.events().len(), session.ended()), (1, Some(&Ended::Unbound)));
    let mut session = bound(terms());
    submit(&mut session, 1, seconds(1)).unwrap();
    said(&mut session);
    hear(&mut session, &Pdu::request(8, Body::Unbind), seconds(1));
    assert_eq!(session.events(), [Event::Unanswered { ticket: Ticket(1) }]);
    let [frame] = said(&mut session).try_into().unwrap();
    assert_eq!(Pdu::parse(&frame).unwrap().body, Body::UnbindResponse);
}

#[test]
fn what_cannot_be_read_is_refused_and_what_cannot_be_delimited_ends_it() {
    let nack = |session: &mut Session| {
        let frame = said(session).pop().unwrap();
        let pdu = Pdu::parse(&frame).unwrap();
        (pdu.body.command(), pdu.status, pdu.sequence)
    };
    let generic = onecard_wire::smpp::CommandId::GENERIC_NACK;
    // query_sm.
    let mut session = bound(terms());
    session.read(&[0, 0, 0, 17, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 5, 0], seconds(1));
    assert_eq!(nack(&mut session), (generic, CommandStatus::INVALID_COMMAND_ID, 5));
    // deliver_sm without a body.
    session.read(&[0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6], seconds(1));
    let deliver = onecard_wire::smpp::CommandId::DELIVER_SM.response();
    assert_eq!(nack(&mut session), (deliver, CommandStatus::REJECTED, 6));
    assert_eq!(session.ended(), None);
    for length in [0, 15, 0x1_1001, u32::MAX] {
        let mut session = bound(terms());
        submit(&mut session, 1, seconds(1)).unwrap();
        session.read(&length.to_be_bytes(), seconds(1));
        assert_eq!(nack(&mut session), (generic, CommandStatus::INVALID_COMMAND_LENGTH, 0));
        assert_eq!(session.ended(), Some(&Ended::Broken(length)));
        assert_eq!(session.events(), [Event::Unanswered { ticket: Ticket(1) }]);
    }
    // An answer of another kind.
    let mut session = bound(terms());
    submit(&mut session, 1, seconds(1)).unwrap();
    hear(&mut session, &Pdu::response(2, CommandStatus::OK, Body::EnquireLinkResponse), seconds(1));
    assert!(matches!(session.ended(), Some(Ended::Misbehaved(_))));
    assert_eq!(session.events(), [Event::Unanswered { ticket: Ticket(1) }]);
}

#[test]
fn a_message_that_cannot_be_said_is_refused_by_itself() {
    let mut session = bound(terms());
    let long = carrier::ShortMessage { user_data: vec![0; 141], ..message() };
    session.submit(Ticket(1), &long, seconds(120), seconds(1)).unwrap();
    assert_eq!(session.events(), [Event::Refused { ticket: Ticket(1), status: 0x01 }]);
    assert!(said(&mut session).is_empty());
}

/// An answer with whatever body.
fn raw(command: u32, status: CommandStatus, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = (16 + body.len()) as u32;
    [&[length, command, status.0, sequence].map(u32::to_be_bytes).concat()[..], body].concat()
}

/// What says whether a message was taken is the status: a name that nobody can read ends no link.
#[test]
fn a_message_id_that_cannot_be_read_is_none() {
    const SUBMIT_SM_RESP: u32 = 0x8000_0004;
    let mut session = bound(terms());
    for (ticket, body) in [(0, &b""[..]), (1, b"no zero behind it"), (2, b"\xE4\xB8\xAD\0")] {
        submit(&mut session, ticket, seconds(1)).unwrap();
        session.read(&raw(SUBMIT_SM_RESP, CommandStatus::OK, 2 + ticket as u32, body), seconds(1));
        let taken = Event::Accepted { ticket: Ticket(ticket), message_id: String::new() };
        assert_eq!((session.events(), session.ended()), (vec![taken], None));
    }
    submit(&mut session, 3, seconds(1)).unwrap();
    session.read(&raw(SUBMIT_SM_RESP, CommandStatus::QUEUE_FULL, 5, b"what a pity"), seconds(1));
    assert_eq!((session.events(), session.ended()), (vec![Event::Throttled { ticket: Ticket(3) }], None));
}

#[test]
fn a_bind_is_refused_by_its_status_and_answered_by_its_own_kind() {
    const BIND_TRANSCEIVER_RESP: u32 = 0x8000_0009;
    let mut session = opened(terms());
    session.read(&raw(BIND_TRANSCEIVER_RESP, CommandStatus::INVALID_PASSWORD, 1, b"go away"), seconds(1));
    assert_eq!(session.ended(), Some(&Ended::BindRefused(CommandStatus::INVALID_PASSWORD)));
    for body in [Body::BindResponse(Role::Receiver, "centre"), Body::GenericNack] {
        let mut session = opened(terms());
        hear(&mut session, &Pdu::response(1, CommandStatus::OK, body), seconds(1));
        assert!(matches!(session.ended(), Some(Ended::Misbehaved(_))), "{body:?}: {:?}", session.ended());
    }
}

/// Anybody can send a long text to the platform's number, and a centre that puts it together has it in one message_payload.
#[test]
fn a_long_text_ends_no_link() {
    let mut session = bound(terms());
    let long = ShortMessage { esm_class: 0, short_message: &[], payload: Some(&[0x41; 65_535]), ..proof() };
    hear(&mut session, &Pdu::request(11, Body::DeliverSm(long)), seconds(1));
    let answers = said(&mut session).len();
    assert_eq!((session.ended(), session.passed_over(), answers), (None, 1, 1));
    // A message_payload of nothing takes no proof's place.
    hear(&mut session, &Pdu::request(12, Body::DeliverSm(ShortMessage { payload: Some(&[]), ..proof() })), seconds(1));
    assert_eq!(session.events().len(), 1);
}

#[test]
fn each_role_does_its_own() {
    let open = |role| {
        let mut session = Session::open((&account(), role), terms(), 0, Duration::ZERO);
        said(&mut session);
        hear(&mut session, &Pdu::response(1, CommandStatus::OK, Body::BindResponse(role, "centre")), Duration::ZERO);
        assert!(session.is_bound());
        session
    };
    let (mut receiver, mut transmitter) = (open(Role::Receiver), open(Role::Transmitter));
    assert_eq!((receiver.room(seconds(1)), submit(&mut receiver, 1, seconds(1))), (0, Err(NoRoom)));
    assert_eq!((transmitter.room(seconds(1)), submit(&mut transmitter, 1, seconds(1))), (3, Ok(())));
    for (session, events) in [(&mut receiver, 1), (&mut transmitter, 0)] {
        hear(session, &Pdu::request(11, Body::DeliverSm(proof())), seconds(1));
        assert_eq!(session.events().len(), events);
    }
    let answer = said(&mut transmitter).pop().unwrap();
    assert_eq!(Pdu::parse(&answer).unwrap().status, CommandStatus::WRONG_BIND_STATE);
}

proptest! {
    /// Whatever comes, in whatever pieces: every ticket is told once, the output is PDUs, and closed stays closed.
    #[test]
    fn anything_in_any_pieces(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                (1..6u32, 0..4u32).prop_map(|(sequence, status)| {
                    bytes_of(&Pdu::response(sequence, CommandStatus(status), Body::SubmitSmResponse("x")))
                }),
                (1..6u32).prop_map(|sequence| bytes_of(&Pdu::request(sequence, Body::DeliverSm(proof())))),
                Just(bytes_of(&Pdu::request(1, Body::EnquireLink))),
            ],
            0..20,
        ),
        cut in 1..40usize,
    ) {
        let mut session = bound(terms());
        let (mut tickets, mut told) = (0, std::collections::HashSet::new());
        let stream = pieces.concat();
        for piece in stream.chunks(cut) {
            if submit(&mut session, tickets, seconds(1)).is_ok() {
                tickets += 1;
            }
            session.read(piece, seconds(1));
            said(&mut session);
        }
        let ended = session.ended().cloned();
        session.end(Ended::Unbound);
        prop_assert_eq!(session.ended().cloned(), Some(ended.unwrap_or(Ended::Unbound)));
        for event in session.events() {
            if let Event::Accepted { ticket, .. } | Event::Throttled { ticket } | Event::Refused { ticket, .. } | Event::Unanswered { ticket } = event {
                prop_assert!(told.insert(ticket));
            }
        }
        prop_assert_eq!(told.len() as u64, tickets);
    }
}
