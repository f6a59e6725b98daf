//! What a program built without PC/SC says of real readers.

use anyhow::bail;
use onecard_host::transport::{Transport, TransportError};

/// How to get one that has them.
pub(crate) const HOW: &str = "this onecard was built without PC/SC readers: build it by `cargo build --release -p onecard-cli --features \
                   pcsc` (Linux: with libpcsclite-dev), or name a simulated card by --reader sim:FILE";

/// A card in a PC/SC reader, of which there is none.
pub(super) enum Connection {}

impl Connection {
    pub(super) fn tap<R>(&mut self, _work: impl FnOnce(&mut dyn Transport) -> R) -> Result<R, TransportError> {
        match *self {}
    }

    pub(super) fn reconnect(&mut self) -> Result<(), TransportError> {
        match *self {}
    }
}

impl Transport for Connection {
    fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match *self {}
    }
}

pub(super) fn reader_named(part: &str) -> anyhow::Result<String> {
    bail!("pcsc:{part}: {HOW}")
}

pub(super) fn only_reader() -> anyhow::Result<String> {
    bail!("no card is named by --reader, and {HOW}")
}

pub(super) fn look(name: &str) -> anyhow::Result<()> {
    bail!("{name}: {HOW}")
}

pub(super) fn open(name: &str) -> anyhow::Result<Connection> {
    bail!("{name}: {HOW}")
}

pub(super) fn atr(connection: &Connection) -> Vec<u8> {
    match *connection {}
}

pub(super) fn carries_le(connection: &Connection) -> bool {
    match *connection {}
}
