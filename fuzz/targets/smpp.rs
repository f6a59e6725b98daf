//! Bytes of a stranger at both ends of a link: the gateway's session and the simulated message centre. Nothing panics; what they say is
//! PDUs; a ticket is told once; what has ended stays so.
#![no_main]
use std::{collections::HashSet, sync::OnceLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use onecard_gateway::{
    carrier::{Event, ShortMessage, Ticket},
    smpp::{
        account::{Account, LinkTerms, Password},
        session::{Ended, Session},
    },
};
use onecard_simulator::message_centre::{
    message::LinkId,
    network::{Network, Settings},
    server::{CentreTerms, conversation::Conversation},
};
use onecard_wire::{
    date::Moment,
    smpp::{
        CommandStatus,
        pdu::{Body, Frame, Pdu, Role},
    },
};

fuzz_target!(|bytes: &[u8]| {
    let [choice, piece, rest @ ..] = bytes else { return };
    let piece = usize::from(*piece).max(1);
    gateway(rest, piece, choice & 1 == 0);
    centre(rest, piece, choice & 2 == 0);
});

fn gateway(bytes: &[u8], piece: usize, bound: bool) {
    let account = account();
    let terms = LinkTerms { window: 3, deliveries_max: 2, ..LinkTerms::new("10086".parse().expect("a number")) };
    let mut session = Session::open((account, Role::Transceiver), terms, 0, Duration::ZERO);
    if bound {
        session.read(
            &written(&Pdu::response(1, CommandStatus::OK, Body::BindResponse(Role::Transceiver, "x"))),
            Duration::ZERO,
        );
    }
    let message = ShortMessage { phone: "+8613800000001".parse().expect("a number"), user_data: vec![2, 0x70, 0, 1] };
    let (mut tickets, mut told, mut deliveries) = (0, HashSet::new(), Vec::new());
    for (chunk, second) in bytes.chunks(piece).zip(0..) {
        let now = Duration::from_secs(second);
        tickets += u64::from(session.submit(Ticket(tickets), &message, Duration::from_secs(120), now).is_ok());
        session.read(chunk, now);
        session.tick(now);
        pdus(session.output());
        session.written(session.output().len());
        take(session.events(), &mut told, &mut deliveries);
        if let Some(delivery) = deliveries.pop() {
            session.acknowledge(delivery);
        }
    }
    let ended = session.ended().cloned();
    session.end(Ended::Unbound);
    assert_eq!(session.ended().cloned(), Some(ended.unwrap_or(Ended::Unbound)));
    take(session.events(), &mut told, &mut deliveries);
    assert_eq!(told.len() as u64, tickets, "a ticket is not told");
}

fn take(events: Vec<Event>, told: &mut HashSet<Ticket>, deliveries: &mut Vec<onecard_gateway::carrier::Delivery>) {
    for event in events {
        match event {
            Event::Accepted { ticket, .. }
            | Event::Throttled { ticket }
            | Event::Refused { ticket, .. }
            | Event::Unanswered { ticket } => assert!(told.insert(ticket), "a ticket is told twice"),
            Event::Receipt { delivery, .. } | Event::Received { delivery, .. } => deliveries.push(delivery),
        }
    }
}

fn centre(bytes: &[u8], piece: usize, bound: bool) {
    let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).expect("a moment");
    let mut network = Network::new(Settings::new("10085".parse().expect("a number"), start), 1);
    let terms = CentreTerms::default();
    let mut conversation = Conversation::new(LinkId(1), Duration::ZERO);
    if bound {
        let bind = onecard_wire::smpp::pdu::Bind { system_id: "x", password: b"y", system_type: "", version: 0x34 };
        let bind = written(&Pdu::request(1, Body::Bind(Role::Transceiver, bind)));
        conversation.read(&bind, Duration::ZERO, &terms, &mut network);
        assert_eq!(conversation.system_id(), Some("x"));
    }
    for (chunk, second) in bytes.chunks(piece).zip(0..) {
        let now = Duration::from_secs(second);
        let over = conversation.is_ended();
        conversation.read(chunk, now, &terms, &mut network);
        conversation.tick(now, &terms, &mut network);
        pdus(conversation.output());
        conversation.written(usize::MAX);
        assert!(!over || conversation.is_ended());
    }
}

/// What is said is PDUs from end to end.
fn pdus(mut rest: &[u8]) {
    while !rest.is_empty() {
        let Frame::Whole(length) = Frame::first_of(rest) else { panic!("no PDU: {rest:02X?}") };
        let (frame, behind) = rest.split_at(length);
        let pdu = Pdu::parse(frame).expect("a PDU");
        assert_eq!(written(&pdu), frame);
        rest = behind;
    }
}

fn written(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pdu.write(|piece| bytes.extend_from_slice(piece));
    bytes
}

fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| Account::new("x", Password::from_text(b"y").expect("a password")).expect("an account"))
}
