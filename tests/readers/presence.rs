//! Cards that come and go, as pcscd sees them.

use std::time::Duration;

use onecard_simulator::{
    chip::{Blank, Chip, Kind},
    vpcd::{NoSlot, PORTS, Protocol, SimulatedCard, Slot, atr},
};
use pcsc::{Protocols, State};

use crate::stage::Stage;

const LIMIT: Duration = Duration::from_secs(60);

fn blank(kind: Kind, protocol: Protocol) -> SimulatedCard {
    // The seed of its random numbers.
    let (blank, seed) = match kind {
        Kind::Sam => (Blank::Sam, 8),
        _ => (Blank::CpuCard, 7),
    };
    SimulatedCard::new(Chip::blank(blank, seed).unwrap(), protocol)
}

#[test]
fn pcscd_sees_the_atr_and_connects_in_its_protocol_alone() {
    let stage = Stage::begin(LIMIT);
    for kind in [Kind::CpuCard, Kind::Sam] {
        for (protocol, spoken, other) in
            [(Protocol::T1, Protocols::T1, Protocols::T0), (Protocol::T0, Protocols::T0, Protocols::T1)]
        {
            let card = stage.insert(0, blank(kind, protocol));
            assert_eq!(stage.state(0).atr(), atr(kind, protocol));
            let connected = stage.try_connect(0, spoken).unwrap();
            let status = connected.status2_owned().unwrap();
            assert_eq!(status.atr(), atr(kind, protocol));
            drop(connected);
            assert_eq!(stage.try_connect(0, other).err(), Some(pcsc::Error::ProtoMismatch));
            card.pull(&stage);
        }
    }
}

#[test]
fn insertion_and_removal_are_events_and_what_was_connected_has_ended() {
    let stage = Stage::begin(LIMIT);
    let mut card = blank(Kind::CpuCard, Protocol::T1);
    let mut last = stage.state(0).event_count();
    for _ in 0..3 {
        let inserted = stage.insert(0, card);
        let connected = stage.connect(0);
        assert!(stage.state(0).event_state().contains(State::PRESENT | State::INUSE));
        card = inserted.pull(&stage);
        assert_eq!(stage.try_connect(0, Protocols::ANY).err(), Some(pcsc::Error::NoSmartcard));
        let mut answer = [0; 258];
        let error = connected.transmit(&[0x00, 0x84, 0x00, 0x00, 0x08], &mut answer).unwrap_err();
        assert_eq!(error, pcsc::Error::RemovedCard);
        let count = stage.state(0).event_count();
        assert_eq!(count, last + 2, "one event for each");
        last = count;
    }
}

#[test]
fn two_cards_are_two_readers_and_a_third_is_told_so() {
    let stage = Stage::begin(LIMIT);
    let first = stage.insert(0, blank(Kind::CpuCard, Protocol::T1));
    let second = stage.insert(1, blank(Kind::Sam, Protocol::T0));
    let (one, two) = (stage.connect(0), stage.connect(1));
    for _ in 0..100 {
        let mut answers = [[0; 10]; 2];
        for (card, answer) in [&one, &two].into_iter().zip(&mut answers) {
            assert_eq!(card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x08], answer).unwrap()[8..], [0x90, 0x00]);
        }
        assert_ne!(answers[0], answers[1]);
    }
    for port in PORTS {
        assert!(matches!(Slot::connect("127.0.0.1", port), Err(NoSlot::Occupied { .. })));
    }
    // The one goes, the other stays.
    first.pull(&stage);
    assert!(two.transmit(&[0x00, 0x84, 0x00, 0x00, 0x08], &mut [0; 10]).is_ok());
    second.pull(&stage);
}
