//! Where a card is: a chip in a file, or a PC/SC reader.

mod faults;
mod inserted;
#[cfg(feature = "pcsc")]
mod pcsc;
#[cfg(not(feature = "pcsc"))]
#[path = "without_pcsc.rs"]
mod pcsc;
mod sim;

use std::{
    cell::OnceCell,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::bail;
use clap::Args;
use onecard_host::{trace::What, transport::Transport};
use onecard_simulator::reader::Reader;

#[cfg(not(feature = "pcsc"))]
pub(crate) use self::pcsc::HOW;
pub(crate) use self::{
    faults::Faults,
    inserted::Inserted,
    sim::{ChipFailed, card_kind, open_chip, store_chip},
};
use crate::{
    args::ChipFile,
    journal::beside,
    trace::{Peer, Trace},
};

/// The reader that a command's card is in.
#[derive(Args, Debug)]
pub(crate) struct CardReader {
    /// Which reader it is in: pcsc:NAME, a part of a reader's name, or sim:FILE [default: the only one with a card].
    #[arg(long = "reader", value_name = "READER")]
    named: Option<ReaderName>,
    /// Found once: a second look might find another.
    #[arg(skip)]
    place: OnceCell<Place>,
}

/// `sim:FILE` or `pcsc:NAME`, as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ReaderName {
    /// A chip in a file.
    Sim(ChipFile),
    /// A part of a PC/SC reader's name.
    Pcsc(String),
}

/// A reader that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A chip in a file, which may not exist yet.
    Sim(ChipFile),
    /// A PC/SC reader, by its whole name.
    Pcsc(String),
}

/// Presents the card in `reader` to a terminal, with `faults`, and takes it away again.
///
/// # Errors
/// [`ChipFailed`], above all; of a real reader, that the card could not be connected and nothing was begun.
pub(crate) fn tap<R>(
    reader: &CardReader,
    faults: &Faults,
    trace: &Trace,
    terminal: impl FnOnce(&mut dyn Transport) -> R,
) -> anyhow::Result<R> {
    reader.place()?.tap(Peer::Card, faults, trace, terminal)
}

impl CardReader {
    /// Where the card is.
    ///
    /// # Errors
    /// With the readers there are, if none or several may be meant.
    pub(crate) fn place(&self) -> anyhow::Result<&Place> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let place = match &self.named {
            Some(name) => name.place()?,
            None => Place::Pcsc(pcsc::only_reader()?),
        };
        Ok(self.place.get_or_init(|| place))
    }

    /// That a card is there, so that nothing is begun for one that is not.
    pub(crate) fn look(&self) -> anyhow::Result<()> {
        self.place()?.look(Peer::Card)
    }

    /// The file of a new chip.
    pub(crate) fn new_file(&self) -> anyhow::Result<&ChipFile> {
        match self.place()? {
            Place::Sim(ChipFile(path)) if path.exists() => {
                bail!("{} exists already: only a new chip is written, name another file", path.display())
            }
            Place::Sim(file) => Ok(file),
            Place::Pcsc(name) => bail!("{name}: only a new chip is written, name a file by --reader sim:FILE"),
        }
    }

    /// The terminal's own file: beside a chip's, or in the current folder, named after the reader.
    pub(crate) fn file_with(&self, ending: &str) -> anyhow::Result<PathBuf> {
        Ok(match self.place()? {
            Place::Sim(ChipFile(path)) => beside(path, ending),
            Place::Pcsc(name) => beside(Path::new(&file_name(name)), ending),
        })
    }
}

impl ReaderName {
    /// The reader of this name.
    ///
    /// # Errors
    /// With the readers there are, if none or several are meant.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        Ok(match self {
            Self::Sim(file) => Place::Sim(file.clone()),
            Self::Pcsc(part) => Place::Pcsc(pcsc::reader_named(part)?),
        })
    }
}

impl Place {
    /// That a card or SAM is there.
    pub(crate) fn look(&self, peer: Peer) -> anyhow::Result<()> {
        match self {
            Self::Sim(file) => open_chip(file, sim::kind_of(peer)).map(drop),
            Self::Pcsc(name) => pcsc::look(name),
        }
    }

    /// Connects to what is there, for as long as the program wants.
    pub(crate) fn connect(&self, peer: Peer, trace: &Trace) -> anyhow::Result<Box<dyn Transport>> {
        Ok(match self {
            Self::Sim(file) => {
                let reader = Reader::insert(open_chip(file, sim::kind_of(peer))?);
                trace.power(peer, What::PowerUp(Vec::new()));
                Box::new(reader)
            }
            Self::Pcsc(name) => {
                let connection = pcsc::open(name)?;
                trace.power(peer, What::PowerUp(pcsc::atr(&connection)));
                Box::new(connection)
            }
        })
    }

    /// Puts the SIM that is there into a reader of SIMs, at its contacts, and takes it out again.
    pub(crate) fn tap_contacts<R>(
        &self,
        faults: &Faults,
        trace: &Trace,
        terminal: impl FnOnce(&mut dyn Transport) -> R,
    ) -> anyhow::Result<R> {
        match self {
            Self::Sim(file) => sim::tap_contacts(file, faults, trace, terminal),
            Self::Pcsc(_) => self.tap(Peer::Card, faults, trace, terminal),
        }
    }

    /// Presents what is there to a terminal, with `faults`, and takes it away again.
    pub(crate) fn tap<R>(
        &self,
        peer: Peer,
        faults: &Faults,
        trace: &Trace,
        terminal: impl FnOnce(&mut dyn Transport) -> R,
    ) -> anyhow::Result<R> {
        match self {
            Self::Sim(file) => sim::tap(file, peer, faults, trace, terminal),
            Self::Pcsc(_) if faults.tear.is_some() => {
                bail!("--tear tears a simulated card only: name one by --reader sim:FILE, or pull the card by hand")
            }
            Self::Pcsc(name) => {
                let mut connection = pcsc::open(name)?;
                trace.power(peer, What::PowerUp(pcsc::atr(&connection)));
                let result = connection.tap(|card| terminal(&mut faults.between(card, trace, peer)));
                trace.power(peer, What::PowerOff);
                Ok(result?)
            }
        }
    }
}

/// A reader's name as that of a file: `Virtual-PCD-00-00`.
fn file_name(reader: &str) -> String {
    let words = reader.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

impl FromStr for ReaderName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sim", path)) if !path.is_empty() => Ok(Self::Sim(ChipFile(path.into()))),
            Some(("pcsc", part)) if !part.is_empty() => Ok(Self::Pcsc(part.to_owned())),
            _ => Err("expected pcsc:NAME, a part of a reader's name, or sim:FILE, such as sim:wang.card".to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sim(ChipFile(path)) => path.display().fmt(f),
            Self::Pcsc(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for CardReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.get() {
            Some(place) => place.fmt(f),
            None => f.write_str("the card"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_written_with_its_kind() {
        assert_eq!("sim:wang.card".parse(), Ok(ReaderName::Sim(ChipFile("wang.card".into()))));
        assert_eq!("pcsc:ACR122U: 00".parse(), Ok(ReaderName::Pcsc("ACR122U: 00".to_owned())));
        for wrong in ["wang.card", "sim:", "pcsc:", "keys:dev.keys", ""] {
            assert!(wrong.parse::<ReaderName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_journal_is_named_after_its_reader() {
        assert_eq!(file_name("ACS ACR122U PICC Interface 00 00"), "ACS-ACR122U-PICC-Interface-00-00");
        assert_eq!(file_name("../明华 URF/R330 [CCID] (1) 01 00"), "明华-URF-R330-CCID-1-01-00");
    }
}
