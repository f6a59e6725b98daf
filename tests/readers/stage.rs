//! pcscd and its two virtual readers, for one test at a time and no longer than it may take.

use std::{
    ffi::CString,
    io::Write,
    process,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use onecard_simulator::vpcd::{End, NOTICED_WITHIN, NoSlot, PORTS, Presented, Puller, Slot};
use pcsc::{Card, Context, Protocols, ReaderState, Scope, ShareMode, State};

/// So long pcscd may take to see a card come or go.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
const HOST: &str = "127.0.0.1";

/// The readers, both empty, for this test alone.
pub(crate) struct Stage {
    context: Context,
    _limit: Limit,
    _turn: MutexGuard<'static, ()>,
}

/// A card in one of them. Dropped, it is pulled.
pub(crate) struct Inserted<C> {
    slot: usize,
    puller: Puller,
    ended: Receiver<(C, End)>,
}

impl Stage {
    /// Waits for its turn. The whole test process ends when `limit` is over: what hangs in pcscd cannot be ended otherwise.
    pub(crate) fn begin(limit: Duration) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = Limit::begin(limit);
        let context = Context::establish(Scope::User)
            .unwrap_or_else(|error| panic!("no pcscd ({error}): run this by .ci/with-pcscd"));
        let stage = Self { context, _limit: limit, _turn: turn };
        for slot in 0..PORTS.len() {
            stage.wait_until(slot, State::EMPTY);
        }
        stage
    }

    /// The name of a virtual reader.
    pub(crate) fn reader(&self, slot: usize) -> CString {
        let suffix = format!(" {slot:02X}");
        let names = self.context.list_readers_owned().unwrap();
        let is_slot = |name: &&CString| {
            let name = name.to_string_lossy();
            name.starts_with("Virtual PCD") && name.ends_with(&suffix)
        };
        names.iter().find(is_slot).unwrap_or_else(|| panic!("no virtual reader among {names:?}")).clone()
    }

    /// Puts a card in, and waits until pcscd has seen it.
    pub(crate) fn insert<C: Presented + Send + 'static>(&self, slot: usize, card: C) -> Inserted<C> {
        let connection = connect(slot).unwrap();
        let puller = connection.puller();
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            // A test that failed does not ask for it any more.
            let _ = done.send(connection.serve(card));
        });
        let inserted = Inserted { slot, puller, ended };
        self.wait_until(slot, State::PRESENT);
        inserted
    }

    /// Connects as a program does that shares the card.
    pub(crate) fn connect(&self, slot: usize) -> Card {
        self.try_connect(slot, Protocols::ANY).unwrap()
    }

    pub(crate) fn try_connect(&self, slot: usize, protocols: Protocols) -> Result<Card, pcsc::Error> {
        self.context.connect(&self.reader(slot), ShareMode::Shared, protocols)
    }

    /// What pcscd says of a reader.
    pub(crate) fn state(&self, slot: usize) -> ReaderState {
        let mut states = [ReaderState::new(self.reader(slot), State::UNAWARE)];
        self.context.get_status_change(Duration::ZERO, &mut states).unwrap();
        let [state] = states;
        state
    }

    /// Waits until pcscd says so.
    pub(crate) fn wait_until(&self, slot: usize, wanted: State) {
        let mut states = [ReaderState::new(self.reader(slot), State::UNAWARE)];
        let began = Instant::now();
        loop {
            let left = SEEN_WITHIN.saturating_sub(began.elapsed());
            match self.context.get_status_change(left, &mut states) {
                Ok(()) | Err(pcsc::Error::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
            let [state] = &mut states;
            if state.event_state().contains(wanted) {
                return;
            }
            assert!(!left.is_zero(), "reader {slot} is {:?} and not {wanted:?}", state.event_state());
            state.sync_current_state();
        }
    }
}

impl<C> Inserted<C> {
    /// What takes it out.
    pub(crate) fn puller(&self) -> &Puller {
        &self.puller
    }

    /// Takes the card out, and waits until pcscd has seen that.
    pub(crate) fn pull(self, stage: &Stage) -> C {
        self.puller.pull();
        match self.left(stage) {
            (card, End::Pulled) => card,
            (_, end) => panic!("the card had left before: {end:?}"),
        }
    }

    /// The card that has left by itself, once pcscd has seen that, and why it left.
    pub(crate) fn left(self, stage: &Stage) -> (C, End) {
        let (card, end) = self.ended.recv_timeout(SEEN_WITHIN).expect("the card is still served");
        // A program that disconnects in between lets pcscd call the reader empty before it has looked.
        thread::sleep(NOTICED_WITHIN);
        stage.wait_until(self.slot, State::EMPTY);
        (card, end)
    }
}

impl<C> Drop for Inserted<C> {
    fn drop(&mut self) {
        self.puller.pull();
    }
}

/// vpcd keeps a card that was pulled until it next looks for it.
fn connect(slot: usize) -> Result<Slot, NoSlot> {
    let first = Slot::connect(HOST, PORTS[slot]);
    if let Err(NoSlot::Occupied { .. }) = first { Slot::connect(HOST, PORTS[slot]) } else { first }
}

/// Ends the process unless it is dropped in time.
struct Limit {
    _in_time: Sender<()>,
}

impl Limit {
    fn begin(limit: Duration) -> Self {
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let (in_time, over) = mpsc::channel::<()>();
        thread::spawn(move || {
            if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Past the harness, which keeps back what a test prints.
                let _ = writeln!(std::io::stderr(), "{test} hangs: it has taken more than {limit:?}");
                process::exit(70);
            }
        });
        Self { _in_time: in_time }
    }
}
