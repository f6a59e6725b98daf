//! The host's own connection to a card: waiting, one program alone, a reset by another, commands too long.

use std::{
    thread,
    time::{Duration, Instant},
};

use onecard_host::{
    apdu::{Command, exchange},
    card::{balance, select, verify_pin},
    terminal::InMemoryStore,
    transport::{
        Transport, TransportError,
        pcsc::{BitRate, Connection, LineProtocol, ReaderStatus, Service, Sharing, Slot, Used, Waited, Watch},
    },
};
use onecard_simulator::{
    chip::Kind,
    reader::Reader,
    vpcd::{Protocol, SimulatedCard, atr},
};
use onecard_tests::{
    lifeline::Lifeline,
    terminal::{Devices, Ending, Keeper, LibraryTerminal, Order, TerminalUnderTest},
    world::World,
};
use onecard_wire::{aid, amount::Amount, wallet::Purse};
use pcsc::{Card, Disposition, Protocols, ShareMode};

use crate::stage::Stage;

const LIMIT: Duration = Duration::from_secs(120);
const SHORTLY: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);
const CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x04];

fn card(protocol: Protocol) -> SimulatedCard {
    SimulatedCard::new(World::shared().card(0).unwrap(), protocol)
}

fn name(stage: &Stage, slot: usize) -> String {
    stage.reader(slot).to_string_lossy().into_owned()
}

fn open(stage: &Stage, sharing: Sharing) -> Result<Connection, TransportError> {
    Connection::open(&Service::connect().unwrap(), &name(stage, 0), sharing)
}

fn reset(other: &mut Card) {
    other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard).unwrap();
}

#[test]
fn a_card_is_waited_for_by_a_watch_of_its_own() {
    let stage = Stage::begin(LIMIT);
    let watch = Watch::begin().unwrap();
    let reader = name(&stage, 0);
    assert_eq!(watch.wait_for_card(None, SHORTLY), Ok(Waited::TimedOut));
    assert_eq!(watch.wait_for_card(Some("no such reader"), LONG), Err(TransportError::ReaderUnplugged));
    let (inserted, seen) = thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait_for_card(None, LONG));
        thread::sleep(SHORTLY);
        let inserted = stage.insert(0, card(Protocol::T1));
        (inserted, waiting.join().unwrap())
    });
    let there = Slot::Card { atr: atr(Kind::CpuCard, Protocol::T1).to_vec(), used: Used::ByNobody };
    assert_eq!(seen, Ok(Waited::Happened(ReaderStatus { name: reader.clone(), slot: there.clone() })));
    // One that is there already is not waited for.
    assert!(matches!(watch.wait_for_card(Some(&reader), LONG), Ok(Waited::Happened(_))));
    // While one thread waits for its leaving, the card is at work.
    let mut connection = open(&stage, Sharing::Exclusive).unwrap();
    let gone = thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait_for_removal(&reader, LONG));
        for _ in 0..200 {
            assert!(connection.transmit(&CHALLENGE).is_ok());
        }
        inserted.pull(&stage);
        waiting.join().unwrap()
    });
    assert_eq!(gone, Ok(Waited::Happened(ReaderStatus { name: reader, slot: Slot::Empty })));
    assert_eq!(connection.transmit(&CHALLENGE), Err(TransportError::CardRemoved));
    assert_eq!(connection.reconnect(), Err(TransportError::CardRemoved));
}

#[test]
fn a_wait_is_ended_by_another_thread() {
    let stage = Stage::begin(LIMIT);
    let (watch, reader) = (Watch::begin().unwrap(), name(&stage, 0));
    let canceller = watch.canceller();
    let began = Instant::now();
    let ended = thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait_for_card(Some(&reader), LONG));
        thread::sleep(SHORTLY);
        canceller.cancel();
        waiting.join().unwrap()
    });
    assert_eq!(ended, Ok(Waited::Cancelled));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(watch.wait_for_card(Some(&reader), LONG), Ok(Waited::Cancelled));
}

