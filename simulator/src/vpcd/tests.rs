#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use onecard_host::trace::{Payload, What};
use onecard_wire::{aid, number::ApplicationSerial};

use super::*;
use crate::{
    chip::{Blank, Chip, Kind},
    sample::Sample,
    tear::{Cut, Tear},
};

const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x08];
/// A blank chip's transport key has three tries.
const WRONG_AUTHENTICATION: [u8; 13] = [0x00, 0x82, 0x00, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8];

/// vpcd's side of a slot, as it behaves.
struct Vpcd {
    card: TcpStream,
}

impl Vpcd {
    /// A slot with `card` in it, which is served until the end that is returned.
    fn with<C: Presented + Send + 'static>(card: C) -> (Self, Puller, JoinHandle<(C, End)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (serving, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let slot = Slot::connect("127.0.0.1", port).unwrap();
            serving.send(slot.puller()).unwrap();
            slot.serve(card)
        });
        let (card, _) = listener.accept().unwrap();
        card.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut vpcd = Self { card };
        // The first thing vpcd does with a new card; the card waits for it.
        let length = vpcd.ask(&[4]).unwrap().len();
        assert!(length > 2, "an ATR of {length} bytes");
        (vpcd, told.recv_timeout(Duration::from_secs(10)).unwrap(), thread)
    }

    fn tell(&mut self, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap();
        // Two packets, as vpcd 3.3 has them.
        self.card.write_all(&length.to_be_bytes()).unwrap();
        self.card.write_all(payload).unwrap();
    }

    fn ask(&mut self, payload: &[u8]) -> std::io::Result<Vec<u8>> {
        self.tell(payload);
        let mut length = [0; 2];
        self.card.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.card.read_exact(&mut answer)?;
        Ok(answer)
    }

    /// Tries left after a wrong authentication.
    fn tries_left(&mut self) -> u8 {
        self.ask(&GET_CHALLENGE).unwrap();
        match self.ask(&WRONG_AUTHENTICATION).unwrap()[..] {
            [0x63, tries] => tries & 0x0F,
            ref answer => panic!("{answer:02X?}"),
        }
    }
}

fn blank(protocol: Protocol) -> SimulatedCard {
    SimulatedCard::new(Chip::blank(Blank::CpuCard, 1).unwrap(), protocol)
}

#[test]
fn the_atr_comes_with_and_without_power_and_commands_with_power_alone() {
    let (mut vpcd, _, thread) = Vpcd::with(blank(Protocol::T1));
    let expected = atr(Kind::CpuCard, Protocol::T1);
    assert_eq!(vpcd.ask(&[4]).unwrap(), expected);
    vpcd.tell(&[1]);
    assert_eq!(vpcd.ask(&[4]).unwrap(), expected);
    assert_eq!(vpcd.ask(&GET_CHALLENGE).unwrap().len(), 10);
    vpcd.tell(&[0]);
    assert_eq!(vpcd.ask(&[4]).unwrap(), expected);
    vpcd.ask(&GET_CHALLENGE).unwrap_err();
    assert!(matches!(thread.join().unwrap().1, End::Silent));
}

#[test]
fn counters_stay_and_sessions_end_with_power_and_reset() {
    for control in [&[&[1][..]][..], &[&[2]], &[&[0], &[1]]] {
        let (mut vpcd, puller, thread) = Vpcd::with(blank(Protocol::T1));
        vpcd.tell(&[1]);
        assert_eq!(vpcd.tries_left(), 2);
        vpcd.ask(&GET_CHALLENGE).unwrap();
        for payload in control {
            vpcd.tell(payload);
        }
        // The challenge went with the power: the card asks for one before it counts.
        assert_eq!(vpcd.ask(&WRONG_AUTHENTICATION).unwrap(), [0x69, 0x85]);
        assert_eq!(vpcd.tries_left(), 1);
        puller.pull();
        let (card, end) = thread.join().unwrap();
        assert!(matches!(end, End::Pulled));
        let (mut vpcd, _, _) = Vpcd::with(SimulatedCard::new(card.into_chip(), Protocol::T1));
        vpcd.tell(&[1]);
        assert_eq!(vpcd.tries_left(), 0);
    }
}

