//! The readers of a batch: folders of simulated cards, and PC/SC readers that an operator puts cards into.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use anyhow::ensure;
use onecard_host::transport::Transport;
use onecard_simulator::{chip::Kind, paced::Link};
use onecard_station::batch::{Call, Fed, Feeder, NoTap, Tray};

use super::folder::{Folder, FolderFeeder};
#[cfg(feature = "pcsc")]
use super::pcsc_feeder::PcscFeeder;

/// Readers as they are written: `sim:FOLDER`, `pcsc:NAME`, or `pcsc:` for every PC/SC reader there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ReaderNames {
    /// A folder of simulated cards.
    Folder(PathBuf),
    /// A PC/SC reader, by a part of its name.
    Pcsc(String),
    /// All of them.
    AllPcsc,
}

/// All readers of a batch.
pub(super) struct Readers {
    folders: Vec<(PathBuf, Arc<Folder>)>,
    pub(super) feeders: Vec<AnyFeeder>,
}

/// One reader.
pub(super) enum AnyFeeder {
    /// A folder's.
    Folder(FolderFeeder),
    /// One that somebody puts cards into.
    #[cfg(feature = "pcsc")]
    Pcsc(PcscFeeder),
}

impl Readers {
    /// Finds them; they are numbered in the order they were named in, which is told.
    pub(super) fn open(names: &[ReaderNames], kind: Kind, link: Option<Link>) -> anyhow::Result<Self> {
        let mut readers = Self { folders: Vec::new(), feeders: Vec::new() };
        for name in names {
            match name {
                ReaderNames::Folder(path) => {
                    let folder = readers.folder(path)?;
                    let number = readers.next_number();
                    readers.feeders.push(AnyFeeder::Folder(FolderFeeder::new(number, folder, kind, link)));
                }
                ReaderNames::Pcsc(part) => readers.pcsc(Some(part))?,
                ReaderNames::AllPcsc => readers.pcsc(None)?,
            }
        }
        ensure!(!readers.feeders.is_empty(), "no reader was named");
        Ok(readers)
    }

    /// Blank cards in the folders; `None` where somebody has them in his hand.
    pub(super) fn left(&self) -> Option<u64> {
        (!self.is_by_hand()).then(|| self.folders.iter().map(|(_, folder)| folder.left()).sum())
    }

    /// Whether somebody puts cards in.
    pub(super) fn is_by_hand(&self) -> bool {
        self.feeders.iter().any(|feeder| !matches!(feeder, AnyFeeder::Folder(_)))
    }

    fn folder(&mut self, path: &PathBuf) -> anyhow::Result<Arc<Folder>> {
        if let Some((_, folder)) = self.folders.iter().find(|(there, _)| there == path) {
            return Ok(Arc::clone(folder));
        }
        let folder = Arc::new(Folder::open(path)?);
        self.folders.push((path.clone(), Arc::clone(&folder)));
        Ok(folder)
    }

    fn next_number(&self) -> String {
        (self.feeders.len() + 1).to_string()
    }

    #[cfg(feature = "pcsc")]
    fn pcsc(&mut self, part: Option<&str>) -> anyhow::Result<()> {
        use onecard_host::transport::pcsc::{Service, reader_by_part};

        let there = Service::connect()?.readers()?;
        let found: Vec<_> = match part {
            Some(part) => vec![reader_by_part(&there, part)?],
            None => there.iter().collect(),
        };
        ensure!(!found.is_empty(), "no PC/SC reader is connected: connect one 未连接读卡器");
        for reader in found {
            let is_there =
                |feeder: &AnyFeeder| matches!(feeder, AnyFeeder::Pcsc(there) if there.reader() == reader.name);
            ensure!(!self.feeders.iter().any(is_there), "reader {} was named twice: name it once", reader.name);
            let number = self.next_number();
            self.feeders.push(AnyFeeder::Pcsc(PcscFeeder::new(number, reader.name.clone())));
        }
        Ok(())
    }

    #[cfg(not(feature = "pcsc"))]
    fn pcsc(&mut self, part: Option<&str>) -> anyhow::Result<()> {
        anyhow::bail!("pcsc:{}: {}", part.unwrap_or_default(), crate::reader::HOW)
    }
}

impl FromStr for ReaderNames {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sim", path)) if !path.is_empty() => Ok(Self::Folder(path.into())),
            Some(("pcsc", "")) => Ok(Self::AllPcsc),
            Some(("pcsc", part)) => Ok(Self::Pcsc(part.to_owned())),
            _ => {
                Err("expected sim:FOLDER, pcsc:NAME with a part of a reader's name, or pcsc: for all readers"
                    .to_owned())
            }
        }
    }
}

/// A line for each reader that cards are put into by hand: which is which.
impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feeders.iter().filter_map(AnyFeeder::hand_fed).try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl AnyFeeder {
    /// Which reader it is, if cards are put into it by hand.
    fn hand_fed(&self) -> Option<String> {
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "pcsc")]
            Self::Pcsc(feeder) => Some(format!("reader 读卡器 {}: {}", feeder.name(), feeder.reader())),
        }
    }

    fn inner(&mut self) -> &mut dyn Feeder {
        match self {
            Self::Folder(feeder) => feeder,
            #[cfg(feature = "pcsc")]
            Self::Pcsc(feeder) => feeder,
        }
    }
}

impl Feeder for AnyFeeder {
    fn name(&self) -> &str {
        match self {
            Self::Folder(feeder) => feeder.name(),
            #[cfg(feature = "pcsc")]
            Self::Pcsc(feeder) => feeder.name(),
        }
    }

    fn feed(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Fed, String> {
        self.inner().feed(call, wanted)
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        self.inner().tap(work)
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        self.inner().put_away(tray)
    }
}
