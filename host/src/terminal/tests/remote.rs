//! A server as the SAM, over a real socket, with every request and every answer lost in turn.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use super::model_card::ModelCard;
use super::*;
use crate::sam::{Link, LinkError, RemoteSam, Sam, SamError, SamServer};

/// Messages over TCP: length 2 ‖ message. Faults are counted by request.
struct Wire {
    stream: TcpStream,
    sent: usize,
    fault: Option<(usize, Lost)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lost {
    /// The server never sees it.
    Request,
    /// The server executes it.
    Answer,
}

impl Link for Wire {
    fn request(&mut self, request: &[u8]) -> Result<Vec<u8>, LinkError> {
        let fault = self.fault.filter(|(at, _)| *at == self.sent).map(|(_, lost)| lost);
        self.sent += 1;
        if fault == Some(Lost::Request) {
            return Err(LinkError("request lost".to_owned()));
        }
        write_message(&mut self.stream, request);
        let answer = read_message(&mut self.stream).unwrap();
        match fault {
            Some(_) => Err(LinkError("answer lost".to_owned())),
            None => Ok(answer),
        }
    }
}

fn write_message(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], message].concat()).unwrap();
}

fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// Serves `sam` on loopback until the terminal hangs up; gives it back.
fn serving(mut sam: SoftwareSam) -> (Wire, thread::JoinHandle<SoftwareSam>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut server = SamServer::new();
        while let Some(request) = read_message(&mut stream) {
            let answer = server.serve(&mut sam, &request);
            write_message(&mut stream, &answer);
        }
        sam
    });
    (Wire { stream, sent: 0, fault: None }, serving)
}

/// What one order moves, and the order.
type Operation = fn(&mut ModelCard, &mut RemoteSam<&mut Wire>, &mut InMemoryStore) -> Result<Tap, StoreError>;

const OPERATIONS: [(&str, Operation); 3] = [
    ("110", |card, sam, store| recharge(card, sam, store, &top_up(7, "20"))),
    ("80", |card, sam, store| purchase(card, sam, store, &sale(7, "10"))),
    ("100", |card, sam, store| {
        let (number, purchase) = (OrderNumber(7), OrderNumber(1));
        undo(card, sam, store, &UndoOrder { number, enterprise: enterprise(), purchase, key_id: 1, moment: moment(7) })
    }),
];

/// With one attempt a lost message is felt, with two it is not; either way everything happens once.
#[test]
fn an_online_terminal_charges_once_whatever_the_line_loses() {
    let mut endings = [0; 3];
    for (expected, operation) in OPERATIONS {
        for (lost, attempts) in [(Lost::Request, 1), (Lost::Answer, 1), (Lost::Request, 2), (Lost::Answer, 2)] {
            for at in 0..6 {
                let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
                let (mut wire, server) = serving(whole_sam());
                let mut sam = RemoteSam::new(&mut wire, 1, 1);
                committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
                wire.fault = Some((wire.sent + at, lost));
                let mut sam = RemoteSam::new(&mut wire, 2, attempts);
                let first = operation(&mut card, &mut sam, &mut store).unwrap();
                let ending = match first.outcome {
                    Outcome::Committed(_) => 0,
                    Outcome::NotCommitted(_) => 1,
                    Outcome::Unknown(_) => 2,
                };
                endings[ending] += 1;
                assert!(attempts == 1 || ending == 0, "{expected} {lost:?} {at}: {:?}", first.outcome);
                // The same order once more, in a later session of the terminal.
                wire.fault = None;
                let mut sam = RemoteSam::new(&mut wire, 3, 1);
                committed(&operation(&mut card, &mut sam, &mut store).unwrap().outcome);
                assert_eq!(card.balance, yuan(expected), "{lost:?} {at}");
                assert!(store.pending().unwrap().is_empty());
                drop(wire);
                let sam = server.join().unwrap();
                let state = sam.state();
                let loaded = 100_000 - state.load_limit_fen;
                let (spent, expected_load) = if expected == "110" { (8, 2_000) } else { (9, 0) };
                // An undo begun anew takes another number.
                let again = u32::from(expected == "100" && ending != 0);
                assert!(
                    (spent..=spent + again).contains(&state.next_sequence),
                    "{lost:?} {at}: {}",
                    state.next_sequence
                );
                assert_eq!(loaded, expected_load, "{lost:?} {at}");
            }
        }
    }
    assert!(endings.iter().all(|count| *count > 0), "{endings:?}");
}

