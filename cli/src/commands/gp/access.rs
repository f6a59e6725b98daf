//! How a command gets at the issuer domain: reader, keys, protocol, level.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, ValueEnum};
use onecard_host::{
    globalplatform::{
        Aid, InClear, KeySource, SelectedDomain,
        management::{ManagementError, card_recognition},
        secure_channel::{HostChallenge, Level, OpenError, Request, Session, SessionError, open},
        select_domain,
    },
    transport::Transport,
};
use onecard_wire::{
    globalplatform::{
        key_version,
        secure_channel::{ProtocolId, scp02_option},
    },
    number::EnterpriseId,
};

use super::card_state::OtherState;
use super::key_file;
use crate::{
    development_keys::DevelopmentKeys,
    output::Exit,
    passphrase::PassphraseSource,
    reader::{CardReader, Faults},
    trace::Trace,
};

/// Where the SIM is, and how a session with it is opened.
#[derive(Args, Debug)]
pub(super) struct Access {
    #[command(flatten)]
    pub(super) card: CardReader,
    #[command(flatten)]
    pub(super) channel: Channel,
}

/// How a session is opened.
#[derive(Args, Debug)]
#[command(next_help_heading = "Session (安全通道)")]
#[command(group = ArgGroup::new("session_keys").required(true).multiple(true))]
pub(super) struct Channel {
    /// The development key file that the SIM's keys come from.
    #[arg(long, value_name = "FILE", group = "session_keys")]
    pub(super) keys: Option<PathBuf>,
    #[command(flatten)]
    pub(super) passphrase: PassphraseSource,
    /// A file with the three keys of this very SIM, as its maker gives them: TOML with `protocol`, `version`, `enc`, `mac`, `dek`.
    #[arg(long, value_name = "FILE", group = "session_keys", conflicts_with = "test_keys")]
    key_file: Option<PathBuf>,
    /// The keys that everybody has, 40 41 … 4F, as test SIMs are delivered.
    #[arg(long, group = "session_keys")]
    test_keys: bool,
    /// The secure channel protocol, the only one that is allowed.
    #[arg(long, value_enum, default_value_t = Scp::Three)]
    scp: Scp,
    /// What is protected: 01 commands' MACs, 03 and their data, 11 answers' MACs, 13, 33 everything [default: 33; SCP02: 03].
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Version of the key set, two hexadecimal digits; 00 leaves it to the SIM [default: 30; SCP02: 20].
    #[arg(long, value_name = "VERSION", value_parser = version)]
    key_version: Option<u8>,
    /// Challenges, cryptograms and MACs of 16 bytes (S16 mode of SCP03).
    #[arg(long)]
    s16: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Scp {
    /// SCP02: triple DES
    #[value(name = "02")]
    Two,
    /// SCP03: AES
    #[value(name = "03")]
    Three,
}

/// What a command is about: an application, by either of its names.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Application {
    /// The application of this enterprise (单位代码), 16 digits.
    #[arg(long, value_name = "ID")]
    enterprise: Option<EnterpriseId>,
    /// Its application identifier, in hexadecimal digits.
    #[arg(long, value_name = "AID")]
    aid: Option<Aid>,
}

/// A session that is open, whatever the transport.
pub(super) type OpenSession<'c> = Session<&'c mut dyn Transport>;

