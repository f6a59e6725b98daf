//! Where an enterprise's master keys come from: a key file, in clear or sealed, or a PKCS#11 token.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use onecard_host::key_master::{CeremonyKeys, MasterKeySource};
use onecard_station::store::{IssuingStore, RootStore};
use onecard_wire::{key::KeyVersion, number::EnterpriseId};

use crate::{development_keys::DevelopmentKeys, passphrase::PassphraseSource, token::TokenAccess};

/// A store of master keys.
#[derive(Args, Debug)]
pub(crate) struct MasterKeys {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    access: TokenAccess,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct Which {
    /// The key file (密钥文件), in clear or sealed by a ceremony.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The label of a PKCS#11 token (加密机) that a ceremony put the keys into. Needs a program built with --features hsm.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
}

impl MasterKeys {
    /// As what a key master card of `enterprise` is loaded from, by the transport keys of `version`.
    pub(crate) fn to_load_from(
        &self,
        enterprise: EnterpriseId,
        version: KeyVersion,
    ) -> anyhow::Result<Box<dyn MasterKeySource>> {
        match (&self.which.keys, &self.which.token) {
            (Some(path), _) => {
                let keys = DevelopmentKeys::read(path, &self.passphrase)?;
                let keys = CeremonyKeys::new(keys.of_enterprise(), version);
                Ok(Box::new(keys.with_context(|| format!("key file {}", path.display()))?))
            }
            (None, Some(label)) => token_source(label, &self.access, enterprise, version),
            (None, None) => bail!("name the master keys by --keys FILE or --token LABEL 请加--keys或--token"),
        }
    }

    /// As what a station issues from; `None` if none was named. A token holds several enterprises' keys: `enterprise` says which. A
    /// file holds one's.
    pub(crate) fn as_store(&self, enterprise: EnterpriseId) -> anyhow::Result<Option<Box<dyn IssuingStore>>> {
        Ok(Some(match (&self.which.keys, &self.which.token) {
            (Some(path), _) => {
                let DevelopmentKeys { enterprise, roots, .. } = DevelopmentKeys::read(path, &self.passphrase)?;
                Box::new(RootStore::new(roots, enterprise))
            }
            (None, Some(label)) => token(label, &self.access, enterprise)?,
            (None, None) => return Ok(None),
        }))
    }

    /// What opens a sealed key file.
    pub(crate) const fn passphrase(&self) -> &PassphraseSource {
        &self.passphrase
    }
}

#[cfg(feature = "hsm")]
fn token_source(
    label: &str,
    access: &TokenAccess,
    enterprise: EnterpriseId,
    version: KeyVersion,
) -> anyhow::Result<Box<dyn MasterKeySource>> {
    let token = access.open(label, enterprise)?;
    Ok(Box::new(onecard_station::store::TokenSource::new(token, version)))
}

/// The token with this label, for one enterprise's keys.
#[cfg(feature = "hsm")]
pub(crate) fn token(
    label: &str,
    access: &TokenAccess,
    enterprise: EnterpriseId,
) -> anyhow::Result<Box<dyn IssuingStore>> {
    Ok(Box::new(access.open(label, enterprise)?))
}

#[cfg(not(feature = "hsm"))]
fn token_source(
    label: &str,
    _: &TokenAccess,
    _: EnterpriseId,
    _: KeyVersion,
) -> anyhow::Result<Box<dyn MasterKeySource>> {
    crate::token::unknown(label)
}

/// Where the program knows no tokens.
#[cfg(not(feature = "hsm"))]
pub(crate) fn token(label: &str, _: &TokenAccess, _: EnterpriseId) -> anyhow::Result<Box<dyn IssuingStore>> {
    crate::token::unknown(label)
}
