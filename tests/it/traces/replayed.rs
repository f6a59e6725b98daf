//! Recorded sessions again: byte for byte with the random numbers of then, or live with new MACs.

use onecard_applet::Kind;
use onecard_host::{
    trace::{Entry, Peer, Replay, ReplayOrder, ReplayOutcome, ReplayTarget, Stopped, TraceKeys},
    transport::{Transport, TransportError},
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::world::World;
use onecard_vectors::{Vectors, load::Load, purchase::Purchase};
use onecard_wire::wallet::Purse;

use super::{
    done,
    published::{Case, cases},
    recorded::{Recorder, keys, tap},
};
use crate::{
    every_operation::{OPERATIONS, Place},
    probe::Probe,
    purse::{ED, EP, TAC_KEY, Till},
};

fn order(keys: Option<TraceKeys>) -> ReplayOrder {
    ReplayOrder { with: Peer::Card, keys, pin: Some(World::shared().pin()) }
}

fn replay(order: &ReplayOrder, entries: &[Entry], chip: Chip) -> (Replay, Chip) {
    let mut reader = Reader::insert(chip);
    let replay = order.replay(entries, &mut reader);
    (replay, reader.remove())
}

fn outcomes(replay: &Replay, wanted: ReplayOutcome) -> usize {
    replay.steps.iter().filter(|step| step.outcome == wanted).count()
}

#[test]
fn a_recorded_session_comes_again_byte_for_byte() {
    for (kind, operation, _) in OPERATIONS {
        let mut place = Place::used();
        let before = place.card.snapshot();
        let recorder = Recorder::default();
        tap(&mut place, &recorder, &operation, None);
        let (replay, chip) = replay(&order(None), &recorder.entries(), before);
        assert_eq!(replay.stopped, None, "{kind:?}");
        assert_eq!(outcomes(&replay, ReplayOutcome::Same), replay.steps.len(), "{kind:?}: {replay:?}");
        assert!(chip.image() == place.card.image(), "{kind:?}: another memory than then");
    }
}

#[test]
fn a_card_with_other_random_numbers_gets_other_macs_and_does_the_same() {
    for (kind, operation, balances) in OPERATIONS {
        let mut place = Place::used();
        let before = place.card.snapshot();
        let recorder = Recorder::default();
        tap(&mut place, &recorder, &operation, None);
        // Another power-up, other random numbers.
        let mut reader = Reader::insert(before);
        reader.tap();
        let (replay, chip) = replay(&order(Some(keys())), &recorder.entries(), reader.remove());
        assert!(replay.is_same(), "{kind:?}: {replay:?}");
        assert!(outcomes(&replay, ReplayOutcome::SameButRandom) >= 1, "{kind:?}: {replay:?}");
        assert_eq!(outcomes(&replay, ReplayOutcome::Uncompared), 0, "{kind:?}: {replay:?}");
        let right = replay.report.as_ref().unwrap().counts();
        assert!(right[0] >= 2 && right[1..] == [0, 0], "{kind:?}: {replay:?}");
        place.card = chip;
        assert_eq!(place.balances(), balances, "{kind:?}");
    }
}

#[test]
fn a_replay_ends_at_the_first_other_answer_and_where_something_was_not_recorded() {
    let (_, sale, _) = OPERATIONS[4];
    let mut place = Place::used();
    let before = place.card.snapshot();
    let recorder = Recorder::default();
    tap(&mut place, &recorder, &sale, None);
    let entries = recorder.entries();
    // Without the keys, and without the random numbers of then.
    let deaf = order(None).replay(&entries, &mut Deaf(Reader::insert(before.snapshot())));
    assert!(matches!(deaf.stopped, Some(Stopped::Different { .. })), "{deaf:?}");
    // The card has paid since.
    let (paid, chip) = replay(&order(Some(keys())), &entries, place.card.snapshot());
    let Some(Stopped::Different { entry }) = paid.stopped else { panic!("{paid:?}") };
    let last = paid.steps.last().unwrap();
    // The old balance: 100.00 then, 92.23 now.
    assert_eq!((last.entry, last.outcome), (entry, ReplayOutcome::Different(2)), "{paid:?}");
    place.card = chip;
    assert_eq!(place.balances(), (9_223, 9_223));
    // No PIN.
    let (stopped, _) = replay(&ReplayOrder { pin: None, ..order(None) }, &entries, before.snapshot());
    assert!(matches!(&stopped.stopped, Some(Stopped::Hidden { name, .. }) if name == "VERIFY PIN"), "{stopped:?}");
    // Keys of somebody else.
    let (stopped, _) = replay(&order(Some(TraceKeys::new())), &entries, before);
    assert!(matches!(stopped.stopped, Some(Stopped::NoMac { .. })), "{stopped:?}");
}

/// A guess at MAC1 was refused; it is as wrong when it comes again, and no money moves.
#[test]
fn a_wrong_mac_stays_wrong() {
    let (_, sale, _) = OPERATIONS[2];
    let mut place = Place::used();
    let before = place.snapshot();
    let recorder = Recorder::default();
    tap(&mut place, &recorder, &sale, None);
    let mut entries = recorder.entries();
    let second = entries.iter().position(super::recorded::is_second).unwrap();
    let onecard_host::trace::What::Exchange(exchange) = &entries[second].what else { panic!("no exchange") };
    let mut guess: Vec<u8> = exchange.sent.bytes().into_iter().map(Option::unwrap).collect();
    guess[15] ^= 0x01;
    entries[second] = super::entry(Peer::Card, &guess, &[0x93, 0x02]);
    entries.truncate(second + 1);
    let mut reader = Reader::insert(before.card.snapshot());
    reader.tap();
    let (replay, chip) = replay(&order(Some(keys())), &entries, reader.remove());
    assert_eq!(replay.stopped, None, "{replay:?}");
    place.card = chip;
    assert_eq!(place.balances(), before.balances());
}

/// Published loads and purchases, with a card of the same keys, balance and sequences.
#[test]
fn published_traces_are_replayed() {
    let vectors = Vectors::embedded().unwrap();
    let mut replayed = 0;
    let published = cases();
    let case = |name: &str| published.iter().find(|case| case.name == name).unwrap();
    for vector in vectors.load.iter().filter(|vector| vector.is_valid() && vector.body.credit.is_some()) {
        replayed += usize::from(both_ways(case(&vector.name), &|| with_load(&vector.body)));
    }
    for vector in vectors.purchase.iter().filter(|vector| vector.is_valid() && vector.body.tac.is_some()) {
        let Purchase { old_balance, amount, transaction_type, .. } = &vector.body;
        let plain = matches!(transaction_type, 0x05 | 0x06);
        if plain && u32::from_be_bytes(*old_balance) >= u32::from_be_bytes(*amount) {
            replayed += usize::from(both_ways(case(&vector.name), &|| with_purchase(&vector.body)));
        }
    }
    println!("{replayed} published and made traces replayed");
    assert!(replayed >= 8, "{replayed}");
}

/// Verbatim with the random numbers of then, live with the card's own. False if the source does not show all of it.
fn both_ways(Case { name, entries, keys, .. }: &Case, card: &dyn Fn() -> Probe) -> bool {
    let whole = entries.iter().all(|entry| entry.what.to_string().contains("9000"));
    if !whole {
        return false;
    }
    let verbatim = order(None).replay(entries, &mut card());
    assert_eq!((&verbatim.stopped, outcomes(&verbatim, ReplayOutcome::Same)), (&None, entries.len()), "{name}");
    let live = order(Some(keys.clone())).replay(entries, &mut Deaf(card()));
    assert!(live.is_same() && outcomes(&live, ReplayOutcome::SameButRandom) >= 1, "{name}: {live:?}");
    true
}

fn with_load(load: &Load) -> Probe {
    let (till, online) = (till(load.purse), u16::from_be_bytes(load.online_sequence));
    let mut probe = application(till, load.tac_algorithm, load.tac_key.as_deref());
    till.bring_to(&mut probe, u32::from_be_bytes(load.old_balance), online, 0);
    probe.key(load.key_id, &format!("3FF0F0{:02X}{:02X}", load.key_version, load.algorithm), &load.load_key);
    probe
}

fn with_purchase(purchase: &Purchase) -> Probe {
    let (till, offline) = (till(purchase.purse), u16::from_be_bytes(purchase.offline_sequence));
    let mut probe = application(till, purchase.tac_algorithm, purchase.tac_key.as_deref());
    till.bring_to(&mut probe, u32::from_be_bytes(purchase.old_balance), 1, offline);
    let header = format!("3EF0F0{:02X}{:02X}", purchase.key_version, purchase.algorithm);
    probe.key(purchase.key_id, &header, &purchase.purchase_key);
    probe
}

fn till(purse: u8) -> Till {
    if purse == Purse::Ed as u8 { ED } else { EP }
}

fn application(till: Till, tac_algorithm: Option<u8>, tac_key: Option<&[u8]>) -> Probe {
    let mut probe = Probe::application(Kind::CpuCard);
    till.create(&mut probe);
    probe.key(0x00, &format!("34F0F001{:02X}", tac_algorithm.unwrap_or_default()), tac_key.unwrap_or(&TAC_KEY));
    probe
}

/// The trace begins with the application selected.
impl ReplayTarget for Probe {
    fn power_up(&mut self, randoms: &[u8]) -> Result<(), TransportError> {
        self.inject(randoms);
        Ok(())
    }
}

/// A card that cannot be told its random numbers, as every real one.
struct Deaf<T>(T);

impl<T: Transport> Transport for Deaf<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.transmit(command)
    }
}

impl<T: ReplayTarget> ReplayTarget for Deaf<T> {
    fn power_up(&mut self, _randoms: &[u8]) -> Result<(), TransportError> {
        self.0.power_up(&[])
    }
}

/// A SAM's half of a session, with a SAM.
#[test]
fn a_sams_half_is_replayed_too() {
    let (_, sale, _) = OPERATIONS[4];
    let mut place = Place::used();
    let before = place.sam.snapshot();
    let recorder = Recorder::default();
    tap(&mut place, &recorder, &sale, None);
    let order = ReplayOrder { with: Peer::Sam, keys: None, pin: None };
    let mut entries = recorder.entries();
    let (again, _) = replay(&order, &entries, before.snapshot());
    assert_eq!((again.stopped, again.steps.len() >= 5), (None, true));
    entries.push(done(Peer::Sam, &[0x80, 0xCA, 0x00, 0xE0, 0x00], &[0xE0, 0x00]));
    let (again, _) = replay(&order, &entries, before);
    assert_eq!(again.stopped, Some(Stopped::Different { entry: entries.len() - 1 }));
}