/// The card was told to change something and has not answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}; outcome unknown 结果未知: `onecard gp list` and `onecard gp info` show what the SIM has now")]
pub(crate) struct InDoubt(#[source] SessionError);

impl Access {
    /// Opens a session with the issuer domain and has `work` done in it.
    pub(super) fn in_session<R>(
        &self,
        work: impl FnOnce(&mut OpenSession<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let keys = self.channel.key_source()?;
        let place = self.card.place()?;
        let tapped = place.tap_contacts(&Faults::default(), &Trace::new(false), |card| {
            let mut session = self.channel.open(card, &*keys)?;
            work(&mut session)
        });
        tapped?.with_context(|| place.to_string())
    }
}

impl Channel {
    fn open<'c>(&self, card: &'c mut dyn Transport, keys: &dyn KeySource) -> anyhow::Result<OpenSession<'c>> {
        let domain = select_domain(card, &Aid::ISSUER_DOMAIN)?;
        let mut random = rand::rng();
        let challenge = if self.s16 { HostChallenge::draw_s16(&mut random) } else { HostChallenge::draw(&mut random) };
        let level = self.level.unwrap_or(match self.scp {
            Scp::Two => Level::MacEnciphered,
            Scp::Three => Level::Full,
        });
        let scp02_pseudo_random = self.scp == Scp::Two && is_pseudo_random(card, &domain)?;
        let aid = domain.aid;
        let request = Request { keys, level, challenge, domain: Some(aid.as_bytes()), scp02_pseudo_random };
        Ok(open(card, &request)?)
    }

    /// The development keys, where a command needs other keys of them.
    pub(super) fn development_keys(&self) -> anyhow::Result<DevelopmentKeys> {
        let file =
            self.keys.as_deref().context("the operator's keys are needed: name a key file by --keys 请加--keys")?;
        DevelopmentKeys::read(file, &self.passphrase)
    }

    /// The protocol that is allowed.
    pub(super) const fn protocol(&self) -> ProtocolId {
        match self.scp {
            Scp::Two => ProtocolId::SCP02,
            Scp::Three => ProtocolId::SCP03,
        }
    }

    fn key_source(&self) -> anyhow::Result<Box<dyn KeySource>> {
        let protocol = self.protocol();
        let fixed = match (&self.key_file, self.test_keys) {
            (Some(file), _) => key_file::read(file)?,
            (None, true) => key_file::test_keys(protocol, self.version())?,
            (None, false) => return key_file::of_operator(&self.development_keys()?, protocol, self.version()),
        };
        if fixed.protocol() != protocol {
            bail!("the key file is of SCP{:02X}: allow it by --scp {0:02X}", fixed.protocol().0);
        }
        let version = self.key_version.unwrap_or(fixed.version);
        Ok(Box::new(vec![fixed.with_version(version)]))
    }

    fn version(&self) -> u8 {
        self.key_version.unwrap_or(match self.scp {
            Scp::Two => *key_version::SCP02.start(),
            Scp::Three => *key_version::SCP03.start(),
        })
    }
}

impl Application {
    /// Its name.
    pub(super) fn aid(&self) -> anyhow::Result<Aid> {
        let named = self.enterprise.map(Aid::enterprise).or(self.aid);
        named.context("name an application by --enterprise or --aid")
    }
}

/// What an error of a command that changes something leaves: known to be undone, or in doubt.
pub(super) fn changed<R>(result: Result<R, ManagementError>) -> anyhow::Result<R> {
    result.map_err(|error| match error {
        ManagementError::Session(lost @ (SessionError::Exchange(_) | SessionError::Closed(_))) => InDoubt(lost).into(),
        other => other.into(),
    })
}

/// How the process ends by an error of card management, if it is one.
pub(crate) fn exit_of(error: &anyhow::Error) -> Option<Exit> {
    if error.downcast_ref::<InDoubt>().is_some() {
        return Some(Exit::Unknown);
    }
    let refused = matches!(
        error.downcast_ref::<OpenError>(),
        Some(OpenError::InitializeRefused { .. } | OpenError::AuthenticationRefused(_))
    ) || matches!(error.downcast_ref::<ManagementError>(), Some(ManagementError::Refused(_)))
        || error.downcast_ref::<OtherState>().is_some();
    refused.then_some(Exit::NotCommitted)
}

/// Whether the card says of its SCP02 that its challenge is pseudo-random: by its FCI, or by its card data.
fn is_pseudo_random(card: &mut dyn Transport, domain: &SelectedDomain) -> anyhow::Result<bool> {
    let recognition = match &domain.recognition {
        Some(recognition) => Some(recognition.clone()),
        None => card_recognition(&mut InClear(card))?,
    };
    let option = recognition.and_then(|it| it.option(ProtocolId::SCP02.0));
    Ok(option == Some(scp02_option::EXPLICIT_PSEUDO_RANDOM))
}

/// Version of a key set that is to be made for that protocol; sets over the air are of either cipher.
pub(super) fn new_version(version: u8, protocol: ProtocolId) -> anyhow::Result<u8> {
    let (range, name) = match protocol {
        ProtocolId::SCP02 => (key_version::SCP02, "20 to 2F for SCP02 (triple DES)"),
        _ => (key_version::SCP03, "30 to 3F for SCP03 (AES)"),
    };
    if range.contains(&version) || key_version::OVER_THE_AIR.contains(&version) {
        return Ok(version);
    }
    bail!("no key set has version {version:02X} 密钥版本不符: give --version {name}, or 01 to 0F for keys over the air")
}

/// Version of a key set.
pub(super) fn version(text: &str) -> Result<u8, String> {
    let byte = (text.len() == 2).then(|| u8::from_str_radix(text, 16).ok()).flatten();
    byte.filter(|byte| *byte <= key_version::MAX).ok_or_else(|| "expected two hexadecimal digits, 00 to 7F".to_owned())
}
