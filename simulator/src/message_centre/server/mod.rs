//! The network behind a socket: a message centre that speaks SMPP 3.4, by the clock on the wall.

pub mod conversation;

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use onecard_wire::smpp::CommandStatus;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use self::conversation::Conversation;
use super::{message::LinkId, network::Network};

/// Bytes that are read at once.
const CHUNK_LEN: usize = 1 << 16;
/// How long it rests when nothing happens.
const REST: Duration = Duration::from_micros(500);

/// What a message centre demands of platforms.
#[derive(Clone, Debug)]
pub struct CentreTerms {
    /// What it calls itself.
    pub system_id: String,
    /// Who is let in; everybody if there is none.
    pub accounts: Vec<Account>,
    /// Most deliver_sm to one platform without an answer.
    pub window: usize,
    /// How long an answer, or the first bind, may take; then the connection is ended.
    pub answer_within: Duration,
    /// After this long without a word from a platform it is asked whether it is there.
    pub enquire_after: Duration,
}

/// A platform's name and password, which is erased and not printed.
#[derive(Clone)]
pub struct Account {
    system_id: String,
    password: Zeroizing<Vec<u8>>,
}

/// A message centre at a port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    terms: CentreTerms,
    network: Network,
    platforms: Vec<Platform>,
    began: Instant,
    last_link: u64,
    chunk: Box<[u8]>,
}

#[derive(Debug)]
struct Platform {
    stream: TcpStream,
    conversation: Conversation,
}

impl Account {
    /// By its name and password.
    #[must_use]
    pub fn new(system_id: &str, password: Zeroizing<Vec<u8>>) -> Self {
        Self { system_id: system_id.to_owned(), password }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, ..)", self.system_id)
    }
}

impl Default for CentreTerms {
    fn default() -> Self {
        Self {
            system_id: "ONECARD".to_owned(),
            accounts: Vec::new(),
            window: 100,
            answer_within: Duration::from_secs(30),
            enquire_after: Duration::from_secs(30),
        }
    }
}

impl CentreTerms {
    fn let_in(&self, system_id: &str, password: &[u8]) -> CommandStatus {
        if self.accounts.is_empty() {
            return CommandStatus::OK;
        }
        match self.accounts.iter().find(|account| account.system_id == system_id) {
            None => CommandStatus::INVALID_SYSTEM_ID,
            Some(account) if bool::from(account.password.ct_eq(password)) => CommandStatus::OK,
            Some(_) => CommandStatus::INVALID_PASSWORD,
        }
    }
}

impl Server {
    /// Listens there; port 0 is any that is free.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn listen(at: impl ToSocketAddrs, terms: CentreTerms, network: Network) -> io::Result<Self> {
        let listener = TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let chunk = vec![0; CHUNK_LEN].into_boxed_slice();
        Ok(Self { listener, terms, network, platforms: Vec::new(), began: Instant::now(), last_link: 0, chunk })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The network behind it.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The network alone; every connection ends.
    #[must_use]
    pub fn into_network(mut self) -> Network {
        self.cut();
        self.network
    }

    /// The same, to change it.
    pub const fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Names of the platforms that are bound.
    pub fn bound(&self) -> impl Iterator<Item = &str> {
        self.platforms.iter().filter_map(|platform| platform.conversation.system_id())
    }

    /// Ends every connection as a cable that is pulled.
    pub fn cut(&mut self) {
        for mut platform in self.platforms.drain(..) {
            platform.conversation.end(&mut self.network);
        }
    }

    /// Serves until told to stop, and lets `look` see it in between.
    ///
    /// # Errors
    /// No more connections can be taken.
    pub fn run(&mut self, stop: &AtomicBool, mut look: impl FnMut(&mut Self)) -> io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            if !self.step()? {
                thread::sleep(REST);
            }
            look(self);
        }
        Ok(())
    }

    /// Takes new connections, reads, lets what is due arrive, writes; whether any byte moved.
    ///
    /// # Errors
    /// No more connections can be taken.
    pub fn step(&mut self) -> io::Result<bool> {
        let now = self.began.elapsed();
        self.accept(now)?;
        let mut moved = false;
        for platform in &mut self.platforms {
            moved |= platform.read(&mut self.chunk, now, &self.terms, &mut self.network);
        }
        self.network.run_until(now);
        for platform in &mut self.platforms {
            platform.conversation.tick(now, &self.terms, &mut self.network);
            moved |= platform.write(&mut self.network);
        }
        let terms = &self.terms;
        self.platforms.retain(|platform| !platform.is_over() && !platform.conversation.is_given_up(now, terms));
        Ok(moved)
    }

    fn accept(&mut self, now: Duration) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    self.last_link += 1;
                    let conversation = Conversation::new(LinkId(self.last_link), now);
                    self.platforms.push(Platform { stream, conversation });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The other side was faster.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Platform {
    fn read(&mut self, chunk: &mut [u8], now: Duration, terms: &CentreTerms, network: &mut Network) -> bool {
        if self.conversation.is_ended() || !self.conversation.keeps_up() {
            return false;
        }
        match self.stream.read(chunk) {
            Ok(length @ 1..) => {
                self.conversation.read(chunk.get(..length).unwrap_or_default(), now, terms, network);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => false,
            Ok(0) | Err(_) => {
                self.conversation.written(usize::MAX);
                self.conversation.end(network);
                false
            }
        }
    }

    fn write(&mut self, network: &mut Network) -> bool {
        let mut moved = false;
        while !self.conversation.output().is_empty() {
            match self.stream.write(self.conversation.output()) {
                Ok(count @ 1..) => {
                    self.conversation.written(count);
                    moved = true;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
                Ok(0) | Err(_) => {
                    self.conversation.written(usize::MAX);
                    self.conversation.end(network);
                }
            }
        }
        moved
    }

    fn is_over(&self) -> bool {
        self.conversation.is_ended() && self.conversation.output().is_empty()
    }
}
