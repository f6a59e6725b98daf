//! Terminals killed, SAMs that die, answers that are lost, cards that are swapped or used elsewhere: whatever happens, the
//! next tap finds out, and the order is executed once.

use std::{fs, path::Path};

use onecard_host::{
    card::{select, verify_pin},
    terminal::{Evidence, InMemoryStore, JournalFile, TokenStore},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
};
use onecard_tests::{
    lifeline::{Lifeline, MortalTransport},
    relay::{REFUSALS, Relay},
    terminal::{Devices, Ending, Keeper, LibraryTerminal, Order, Report, TerminalUnderTest},
    world::{World, terminal_number},
};
use onecard_wire::{aid, ins, wallet::Initialize};

use crate::tearing::till::Till;

const FEN: u32 = 777;

fn orders() -> [Order; 2] {
    [Order::purchase(100, FEN, 5_000), Order::recharge(100, FEN, 5_000)]
}

#[test]
fn a_terminal_killed_at_every_point_and_again_while_it_resolves() {
    let till = Till::used(3);
    for order in orders() {
        let (mut kills, mut kills_again, mut executed, mut not_executed) = (0, 0, 0, 0);
        for point in 0.. {
            let (killed, report) = till.snapshot().killed_at(&order, point);
            if report.is_some() {
                break;
            }
            kills += 1;
            match killed.balance() == till.balance() {
                true => not_executed += 1,
                false => executed += 1,
            }
            for point in 0.. {
                let (again, report) = killed.snapshot().killed_at(&order, point);
                if report.is_some() {
                    break;
                }
                kills_again += 1;
                again.executed_once(&order, &till);
            }
            killed.executed_once(&order, &till);
        }
        println!("{:?}: terminal killed at {kills} points, and at {kills_again} more while it resolved", order.kind);
        assert!(executed > 0 && not_executed > 0 && kills_again > kills);
    }
}

/// Exchanges of `order` with card and SAM when nothing goes wrong.
fn exchanges(till: &Till, order: &Order) -> [u64; 2] {
    let (mut card, mut sam) = (Reader::insert(till.card.snapshot()), Reader::insert(till.sam.snapshot()));
    let mut terminal = LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot);
    let _ = terminal.run(Devices { card: &mut card, sam: &mut sam, lifeline: Lifeline::new() }, order);
    [card.exchanges(), sam.exchanges()]
}

#[test]
fn every_command_and_every_answer_lost_on_either_side_and_again_at_the_next_tap() {
    const LOSSES: [Fault; 3] = [Fault::LostCommand, Fault::LostAnswer, Fault::Removed];
    let till = Till::used(3);
    for order in orders() {
        let [of_card, of_sam] = exchanges(&till, &order);
        let lost: Vec<(bool, u64, Fault)> = [(true, of_card + 6), (false, of_sam + 6)]
            .into_iter()
            .flat_map(|(card, count)| (0..count).flat_map(move |at| LOSSES.map(|loss| (card, at, loss))))
            .collect();
        let lose = |(of_card, at, loss): (bool, u64, Fault)| {
            move |card: &mut Reader, sam: &mut Reader| match of_card {
                true => card.fail_at(at, loss),
                false => sam.fail_at(at, loss),
            }
        };
        let (mut unknown, mut tried) = (0, 0);
        for first in &lost {
            let (torn, report) = till.snapshot().tap(&order, lose(*first));
            assert!(torn.store.pending().unwrap().is_empty() == (report.ending != Ending::Unknown));
            unknown += u32::from(report.ending == Ending::Unknown);
            for second in &lost {
                tried += 1;
                let (again, _) = torn.snapshot().tap(&order, lose(*second));
                again.executed_once(&order, &till);
            }
            torn.executed_once(&order, &till);
        }
        println!("{:?}: {} losses, {tried} pairs of losses, {unknown} left it unknown", order.kind, lost.len());
        assert!(unknown >= 2);
    }
}