#[test]
fn a_terminal_has_its_card_alone_and_leaves_no_state_behind() {
    let stage = Stage::begin(LIMIT);
    let world = World::shared();
    let application = aid::enterprise_application(world.enterprise_id());
    let inserted = stage.insert(0, card(Protocol::T1));
    for sharing in [Sharing::Exclusive, Sharing::Shared] {
        let mut connection = open(&stage, sharing).unwrap();
        if sharing == Sharing::Exclusive {
            assert_eq!(open(&stage, Sharing::Shared).err(), Some(TransportError::CardInUse));
            assert_eq!(stage.try_connect(0, Protocols::ANY).err(), Some(pcsc::Error::SharingViolation));
        }
        let read = connection.tap(|mut card| {
            let selected = select(&mut card, &application).unwrap();
            verify_pin(&mut card, &selected, &world.pin()).unwrap();
            balance(&mut card, &selected, Purse::Ed).unwrap()
        });
        assert_eq!(read, Ok(Amount::ZERO));
        // A shared card is reset at the end of the tap, an exclusive one at the end of the connection.
        if sharing == Sharing::Exclusive {
            drop(connection);
        }
        let other = stage.connect(0);
        let mut answer = [0; 258];
        let told = other.transmit(&[0x80, 0x5C, 0x00, 0x01, 0x04], &mut answer).unwrap();
        assert_ne!(told.last_chunk(), Some(&[0x90, 0x00]), "{sharing:?}: the PIN is verified still");
    }
    inserted.pull(&stage);
}

#[test]
fn a_reset_by_another_program_ends_what_was_begun() {
    let stage = Stage::begin(LIMIT);
    let inserted = stage.insert(0, card(Protocol::T1));
    let mut connection = open(&stage, Sharing::Shared).unwrap();
    let mut other = stage.connect(0);
    assert!(connection.transmit(&CHALLENGE).is_ok());
    reset(&mut other);
    // Not once more, either: the card would answer, from its beginning.
    for _ in 0..3 {
        assert_eq!(connection.transmit(&CHALLENGE), Err(TransportError::CardReset));
    }
    // The next tap begins anew by itself.
    assert_eq!(connection.tap(|card| card.transmit(&CHALLENGE).map(|answer| answer.len())), Ok(Ok(6)));
    // Within a tap nobody resets the card: the other waits, or is refused.
    thread::scope(|scope| {
        let tapped = connection.tap(|card| {
            scope.spawn(|| other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard));
            (0..100).all(|_| card.transmit(&CHALLENGE).is_ok())
        });
        assert_eq!(tapped, Ok(true));
    });
    inserted.pull(&stage);
}

/// Another program resets the card before or after one command of a sale.
struct Disturbed<'c> {
    card: &'c mut Connection,
    other: &'c mut Card,
    sent: usize,
    at: usize,
    before: bool,
}

impl Transport for Disturbed<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let now = self.sent == self.at;
        self.sent += 1;
        if now && self.before {
            reset(self.other);
        }
        let answer = self.card.transmit(command);
        if now && !self.before {
            reset(self.other);
        }
        answer
    }
}

/// A terminal keeps its connection while its card is away, asked or not.
#[test]
fn a_card_that_was_away_between_two_taps_is_tapped_again() {
    let stage = Stage::begin(LIMIT);
    let mut inserted = stage.insert(0, card(Protocol::T1));
    for sharing in [Sharing::Exclusive, Sharing::Shared] {
        let mut connection = open(&stage, sharing).unwrap();
        let answered = |connection: &mut Connection| connection.tap(|card| card.transmit(&CHALLENGE).is_ok());
        assert_eq!(answered(&mut connection), Ok(true));
        let away = inserted.pull(&stage);
        assert!(answered(&mut connection).is_err(), "{sharing:?}: nobody is there");
        inserted = stage.insert(0, away);
        assert_eq!(answered(&mut connection), Ok(true), "{sharing:?}");
        let away = inserted.pull(&stage);
        inserted = stage.insert(0, away);
        assert_eq!(answered(&mut connection), Ok(true), "{sharing:?}: not asked while it was away");
    }
    inserted.pull(&stage);
}