#[test]
fn t0_fetches_and_t1_does_not() {
    let select = [0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00];
    let (mut vpcd, _, _) = Vpcd::with(blank(Protocol::T1));
    vpcd.tell(&[1]);
    let whole = vpcd.ask(&select).unwrap();
    assert!(whole.len() > 2, "{whole:02X?}");
    let (mut vpcd, _, _) = Vpcd::with(blank(Protocol::T0));
    vpcd.tell(&[1]);
    assert_eq!(vpcd.ask(&select).unwrap(), [0x61, whole.len() as u8 - 2]);
    // A reset forgets what waited.
    vpcd.tell(&[2]);
    assert_eq!(vpcd.ask(&[0x00, 0xC0, 0x00, 0x00, 0x00]).unwrap(), [0x69, 0x85]);
    vpcd.ask(&select).unwrap();
    assert_eq!(vpcd.ask(&[0x00, 0xC0, 0x00, 0x00, 0x00]).unwrap(), whole);
}

#[test]
fn what_is_no_command_of_this_card_is_a_wrong_length() {
    let (mut vpcd, _, _) = Vpcd::with(blank(Protocol::T1));
    vpcd.tell(&[1]);
    let extended = [vec![0x00, 0xA4, 0x00, 0x00, 0x00, 0x10, 0x00], vec![0; 4096]].concat();
    // 07 is no control of vpcd's, so it is a command, and too short.
    for wrong in [&[0x07][..], &[0x00, 0x84], &[0; 300], &[0xFF; 65_535], &extended] {
        assert_eq!(vpcd.ask(wrong).unwrap(), [0x67, 0x00], "{} bytes", wrong.len());
    }
    // Nothing at all is no message.
    vpcd.tell(&[]);
    assert_eq!(vpcd.ask(&GET_CHALLENGE).unwrap().len(), 10);
}

