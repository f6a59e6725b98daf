//! A reader whose cards are chips in the files of a folder: a stand-in for a card feeder.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, ensure};
use onecard_host::transport::Transport;
use onecard_simulator::{
    chip::{Chip, Kind},
    image_file::Durability,
    paced::{Link, Paced},
    reader::{Interface, Reader},
};
use onecard_station::batch::{Call, Fed, Feeder, NoTap, Tray};

/// The cards that several readers share.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    cards: Mutex<VecDeque<PathBuf>>,
}

/// One reader of it.
#[derive(Debug)]
pub(super) struct FolderFeeder {
    name: String,
    folder: Arc<Folder>,
    card: Option<PathBuf>,
    kind: Kind,
    /// As slow as this link.
    link: Option<Link>,
    full: bool,
}

/// The tray of cards that are left alone.
const NOT_OURS: &str = "not-ours";

impl Folder {
    /// The files in `path`, in the order of their names.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("folder of cards {}", path.display());
        ensure!(path.is_dir(), "{} is not there: put blank cards into it by `onecard issue blanks`", name());
        let mut cards: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).with_context(name)? {
            let entry = entry.with_context(name)?;
            if entry.file_type().with_context(name)?.is_file() {
                cards.push(entry.path());
            }
        }
        cards.sort();
        Ok(Self { path: path.to_path_buf(), cards: Mutex::new(cards.into()) })
    }

    /// How many cards are in it, with those that were left alone: they were handed out too, and nothing was made of them.
    pub(super) fn left(&self) -> u64 {
        let left_alone = fs::read_dir(self.path.join(NOT_OURS)).map_or(0, |entries| entries.flatten().count());
        (self.cards().len() + left_alone) as u64
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, VecDeque<PathBuf>> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FolderFeeder {
    /// A reader for cards of `kind`.
    pub(super) fn new(name: String, folder: Arc<Folder>, kind: Kind, link: Option<Link>) -> Self {
        Self { name, folder, card: None, kind, link, full: false }
    }

    fn move_to(&mut self, tray: &str, file: &str) -> Result<(), String> {
        let Some(card) = self.card.take() else { return Err("no card is in the reader".to_owned()) };
        let tray = self.folder.path.join(tray);
        let moved = fs::create_dir_all(&tray).and_then(|()| fs::rename(&card, free_name(&tray, file)));
        moved.map_err(|error| format!("{} cannot be put into {}: {error}", card.display(), tray.display()))
    }

    fn file_name(&self) -> String {
        let name = self.card.as_deref().and_then(Path::file_name);
        name.map_or_else(|| "card".to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

impl Feeder for FolderFeeder {
    fn name(&self) -> &str {
        &self.name
    }

    fn feed(&mut self, _: &Call, _: &dyn Fn() -> bool) -> Result<Fed, String> {
        if self.card.is_none() && !self.full {
            self.card = self.folder.cards().pop_front();
        }
        Ok(if self.card.is_some() { Fed::Card } else { Fed::Empty })
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        let path = self.card.as_ref().ok_or_else(|| NoTap::Reader("no card is in the reader".to_owned()))?;
        let chip = Chip::open(path, Durability::ProcessKill).map_err(|error| NoTap::OtherKind(error.to_string()))?;
        if chip.kind() != self.kind {
            return Err(NoTap::OtherKind(format!("{} is a chip of another kind", path.display())));
        }
        let mut reader = Reader::insert_at(chip, interface_of(self.kind));
        match self.link {
            Some(link) => work(&mut Paced::new(&mut reader, link)),
            None => work(&mut reader),
        }
        match reader.remove().failure() {
            Some(failure) => Err(NoTap::Reader(failure.to_string())),
            None => Ok(()),
        }
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        match tray {
            Tray::Good { serial } => self.move_to("good", &format!("{serial}.card")),
            Tray::Bad => self.move_to("bad", &self.file_name()),
            Tray::NotOurs => self.move_to(NOT_OURS, &self.file_name()),
            Tray::Stock => {
                self.full = true;
                self.folder.cards().extend(self.card.take());
                Ok(())
            }
        }
    }
}

/// Where a station's reader has a chip: a SIM at its contacts.
pub(super) const fn interface_of(kind: Kind) -> Interface {
    match kind {
        Kind::RfidSim => Interface::Contact,
        _ => Interface::Radio,
    }
}

/// Nothing is put over another card.
fn free_name(tray: &Path, file: &str) -> PathBuf {
    let plain = tray.join(file);
    if !plain.exists() {
        return plain;
    }
    (2_u32..).map(|number| tray.join(format!("{file}.{number}"))).find(|path| !path.exists()).unwrap_or(plain)
}