#[test]
fn another_card_neither_decides_nor_pays() {
    let till = Till::used(3);
    for order in orders() {
        for (number, fault) in
            [(2, Fault::LostCommand), (2, Fault::LostAnswer), (3, Fault::LostCommand), (3, Fault::LostAnswer)]
        {
            let (torn, report) = till.snapshot().tap(&order, |card, _| card.fail_at(number, fault));
            if report.ending != Ending::Unknown {
                continue;
            }
            let other = World::shared().card(1).unwrap();
            let before = other.image().to_vec();
            let swapped = Till { card: other, ..torn.snapshot() };
            let (swapped, report) = swapped.tap(&Order { pin: None, ..order.clone() }, |_, _| ());
            assert_eq!(report, Report::of(Ending::Unknown));
            assert_eq!(swapped.card.image(), before, "the other card is as it was");
            assert_eq!(swapped.store.pending().unwrap(), torn.store.pending().unwrap());
            Till { card: torn.card.snapshot(), ..swapped }.executed_once(&order, &till);
        }
    }
}

#[test]
fn an_executed_transaction_told_as_refused_is_found_at_once() {
    let till = Till::used(3);
    for order in orders() {
        for word in REFUSALS {
            let (told, report) =
                till.snapshot().tap_through(&order, |card| Box::new(Relay { transport: card, refusal: Some(word) }));
            assert!(matches!(report.ending, Ending::Committed(_)), "{word:04X}: {report:?}");
            told.executed_once(&order, &till);
        }
    }
}

/// A false card in front of a loaded one: no proof, and for INITIALIZE a genuine answer of before the load.
struct FalseCard<'a> {
    card: &'a mut dyn Transport,
    recording: Vec<u8>,
}

impl Transport for FalseCard<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match command.get(1) {
            Some(&ins::VERIFY) => Ok(vec![0x90, 0x00]),
            Some(&ins::GET_TRANSACTION_PROVE) => Ok(vec![0x94, 0x06]),
            Some(&ins::INITIALIZE) => Ok(self.recording.clone()),
            _ => self.card.transmit(command),
        }
    }
}

#[test]
fn a_recorded_initialize_does_not_load_twice() {
    let (world, till) = (World::shared(), Till::used(3));
    let order = Order::recharge(100, FEN, 5_000);
    let mut reader = Reader::insert(till.card.snapshot());
    let application = select(&mut reader, &aid::enterprise_application(world.enterprise_id())).unwrap();
    verify_pin(&mut reader, &application, &world.pin()).unwrap();
    let field = Initialize { key_id: 1, amount: order.amount, terminal: terminal_number(0) }.emit();
    let recording = reader.transmit(&[&[0x80, 0x50, 0x00, 0x02, 0x0B], &field[..], &[0x10]].concat()).unwrap();
    assert!(recording.ends_with(&[0x90, 0x00]));

    let (torn, report) = till.snapshot().tap(&order, |card, _| card.fail_at(3, Fault::LostAnswer));
    assert_eq!(report.ending, Ending::Unknown);
    let (again, report) = torn.tap_through(&order, |card| Box::new(FalseCard { card, recording: recording.clone() }));
    assert_eq!(report.ending, Ending::Unknown);
    again.executed_once(&order, &till);
}

/// Purchases of 1 fen at another terminal.
fn used_elsewhere(card: Chip, times: u64) -> Chip {
    let sam = World::shared().sam(1).unwrap();
    let mut elsewhere = Till { card, sam, store: InMemoryStore::new() };
    for number in 0..times {
        elsewhere = elsewhere.done(&Order::purchase(9_000 + number, 1, 6_000));
    }
    elsewhere.card
}

