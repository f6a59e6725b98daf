//! The connection to vpcd: each message is its length, two bytes, and that many bytes.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// What vpcd sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    PowerOff,
    PowerOn,
    Reset,
    /// It asks for the ATR, which also tells it that the card is still there.
    Atr,
    /// A command APDU.
    Command(Vec<u8>),
}

pub(super) struct Link {
    stream: TcpStream,
    /// Received and not yet taken.
    pending: Vec<u8>,
}

impl Link {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, pending: Vec::new() })
    }

    /// Whether vpcd says something within `patience`.
    pub(super) fn hears_within(&self, patience: Duration) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(patience))?;
        let heard = loop {
            match self.stream.peek(&mut [0]) {
                Ok(bytes) => break Ok(bytes > 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    break Ok(false);
                }
                Err(error) => break Err(error),
            }
        };
        self.stream.set_read_timeout(None)?;
        heard
    }

    /// The next message; `None` at the end of the connection.
    pub(super) fn receive(&mut self) -> io::Result<Option<Message>> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(payload) = self.take_payload() {
                match Message::of(payload) {
                    Some(message) => return Ok(Some(message)),
                    None => continue,
                }
            }
            acknowledge_at_once(&self.stream)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(length) => self.pending.extend(chunk.iter().take(length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends an answer or the ATR.
    pub(super) fn answer(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = u16::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // One write, one packet.
        self.stream.write_all(&[&length.to_be_bytes()[..], payload].concat())
    }

    /// What wakes [`Self::receive`] from another thread.
    pub(super) fn interrupter(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    fn take_payload(&mut self) -> Option<Vec<u8>> {
        let (length, rest) = self.pending.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let payload = rest.get(..length)?.to_vec();
        self.pending.drain(..2 + length);
        Some(payload)
    }
}

impl Message {
    /// `None` for no bytes at all.
    fn of(payload: Vec<u8>) -> Option<Self> {
        match payload[..] {
            [] => None,
            [0] => Some(Self::PowerOff),
            [1] => Some(Self::PowerOn),
            [2] => Some(Self::Reset),
            [4] => Some(Self::Atr),
            _ => Some(Self::Command(payload)),
        }
    }
}

/// Wakes a thread that receives, without a word to vpcd.
pub(super) fn interrupt(stream: &TcpStream) {
    // A connection that is not there any more has woken it.
    let _ = stream.shutdown(Shutdown::Read);
}

/// vpcd up to 3.3 sends length and payload in two packets and waits for the first one's acknowledgement in between, which
/// the kernel otherwise keeps back for 40 ms. The setting does not last, so it is made before every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) -> io::Result<()> {
    std::os::linux::net::TcpStreamExt::set_quickack(stream, true)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) -> io::Result<()> {
    Ok(())
}
