//! Sessions of this project's own terminals with card and SAM, recorded.

use std::{cell::RefCell, rc::Rc};

use onecard_host::{
    card::{Access, external_authenticate, internal_authenticate, read_binary, select},
    crypto::LineKey,
    keys::Purpose,
    terminal::DeskKeys,
    trace::{Contradiction, Entry, Exchange, Follower, Peer, TraceFile, TraceKeys, TraceWriter, Traced, What},
};
use onecard_simulator::reader::{Fault, Reader};
use onecard_tests::{
    lifeline::{Lifeline, MortalStore},
    world::{KEY_VERSION, World, serial, terminal_number},
};
use onecard_wire::{aid, fid::Fid, ins, wallet::Purse};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::check;
use crate::every_operation::{Hands, OPERATIONS, Operation, Place, committed};

/// Collects entries of both peers.
#[derive(Clone, Default)]
pub(super) struct Recorder(Rc<RefCell<Vec<Entry>>>);

impl Recorder {
    fn sink(&self, with: Peer) -> impl FnMut(&Exchange) + use<> {
        let entries = self.0.clone();
        move |exchange| entries.borrow_mut().push(Entry { ms: 0, with, what: What::Exchange(exchange.clone()) })
    }

    fn power_up(&self, with: Peer) {
        self.0.borrow_mut().push(Entry { ms: 0, with, what: What::PowerUp(Vec::new()) });
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.borrow().clone()
    }
}

/// The enterprise's keys.
pub(super) fn keys() -> TraceKeys {
    TraceKeys::new().with_enterprise(World::shared().enterprise_keys().clone())
}

/// One tap at a terminal; the card's answer to its `lost`-th command, if any, is lost.
pub(super) fn tap(place: &mut Place, recorder: &Recorder, operation: &Operation, lost: Option<u64>) {
    let world = World::shared();
    let (mut card, sam) = (Reader::insert(place.card.snapshot()), Reader::insert(place.sam.snapshot()));
    if let Some(lost) = lost {
        card.fail_at(lost, Fault::LostAnswer);
    }
    recorder.power_up(Peer::Card);
    recorder.power_up(Peer::Sam);
    let mut sam = {
        let mut slot = Traced::new(sam, recorder.sink(Peer::Sam));
        let tap = {
            let mut sam = world.open_sam(&mut slot).unwrap();
            let mut card = Traced::new(&mut card, recorder.sink(Peer::Card));
            let random = ChaCha8Rng::seed_from_u64(7);
            let desk = DeskKeys::new(world.enterprise_keys().clone(), KEY_VERSION, terminal_number(0), random);
            let store = MortalStore { store: &mut place.store, lifeline: Lifeline::new() };
            operation(&mut Hands { card: &mut card, sam: &mut sam, desk, store }).unwrap()
        };
        if lost.is_none() {
            committed(&tap);
        }
        slot.into_inner()
    };
    sam.tap();
    (place.card, place.sam) = (card.remove(), sam.remove());
}

/// Each operation by itself, and each whose answer to the second command was lost and which then is resolved.
pub(super) fn sessions() -> Vec<(String, Vec<Entry>)> {
    let place = Place::used();
    let mut sessions = Vec::new();
    for (kind, operation, _) in OPERATIONS {
        let recorder = Recorder::default();
        tap(&mut place.snapshot(), &recorder, &operation, None);
        let plain = recorder.entries();
        let card = plain.iter().filter(|entry| entry.with == Peer::Card).skip(1);
        let second = card.clone().position(is_second).unwrap();
        sessions.push((format!("{kind:?}"), plain));
        let recorder = Recorder::default();
        let mut doubted = place.snapshot();
        tap(&mut doubted, &recorder, &operation, Some(second as u64));
        tap(&mut doubted, &recorder, &operation, None);
        sessions.push((format!("{kind:?}, its answer lost"), recorder.entries()));
    }
    sessions.push(("at the station".to_owned(), at_the_station(&place)));
    sessions
}

pub(super) fn is_second(entry: &Entry) -> bool {
    let What::Exchange(Exchange { sent, .. }) = &entry.what else { return false };
    matches!(sent.header, Some([_, ins::DEBIT | ins::CREDIT_FOR_LOAD | ins::UPDATE_OVERDRAW_LIMIT, ..]))
}

/// Authentication and line protection.
fn at_the_station(place: &Place) -> Vec<Entry> {
    let (world, recorder) = (World::shared(), Recorder::default());
    recorder.power_up(Peer::Card);
    let mut card = Traced::new(Reader::insert(place.card.snapshot()), recorder.sink(Peer::Card));
    let application = select(&mut card, &aid::enterprise_application(world.enterprise_id())).unwrap();
    let key = |purpose| LineKey::from(world.enterprise_keys().card_key(serial(0), purpose, KEY_VERSION).unwrap());
    external_authenticate(&mut card, &application, 0x01, &key(Purpose::Reading)).unwrap();
    internal_authenticate(&mut card, &application, 0x01, &key(Purpose::AccessAuthentication), [9; 8]).unwrap();
    let mut sam = world.software_sam(0);
    read_binary(&mut card, &application, Fid::PARAMETERS, 36, Access::WithMac(&mut sam)).unwrap();
    recorder.entries()
}

#[test]
fn no_false_alarm_over_what_this_project_does() {
    let mut right = 0;
    for (name, entries) in sessions() {
        let report = check(&entries, &keys());
        println!("{name}: {} entries, {:?}", entries.len(), report.counts());
        assert!(report.is_sound(), "{name}: {report:?}");
        // The EP's undo of a purchase that is not in the trace, say: nothing is left unsaid but that.
        assert_eq!(report.counts()[2], 0, "{name}: {report:?}");
        right += report.counts()[0];
    }
    assert!(right > 60, "{right}");
}

#[test]
fn a_trace_is_the_same_after_it_was_stored() {
    for (name, entries) in sessions() {
        let mut writer = TraceWriter::begin(Vec::new(), Default::default()).unwrap();
        entries.iter().for_each(|entry| writer.write(entry).unwrap());
        let text = String::from_utf8(writer.into_inner()).unwrap();
        assert_eq!(TraceFile::parse(&text).unwrap().entries, entries, "{name}");
        // The PIN, and nothing of it.
        assert!(!text.contains("123456"), "{name}");
    }
}

/// The state that a trace implies is what the card then answers.
#[test]
fn the_balances_that_follow_are_the_cards_own() {
    for (kind, operation, (ed, ep)) in OPERATIONS {
        let mut place = Place::used();
        let recorder = Recorder::default();
        tap(&mut place, &recorder, &operation, None);
        let mut follower = Follower::default();
        for entry in recorder.entries() {
            assert_eq!(follower.follow(&entry), Vec::<Contradiction>::new(), "{kind:?}");
        }
        let balance = |purse| follower.card().purse(purse).and_then(|purse| purse.balance());
        let moved = [(Purse::Ed, ed), (Purse::Ep, ep)];
        let told = moved.iter().filter(|(purse, fen)| balance(*purse).map(|told| told.fen()) == Some(*fen)).count();
        assert!(told >= 1, "{kind:?}: {:?}", follower.fields(Peer::Card));
        assert!(moved.iter().all(|(purse, fen)| balance(*purse).is_none_or(|told| told.fen() == *fen)), "{kind:?}");
    }
}