/// The proofs of the last eight tell for 7 purchases elsewhere, the log of 20 for 19; after that the issuer decides, and
/// the terminal says nothing it does not know. A load keeps its proof whatever is bought.
#[test]
fn a_card_used_elsewhere_in_between_is_decided_as_long_as_it_remembers() {
    let till = Till::used(3);
    for (order, debit) in orders().into_iter().zip([2, 3]) {
        let is_load = debit == 3;
        for fault in [Fault::LostCommand, Fault::LostAnswer] {
            let executed = fault == Fault::LostAnswer;
            let (torn, report) = till.snapshot().tap(&order, |card, _| card.fail_at(debit, fault));
            assert_eq!(report.ending, Ending::Unknown);
            for times in (1..=12).chain(18..=24) {
                let away = Till { card: used_elsewhere(torn.card.snapshot(), times), ..torn.snapshot() };
                let before = away.balance();
                // A purchase that did not happen left its number to another one, which is in the log one turn longer.
                let remembered = is_load || times < if executed { 20 } else { 21 };
                let (back, report) = away.tap(&order, |_, _| ());
                let Ending::Committed(record) = report.ending else {
                    assert!(!remembered && report.ending == Ending::Unknown, "{times} times: {report:?}");
                    assert_eq!((back.balance(), back.store.pending().unwrap().len()), (before, 1));
                    continue;
                };
                assert!(remembered, "{times} times, and it still knows?");
                assert!(back.store.pending().unwrap().is_empty());
                // What the log alone told comes without a TAC.
                assert!(World::shared().issuer().check(&record).is_ok() || record.evidence == Evidence::Log);
                let paid_now = i64::from(before.fen()) - i64::from(back.balance().fen());
                let expected = match (executed, is_load) {
                    (true, _) => 0,
                    (false, false) => i64::from(FEN),
                    (false, true) => -i64::from(FEN),
                };
                assert_eq!(paid_now, expected, "{times} times, executed before: {executed}");
            }
        }
    }
}

type FileTill = LibraryTerminal<JournalFile>;

fn tap_with_file(card: Chip, sam: Chip, path: &Path, order: &Order, ends_at: Option<u64>) -> (Chip, Chip, Report) {
    let (mut card, mut sam) = (Reader::insert(card), Reader::insert(sam));
    let mut terminal = FileTill::new(JournalFile::open(path).unwrap(), Keeper::Slot);
    let lifeline = Lifeline::new();
    lifeline.renew(ends_at);
    let report = {
        let mut card = MortalTransport { transport: &mut card, lifeline: lifeline.clone() };
        let mut sam = MortalTransport { transport: &mut sam, lifeline: lifeline.clone() };
        terminal.run(Devices { card: &mut card, sam: &mut sam, lifeline }, order)
    };
    (card.remove(), sam.remove(), report)
}

/// What a disk may hold of `written` of which only the first `synced` bytes were made durable: any part of the rest, also
/// with the file grown and its last bytes not there yet.
fn torn_files(written: &[u8], synced: usize) -> impl Iterator<Item = Vec<u8>> {
    (synced..written.len()).flat_map(move |length| {
        let cut = written[..length].to_vec();
        let zeros = [&cut[..], &vec![0; written.len() - length][..]].concat();
        [cut, zeros]
    })
}

/// At each write of the journal file the machine dies, with any part of the line on the disk.
#[test]
fn a_journal_file_torn_at_every_byte_of_every_line() {
    let till = Till::used(3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for order in orders() {
        // The state of file, card and SAM at every point of the terminal's life.
        let mut stages: Vec<(Vec<u8>, Chip, Chip)> = Vec::new();
        for point in 0.. {
            let _ = fs::remove_file(&path);
            drop(JournalFile::open(&path).unwrap());
            let (card, sam, report) =
                tap_with_file(till.card.snapshot(), till.sam.snapshot(), &path, &order, Some(point));
            stages.push((fs::read(&path).unwrap(), card, sam));
            if matches!(report.ending, Ending::Committed(_)) {
                break;
            }
        }
        let mut torn = 0;
        let writes = stages.windows(2).filter(|stages| stages[1].0.len() > stages[0].0.len());
        for (before, after) in writes.map(|stages| (&stages[0], &stages[1])) {
            assert_eq!(before.1.image(), after.1.image(), "a write is all that happens between two points");
            for file in torn_files(&after.0, before.0.len()) {
                torn += 1;
                fs::write(&path, file).unwrap();
                let (card, sam) = (after.1.snapshot(), after.2.snapshot());
                let (card, sam, report) = tap_with_file(card, sam, &path, &order, None);
                let Ending::Committed(record) = report.ending else { panic!("{report:?}") };
                let store = JournalFile::open(&path).unwrap();
                assert_eq!(store.settlement().collect::<Vec<_>>(), [&record]);
                assert!(store.pending().unwrap().is_empty());
                let now = Till { card, sam, store: InMemoryStore::new() };
                assert_eq!(now.balance(), record.transaction.new_balance);
                assert_eq!(record.transaction.old_balance, till.balance());
            }
        }
        println!("{:?}: journal file torn in {torn} ways", order.kind);
        assert!(torn > 800);
    }
}
