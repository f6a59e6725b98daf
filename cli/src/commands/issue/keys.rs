//! Where a batch's keys are: a key file, opened once, or a PKCS#11 token, whose roots and enterprise keys stay in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_station::{craft::IssuingKeys, profile::Profile, store::RootStore};

use crate::{development_keys::DevelopmentKeys, passphrase::PassphraseSource, token::TokenAccess};

/// The keys of a batch.
#[derive(Args, Debug)]
pub(super) struct KeyPlace {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    access: TokenAccess,
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
}

impl KeyPlace {
    /// Opens them, and sees that they are what the profile means.
    pub(super) fn open(&self, profile: &Profile) -> anyhow::Result<IssuingKeys> {
        match (&self.which.keys, &self.which.token) {
            (Some(file), _) => self.in_file(file, profile),
            (None, Some(label)) => in_token(label, &self.access, profile),
            (None, None) => anyhow::bail!("name the keys by --keys or --token"),
        }
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
