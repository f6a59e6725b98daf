//! Virtual readers: a card of this simulator in a slot of vsmartcard's vpcd, where pcscd and every PC/SC program finds it.
//!
//! ```text
//! PC/SC program ──► pcscd ──► vpcd ◄──TCP 35963, 35964── Slot ──► Presented: SimulatedCard, Echo
//! ```
//!
//! ```no_run
//! use onecard_simulator::{
//!     chip::{Blank, Chip},
//!     vpcd::{PORTS, Protocol, SimulatedCard, Slot},
//! };
//!
//! let slot = Slot::connect("127.0.0.1", PORTS[0])?;
//! let card = SimulatedCard::new(Chip::blank(Blank::CpuCard, 1)?, Protocol::T1);
//! let (card, end) = slot.serve(card);
//! println!("{end:?}; the card: {:?}", card.into_chip());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A card that falls silent is seen by vpcd as one that has left: its protocol knows no other silence. The command in which
//! that happens is answered by no bytes at all, without an error of PC/SC; the next ones end by one.

mod atr;
mod link;
mod phone;
mod presented;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use self::{
    atr::{Protocol, atr},
    phone::{Side, SimSide},
    presented::{Echo, Presented, SimulatedCard},
};

use self::link::{Link, Message};

/// Where vpcd waits for a card of its first and of its second slot.
pub const PORTS: [u16; 2] = [35963, 35964];
/// What pcscd calls the reader of vpcd's first slot (0) or second (1).
#[must_use]
pub fn slot_name(slot: u16) -> String {
    format!("Virtual PCD 00 {slot:02X}")
}

/// So long a card stays away before it is inserted again, or pcscd, which looks every 0.4 s, has not seen that it was.
pub const NOTICED_WITHIN: Duration = Duration::from_millis(1_000);
/// So long vpcd may take to ask a new card for its ATR.
const PATIENCE: Duration = Duration::from_secs(3);

/// A slot of vpcd with a card in it.
pub struct Slot {
    link: Link,
    puller: Puller,
}

/// Pulls the card of a slot, from any thread.
#[derive(Clone, Debug)]
pub struct Puller {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pulled: AtomicBool,
    ordered: Mutex<Option<Order>>,
    /// Gone when the card is out.
    connection: Mutex<Option<TcpStream>>,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    commands_left: u64,
    moment: Moment,
}

/// On which side of a command the card is pulled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// The card never sees it.
    BeforeExecution,
    /// The card has executed it, and its answer is lost.
    AfterExecution,
}

/// Why a card is no longer in its slot.
#[derive(Debug)]
pub enum End {
    /// Somebody pulled it.
    Pulled,
    /// It fell silent: it lost its power in a command, or did not come up.
    Silent,
    /// Its chip failed for good, and why.
    Failed(String),
    /// vpcd closed the connection: pcscd has ended.
    ReaderGone,
    /// The connection broke.
    Broken(io::Error),
}

/// Why there is no card in a slot.
#[derive(Debug, thiserror::Error)]
pub enum NoSlot {
    /// Nobody listens there.
    #[error(
        "no virtual reader (vpcd) at {address}: install the packages pcscd and vsmartcard-vpcd, then start pcscd, for \
         example by `systemctl start pcscd` or `pcscd --foreground`"
    )]
    NoReader {
        /// HOST:PORT.
        address: String,
        #[source]
        /// What the system says.
        source: io::Error,
    },
    /// vpcd takes one card in each slot, and does not speak to a second.
    #[error("the virtual reader at {address} says nothing: another card is in that slot; remove it, or use the other")]
    Occupied {
        /// HOST:PORT.
        address: String,
    },
}