#[test]
fn a_sale_disturbed_by_a_reset_is_charged_once() {
    let stage = Stage::begin(LIMIT);
    let inserted = stage.insert(0, card(Protocol::T1));
    let mut connection = open(&stage, Sharing::Shared).unwrap();
    let mut other = stage.connect(0);
    let mut terminal = LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot);
    let mut sam = Reader::insert(World::shared().sam(0).unwrap());
    let load = Order::recharge(1, 10_000, 0);
    let loaded = connection.tap(|card| terminal.run(Devices { card, sam: &mut sam, lifeline: Lifeline::new() }, &load));
    assert!(matches!(loaded.unwrap().ending, Ending::Committed(_)));
    let mut paid = 0;
    for (at, before) in [(0, true), (0, false), (1, true), (1, false), (2, true), (2, false)] {
        paid += 1;
        let order = Order::purchase(1 + paid, 100, paid as u32);
        connection.reconnect().unwrap();
        let mut disturbed = Disturbed { card: &mut connection, other: &mut other, sent: 0, at, before };
        let devices = Devices { card: &mut disturbed, sam: &mut sam, lifeline: Lifeline::new() };
        let ending = terminal.run(devices, &order).ending;
        let expected = match (at, before) {
            // The answer to DEBIT is here before the reset.
            (2, false) => None,
            // INITIALIZE is answered, and DEBIT meets a card that was reset.
            (2, true) | (1, false) => Some(Ending::Unknown),
            _ => Some(Ending::NotCommitted),
        };
        match expected {
            Some(expected) => assert_eq!(ending, expected, "{at} {before}"),
            None => assert!(matches!(ending, Ending::Committed(_)), "{at} {before}: {ending:?}"),
        }
        let again =
            connection.tap(|card| terminal.run(Devices { card, sam: &mut sam, lifeline: Lifeline::new() }, &order));
        assert!(matches!(again.unwrap().ending, Ending::Committed(_)), "{at} {before}");
        let left = connection.tap(|mut card| {
            let name = aid::enterprise_application(World::shared().enterprise_id());
            let selected = select(&mut card, &name).unwrap();
            balance(&mut card, &selected, Purse::Ep).unwrap()
        });
        assert_eq!(left, Ok(Amount::from_fen(10_000 - 100 * paid as u32)), "{at} {before}");
    }
    inserted.pull(&stage);
}

#[test]
fn a_command_too_long_is_not_sent_and_the_card_goes_on() {
    let stage = Stage::begin(LIMIT);
    for (protocol, spoken, longest) in
        [(Protocol::T0, LineProtocol::T0, 260), (Protocol::T1, LineProtocol::T1, pcsc::MAX_BUFFER_SIZE_EXTENDED)]
    {
        let inserted = stage.insert(0, card(protocol));
        let mut connection = open(&stage, Sharing::Exclusive).unwrap();
        let line = connection.line().clone();
        assert_eq!((line.protocol, line.atr), (Some(spoken), atr(Kind::CpuCard, protocol)));
        assert!(!matches!(line.bit_rate, BitRate::Told(_)), "vpcd tells none");
        let error = connection.transmit(&vec![0x00; longest + 1]).unwrap_err();
        assert_eq!(error, TransportError::CommandTooLong { length: longest + 1, longest });
        // A command with data and Le, which T=0 sends without it, and answers by GET RESPONSE.
        let name = aid::enterprise_application(World::shared().enterprise_id());
        let select = Command::new(0x00, 0xA4, 0x04, 0x00).with_data(&name).expecting(0);
        assert_eq!(exchange(&mut connection, &select).unwrap().data.len(), 53);
        drop(connection);
        inserted.pull(&stage);
    }
}

#[test]
fn what_is_not_there_is_said() {
    let stage = Stage::begin(LIMIT);
    assert_eq!(open(&stage, Sharing::Exclusive).err(), Some(TransportError::CardRemoved));
    let service = Service::connect().unwrap();
    let missing = Connection::open(&service, "no such reader", Sharing::Exclusive).err();
    assert_eq!(missing, Some(TransportError::ReaderUnplugged));
    let readers = service.readers().unwrap();
    assert!(readers.iter().all(|reader| reader.slot == Slot::Empty) && readers.len() >= 2, "{readers:?}");
}
