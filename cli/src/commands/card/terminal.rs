//! What access and attendance terminals share: card, SAM, journal of events, clock, deny list.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_host::presence::{DenyList, EventFile, Site, Tap};
use onecard_wire::number::EnterpriseId;
use rand::RngExt;

use crate::{
    args::{At, Enterprise, SamSource},
    development_keys::KEY_VERSION,
    list_source::ListSource,
    passphrase::PassphraseSource,
    private_file,
    reader::CardReader,
    terminal_sam::TerminalSam,
    trace::{Trace, TraceOption},
};

const DENY_LIST: &str = "deny list";

/// A terminal that lets in or clocks, and the card presented to it.
#[derive(Args, Debug)]
pub(super) struct PresenceTerminal {
    #[command(flatten)]
    pub(super) card: CardReader,
    /// The terminal's SAM: sim:FILE, pcsc:NAME, or keys:FILE for a development key file.
    #[arg(long, value_name = "SAM")]
    sam: SamSource,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    /// The terminal's journal of events, which counts [default: name of the card's file, or of
    /// the reader in this folder, with .events].
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Cards and access rights that were taken back; `card rights clear` writes it [default: none].
    #[arg(long, value_name = "FILE")]
    deny_list: Option<PathBuf>,
    #[command(flatten)]
    pub(super) list: ListSource,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    trace: TraceOption,
}

impl PresenceTerminal {
    /// Collects what --trace and --trace-file ask for.
    pub(super) fn new_trace(&self) -> anyhow::Result<Trace> {
        self.trace.begin()
    }

    /// The SAM.
    pub(super) fn open_sam(&self, trace: &Trace) -> anyhow::Result<TerminalSam> {
        TerminalSam::open(&self.sam, &self.passphrase, self.enterprise.enterprise, trace)
    }

    /// The journal; none is begun for a card that is not there.
    pub(super) fn open_journal(&self) -> anyhow::Result<EventFile> {
        self.card.look()?;
        let path = self.journal.clone().map_or_else(|| self.card.file_with(".events"), Ok)?;
        private_file::create_if_missing(&path, "journal of events")?;
        Ok(EventFile::open(&path)?)
    }

    /// What the terminal knows of `enterprise`.
    pub(super) fn site(&self, enterprise: EnterpriseId) -> anyhow::Result<Site> {
        let deny_list = match &self.deny_list {
            Some(path) => read_deny_list(path)?.with_context(|| {
                format!("there is no {DENY_LIST} {}: fetch it from the service desk", path.display())
            })?,
            None => DenyList::new(),
        };
        Ok(Site { enterprise, key_versions: vec![KEY_VERSION], deny_list })
    }

    /// This presentation of the card.
    pub(super) fn tap(&self) -> anyhow::Result<Tap> {
        Ok(Tap { at: self.at.moment()?, challenge: rand::rng().random() })
    }
}

/// Changes the deny list at `path`, or begins it.
pub(super) fn change_deny_list(path: &Path, change: impl FnOnce(&mut DenyList)) -> anyhow::Result<()> {
    let before = read_deny_list(path)?;
    let mut list = before.clone().unwrap_or_default();
    change(&mut list);
    if before.as_ref() == Some(&list) {
        return Ok(());
    }
    let text = serde_json::to_string(&list).context("the deny list cannot be written as JSON")?;
    private_file::replace(path, DENY_LIST, &text)
}

/// The deny list at `path`, if there is one.
pub(super) fn read_deny_list(path: &Path) -> anyhow::Result<Option<DenyList>> {
    private_file::read_json(path, DENY_LIST)
}
