//! What `--sam` names: a SAM's chip in a slot, or a development key file from which this program does a SAM's work.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use onecard_host::{
    blacklist::ListVersion,
    sam::{
        AuthenticationUse, CardFactors, Cryptogram, Levels, LineKeyUse, PsamCard, Sam, SamError, SamOrder, SoftwareSam,
        SoftwareSamState,
    },
    terminal::IssuerKeys,
    trace::{Exchange, Traced},
    transport::{Transport, TransportError},
};
use onecard_simulator::chip::Kind;
use onecard_wire::{
    amount::Amount,
    key::KeyVersion,
    number::{EnterpriseId, TerminalNumber},
    sam::InitSamAnswer,
};

use crate::{
    args::SamSource,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    passphrase::PassphraseSource,
    private_file,
    reader::ReaderName,
    trace::{Peer, Trace},
};

/// Terminal number of the SAM that a key file stands for.
pub(crate) const KEY_FILE_TERMINAL: TerminalNumber = TerminalNumber([0x99, 0x99, 0x99, 0x99, 0x99, 0x99]);

/// A terminal's SAM.
pub(crate) struct TerminalSam {
    /// Whose cards it serves.
    pub(crate) enterprise: EnterpriseId,
    /// The TAC keys, if a key file was named: then the issuer is at hand.
    pub(crate) issuer: Option<IssuerKeys>,
    keeper: Keeper,
}

enum Keeper {
    Slot(Box<PsamCard<Slot>>),
    KeyFile(Box<KeyFileSam>),
}

/// A SAM in whatever reader, and where its exchanges go.
type Slot = Traced<Box<dyn Transport>, Box<dyn FnMut(&Exchange)>>;

impl TerminalSam {
    /// Opens what `source` names; `enterprise` is for a SAM's chip, a key file knows its own.
    pub(crate) fn open(
        source: &SamSource,
        passphrase: &PassphraseSource,
        enterprise: EnterpriseId,
        trace: &Trace,
    ) -> anyhow::Result<Self> {
        match source {
            SamSource::Slot(reader) => {
                let slot = open_slot(reader, enterprise, trace)?;
                Ok(Self { enterprise, issuer: None, keeper: Keeper::Slot(Box::new(slot)) })
            }
            SamSource::Keys(path) => {
                let (keys, file) = DevelopmentKeys::open(path, passphrase)?;
                let (enterprise, issuer) = (keys.enterprise, Some(keys.issuer()));
                let sam = KeyFileSam::open(&keys, path, file)?;
                Ok(Self { enterprise, issuer, keeper: Keeper::KeyFile(Box::new(sam)) })
            }
        }
    }

    /// The SAM at work.
    pub(crate) fn sam(&mut self) -> &mut dyn Sam {
        match &mut self.keeper {
            Keeper::Slot(psam) => psam.as_mut(),
            Keeper::KeyFile(software) => software.as_mut(),
        }
    }
}

/// The SAM that `source` names, for as long as the program wants and without a trace: threads may share it.
pub(crate) fn untraced(
    source: &SamSource,
    passphrase: &PassphraseSource,
    enterprise: EnterpriseId,
) -> anyhow::Result<Box<dyn Sam + Send>> {
    match source {
        SamSource::Slot(reader) => {
            let place = reader.place()?;
            let slot = place.inserted(Some(Kind::Sam))?;
            let sam = PsamCard::open(slot, enterprise, Levels::Serial, KEY_VERSION)
                .with_context(|| format!("SAM {place} has no application of enterprise {enterprise}"))?;
            Ok(Box::new(sam.with_listed_algorithms().with_context(|| format!("SAM {place}"))?))
        }
        SamSource::Keys(path) => {
            let (keys, file) = DevelopmentKeys::open(path, passphrase)?;
            let its = keys.enterprise;
            ensure!(its == enterprise, "the issuing SAM is of enterprise {its}, and the profile is of {enterprise}");
            Ok(Box::new(KeyFileSam::open(&keys, path, file)?))
        }
    }
}