#[test]
fn a_repeated_request_is_answered_and_not_executed_again() {
    let (mut sam, mut server) = (whole_sam(), SamServer::new());
    let random = |number: u32| [&[1][..], &7u64.to_be_bytes(), &number.to_be_bytes(), &[0x09]].concat();
    let first = server.serve(&mut sam, &random(1));
    assert_eq!((server.serve(&mut sam, &random(1)), sam.state().randoms_made), (first.clone(), 1));
    let second = server.serve(&mut sam, &random(2));
    assert_ne!(first[14..], second[14..]);
    // Given up, and come late.
    assert_eq!(server.serve(&mut sam, &random(1))[13..], [0x0C]);
    // Another question under the same number.
    let mut other = random(2);
    other[13] = 0x01;
    assert_eq!(server.serve(&mut sam, &other)[13..], [0x0C]);
    assert_eq!(sam.state().randoms_made, 2);
    for wrong in [&[][..], &[2, 0, 0], &random(3)[..13], &[&random(3)[..], &[0]].concat()] {
        assert_eq!(server.serve(&mut sam, wrong)[13..], [0x0B], "{wrong:?}");
    }
}

/// Every method of a SAM and every kind of refusal comes through.
#[test]
fn a_remote_sam_answers_as_the_sam_behind_it() {
    use crate::sam::{AuthenticationUse, CardFactors, LineKeyUse};
    let purposes = [Purpose::Purchase, Purpose::Maintenance, Purpose::AccessAuthentication, Purpose::Rights];
    let (mut wire, server) = serving(sam(&purposes));
    let (mut remote, mut local) = (RemoteSam::new(&mut wire, 1, 1), sam(&purposes));
    let card = CardFactors { enterprise: enterprise(), serial: serial(1) };
    let version = crate::blacklist::ListVersion([7; 7]);
    type Call = fn(&mut dyn Sam, CardFactors, crate::blacklist::ListVersion) -> Result<Vec<u8>, SamError>;
    let calls: [Call; 7] = [
        |sam, _, _| sam.terminal().map(|terminal| terminal.0.to_vec()),
        |sam, card, _| sam.maintenance_mac(card, [1; 8], &[4; 300]).map(|mac| mac.to_vec()),
        |sam, card, _| {
            let made = sam.authentication(card, AuthenticationUse::Access, VERSION, [2; 8]);
            made.map(|made| made.as_bytes().to_vec())
        },
        |sam, card, _| {
            let made = sam.authentication(card, AuthenticationUse::Attendance, VERSION, [2; 8]);
            made.map(|made| made.as_bytes().to_vec())
        },
        |sam, card, _| sam.line_mac(card, LineKeyUse::Rights, VERSION, [0; 8], &[5; 20]).map(|mac| mac.to_vec()),
        |sam, card, version| sam.mark(card, VERSION, [3; 4], version).map(|mac| mac.to_vec()),
        |sam, _, _| sam.marking_versions().map(|keys| keys.into_iter().map(|key| key.0).collect()),
    ];
    for (at, call) in calls.into_iter().enumerate() {
        assert_eq!(call(&mut remote, card, version), call(&mut local, card, version), "{at}");
    }
    assert_eq!(calls[3](&mut remote, card, version), Err(SamError::NoSuchKey));
    assert_eq!(remote.credit_undo([0; 4]), local.credit_undo([0; 4]));
    // A terminal that starts with an old session number is told so.
    let mut stale = RemoteSam::new(&mut wire, 0, 1);
    assert_eq!(stale.terminal(), Err(SamError::StaleSession));
    drop(wire);
    server.join().unwrap();
}
