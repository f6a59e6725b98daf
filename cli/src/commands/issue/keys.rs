//! Where a batch's keys are: a key file, opened once; a PKCS#11 token, whose roots and enterprise keys stay in it; or a key master
//! card, which gives away bodies of WRITE KEY alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_station::{
    craft::{IssuingKeys, WashingKeys},
    profile::{Kind, Profile},
    store::RootStore,
};

use crate::{
    args::SamSource,
    development_keys::DevelopmentKeys,
    key_master_card::{LastTryOption, Opening},
    passphrase::PassphraseSource,
    reader::ReaderName,
    terminal_sam,
    token::TokenAccess,
};

/// The keys of a batch.
#[derive(Args, Debug)]
pub(super) struct KeyPlace {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    access: TokenAccess,
    #[command(flatten)]
    beside: Beside,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The key file, in clear for development, or sealed by a passphrase.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The label of a PKCS#11 token (加密机) that the ceremony's roots are in. Needs a program built with --features hsm.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
    /// Reader of the enterprise's key master card (密钥母卡): pcsc:NAME or sim:FILE. The cards have had the operator's wash
    /// (一次洗卡), and come in the order of their numbers.
    #[arg(long, value_name = "READER", requires_all = ["mother", "sam"])]
    master: Option<ReaderName>,
}

/// What a key master card needs beside it.
#[derive(Args, Debug)]
struct Beside {
    /// Reader of its mother authentication card (母卡认证卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER", requires = "master")]
    mother: Option<ReaderName>,
    /// File with the key master card's PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE", requires = "master")]
    master_pin_file: Option<PathBuf>,
    #[command(flatten)]
    last_try: LastTryOption,
    /// The issuing SAM (发卡SAM), which makes the MACs of contents and checks each card: pcsc:NAME, sim:FILE, or keys:FILE.
    #[arg(long, value_name = "SAM", requires = "master")]
    sam: Option<SamSource>,
}

/// They are open.
pub(super) enum Keys<'k> {
    /// Whole cards are made of them.
    Issuing(IssuingKeys),
    /// Second washes are.
    Washing(WashingKeys<'k>),
}

impl KeyPlace {
    /// Opens them, sees that they are what the profile means, and lends them to `work`.
    pub(super) fn with<R>(
        &self,
        profile: &Profile,
        work: impl FnOnce(&Keys<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        match (&self.which.keys, &self.which.token, &self.which.master) {
            (Some(file), _, _) => work(&Keys::Issuing(self.in_file(file, profile)?)),
            (None, Some(label), _) => work(&Keys::Issuing(in_token(label, &self.access, profile)?)),
            (None, None, Some(master)) => self.in_master_card(master, profile, work),
            (None, None, None) => anyhow::bail!("name the keys by --keys, --token or --master"),
        }
    }

    /// Whether they come from a key master card.
    pub(super) const fn are_in_master_card(&self) -> bool {
        self.which.master.is_some()
    }

    fn in_master_card<R>(
        &self,
        master: &ReaderName,
        profile: &Profile,
        work: impl FnOnce(&Keys<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        ensure!(
            !matches!(profile.kind, Kind::Sam(_)),
            "a batch of SAMs needs the keys themselves, by --keys, since no issuing SAM makes the MACs of a new SAM's files: with a key \
             master card wash them one by one, `onecard wash second sam` 密钥母卡不能批量发SAM卡"
        );
        let Beside { mother, master_pin_file, last_try, sam } = &self.beside;
        let (mother, sam) = mother.as_ref().zip(sam.as_ref()).context("--master needs --mother and --sam")?;
        let (pin_file, last) = (master_pin_file.as_deref(), last_try.of_host());
        let opening = Opening { master, mother, pin_file, pin_option: "--master-pin-file", last };
        opening.with_open(|card| {
            let place = format!("key master card {}", card.number());
            let sam = terminal_sam::untraced(sam, &self.passphrase, profile.enterprise)?;
            let keys = WashingKeys::new(card, sam, profile).context(place)?;
            work(&Keys::Washing(keys))
        })
    }
    fn in_file(&self, file: &Path, profile: &Profile) -> anyhow::Result<IssuingKeys> {
        let DevelopmentKeys { enterprise, roots, .. } = DevelopmentKeys::read(file, &self.passphrase)?;
        ensure!(
            enterprise == profile.enterprise,
            "the profile is of enterprise {}, the keys {} are of {enterprise}: name the files of one enterprise",
            profile.enterprise,
            file.display(),
        );
        let store = Box::new(RootStore::new(roots, enterprise));
        IssuingKeys::new(store, profile).with_context(|| format!("keys {}", file.display()))
    }
}

#[cfg(feature = "hsm")]
fn in_token(label: &str, access: &TokenAccess, profile: &Profile) -> anyhow::Result<IssuingKeys> {
    use onecard_station::craft::OtherKeys;

    let token = access.open(label, profile.enterprise)?;
    let place = token.place();
    IssuingKeys::new(Box::new(token), profile).map_err(|error| match error {
        OtherKeys::Missing(missing) => anyhow::anyhow!(
            "{place}: no {:?} key of version {:02X} is in it for enterprise {}. No token has SM4 keys; triple DES keys it has of the \
             one enterprise they were put in for by `onecard ceremony combine --token` 令牌中无此密钥",
            missing.purpose,
            missing.version.0,
            profile.enterprise
        ),
        other => anyhow::Error::from(other).context(place),
    })
}

#[cfg(not(feature = "hsm"))]
fn in_token(label: &str, _: &TokenAccess, _: &Profile) -> anyhow::Result<IssuingKeys> {
    crate::token::unknown(label)
}
