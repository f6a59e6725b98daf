//! Cards, terminals and SAMs under everything that goes wrong at once, judged by the auditor.
//!
//! Every run makes the same million steps, from one seed. A long run of one's own:
//! `ONECARD_STEPS=50000000 ONECARD_SEED=7 cargo test -p onecard-tests --test it a_long_run -- --ignored --nocapture`.

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use onecard_host::terminal::{InMemoryStore, Kind, OrderNumber};
use onecard_simulator::reader::Reader;
use onecard_tests::{
    auditor::Tally,
    campaign::try_case,
    scenario::Closed,
    terminal::{Devices, Ending, Keeper, LibraryTerminal, Order, Recalled, Report, TerminalUnderTest},
    world::{LOAD_LIMIT, World},
};

/// Steps of every run of the tests.
const STEPS: u64 = 1_000_000;
/// What they are made from.
const SEED: u64 = 20_260_722;
/// Long enough for a log of 20 records to turn over on each card, several times.
const STEPS_IN_CASE: usize = 250;

#[test]
fn a_million_steps_leave_every_fen_accounted_for() {
    let tally = run(STEPS, SEED);
    // It went wrong often enough, and both ways.
    assert!(tally.committed > STEPS / 5, "{tally:?}");
    assert!(tally.unknown > STEPS / 100, "{tally:?}");
    assert!(tally.of_kind.iter().all(|done| *done > STEPS / 500), "each kind often: {tally:?}");
    assert!(tally.resolved_committed > STEPS / 500 && tally.resolved_not_committed > STEPS / 500, "{tally:?}");
}

#[test]
#[ignore = "as long as ONECARD_STEPS says"]
fn a_long_run() {
    run(number_from("ONECARD_STEPS", 20 * STEPS), number_from("ONECARD_SEED", SEED + 1));
}

/// Each case has its own seed, so that any can be made again alone, on any number of processors.
fn run(steps: u64, seed: u64) -> Tally {
    let started = Instant::now();
    let cases = steps.div_ceil(STEPS_IN_CASE as u64);
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::default());
    let workers = thread::available_parallelism().map_or(2, |threads| threads.get());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases {
                        break;
                    }
                    let tally = one_case(seed, case);
                    add(&mut total.lock().unwrap(), &tally);
                }
            });
        }
    });
    let tally = total.into_inner().unwrap();
    let done = cases * STEPS_IN_CASE as u64;
    println!("purse model: {done} steps in {cases} cases, seed {seed}, {:.0?}: {tally:?}", started.elapsed());
    for (kind, done) in Kind::ALL.into_iter().zip(tally.of_kind) {
        println!("  {kind:?}: {done} committed");
    }
    tally
}

/// Half of the cases have a server's SAM in software at the second terminal.
fn one_case(seed: u64, case: u64) -> Tally {
    let terminals = || {
        let second = match case % 2 {
            0 => Keeper::Slot,
            _ => Keeper::Software(Box::new(World::shared().software_sam(1))),
        };
        [Keeper::Slot, second].map(|keeper| LibraryTerminal::new(InMemoryStore::new(), keeper)).into()
    };
    let closed = try_case((seed, case), STEPS_IN_CASE, terminals).unwrap_or_else(|failure| panic!("{failure}"));
    let tally = closed.tally;
    limits_cover_what_was_loaded(closed);
    tally
}

/// The limit falls before a MAC2 leaves, so what is gone from it is at least what was loaded.
fn limits_cover_what_was_loaded(closed: Closed<LibraryTerminal>) {
    for (terminal, sam) in closed.terminals {
        let loads = terminal.store().settlement().filter(|record| record.transaction.kind.is_load());
        let loaded: u64 = loads.map(|record| u64::from(record.transaction.amount.fen())).sum();
        let left = match terminal.keeper() {
            Keeper::Software(sam) => sam.state().load_limit_fen,
            Keeper::Slot => World::shared().load_limit(&mut Reader::insert(sam)).unwrap().spendable.fen(),
        };
        assert!(loaded + u64::from(left) <= u64::from(LOAD_LIMIT.fen()), "loaded {loaded}, {left} left");
    }
}

fn add(total: &mut Tally, more: &Tally) {
    let Tally { committed, not_committed, unknown, resolved_committed, resolved_not_committed, of_kind } = total;
    of_kind.iter_mut().zip(more.of_kind).for_each(|(total, more)| *total += more);
    *committed += more.committed;
    *not_committed += more.not_committed;
    *unknown += more.unknown;
    *resolved_committed += more.resolved_committed;
    *resolved_not_committed += more.resolved_not_committed;
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    let Ok(text) = env::var(variable) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}: a number, please"))
}

/// Terminals with the faults that cost money, each of which the auditor must find.
#[derive(Clone, Copy, Debug)]
enum Cheat {
    /// Says not committed where it does not know.
    DeniesUnknown,
    /// Says committed again for the last sale.
    SettlesTwice,
    /// Forgets at a restart what it had written.
    LosesItsDisk,
    /// Receipts show a fen less.
    Shortchanges,
    /// Begins again, under a new token, what is in doubt.
    ChargesAgain,
}

struct Dishonest {
    cheat: Cheat,
    terminal: LibraryTerminal,
    last: Option<Ending>,
}

impl TerminalUnderTest for Dishonest {
    fn run(&mut self, devices: Devices<'_>, order: &Order) -> Report {
        if matches!(self.cheat, Cheat::ChargesAgain) && self.recall(order.number) == Recalled::Pending {
            self.restart_empty();
        }
        let mut report = self.terminal.run(devices, order);
        match (self.cheat, &mut report.ending) {
            (Cheat::DeniesUnknown, ending @ Ending::Unknown) => *ending = Ending::NotCommitted,
            (Cheat::SettlesTwice, ending @ Ending::NotCommitted) => *ending = self.last.unwrap_or(*ending),
            (Cheat::Shortchanges, Ending::Committed(record)) => {
                let fen = record.transaction.new_balance.fen();
                record.transaction.new_balance = onecard_wire::amount::Amount::from_fen(fen.saturating_sub(1));
            }
            _ => {}
        }
        if matches!(report.ending, Ending::Committed(_)) {
            self.last = Some(report.ending);
        }
        report
    }

    fn restart(&mut self) {
        match self.cheat {
            Cheat::LosesItsDisk => self.restart_empty(),
            _ => self.terminal.restart(),
        }
    }

    fn recall(&self, order: OrderNumber) -> Recalled {
        self.terminal.recall(order)
    }
}

impl Dishonest {
    fn restart_empty(&mut self) {
        self.terminal = LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot);
    }
}

#[test]
fn the_auditor_finds_every_cheat() {
    let cheats =
        [Cheat::DeniesUnknown, Cheat::SettlesTwice, Cheat::LosesItsDisk, Cheat::Shortchanges, Cheat::ChargesAgain];
    for cheat in cheats {
        let terminal =
            || Dishonest { cheat, terminal: LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot), last: None };
        let found = (0..40).find_map(|case| try_case((SEED, case), 60, || vec![terminal(), terminal()]).err());
        let found = found.unwrap_or_else(|| panic!("{cheat:?} was not found"));
        assert!(found.steps.len() <= 6, "{cheat:?}: {found}");
        println!("{cheat:?}: {}", found.why);
    }
}