/// The SAM in `reader`, its application selected.
fn open_slot(reader: &ReaderName, enterprise: EnterpriseId, trace: &Trace) -> anyhow::Result<PsamCard<Slot>> {
    let place = reader.place()?;
    let slot: Slot = Traced::new(place.connect(Peer::Sam, trace)?, Box::new(trace.sink(Peer::Sam)));
    let sam = PsamCard::open(slot, enterprise, Levels::Serial, KEY_VERSION)
        .with_context(|| format!("SAM {place} has no application of enterprise {enterprise}"))?;
    sam.with_listed_algorithms().with_context(|| format!("SAM {place}"))
}

/// A software SAM whose state is in a file beside its keys, stored before anything made with it is used.
struct KeyFileSam {
    software: SoftwareSam,
    state_file: PathBuf,
    /// Locked while in use: two SAMs of one state would use a sequence twice.
    _keys: File,
}

impl KeyFileSam {
    fn open(keys: &DevelopmentKeys, path: &Path, file: File) -> anyhow::Result<Self> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("key file {} is in use by another terminal", path.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("key file {} cannot be locked", path.display()));
            }
        }
        let mut state_file = path.as_os_str().to_owned();
        state_file.push(".sam");
        let state_file = PathBuf::from(state_file);
        let state = read_state(&state_file)?;
        Ok(Self { software: SoftwareSam::new(keys.of_enterprise(), KEY_VERSION, state), state_file, _keys: file })
    }

    /// Does `work`, then makes the new state durable before its result is told.
    fn durably<R>(&mut self, work: impl FnOnce(&mut SoftwareSam) -> Result<R, SamError>) -> Result<R, SamError> {
        let before = self.software.state().clone();
        let result = work(&mut self.software);
        if *self.software.state() != before {
            write_state(&self.state_file, self.software.state())
                .map_err(|error| TransportError::Reader(format!("{error:#}")))?;
        }
        result
    }
}

impl Sam for KeyFileSam {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        self.software.terminal()
    }

    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.durably(|sam| sam.initialize_purchase(order))
    }

    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.durably(|sam| sam.credit_purchase(mac2))
    }

    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.durably(|sam| sam.initialize_undo(order))
    }

    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.durably(|sam| sam.credit_undo(mac2))
    }

    fn check_past_purchase(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.durably(|sam| sam.check_past_purchase(order, terminal_sequence, mac2))
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        self.durably(|sam| sam.load(order, old_balance, mac1))
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        self.durably(|sam| sam.check_load(order, terminal, old_balance, mac1))
    }

    fn random(&mut self) -> Result<[u8; 4], SamError> {
        self.durably(SoftwareSam::random)
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.software.maintenance_mac(card, initial, message)
    }

    fn placed_mac(
        &mut self,
        card: CardFactors,
        version: KeyVersion,
        place: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.software.placed_mac(card, version, place, message)
    }

    fn sam_maintenance_mac(
        &mut self,
        factor: [u8; 8],
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.software.sam_maintenance_mac(factor, version, initial, message)
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        self.software.authentication(card, usage, version, challenge)
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.software.line_mac(card, usage, version, initial, message)
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        self.software.marking_versions()
    }

    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.software.mark(card, key, challenge, list)
    }
}

fn read_state(path: &Path) -> anyhow::Result<SoftwareSamState> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(SoftwareSamState {
                terminal: KEY_FILE_TERMINAL,
                next_sequence: 0,
                load_limit_fen: u32::MAX,
                last_load: None,
                last_purchase: None,
                randoms_made: 0,
            });
        }
        Err(error) => return Err(error).with_context(|| format!("SAM state {} cannot be read", path.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("SAM state {} is damaged", path.display()))
}

fn write_state(path: &Path, state: &SoftwareSamState) -> anyhow::Result<()> {
    let text = serde_json::to_string(state).context("the SAM's state cannot be written as JSON")?;
    private_file::replace(path, "SAM state", &text)
}
