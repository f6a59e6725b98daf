//! Two programs that talk to one chip by two interfaces, and every order in which their commands can reach it.

use std::{
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use onecard_host::transport::{Transport, TransportError};

/// Which of two programs a command is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The first.
    First,
    /// The second.
    Second,
}

/// Runs both programs, each with its own end of the chip, their commands in the order of `turns`. A turn of a program that has
/// ended is skipped; when the turns are used up, what is left of the first runs before what is left of the second.
///
/// # Panics
/// If one of them does.
pub fn interleave<A: Send, B: Send>(
    turns: &[Turn],
    first: (&mut (dyn Transport + Send), impl FnOnce(&mut dyn Transport) -> A + Send),
    second: (&mut (dyn Transport + Send), impl FnOnce(&mut dyn Transport) -> B + Send),
) -> (A, B) {
    thread::scope(|scope| {
        let (gate_a, mut switch_a) = gate();
        let (gate_b, mut switch_b) = gate();
        let a = scope.spawn(move || gate_a.run(first.0, first.1));
        let b = scope.spawn(move || gate_b.run(second.0, second.1));
        for turn in turns {
            match turn {
                Turn::First => switch_a.let_through(),
                Turn::Second => switch_b.let_through(),
            };
        }
        while switch_a.let_through() {}
        while switch_b.let_through() {}
        (joined(a), joined(b))
    })
}

/// Every order of `first` and `second` commands, if there are at most `most`; else those in which the second program's commands
/// come in two pieces.
#[must_use]
pub fn orders(first: usize, second: usize, most: u64) -> Vec<Vec<Turn>> {
    if count(first, second) <= most { all(first, second) } else { in_two_pieces(first, second) }
}

/// The second program whole, before each command of the first and behind the last.
#[must_use]
pub fn insertions(first: usize, second: usize) -> Vec<Vec<Turn>> {
    (0..=first).map(|before| turns(&[(Turn::First, before), (Turn::Second, second)])).collect()
}

fn all(first: usize, second: usize) -> Vec<Vec<Turn>> {
    if first == 0 || second == 0 {
        return vec![turns(&[(Turn::First, first), (Turn::Second, second)])];
    }
    let behind = |turn, orders: Vec<Vec<Turn>>| orders.into_iter().map(move |rest| [vec![turn], rest].concat());
    behind(Turn::First, all(first - 1, second)).chain(behind(Turn::Second, all(first, second - 1))).collect()
}

fn in_two_pieces(first: usize, second: usize) -> Vec<Vec<Turn>> {
    let mut orders = Vec::new();
    for piece in 0..=second {
        for begins in 0..=first {
            for resumes in begins..=first {
                let (a, b) = (Turn::First, Turn::Second);
                orders.push(turns(&[(a, begins), (b, piece), (a, resumes - begins), (b, second - piece)]));
            }
        }
    }
    orders
}

fn turns(runs: &[(Turn, usize)]) -> Vec<Turn> {
    runs.iter().flat_map(|(turn, times)| std::iter::repeat_n(*turn, *times)).collect()
}

/// Orders of so many commands, or a number above any limit.
fn count(first: usize, second: usize) -> u64 {
    let mut orders = 1_u64;
    for step in 1..=second as u64 {
        orders = orders.saturating_mul(first as u64 + step) / step;
    }
    orders
}

/// Holds a program's commands back until it is its turn.
struct Gate {
    granted: Receiver<()>,
    answered: Sender<()>,
}

/// Opens a gate for one command.
struct Switch {
    grant: Sender<()>,
    answered: Receiver<()>,
}

fn gate() -> (Gate, Switch) {
    let ((grant, granted), (answered, heard)) = (mpsc::channel(), mpsc::channel());
    (Gate { granted, answered }, Switch { grant, answered: heard })
}

impl Gate {
    fn run<R>(self, end: &mut (dyn Transport + Send), program: impl FnOnce(&mut dyn Transport) -> R) -> R {
        program(&mut Gated { gate: self, end })
    }
}

impl Switch {
    /// Lets one command through and waits for its answer; false if the program has ended.
    fn let_through(&mut self) -> bool {
        // Where the program has ended already, no answer comes.
        let _ = self.grant.send(());
        self.answered.recv().is_ok()
    }
}

struct Gated<'t> {
    gate: Gate,
    end: &'t mut (dyn Transport + Send),
}

impl Transport for Gated<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        // The switch outlives the programs.
        let _ = self.gate.granted.recv();
        let answer = self.end.transmit(command);
        let _ = self.gate.answered.send(());
        answer
    }
}

fn joined<R>(program: thread::ScopedJoinHandle<'_, R>) -> R {
    program.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