#[test]
fn messages_in_one_packet_and_in_many_are_the_same() {
    let (mut vpcd, _, _) = Vpcd::with(blank(Protocol::T1));
    let on_and_atr = [0, 1, 1, 0, 1, 4];
    vpcd.card.write_all(&on_and_atr).unwrap();
    let mut length = [0; 2];
    vpcd.card.read_exact(&mut length).unwrap();
    vpcd.card.read_exact(&mut vec![0; usize::from(length[1])]).unwrap();
    for byte in [0, 5, 0x00, 0x84, 0x00, 0x00, 0x08] {
        vpcd.card.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    let mut answer = [0; 12];
    vpcd.card.read_exact(&mut answer).unwrap();
    assert_eq!((&answer[..2], &answer[10..]), (&[0, 10][..], &[0x90, 0x00][..]));
}

#[test]
fn a_card_is_pulled_at_any_command_before_and_after_its_execution() {
    for (moment, tries) in [(Moment::BeforeExecution, 2), (Moment::AfterExecution, 1)] {
        let (mut vpcd, puller, thread) = Vpcd::with(blank(Protocol::T1));
        vpcd.tell(&[1]);
        puller.pull_at(3, moment);
        vpcd.tries_left();
        vpcd.ask(&GET_CHALLENGE).unwrap();
        // An orderly end: vpcd reads on in what it never received after any other.
        let error = vpcd.ask(&WRONG_AUTHENTICATION).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        let (card, end) = thread.join().unwrap();
        assert!(matches!(end, End::Pulled));
        let (mut vpcd, _, _) = Vpcd::with(card);
        vpcd.tell(&[1]);
        assert_eq!(vpcd.tries_left(), tries - 1);
    }
}

#[test]
fn a_pull_ends_an_idle_slot_and_a_second_one_does_nothing() {
    let (mut vpcd, puller, thread) = Vpcd::with(blank(Protocol::T1));
    puller.pull();
    puller.pull();
    assert!(matches!(thread.join().unwrap().1, End::Pulled));
    puller.pull();
    assert!(vpcd.card.read_exact(&mut [0]).is_err());
}

#[test]
fn a_card_that_loses_its_power_is_seen_as_gone_and_comes_back_with_what_it_had() {
    let mut chip = Chip::blank(Blank::CpuCard, 1).unwrap();
    chip.cut_power_at(Cut { operation: 0, tear: Tear::BEFORE });
    let (mut vpcd, _, thread) = Vpcd::with(SimulatedCard::new(chip, Protocol::T1));
    vpcd.tell(&[1]);
    vpcd.ask(&GET_CHALLENGE).unwrap();
    vpcd.ask(&WRONG_AUTHENTICATION).unwrap_err();
    let (card, end) = thread.join().unwrap();
    assert!(matches!(end, End::Silent), "{end:?}");
    let (mut vpcd, _, _) = Vpcd::with(card);
    vpcd.tell(&[1]);
    assert_eq!(vpcd.tries_left(), 2);
}

#[test]
fn a_listener_hears_whole_apdus_without_pin_and_holder() {
    let mut sample = Sample::new("heard").unwrap();
    let chip = sample.card(ApplicationSerial::from_parts(31, 1, 42).unwrap()).unwrap();
    let name = aid::enterprise_application(sample.enterprise());
    let (heard, told) = std::sync::mpsc::channel();
    let mut card = SimulatedCard::new(chip, Protocol::T0).heard_by(move |what| heard.send(what).unwrap());
    card.power_on();
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x0E], &name[..]].concat();
    let verify = [0x00, 0x20, 0x00, 0x00, 0x03, 0x12, 0x34, 0x56];
    let (file, read) = ([0x00, 0xA4, 0x00, 0x00, 0x02, 0x00, 0x16], [0x00, 0xB0, 0x00, 0x00, 0x37]);
    for command in [&select[..], &verify, &file, &read] {
        card.transmit(command).unwrap();
    }
    card.power_off();
    drop(card);
    let all: Vec<What> = told.iter().collect();
    let exchanges: Vec<_> = all
        .iter()
        .filter_map(|what| match what {
            What::Exchange(exchange) => Some((exchange.sent.data.clone(), exchange.received.clone().unwrap().data)),
            _ => None,
        })
        .collect();
    assert!(matches!((&all[0], &all[5]), (What::PowerUp(_), What::PowerOff)), "{all:?}");
    assert!(matches!(&exchanges[0].1, Payload::Shown(fci) if fci.len() == 53), "{exchanges:?}");
    // As the current file, which no command that reads it names.
    assert_eq!((&exchanges[1].0, &exchanges[3].1), (&Payload::Hidden(3), &Payload::Hidden(0x37)));
}

#[test]
fn a_reader_that_goes_gives_the_card_back() {
    let (vpcd, _, thread) = Vpcd::with(Echo::answering(4));
    drop(vpcd);
    assert!(matches!(thread.join().unwrap().1, End::ReaderGone));
}

#[test]
fn nobody_there_and_somebody_else_there_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A slot that is taken: the connection is made and nothing comes.
    let Err(error) = Slot::connect("127.0.0.1", port) else { panic!("nobody spoke") };
    assert!(matches!(error, NoSlot::Occupied { .. }) && error.to_string().contains(&port.to_string()));
    drop(listener);
    let Err(error) = Slot::connect("127.0.0.1", port) else { panic!("nobody listens") };
    assert!(matches!(error, NoSlot::NoReader { .. }) && error.to_string().contains("vsmartcard-vpcd"));
}

#[test]
fn a_key_master_card_and_its_mother_card_are_served_by_both_protocols() {
    let status: [u8; 4] = [0x80, 0xCA, 0x00, 0xC0];
    for protocol in [Protocol::T1, Protocol::T0] {
        for (blank, kind, length) in
            [(Blank::KeyMaster, Kind::KeyMaster, 27), (Blank::MotherAuthentication, Kind::MotherAuthentication, 17)]
        {
            let card = SimulatedCard::new(Chip::blank(blank, 1).unwrap(), protocol);
            let (mut vpcd, _, _) = Vpcd::with(card);
            assert_eq!(vpcd.ask(&[4]).unwrap(), atr(kind, protocol));
            vpcd.tell(&[1]);
            let answer = vpcd.ask(&[&status[..], &[length]].concat()).unwrap();
            assert_eq!(answer, [&vec![0; usize::from(length)][..], &[0x90, 0x00]].concat());
        }
    }
}
