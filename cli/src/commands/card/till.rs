//! What the terminal commands share: card, SAM, journal, order number.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{SelectError, Selected, select},
    terminal::{
        DeskApprover, DeskKeys, IssuerKeys, JournalFile, OrderNumber, StoreError, Tap, TokenStore, Transaction,
        WithIssuer,
    },
};
use onecard_wire::{aid, number::EnterpriseId};
use rand::rngs::ThreadRng;
use serde::Serialize;

use crate::{
    args::{At, Enterprise, SamSource},
    development_keys::{DevelopmentKeys, KEY_VERSION},
    ending::{Ending, TapEnding},
    journal,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::{CardReader, Faults, tap},
    terminal_sam::{KEY_FILE_TERMINAL, TerminalSam},
    trace::{Trace, TraceLine, TraceOption},
};

/// A terminal and the card presented to it.
#[derive(Args, Debug)]
pub(crate) struct Till {
    #[command(flatten)]
    pub(super) card: CardReader,
    /// The terminal's SAM: sim:FILE, pcsc:NAME, or keys:FILE for a development key file.
    #[arg(long, value_name = "SAM")]
    pub(super) sam: SamSource,
    #[command(flatten)]
    pub(super) passphrase: PassphraseSource,
    #[command(flatten)]
    pub(super) enterprise: Enterprise,
    /// The terminal's journal, which remembers what is in doubt [default: name of the card's
    /// file, or of the reader in this folder, with .journal].
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    pub(super) at: At,
    #[command(flatten)]
    trace: TraceOption,
}

impl Till {
    /// Collects what --trace and --trace-file ask for.
    pub(super) fn new_trace(&self) -> anyhow::Result<Trace> {
        self.trace.begin()
    }

    /// The SAM.
    pub(super) fn open_sam(&self, trace: &Trace) -> anyhow::Result<TerminalSam> {
        TerminalSam::open(&self.sam, &self.passphrase, self.enterprise.enterprise, trace)
    }

    /// A service desk's keys, which no SAM of this program holds.
    pub(super) fn open_desk(&self) -> anyhow::Result<DeskWithKeys> {
        match &self.sam {
            SamSource::Keys(path) => DeskWithKeys::open(path, &self.passphrase),
            SamSource::Slot(_) => anyhow::bail!("unload and overdraft keys are on no SAM: give --sam keys:FILE"),
        }
    }

    /// The journal; none is begun for a card that is not there.
    pub(super) fn open_journal(&self) -> anyhow::Result<JournalFile> {
        self.card.look()?;
        journal::open(&self.journal_file()?)
    }

    /// The order number asked for, or one that this terminal has not used.
    pub(super) fn order_number(&self, asked: Option<u64>, journal: &JournalFile) -> anyhow::Result<OrderNumber> {
        journal::order_number(asked, journal, &self.journal_file()?)
    }

    /// What the card on the reader tells before anything is begun.
    pub(super) fn select(&self, enterprise: EnterpriseId) -> anyhow::Result<Result<Selected, SelectError>> {
        let name = aid::enterprise_application(enterprise);
        tap(&self.card, &Faults::default(), &Trace::new(false), |card| select(card, &name))
    }

    /// What the journal has under the order number asked for: the order is presented again.
    pub(super) fn known(asked: Option<u64>, journal: &JournalFile) -> anyhow::Result<Option<Transaction>> {
        let Some(number) = asked.map(OrderNumber) else { return Ok(None) };
        if let Some(record) = journal.committed(number)? {
            return Ok(Some(record.transaction));
        }
        let pending = journal.pending()?.into_iter().map(|token| token.transaction);
        Ok(pending.into_iter().find(|transaction| transaction.order == number))
    }

    /// The journal of a card that may be gone.
    pub(super) fn open_existing_journal(&self) -> anyhow::Result<JournalFile> {
        let path = self.journal_file()?;
        anyhow::ensure!(path.exists(), "there is no journal {}: name it by --journal", path.display());
        journal::open(&path)
    }

    /// Where the journal is.
    pub(super) fn journal_file(&self) -> anyhow::Result<PathBuf> {
        self.journal.clone().map_or_else(|| self.card.file_with(".journal"), Ok)
    }
}

/// A desk that has the development keys of its enterprise.
pub(super) struct DeskWithKeys {
    pub(super) enterprise: EnterpriseId,
    keys: DeskKeys<ThreadRng>,
    issuer: IssuerKeys,
}

impl DeskWithKeys {
    /// From the key file at `path`.
    pub(super) fn open(path: &Path, passphrase: &PassphraseSource) -> anyhow::Result<Self> {
        let keys = DevelopmentKeys::read(path, passphrase)?;
        let of_desk = DeskKeys::new(keys.of_enterprise(), KEY_VERSION, KEY_FILE_TERMINAL, rand::rng());
        Ok(Self { enterprise: keys.enterprise, keys: of_desk, issuer: keys.issuer() })
    }

    /// The desk at work, its issuer at hand: an overdraft update is proved by its TAC alone.
    pub(super) fn approver(&mut self) -> impl DeskApprover {
        WithIssuer { witness: &mut self.keys, issuer: &mut self.issuer }
    }
}

/// The tap, or an error that names the order.
pub(super) fn of_order(number: OrderNumber, tap: anyhow::Result<Result<Tap, StoreError>>) -> anyhow::Result<Tap> {
    let tap = tap.and_then(|tap| Ok(tap?));
    tap.with_context(|| format!("order {number}"))
}

/// What the commands that move money print.
#[derive(Serialize)]
pub(super) struct TillEnding {
    order: u64,
    #[serde(flatten)]
    tap: TapEnding,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

impl TillEnding {
    pub(super) fn output(
        schema: &'static str,
        order: OrderNumber,
        tap: TapEnding,
        trace: &Trace,
    ) -> anyhow::Result<Output> {
        let exit = match tap.ending.exit() {
            // An earlier transaction is still open: that, and not this order, has to be looked after.
            Exit::NotCommitted if tap.earlier.iter().any(|earlier| earlier.ending.exit() == Exit::Unknown) => {
                Exit::Unknown
            }
            exit => exit,
        };
        Output::new(schema, exit, &Self { order: order.0, tap, trace: trace.take() })
    }
}

impl fmt::Display for TillEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        self.tap.fmt(f)?;
        match &self.tap.ending {
            Ending::Unknown { .. } => {
                writeln!(f, "Then: the same command with --order {}, or `onecard card resolve`.", self.order)
            }
            _ => Ok(()),
        }
    }
}
