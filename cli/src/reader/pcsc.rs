//! PC/SC readers.

use anyhow::{Context, bail};
pub(super) use onecard_host::transport::pcsc::Connection;
use onecard_host::transport::{
    TransportError,
    pcsc::{LineProtocol, ReaderStatus, Service, Sharing, Slot, Used, reader_by_part},
};

/// The whole name of the reader that `part` stands for.
pub(super) fn reader_named(part: &str) -> anyhow::Result<String> {
    Ok(reader_by_part(&Service::connect()?.readers()?, part)?.name.clone())
}

/// The only reader with a card that no program has for itself, such as this one its SAM.
pub(super) fn only_reader() -> anyhow::Result<String> {
    let readers = Service::connect()?.readers()?;
    let free = |reader: &&ReaderStatus| match reader.slot {
        Slot::Card { used, .. } => used != Used::Exclusively,
        Slot::Mute => true,
        Slot::Empty => false,
    };
    let occupied: Vec<_> = readers.iter().filter(free).collect();
    let names = |readers: &[&ReaderStatus]| {
        readers.iter().map(|reader| format!("pcsc:{}", reader.name)).collect::<Vec<_>>().join(", ")
    };
    match (readers.as_slice(), occupied.as_slice()) {
        (_, [reader]) => Ok(reader.name.clone()),
        ([], _) => Err(TransportError::NoReader).context("no simulated card is named by --reader sim:FILE"),
        (_, []) => bail!(
            "there is no card in any reader ({}): present one, or name a simulated card by --reader sim:FILE",
            names(&readers.iter().collect::<Vec<_>>())
        ),
        (_, several) => bail!("several readers have a card, name one by --reader: {}", names(several)),
    }
}

/// That something is in the reader of this whole name.
pub(super) fn look(name: &str) -> anyhow::Result<()> {
    let readers = Service::connect()?.readers()?;
    match readers.iter().find(|reader| reader.name == name) {
        Some(reader) if reader.is_occupied() => Ok(()),
        Some(_) => bail!("there is no card in reader {name}: present one"),
        None => Err(TransportError::ReaderUnplugged).with_context(|| name.to_owned()),
    }
}

/// Connects to the card in the reader of this whole name, for this program alone.
pub(super) fn open(name: &str) -> anyhow::Result<Connection> {
    let opened = Connection::open(&Service::connect()?, name, Sharing::Exclusive);
    let may_be_ours = matches!(opened, Err(TransportError::CardInUse));
    opened.with_context(|| format!("reader {name}{}", if may_be_ours { ", if it is not the SAM's own" } else { "" }))
}

/// The card's answer to reset.
pub(super) fn atr(connection: &Connection) -> Vec<u8> {
    connection.line().atr.clone()
}

/// Whether an Le behind a data field reaches the card.
pub(super) fn carries_le(connection: &Connection) -> bool {
    connection.line().protocol != Some(LineProtocol::T0)
}