impl Slot {
    /// Goes into the slot of that address and waits, 3 seconds at most, until vpcd has seen it.
    ///
    /// # Errors
    /// [`NoSlot`].
    pub fn connect(host: &str, port: u16) -> Result<Self, NoSlot> {
        let address = || format!("{host}:{port}");
        let no_reader = |source| NoSlot::NoReader { address: address(), source };
        let stream = connect_any((host, port)).map_err(|source| match source.kind() {
            // Its queue of one is full: vpcd has a card, and another waits already.
            io::ErrorKind::TimedOut => NoSlot::Occupied { address: address() },
            _ => no_reader(source),
        })?;
        let link = Link::new(stream).map_err(no_reader)?;
        if !link.hears_within(PATIENCE).map_err(no_reader)? {
            return Err(NoSlot::Occupied { address: address() });
        }
        let connection = link.interrupter().map_err(no_reader)?;
        let shared = Shared {
            pulled: AtomicBool::new(false),
            ordered: Mutex::new(None),
            connection: Mutex::new(Some(connection)),
        };
        Ok(Self { link, puller: Puller { shared: Arc::new(shared) } })
    }

    /// What takes the card out.
    #[must_use]
    pub fn puller(&self) -> Puller {
        self.puller.clone()
    }

    /// Serves until the card is out, and returns it without power.
    pub fn serve<C: Presented>(self, mut card: C) -> (C, End) {
        let Self { mut link, puller } = self;
        let end = serve(&mut link, &puller, &mut card);
        // Both handles: the connection ends here, not when the last puller is dropped.
        lock(&puller.shared.connection).take();
        drop(link);
        card.power_off();
        (card, end)
    }
}

impl Puller {
    /// Takes the card out. A command that is being executed is executed, and its answer lost.
    pub fn pull(&self) {
        self.shared.pulled.store(true, Ordering::SeqCst);
        if let Some(connection) = &*lock(&self.shared.connection) {
            link::interrupt(connection);
        }
    }

    /// Takes it out at a command APDU yet to come: 0 is the next. The last order counts.
    pub fn pull_at(&self, command: u64, moment: Moment) {
        *lock(&self.shared.ordered) = Some(Order { commands_left: command, moment });
    }

    /// Whether it was taken out, at once or as ordered. What the program at the reader sees of that, it sees afterwards.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.shared.pulled.load(Ordering::SeqCst)
    }

    /// What is ordered for the command that has just come.
    fn ordered_now(&self) -> Option<Moment> {
        let mut ordered = lock(&self.shared.ordered);
        match ordered.as_mut()? {
            Order { commands_left: 0, moment } => Some(*moment),
            order => {
                order.commands_left -= 1;
                None
            }
        }
    }
}

fn serve(link: &mut Link, puller: &Puller, card: &mut impl Presented) -> End {
    loop {
        let message = match link.receive() {
            _ if puller.is_pulled() => return End::Pulled,
            Ok(Some(message)) => message,
            Ok(None) => return End::ReaderGone,
            Err(error) => return End::Broken(error),
        };
        let answer = match message {
            Message::PowerOff => {
                card.power_off();
                continue;
            }
            Message::PowerOn => {
                card.power_on();
                continue;
            }
            Message::Reset => {
                card.reset();
                continue;
            }
            Message::Atr => card.atr().to_vec(),
            Message::Command(command) => match execute(&command, puller, card) {
                Ok(answer) => answer,
                Err(end) => return end,
            },
        };
        match link.answer(&answer) {
            Ok(()) => {}
            Err(_) if puller.is_pulled() => return End::Pulled,
            Err(error) => return End::Broken(error),
        }
    }
}

fn execute(command: &[u8], puller: &Puller, card: &mut impl Presented) -> Result<Vec<u8>, End> {
    let ordered = puller.ordered_now();
    if ordered == Some(Moment::BeforeExecution) {
        puller.pull();
        return Err(End::Pulled);
    }
    let answer = card.transmit(command);
    if ordered == Some(Moment::AfterExecution) {
        puller.pull();
    }
    if puller.is_pulled() {
        return Err(End::Pulled);
    }
    answer.ok_or_else(|| card.failure().map_or(End::Silent, End::Failed))
}

/// Connects to the first address that answers.
fn connect_any(to: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let mut error = io::ErrorKind::AddrNotAvailable.into();
    for address in to.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

/// Nobody panics while they hold one of these, and if so, what they hold is still right.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
