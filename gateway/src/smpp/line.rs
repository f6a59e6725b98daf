//! One connection: a session over a socket, and another one when it has ended.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use onecard_wire::smpp::pdu::Role;
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::{
    account::{Account, LinkTerms},
    link::LinkState,
    pace::BackOff,
    session::{Ended, Session},
};
use crate::carrier::{Carrier, Delivery, Event, NoRoom, ShortMessage, Ticket};

/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries to connect: the first, and the longest.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Bytes that are read at once.
const CHUNK_LEN: usize = 1 << 16;
/// How often in a row: one that sends without end does not keep the rest from being done.
const READS_MAX: usize = 64;
/// What is not written yet beyond this goes out before more is taken.
const OUTPUT_FULL: usize = 1 << 16;
/// How long nothing happens at most while there is no connection to wait at.
const IDLE: Duration = Duration::from_millis(20);

/// A connection of one role that comes up again whenever it has gone down. No call blocks but [`Line::wait`].
#[derive(Debug)]
pub(super) struct Line {
    role: Role,
    /// Host and port.
    centre: String,
    account: Account,
    terms: LinkTerms,
    began: Instant,
    connection: Connection,
    back_off: BackOff,
    random: ChaCha8Rng,
    chunk: Box<[u8]>,
    /// Of sessions that have ended.
    events: Vec<Event>,
    last_delivery: u64,
    passed_over: u64,
    /// How often it was bound.
    binds: u64,
    problem: Option<Ended>,
}

#[derive(Debug)]
enum Connection {
    /// Until then.
    Waiting(Duration),
    Connecting(Receiver<io::Result<TcpStream>>),
    Up {
        stream: TcpStream,
        session: Box<Session>,
        /// Whether the bind was counted.
        bound: bool,
    },
}

impl Line {
    pub(super) fn new(role: Role, centre: &str, account: Account, terms: LinkTerms, seed: u64) -> Self {
        Self {
            role,
            centre: centre.to_owned(),
            account,
            terms,
            began: Instant::now(),
            connection: Connection::Waiting(Duration::ZERO),
            back_off: BackOff::new(RECONNECT.0, RECONNECT.1),
            random: ChaCha8Rng::seed_from_u64(seed),
            chunk: vec![0; CHUNK_LEN].into_boxed_slice(),
            events: Vec::new(),
            last_delivery: 0,
            passed_over: 0,
            binds: 0,
            problem: None,
        }
    }

    /// How it is now.
    pub(super) fn state(&self) -> LinkState {
        match &self.connection {
            Connection::Waiting(until) => LinkState::Waiting(until.saturating_sub(self.began.elapsed())),
            Connection::Up { session, .. } if session.is_bound() => LinkState::Bound,
            Connection::Up { .. } | Connection::Connecting(_) => LinkState::Connecting,
        }
    }

    /// Why it went down last, or did not come up; `None` if it never did.
    pub(super) const fn problem(&self) -> Option<&Ended> {
        self.problem.as_ref()
    }

    /// How often it was bound.
    pub(super) const fn binds(&self) -> u64 {
        self.binds
    }

    /// Messages that nobody waits for: texts, intermediate notifications, what cannot be read.
    pub(super) fn passed_over(&self) -> u64 {
        let current = match &self.connection {
            Connection::Up { session, .. } => session.passed_over(),
            _ => 0,
        };
        self.passed_over + current
    }

    /// Waits until the centre says something, or that long.
    pub(super) fn wait(&mut self, at_most: Duration) {
        self.pump();
        let Connection::Up { stream, session, .. } = &self.connection else {
            return thread::sleep(at_most.min(IDLE));
        };
        // What the socket does not take now it takes soon.
        let at_most = if session.output().is_empty() { at_most } else { at_most.min(Duration::from_millis(1)) };
        let wait = || {
            stream.set_read_timeout(Some(at_most.max(Duration::from_millis(1))))?;
            stream.set_nonblocking(false)?;
            let peeked = stream.peek(&mut [0]);
            stream.set_nonblocking(true)?;
            peeked.map(drop)
        };
        // What is wrong with the connection the next read tells.
        let _ = wait();
    }

    /// Unbinds, waits for the answer and ends it; what is told on the way there is handed out, unacknowledged.
    pub(super) fn close(mut self) -> Vec<Event> {
        let now = self.began.elapsed();
        if let Connection::Up { session, .. } = &mut self.connection {
            session.unbind(now);
        }
        let mut events = Vec::new();
        while matches!(self.connection, Connection::Up { .. }) {
            events.extend(self.events());
            if matches!(self.connection, Connection::Up { .. }) {
                self.wait(Duration::from_millis(100));
            }
        }
        events.extend(std::mem::take(&mut self.events));
        events
    }

    /// Reads and writes what the socket has and takes, and does what is due.
    pub(super) fn pump(&mut self) {
        let now = self.began.elapsed();
        match &mut self.connection {
            Connection::Waiting(until) if *until <= now => self.connection = connect(&self.centre),
            Connection::Waiting(_) => {}
            Connection::Connecting(coming) => match coming.try_recv() {
                Ok(Ok(stream)) => self.begin(stream, now),
                Ok(Err(error)) => self.down(Ended::Lost(format!("{}: {error}", self.centre)), now),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.down(Ended::Lost("no connection was tried".to_owned()), now),
            },
            Connection::Up { .. } => self.converse(now),
        }
    }

    fn begin(&mut self, stream: TcpStream, now: Duration) {
        let session = Session::open((&self.account, self.role), self.terms.clone(), self.last_delivery, now);
        self.connection = Connection::Up { stream, session: session.into(), bound: false };
        self.converse(now);
    }

    fn converse(&mut self, now: Duration) {
        let Connection::Up { stream, session, bound } = &mut self.connection else { return };
        read_all(stream, session, &mut self.chunk, now);
        session.tick(now);
        write_all(stream, session);
        if session.is_bound() && !*bound {
            *bound = true;
            self.binds += 1;
            self.back_off.worked();
        }
        self.last_delivery = session.last_delivery();
        if let Some(why) = session.ended() {
            let why = why.clone();
            self.events.extend(session.events());
            self.passed_over += session.passed_over();
            self.down(why, now);
        }
    }

    fn down(&mut self, why: Ended, now: Duration) {
        self.problem = Some(why);
        self.connection = Connection::Waiting(now + self.back_off.failed(&mut self.random));
    }
}

impl Carrier for Line {
    fn room(&mut self) -> usize {
        self.pump();
        match &self.connection {
            Connection::Up { session, .. } => session.room(self.began.elapsed()),
            _ => 0,
        }
    }

    fn submit(&mut self, ticket: Ticket, message: &ShortMessage, validity: Duration) -> Result<(), NoRoom> {
        let Connection::Up { stream, session, .. } = &mut self.connection else { return Err(NoRoom) };
        if session.output().len() > OUTPUT_FULL {
            write_all(stream, session);
        }
        session.submit(ticket, message, validity, self.began.elapsed())
    }

    fn events(&mut self) -> Vec<Event> {
        self.pump();
        let mut events = std::mem::take(&mut self.events);
        if let Connection::Up { session, .. } = &mut self.connection {
            events.extend(session.events());
        }
        events
    }

    fn acknowledge(&mut self, delivery: Delivery) {
        if let Connection::Up { session, .. } = &mut self.connection {
            session.acknowledge(delivery);
        }
    }
}

/// Connects in a thread of its own: names are looked up and connections come up in their own time.
fn connect(centre: &str) -> Connection {
    let (sender, receiver) = channel();
    let centre = centre.to_owned();
    thread::spawn(move || {
        // Whoever asked may be gone.
        let _ = sender.send(reach(&centre));
    });
    Connection::Connecting(receiver)
}

fn reach(centre: &str) -> io::Result<TcpStream> {
    let mut error = io::Error::new(ErrorKind::NotFound, "no address");
    for address in centre.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(stream);
            }
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

fn read_all(stream: &mut TcpStream, session: &mut Session, chunk: &mut [u8], now: Duration) {
    for _ in 0..READS_MAX {
        if session.ended().is_some() {
            return;
        }
        match stream.read(chunk) {
            Ok(0) => session.end(Ended::Lost("the message centre has closed it".to_owned())),
            Ok(length) => {
                session.read(chunk.get(..length).unwrap_or_default(), now);
                if length < chunk.len() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => session.end(Ended::Lost(error.to_string())),
        }
    }
}

/// What a session that has ended still has to say goes out too, as far as the socket takes it.
fn write_all(stream: &mut TcpStream, session: &mut Session) {
    while !session.output().is_empty() {
        match stream.write(session.output()) {
            Ok(count @ 1..) => session.written(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) => return session.end(Ended::Lost("it takes no more bytes".to_owned())),
            Err(error) => return session.end(Ended::Lost(error.to_string())),
        }
    }
}
